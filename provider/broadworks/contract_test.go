package broadworks

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/provider/providertest"
	"offhook/provider/simulator"
)

func TestBroadWorksKeepsWhatProvidersPromise(t *testing.T) {
	providertest.Run(t, overSimulator(nil))
}

// An enterprise is subscribed as one: no snapshots come, and numbers are not a
// user's own.
func TestItKeepsItForAWholeEnterprise(t *testing.T) {
	providertest.Run(t, overSimulator(func(_ *simulator.Config, c *Config) {
		c.Network.Subscribe = subscribeEnterprise
		c.Network.Targets = []tenant.Target{{Enterprise: "demo-enterprise"}}
	}))
}

// So is a group. Its users are both on the same site.
func TestItKeepsItForAGroup(t *testing.T) {
	providertest.Run(t, overSimulator(func(_ *simulator.Config, c *Config) {
		c.Network.Subscribe = subscribeGroup
		c.Network.Targets = []tenant.Target{{ServiceProvider: "demo-enterprise", Group: "site-1"}}
	}))
}

// The dossier §1.5 knows both: a call may change its id when it rings out.
func TestItKeepsItWhenCallIdsChange(t *testing.T) {
	providertest.Run(t, overSimulator(func(s *simulator.Config, _ *Config) { s.NewCallIDOnLift = true }))
}

// overSimulator is BroadWorks over our own simulator, on connections inside of
// the process.
func overSimulator(change func(*simulator.Config, *Config), made ...func(*simulator.Simulator)) providertest.Factory {
	return func(t *testing.T, sink provider.Sink) *providertest.System {
		simCfg := simulator.Config{Seed: 1, SnapshotOrder: simulator.SnapshotEither}
		l := &scriptListener{dials: make(chan net.Conn), closed: make(chan struct{})}
		pipes := &script{dials: l.dials}
		cfg := Config{
			Network: tenant.BroadWorks{
				XSPs: []string{"http://xsp1"}, Username: "admin@simulator.example", Password: "simulator", ApplicationID: "offhook-test",
			},
			Sink: sink, Dial: pipes.dial, CountryCode: "1",
		}
		if change != nil {
			change(&simCfg, &cfg)
		}
		sim := simulator.New(simCfg)
		for _, fn := range made {
			fn(sim)
		}
		go func() { _ = sim.Serve(l) }()
		t.Cleanup(func() {
			_ = sim.Close()
			synctest.Wait()
		})
		p, err := New(cfg)
		require.NoError(t, err)
		phones := sim.Phones()
		for _, ph := range phones[:2] {
			control(t, sim, "PUT", "/simulator/phones/"+ph.SubscriberID, map[string]any{"answer": "manual"}, http.StatusOK)
		}
		call := func(verb string) func(string) {
			return func(id string) {
				control(t, sim, "POST", "/simulator/calls/"+id+"/"+verb, nil, 0)
			}
		}
		return &providertest.System{
			Provider: p, User: phones[0].SubscriberID, Other: phones[1].SubscriberID, Number: "+15555550123", Number2: "+442079460123", ParkRetrieveCode: "*88",
			Ring: func(user string) string {
				return control(t, sim, "POST", "/simulator/calls", map[string]any{"subscriber_id": user, "remote_number": "+15555550123"}, http.StatusCreated)["call_id"].(string)
			},
			RemoteHangUp: call("remote-hangup"), RemoteHold: call("remote-hold"), Lift: call("answer"), HangUp: call("hangup"),
			AtPhone: func(verb engine.Verb, id string, with ...string) {
				name := map[engine.Verb]string{
					engine.VerbPark: "park", engine.VerbRecord: "record-start", engine.VerbConference: "conference", engine.VerbMute: "mute",
				}[verb]
				body := map[string]any{}
				if with != nil {
					body["call_ids"] = append([]string{id}, with...)
				}
				control(t, sim, "POST", "/simulator/calls/"+id+"/"+name, body, http.StatusOK)
			},
			Divert: func() (id string) {
				busy := control(t, sim, "POST", "/simulator/calls", map[string]any{"subscriber_id": phones[1].SubscriberID, "remote_number": "+15555550123"}, http.StatusCreated)
				control(t, sim, "POST", "/simulator/calls/"+busy["call_id"].(string)+"/forward", map[string]any{"remote_number": phones[0].SubscriberNumber, "reason": "user-busy"}, http.StatusOK)
				for _, c := range truth(t, sim) {
					if c["subscriber_id"] == phones[0].SubscriberID {
						id = c["call_id"].(string)
					}
				}
				return id
			},
			Cut: func() {
				control(t, sim, "POST", "/simulator/faults", map[string]any{"kind": "drop_channel"}, http.StatusCreated)
			},
			Dials:          func() int { return int(sim.Stats().Dials) },
			Unacknowledged: func() int { return sim.Stats().Live.Waiting },
		}
	}
}

// try asks the simulator for something it may refuse.
func try(sim *simulator.Simulator, path string) {
	sim.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, path, nil))
}

// truth is every call the simulator has.
func truth(t *testing.T, sim *simulator.Simulator) (calls []map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	sim.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/simulator/calls", nil))
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &calls))
	return calls
}

// control drives the simulator from the other side (design §12).
func control(t *testing.T, sim *simulator.Simulator, method, path string, body any, want int) map[string]any {
	t.Helper()
	var b bytes.Buffer
	if body != nil {
		require.NoError(t, json.NewEncoder(&b).Encode(body))
	}
	w := httptest.NewRecorder()
	sim.Handler().ServeHTTP(w, httptest.NewRequest(method, path, &b))
	if want != 0 {
		require.Equal(t, want, w.Code, w.Body.String())
	} else {
		require.Less(t, w.Code, 300, w.Body.String())
	}
	got := map[string]any{}
	if w.Body.Len() > 0 {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	}
	return got
}
