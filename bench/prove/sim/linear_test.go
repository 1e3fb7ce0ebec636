package sim

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// asked is what a client asked, of the call of one key.
type asked struct{ key, verb string }

// outcome is what it was answered. The zero status is for no answer.
type outcome struct {
	status int
	code   string
	state  string // that was shown
	call   string // of a 201
	at     time.Time
}

// standing is what is so about one key.
type standing struct {
	call  string // as its 201 said; "?" when none was heard
	state string // of the call; empty for none placed
}

// unknown reports whether a request may have been carried out or not, now or
// at any time later.
func (o outcome) unknown() bool {
	switch o.status {
	case 0, 504:
		return true
	case 409:
		return o.code == "key_in_progress"
	}
	return false
}

// deskModel is one subscriber's calls as everybody agrees they should be: one
// call for one key, and a call that is what the last command made it, unless
// the far end answered it or somebody hung up. Nobody else holds or resumes.
var deskModel = (&porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		var keys []string
		for _, op := range history {
			key := op.Input.(asked).key
			if byKey[key] == nil {
				keys = append(keys, key)
			}
			byKey[key] = append(byKey[key], op)
		}
		var parts [][]porcupine.Operation
		for _, key := range keys {
			parts = append(parts, byKey[key])
		}
		return parts
	},
	Init: func() []any { return []any{standing{}} },
	Step: func(state, input, output any) (next []any) {
		for _, s := range state.(standing).meanwhile() {
			for _, n := range s.step(input.(asked).verb, output.(outcome)) {
				next = append(next, n)
			}
		}
		return next
	},
	Equal: func(a, b any) bool { return a == b },
	DescribeOperation: func(input, output any) string {
		in, out := input.(asked), output.(outcome)
		return fmt.Sprintf("%s %s -> %d %s %s %s, by %s", in.verb, in.key, out.status, out.code, out.state, out.call, out.at.Format("15:04:05.000"))
	},
}).ToModel()

// meanwhile is all that may have become of it without a command.
func (s standing) meanwhile() []standing {
	all := []standing{s}
	switch s.state {
	case "ringing":
		all = append(all, standing{s.call, "active"}, standing{s.call, "released"})
	case "active", "held":
		all = append(all, standing{s.call, "released"})
	}
	return all
}

// step is what a command and its answer make of it; nothing if it cannot have
// been answered so.
func (s standing) step(verb string, out outcome) []standing {
	if verb == "place" {
		return s.place(out)
	}
	if s.state == "" {
		return nil // its call_id is known: it was placed
	}
	switch {
	case verb == "get", verb == "list":
		if out.status == 200 && out.state != s.state || out.status == 404 && s.state != "released" {
			return nil
		}
		return []standing{s}
	case out.unknown():
		return []standing{s, s.obey(verb)}
	case out.status == 204:
		if done := s.obey(verb); done != s || s.is(verb) {
			return []standing{done}
		}
		return nil
	case out.status == 409 && out.code == "wrong_state":
		// A ringing call may be past its own phone: then the far end answers it.
		if out.state != s.state || s.fits(verb) && verb != "answer" {
			return nil
		}
	case out.status == 404 && s.state != "released":
		return nil
	}
	return []standing{s} // refused: nothing was done
}

func (s standing) place(out outcome) []standing {
	switch {
	case out.status == 201 && s.state == "":
		return []standing{{out.call, "ringing"}}
	case out.status == 201 && s.call == "?":
		return []standing{{out.call, s.state}}
	case out.status == 201 && s.call != out.call:
		return nil // twice
	case out.unknown() && s.state == "":
		return []standing{s, {"?", "ringing"}}
	}
	return []standing{s}
}

// fits reports whether the state lets a command be tried.
func (s standing) fits(verb string) bool {
	switch verb {
	case "hold":
		return s.state == "active"
	case "resume":
		return s.state == "held"
	case "answer":
		return s.state == "ringing"
	}
	return s.state != "released"
}

// is reports whether the call is where the command wants it.
func (s standing) is(verb string) bool {
	switch verb {
	case "hold":
		return s.state == "held"
	case "resume", "answer":
		return s.state == "active" || verb == "answer" && (s.state == "ringing" || s.state == "held")
	}
	return s.state == "released"
}

func (s standing) obey(verb string) standing {
	if s.fits(verb) {
		switch verb {
		case "hold":
			s.state = "held"
		case "resume":
			s.state = "active"
		case "end":
			s.state = "released"
		}
	}
	return s
}

// linear holds the histories of all desks against the model.
func (w *world) linear(desks []*desk) (operations int) {
	for _, d := range desks {
		d.mu.Lock()
		history := slices.Clone(d.history)
		d.mu.Unlock()
		operations += len(history)
		for i := range history {
			if history[i].Output.(outcome).unknown() {
				history[i].Return = math.MaxInt64 // it may take effect at any time
			}
		}
		if !porcupine.CheckOperations(deskModel, history) {
			w.violated("the history of %s is of no order of commands:\n%s", d.subscriber, w.story(history))
		}
	}
	return operations
}

// story tells the operations of the keys that have no order, and what offhook tells
// of their calls.
func (w *world) story(history []porcupine.Operation) (text string) {
	for _, part := range deskModel.Partition(history) {
		if porcupine.CheckOperations(deskModel, part) {
			continue
		}
		for _, op := range part {
			text += fmt.Sprintf("  client %d, %d to %d: %s\n", op.ClientId, op.Call, op.Return, deskModel.DescribeOperation(op.Input, op.Output))
		}
		for _, op := range part {
			if call := op.Output.(outcome).call; call != "" {
				l := &phoneLine{w: w, s: w.apps[1]}
				text += fmt.Sprintf("  its timeline, at %s: %s\n", time.Now().UTC().Format(time.RFC3339Nano), l.ask("GET", "/calls/"+call+"/timeline", "", "").body)
				l.hangUp()
				break
			}
		}
	}
	return text
}
