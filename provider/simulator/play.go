package simulator

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// player is a story while it is played. Its methods run with mu held.
type player struct {
	sim    *Simulator
	calls  map[string]*half
	faults map[string]*fault
}

// Play plays a story, each step at its time, and returns when the last is
// done, ctx ends or the switch is closed. A step that cannot be done, or that
// expected something else, does not end it: all of them are in the error.
// told, if not nil, hears of each step when it was done, and of its error free
// of names and numbers; a story waits for it.
func (s *Simulator) Play(ctx context.Context, sc *Scenario, told func(st Step, err error)) error {
	p := &player{sim: s, calls: map[string]*half{}, faults: map[string]*fault{}}
	began := time.Now()
	var failed []error
	for _, st := range sc.Steps {
		done := make(chan error, 1)
		s.mu.Lock()
		planned := s.after(time.Until(began.Add(st.At)), func() { done <- st.do(p) })
		planned.stays = true // a story goes on when the switch restarts
		s.mu.Unlock()
		var err error
		select {
		case err = <-done:
		case <-ctx.Done():
			s.mu.Lock()
			s.stop(planned)
			s.mu.Unlock()
			return errors.Join(failed...)
		case <-s.done:
			return errors.Join(failed...)
		}
		if st.maybe && errors.Is(err, errNotNow) {
			err = nil
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("line %d: %s: %w", st.Line, st.Text, err))
		}
		if told != nil {
			told(st, err)
		}
	}
	return errors.Join(failed...)
}

// errNotNow is that a call is not there, or cannot do what is asked now.
var errNotNow = errors.New("it cannot do that now")

// userID is a user id whose domain may be left out.
func userID(user string) string {
	if !strings.ContainsRune(user, '@') {
		user += "@" + domain
	}
	return user
}

// phone finds a subscriber by user id, the domain left out if one likes.
func (p *player) phone(user string) (*phone, error) {
	if ph := p.sim.phoneOf(userID(user)); ph != nil {
		return ph, nil
	}
	return nil, fmt.Errorf("no such subscriber")
}

func (p *player) begin(how, user, number, name, as string) error {
	ph, err := p.phone(user)
	if err != nil {
		return err
	}
	s := p.sim
	other := s.phoneAt(number)
	busy := len(ph.calls) >= s.cfg.MaxCallsPerPhone || other != nil && len(other.calls) >= s.cfg.MaxCallsPerPhone
	if busy || how == "ring" && other == ph {
		return errNotNow
	}
	var h *half
	switch {
	case how == "click":
		h = s.dialClick(ph, number)
	case how == "dial":
		h = s.dialDesk(ph, number, name, ph.behave)
	case other != nil:
		h = s.calledBy(ph, other)
	default:
		h = s.incoming(ph, outside(name, number))
	}
	if as != "" {
		p.calls[as] = h
	}
	return nil
}

// call finds a live call by its name in the story. A restart forgets them all.
func (p *player) call(name string) (*half, error) {
	h := p.calls[name]
	if h == nil {
		return nil, fmt.Errorf("no call has that name")
	}
	if !h.live() || p.sim.calls[h.id] != h {
		return nil, fmt.Errorf("%s is over: %w", name, errNotNow)
	}
	return h, nil
}

func (p *player) namePeer(name, as string) error {
	h, err := p.call(name)
	if err == nil && h.peer == nil {
		err = fmt.Errorf("its far end is outside: %w", errNotNow)
	}
	if err == nil {
		p.calls[as] = h.peer
	}
	return err
}

// control does what a phone, a far end or the network does. Calls that go with
// it are found by their names in the story.
func (p *player) control(name, verb string, ask verbAsk, with ...string) error {
	h, err := p.call(name)
	if err != nil {
		return err
	}
	for _, other := range with {
		o, err := p.call(other)
		if err != nil {
			return err
		}
		ask.With = o.id
		ask.CallIDs = append(ask.CallIDs, o.id)
	}
	v := controlVerbs[verb]
	switch problem := p.sim.perform(&v, h, &ask); {
	case problem == nil:
		return nil
	case problem.Code != "wrong_state":
		return fmt.Errorf("%s %s: %w", problem.Field, problem.Detail, errNotNow)
	}
	return fmt.Errorf("%s is %s: %w", name, h.word(), errNotNow)
}

// act does what a client would ask for through Xsi.
func (p *player) act(name, verb, arg string) error {
	h, err := p.call(name)
	if err != nil {
		return err
	}
	if arg != "" {
		arg, _ = cleanAddress(arg) // looked at when it was read
	}
	if v := verbs[verb]; v.can(h) {
		v.do(p.sim, h, arg)
		return nil
	}
	return fmt.Errorf("%s is %s: %w", name, h.word(), errNotNow)
}

func (p *player) consult(first, second string) error {
	a, err := p.call(first)
	if err != nil {
		return err
	}
	b, err := p.call(second)
	if err != nil {
		return err
	}
	if !canConsult(a, b) {
		return fmt.Errorf("%s is %s, %s is %s: %w", first, a.word(), second, b.word(), errNotNow)
	}
	p.sim.transferConsult(a, b)
	return nil
}

func (p *player) hangUpAll() {
	for _, ph := range p.sim.phones {
		for len(ph.calls) > 0 {
			p.sim.release(ph.calls[0], localRelease, "")
		}
	}
}

func (p *player) fault(f fault, lasts time.Duration, user, as string) (err error) {
	if user != "" {
		if f.phone, err = p.phone(user); err != nil {
			return err
		}
	}
	if f.xsp != "" && p.sim.named(f.xsp) == nil {
		return fmt.Errorf("no such XSP")
	}
	if len(p.sim.faults) >= maxFaults {
		return errors.New("too many faults are in force")
	}
	in := f
	p.sim.addFault(&in, lasts)
	if as != "" {
		p.faults[as] = &in
	}
	return nil
}

func (p *player) lift(name string) error {
	if name == "all" {
		for len(p.sim.faults) > 0 {
			p.sim.liftFault(p.sim.faults[0])
		}
		return nil
	}
	f := p.faults[name]
	if f == nil {
		return fmt.Errorf("no fault has that name")
	}
	p.sim.liftFault(f)
	return nil
}

// expect compares the switch with the story: a call's state, or how many calls
// there are, or are parked.
func (p *player) expect(what, want string) error {
	got := "released"
	switch h := p.calls[what]; {
	case what == "calls":
		got = strconv.Itoa(len(p.sim.calls))
	case what == "parked":
		got = strconv.Itoa(len(p.sim.parked))
	case h == nil:
		return fmt.Errorf("no call has that name")
	case p.sim.calls[h.id] == h:
		got = h.word()
	}
	if got != want {
		return fmt.Errorf("it is %s", got)
	}
	return nil
}
