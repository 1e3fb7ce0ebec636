package hookapi_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/transport/webhook/replay"
)

func TestRedeliveringARange(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.set("calls", `{"url":"`+hookURL+`"}`)
		c.set("subscriber", `{"url":"`+hookURL+`"}`)
		c.do("GET", "/webhooks/calls/redeliveries", "").wantsBody(200, "[]")
		begun := c.do("POST", "/webhooks/calls/redeliveries", `{"subscriber_id":"Alice@example.com","from_sequence":"3","to_sequence":9,"since":1000,"until":2000}`)
		first := `{"task_id":"rpl_1","state":"running","subscriber_id":"alice@example.com","from_sequence":"3","to_sequence":"9","since":1000,"until":2000,` +
			`"total":7,"total_is_partial":false,"done":0,"delivered":0,"failed":0,"created_at":5,"updated_at":6,"error":""}`
		begun.wantsBody(202, first)
		require.Equal(t, c.base+"/webhooks/calls/redeliveries/rpl_1", begun.Header.Get("Location"))
		require.Equal(t, replay.Range{App: appID, Kind: engine.StreamCalls, Subscriber: "alice@example.com", From: 3, To: 9, Since: 1000, Until: 2000}, c.replays.tasks[0].Range)

		begun = c.do("POST", "/webhooks/calls/redeliveries", "") // everything there is
		second := `{"task_id":"rpl_2","state":"running","subscriber_id":null,"from_sequence":null,"to_sequence":null,"since":null,"until":null,` +
			`"total":7,"total_is_partial":false,"done":0,"delivered":0,"failed":0,"created_at":5,"updated_at":6,"error":""}`
		begun.wantsBody(202, second)
		c.do("POST", "/webhooks/subscriber/redeliveries", `{}`).wants(202)

		c.do("GET", "/webhooks/calls/redeliveries", "").wantsBody(200, "["+first+","+second+"]")
		page := c.do("GET", "/webhooks/calls/redeliveries?limit=1", "")
		page.wantsBody(200, "["+first+"]")
		page = c.do("GET", page.next(c), "")
		page.wantsBody(200, "["+second+"]")
		require.Empty(t, page.next(c))
		c.do("GET", "/webhooks/calls/redeliveries?after=MTpycGxfOQ", "").wantsProblem(422, "invalid_field", "after")
		c.do("GET", "/webhooks/calls/redeliveries/rpl_1", "").wantsBody(200, first)
		c.do("GET", "/webhooks/calls/redeliveries/rpl_3", "").wantsProblem(404, "not_found") // the subscriber webhook's
		c.do("GET", "/webhooks/calls/redeliveries/rpl_9", "").wantsProblem(404, "not_found")
		c.do("DELETE", "/webhooks/calls/redeliveries/rpl_3", "").wantsProblem(404, "not_found")
		for range 2 {
			c.do("DELETE", "/webhooks/calls/redeliveries/rpl_1", "").wants(204)
			require.Contains(t, c.do("GET", "/webhooks/calls/redeliveries/rpl_1", "").body, `"state":"canceled"`)
		}
		require.Contains(t, c.log.String(), `msg="webhook redelivery canceled" app="app 1/a" kind=calls by=`+c.name+` task=rpl_1`)
	})
}

func TestRangesThatAreRefused(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.set("calls", `{"url":"`+hookURL+`"}`)
		for body, field := range map[string]string{
			`{"subscriber_id":7}`: "subscriber_id", `{"subscriber_id":"a\u0000"}`: "subscriber_id",
			`{"from_sequence":"1"}`: "from_sequence", `{"to_sequence":"1"}`: "to_sequence", `{"subscriber_id":"a","from_sequence":"0"}`: "from_sequence",
			`{"subscriber_id":"a","from_sequence":"x"}`: "from_sequence", `{"subscriber_id":"a","from_sequence":"9","to_sequence":"3"}`: "to_sequence",
			`{"since":-1}`: "since", `{"since":"1000"}`: "since", `{"until":1.5}`: "until", `{"since":2000,"until":1000}`: "until", `{"since":1000,"until":1000}`: "until",
		} {
			c.do("POST", "/webhooks/calls/redeliveries", body).wantsProblem(422, "invalid_field", field)
		}
		for _, no := range []struct {
			err    error
			status int
			code   string
		}{
			{replay.ErrBusy, 429, "rate_limited"}, {replay.ErrStopped, 503, "busy"}, {replay.ErrNoWebhook, 404, "not_found"},
			{replay.ErrRange, 422, "invalid_field"}, {errors.New("disk of doom"), 500, "internal"},
		} {
			c.replays.refuse = no.err
			c.do("POST", "/webhooks/calls/redeliveries", `{}`).wantsProblem(no.status, no.code)
		}
		require.Empty(t, c.replays.tasks)
	})
}
