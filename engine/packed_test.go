package engine

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// Whatever happens, and however often the subscriber is packed in between: he is
// who he was, and what comes of it is what would have come of it.
func TestNothingComesOfPacking(t *testing.T) {
	packed := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.step(Input{Profile: &Profile{ID: "alice", Number: "+15125550100", Network: "n", ProviderUser: "alice"}})
		w.step(Input{Link: "app1"})
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			w.something()
		}
		w.settle()

		sub := &Subscriber{}
		for i := range w.inputs {
			if w.inputs[i].Restart {
				sub = reborn(sub)
			}
			if rapid.IntRange(0, 3).Draw(t, "packed") > 0 {
				is, did := repacked(t, sub)
				if sub = is; did {
					packed++
				}
			}
			var out Effects
			if err := Step(sub, &w.inputs[i], w.at[i], &out); err != nil {
				t.Fatal(err)
			}
			if out = plain(out); !reflect.DeepEqual(w.effects[i], out) {
				t.Fatalf("input %d came out as\n%+v\nand, of one who was packed, as\n%+v", i, w.effects[i], out)
			}
		}
	})
	if packed == 0 {
		t.Fatal("nobody was packed")
	}
}

// repacked is a subscriber who was packed and unpacked, if he could be.
func repacked(t *rapid.T, s *Subscriber) (*Subscriber, bool) {
	var apps []string
	for i := range s.Streams {
		if s.Streams[i].Linked {
			apps = append(apps, s.Streams[i].App)
		}
	}
	p, ok := s.Pack(apps)
	if !ok {
		if len(s.asks)+len(s.waiters)+len(s.barriers) == 0 && s.Stream("app1") != nil && len(s.Stream("app1").Deferred) == 0 {
			t.Fatal("nothing is under way, and he cannot be packed")
		}
		return s, false
	}
	if len(s.asks)+len(s.waiters)+len(s.barriers) > 0 {
		t.Fatal("he is packed, and something is under way")
	}
	if _, ok := s.Pack(append(apps, "stranger")); ok {
		t.Fatal("he is packed for an app that is not linked")
	}
	is := p.Unpack(s.Shown(), apps, s.Calls, s.Conference)
	is.config = s.config
	is.platform = s.platform
	if len(s.Calls) > 0 && &is.Calls[0] == &s.Calls[0] {
		t.Fatal("who reads his calls would see them change")
	}
	s.slotted, is.slotted = s.slot()+1, is.slot()+1
	if want, got := compact(s), compact(is); !reflect.DeepEqual(want, got) {
		t.Fatalf("he was packed as\n%+v\nand unpacked as\n%+v", want, got)
	}
	return is, true
}

// compact is a subscriber without the memory that empty lists keep.
func compact(s *Subscriber) *Subscriber {
	is := *s
	v := reflect.ValueOf(&is).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Slice && f.Len() == 0 {
			f.SetZero()
		}
	}
	is.asks, is.waiters, is.barriers = nil, nil, nil
	return &is
}
