package engine

import (
	"reflect"
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// Whatever happens, and whoever sets the clock meanwhile: what comes of it is
// what would have come of it, at the same time, but for the times that are told.
func TestNothingComesOfSettingTheClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.step(Input{Profile: &Profile{ID: "alice", Number: "+15125550100", Network: "n", ProviderUser: "alice"}})
		w.step(Input{Link: "app1"})
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			w.something()
		}
		w.settle()

		sub := &Subscriber{}
		off := int64(storyStart) // from the start the clock shows something else
		for i, in := range w.inputs {
			in.Shift = 0
			if rapid.IntRange(0, 3).Draw(t, "set") == 0 {
				in.Shift = rapid.SampledFrom([]int64{1000, 60_000, 3_600_000, 31_536_000_000}).Draw(t, "by")
				if rapid.Bool().Draw(t, "back") {
					in.Shift = -in.Shift
				}
				if off += in.Shift; off < 0 {
					in.Shift, off = in.Shift-off, 0
				}
			}
			if in.Restart {
				sub = reborn(sub)
			}
			var out Effects
			if err := Step(sub, &in, w.at[i]+off, &out); err != nil {
				t.Fatal(err)
			}
			if out.Wake != 0 {
				out.Wake -= off
			}
			if want, got := timeless(w.effects[i]), timeless(plain(out)); !reflect.DeepEqual(want, got) {
				t.Fatalf("input %d came out as\n%+v\nand, with the clock set, as\n%+v", i, want, got)
			}
		}
	})
}

var toldTimes = regexp.MustCompile(`"(timestamp|[a-z]+_(at|ms))":[0-9]+`)

// timeless is effects without what our clock showed. When to wake stays.
func timeless(out Effects) Effects {
	call := func(c *Call) {
		c.CreatedAt, c.AnsweredAt, c.HeldAt, c.ReleasedAt, c.HeldFor, c.checkAt, c.echoed = 0, 0, 0, 0, 0, 0, 0
	}
	out.Put, out.Emit, out.Reply = append([]Record(nil), out.Put...), append([]Notification(nil), out.Emit...), append([]Reply(nil), out.Reply...)
	for i := range out.Put {
		r := &out.Put[i]
		if r.Call != nil {
			is := *r.Call
			call(&is)
			r.Call = &is
		}
		if r.Intent != nil {
			is := *r.Intent
			is.OpenedAt, is.SettledAt, is.set = 0, min(is.SettledAt, 1), 0
			r.Intent = &is
		}
		if r.Conference != nil {
			is := *r.Conference
			is.CreatedAt, is.ReleasedAt = 0, min(is.ReleasedAt, 1)
			r.Conference = &is
		}
		r.Calls = append([]Call(nil), r.Calls...)
		for k := range r.Calls {
			call(&r.Calls[k])
		}
	}
	for i := range out.Emit {
		out.Emit[i].Time = 0
		out.Emit[i].Body = toldTimes.ReplaceAll(out.Emit[i].Body, []byte(`"$1":0`))
	}
	for i := range out.Reply {
		call(&out.Reply[i].Call)
		if v := out.Reply[i].Conference; v != nil {
			is := *v
			is.CreatedAt, is.Calls = 0, append([]Call(nil), v.Calls...)
			for k := range is.Calls {
				call(&is.Calls[k])
			}
			out.Reply[i].Conference = &is
		}
		out.Reply[i].Calls = append([]Call(nil), out.Reply[i].Calls...)
		for k := range out.Reply[i].Calls {
			call(&out.Reply[i].Calls[k])
		}
	}
	return out
}
