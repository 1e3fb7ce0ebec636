package hostile

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
	"offhook/transport/eventlog/eventlogtest"
)

var endedSlow = regexp.MustCompile(`offhook_event_streams_ended_total\{[^}]*reason="slow"[^}]*\} (\d+)`)

// slowEnds is how many event streams were cut off because nobody read them.
func slowEnds(t *testing.T, p *rig.Process) int {
	t.Helper()
	m := endedSlow.FindSubmatch(rig.Must(t, 200, "GET", "http://"+p.Addr("admin")+"/metrics", "", "").Body)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(string(m[1]))
	require.NoError(t, err)
	return n
}

// Followers of the event stream that never read are cut off; one that reads has
// every event in its order meanwhile, and the webhook too.
func TestFollowersThatNeverRead(t *testing.T) {
	t.Parallel()
	row := report.Attack(t, report.Isolation, "followers of the event stream that never read", "streams")
	p := rig.Plain.Run(t, rig.Anywhere("none"), "serve", "--data-dir", t.TempDir())
	ledger := rig.NewLedger(t)
	const people = 20
	site := rig.Connect(t, p, ledger, people)
	site.Followed(len(site.Subscribers))
	was := resident(t, p)

	ctx, stop := context.WithCancel(t.Context())
	numbers := map[string][]string{} // by subscriber, as the good follower had them
	var reading sync.WaitGroup
	req, err := http.NewRequestWithContext(ctx, "GET", site.API("/events/stream"), nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+site.Key)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	var mu sync.Mutex
	followed := 0
	reading.Go(func() {
		events := eventlogtest.NewReader(resp.Body, "")
		for {
			ev, err := events.Next()
			if err != nil {
				return
			}
			if ev.Type == "snapshot" {
				continue
			}
			mu.Lock()
			followed++
			var d rig.Delivery
			_ = json.Unmarshal([]byte(ev.Data), &d)
			numbers[d.Subscriber] = append(numbers[d.Subscriber], d.Sequence)
			mu.Unlock()
		}
	})

	const never = 20 // of the 64 streams of one app
	for i := range never {
		c, err := from(fmt.Sprintf("127.0.0.%d", 2+i), p.Addr("api"))
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.(*net.TCPConn).SetReadBuffer(4<<10))
		_, err = fmt.Fprintf(c, "GET /apps/%s/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", site.App, site.Key)
		require.NoError(t, err)
		_, err = io.ReadFull(c, make([]byte, len("HTTP/1.1 200")))
		require.NoError(t, err)
	}
	row.Add(never)

	most, wanted := 0, 0
	for range rig.Poll(2 * time.Minute) {
		if slowEnds(t, p) >= never {
			break
		}
		site.Ring(site.Subscribers[:people])
		for _, c := range rig.Must(t, 200, "GET", site.API("/calls"), site.Key, "").List(t) {
			rig.Must(t, 204, "DELETE", site.API("/calls/"+c["call_id"].(string)), site.Key, "")
		}
		wanted += 3 * people
		most = max(most, resident(t, p)-was)
	}
	require.Equal(t, never, slowEnds(t, p), "every one of them is cut off as slow")
	ledger.Wait(t, "every event by webhook", func() bool { return ledger.Count() >= wanted })
	ledger.Audit(t)
	for range rig.Poll(20 * time.Second) {
		mu.Lock()
		n := followed
		mu.Unlock()
		if n >= wanted && n == ledger.Count() {
			break
		}
	}
	stop()
	reading.Wait()
	require.Equal(t, ledger.Count(), followed, "the one that reads has every event")
	for sub, all := range numbers {
		for i, n := range all {
			require.Equal(t, strconv.Itoa(i+1), n, "the stream of %s", sub)
		}
	}
	require.Less(t, most, 150*mega, "memory is bounded")
	row.Note("%d events read by a good one; %d MB more", followed, most/mega)
}
