package adminapi

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever an upload holds, each line is carried out or named with what is
// wrong with it; nothing is our fault, and nothing is lost on the way.
func FuzzBulk(f *testing.F) {
	for _, body := range []string{
		line("a"), line("a") + line("b") + line("a", `"subscriber_name":"two"`), "", "\n\n\n", "{}", "[", line("a", `"apps":["x"]`), line("a", `"apps":["x","nowhere"]`), "\x00\n" + line("b"),
		`{"subscriber_id":"a","subscriber_id":"b"}`, "\ufeff" + line("a"), line("a") + "\r\n" + `{"subscriber_id":5}`, `{"subscriber_id":"a","network_id":"nowhere"}`, `{"subscriber_id":"\ud800"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o := newOffice(t)
		a := o.send("POST", "/admin/subscribers", bytes.NewReader(body), "Content-Type", "application/x-ndjson")
		require.Equal(t, 200, a.StatusCode, "%s", a.body)
		require.NotContains(t, a.body, `"internal"`)
		if len(bytes.TrimSpace(body)) == 0 {
			require.Equal(t, `{"created":0,"updated":0,"failed":[]}`, a.body)
		}
	})
}
