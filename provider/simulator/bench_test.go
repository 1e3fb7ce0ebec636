package simulator

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"
)

// BenchmarkEvents is the switch making calls as fast as it can for one
// subscription to the enterprise: what an event costs before it is written.
func BenchmarkEvents(b *testing.B) {
	s := New(Config{Subscribers: 2000, Seed: 1, MaxWaitingPerStream: 1 << 30, AckTimeout: time.Hour, HeartbeatTimeout: -1})
	defer func() { _ = s.Close() }()
	s.mu.Lock()
	ch := &channel{id: s.rnd.uuid(), xsp: s.xsps[0], priority: 1, weight: 50, wake: make(chan struct{}, 1), broken: make(chan struct{})}
	s.openChannel(ch, "set", "app")
	sub := &subscription{id: s.rnd.uuid(), owner: "admin", appID: "app", setID: "set", event: "Advanced Call", org: s.enterprises[0], ready: true}
	s.subscribe(sub)
	b.ReportAllocs()
	b.ResetTimer()
	for s.stats.EventsSent < int64(b.N) {
		p := s.phones[s.rnd.IntN(len(s.phones))]
		h := s.incoming(p, s.stranger())
		s.answer(h)
		s.hold(h)
		s.retrieve(h)
		s.release(h, localRelease, "")
		docs, _ := s.take(ch)
		for _, d := range docs {
			s.acknowledge(d.event.eventID, ackOK)
		}
	}
	b.StopTimer()
	s.mu.Unlock()
}

// BenchmarkChannel is events over a socket to one reader, unacknowledged.
func BenchmarkChannel(b *testing.B) {
	sim := New(Config{Subscribers: 2000, Seed: 1, MaxWaitingPerStream: 1 << 30, AckTimeout: time.Hour, HeartbeatTimeout: -1})
	defer func() { _ = sim.Close() }()
	ln := listenTCP(b)
	go func() { _ = sim.Serve(ln) }()
	post := func(path, body string) *http.Response {
		req, _ := http.NewRequest("POST", "http://"+ln.Addr().String()+path, strings.NewReader(body))
		req.Header.Set("Authorization", basic)
		res, err := http.DefaultClient.Do(req)
		if err != nil || res.StatusCode != 200 {
			b.Fatal(err, res)
		}
		return res
	}
	res := post(channelURL, `<Channel><channelSetId>set</channelSetId></Channel>`)
	_ = post(eventsBase+"/enterprise/demo-enterprise", subscriptionBody("set")).Body.Close()
	b.ResetTimer()
	go func() {
		for n := 0; n < b.N; n++ {
			sim.mu.Lock()
			p := sim.phones[n%len(sim.phones)]
			h := sim.incoming(p, sim.stranger())
			sim.release(h, localRelease, "")
			sim.mu.Unlock()
		}
	}()
	in := bufio.NewReader(res.Body)
	for seen := 0; seen < 2*b.N; {
		tag, err := in.ReadSlice('>')
		if err != nil {
			b.Fatal(err)
		}
		if bytes.Equal(tag, []byte("</xsi:Event>")) {
			seen++
		}
	}
	b.StopTimer()
	_ = res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
}
