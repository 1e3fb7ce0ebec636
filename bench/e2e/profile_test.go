package e2e

import (
	"bytes"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func spin(until time.Time) (n int) {
	for time.Now().Before(until) {
		n++
	}
	return n
}

func TestAProfileOfTheRuntimeIsRead(t *testing.T) {
	var p *profile
	for range 20 { // a busy machine may give us next to nothing
		var b bytes.Buffer
		require.NoError(t, pprof.StartCPUProfile(&b))
		spin(time.Now().Add(200 * time.Millisecond))
		pprof.StopCPUProfile()
		var err error
		p, err = readProfile(b.Bytes())
		require.NoError(t, err)
		if p.total > 0 {
			break
		}
	}
	require.Positive(t, p.total)
	var sum int64
	for _, ns := range p.flat {
		sum += ns
	}
	require.Equal(t, p.total, sum)
	require.Len(t, p.entries, len(p.flat))

	_, err := readProfile([]byte("<html>"))
	require.ErrorIs(t, err, errProfile)
}

func TestAProfileIsJudgedByItsStacks(t *testing.T) {
	p := &profile{flat: map[string]int64{}}
	p.add([]string{"main.work", "main.main"}, 60)
	p.add([]string{"runtime.scanobject", "runtime.gcDrain", "runtime.gcBgMarkWorker"}, 10)
	p.add([]string{"runtime.mallocgc", "runtime.gcAssistAlloc", "main.work"}, 10)
	p.add([]string{"runtime.lock2", "runtime.chansend"}, 20)
	p.sorted()
	require.Equal(t, []string{"main.work", "runtime.lock2"}, p.entries[:2])
	require.InDelta(t, 20, p.collecting(), 0.01)
	place, share, name := p.contention()
	require.Equal(t, 2, place)
	require.InDelta(t, 20, share, 0.01)
	require.Equal(t, "runtime.lock2", name)
}
