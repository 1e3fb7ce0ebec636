package broadworks

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/provider"
)

var refusedLogin = says(http.StatusUnauthorized, "")

func TestTheFirst401StopsEverything(t *testing.T) {
	tell(t, func(bw *script, _ *Config) {
		bw.on("GET /profile", refusedLogin)
	}, func(s *story) {
		s.after(14 * time.Minute)
		require.Len(s, s.bw.requests(), 1, "nothing but the probe was ever sent")
		require.Equal(s, provider.LinkGateClosed, s.p.Status().Link)
		out := s.p.Ask(s.Context(), engine.Ask{ID: 7, Verb: engine.VerbOriginate, User: bob, Number: "+15555550123"})
		require.Equal(s, engine.OutcomeNotSent, out.Kind)
		require.EqualValues(s, 7, out.Ask)
		require.Len(s, s.bw.requests(), 1)

		s.after(2 * time.Minute)
		require.Len(s, s.bw.requests(), 2, "one probe in a quarter of an hour")
		s.bw.on("GET /profile", nil)
		s.after(15 * time.Minute)
		require.Equal(s, provider.LinkUp, s.p.Status().Link)
	})
}

func TestA401InTheMiddleClosesTheGateAndTheStream(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.bw.on("GET /profile", refusedLogin)
		s.bw.on("PUT /Talk", refusedLogin)
		s.sink.withhold = true
		s.say(received)
		out := s.p.Ask(s.Context(), engine.Ask{Verb: engine.VerbAnswer, User: bob, ProviderID: "callhalf-101:0"})
		require.Equal(s, engine.OutcomeNotSent, out.Kind)
		s.after(time.Second)
		require.Equal(s, provider.LinkGateClosed, s.p.Status().Link)
		n := len(s.bw.requests())
		s.sink.settleAll()
		s.after(14 * time.Minute)
		require.Len(s, s.bw.requests(), n, "no heartbeat, no acknowledgement, nothing")
	})
}

func TestNewCredentialsAreProbedAtOnce(t *testing.T) {
	tell(t, func(bw *script, _ *Config) {
		bw.on("GET /profile", func(w http.ResponseWriter, r *http.Request) {
			if _, password, _ := r.BasicAuth(); password != "better" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
	}, func(s *story) {
		s.p.SetCredentials("admin@example.com", "worse")
		s.after(time.Second)
		require.Len(s, s.bw.requests(), 2)
		s.p.SetCredentials("admin@example.com", "better")
		s.after(time.Second)
		require.Equal(s, provider.LinkUp, s.p.Status().Link)
		require.Equal(s, "Basic YWRtaW5AZXhhbXBsZS5jb206YmV0dGVy", s.bw.logins()[len(s.bw.logins())-1])
	})
}

func TestALate401ForOldCredentialsClosesNothing(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.bw.on("PUT /Hold", func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(2 * time.Second)
			w.WriteHeader(http.StatusUnauthorized)
		})
		done := make(chan engine.Outcome)
		go func() {
			done <- s.p.Ask(s.Context(), engine.Ask{Verb: engine.VerbHold, User: bob, ProviderID: "callhalf-101:0"})
		}()
		s.after(time.Second)
		s.p.SetCredentials("admin@example.com", "better")
		require.Equal(s, engine.OutcomeNotSent, (<-done).Kind)
		require.Equal(s, provider.LinkUp, s.p.Status().Link)
	})
}

// One XSP that is out of order does not keep the network from starting.
func TestTheLoginIsTriedAtAnotherXSP(t *testing.T) {
	tell(t, func(bw *script, c *Config) {
		c.Network.XSPs = []string{"http://xsp1", "http://xsp2"}
		bw.on("GET /profile", func(w http.ResponseWriter, r *http.Request) {
			if r.Host == "xsp1" {
				w.WriteHeader(http.StatusBadGateway)
			}
		})
	}, func(s *story) {
		require.Equal(s, provider.LinkUp, s.p.Status().Link)
	})
}

func TestAnXSPThatIsAwayIsNotARefusal(t *testing.T) {
	tell(t, func(bw *script, _ *Config) { bw.down["xsp1:80"] = true }, func(s *story) {
		s.after(time.Minute)
		require.Equal(s, provider.LinkDown, s.p.Status().Link)
		s.bw.mu.Lock()
		s.bw.down["xsp1:80"] = false
		s.bw.mu.Unlock()
		s.after(time.Minute)
		require.Equal(s, provider.LinkUp, s.p.Status().Link)
	})
}
