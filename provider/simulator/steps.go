package simulator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// args are the words of a step behind its verb: plain ones in their order, and
// those with a "=".
type args struct {
	plain []string
	named map[string]string
}

func readArgs(words []string) args {
	a := args{named: map[string]string{}}
	for i := 0; i < len(words); i++ {
		name, value, is := strings.Cut(words[i], "=")
		switch {
		case is && name != "":
			a.named[name] = value
		case i+1 < len(words) && slices.Contains([]string{"from", "to", "as"}, words[i]):
			a.named[words[i]] = words[i+1]
			i++
		default:
			a.plain = append(a.plain, words[i])
		}
	}
	return a
}

// want checks that a step has what it needs and nothing else.
func (a args) want(plain int, needed, allowed string) error {
	if len(a.plain) != plain {
		return fmt.Errorf("%d words are wanted behind it, not %d", plain, len(a.plain))
	}
	for _, name := range strings.Fields(needed) {
		if a.named[name] == "" {
			return fmt.Errorf("%q is missing", name)
		}
	}
	for name := range a.named {
		if !slices.Contains(strings.Fields(needed+" "+allowed), name) {
			return fmt.Errorf("%q does not belong here", name)
		}
	}
	return nil
}

func sorted(words []string) string {
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// step reads one step: what it does is settled here, so that a story with a
// mistake in it does not begin.
func (sc *Scenario) step(line int, at time.Duration, words []string) (err error) {
	st := Step{Line: line, At: at, Text: strings.Join(words, " ")}
	verb := words[0]
	verb, st.maybe = strings.CutPrefix(verb, "?")
	a := readArgs(words[1:])
	switch {
	case verb == "ring" || verb == "dial" || verb == "click":
		st.do, err = beginCall(verb, a)
	case verb == "peer":
		err = a.want(1, "as", "")
		st.do = func(p *player) error { return p.namePeer(a.plain[0], a.named["as"]) }
	case verb == "consult":
		err = a.want(2, "", "")
		st.do = func(p *player) error { return p.consult(a.plain[0], a.plain[1]) }
	case verb == "transfer":
		if err = a.want(1, "to", ""); err == nil {
			_, err = address(a.named["to"])
		}
		st.do = func(p *player) error { return p.act(a.plain[0], "blindtransfer", a.named["to"]) }
	case verb == "voicemail":
		err = a.want(1, "", "")
		st.do = func(p *player) error { return p.act(a.plain[0], "vmtransfer", "") }
	case verb == "hangup" && len(a.plain) == 1 && a.plain[0] == "all":
		st.do = func(p *player) error { p.hangUpAll(); return nil }
	case verb == "retrieve":
		st.do, err = retrieveStep(a)
	case verb == "conference":
		st.do, err = conferenceStep(a)
	case controlVerbs[verb].do != nil:
		st.do, err = callStep(verb, a)
	case verb == "phone":
		st.do, err = phoneStep(a)
	case verb == "fault":
		st.do, err = faultStep(a)
	case verb == "lift":
		err = a.want(1, "", "")
		st.do = func(p *player) error { return p.lift(a.plain[0]) }
	case verb == "traffic":
		st.do, err = trafficStep(a)
	case verb == "expect":
		err = a.want(2, "", "")
		st.do = func(p *player) error { return p.expect(a.plain[0], a.plain[1]) }
	case peopleSteps[verb] != nil:
		st.do, err = peopleSteps[verb](a)
	case verb == "quiet" || verb == "end":
		err = a.want(0, "", "")
		st.do = func(*player) error { return nil }
	default:
		err = fmt.Errorf("nobody can do that")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	sc.Steps = append(sc.Steps, st)
	return nil
}

func address(s string) (string, error) {
	if number, valid := cleanAddress(s); valid {
		return number, nil
	}
	return "", fmt.Errorf("%q is no number a switch can route", s)
}

func beginCall(verb string, a args) (func(*player) error, error) {
	far := "to"
	if verb == "ring" {
		far = "from"
	}
	if err := a.want(1, far, "name as"); err != nil {
		return nil, err
	}
	number, err := address(a.named[far])
	return func(p *player) error {
		return p.begin(verb, a.plain[0], number, a.named["name"], a.named["as"])
	}, err
}

// callStep is a verb of the control paths. Where one parks is said with to.
func callStep(verb string, a args) (func(*player) error, error) {
	v := controlVerbs[verb]
	allowed := ""
	var with []string
	ask := verbAsk{}
	for _, m := range []struct {
		member, word string
		to           *string
	}{
		{"remote_number", "to", &ask.Number}, {"remote_name", "name", &ask.Name}, {"reason", "reason", &ask.Reason},
		{"extension", "to", &ask.Extension}, {"with_call_id", "with", nil},
	} {
		if !slices.Contains(strings.Fields(v.takes), m.member) {
			continue
		}
		allowed += " " + m.word
		switch said := a.named[m.word]; {
		case m.to != nil:
			*m.to = said
		case said != "":
			with = []string{said}
		}
	}
	if err := a.want(1, "", allowed); err != nil {
		return nil, err
	}
	if ask.Reason != "" && !slices.Contains(redirectReasons, ask.Reason) {
		return nil, fmt.Errorf("%q is no reason that BroadWorks has", ask.Reason)
	}
	if ask.Number != "" {
		if _, err := address(ask.Number); err != nil {
			return nil, err
		}
	}
	if p := ask.read(&v); p != nil {
		return nil, fmt.Errorf("%s %s", p.Field, p.Detail)
	}
	return func(p *player) error { return p.control(a.plain[0], verb, ask, with...) }, nil
}

func retrieveStep(a args) (func(*player) error, error) {
	if err := a.want(1, "from", "as"); err != nil {
		return nil, err
	}
	extension := a.named["from"]
	if len(extension) < minExtension || len(extension) > maxExtension || strings.Trim(extension, "0123456789") != "" {
		return nil, fmt.Errorf("%q is no extension", extension)
	}
	return func(p *player) error {
		return p.begin("dial", a.plain[0], p.sim.cfg.ParkRetrieveCode+extension, "", a.named["as"])
	}, nil
}

func conferenceStep(a args) (func(*player) error, error) {
	if len(a.plain) < minParticipants {
		return nil, fmt.Errorf("%d calls are wanted behind it at least", minParticipants)
	}
	if err := a.want(len(a.plain), "", ""); err != nil {
		return nil, err
	}
	return func(p *player) error { return p.control(a.plain[0], "conference", verbAsk{}, a.plain[1:]...) }, nil
}

func phoneStep(a args) (func(*player) error, error) {
	if err := a.want(1, "", "answer answer-after far-end far-end-after decline recording"); err != nil {
		return nil, err
	}
	var set []func(*behaviour)
	for name, value := range a.named {
		switch name {
		case "answer":
			mode, known := map[string]answerMode{"auto": answerAuto, "manual": answerManual}[value]
			if !known {
				return nil, fmt.Errorf("answer is auto or manual, not %q", value)
			}
			set = append(set, func(b *behaviour) { b.answer = mode })
		case "far-end":
			mode, known := map[string]farEndMode{"answer": farEndAnswers, "busy": farEndBusy, "no-answer": farEndNoAnswer}[value]
			if !known {
				return nil, fmt.Errorf("far-end is answer, busy or no-answer, not %q", value)
			}
			set = append(set, func(b *behaviour) { b.farEnd = mode })
		case "decline":
			i := slices.Index(declineWords, value)
			if i < 0 {
				return nil, fmt.Errorf("decline is reject or voicemail, not %q", value)
			}
			set = append(set, func(b *behaviour) { b.decline = declineMode(i) }) // #nosec G115 -- an index of a short list
		case "recording":
			i := slices.Index(recordWords, value)
			if i < 0 {
				return nil, fmt.Errorf("recording is works, fails or never, not %q", value)
			}
			set = append(set, func(b *behaviour) { b.recording = recordMode(i) }) // #nosec G115 -- an index of a short list
		default:
			d, err := time.ParseDuration(value)
			if err != nil || d < 0 || d > maxAfter {
				return nil, fmt.Errorf("%s is between 0s and 1h, not %q", name, value)
			}
			set = append(set, func(b *behaviour) {
				if name == "answer-after" {
					b.answerAfter = d
				} else {
					b.farEndAfter, b.noAnswer = d, d
				}
			})
		}
	}
	return func(p *player) error {
		ph, err := p.phone(a.plain[0])
		if err != nil {
			return err
		}
		for _, fn := range set {
			fn(&ph.behave)
		}
		return nil
	}, nil
}

func faultStep(a args) (func(*player) error, error) {
	if err := a.want(1, "", "xsp subscriber probability for delay reason as"); err != nil {
		return nil, err
	}
	f := fault{kind: a.plain[0], xsp: a.named["xsp"], probability: 1, delay: defaultDelay, reason: reasonExpired}
	var lasts time.Duration
	var err error
	if !knownFault(f.kind) {
		return nil, fmt.Errorf("%q is none of %s", f.kind, sorted(append(FaultKinds(), OCIFaultKinds()...)))
	}
	if s := a.named["probability"]; s != "" {
		if f.probability, err = strconv.ParseFloat(s, 64); err != nil || !(f.probability >= 0 && f.probability <= 1) {
			return nil, fmt.Errorf("probability is between 0 and 1, not %q", s)
		}
	}
	for _, d := range []struct {
		name string
		to   *time.Duration
	}{{"for", &lasts}, {"delay", &f.delay}} {
		if s := a.named[d.name]; s != "" {
			if *d.to, err = time.ParseDuration(s); err != nil || *d.to <= 0 || *d.to > 24*time.Hour {
				return nil, fmt.Errorf("%s is a time, not %q", d.name, s)
			}
		}
	}
	if s := a.named["reason"]; s != "" {
		if f.reason = s; !slices.Contains(endReasons, s) {
			return nil, fmt.Errorf("%q is none of %s", s, sorted(slices.Clone(endReasons)))
		}
	}
	return func(p *player) error { return p.fault(f, lasts, a.named["subscriber"], a.named["as"]) }, nil
}

func trafficStep(a args) (func(*player) error, error) {
	if err := a.want(1, "", ""); err != nil {
		return nil, err
	}
	rate, err := strconv.ParseFloat(a.plain[0], 64)
	if err != nil || !(rate >= 0 && rate <= 100_000) {
		return nil, fmt.Errorf("calls per second are wanted, 0 for none, not %q", a.plain[0])
	}
	return func(p *player) error { p.sim.setRate(rate); return nil }, nil
}
