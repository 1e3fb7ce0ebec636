package broadworks

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/provider"
)

func terminated(reason string) string {
	return declaration + `<xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" xsi1:type="xsi:ChannelTerminatedEvent"><xsi:channelId>ch1</xsi:channelId><xsi:reason>` + reason + `</xsi:reason></xsi:Event>`
}

func TestARestartReusesItsChannelSetAndSubscriptions(t *testing.T) {
	var cfg Config
	tell(t, func(_ *script, c *Config) { c.Memory = NewMemory(); cfg = *c }, func(s *story) {
		cfg.Sink = s.sink
		first := s.bw.last().set
		s.start(cfg)
		require.Equal(s, first, s.bw.last().set)
		require.Equal(s, 1, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/user/bob@example.com"))
		require.Equal(s, 1, s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/subscription/s1"))
		require.Equal(s, 1, s.p.Status().Subscribed)

		// The next time the platform has forgotten it (dossier §1.8).
		s.bw.on("PUT /v2.0/subscription/s1", says(http.StatusForbidden, errorInfo(codeUnknownSubscription)))
		s.start(cfg)
		require.Equal(s, 2, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/user/bob@example.com"))
		value, err := cfg.Memory.Get("user/bob@example.com")
		require.NoError(s, err)
		require.Equal(s, "s2", decodeRemembered(value).ID)
	})
}

// What was subscribed to before the targets were changed is deleted: it counts
// against the quota, and its events are numbered otherwise.
func TestARestartWithOtherTargets(t *testing.T) {
	const deletions = "DELETE /com.broadsoft.xsi-events/v2.0/subscription/"
	var cfg Config
	whole := []tenant.Target{{Enterprise: "ent1"}}
	tell(t, func(_ *script, c *Config) {
		c.Memory, c.Network.Subscribe, c.Network.Targets = NewMemory(), subscribeEnterprise, whole
		cfg = *c
	}, func(s *story) {
		cfg.Sink = s.sink
		s.after(time.Second)
		require.Equal(s, 1, s.p.Status().Subscribed)
		first := s.bw.last().set

		cfg.Network.Subscribe, cfg.Network.Targets = subscribeUser, nil
		s.bw.on("POST /user/bob@example.com", subscribeSlowly(s.bw, "s9", 10*time.Millisecond,
			event("e1", "s1", "1", bob, "CallReceivedEvent", alertingCall))) // of the enterprise's, still
		s.start(cfg)
		s.after(time.Second)
		require.Equal(s, first, s.bw.last().set)
		require.Equal(s, []string{"e1 481"}, s.bw.acked())
		require.Equal(s, 1, s.bw.count(deletions+"s1"))
		require.Equal(s, 1, s.bw.count(posts))
		require.Equal(s, 1, s.p.Status().Subscribed)

		cfg.Network.Subscribe, cfg.Network.Targets = subscribeEnterprise, whole
		s.start(cfg)
		s.after(time.Second)
		require.Equal(s, 1, s.bw.count(deletions+"s9"))
		require.Equal(s, 2, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/enterprise/ent1"))

		cfg.EventPackage = "Standard Call"
		s.start(cfg)
		s.after(time.Second)
		require.Equal(s, 1, s.bw.count(deletions+"s2"))
		require.Equal(s, 3, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/enterprise/ent1"), "made anew, for other events")
	})
}

func TestASubscriptionNobodyWantsAfterARestartIsDeletedInTheEnd(t *testing.T) {
	tell(t, func(_ *script, c *Config) {
		c.Memory = NewMemory()
		require.NoError(t, c.Memory.Put("user/carol@example.com", remembered{ID: "s77", Expires: time.Now().Add(time.Hour).UnixMilli()}.encode()))
	}, func(s *story) {
		s.after(9 * time.Minute)
		require.Zero(s, s.bw.count("subscription/s77"))
		s.after(2 * time.Minute)
		require.Equal(s, 1, s.bw.count("DELETE /com.broadsoft.xsi-events/v2.0/subscription/s77"))
	})
}

func TestReconnectsBackOffWithJitter(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.bw.on("POST /v2.0/channel", says(http.StatusServiceUnavailable, ""))
		s.bw.last().close()
		s.after(10 * time.Minute)
		// Half of 1, 2, 4 … 60 s: six tries in the first half minute, then two a minute.
		n := s.bw.count("v2.0/channel") - s.bw.count("heartbeat") - 1
		require.InDelta(s, 6+20, n, 3)
		require.Equal(s, provider.LinkDown, s.p.Status().Link)

		s.bw.on("POST /v2.0/channel", nil)
		s.after(31 * time.Second)
		require.Equal(s, provider.LinkUp, s.p.Status().Link)
	})
}

// A platform that gets too few acknowledgements ends each channel after some
// seconds. However often it did, the next is open about as soon.
func TestAChannelThatWasUpIsMissedNoLongerThanItWasUp(t *testing.T) {
	tell(t, nil, func(s *story) {
		for range 40 {
			s.bw.last().close()
			s.after(9 * time.Second)
			require.Equal(s, provider.LinkUp, s.p.Status().Link)
		}
		// One that is opened and ended at once is no better than one that is refused.
		for range 10 {
			s.bw.last().close()
			s.after(time.Second)
		}
		require.Less(s, len(s.bw.opened()), 41+10)
	})
}

func TestASilentStreamIsDead(t *testing.T) {
	tell(t, func(bw *script, c *Config) {
		c.Silence = 20 * time.Second // less than the script's own heartbeats are apart
	}, func(s *story) {
		s.after(19 * time.Second)
		require.Len(s, s.bw.opened(), 1)
		s.after(2 * time.Second)
		require.Len(s, s.bw.opened(), 2)
	})
}

func TestAChannelTheXSPDoesNotKnowIsBuiltAgain(t *testing.T) {
	tell(t, func(bw *script, _ *Config) {
		bw.on("PUT /ch1/heartbeat", says(http.StatusNotFound, ""))
	}, func(s *story) {
		s.after(16 * time.Second)
		require.Len(s, s.bw.opened(), 2)
		s.after(time.Minute)
		require.Len(s, s.bw.opened(), 2, "the new one is known")
	})
}

// A 401 to a heartbeat says either that the channel is gone or that the login
// is (dossier §1.8): one probe tells, at once.
func TestA401ToAHeartbeatIsSettledByOneProbe(t *testing.T) {
	const probe = "GET /com.broadsoft.xsi-actions/v2.0/user/admin@example.com/profile"
	tell(t, func(bw *script, _ *Config) { bw.on("PUT /ch1/heartbeat", refusedLogin) }, func(s *story) {
		s.after(16 * time.Second)
		require.Len(s, s.bw.opened(), 2, "the login is good: the channel was gone")
		require.Equal(s, 2, s.bw.count(probe))

		s.bw.on("PUT /heartbeat", refusedLogin)
		s.bw.on("GET /profile", refusedLogin)
		s.after(14 * time.Minute)
		require.Len(s, s.bw.opened(), 2)
		require.Equal(s, 3, s.bw.count(probe), "the login is bad: nothing more is sent")
		require.Equal(s, provider.LinkGateClosed, s.p.Status().Link)
	})
}

// A channel that is not allowed is not asked for again and again: accounts are
// locked for less, and only a person can change the answer.
func TestAChannelThatIsRefusedIsAskedForSeldom(t *testing.T) {
	tell(t, func(bw *script, c *Config) {
		c.Network.XSPs = []string{"http://xsp1", "http://xsp2"}
		bw.on("POST /v2.0/channel", says(http.StatusForbidden, errorInfo(4711)))
	}, func(s *story) {
		s.after(time.Hour)
		require.InDelta(s, 2*7, s.bw.count("POST /com.broadsoft.async/"), 2, "every five to fifteen minutes at each XSP")
		st := s.p.Status()
		require.Equal(s, provider.LinkDown, st.Link)
		require.Equal(s, "xsp1: the XSP refuses a channel: HTTP 403, BroadWorks error 4711; xsp2: the XSP refuses a channel: HTTP 403, BroadWorks error 4711", st.Detail)
		s.bw.on("POST /v2.0/channel", nil)
		s.after(15 * time.Minute)
		st = s.p.Status()
		require.Equal(s, []any{provider.LinkUp, "", 2}, []any{st.Link, st.Detail, st.Channels})
	})
}

// Where the set is left to another client, a channel that was being opened at
// another XSP meanwhile is not kept: it would take the set back at once.
func TestAChannelOpenedTooLateDoesNotFight(t *testing.T) {
	var opening chan struct{} // xsp2's first channel waits for it
	tell(t, func(bw *script, c *Config) {
		opening = make(chan struct{})
		c.Network.XSPs = []string{"http://xsp1", "http://xsp2"}
		bw.on("POST /v2.0/channel", func(w http.ResponseWriter, r *http.Request) {
			if r.Host == "xsp2" {
				<-opening
			}
			bw.standard(w, r, "")
		})
	}, func(s *story) {
		require.Len(s, s.bw.opened(), 1)
		s.say(terminated("DuplicateChannelSet"))
		close(opening)
		s.after(time.Second)
		require.Len(s, s.bw.opened(), 2)
		require.Equal(s, 1, s.bw.count("DELETE /com.broadsoft.xsi-events/v2.0/channel/ch2"))
		s.after(9 * time.Minute)
		require.Len(s, s.bw.opened(), 2, "it stays with the other client")
		require.Equal(s, provider.LinkDuplicate, s.p.Status().Link)
		s.after(2 * time.Minute)
		require.Equal(s, 2, s.p.Status().Channels)
	})
}

func TestHeartbeatsCarryTheCookieOfTheirChannel(t *testing.T) {
	cookie := make(chan string, 8)
	tell(t, func(bw *script, _ *Config) {
		bw.on("PUT /heartbeat", func(_ http.ResponseWriter, r *http.Request) { cookie <- r.Header.Get("Cookie") })
	}, func(s *story) {
		s.after(15 * time.Second)
		require.Equal(s, "JSESSIONID=node1", <-cookie)
	})
}

// Every reason the platform has for ending a channel is dealt with on purpose
// (dossier §3.7).
func TestEachReasonAChannelEndsFor(t *testing.T) {
	for _, c := range []struct {
		reason string
		within time.Duration // the channel is back after this, and not at half of it
		probes int           // sent before it comes back
		link   provider.Link // meanwhile
	}{
		{"UnknownChannel", time.Second, 0, provider.LinkDown},
		{"Expired", time.Second, 0, provider.LinkDown},
		{"NonResponsiveChannel", time.Second, 0, provider.LinkDown},
		{"ExplicitDelete", time.Minute, 0, provider.LinkDown},
		{"UserDeleted", time.Second, 1, provider.LinkDown},
		{"DuplicateChannelSet", 10*time.Minute + time.Second, 0, provider.LinkDuplicate},
		{"Novelty", time.Second, 0, provider.LinkDown},
	} {
		tell(t, nil, func(s *story) {
			set := s.bw.last().set
			s.say(terminated(c.reason))
			s.after(c.within / 3)
			require.Len(s, s.bw.opened(), 1, c.reason)
			require.Equal(s, c.link, s.p.Status().Link, c.reason)
			s.after(c.within - c.within/3)
			require.Len(s, s.bw.opened(), 2, c.reason)
			require.Equal(s, set, s.bw.last().set, "in the same set")
			require.Equal(s, 1+c.probes, s.bw.count("GET /com.broadsoft.xsi-actions/v2.0/user/admin@example.com/profile"), c.reason)
			require.Empty(s, s.bw.acked(), "a ChannelTerminatedEvent is never acknowledged")
			s.after(time.Second)
			require.Equal(s, 1, s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/subscription/s1"), "bob is compared: %s", c.reason)
		})
	}
}

// A login whose user was deleted is tried once, not in a loop.
func TestADeletedLoginClosesTheGate(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.bw.on("GET /profile", refusedLogin)
		n := len(s.bw.requests())
		s.say(terminated("UserDeleted"))
		s.after(14 * time.Minute)
		require.Equal(s, provider.LinkGateClosed, s.p.Status().Link)
		require.Len(s, s.bw.requests(), n+1)
	})
}

// A platform that ends every channel as soon as it is open is not hammered.
func TestChannelsThatEndAtOnceAreBuiltEverMoreSlowly(t *testing.T) {
	for _, reason := range []string{"Expired", "NonResponsiveChannel", "UnknownChannel", "UserDeleted", "ExplicitDelete"} {
		tell(t, nil, func(s *story) {
			for range 600 {
				if st := s.bw.last(); !st.ended() {
					s.say(terminated(reason))
					st.close()
				}
				s.after(time.Second)
			}
			require.Less(s, len(s.bw.opened()), 30, "in ten minutes: %s", reason)
		})
	}
}

func TestAnotherClientIsLeftItsChannelSet(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.say(terminated("DuplicateChannelSet"))
		s.after(time.Second)
		require.Equal(s, provider.LinkDuplicate, s.p.Status().Link)
		s.after(9*time.Minute + 58*time.Second)
		require.Len(s, s.bw.opened(), 1)
		s.after(2 * time.Second)
		require.Len(s, s.bw.opened(), 2)
		require.Equal(s, provider.LinkUp, s.p.Status().Link)
	})
}

func TestAnEndedSubscriptionIsMadeAgain(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.say(event("t1", "s1", "5", bob, "SubscriptionTerminatedEvent", ""))
		require.Equal(s, []string{"t1"}, s.bw.acked())
		s.after(time.Second)
		require.Equal(s, 2, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/user/bob@example.com"))

		s.p.Unfollow(bob)
		s.after(time.Second)
		require.Equal(s, 1, s.bw.count("DELETE /com.broadsoft.xsi-events/v2.0/subscription/s2"))
		s.say(event("t2", "s2", "6", bob, "SubscriptionTerminatedEvent", ""))
		s.after(time.Hour)
		require.Equal(s, 2, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/user/bob@example.com"))
		require.Zero(s, s.p.Status().Followed)
	})
}

func TestAnUnknownChannelSetIsBuiltAgain(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.bw.on("POST /user/carol@example.com", says(http.StatusForbidden, errorInfo(codeUnknownChannelSet)))
		s.p.Follow("carol@example.com")
		s.after(100 * time.Millisecond)
		s.bw.on("POST /user/carol@example.com", nil)
		s.after(2 * time.Second)
		require.Len(s, s.bw.opened(), 2)
		require.Equal(s, 2, s.p.Status().Subscribed)
	})
}

func TestARefusedUserIsItsOwnTrouble(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.bw.on("POST /user/carol@example.com", says(http.StatusForbidden, errorInfo(4410)))
		s.p.Follow("carol@example.com")
		s.after(9 * time.Minute)
		require.Equal(s, 1, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/user/carol@example.com"))
		require.Len(s, s.bw.opened(), 1)
		st := s.p.Status()
		require.Equal(s, provider.LinkUp, st.Link)
		require.Equal(s, []int{2, 1}, []int{st.Followed, st.Subscribed})
		s.after(12 * time.Minute)
		require.Equal(s, 2, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/user/carol@example.com"))
	})
}

func TestFollowingManyIsNoStorm(t *testing.T) {
	tell(t, nil, func(s *story) {
		for i := range 1000 {
			s.p.Follow(fmt.Sprintf("user%d@example.com", i))
		}
		s.after(time.Second)
		n := s.bw.count("POST /com.broadsoft.xsi-events/v2.0/user/")
		require.InDelta(s, 100, n, 5)
		s.after(10 * time.Second)
		require.Equal(s, 1001, s.p.Status().Subscribed)
	})
}

func TestUserIdsAreOneWhateverTheirCase(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.p.Follow("Bob@Example.com")
		s.say(strings.ReplaceAll(received, bob, "BOB@example.com"))
		require.Equal(s, []string{"Bob@Example.com"}, s.sink.users)
		require.Equal(s, 1, s.p.Status().Followed)
	})
}

// A node is stopped while it subscribes. The platform has the subscription by
// then, and would keep it, beside the one of the next start, until it expires.
func TestASubscriptionThatIsBeingMadeOutlastsTheStop(t *testing.T) {
	for name, c := range map[string]struct {
		answers time.Duration
		made    int // by both lives
	}{"answered in time": {time.Second, 1}, "answered too late": {3 * time.Second, 2}} {
		t.Run(name, func(t *testing.T) {
			const path = "POST /com.broadsoft.xsi-events/v2.0/user/" + bob
			var cfg Config
			tell(t, func(bw *script, c2 *Config) {
				c2.Memory = NewMemory()
				bw.on(path, func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(c.answers)
					bw.standard(w, r, "")
				})
				cfg = *c2
			}, func(s *story) {
				require.Equal(s, 1, s.bw.count(path), "it is being made")
				began := time.Now()
				s.stop()
				require.LessOrEqual(s, time.Since(began), subscribeLasts)
				s.after(time.Hour / 4)
				s.start(cfg)
				s.after(2 * time.Minute)
				require.Equal(s, provider.UserSubscribed, s.p.User(bob).State)
				require.Equal(s, c.made, s.bw.count(path))
			})
		})
	}
}
