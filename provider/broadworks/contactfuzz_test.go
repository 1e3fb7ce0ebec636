package broadworks

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/provider"
	"offhook/provider/broadworks/samples"
)

// settler settles everything at once and keeps the last of it.
type settler struct {
	user string
	ev   *engine.Event
	n    int
}

func (k *settler) Deliver(user string, ev *engine.Event, r provider.Receipt) {
	k.user, k.ev = user, ev
	k.n++
	r.Settle()
}

func (*settler) Resync(string) {}

// Whatever is POSTed is answered, in words the platform knows, hands over at
// most what was waiting and itself, and leaves nothing behind.
func FuzzPosted(f *testing.F) {
	f.Add([]byte(event("e1", "sub0", "1", "", snapshotType, "")))
	f.Add([]byte(event("e2", "sub0", "4", "", callType, alertingCall)))
	f.Add([]byte(event("e3", "sub1", "2147483647", "user1@example.com", callType, alertingCall)))
	f.Add([]byte(event("", "sub1", "x", "", "SubscriptionTerminatedEvent", "")))
	f.Add([]byte(event("e4", "lost", "1", "user0@example.com", "NoveltyEvent", "")))
	f.Add([]byte(terminated("Expired")))
	f.Add([]byte(samples.LongEvent))
	f.Add([]byte(received[:len(received)/2]))
	files, err := filepath.Glob("testdata/captures/*.xml")
	require.NoError(f, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(b)
		f.Add([]byte(strings.ReplaceAll(string(b), "subscriptionId>subscriptionId<", "subscriptionId>sub0<")))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		k := &settler{}
		p := contactProvider(t, k, func(c *Config) { c.GapWait, c.Answer = time.Millisecond, time.Minute })
		p.believe(2)
		before := string(body)
		status := p.Take(body)
		require.Equal(t, before, string(body), "the document is the caller's")
		switch status {
		case http.StatusOK, http.StatusBadRequest, http.StatusNotFound:
		default:
			require.Fail(t, "an answer nobody knows", "%d", status)
		}
		require.LessOrEqual(t, k.n, 1)
		if k.n == 1 {
			require.Equal(t, http.StatusOK, status)
			require.Contains(t, []string{"user0@example.com", "user1@example.com"}, k.user)
		}
		again := p.Take(body)
		require.LessOrEqual(t, k.n, 2)
		if k.n == 1 && k.ev.ID != "" {
			require.Equal(t, status, again, "what came twice is answered the same")
		}
		require.Zero(t, p.contact.taking.Load())
		require.Zero(t, p.contact.earlyCount)
		// Whatever that was, events go on.
		p.claim(p.userOf("user0@example.com"), "fresh", time.Hour)
		n := k.n
		require.Equal(t, http.StatusOK, p.Take([]byte(event("the last", "fresh", "1", "", snapshotType, ""))))
		require.Equal(t, n+1, k.n)
	})
}
