package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// receiver is an HTTP contact: it answers events as the story wants.
type receiver struct {
	w      *world
	listen *pipes

	mu     sync.Mutex
	refuse bool // nobody listens
	answer func(n int, ev event) int
	got    []event // in the order in which they came
	when   []time.Duration
	began  time.Time
	inside int // POSTs being answered
	most   int
	kind   string
	path   string
}

func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender gave up
	}
	ev := parse(rc.w, string(body))
	if _, bad := checkEvent(ev.raw); len(bad) > 0 {
		rc.w.Errorf("%q: %s", bad, ev.raw)
	}
	rc.mu.Lock()
	rc.got, rc.when = append(rc.got, ev), append(rc.when, time.Since(rc.began))
	rc.kind, rc.path = r.Header.Get("Content-Type"), r.URL.Path
	rc.inside++
	rc.most = max(rc.most, rc.inside)
	n, answer := len(rc.got), rc.answer
	rc.mu.Unlock()
	status := 200
	if answer != nil {
		status = answer(n, ev)
	}
	rc.mu.Lock()
	rc.inside--
	rc.mu.Unlock()
	w.WriteHeader(status)
}

func (rc *receiver) dial(ctx context.Context, network, address string) (net.Conn, error) {
	rc.mu.Lock()
	refuse := rc.refuse
	rc.mu.Unlock()
	if refuse || address != "contact.example:80" {
		return nil, errors.New("dial: connection refused")
	}
	return rc.listen.dial(ctx, network, address)
}

// story is what came, as "seq:event".
func (rc *receiver) story() (words []string) {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	for _, ev := range rc.got {
		words = append(words, fmt.Sprintf("%d:%s", ev.Seq, strings.Fields(ev.String())[0]))
	}
	return words
}

// inContact is inWorld with a receiver at http://contact.example.
func inContact(t *testing.T, cfg Config, story func(w *world, rc *receiver)) {
	t.Helper()
	var rc *receiver
	cfg.Contacts.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		return rc.dial(ctx, network, address)
	}
	inWorld(t, cfg, func(w *world) {
		rc = &receiver{w: w, listen: newPipes(), began: time.Now()}
		srv := &http.Server{Handler: rc}
		served := make(chan error, 1)
		go func() { served <- srv.Serve(rc.listen) }()
		defer func() {
			require.NoError(w, srv.Close())
			require.ErrorIs(w, <-served, http.ErrServerClosed)
		}()
		story(w, rc)
	})
}

func contactBody(uri string) string {
	return `<Subscription xmlns="http://schema.broadsoft.com/xsi"><event>Advanced Call</event><expires>3600</expires>` +
		`<httpContact><uri>` + uri + `</uri></httpContact><applicationId>offhook</applicationId></Subscription>`
}

func (w *world) contact(user, uri string) string {
	w.Helper()
	got := w.do("POST", eventsBase+"/user/"+user, contactBody(uri))
	require.Equal(w, 200, got.status, got.body)
	w.pass(time.Millisecond)
	return got.field("subscriptionId")
}

// missed is a call that comes and goes: two events.
func (w *world) missed(user string) {
	w.Helper()
	w.verb(w.ring(user, "+442079460001"), "hangup")
}

// Events are POSTed as they are on a channel, but that they name the contact
// as it was given; a 200 is all that is wanted (dossier §3.9).
func TestEventsArePosted(t *testing.T) {
	inContact(t, patient(), func(w *world, rc *receiver) {
		id := w.contact(alice, "contact.example/xsi/secret?a=1")
		w.missed(alice)
		w.pass(time.Second)
		require.Equal(w, []string{"1:CallSubscription", "2:Received", "3:Released"}, rc.story())
		require.Equal(w, "application/xml; charset=UTF-8", rc.kind)
		require.Equal(w, "/xsi/secret", rc.path)
		ev := rc.got[1]
		require.Equal(w, id, ev.SubID)
		require.Contains(w, ev.raw, `</xsi:subscriptionId><xsi:httpContact><xsi:uri>contact.example/xsi/secret?a=1</xsi:uri></xsi:httpContact><xsi:targetId>`)
		require.NotContains(w, ev.raw, "channelId")
		st := w.sim.Stats()
		require.EqualValues(w, 3, st.EventsAcked)
		require.EqualValues(w, 3, st.ContactPosts)
		require.Zero(w, st.Live.Waiting)
	})
}

// A contact that cannot be POSTed to is refused; with a channel set beside it
// the channel wins (dossier §3.3).
func TestContactsThatAreNone(t *testing.T) {
	inContact(t, patient(), func(w *world, rc *receiver) {
		for _, uri := range []string{"ftp://contact.example", "http://", "://", "http://contact.example/%zz", strings.Repeat("x", maxContactURI+1)} {
			require.Equal(w, 400, w.do("POST", eventsBase+"/user/"+alice, contactBody(uri)).status, uri)
		}
		st := w.open("set")
		both := strings.Replace(contactBody("contact.example"), "<applicationId>", "<channelSetId>set</channelSetId><applicationId>", 1)
		require.Equal(w, 200, w.do("POST", eventsBase+"/user/"+alice, both).status)
		st.want("CallSubscription")
		w.pass(time.Second)
		require.Empty(w, rc.story())
	})
}

// Whatever is not taken is POSTed again, each wait twice the one before, and
// what follows in the subscription waits for it.
func TestPostsAreRetriedInOrder(t *testing.T) {
	for _, status := range []int{500, 503, 302, 401, 429} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			inContact(t, patient(), func(w *world, rc *receiver) {
				tried := 0
				rc.answer = func(_ int, ev event) int {
					if ev.Seq == 2 {
						if tried++; tried < 3 {
							return status
						}
					}
					return 200
				}
				w.contact(alice, "http://contact.example")
				w.missed(alice)
				w.pass(10 * time.Second)
				require.Equal(w, []string{"1:CallSubscription", "2:Received", "2:Received", "2:Received", "3:Released"}, rc.story())
				require.Equal(w, rc.got[1].ID, rc.got[3].ID, "the same event")
				require.Equal(w, 500*time.Millisecond, rc.when[2]-rc.when[1])
				require.Equal(w, time.Second, rc.when[3]-rc.when[2])
				st := w.sim.Stats()
				require.EqualValues(w, 2, st.EventsResent)
				require.EqualValues(w, 2, st.ContactFailures)
				require.Zero(w, st.EventsLost)
			})
		})
	}
}

// A 400 drops the event, and so does a 404 unless that is set to end the
// subscription.
func TestContactRefusesAnEvent(t *testing.T) {
	for _, ends := range []bool{false, true} {
		cfg := patient()
		cfg.Contacts.UnknownEnds = ends
		inContact(t, cfg, func(w *world, rc *receiver) {
			rc.answer = func(_ int, ev event) int {
				return map[int64]int{2: 400, 4: 404}[ev.Seq] + map[int64]int{1: 200, 3: 200, 5: 200}[ev.Seq]
			}
			id := w.contact(alice, "http://contact.example")
			w.missed(alice)
			w.missed(alice)
			w.pass(10 * time.Second)
			want := []string{"1:CallSubscription", "2:Received", "3:Released", "4:Received", "5:Released"}
			status := 200
			if ends {
				want, status = want[:4], 403
			}
			require.Equal(w, want, rc.story())
			require.EqualValues(w, 2, w.sim.Stats().EventsRefused)
			require.Equal(w, status, w.do("GET", eventsBase+"/subscription/"+id, "").status)
			require.Zero(w, w.sim.Stats().Live.Waiting)
		})
	}
}

// A contact that is gone loses events, which the next number tells; back, it
// hears the rest, and a renewal brings a snapshot.
func TestContactGone(t *testing.T) {
	inContact(t, patient(), func(w *world, rc *receiver) {
		id := w.contact(alice, "http://contact.example")
		rc.mu.Lock()
		rc.refuse = true
		rc.mu.Unlock()
		w.sim.posts.client.CloseIdleConnections()
		w.missed(alice)
		w.pass(time.Minute)
		require.EqualValues(w, 2, w.sim.Stats().EventsLost)
		rc.mu.Lock()
		rc.refuse = false
		rc.mu.Unlock()
		w.ring(alice, "+442079460001")
		w.pass(time.Second)
		require.Equal(w, 200, w.do("PUT", eventsBase+"/subscription/"+id, subscriptionBody("")).status)
		w.pass(time.Second)
		require.Equal(w, []string{"1:CallSubscription", "4:Received", "5:CallSubscription"}, rc.story())
	})
}

// So many events in a row given up end the subscription, where that is set;
// one that is taken in between begins the count anew.
func TestContactIsGivenUp(t *testing.T) {
	cfg := patient()
	cfg.Contacts.GiveUpAfter, cfg.Contacts.Retries = 3, -1
	inContact(t, cfg, func(w *world, rc *receiver) {
		rc.answer = func(n int, _ event) int { return 200 + 300*min((n-1)%4, 1) }
		id := w.contact(alice, "http://contact.example")
		w.missed(alice)
		w.pass(time.Minute)
		require.Equal(w, 200, w.do("GET", eventsBase+"/subscription/"+id, "").status)
		w.missed(alice)
		w.pass(time.Minute)
		require.Equal(w, 403, w.do("GET", eventsBase+"/subscription/"+id, "").status)
		require.Equal(w, []string{"1:CallSubscription", "2:Received", "3:Released", "4:Received"}, rc.story())
		require.Zero(w, w.sim.Stats().Live.Waiting)
	})
}

// A slow contact holds up its own subscription and nobody else's. An answer
// that takes too long is none.
func TestSlowContact(t *testing.T) {
	cfg := patient()
	cfg.Contacts.Timeout = 2 * time.Second
	inContact(t, cfg, func(w *world, rc *receiver) {
		rc.answer = func(_ int, ev event) int {
			if ev.Target == alice && ev.Seq == 2 {
				time.Sleep(3 * time.Second)
			}
			return 200
		}
		w.contact(alice, "http://contact.example/a")
		w.contact(bob, "http://contact.example/b")
		w.missed(alice)
		w.missed(bob)
		w.pass(time.Second)
		require.Equal(w, []string{"1:CallSubscription", "1:CallSubscription"}, rc.story()[:2])
		// Both of the first come at the same moment, in whatever order.
		came := map[string][]int64{}
		for _, ev := range rc.got {
			came[ev.Target] = append(came[ev.Target], ev.Seq)
		}
		require.Equal(w, map[string][]int64{alice: {1, 2}, bob: {1, 2, 3}}, came)
		w.pass(time.Minute)
		st := w.sim.Stats()
		require.EqualValues(w, 3, st.ContactFailures)
		require.EqualValues(w, 1, st.EventsLost)
		last := rc.got[len(rc.got)-1]
		require.Equal(w, alice, last.Target)
		require.EqualValues(w, 3, last.Seq, "what was given up holds nothing up")
	})
}

// One event of a subscription is under way at a time, of all no more than AtOnce.
func TestPostsAtOnce(t *testing.T) {
	cfg := patient()
	cfg.Contacts.AtOnce = 3
	inContact(t, cfg, func(w *world, rc *receiver) {
		phones := w.sim.Phones()[:8]
		for _, p := range phones {
			w.contact(p.SubscriberID, "http://contact.example")
		}
		rc.mu.Lock()
		rc.answer = func(int, event) int { time.Sleep(100 * time.Millisecond); return 200 }
		rc.mu.Unlock()
		for range 5 {
			for _, p := range phones {
				w.missed(p.SubscriberID)
			}
		}
		w.pass(time.Minute)
		require.Equal(w, 3, rc.most)
		last := map[string]int64{}
		for _, ev := range rc.got {
			last[ev.Target]++
			require.Equal(w, last[ev.Target], ev.Seq)
		}
		require.Len(w, rc.got, 8*(1+5*2))
	})
}

// A contact that reads for ever does not keep the simulator from closing, and
// a restart forgets what was still to be POSTed.
func TestContactsEndWithTheSwitch(t *testing.T) {
	cfg := patient()
	cfg.Contacts.Timeout = 24 * time.Hour
	inContact(t, cfg, func(w *world, rc *receiver) {
		over := make(chan struct{})
		defer close(over)
		rc.answer = func(n int, _ event) int {
			if n > 1 {
				<-over
			}
			return 200
		}
		w.contact(alice, "http://contact.example")
		w.missed(alice)
		w.pass(time.Second)
		require.Equal(w, 2, w.sim.Stats().Live.Waiting)
		w.fault(`{"kind":"restart"}`)
		w.pass(time.Second)
		require.Zero(w, w.sim.Stats().Live.Waiting)
		w.contact(bob, "http://contact.example")
		require.NoError(w, w.sim.Close())
	})
}

// The faults of events hold for contacts too.
func TestFaultsOfContacts(t *testing.T) {
	inContact(t, patient(), func(w *world, rc *receiver) {
		w.contact(alice, "http://contact.example")
		w.fault(`{"kind":"duplicate_events","duration_ms":1000}`)
		w.missed(alice)
		w.pass(2 * time.Second)
		require.Equal(w, []string{"1:CallSubscription", "2:Received", "2:Received", "3:Released", "3:Released"}, rc.story())
		w.fault(`{"kind":"stall","duration_ms":5000}`)
		began := time.Since(rc.began)
		w.control("POST", "/calls", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"5550123"}`, alice), 201, nil)
		w.pass(10 * time.Second)
		require.Equal(w, 5*time.Second, (rc.when[5] - began).Truncate(time.Second))
		w.fault(`{"kind":"drop_events","duration_ms":1000}`)
		w.missed(alice)
		w.pass(2 * time.Second)
		w.missed(alice)
		w.pass(time.Second)
		require.Equal(w, []string{"4:Received", "7:Received", "8:Released"}, rc.story()[5:])
	})
}
