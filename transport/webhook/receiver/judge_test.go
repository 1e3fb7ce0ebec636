package receiver

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sent is one event of a story and the judgement on it.
type sent struct {
	n       int
	id      string // empty for one made of n
	more    string // of the body
	gapFrom string // the header
	want    Class
	missing uint64
}

func TestEveryAnomalyHasItsName(t *testing.T) {
	for name, story := range map[string]struct {
		fromOne bool
		events  []sent
		faults  int
	}{
		"a stream is followed from where it is first seen": {events: []sent{
			{n: 41, want: Fresh}, {n: 42, want: Fresh}}},
		"a new app's stream begins with 1": {fromOne: true, events: []sent{
			{n: 1, want: Fresh}, {n: 2, want: Fresh}}},
		"a new app's stream that does not has lost something": {fromOne: true, faults: 1, events: []sent{
			{n: 3, want: Gap, missing: 2}, {n: 4, want: Fresh}}},
		"a retry whose first try had arrived": {events: []sent{
			{n: 1, want: Fresh}, {n: 1, want: Repeat}, {n: 2, want: Fresh}, {n: 1, want: Repeat}}},
		"a retry with another body": {faults: 1, events: []sent{
			{n: 1, want: Fresh}, {n: 1, more: `,"phase":"other"`, want: Conflict}, {n: 2, want: Fresh}}},
		"two events with one number": {faults: 1, events: []sent{
			{n: 1, want: Fresh}, {n: 1, id: "evt_x", want: Conflict}, {n: 2, want: Fresh}}},
		"two numbers with one id": {faults: 1, events: []sent{
			{n: 1, want: Fresh}, {n: 2, id: "evt_1", want: Conflict}, {n: 2, want: Fresh}}},
		"a hole": {faults: 1, events: []sent{
			{n: 1, want: Fresh}, {n: 5, want: Gap, missing: 3}, {n: 6, want: Fresh}}},
		"a hole that is filled too late": {faults: 4, events: []sent{
			{n: 1, want: Fresh}, {n: 5, want: Gap, missing: 3}, {n: 3, want: Disorder}, {n: 2, want: Disorder}, {n: 4, want: Disorder},
			{n: 4, want: Repeat}, {n: 6, want: Fresh}}},
		"swapped neighbours": {faults: 2, events: []sent{
			{n: 1, want: Fresh}, {n: 3, want: Gap, missing: 1}, {n: 2, want: Disorder}, {n: 4, want: Fresh}}},
		"a crashed sender repeats what our predecessor took": {events: []sent{
			{n: 5, want: Fresh}, {n: 4, want: Repeat}, {n: 5, want: Repeat}, {n: 6, want: Fresh}}},
		"a gap event names what was given up": {events: []sent{
			{n: 1, want: Fresh}, {n: 9, more: `,"gap_from":"2"`, want: Announced, missing: 8}, {n: 10, want: Fresh}}},
		"a gap event of one number": {events: []sent{
			{n: 1, want: Fresh}, {n: 2, more: `,"gap_from":2`, want: Announced, missing: 1}, {n: 3, want: Fresh}}},
		"a gap event is the first that is seen": {events: []sent{
			{n: 9, more: `,"gap_from":"2"`, want: Announced, missing: 8}, {n: 10, want: Fresh}}},
		"a gap event that does not name everything": {faults: 1, events: []sent{
			{n: 1, want: Fresh}, {n: 9, more: `,"gap_from":"4"`, want: Gap, missing: 2}, {n: 10, want: Fresh}}},
		"a gap header names what was given up": {events: []sent{
			{n: 1, want: Fresh}, {n: 9, gapFrom: "2", want: Announced, missing: 7}, {n: 10, gapFrom: "2", want: Fresh}}},
		"a gap header that names nothing": {faults: 1, events: []sent{
			{n: 1, want: Fresh}, {n: 9, gapFrom: "12", want: Gap, missing: 7}}},
		"an event of a named gap, asked for again by a person": {events: []sent{
			{n: 1, want: Fresh}, {n: 9, more: `,"gap_from":"2"`, want: Announced, missing: 8}, {n: 4, want: Repeat}}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, func(c *Config) { c.FromOne = story.fromOne })
			for i, ev := range story.events {
				id := ev.id
				if id == "" {
					id = fmt.Sprint("evt_", ev.n)
				}
				req := request(t, secret, id, time.Now(), call("app", "alice", ev.n, ev.more))
				if ev.gapFrom != "" {
					req.Header.Set(HeaderGapFrom, ev.gapFrom)
				}
				require.Equal(t, 200, h.send(req), "what is odd is told, not refused: the stream must go on")
				got := h.told[i]
				require.Equal(t, ev.want, got.Class, "event %d, #%d: %s", i+1, ev.n, got.Note)
				require.Equal(t, ev.missing, got.Missing)
				require.Equal(t, ev.want == Fresh, got.Note == "")
			}
			require.Equal(t, story.faults, h.Counts().Faults())
		})
	}
}

func TestStreamsAreFollowedApart(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.FromOne = true })
	for _, s := range [][2]string{{"app", "alice"}, {"app", "bob"}, {"other", "alice"}} {
		require.Equal(t, 200, h.post("evt_"+s[0]+s[1], call(s[0], s[1], 1, "")))
	}
	require.Equal(t, 200, h.post("evt_2", call("app", "ALICE", 2, "")), "ids are compared folded")
	require.Equal(t, Counts{Requests: 4, Events: 4, Streams: 3}, h.Counts())
}

func TestEventsWithoutANumber(t *testing.T) {
	h := newHouse(t, nil)
	provisioned := `{"app_id":"app","subscriber_id":"alice","subscriber_number":"+1","subscriber_name":"","subscriber_account_id":"",` +
		`"network_id":"n","event_id":"evt_p","type":"subscriber.provisioned","timestamp":1533331051226}`
	require.Equal(t, 200, h.post("evt_p", provisioned))
	require.Equal(t, 200, h.post("evt_p", provisioned))
	require.Equal(t, 200, h.post("evt_t", `{"app_id":"app","type":"test"}`))
	require.Equal(t, 200, h.post("evt_1", call("app", "alice", 1, "")))
	require.Equal(t, []Class{Fresh, Repeat, Fresh, Fresh}, classes(h))
}

func TestABatchIsJudgedEventByEvent(t *testing.T) {
	h := newHouse(t, nil)
	one := func(subscriber string, n int) string {
		return call("app", subscriber, n, fmt.Sprintf(`,"event_id":"evt_%s%d","type":"call.state"`, subscriber, n))
	}
	batch := "\n[" + one("alice", 1) + ", " + one("bob", 7) + "," + one("alice", 2) + "," + one("bob", 9) + "]"
	require.Equal(t, 200, h.post("batch_1", batch))
	require.Equal(t, 200, h.post("evt_alice2", one("alice", 2)), "a failed batch is retried one by one")
	require.Equal(t, []Class{Fresh, Fresh, Fresh, Gap, Repeat}, classes(h))
	require.Equal(t, "evt_bob7", h.told[1].ID)
	require.Equal(t, 2, h.Counts().Requests)

	require.Equal(t, 400, h.post("batch_2", "["+one("alice", 3)+",17]"))
	require.Equal(t, 4, h.Counts().Events, "nothing of a bad batch is taken")
	require.Contains(t, h.told[5].Note, "event 2 of 2")
}

func TestSignedButNotAnEvent(t *testing.T) {
	for body, note := range map[string]string{
		"":                                   "not a JSON object",
		"hello":                              "not a JSON object",
		"null":                               "not a JSON object",
		"[":                                  "not JSON",
		"[]":                                 "the array is empty",
		`{"state":7}`:                        "state is a JSON number, not a string",
		`{"event_id":"evt_2"}`:               "event_id is not the webhook-id",
		`{"type":"call.state","app_id":"a"}`: "subscriber_id is missing",
		`{"type":"subscriber.provisioned","app_id":"a","subscriber_id":null}`: "subscriber_id is not a string",
		call("app", "alice", 0, ""):                              "sequence_number",
		call("app", "alice", -1, ""):                             "sequence_number",
		call("app", "alice", 1, `,"sequence_number":1`):          "sequence_number is a JSON number",
		call("app", "alice", 1, `,"sequence_number":"01"`):       "sequence_number",
		call("app", "alice", 1, `,"timestamp":"1533331051226"`):  "timestamp is a JSON string",
		call("app", "alice", 1, `,"timestamp":0`):                "timestamp is missing",
		call("app", "alice", 1, `,"gap_from":"2"`):               "gap_from",
		call("app", "alice", 1, `,"remote_name":null`):           "remote_name is not a string",
		call("app", "alice", 1, `,"\u001b[2J":1,"synthetic":""`): "synthetic is a JSON string",
	} {
		h := newHouse(t, nil)
		require.Equal(t, 400, h.post("evt_1", body), body)
		require.Equal(t, Counts{Requests: 1, Malformed: 1}, h.Counts(), body)
		require.Contains(t, h.told[0].Note, note, body)
	}
}

func classes(h *house) (all []Class) {
	for _, d := range h.told {
		all = append(all, d.Class)
	}
	return all
}
