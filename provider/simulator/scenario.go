package simulator

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Scenario is a story that a switch plays: calls, faults and times, read from a
// text file. docs/simulator.md has the language.
type Scenario struct {
	Config Config // what the file says of the switch; the rest is zero
	Steps  []Step
}

// Step is one line of a story.
type Step struct {
	Line int           // in the file
	At   time.Duration // since the story began
	Text string        // as it was written, without its time

	maybe bool // written "?verb": nothing is wrong when it cannot be done
	do    func(p *player) error
}

// Verb is what the step does, free of names and numbers.
func (st Step) Verb() string {
	verb, _, _ := strings.Cut(st.Text, " ")
	return verb
}

// maxSteps and maxLine bound a file.
const (
	maxSteps = 100_000
	maxLine  = 4096
)

// ParseScenario reads a story. Its error names the line.
func ParseScenario(text []byte) (*Scenario, error) {
	sc := &Scenario{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxLine)
	n, last := 0, time.Duration(0)
	for lines.Scan() {
		n++
		words, err := splitWords(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if len(words) == 0 {
			continue
		}
		at, timed, err := readTime(words[0], last)
		switch {
		case err != nil:
		case !timed && len(sc.Steps) > 0:
			err = fmt.Errorf("a step begins with its time, as in 2s or +500ms, not with %q", words[0])
		case !timed:
			err = sc.setting(words)
		case len(words) < 2:
			err = fmt.Errorf("nothing happens at %s", words[0])
		case len(sc.Steps) == maxSteps:
			err = fmt.Errorf("more than %d steps", maxSteps)
		default:
			err = sc.step(n, at, words[1:])
			last = at
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	return sc, nil
}

// splitWords cuts a line at spaces; what is in double quotes is one word, and
// may stand behind a "=". A # begins a comment.
func splitWords(line string) (words []string, err error) {
	var w strings.Builder
	quoted, open := false, false
	flush := func() {
		if w.Len() > 0 || open {
			words = append(words, w.String())
		}
		w.Reset()
		open = false
	}
	for _, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
			open = true
		case quoted:
			w.WriteRune(r)
		case r == '#':
			flush()
			return words, nil
		case unicode.IsSpace(r):
			flush()
		default:
			w.WriteRune(r)
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is not closed")
	}
	flush()
	return words, nil
}

// readTime reads when a step is: since the start, or with a + since the step
// before.
func readTime(word string, last time.Duration) (at time.Duration, timed bool, err error) {
	after, relative := strings.CutPrefix(word, "+")
	if after == "" || after[0] < '0' || after[0] > '9' {
		return 0, false, nil
	}
	d, err := time.ParseDuration(after)
	if err != nil {
		return 0, false, fmt.Errorf("%q is no time; write it with its unit, as in 2s, 1m30s or +500ms", word)
	}
	if relative {
		d += last
	}
	if d < last {
		return 0, false, fmt.Errorf("%s is before the step above", word)
	}
	return d, true, nil
}

// setting reads a line about the switch; they stand before the first step.
func (sc *Scenario) setting(words []string) (err error) {
	c := &sc.Config
	if len(words) != 2 {
		return fmt.Errorf("a setting is a name and a value, and steps begin with their time: %q is neither", strings.Join(words, " "))
	}
	value := words[1]
	switch words[0] {
	case "seed":
		c.Seed, err = strconv.ParseUint(value, 10, 64)
	case "subscribers":
		c.Subscribers, err = wholeNumber(value, 1, maxSubscribers)
	case "xsps":
		c.XSPs, err = wholeNumber(value, 1, maxXSPs)
	case "granted":
		c.GrantedExpires, err = time.ParseDuration(value)
	case "granted-spread":
		c.GrantedSpread, err = strconv.ParseFloat(value, 64)
	case "ack-timeout":
		c.AckTimeout, err = time.ParseDuration(value)
	case "heartbeat-timeout":
		c.HeartbeatTimeout, err = time.ParseDuration(value)
	case "treatment":
		c.Treatment, err = time.ParseDuration(value)
	case "park-retrieve-code":
		var valid bool
		if c.ParkRetrieveCode, valid = cleanAddress(value); !valid || c.ParkRetrieveCode != value {
			err = fmt.Errorf("%q cannot be dialled", value)
		}
	case "park-recall":
		c.ParkRecall, err = time.ParseDuration(value)
	case "transfer-recall":
		c.TransferRecall, err = time.ParseDuration(value)
	case "call-duration":
		c.CallDuration, err = time.ParseDuration(value)
	case "max-subscriptions":
		c.MaxSubscriptions, err = wholeNumber(value, 1, 1<<20)
	case "chunks":
		err = oneOf(value, map[string]func(){
			"whole": func() { c.Chunks = ChunkPerDocument }, "anyhow": func() { c.Chunks = ChunkAnyhow },
		})
	case "snapshot":
		err = oneOf(value, map[string]func(){
			"before": func() { c.SnapshotOrder = SnapshotBefore }, "after": func() { c.SnapshotOrder = SnapshotAfter },
			"either": func() { c.SnapshotOrder = SnapshotEither },
		})
	case "resync-after-loss":
		err = oneOf(value, map[string]func(){"yes": func() { c.ResyncAfterLoss = true }, "no": func() { c.ResyncAfterLoss = false }})
	case "new-call-id-on-lift":
		err = oneOf(value, map[string]func(){"yes": func() { c.NewCallIDOnLift = true }, "no": func() { c.NewCallIDOnLift = false }})
	default:
		set := ociSettings[words[0]]
		if set == nil {
			return fmt.Errorf("there is no setting %q", words[0])
		}
		err = set(&c.OCI, value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", words[0], err)
	}
	return nil
}

func wholeNumber(s string, least, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("a whole number between %d and %d is wanted, not %q", least, most, s)
	}
	return n, nil
}

func oneOf(value string, set map[string]func()) error {
	if fn := set[value]; fn != nil {
		fn()
		return nil
	}
	words := make([]string, 0, len(set))
	for w := range set {
		words = append(words, w)
	}
	return fmt.Errorf("%q is none of %s", value, sorted(words))
}
