package broadworks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// dns answers as it is told.
type dns struct {
	mu    sync.Mutex
	hosts []string
	asked int
}

func (d *dns) set(hosts ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hosts = hosts
}

func (d *dns) lookup(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if service != "xsi-client" || proto != "tcp" || len(d.hosts) == 0 {
		return "", nil, errors.New("no such host")
	}
	var found []*net.SRV
	for _, h := range d.hosts {
		found = append(found, &net.SRV{Target: h + "." + name + ".", Port: 443})
	}
	return "", found, nil
}

// open lists the hosts that have one of our channels, by their streams' ends.
func (s *script) hosts() (hosts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.streams {
		if !st.ended() {
			hosts = append(hosts, strings.TrimSuffix(st.host, ":443"))
		}
	}
	return hosts
}

// XSPs come into DNS and go from it; the channels on the others are not touched.
func TestXSPsComeAndGoInDNS(t *testing.T) {
	names := &dns{}
	names.set("xsp1", "xsp2")
	tell(t, func(bw *script, c *Config) {
		c.Network.XSPs, c.Network.SRV, c.LookupSRV = nil, "example.com", names.lookup
		c.srvScheme = "http"
		bw.on("DELETE ", func(w http.ResponseWriter, r *http.Request) {
			bw.mu.Lock()
			defer bw.mu.Unlock()
			for i, st := range bw.streams {
				if strings.HasSuffix(r.URL.Path, fmt.Sprintf("/channel/ch%d", i+1)) {
					st.close()
				}
			}
		})
	}, func(s *story) {
		require.ElementsMatch(s, []string{"xsp1.example.com", "xsp2.example.com"}, s.bw.hosts())
		names.set("xsp2", "xsp3")
		s.after(6 * time.Minute)
		require.ElementsMatch(s, []string{"xsp2.example.com", "xsp3.example.com"}, s.bw.hosts())
		require.Len(s, s.bw.opened(), 3, "the channel on xsp2 is the first one still")
		require.Equal(s, 1, s.bw.count("DELETE "), "what xsp1 still owed moves on at once")
		require.Equal(s, 2, s.p.Status().Channels)

		// A failure of DNS, or an empty answer, takes nobody away.
		names.set()
		s.after(20 * time.Minute)
		require.Len(s, s.bw.hosts(), 2)
		require.Len(s, s.bw.opened(), 3)
		names.set("xsp3", "xsp3")
		s.after(6 * time.Minute)
		require.Equal(s, []string{"xsp3.example.com"}, s.bw.hosts())
	})
	require.Less(t, names.asked, 60)
}

// An XSP that sends us to another is followed, the body kept; where a channel
// of ours is already, no second one is made.
func TestARedirectedChannelAndSubscription(t *testing.T) {
	var bodies []string
	away := func(bw *script) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Host == "xsp1" {
				w.Header().Set("Location", "http://xsp2"+r.URL.RequestURI())
				w.WriteHeader(http.StatusFound)
				return
			}
			b := make([]byte, 4096)
			n, _ := r.Body.Read(b)
			bw.mu.Lock()
			bodies = append(bodies, r.Method+" "+string(b[:n]))
			bw.mu.Unlock()
			bw.standard(w, r, string(b[:n]))
		}
	}
	tell(t, func(bw *script, c *Config) {
		c.Network.XSPs = []string{"http://xsp1", "http://xsp2"}
		bw.on("POST /v2.0/channel", away(bw))
		bw.on("POST /user/bob@example.com", away(bw))
	}, func(s *story) {
		s.after(10 * time.Minute)
		require.Equal(s, []string{"xsp2"}, s.bw.hosts()[:1])
		for _, host := range s.bw.hosts() {
			require.Equal(s, "xsp2", host)
		}
		require.Len(s, s.bw.opened(), 1, "each XSP has one, whoever sends us there")
		require.Equal(s, 1, s.p.Status().Channels)
		channels, subscriptions := 0, 0
		for _, b := range bodies {
			require.True(s, strings.HasPrefix(b, "POST <?xml"), b)
			channels += strings.Count(b, "<Channel xmlns=")
			subscriptions += strings.Count(b, "<Subscription xmlns=")
		}
		require.Equal(s, len(s.bw.opened()), channels)
		require.Equal(s, 1, subscriptions)
		// What is about the channel goes where the channel is.
		s.say(strings.ReplaceAll(received, "<xsi:sequenceNumber>2<", "<xsi:sequenceNumber>1<"))
		require.Equal(s, []string{"e1"}, s.bw.acked())
	})
}

// DNS gives every XSP a port and a redirect leaves it out; it is the same XSP. A
// foreign one is not asked, whatever else is right about it.
func TestARedirectMaySpellAnXSPDifferently(t *testing.T) {
	for location, want := range map[string]engine.OutcomeKind{
		"http://XSP2.example.com/next/Hold":          engine.OutcomeAccepted,
		"http://xsp2.example.com:80/next/Hold":       engine.OutcomeAccepted,
		"http://me:too@xsp2.example.com/next/Hold":   engine.OutcomeAccepted,
		"http://xsp2.example.com:81/next/Hold":       engine.OutcomeNotSent,
		"https://xsp2.example.com/next/Hold":         engine.OutcomeNotSent,
		"http://xsp2.example.com.evil.net/next/Hold": engine.OutcomeNotSent,
	} {
		tell(t, func(_ *script, c *Config) { c.Network.XSPs = []string{"http://xsp1", "http://xsp2.example.com:80"} }, func(s *story) {
			s.bw.on("PUT /Hold", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", location)
				w.WriteHeader(http.StatusFound)
			})
			s.bw.on("PUT /next/Hold", func(http.ResponseWriter, *http.Request) {})
			require.Equal(s, want, s.ask(engine.VerbHold).Kind, location)
			logins := s.bw.logins()
			require.Equal(s, want == engine.OutcomeAccepted, s.bw.count("PUT /next/Hold") == 1, location)
			require.Equal(s, logins[0], logins[len(logins)-1], "the login is ours")
		})
	}
}

// An XSP that is missing in the list shows, without a line for each request.
func TestARedirectToNowhereIsToldOf(t *testing.T) {
	var log strings.Builder // written and read while the bubble stands still
	tell(t, func(_ *script, c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }, func(s *story) {
		s.bw.on("PUT /Hold", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://xsp9.example.com/com.broadsoft.xsi-actions/v2.0/user/bob@example.com/calls/1/Hold")
			w.WriteHeader(http.StatusFound)
		})
		for range 100 {
			s.ask(engine.VerbHold)
			s.after(time.Second)
		}
		require.Equal(s, 2, strings.Count(log.String(), "to=https://xsp9.example.com:443\n"))
	})
}

// A heartbeat nobody answers is tried again soon: an XSP that hangs is found
// out long before its stream has been silent for too long.
func TestAnXSPThatHangsIsFoundOut(t *testing.T) {
	tell(t, func(bw *script, _ *Config) {
		bw.on("PUT /heartbeat", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	}, func(s *story) {
		s.after(47 * time.Second)
		require.Len(s, s.bw.opened(), 1)
		s.after(2 * time.Second)
		require.Len(s, s.bw.opened(), 2)
	})
}
