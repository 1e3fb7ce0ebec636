package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/transport/openapitest"
)

// A story is a text in testdata: blocks of what happens, a line of dashes, and
// what comes of it. It is about alice (+15125550100), whom app1 follows. Calls
// are named c1, c2 … by the provider and alice/1, alice/2 … by us.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			told := tell(t, string(text))
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(told), 0o600))
				return
			}
			require.Equal(t, string(text), told)
			require.Equal(t, told, tell(t, string(text)), "a story goes the same way every time")
		})
	}
}

type teller struct {
	t      *testing.T
	sub    *Subscriber
	now    int64
	shift  int64 // by how much the clock was set since the last step
	random uint64
	events int
	token  uint64
	wake   int64
	ids    []CallID
	asks   []Ask
	wants  map[string]*Wants
	gets   map[uint64]bool // tokens of get: more is told of these calls
	out    bytes.Buffer

	conferences []ConferenceID
	platform    *Platform
	shows       map[string]bool // what is told beside the rest: capabilities, traces
}

const storyStart = 1_700_000_000_000

func tell(t *testing.T, text string) string {
	s := &teller{t: t, sub: &Subscriber{}, now: storyStart, wants: map[string]*Wants{}, gets: map[uint64]bool{}, shows: map[string]bool{}}
	s.step(Input{Profile: &Profile{ID: "alice", Number: "+15125550100", Extension: "1001", Name: "Alice", Network: "net1", ProviderUser: "alice@example.com"}})
	s.step(Input{Link: "app1"})
	s.out.Reset()

	var whole strings.Builder
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		whole.WriteString(line + "\n")
		switch {
		case strings.HasPrefix(line, "----"):
			for i+1 < len(lines) && lines[i+1] != "" { // what was expected gives way to what came
				i++
			}
			whole.WriteString(s.out.String())
			s.out.Reset()
		case line != "" && !strings.HasPrefix(line, "#"):
			s.line(line)
		}
	}
	require.Empty(t, s.out.String(), "the story does not say what came of its last lines")
	return whole.String()
}

type words struct {
	verb string
	at   []string          // by place
	by   map[string]string // by name
	keys []string          // of by, in order
}

func parse(line string) words {
	fields := strings.Fields(line)
	w := words{verb: fields[0], by: map[string]string{}}
	for _, f := range fields[1:] {
		if k, v, ok := strings.Cut(f, "="); ok {
			w.by[k] = v
			w.keys = append(w.keys, k)
		} else {
			w.at = append(w.at, f)
		}
	}
	return w
}

func (w words) place(i int) string {
	if i < len(w.at) {
		return w.at[i]
	}
	return ""
}

func (w words) number(key string) int64 {
	n, _ := strconv.ParseInt(w.by[key], 10, 64)
	return n
}

var storyFacts = map[string]struct {
	kind   EventKind
	status Status
	as     Personality
}{
	"received":    {EventReceived, StatusAlerting, Terminator},
	"originating": {EventOriginating, StatusAlerting, ClickToDial},
	"originated":  {EventOriginated, StatusAlerting, Originator},
	"collecting":  {EventCollecting, StatusCollecting, Originator},
	"answered":    {EventAnswered, StatusActive, 0},
	"held":        {EventHeld, StatusHeld, 0},
	"remote-held": {EventHeld, StatusRemoteHeld, 0},
	"retrieved":   {EventRetrieved, StatusActive, 0},
	"updated":     {EventUpdated, StatusUnknown, 0},
	"forwarded":   {EventForwarded, StatusAlerting, 0},
	"transferred": {EventTransferred, StatusAlerting, 0},
	"picked-up":   {EventPickedUp, StatusAlerting, 0},
	"releasing":   {EventReleasing, StatusReleasing, 0},
	"redirected":  {EventRedirected, StatusDetached, 0},
	"detached":    {EventDetached, StatusDetached, 0},
	"released":    {EventReleased, StatusReleased, 0},

	"park-retrieved": {EventParkRetrieved, StatusActive, 0},
	"recording":      {EventRecording, StatusActive, 0},
	"barged-in":      {EventBargedIn, StatusActive, 0},
	"monitored":      {EventMonitored, StatusActive, 0},
}

var (
	storyStatus = map[string]Status{
		"alerting": StatusAlerting, "active": StatusActive, "held": StatusHeld, "remote-held": StatusRemoteHeld,
		"detached": StatusDetached, "released": StatusReleased, "unknown": StatusUnknown, "collecting": StatusCollecting,
	}
	storyRole  = map[string]Personality{"originator": Originator, "terminator": Terminator, "click-to-dial": ClickToDial}
	storyCause = map[string]Cause{"busy": CauseBusy, "rejected": CauseRejected, "unreachable": CauseUnreachable, "invalid": CauseInvalidNumber, "transferred": CauseTransferred, "voicemail": CauseVoicemail}
	storyParty = map[string]Party{"local": PartyLocal, "remote": PartyRemote}
	storyVerb  = func() map[string]Verb {
		verbs := map[string]Verb{}
		for v := VerbOriginate; int(v) < len(verbNames); v++ {
			verbs[v.String()] = v
		}
		return verbs
	}()
	storyOutcome = map[string]OutcomeKind{
		"accepted": OutcomeAccepted, "refused": OutcomeRefused, "gone": OutcomeGone, "not-sent": OutcomeNotSent, "unknown": OutcomeUnknown,
	}
)

func (s *teller) line(line string) {
	w := parse(line)
	if _, ok := storyFacts[w.verb]; ok {
		s.step(Input{Event: s.event(w, storyFacts[w.verb].kind, s.fact(w))})
		return
	}
	if v, ok := storyVerb[w.verb]; ok && w.verb != "snapshot" {
		s.command(v, w)
		return
	}
	if k, ok := storyOutcome[w.verb]; ok {
		s.outcome(k, w)
		return
	}
	switch w.verb {
	case "snapshot":
		ev := s.event(w, EventSnapshot, s.listed(w)...)
		if in, ok := w.by["conference"]; ok {
			ev.Conference = conferenceOf(strings.Split(in, ","))
		}
		s.step(Input{Event: ev})
	case "conference-is": // c1, c2=muted … are in it
		s.step(Input{Event: s.conferred(w)})
	case "platform": // what the network can do: all, or the verbs named
		s.platform = &Platform{TellsAnswer: slices.Contains(w.at, "tells-answer"), TellsRetrieve: slices.Contains(w.at, "tells-retrieve")}
		for v := VerbOriginate; int(v) < len(verbNames); v++ {
			if slices.Contains(w.at, "all") || slices.Contains(w.at, v.String()) {
				s.platform.Verbs |= 1 << v
			}
		}
	case "show":
		for _, what := range w.at {
			s.shows[what] = true
		}
	case "hook":
		s.step(Input{Event: s.event(w, EventHook)})
	case "wait":
		ms, err := strconv.ParseInt(w.place(0), 10, 64)
		require.NoError(s.t, err, line)
		until := s.now + ms
		for s.wake != 0 && s.wake <= until {
			s.now = s.wake
			s.step(Input{Tick: true})
		}
		s.now = until
	case "set": // somebody sets the clock of the machine
		by, err := time.ParseDuration(strings.TrimPrefix(w.by["clock"], "+"))
		require.NoError(s.t, err, line)
		s.now += by.Milliseconds()
		s.shift += by.Milliseconds()
		if s.wake != 0 { // whoever wakes us counts by another clock
			s.wake += by.Milliseconds()
		}
	case "lift":
		s.step(Input{Lift: s.id(w.place(0))})
	case "restart":
		kept := *s.sub
		kept.transient = transient{}
		for i := range kept.Calls {
			kept.Calls[i].missed, kept.Calls[i].echoes, kept.Calls[i].echoed, kept.Calls[i].told, kept.Calls[i].touched, kept.Calls[i].checkAt, kept.Calls[i].consulted = 0, 0, 0, false, 0, 0, false
		}
		s.sub, s.asks = &kept, nil
		s.step(Input{Restart: true})
	case "resync":
		s.step(Input{Resync: true})
	case "wants": // what an app asked to be told
		filter := Filter{}
		for _, state := range strings.Split(w.by["states"], ",") {
			if i := slices.Index(stateNames[:], state); i > 0 {
				filter.States |= 1 << i
			}
		}
		if id, ok := w.by["subscriber"]; ok {
			filter.Subscribers = []string{id}
		}
		if w.by["direction"] == "incoming" {
			filter.Directions = 1 << Incoming
		}
		s.wants[w.place(0)] = &Wants{Extended: slices.Contains(w.at, "extended"), Filter: filter}
	case "link":
		s.step(Input{Link: w.place(0), Token: s.next()})
	case "unlink":
		s.step(Input{Unlink: w.place(0), Token: s.next()})
	case "delete":
		s.step(Input{Delete: true, Token: s.next()})
	case "profile":
		p := s.sub.Profile
		if n := w.by["network"]; n != "" {
			p.Network = n
		}
		if u := w.by["user"]; u != "" {
			p.ProviderUser = u
		}
		s.step(Input{Profile: &p, Token: s.next()})
	default:
		s.t.Fatalf("a story cannot say %q", line)
	}
}

func (s *teller) next() uint64 { s.token++; return s.token }

func (s *teller) fact(w words) Fact {
	k := storyFacts[w.verb]
	f := Fact{
		ProviderID: w.place(0), TrackingID: "t-" + w.place(0), Status: k.status, Personality: k.as,
		RemoteNumber: w.by["remote"], RemoteName: w.by["name"], Cause: storyCause[w.by["cause"]], Party: storyParty[w.by["party"]],
		StartTime: w.number("start"), ReleaseTime: w.number("end"), RedirectedTo: w.by["to"], ParkedAt: w.by["parked"],
		Recall: Recall(max(0, slices.Index(recallNames, w.by["recall"]))), Recording: Recording(max(0, slices.Index(recordingNames, w.by["recording"]))),
		AllowAnswer: slices.Contains(w.at, "allow-answer"), AllowRetrieve: slices.Contains(w.at, "allow-retrieve"),
	}
	if slices.Contains(w.at, "recall") {
		f.Recall = RecallOther
	}
	for _, station := range strings.FieldsFunc(w.by["diversion"], func(r rune) bool { return r == ',' }) {
		number, reason, _ := strings.Cut(station, ":")
		f.Diversion = append(f.Diversion, Redirection{Number: number, Reason: reason})
	}
	if in, ok := w.by["conference"]; ok {
		f.InConference = map[string]Said{"yes": SaidYes, "no": SaidNo}[in]
	}
	if v, ok := w.by["status"]; ok {
		f.Status = storyStatus[v]
	}
	if v, ok := w.by["as"]; ok {
		f.Personality = storyRole[v]
	}
	if v, ok := w.by["tracking"]; ok {
		f.TrackingID = v
	}
	return f
}

// listed reads c1=active, c2=held/originator … of a snapshot.
func (s *teller) listed(w words) (facts []Fact) {
	for _, call := range w.keys {
		if !strings.HasPrefix(call, "c") || call == "conference" {
			continue
		}
		status, role, _ := strings.Cut(w.by[call], "/")
		f := Fact{ProviderID: call, TrackingID: "t-" + call, Status: storyStatus[status], Personality: Terminator, RemoteNumber: w.by["remote"]}
		if v, ok := w.by["tracking"]; ok {
			f.TrackingID = v
		}
		if role == "conference" {
			f.InConference = SaidYes
		} else if role != "" {
			f.Personality = storyRole[role]
		}
		facts = append(facts, f)
	}
	return facts
}

func (s *teller) event(w words, kind EventKind, facts ...Fact) *Event {
	s.events++
	ev := &Event{ID: fmt.Sprint("e", s.events), Kind: kind, Facts: facts}
	if id, ok := w.by["id"]; ok {
		ev.ID = id
	}
	if n := w.number("seq"); n != 0 {
		ev.Sequence, ev.Subscription = uint32(n), "s1"
		if sub, ok := w.by["sub"]; ok {
			ev.Subscription = sub
		}
	}
	return ev
}

func (s *teller) command(v Verb, w words) {
	cmd := &Command{Token: s.next(), Verb: v, App: w.place(0)}
	switch v {
	case VerbOriginate, VerbRetrieve:
		o := &Originate{SubscriberNumber: "+15125550100", RemoteNumber: w.place(1), Key: w.by["key"], ClientRef: w.by["ref"], Dialing: &Dialing{CountryCode: "1"}}
		if v == VerbRetrieve {
			o.RemoteNumber, o.Extension = "", w.place(1)
		}
		if from, ok := w.by["from"]; ok {
			o.SubscriberNumber = from
		}
		o.BodyHash[0] = byte(len(w.place(1)))
		cmd.Originate = o
	case VerbList:
	case VerbGetConference, VerbEndConference:
		cmd.Conference = s.conference(w.place(1))
	case VerbMute, VerbUnmute, VerbDeaf, VerbUndeaf:
		cmd.Conference, cmd.Call = s.conference(w.place(1)), s.id(w.place(2))
	case VerbConsult, VerbConference:
		cmd.Call, cmd.ClientRef = s.id(w.place(1)), w.by["ref"]
		for _, with := range w.at[2:] {
			cmd.With = append(cmd.With, s.id(with))
		}
	default:
		cmd.Call, cmd.Number, cmd.Dialing = s.id(w.place(1)), w.place(2), &Dialing{CountryCode: "1"}
	}
	s.gets[cmd.Token] = v == VerbGet
	s.step(Input{Command: cmd})
}

func (s *teller) outcome(kind OutcomeKind, w words) {
	verb := storyVerb[w.place(0)]
	i := slices.IndexFunc(s.asks, func(a Ask) bool { return a.Verb == verb })
	if i < 0 {
		s.t.Fatalf("nobody was asked to %s\n%s", w.place(0), s.out.String())
	}
	ask := s.asks[i]
	s.asks = slices.Delete(s.asks, i, i+1)
	o := &Outcome{Ask: ask.ID, Kind: kind, Detail: w.by["detail"], ParkedAt: w.by["parked"]}
	if in, ok := w.by["conference"]; ok {
		o.Conference = conferenceOf(strings.Split(in, ","))
	}
	switch verb {
	case VerbOriginate:
		if id := w.place(1); id != "" {
			o.Fact = Fact{ProviderID: id, TrackingID: "t-" + id}
		}
	case VerbReadBack:
		o.Fact = Fact{ProviderID: ask.ProviderID, TrackingID: "t-" + ask.ProviderID, Status: storyStatus[w.by["status"]], Recording: Recording(max(0, slices.Index(recordingNames, w.by["recording"])))}
	case VerbSnapshot:
		o.Snapshot = &Snapshot{Facts: s.listed(w), Coming: w.place(1) == "coming", Conference: o.Conference}
		o.Conference = nil
	}
	s.step(Input{Outcome: o})
}

func (s *teller) id(name string) CallID {
	n, err := strconv.Atoi(strings.TrimPrefix(name, "alice/"))
	require.NoError(s.t, err, name)
	if n > len(s.ids) {
		return CallID(n) << 20 // nobody's
	}
	return s.ids[n-1]
}

func (s *teller) name(id CallID) string {
	i := slices.Index(s.ids, id)
	if i < 0 {
		s.ids = append(s.ids, id)
		i = len(s.ids) - 1
	}
	return fmt.Sprint("alice/", i+1)
}

// conferred reads c1, c2/muted … held, over or partial.
func (s *teller) conferred(w words) *Event {
	ev := s.event(w, EventConference)
	ev.Conference = conferenceOf(w.at)
	return ev
}

func conferenceOf(in []string) *ConferenceFact {
	f := &ConferenceFact{}
	for _, word := range in {
		id, how, _ := strings.Cut(word, "/")
		switch {
		case word == "held":
			f.Held = true
		case word == "over":
			f.Over = true
		case word == "partial":
			f.Partial = true
		default:
			f.Participants = append(f.Participants, ParticipantFact{
				ProviderID: id, Muted: strings.Contains(how, "muted"), Deaf: strings.Contains(how, "deaf"), Left: how == "left",
			})
		}
	}
	return f
}

func (s *teller) conference(name string) ConferenceID {
	n, err := strconv.Atoi(strings.TrimPrefix(name, "conference/"))
	require.NoError(s.t, err, name)
	if n > len(s.conferences) {
		return ConferenceID(n) << 20 // nobody's
	}
	return s.conferences[n-1]
}

func (s *teller) conferenceName(id ConferenceID) string {
	i := slices.Index(s.conferences, id)
	if i < 0 {
		s.conferences = append(s.conferences, id)
		i = len(s.conferences) - 1
	}
	return fmt.Sprint("conference/", i+1)
}

// step applies an input and writes down what came of it.
func (s *teller) step(in Input) {
	s.random++
	in.Entropy, in.Shift, s.shift = [2]uint64{s.random, 42}, s.shift, 0
	in.Platform = s.platform
	in.Wants = func(app string) *Wants { return s.wants[app] }
	var out Effects
	require.NoError(s.t, Step(s.sub, &in, s.now, &out))
	say := func(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }
	if in.Event != nil && out.Verdict != EventApplied {
		say("event %s", []string{"applied", "duplicate", "gap", "ignored"}[out.Verdict])
	}
	for _, r := range out.Put {
		switch r.Kind {
		case RecordIntent:
			switch {
			case r.Intent.Open():
				say("intent %s opened", s.name(r.Intent.Call))
			case r.Intent.Refusal != "":
				say("intent %s settled: %s", s.name(r.Intent.Call), r.Intent.Refusal)
			default:
				say("intent %s settled", s.name(r.Intent.Call))
			}
		case RecordConference:
			say("%s %s%s", s.conferenceName(r.Conference.ID), r.Conference.State(), told(r.Conference.ClientRef != "", " ref="+r.Conference.ClientRef))
		case RecordCall:
			if r.Call.State == StateReleased && !slices.ContainsFunc(out.Moves, func(m Move) bool { return m.Call == r.Call.ID }) {
				say("%s was parked at %s", s.name(r.Call.ID), r.Call.More.ParkedAt)
			}
		case RecordReplaced:
			say("%s goes on as %s", s.name(r.Replaced), s.name(r.By))
		case RecordNoIntent:
			say("intent %s forgotten", s.name(r.Intent.Call))
		case RecordResynced:
			say("mark taken back")
		case RecordLink:
			say("%s linked", r.App)
		case RecordUnlink:
			say("%s unlinked", r.App)
		case RecordNoSubscriber:
			say("subscriber deleted")
		}
	}
	if s.shows["traces"] {
		emit := out.Emit
		for _, r := range out.Put {
			var noted []Trace
			noted, emit = Unfold(nil, r.Traces, emit)
			for _, t := range noted {
				say("trace %s", s.traced(t))
			}
		}
	}
	for _, m := range out.Moves {
		say("%s: %s -> %s on %s%s", s.name(m.Call), m.From, m.To, m.On, told(m.Synthetic, " synthetic"))
	}
	for i := range out.Emit {
		n := out.Emit[i]
		n.Write()
		say("emit %s", s.emitted(&n))
	}
	for _, r := range out.Reply {
		switch {
		case r.Err != nil:
			say("reply %d: %s%s%s", r.Token, r.Err.Code, told(r.Err.Code == CodeWrongState, " ("+r.Err.State.String()+")"), told(r.Replay, " replayed"))
		case r.Conference != nil:
			say("reply %d: %s", r.Token, s.viewed(r.Conference))
		case r.Calls != nil:
			say("reply %d: %d calls", r.Token, len(r.Calls))
		case r.Call.ID != 0:
			say("reply %d: %s %s%s%s", r.Token, s.name(r.Call.ID), r.Call.State, told(r.Replay, " replayed"), told(s.gets[r.Token], s.shown(&r.Call)))
		default:
			say("reply %d: ok", r.Token)
		}
	}
	if out.Unfollow != (User{}) {
		say("unfollow %s", out.Unfollow.ID)
	}
	if out.Follow != (User{}) {
		say("follow %s", out.Follow.ID)
	}
	for _, a := range out.Ask {
		s.asks = append(s.asks, a)
		say("%s", strings.TrimSpace(strings.Join(slices.DeleteFunc(append([]string{"ask", a.Verb.String(), a.ProviderID, a.Number}, a.With...), func(w string) bool { return w == "" }), " ")+told(a.Read, " and the conference")))
	}
	s.wake = out.Wake
	for _, r := range out.Reply {
		if r.Holds { // the disk of a story is done at once
			s.step(Input{Handed: r.Call.ID})
		}
	}
}

// shown is what get adds: who is at the other end, and when what happened
// since the story began.
func (s *teller) shown(c *Call) string {
	text := " " + c.RemoteNumber
	for _, at := range []struct {
		what string
		ms   int64
	}{{"answered", c.AnsweredAt}, {"held", c.HeldAt}} {
		text += told(at.ms != 0, fmt.Sprintf(", %s at %d ms", at.what, at.ms-storyStart))
	}
	return text + told(c.RemoteHeld, ", remote_held") + told(s.shows["capabilities"], " can "+capabilities(c.Can))
}

func capabilities(set VerbSet) string {
	return strings.NewReplacer(`"`, "", "[", "", "]", "").Replace(string(appendVerbs(nil, set)))
}

func (s *teller) viewed(v *ConferenceView) string {
	text := s.conferenceName(v.ID) + " " + v.State().String() + told(v.ClientRef != "", " ref="+v.ClientRef)
	for i := range v.Calls {
		c := &v.Calls[i]
		text += " " + s.name(c.ID) + told(c.More.Muted, "/muted") + told(c.More.Deaf, "/deaf")
	}
	var shown struct {
		ID           string `json:"conference_id"`
		State        string `json:"state"`
		Participants []struct {
			Call  string `json:"call_id"`
			Muted bool   `json:"muted"`
		} `json:"participants"`
	}
	require.NoError(s.t, json.Unmarshal(AppendConference(nil, v), &shown))
	require.Equal(s.t, v.ID.String(), shown.ID)
	require.Len(s.t, shown.Participants, len(v.Calls))
	return text
}

// traced is a line of a timeline.
func (s *teller) traced(t Trace) string {
	text := s.name(t.Call) + " " + t.Kind.String() + told(t.App != "", " "+t.App)
	switch t.Kind {
	case TraceFact:
		text += fmt.Sprintf(" %s%s", t.Event, told(t.Number != 0, fmt.Sprintf(" #%d", t.Number)))
	case TraceMove:
		text += fmt.Sprintf(" %s -> %s on %s", t.From, t.To, t.On)
	case TraceTold:
		text += fmt.Sprintf(" #%d", t.Number)
	case TraceOutcome:
		text += fmt.Sprintf(" %s %s", t.Verb, t.Outcome)
	default:
		text += fmt.Sprintf(" %s%s", t.Verb, told(t.Code != "", " "+string(t.Code)))
	}
	return text + told(t.Synthetic, " synthetic")
}

func (s *teller) emitted(n *Notification) string {
	var body struct {
		Sequence  string `json:"sequence_number"`
		Call      string `json:"call_id"`
		State     string `json:"state"`
		Direction string `json:"direction"`
		Type      string `json:"type"`
		Phase     string `json:"phase"`
		Cause     string `json:"cause"`
		Remote    bool   `json:"remote_held"`
		Synthetic bool   `json:"synthetic"`
		Replaces  string `json:"replaces"`
		Number    string `json:"remote_number"`

		Capabilities []string `json:"capabilities"`
		ClientRef    string   `json:"client_ref"`
		ReplacedBy   string   `json:"replaced_by"`
		Diversion    []struct {
			Number string `json:"remote_number"`
			Name   string `json:"remote_name"`
			Reason string `json:"reason"`
		} `json:"diversion"`
		RedirectedTo string `json:"redirected_to"`
		ParkedAt     string `json:"parked_at"`
		Recall       string `json:"recall"`
		Recording    string `json:"recording"`
		Conference   string `json:"conference_id"`
		Muted        bool   `json:"muted"`
		Deaf         bool   `json:"deaf"`
		Held         int64  `json:"held_ms"`
		Rang         int64  `json:"ring_ms"`
		Talked       int64  `json:"talk_ms"`
		Answered     bool   `json:"answered"`
	}
	require.NoError(s.t, json.Unmarshal(n.Body, &body), "%s", n.Body)
	require.NoError(s.t, openapitest.Public().Judge("Event", n.Body), "%s", n.Body)
	if n.Kind == StreamSubscriber {
		return fmt.Sprintf("%s subscriber #%d", n.App, n.Sequence)
	}
	require.Equal(s.t, fmt.Sprint(n.Sequence), body.Sequence)
	text := fmt.Sprintf("%s #%s %s %s %s %s", n.App, body.Sequence, s.name(n.Call), body.Direction, body.State, body.Phase)
	text += told(body.Cause != "", " cause="+body.Cause) + told(body.Remote, " remote_held") + told(body.Synthetic, " synthetic")
	text += told(body.Type != typeState, " "+strings.TrimPrefix(body.Type, "call.")+" "+body.Number)
	text += told(body.ClientRef != "", " ref="+body.ClientRef)
	for _, d := range body.Diversion {
		text += " diverted_by=" + d.Number + told(d.Reason != "", ":"+d.Reason)
	}
	for _, more := range [][2]string{{"redirected_to", body.RedirectedTo}, {"parked_at", body.ParkedAt}, {"recall", body.Recall}, {"recording", body.Recording}} {
		text += told(more[1] != "", " "+more[0]+"="+more[1])
	}
	if id, ok := ParseConferenceID(body.Conference); ok {
		text += " " + s.conferenceName(id) + told(body.Muted, " muted") + told(body.Deaf, " deaf")
	}
	if s.shows["times"] && body.State == "released" {
		text += fmt.Sprintf(" rang=%d talked=%d held=%d answered=%v", body.Rang, body.Talked, body.Held, body.Answered)
	}
	text += told(s.shows["capabilities"], " can "+strings.Join(body.Capabilities, ","))
	if old, ok := ParseCallID(body.Replaces); ok {
		text += " replaces=" + s.name(old)
	}
	return text
}

func told(yes bool, text string) string {
	if yes {
		return text
	}
	return ""
}
