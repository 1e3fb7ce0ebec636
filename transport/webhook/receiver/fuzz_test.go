package receiver

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever is signed is either an event that is judged or not an event; what
// is missing is never more than the numbers there are.
func FuzzBodies(f *testing.F) {
	f.Add(call("app", "alice", 1, ""), call("app", "alice", 7, `,"gap_from":"3"`), "2")
	f.Add("["+call("app", "alice", 5, "")+"]", call("app", "alice", 2, `,"gap_from":2`), "18446744073709551615")
	f.Add(`{"sequence_number":"18446744073709551615"}`, `{"sequence_number":"9","gap_from":"1"}`, "x")
	f.Add(`{"gap_from":{}}`, "[null]", "")
	noon := time.Unix(1533331051, 0) // the same input, the same run
	f.Fuzz(func(t *testing.T, one, two, gapFrom string) {
		h := newHouse(t, func(c *Config) { c.FromOne, c.Now = true, func() time.Time { return noon } })
		told := 0
		for i, body := range []string{one, two, one} {
			req := request(t, secret, fmt.Sprint("evt_", i%2), noon, body)
			req.Header.Set(HeaderGapFrom, gapFrom)
			code := h.send(req)
			require.Contains(t, []int{200, 400}, code)
			require.Greater(t, len(h.told), told, "everything is told")
			for _, d := range h.told[told:] {
				require.Equal(t, code == 400, d.Class == Malformed)
				if d.Event != nil {
					require.True(t, json.Valid([]byte(body)))
					require.LessOrEqual(t, d.Missing, d.Event.Number)
					require.Equal(t, d.Missing > 0, d.Class == Gap || d.Class == Announced)
				}
			}
			told = len(h.told)
		}
	})
}
