package webhook

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

// say is a receiver that answers every request with the same text, and counts
// its connections.
func say(t *testing.T, answer string) (url string, conns *atomic.Int32) {
	conns = new(atomic.Int32)
	return raw(t, func(c net.Conn, r *bufio.Reader) {
		conns.Add(1)
		for swallow(r) {
			if _, err := io.WriteString(c, answer); err != nil || !strings.Contains(answer, "\r\nContent-Length:") && !strings.Contains(answer, "chunked") {
				return
			}
		}
	}), conns
}

func want(n int) *Parcel {
	return &Parcel{ID: "evt_1", Events: []*engine.Notification{note(1)}, Want: n}
}

func TestABodyIsBroughtBackAsFarAsItIsWanted(t *testing.T) {
	for _, tt := range []struct {
		name, answer, body string
		conns              int32 // for two requests
	}{
		{"of a known length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 1},
		{"in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello", 1},
		{"with a trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", "hello", 1},
		{"to the end", "HTTP/1.1 200 OK\r\n\r\nhello", "hello", 2},
		{"of a connection that closes", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", "hello", 2},
		{"of nothing", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 1},
		{"longer than wanted", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + strings.Repeat("x", 20), strings.Repeat("x", 10), 1},
		{"far longer than wanted", "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + strings.Repeat("x", 9000), strings.Repeat("x", 10), 2},
		{"cut off", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\nhel", "hel", 2},
		{"cut off within a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n9\r\nhel", "hel", 2},
		{"of a failure", "HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nhello", "hello", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url, conns := say(t, tt.answer)
			cfg := shortTimes()
			cfg.TotalTimeout = 200 * time.Millisecond // what is cut off is waited for so long
			target := aim(t, cfg, url)
			for range 2 {
				out := target.Post(want(10))
				require.NotZero(t, out.Status, "%v", out.Err)
				require.Equal(t, tt.body, string(out.Body))
				require.Empty(t, out.Excerpt)
			}
			require.Equal(t, tt.conns, conns.Load())
		})
	}
}

func TestAWantedBodyIsWaitedForNoLongerThanTheAttempt(t *testing.T) {
	for name, body := range map[string]string{"one byte at a time": "Content-Length: 1000\r\n\r\n", "in chunks": "Transfer-Encoding: chunked\r\n\r\n3e8\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := raw(t, func(c net.Conn, r *bufio.Reader) {
				swallow(r)
				io.WriteString(c, "HTTP/1.1 200 OK\r\n"+body)
				drip(c, "x")
			})
			cfg := shortTimes()
			cfg.TotalTimeout = 300 * time.Millisecond
			began := time.Now()
			out := aim(t, cfg, url).Post(want(1000))
			require.Equal(t, Delivered, out.Class)
			require.NotEmpty(t, out.Body)
			require.Less(t, len(out.Body), 1000)
			require.Less(t, time.Since(began), 2*time.Second)
		})
	}
}

func TestNothingOfABodyIsKeptUnlessTheOperatorSaysSo(t *testing.T) {
	const body = "no such thing"
	answer := func(status int) string {
		return fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
	}
	for status, excerpt := range map[int]string{200: "", 204: "", 302: body, 404: body, 410: body, 500: body, 700: body} {
		text := answer(status)
		if status == 204 {
			text = "HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n"
		}
		url, conns := say(t, text)
		cfg := shortTimes()
		require.Empty(t, aim(t, cfg, url).Post(parcel(note(1))).Excerpt)
		cfg.ShowBodies = true
		target := aim(t, cfg, url)
		for range 2 {
			out := target.Post(parcel(note(1)))
			require.Equal(t, excerpt, out.Excerpt, "%d", status)
			require.Nil(t, out.Body)
		}
		require.EqualValues(t, 2, conns.Load(), "the connection is kept all the same")
	}
}

func TestAnEchoIsRedacted(t *testing.T) {
	n := note(1)
	n.Body = []byte(`{"subscriber_number":"+15128675309","subscriber_name":"Tommy Tutone","remote_number":"+15129104114","remote_name":"Zilkr LLC"}`)
	url := raw(t, func(c net.Conn, r *bufio.Reader) {
		head, err := r.Peek(r.Buffered() + 1)
		for err == nil && !strings.HasSuffix(string(head), "}") {
			head, err = r.Peek(max(r.Buffered(), len(head)+1))
		}
		echo := "You sent: " + string(head)
		fmt.Fprintf(c, "HTTP/1.1 422 No\r\nContent-Length: %d\r\n\r\n%s", len(echo), echo)
	})
	cfg := shortTimes()
	cfg.ShowBodies = true
	target, err := NewClient(cfg).Aim("app", tenant.Receiver{
		URL: url + "/?token=opensesame", Secrets: []string{testSecret}, Headers: []tenant.Header{{Name: "X-Api-Key", Value: "swordfish"}},
	})
	require.NoError(t, err)
	defer target.Close()
	out := target.Post(parcel(n))
	require.Contains(t, out.Excerpt, "You sent: POST /?")
	require.Contains(t, out.Excerpt, "Content-Type: application/json")
	require.Contains(t, out.Excerpt, "X-Api-Key: ***")
	for _, private := range []string{"opensesame", "swordfish", "5128675309", "5129104114", "Tommy", "Zilkr", "v1,"} {
		require.NotContains(t, out.Excerpt, private)
	}
}

// Each of the hostile receivers once more, with bodies shown and wanted.
func TestHostileReceiversWhoseAnswersAreRead(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := shortTimes()
			cfg.ShowBodies = true
			target := aim(t, cfg, raw(t, tt.do))
			for _, p := range []*Parcel{parcel(note(1)), want(100)} {
				began := time.Now()
				out := target.Post(p)
				require.Equal(t, tt.want, out.Class, "%v", out.Err)
				require.LessOrEqual(t, len(out.Body), p.Want)
				require.LessOrEqual(t, len(out.Excerpt), maxExcerpt)
				require.Less(t, time.Since(began), 3*time.Second)
			}
		})
	}
}
