package scarce

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// crowd is everybody who connects to a listener and does not go: half of them
// say nothing, the others begin a request. Whoever is thrown out comes again.
type crowd struct {
	at       func() string
	held     atomic.Int64 // connections they have now
	came     atomic.Int64
	turned   atomic.Int64 // answered, or closed, at once
	stop     context.CancelFunc
	everyone sync.WaitGroup
}

func gather(t *testing.T, n int, at func() string) *crowd {
	ctx, stop := context.WithCancel(context.Background())
	c := &crowd{at: at, stop: stop}
	for i := range n {
		c.everyone.Go(func() {
			again := time.NewTicker(500 * time.Millisecond)
			defer again.Stop()
			for ctx.Err() == nil {
				c.visit(ctx, i)
				select {
				case <-again.C:
				case <-ctx.Done():
				}
			}
		})
	}
	t.Cleanup(c.leave)
	return c
}

// visit comes from an address of its own, as far as those of the loopback go.
func (c *crowd) visit(ctx context.Context, i int) {
	d := net.Dialer{Timeout: time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+i/200), byte(2+i%200))}}
	conn, err := d.DialContext(ctx, "tcp", c.at())
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	c.came.Add(1)
	c.held.Add(1)
	defer c.held.Add(-1)
	if i%2 == 0 {
		_, _ = conn.Write([]byte("POST /apps/x/calls HTTP/1.1\r\nHost: offhook\r\nContent-Length: 100\r\n\r\n{"))
	}
	began := time.Now()
	var b [512]byte
	_, _ = conn.Read(b[:])
	if time.Since(began) < time.Second {
		c.turned.Add(1)
	}
}

func (c *crowd) leave() {
	c.stop()
	c.everyone.Wait()
}

var gauge = regexp.MustCompile(`(?m)^(process_(?:open|max)_fds) (\S+)$`)

// openFiles is how many descriptors the program has, and may have, as it says.
func openFiles(t *testing.T, s *rig.Site) (have, most int) {
	t.Helper()
	v := map[string]int{}
	for _, m := range gauge.FindAllStringSubmatch(string(rig.Must(t, 200, "GET", s.Admin("/metrics"), rig.Operator, "").Body), -1) {
		f, err := strconv.ParseFloat(m[2], 64)
		require.NoError(t, err)
		v[m[1]] = int(f)
	}
	require.Len(t, v, 2)
	return v["process_open_fds"], v["process_max_fds"]
}

// slowReceivers are webhooks of as many apps, each for one of a few subscribers.
// Most think for a while, some never answer, until they are released.
func slowReceivers(t *testing.T, w *rig.Apart, n, subscribers int) (release func()) {
	t.Helper()
	gone := make(chan struct{})
	for i := range n {
		srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			think := time.NewTimer(100 * time.Millisecond)
			defer think.Stop()
			answer := think.C
			if i%10 == 0 {
				answer = nil
			}
			select {
			case <-answer:
			case <-gone:
			case <-r.Context().Done():
			}
		}))
		t.Cleanup(srv.Close)
		app := rig.Must(t, 201, "POST", w.Admin("/admin/apps"), rig.Operator, fmt.Sprintf(`{"name":"slow","calls_webhook":{"url":%q}}`, srv.URL)).JSON(t)["app_id"].(string)
		rig.Must(t, 204, "PUT", w.Admin("/admin/apps/"+app+"/subscribers/"+w.Subscribers[i%subscribers]["subscriber_id"].(string)), rig.Operator, "")
	}
	release = sync.OnceFunc(func() { close(gone) })
	t.Cleanup(release)
	return release
}

// ringing lets somebody take a call on the platform; the app must learn of it.
func ringing(t *testing.T, w *rig.Apart, sub map[string]any, i int) (platforms string) {
	t.Helper()
	a, err := rig.Ask("POST", w.URL("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+1512555%04d"}`, sub["subscriber_id"], i))
	require.NoError(t, err)
	require.Equal(t, 201, a.Status, "%s", a.Body)
	return a.JSON(t)["call_id"].(string)
}

func TestTheFileDescriptorsRunOut(t *testing.T) {
	const limit, attackers, apps, phones = 256, 400, 40, 12
	row := report.Attack(t, report.Refusals, "file descriptors ran out: 400 connections, 40 slow receivers, a limit of 256", "calls")
	l := rig.NewLedger(t)
	w := rig.Plain.Platform(t, phones)
	w.Limits = "-n " + strconv.Itoa(limit)
	w.Begin(t, l, phones)
	release := slowReceivers(t, w, apps, 4)

	// An app that is there before them keeps its connection, and its calls.
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: 20 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	place := func(i int, header ...string) rig.Answer {
		sub := w.Subscribers[4+i%4]
		a, err := rig.AskWith(client, "POST", w.API("/calls"), w.Key, fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":%q,"remote_number":"+1303555%04d"}`,
			sub["subscriber_id"], sub["subscriber_number"], i), header...)
		require.NoError(t, err)
		return a
	}
	first := place(0)
	require.Equal(t, 201, first.Status, "%s", first.Body)
	calls := []string{first.JSON(t)["call_id"].(string)}

	var at atomic.Value
	at.Store(w.Addr("api"))
	c := gather(t, attackers, func() string { return at.Load().(string) })
	full := func() {
		t.Helper()
		before := c.turned.Load()
		for range rig.Poll(20 * time.Second) {
			if c.turned.Load() > before+attackers {
				return
			}
		}
		t.Fatalf("nobody is turned away: %d connections", c.held.Load())
	}
	full()

	used, most := 0, 0
	var slowest time.Duration
	for i := range 24 {
		id := ringing(t, w, w.Subscribers[i%4], i)
		began := time.Now()
		rig.Must(t, 200, "GET", w.Admin("/readyz"), rig.Operator, "")
		slowest = max(slowest, time.Since(began))
		have, limit := openFiles(t, w.Site)
		used, most = max(used, have), limit
		_, _ = rig.Ask("POST", w.URL("/simulator/calls/"+id+"/answer"), "", "")
		if i%6 == 0 {
			a := place(1 + i)
			require.Equal(t, 201, a.Status, "%s", a.Body)
			calls = append(calls, a.JSON(t)["call_id"].(string))
		}
		row.Add(1)
	}
	require.Equal(t, limit, most)
	require.Less(t, used, limit-8, "there is room for the store's next file")
	told := func() bool {
		in := map[string]bool{}
		for _, stream := range l.Streams() {
			for _, d := range stream {
				in[d.Provider+" "+d.State] = true
			}
		}
		for _, c := range w.Truth() {
			if s := c["state"].(string); (s == "active" || s == "released") && !in[c["call_id"].(string)+" "+s] {
				return false
			}
		}
		return true
	}
	l.Wait(t, "the app hearing of every call while the listener is full", told)

	// The program is killed and comes up again in the middle of them.
	client.CloseIdleConnections()
	w.Kill()
	w.Process = w.Serve(t)
	at.Store(w.Addr("api"))
	full()
	rig.Must(t, 200, "GET", w.Admin("/readyz"), rig.Operator, "")
	for i := range 4 {
		ringing(t, w, w.Subscribers[8+i], 100+i)
	}
	l.Wait(t, "the app hearing of calls after a start in the crowd", func() bool {
		heard := l.Streams()
		for _, sub := range w.Subscribers[8:12] {
			if len(heard[sub["subscriber_id"].(string)]) == 0 {
				return false
			}
		}
		return told()
	})

	c.leave()
	began := time.Now()
	for range rig.Poll(10 * time.Second) {
		if a, err := w.Place(w.Subscribers[11], "+13035550199"); err == nil && a.Status == 201 {
			calls = append(calls, a.JSON(t)["call_id"].(string))
			break
		}
	}
	back := time.Since(began)
	require.Less(t, back, 5*time.Second, "normal service is back when they left")
	for _, id := range calls {
		l.Wait(t, "an event of a call that was acknowledged", func() bool { return len(l.States(id)) > 0 })
	}
	require.NotContains(t, w.Output(), "too many open files", "the program never ran out")
	l.Audit(t)
	row.Note("limit %d, %d connections came, at most %d descriptors, readyz within %v, back after %v",
		limit, c.came.Load(), used, slowest.Round(time.Millisecond), back.Round(time.Millisecond))
	release()
	w.Drain()
}

func TestTheSimulatorOutlivesACrowd(t *testing.T) {
	const limit, attackers = 48, 120
	row := report.Attack(t, report.Refusals, "the simulator's file descriptors ran out, on all its listeners", "connections")
	p := rig.Plain.Limited(t, "-n "+strconv.Itoa(limit), nil,
		"simulate", "--listen", "127.0.0.1:0", "--calls-per-second", "0", "--oci-listen", "127.0.0.1:0", "--oci-reporting-listen", "127.0.0.1:0").Await(t)
	listeners := []string{p.Addr("simulator"), p.Addr("oci"), p.Addr("oci_reporting")}
	for _, at := range listeners {
		c := gather(t, attackers, func() string { return at })
		for range rig.Poll(20 * time.Second) {
			if c.came.Load() >= attackers {
				break
			}
		}
		row.Add(int(c.came.Load()))
		c.leave()
	}
	answers := func(at, say string) bool {
		conn, err := net.DialTimeout("tcp", at, time.Second)
		if err != nil {
			return false
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		_, _ = conn.Write([]byte(say))
		n, _ := conn.Read(make([]byte, 64))
		return n > 0
	}
	for i, say := range []string{
		"GET /simulator/stats HTTP/1.0\r\n\r\n",
		`<?xml version="1.0" encoding="ISO-8859-1"?><BroadsoftDocument protocol="OCI" xmlns="C" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
			`<sessionId xmlns="">one</sessionId><command xsi:type="AuthenticationRequest" xmlns=""><userId>x</userId></command></BroadsoftDocument>` + "\n",
	} {
		ok := false
		for range rig.Poll(10 * time.Second) {
			if ok = answers(listeners[i], say); ok {
				break
			}
		}
		require.True(t, ok, "listener %d answers when they left\n%s", i, p.Output())
	}
	conn, err := net.DialTimeout("tcp", listeners[2], time.Second)
	require.NoError(t, err, "changes are reported again")
	require.NoError(t, conn.Close())
	p.Drain()
}
