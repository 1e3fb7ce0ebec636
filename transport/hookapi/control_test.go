package hookapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/store/storetest"
	"offhook/transport/webhook"
)

func TestPausingAWebhook(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.set("calls", `{"url":"`+hookURL+`"}`)
		for range 2 {
			c.do("PUT", "/webhooks/calls/pause", "").wants(204)
			require.True(t, c.receiver("calls").Paused)
		}
		require.Equal(t, 1, strings.Count(c.log.String(), `msg="webhook paused"`), "once is a change, twice is none")
		require.Contains(t, c.do("GET", "/webhooks/calls", "").body, `"condition":"paused"`)
		require.Empty(t, c.deliveries.notes())
		for range 2 {
			c.do("PUT", "/webhooks/calls/resume", "").wants(204)
			require.False(t, c.receiver("calls").Paused)
			require.Equal(t, []string{"resume " + appID + " calls"}, c.deliveries.notes(), "what is parked is tried again")
		}
	})
}

func TestResumingADisabledWebhook(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.set("calls", `{"url":"`+hookURL+`"}`)
		_, err := c.store.ChangeApp(appID, func(a *tenant.App) (*tenant.App, error) {
			r := a.Calls
			r.Disabled = "the receiver answered 410 Gone"
			return a.With(engine.StreamCalls, r), nil
		})
		require.NoError(t, err)
		require.Contains(t, c.do("GET", "/webhooks/calls", "").body, `"disabled":"the receiver answered 410 Gone","delivery":{"condition":"disabled"`)
		c.do("PUT", "/webhooks/calls/resume", "", "Content-Type", "text/plain").wants(204)
		require.Empty(t, c.receiver("calls").Disabled)
	})
}

func TestPausingAStream(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.set("calls", `{"url":"`+hookURL+`"}`)
		const alice, carol = "/webhooks/calls/streams/ALICE%40example.com", "/webhooks/calls/streams/carol"
		for range 2 {
			c.do("PUT", alice+"/pause", "").wants(204)
			require.Equal(t, []string{"alice@example.com"}, c.receiver("calls").Held)
		}
		require.Contains(t, c.log.String(), `msg="webhook stream paused" app="app 1/a" kind=calls by=`+c.name+" sub=alice@example.com\n")

		// Somebody else's subscriber looks like nobody.
		foreign := c.do("PUT", "/webhooks/calls/streams/bob@example.com/pause", "")
		nobody := c.do("PUT", "/webhooks/calls/streams/nobody/pause", "")
		foreign.wantsProblem(404, "not_found")
		require.Equal(t, nobody.body, foreign.body)

		// What has something to deliver can be paused when it is linked no more.
		c.do("PUT", carol+"/pause", "").wantsProblem(404, "not_found")
		storetest.Put(t, c.store, nil, []engine.Notification{storetest.Told(appID, storetest.Subscriber("Carol"), 1)})
		c.do("PUT", carol+"/pause", "").wants(204)
		require.Equal(t, []string{"alice@example.com", "carol"}, c.receiver("calls").Held)
		require.Empty(t, c.receiver("subscriber").Held)
		require.Empty(t, c.deliveries.notes())

		c.do("PUT", alice+"/resume", "").wants(204)
		require.Equal(t, []string{"carol"}, c.receiver("calls").Held)
		c.store.Delivered(engine.StreamOf(appID, "carol", engine.StreamCalls), 1)
		c.do("PUT", carol+"/resume", "").wants(204)
		require.Nil(t, c.receiver("calls").Held)
		c.do("PUT", alice+"/resume", "").wants(204)
		require.Equal(t, []string{
			"resume " + appID + " calls alice@example.com", "resume " + appID + " calls carol", "resume " + appID + " calls alice@example.com",
		}, c.deliveries.notes())
	})
}

func TestAThousandStreamsMayBePaused(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.set("calls", `{"url":"`+hookURL+`"}`)
		_, err := c.store.ChangeApp(appID, func(a *tenant.App) (*tenant.App, error) {
			r := a.Calls
			for i := range 1000 {
				r.Held = append(r.Held, fmt.Sprintf("user%04d", i))
			}
			return a.With(engine.StreamCalls, r), nil
		})
		require.NoError(t, err)
		c.do("PUT", "/webhooks/calls/streams/alice@example.com/pause", "").wantsProblem(422, "invalid_field", "subscriber_id")
		c.do("PUT", "/webhooks/calls/streams/user0007/pause", "").wants(204)
		c.do("PUT", "/webhooks/calls/streams/user0007/resume", "").wants(204)
		c.do("PUT", "/webhooks/calls/streams/alice@example.com/pause", "").wants(204)
		require.Len(t, c.receiver("calls").Held, 1000)
		require.Equal(t, "alice@example.com", c.receiver("calls").Held[0])
	})
}

func TestStreamsWithSomethingUndelivered(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.set("calls", `{"url":"`+hookURL+`"}`)
		c.do("GET", "/webhooks/calls/streams", "").wantsBody(200, "[]")
		c.deliveries.waiting[appID+"/calls"] = []webhook.StreamStatus{
			{Subscriber: "zoe", Sequence: 18446744073709551615, Since: 100, Failures: 4, NextTry: time.UnixMilli(200)},
			{Subscriber: "alice@example.com", Sequence: 2, Since: 50, Failures: 70, Parked: true},
			{Subscriber: "dan", Sequence: 3, Since: 60, Paused: true},
		}
		items := []string{
			`{"subscriber_id":"zoe","sequence_number":"18446744073709551615","waiting_since":100,"failures":4,"next_try_at":200,"parked":false,"paused":false}`,
			`{"subscriber_id":"alice@example.com","sequence_number":"2","waiting_since":50,"failures":70,"next_try_at":null,"parked":true,"paused":false}`,
			`{"subscriber_id":"dan","sequence_number":"3","waiting_since":60,"failures":0,"next_try_at":null,"parked":false,"paused":true}`,
		}
		c.do("GET", "/webhooks/calls/streams", "").wantsBody(200, "["+strings.Join(items, ",")+"]")
		page := c.do("GET", "/webhooks/calls/streams?limit=2", "")
		page.wantsBody(200, "["+items[0]+","+items[1]+"]")
		page = c.do("GET", page.next(c), "")
		page.wantsBody(200, "["+items[2]+"]")
		require.Empty(t, page.next(c))
		c.do("GET", "/webhooks/subscriber/streams", "").wantsProblem(404, "not_found")
		for query, field := range map[string]string{"limit=0": "limit", "limit=x": "limit", "after=%21": "after", "limit=2&after=MTo": "after"} {
			c.do("GET", "/webhooks/calls/streams?"+query, "").wantsProblem(422, "invalid_field", field)
		}
	})
}
