package hostile

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// knob is a number from the environment, else what continuous integration uses.
func knob(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	require.Positive(t, n, name)
	return n
}

var goroutineTotal = regexp.MustCompile(`goroutine profile: total (\d+)`)

// goroutines is how many the process has.
func goroutines(t testing.TB, p *rig.Process) int {
	t.Helper()
	profile := rig.Must(t, 200, "GET", "http://"+p.Addr("admin")+"/debug/pprof/goroutine?debug=1", rig.Operator, "")
	m := goroutineTotal.FindSubmatch(profile.Body)
	require.NotNil(t, m)
	n, err := strconv.Atoi(string(m[1]))
	require.NoError(t, err)
	return n
}

// slack is how many goroutines may come and go by themselves.
const slack = 30

// rests waits until the process has no more goroutines than it had.
func rests(t testing.TB, p *rig.Process, base int) {
	t.Helper()
	n := 0
	for range rig.Poll(40 * time.Second) {
		if n = goroutines(t, p); n <= base+slack {
			return
		}
	}
	require.LessOrEqual(t, n, base+slack, "goroutines outlive the attack")
}

var residentLine = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident is how much memory the process has, in bytes; 0 where nobody tells.
func resident(t testing.TB, p *rig.Process) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	require.NoError(t, err)
	m := residentLine.FindSubmatch(status)
	require.NotNil(t, m)
	kb, err := strconv.Atoi(string(m[1]))
	require.NoError(t, err)
	return kb << 10
}

const mega = 1 << 20

// from connects to an address out of one of loopback's many, so that bounds by
// address can be reached one by one.
func from(host, to string) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}}
	return d.Dial("tcp", to)
}
