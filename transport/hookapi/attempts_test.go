package hookapi_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/store/storetest"
	"offhook/transport/webhook"
)

// tried stores events of two apps and attempts on them.
func tried(t *testing.T, c clerk) {
	c.set("calls", `{"url":"`+hookURL+`"}`)
	c.set("subscriber", `{"url":"`+hookURL+`"}`)
	alice, zoe := storetest.Subscriber("Alice@example.com"), storetest.Subscriber("zoe")
	storetest.Put(t, c.store, nil, []engine.Notification{
		storetest.Told(other, alice, 1), storetest.Told(appID, alice, 1), storetest.Told(appID, zoe, 1), storetest.Told(appID, alice, 2),
	})
	for _, a := range []engine.Attempt{
		{Stream: storetest.Stream(other, alice), Sequence: 1, Index: 1, Number: 1, At: 1, Status: 200},
		{Stream: storetest.Stream(appID, alice), Sequence: 1, Index: 2, Number: 1, At: 10, Took: 7, Error: "connection refused", NextAt: 1010},
		{Stream: storetest.Stream(appID, alice), Sequence: 1, Index: 2, Number: 2, At: 1010, Took: 9, Status: 204},
		{Stream: storetest.Stream(appID, zoe), Sequence: 1, Index: 3, Number: 1, At: 20, Took: 3, Status: 503, Error: "answered 503", Response: "busy", NextAt: 30},
		{Stream: storetest.Stream(appID, alice), Sequence: 2, Index: 4, Number: 1, At: 2000, Took: 4, Status: 200, Redelivery: true},
	} {
		c.store.Attempt(a)
	}
}

var attemptsOfTheApp = []string{
	`{"subscriber_id":"alice@example.com","sequence_number":"2","event_id":"evt_2","attempt":1,"at":2000,"latency_ms":4,"status":200,"error":"","next_try_at":null,"redelivery":true}`,
	`{"subscriber_id":"zoe","sequence_number":"1","event_id":"evt_1","attempt":1,"at":20,"latency_ms":3,"status":503,"error":"answered 503","response":"busy","next_try_at":30,"redelivery":false}`,
	`{"subscriber_id":"alice@example.com","sequence_number":"1","event_id":"evt_1","attempt":2,"at":1010,"latency_ms":9,"status":204,"error":"","next_try_at":null,"redelivery":false}`,
	`{"subscriber_id":"alice@example.com","sequence_number":"1","event_id":"evt_1","attempt":1,"at":10,"latency_ms":7,"status":0,"error":"connection refused","next_try_at":1010,"redelivery":false}`,
}

func TestAttemptsAreListed(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		tried(t, c)
		all := attemptsOfTheApp
		for query, want := range map[string][]string{
			"":                        all,
			"?failed=false":           all,
			"?failed=true":            {all[1], all[3]},
			"?subscriber_id=ZOE":      {all[1]},
			"?subscriber_id=stranger": {},
			"?subscriber_id=bob":      {},
			"?subscriber_id=Alice%40example.com&sequence_number=1":             {all[2], all[3]},
			"?subscriber_id=Alice%40example.com&sequence_number=9":             {},
			"?subscriber_id=Alice%40example.com&sequence_number=1&failed=true": {all[3]},
		} {
			c.do("GET", "/webhooks/calls/attempts"+query, "").wantsBody(200, "["+strings.Join(want, ",")+"]")
			sep := "?"
			if query != "" {
				sep = "&"
			}
			var got []string
			pages := 0
			for path := "/webhooks/calls/attempts" + query + sep + "limit=1"; path != ""; pages++ {
				a := c.do("GET", path, "")
				a.wants(200)
				if item := strings.Trim(a.body, "[]"); item != "" {
					got = append(got, item)
				}
				path = a.next(c)
			}
			require.Equal(t, strings.Join(want, ","), strings.Join(got, ","), query)
			require.LessOrEqual(t, pages, 5)
		}
		c.do("GET", "/webhooks/subscriber/attempts", "").wantsBody(200, "[]")
	})
}

func TestListsOfAttemptsThatAreRefused(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		tried(t, c)
		for query, field := range map[string]string{
			"limit=0": "limit", "limit=-1": "limit", "limit=x": "limit", "failed=maybe": "failed", "subscriber_id=": "subscriber_id", "subscriber_id=a%00b": "subscriber_id",
			"sequence_number=1": "sequence_number", "subscriber_id=zoe&sequence_number=0": "sequence_number", "subscriber_id=zoe&sequence_number=-1": "sequence_number",
			"subscriber_id=zoe&sequence_number=18446744073709551616": "sequence_number", "after=": "after", "after=x.y.z.w": "after",
		} {
			c.do("GET", "/webhooks/calls/attempts?"+query, "").wantsProblem(422, "invalid_field", field)
		}
		c.do("GET", "/webhooks/calls/attempts?limit=99999", "").wants(200)
	})
}

// A cursor says nothing of how much happens elsewhere, and works for its app.
func TestACursorOfAttemptsIsOneApps(t *testing.T) {
	o := newOffice(t)
	c := o.app()
	tried(t, c)
	theirs := clerk{o, o.api, "/apps/" + other, o.otherKey, ""}
	theirs.set("calls", `{"url":"`+hookURL+`"}`)
	link := c.do("GET", "/webhooks/calls/attempts?limit=1", "").next(c)
	_, cursor, found := strings.Cut(link, "after=")
	require.True(t, found)
	c.do("GET", "/webhooks/calls/attempts?after="+cursor, "").wantsBody(200, "["+strings.Join(attemptsOfTheApp[1:], ",")+"]")
	theirs.do("GET", "/webhooks/calls/attempts?after="+cursor, "").wantsProblem(422, "invalid_field", "after")
	index, rest, _ := strings.Cut(cursor, ".")
	require.Len(t, index, 22, "one encrypted block")
	require.Equal(t, "2.1jk.1", rest, "the rest was shown already")
	c.do("GET", "/webhooks/calls/attempts?after="+index[:21]+"x."+rest, "").wantsProblem(422, "invalid_field", "after")
}

func TestRedeliveringAnEvent(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		tried(t, c)
		var failure error
		c.deliveries.redeliver = func(ctx context.Context, stream engine.StreamID, sequence uint64) (engine.Attempt, error) {
			_, bounded := ctx.Deadline()
			require.True(t, bounded)
			return engine.Attempt{Stream: stream, Sequence: sequence, Number: 1, At: 70, Took: 5, Status: 500, Error: "answered 500", Redelivery: true}, failure
		}
		for _, sequence := range []string{`"2"`, `2`} {
			c.do("PUT", "/webhooks/calls/redeliver", `{"subscriber_id":"ALICE@example.com","sequence_number":`+sequence+`}`).wantsBody(200,
				`{"subscriber_id":"alice@example.com","sequence_number":"2","event_id":"evt_2","attempt":1,"at":70,"latency_ms":5,"status":500,"error":"answered 500","next_try_at":null,"redelivery":true}`)
			require.Equal(t, []string{"redeliver " + appID + " calls alice@example.com 2"}, c.deliveries.notes())
		}
		for _, no := range []struct {
			err    error
			status int
			code   string
		}{
			{webhook.ErrUnknownEvent, 404, "not_found"}, {webhook.ErrWaiting, 409, "conflict"}, {webhook.ErrStopped, 409, "conflict"},
			{webhook.ErrBusy, 429, "rate_limited"}, {context.DeadlineExceeded, 503, "busy"}, {fmt.Errorf("disk of doom"), 500, "internal"},
		} {
			failure = no.err
			a := c.do("PUT", "/webhooks/calls/redeliver", `{"subscriber_id":"zoe","sequence_number":"1"}`)
			a.wantsProblem(no.status, no.code)
			require.NotContains(t, a.body, "doom")
		}
		c.deliveries.notes()
		for _, missing := range []string{
			`{"subscriber_id":"zoe","sequence_number":"2"}`, `{"subscriber_id":"bob@example.com","sequence_number":"1"}`, `{"subscriber_id":"nobody","sequence_number":"1"}`,
		} {
			c.do("PUT", "/webhooks/calls/redeliver", missing).wantsProblem(404, "not_found")
		}
		c.do("PUT", "/webhooks/subscriber/redeliver", `{"subscriber_id":"zoe","sequence_number":"1"}`).wantsProblem(404, "not_found")
		for body, field := range map[string]string{
			`{}`: "subscriber_id", `{"subscriber_id":7}`: "subscriber_id", `{"subscriber_id":"zoe"}`: "sequence_number",
			`{"subscriber_id":"zoe","sequence_number":"x"}`: "sequence_number", `{"subscriber_id":"zoe","sequence_number":0}`: "sequence_number",
			`{"subscriber_id":"zoe","sequence_number":-1}`: "sequence_number", `{"subscriber_id":"zoe","sequence_number":1.5}`: "sequence_number",
			`{"subscriber_id":"zoe","sequence_number":true}`: "sequence_number",
		} {
			c.do("PUT", "/webhooks/calls/redeliver", body).wantsProblem(422, "invalid_field", field)
		}
		require.Empty(t, c.deliveries.notes())
	})
}
