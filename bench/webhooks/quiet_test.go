package webhooks

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// town is a machine whose other programs use a share of it.
type town struct {
	now    time.Time
	others float64 // s used so far
}

func (c *town) pass(d time.Duration, share float64) {
	c.now = c.now.Add(d)
	c.others += share * d.Seconds() * float64(runtime.NumCPU())
}

func (c *town) used(context.Context) (usage, error) {
	return usage{at: c.now, busy: c.others, known: true}, nil
}

func TestWhatOthersDisturbIsMeasuredAgainWhileThereIsTime(t *testing.T) {
	town := &town{now: time.Unix(1000, 0)}
	q := &quiet{used: town.used, spare: 25 * time.Second, pause: 1, tell: func(string, ...any) {}}
	shares := []float64{0.5, 0.2, 0.01}
	n := 0
	require.NoError(t, q.during(t.Context(), func() error {
		town.pass(10*time.Second, shares[n])
		n++
		return nil
	}))
	require.Equal(t, 3, n)
	require.Equal(t, Quiet{Known: true, Others: q.report().Others, Most: q.report().Most, Kept: 1, Again: 2}, q.report())
	require.InDelta(t, 0.01, q.report().Most, 1e-9)

	shares, n = []float64{0.5, 0.5, 0.5}, 0
	require.NoError(t, q.during(t.Context(), func() error {
		town.pass(10*time.Second, shares[n])
		n++
		return nil
	}))
	require.Equal(t, 2, n, "five seconds were left: once more, and then it is kept")
	require.Equal(t, 1, q.report().Disturbed)
	require.InDelta(t, 0.5, q.report().Most, 1e-9)
	require.InDelta(t, 0.255, q.report().Others, 1e-9)
}

func TestWithoutTimeToSpareEverythingIsKept(t *testing.T) {
	town := &town{now: time.Unix(1000, 0)}
	q := &quiet{used: town.used, pause: time.Hour}
	require.NoError(t, q.during(t.Context(), func() error { town.pass(time.Second, 0.9); return nil }))
	require.Equal(t, 1, q.report().Disturbed)
	failure := errors.New("lost")
	require.ErrorIs(t, q.during(t.Context(), func() error { return failure }), failure)
}

func TestWaitingForQuietEnds(t *testing.T) {
	town := &town{now: time.Unix(1000, 0)}
	looks := 0
	q := &quiet{spare: 10, pause: 1, used: func(ctx context.Context) (usage, error) {
		looks++
		town.pass(time.Second, 1) // never quiet
		return town.used(ctx)
	}}
	require.NoError(t, q.wait(t.Context()))
	require.Equal(t, 20, looks)

	q.spare, q.pause = time.Hour, time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, q.wait(ctx), context.Canceled)
}

func TestNeighboursAreWhatIsNotOurs(t *testing.T) {
	cores := float64(runtime.NumCPU())
	before := usage{at: time.Unix(1000, 0), busy: 100, ours: 10, known: true}
	after := usage{at: time.Unix(1010, 0), busy: 100 + 6*cores, ours: 10 + 4*cores, known: true}
	share, known := after.others(before)
	require.True(t, known)
	require.InDelta(t, 0.2, share, 1e-9)

	_, known = usage{}.others(before)
	require.False(t, known, "there is no /proc everywhere")

	after.busy = before.busy // the two are not read at the same time
	share, known = after.others(before)
	require.True(t, known)
	require.Zero(t, share)
}
