package broadworks

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/trace"
)

func (s *story) ask(verb engine.Verb) engine.Outcome {
	return s.p.Ask(s.Context(), engine.Ask{Verb: verb, User: bob, ProviderID: "callhalf-101:0", Number: "+15555550123"})
}

func TestRequestsAreTheDossiers(t *testing.T) {
	tell(t, nil, func(s *story) {
		n := len(s.bw.requests())
		out := s.ask(engine.VerbOriginate)
		require.Equal(s, engine.Outcome{Kind: engine.OutcomeAccepted, Fact: engine.Fact{
			ProviderID: "callhalf-101:0", TrackingID: "41:1", Status: engine.StatusAlerting,
			Personality: engine.ClickToDial, RemoteNumber: "+15555550123",
		}}, out)
		for _, verb := range []engine.Verb{engine.VerbAnswer, engine.VerbHold, engine.VerbResume, engine.VerbEnd} {
			require.Equal(s, engine.OutcomeAccepted, s.ask(verb).Kind)
		}
		const calls = "/com.broadsoft.xsi-actions/v2.0/user/bob@example.com/calls/"
		require.Equal(s, []string{
			"POST " + calls + "new?address=%2B15555550123",
			"PUT " + calls + "callhalf-101:0/Talk",
			"PUT " + calls + "callhalf-101:0/Hold",
			"PUT " + calls + "callhalf-101:0/Talk",
			"DELETE " + calls + "callhalf-101:0",
		}, s.bw.requests()[n:])
	})
}

func TestOutcomesAreToldApart(t *testing.T) {
	const startInfo = `<CallStartInfo xmlns="http://schema.broadsoft.com/xsi"><callId>c</callId></CallStartInfo>`
	hang := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	cut := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	short := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "500")
		_, _ = w.Write([]byte(startInfo))
	}
	for _, c := range []struct {
		name    string
		answer  http.HandlerFunc
		dial    engine.OutcomeKind
		command engine.OutcomeKind
		detail  string
	}{
		{"accepted", says(201, startInfo), engine.OutcomeAccepted, engine.OutcomeAccepted, ""},
		{"refused", says(403, errorInfo(4410)), engine.OutcomeRefused, engine.OutcomeRefused, "HTTP 403, BroadWorks error 4410"},
		{"refused without words", says(400, "<html>"), engine.OutcomeRefused, engine.OutcomeRefused, "HTTP 400"},
		{"unknown", says(404, errorInfo(4008)), engine.OutcomeRefused, engine.OutcomeGone, "HTTP 404, BroadWorks error 4008"},
		{"out of order", says(503, ""), engine.OutcomeUnknown, engine.OutcomeRefused, "HTTP 503"},
		{"behind a broken gateway", says(504, ""), engine.OutcomeUnknown, engine.OutcomeUnknown, "HTTP 504"},
		{"rubbish", says(200, "rubbish"), engine.OutcomeUnknown, engine.OutcomeAccepted, ""},
		{"other document", says(201, errorInfo(1)), engine.OutcomeUnknown, engine.OutcomeAccepted, ""},
		{"cut short", short, engine.OutcomeUnknown, engine.OutcomeAccepted, ""},
		{"cut", cut, engine.OutcomeUnknown, engine.OutcomeUnknown, "the connection broke before the answer"},
		{"silence", hang, engine.OutcomeUnknown, engine.OutcomeUnknown, "no answer in time"},
		{"endless", says(200, startInfo+strings.Repeat(" ", 70<<10)), engine.OutcomeUnknown, engine.OutcomeAccepted, ""},
	} {
		tell(t, nil, func(s *story) {
			s.bw.on("POST /calls/new", c.answer)
			s.bw.on("PUT /Hold", c.answer)
			out := s.ask(engine.VerbOriginate)
			require.Equal(s, c.dial, out.Kind, "originate, %s: %s", c.name, out.Detail)
			require.Equal(s, 1, s.bw.count("/calls/new"), "never twice: %s", c.name)
			out = s.ask(engine.VerbHold)
			require.Equal(s, c.command, out.Kind, "hold, %s: %s", c.name, out.Detail)
			require.Equal(s, c.detail, out.Detail, c.name)
			require.Equal(s, 1, s.bw.count("/Hold"), "commands are sent once: %s", c.name)
		})
	}
}

func TestWhatCannotBeSentIsNotSent(t *testing.T) {
	tell(t, func(_ *script, c *Config) { c.InFlight, c.Waiting, c.QueueTime = 1, 1, 10*time.Second }, func(s *story) {
		s.bw.on("PUT /Hold", func(_ http.ResponseWriter, r *http.Request) { time.Sleep(5 * time.Second) })
		first, second := make(chan engine.Outcome, 1), make(chan engine.Outcome, 1)
		go func() { first <- s.ask(engine.VerbHold) }()
		synctest.Wait()
		go func() { second <- s.ask(engine.VerbEnd) }()
		synctest.Wait()
		require.Equal(s, engine.OutcomeNotSent, s.ask(engine.VerbOriginate).Kind, "the queue is full")
		require.Zero(s, s.bw.count("/calls/new"))
		require.Equal(s, engine.OutcomeAccepted, (<-first).Kind)
		require.Equal(s, engine.OutcomeAccepted, (<-second).Kind)

		ctx, cancel := context.WithCancel(s.Context())
		cancel()
		require.Equal(s, engine.OutcomeNotSent, s.p.Ask(ctx, engine.Ask{Verb: engine.VerbOriginate, User: bob, Number: "+15555550123"}).Kind)
		require.Zero(s, s.bw.count("/calls/new"))

		s.bw.mu.Lock()
		s.bw.down["xsp1:80"] = true
		s.bw.mu.Unlock()
		out := s.ask(engine.VerbOriginate)
		require.Equal(s, engine.Outcome{Kind: engine.OutcomeNotSent, Detail: "the provider cannot be reached"}, out)
		require.Equal(s, engine.OutcomeNotSent, s.ask(engine.VerbNone).Kind)
	})
}

func TestAnotherXSPIsTriedWhenOneCannotBeReached(t *testing.T) {
	tell(t, func(bw *script, c *Config) {
		c.Network.XSPs = []string{"http://xsp1", "http://xsp2"}
		bw.down["xsp1:80"] = true
	}, func(s *story) {
		require.Len(s, s.bw.opened(), 1)
		require.Equal(s, engine.OutcomeAccepted, s.ask(engine.VerbOriginate).Kind)
		require.Equal(s, 1, s.bw.count("/calls/new"))
		// The other comes back: one channel each, in one set.
		s.bw.mu.Lock()
		s.bw.down["xsp1:80"] = false
		s.bw.mu.Unlock()
		s.after(time.Minute)
		require.Equal(s, 2, s.p.Status().Channels)
		require.Equal(s, s.bw.opened()[0].set, s.bw.last().set)
		require.NotEqual(s, s.bw.opened()[0].host, s.bw.last().host)
	})
}

func TestRedirectsKeepMethodAndBody(t *testing.T) {
	tell(t, func(_ *script, c *Config) { c.Network.XSPs = []string{"http://xsp1", "http://xsp2"} }, func(s *story) {
		s.bw.on("POST /calls/new", func(w http.ResponseWriter, r *http.Request) {
			other := map[string]string{"xsp1": "xsp2", "xsp2": "xsp1"}[r.Host]
			if s.bw.count("/calls/new") == 1 {
				w.Header().Set("Location", "http://"+other+r.URL.RequestURI())
				w.WriteHeader(http.StatusFound)
				return
			}
			s.bw.standard(w, r, "")
		})
		require.Equal(s, engine.OutcomeAccepted, s.ask(engine.VerbOriginate).Kind)
		require.Equal(s, 2, s.bw.count("POST /com.broadsoft.xsi-actions/v2.0/user/bob@example.com/calls/new?address=%2B15555550123"))

		for _, location := range []string{"http://elsewhere/calls/new", "https://xsp1/calls/new", "", "/com.broadsoft.xsi-actions/loop/calls/new"} {
			s.bw.on("POST /calls/new", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", location)
				w.WriteHeader(http.StatusFound)
			})
			require.Equal(s, engine.OutcomeNotSent, s.ask(engine.VerbOriginate).Kind, "no credentials for %q", location)
		}
	})
}

func TestReadBack(t *testing.T) {
	const call = `<Call xmlns="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance"><callId>callhalf-101:0</callId><extTrackingId>41:1</extTrackingId><personality>Terminator</personality><state>Held</state><remoteParty><address countryCode="1">tel:+15555550123</address></remoteParty><endpoint xsi1:type="AccessEndpoint"/><redirections><redirection><party><name>Front Desk</name></party><reason>away</reason></redirection></redirections><recordingState>Paused</recordingState><startTime>1700000000000</startTime><answerTime>1700000004000</answerTime></Call>`
	tell(t, nil, func(s *story) {
		tries := 0
		s.bw.on("GET /calls/callhalf-101:0", func(w http.ResponseWriter, _ *http.Request) {
			if tries++; tries == 1 {
				panic(http.ErrAbortHandler)
			}
			_, _ = w.Write([]byte(call))
		})
		out := s.ask(engine.VerbReadBack)
		require.Equal(s, engine.OutcomeAccepted, out.Kind, "a read may be repeated once")
		require.Equal(s, engine.StatusHeld, out.Fact.Status)
		require.Equal(s, []engine.Redirection{{Name: "Front Desk", Reason: "away"}}, out.Fact.Diversion)
		require.Equal(s, engine.RecordingPaused, out.Fact.Recording)
		s.bw.on("GET /calls/callhalf-101:0", says(404, ""))
		require.Equal(s, engine.OutcomeGone, s.ask(engine.VerbReadBack).Kind)
		s.bw.on("GET /calls/callhalf-101:0", says(200, "<html/>"))
		require.Equal(s, engine.OutcomeUnknown, s.ask(engine.VerbReadBack).Kind)
	})
}

func TestASnapshotIsRenewedOrPolled(t *testing.T) {
	tell(t, nil, func(s *story) {
		out := s.ask(engine.VerbSnapshot)
		require.Equal(s, engine.Outcome{Kind: engine.OutcomeAccepted, Snapshot: &engine.Snapshot{Coming: true}}, out)
		require.Equal(s, 1, s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/subscription/s1"))

		s.bw.on("PUT /v2.0/subscription/s1", says(403, errorInfo(codeUnknownSubscription)))
		require.True(s, s.ask(engine.VerbSnapshot).Snapshot.Coming, "made again, it brings one too")
		s.after(time.Second)
		require.Equal(s, 2, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/user/bob@example.com"))

		// Nobody follows carol: her calls are read.
		s.bw.on("GET /calls", says(200, `<Calls xmlns="http://schema.broadsoft.com/xsi"><call><callId>c1</callId></call><call><callId>c2</callId></call><call><callId>c3</callId></call></Calls>`))
		for id, state := range map[string]string{"c1": "Active", "c3": "Detached"} {
			s.bw.on("GET /calls/"+id, says(200, fmt.Sprintf(`<Call xmlns="http://schema.broadsoft.com/xsi"><callId>%s</callId><personality>Terminator</personality><state>%s</state></Call>`, id, state)))
		}
		s.bw.on("GET /calls/c2", says(404, ""))
		carol := engine.Ask{Verb: engine.VerbSnapshot, User: "carol@example.com"}
		out = s.p.Ask(s.Context(), carol)
		require.Equal(s, engine.OutcomeAccepted, out.Kind)
		require.Len(s, out.Snapshot.Facts, 2, "c2 ended meanwhile")
		require.Equal(s, engine.StatusActive, out.Snapshot.Facts[0].Status)
		require.Equal(s, engine.StatusDetached, out.Snapshot.Facts[1].Status)

		for _, broken := range []http.HandlerFunc{says(500, ""), says(200, "<html/>"), says(204, "")} {
			s.bw.on("GET /calls/c2", broken)
			out = s.p.Ask(s.Context(), carol)
			require.Nil(s, out.Snapshot, "half a picture is none")
			require.NotEqual(s, engine.OutcomeAccepted, out.Kind)
		}
	})
}

func TestASlowProviderIsWaitedForWithinBounds(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.bw.on("PUT /Hold", func(w http.ResponseWriter, _ *http.Request) { time.Sleep(9 * time.Second) })
		began := time.Now()
		require.Equal(s, engine.OutcomeAccepted, s.ask(engine.VerbHold).Kind)
		require.Equal(s, 9*time.Second, time.Since(began))
		require.Len(s, s.bw.opened(), 1)
	})
}

func TestXSPsAreFoundInDNS(t *testing.T) {
	tell(t, func(_ *script, c *Config) {
		c.Network.XSPs, c.Network.SRV = nil, "example.com"
		tries := 0
		c.LookupSRV = func(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
			if tries++; tries == 1 {
				return "", nil, fmt.Errorf("no such host")
			}
			return "", []*net.SRV{{Target: "xsp9." + name + ".", Port: 4443}}, nil
		}
	}, func(s *story) {
		require.Empty(s, s.bw.requests())
		s.after(time.Second)
		require.Equal(s, "https://xsp9.example.com:4443", s.p.order()[0].base.String())
	})
}

// A traced request can be found in the platform's own logs; others say nothing.
func TestATraceGoesAlongWithItsRequests(t *testing.T) {
	tell(t, nil, func(s *story) {
		var got []http.Header
		s.bw.on("PUT /Hold", func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header.Clone()) })
		at, ok := trace.Parse([]byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
		require.True(s, ok)
		ask := engine.Ask{Verb: engine.VerbHold, User: bob, ProviderID: "callhalf-101:0"}
		s.p.Ask(trace.With(s.Context(), at), ask)
		s.p.Ask(s.Context(), ask)
		require.Len(s, got, 2)
		require.Equal(s, at.Parent(), got[0].Get("traceparent"))
		require.Equal(s, at.String(), got[0].Get("TrackingID"))
		require.Empty(s, got[1].Get("traceparent"))
		require.Empty(s, got[1].Get("TrackingID"))
	})
}
