package broadworks

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/provider"
)

const callType = "CallReceivedEvent"

// withContact has events POSTed to a postbox.
func withContact(box *postbox, more ...func(*script, *Config)) func(*script, *Config) {
	return func(bw *script, c *Config) {
		contactNetwork(&c.Network)
		c.Listen = box.listen
		for _, fn := range more {
			fn(bw, c)
		}
	}
}

// posts POSTs a document; the answer comes on the channel.
func (s *story) posts(doc string) <-chan int {
	got := make(chan int, 1)
	go func() { got <- s.p.Take([]byte(doc)) }()
	synctest.Wait()
	return got
}

// answered POSTs a document that is answered at once.
func (s *story) answered(doc string) int {
	s.Helper()
	select {
	case status := <-s.posts(doc):
		return status
	default:
		require.Fail(s, "not answered", doc)
		return 0
	}
}

func (s *story) quiet(got <-chan int) {
	s.Helper()
	synctest.Wait()
	select {
	case status := <-got:
		require.Fail(s, "answered too early", "%d", status)
	default:
	}
}

var uriPattern = regexp.MustCompile(`<httpContact><uri>([^<]*)</uri></httpContact>`)

// uris are the contacts the platform was told, in order.
func (s *script) uris() (all []string) {
	for _, body := range s.sent() {
		if m := uriPattern.FindStringSubmatch(body); m != nil {
			all = append(all, m[1])
		}
	}
	return all
}

func TestASubscriptionNamesAnUnguessableContact(t *testing.T) {
	box := &postbox{}
	tell(t, withContact(box), func(s *story) {
		require.Len(s, s.bw.uris(), 1)
		uri := s.bw.uris()[0]
		require.Regexp(s, `^https://receiver\.example\.com/xsi/[0-9a-f]{40}$`, uri)
		require.Zero(s, s.bw.count("/v2.0/channel"), "no channel is opened")
		path := uri[strings.Index(uri, "/xsi"):]
		require.True(s, s.p.Knows([]byte(path)))
		require.True(s, s.p.Knows([]byte(path[4:])), "a proxy may cut off the rest")
		for _, other := range []string{"", "/", "/xsi/", path[:len(path)-1], path + "/", path + "0", strings.ToUpper(path), "/xsi/" + strings.Repeat("0", 40)} {
			require.False(s, s.p.Knows([]byte(other)), other)
		}
		st := s.p.Status()
		require.Equal(s, provider.LinkUp, st.Link, st.Detail)
		require.Equal(s, 1, st.Subscribed)
	})
}

func TestAnAnswerWaitsUntilTheEventIsDurable(t *testing.T) {
	tell(t, withContact(&postbox{}), func(s *story) {
		s.sink.withhold = true
		got := s.posts(event("e1", "s1", "1", "", snapshotType, ""))
		require.Equal(s, []string{"snapshot"}, s.sink.kinds())
		s.after(9 * time.Second)
		s.quiet(got)
		// The platform lost patience and sends it again: handed over once,
		// answered twice.
		again := s.posts(event("e1", "s1", "1", "", snapshotType, ""))
		s.sink.settleAll()
		require.Equal(s, 200, <-got)
		require.Equal(s, 200, <-again)
		require.Equal(s, 200, s.answered(event("e1", "s1", "1", "", snapshotType, "")))
		require.Equal(s, []string{"snapshot"}, s.sink.kinds())
		require.Empty(s, s.bw.acked(), "the answer is the acknowledgement")
	})
}

func TestAnEventThatDoesNotSettleIsThePlatformsToSendAgain(t *testing.T) {
	tell(t, withContact(&postbox{}), func(s *story) {
		s.sink.withhold = true
		got := s.posts(event("e1", "s1", "1", "", snapshotType, ""))
		s.after(11 * time.Second)
		require.Equal(s, 503, <-got)
		s.sink.settleAll()
		require.Equal(s, 200, s.answered(event("e1", "s1", "1", "", snapshotType, "")), "it is durable by now")
		require.Equal(s, []string{"snapshot"}, s.sink.kinds())
	})
}

func TestAPileUpIsBounded(t *testing.T) {
	tell(t, withContact(&postbox{}, func(_ *script, c *Config) { c.Inbound = 3 }), func(s *story) {
		s.sink.withhold = true
		var waiting []<-chan int
		for i := range 3 {
			waiting = append(waiting, s.posts(event(fmt.Sprint("e", i), "s1", fmt.Sprint(i+1), "", callType, alertingCall)))
		}
		require.Equal(s, 503, s.answered(event("e3", "s1", "4", "", callType, alertingCall)))
		s.sink.settleAll()
		for _, got := range waiting {
			require.Equal(s, 200, <-got)
		}
		require.Equal(s, 503, <-s.inTime(s.posts(event("e3", "s1", "4", "", callType, alertingCall)), 11*time.Second), "room again, and nothing settles")
	})
}

// inTime lets time pass for an answer.
func (s *story) inTime(got <-chan int, d time.Duration) <-chan int {
	s.after(d)
	return got
}

func TestWhatIsNoEventIsNotTaken(t *testing.T) {
	tell(t, withContact(&postbox{}), func(s *story) {
		for _, doc := range []string{"", "hello", "<a/>", `<Channel xmlns="http://schema.broadsoft.com/xsi"><channelId>c</channelId></Channel>`, `<?xml version="1.0" encoding="UTF-16"?><a/>`} {
			require.Equal(s, 400, s.answered(doc), doc)
		}
		require.Empty(s, s.sink.kinds())
	})
}

// An event that is not understood to its end would be refused for ever. It is
// acknowledged, and its user compared.
func TestAnEventThatIsNotUnderstoodComparesItsUser(t *testing.T) {
	tell(t, withContact(&postbox{}), func(s *story) {
		whole := event("e1", "s1", "1", bob, callType, alertingCall)
		require.Equal(s, 200, s.answered(whole[:len(whole)-30]))
		require.Equal(s, 200, s.answered(event("e2", "s1", "2", bob, callType, alertingCall)+event("e3", "s1", "3", bob, callType, alertingCall)), "two in one")
		require.Equal(s, []string{bob, bob}, s.sink.resyncs)
		require.Empty(s, s.sink.kinds())
	})
}

func TestTheFirstEventMayComeBeforeTheAnswerToTheSubscription(t *testing.T) {
	answers := make(chan int, 3)
	box := &postbox{}
	tell(t, withContact(box, func(bw *script, c *Config) {
		bw.on("POST /user/bob@example.com", func(w http.ResponseWriter, _ *http.Request) {
			for i, doc := range []string{
				event("e2", "s9", "2", bob, callType, alertingCall), event("e1", "s9", "1", bob, snapshotType, ""), event("e3", "s9", "3", bob, callType, alertingCall),
			} {
				go func() { answers <- box.in.Take([]byte(doc)) }()
				time.Sleep(time.Duration(i+1) * time.Millisecond)
			}
			time.Sleep(100 * time.Millisecond)
			_, _ = fmt.Fprint(w, `<Subscription xmlns="http://schema.broadsoft.com/xsi"><subscriptionId>s9</subscriptionId><expires>3600</expires></Subscription>`)
		})
	}), func(s *story) {
		s.after(50 * time.Millisecond)
		require.Empty(s, s.sink.kinds())
		require.Empty(s, answers)
		s.after(100 * time.Millisecond)
		require.Equal(s, []string{"snapshot", "received", "received"}, s.sink.kinds())
		require.Equal(s, []uint32{1, 2, 3}, s.sequences())
		for range 3 {
			require.Equal(s, 200, <-answers)
		}
	})
}

func TestPostedEventsThatOvertakeEachOtherAreHandedOverInOrder(t *testing.T) {
	tell(t, withContact(&postbox{}), func(s *story) {
		var waiting []<-chan int
		for _, n := range []string{"3", "2", "5", "4"} {
			waiting = append(waiting, s.posts(event("e"+n, "s1", n, "", callType, alertingCall)))
		}
		require.Empty(s, s.sink.kinds(), "a new subscription begins at 1")
		require.Equal(s, 200, s.answered(event("e1", "s1", "1", "", snapshotType, "")))
		for _, got := range waiting {
			require.Equal(s, 200, <-got)
		}
		require.Equal(s, []uint32{1, 2, 3, 4, 5}, s.sequences())
	})
}

func TestAMissingNumberIsWaitedForBriefly(t *testing.T) {
	tell(t, withContact(&postbox{}), func(s *story) {
		require.Equal(s, 200, s.answered(event("e1", "s1", "1", "", snapshotType, "")))
		third, fourth := s.posts(event("e3", "s1", "3", "", callType, alertingCall)), s.posts(event("e4", "s1", "4", "", callType, alertingCall))
		s.after(400 * time.Millisecond)
		s.quiet(third)
		s.after(200 * time.Millisecond)
		require.Equal(s, 200, <-third)
		require.Equal(s, 200, <-fourth)
		require.Equal(s, []uint32{1, 3, 4}, s.sequences(), "the core sees the gap, and compares")
		require.Equal(s, 200, s.answered(event("e2", "s1", "2", "", callType, alertingCall)))
		require.Equal(s, 200, s.answered(event("e5", "s1", "5", "", callType, alertingCall)), "it goes on from there")
	})
}

func TestNumbersWrapInOrder(t *testing.T) {
	tell(t, withContact(&postbox{}, func(_ *script, c *Config) {
		c.Memory = NewMemory()
		p, err := New(*c) // the contact it was remembered with
		require.NoError(t, err)
		require.NoError(t, c.Memory.Put("user/"+bob, remembered{ID: "s1", Expires: time.Now().Add(time.Hour).UnixMilli(), Contact: p.currentMark()}.encode()))
	}), func(s *story) {
		require.Equal(s, 200, s.answered(event("a", "s1", "2147483646", "", callType, alertingCall)), "numbers of before a restart")
		second := s.posts(event("c", "s1", "1", "", callType, alertingCall))
		s.quiet(second)
		require.Equal(s, 200, s.answered(event("b", "s1", "2147483647", "", callType, alertingCall)))
		require.Equal(s, 200, <-second)
		require.Equal(s, []uint32{2147483646, 2147483647, 1}, s.sequences())
	})
}

func TestASubscriptionThatEndsIsMadeAgainInItsTurn(t *testing.T) {
	tell(t, withContact(&postbox{}), func(s *story) {
		require.Equal(s, 200, s.answered(event("e1", "s1", "1", "", snapshotType, "")))
		end := s.posts(event("e3", "s1", "3", "", "SubscriptionTerminatedEvent", ""))
		s.quiet(end)
		require.Equal(s, 200, s.answered(event("e2", "s1", "2", "", callType, alertingCall)))
		require.Equal(s, 200, <-end)
		require.Equal(s, []uint32{1, 2}, s.sequences(), "the event before it was ours")
		s.after(time.Second)
		require.Equal(s, 2, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/user/bob@example.com"))
	})
}

func TestAnUnknownSubscriptionIsNotFoundAndDeleted(t *testing.T) {
	tell(t, withContact(&postbox{}), func(s *story) {
		for i := range 3 {
			require.Equal(s, 404, s.answered(event(fmt.Sprint("e", i), "lost", fmt.Sprint(7+i), bob, callType, alertingCall)))
		}
		s.after(time.Second)
		require.Equal(s, 1, s.bw.count("DELETE /com.broadsoft.xsi-events/v2.0/subscription/lost"), "it counts against a quota")
		require.Empty(s, s.sink.kinds())
		require.Equal(s, 200, s.answered(event("e9", "s1", "1", "carol@example.com", callType, alertingCall)), "nobody follows carol")
	})
}

func TestARestartKeepsItsContactAndSubscriptions(t *testing.T) {
	box := &postbox{}
	var cfg Config
	tell(t, withContact(box, func(_ *script, c *Config) { c.Memory = NewMemory(); cfg = *c }), func(s *story) {
		cfg.Sink = s.sink
		s.start(cfg)
		require.Len(s, s.bw.uris(), 1, "subscribed once")
		require.Equal(s, 1, s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/subscription/s1"), "and renewed: what was POSTed meanwhile is lost")
		uri := s.bw.uris()[0]
		require.True(s, s.p.Knows([]byte(uri)))

		// The operator moves the listener: the old subscription is of no use.
		cfg.Network.Contact.PublicURL = "https://elsewhere.example.com/"
		s.start(cfg)
		s.after(time.Second)
		require.Len(s, s.bw.uris(), 2)
		require.Equal(s, "https://elsewhere.example.com/"+uri[strings.LastIndexByte(uri, '/')+1:], s.bw.uris()[1])
		require.Equal(s, 1, s.bw.count("DELETE /com.broadsoft.xsi-events/v2.0/subscription/s1"))

		// And back to channels.
		cfg.Network.Contact = tenant.Contact{}
		s.start(cfg)
		s.after(time.Second)
		require.Equal(s, 1, s.bw.count("DELETE /com.broadsoft.xsi-events/v2.0/subscription/s2"))
		require.Equal(s, 3, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/user/bob@example.com"))
		require.Len(s, s.bw.opened(), 1)
		require.Equal(s, 1, s.p.Status().Subscribed)
	})
}

func TestANewSecretPathTakesTheSubscriptionsAlong(t *testing.T) {
	tell(t, withContact(&postbox{}), func(s *story) {
		old := s.bw.uris()[0]
		require.NoError(s, s.p.RotateContact())
		s.after(time.Second)
		fresh := s.bw.uris()[1]
		require.NotEqual(s, old, fresh)
		require.False(s, s.p.Knows([]byte(old)))
		require.True(s, s.p.Knows([]byte(fresh)))
		require.Equal(s, 1, s.bw.count("DELETE /com.broadsoft.xsi-events/v2.0/subscription/s1"))
		require.Equal(s, 1, s.p.Status().Subscribed)
		require.Equal(s, 200, s.answered(event("e1", "s2", "1", "", snapshotType, "")))
		require.Equal(s, []string{"snapshot"}, s.sink.kinds())
	})
	tell(t, nil, func(s *story) { require.Error(s, s.p.RotateContact(), "a network with channels has none") })
}

// The secret changes while a subscription is being made with the old one.
func TestANewSecretPathDuringASubscription(t *testing.T) {
	tell(t, withContact(&postbox{}, func(bw *script, _ *Config) {
		bw.on("POST /user/bob@example.com", subscribeSlowly(bw, "s9", time.Second))
	}), func(s *story) {
		require.NoError(s, s.p.RotateContact())
		s.bw.on("POST /user/bob@example.com", nil)
		s.after(2 * time.Second)
		require.Len(s, s.bw.uris(), 2)
		require.True(s, s.p.Knows([]byte(s.bw.uris()[1])))
		require.Equal(s, 1, s.bw.count("DELETE /com.broadsoft.xsi-events/v2.0/subscription/s9"))
	})
}

func TestAListenerThatFailsIsBoundAgainAndEverybodyCompared(t *testing.T) {
	box := &postbox{}
	tell(t, withContact(box, func(_ *script, c *Config) { c.Arrival = time.Hour }), func(s *story) {
		renewed := func() int { return s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/subscription/s1") }
		box.refuse(true)
		box.drop()
		s.after(time.Minute)
		st := s.p.Status()
		require.Equal(s, provider.LinkDown, st.Link)
		require.Contains(s, st.Detail, "not bound")
		require.Equal(s, 0, renewed(), "the snapshot would be lost")
		box.refuse(false)
		s.after(time.Minute)
		require.Equal(s, provider.LinkUp, s.p.Status().Link)
		require.Equal(s, 1, renewed())
	})
}

// A firewall in between: subscriptions stand, and nothing arrives.
func TestAPlatformThatDoesNotReachUsShows(t *testing.T) {
	tell(t, withContact(&postbox{}), func(s *story) {
		s.after(40 * time.Second)
		st := s.p.Status()
		require.Equal(s, provider.LinkDown, st.Link)
		require.Contains(s, st.Detail, "no event of them arrives")

		require.Equal(s, 200, s.answered(event("e1", "s1", "1", "", snapshotType, "")))
		require.Equal(s, provider.LinkUp, s.p.Status().Link)
		s.after(time.Second)
		require.Equal(s, 1, s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/subscription/s1"), "what was sent meanwhile is lost: compared")
	})
}

func TestAUserWithCallsWhoWentQuietIsCompared(t *testing.T) {
	tell(t, withContact(&postbox{}, func(_ *script, c *Config) { c.Expires = 24 * time.Hour; c.Arrival = time.Hour }), func(s *story) {
		renewed := func() int { return s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/subscription/s1") }
		require.Equal(s, 200, s.answered(event("e1", "s1", "1", "", snapshotType, "")))
		s.after(20 * time.Minute)
		require.Zero(s, renewed(), "without calls there is nothing to miss")
		require.Equal(s, 200, s.answered(event("e2", "s1", "2", "", callType, alertingCall)))
		s.after(4 * time.Minute)
		require.Zero(s, renewed())
		s.after(4 * time.Minute)
		require.Equal(s, 1, renewed())
		require.Equal(s, 200, s.answered(event("e3", "s1", "3", "", snapshotType, "")), "the call is gone")
		s.after(15 * time.Minute)
		require.Equal(s, 1, renewed())
	})
}

func TestSubscriptionsAreRenewedAtHalfLife(t *testing.T) {
	tell(t, withContact(&postbox{}), func(s *story) {
		s.after(29 * time.Minute)
		require.Zero(s, s.bw.count("PUT "))
		s.after(2 * time.Minute)
		require.Equal(s, 1, s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/subscription/s1"))
	})
}
