package simulator

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The checker of documents: what the dossier says of each, and nothing of how
// the simulator makes them.

const (
	eventHead = `<?xml version="1.0" encoding="UTF-8"?><xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" xsi1:type="xsi:`
	uuid      = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`
)

var (
	channelDoc = regexp.MustCompile(`^<\?xml version="1\.0" encoding="UTF-8"\?>` + "\n" +
		`<Channel xmlns="http://schema\.broadsoft\.com/xsi"><channelId>` + uuid + `</channelId><expires>[1-9][0-9]*</expires></Channel>$`)
	terminatedDoc = regexp.MustCompile(`^` + regexp.QuoteMeta(eventHead) + `ChannelTerminatedEvent"><xsi:channelId>` + uuid +
		`</xsi:channelId><xsi:reason>(DuplicateChannelSet|UserDeleted|NonResponsiveChannel|ExplicitDelete|Expired|UnknownChannel)</xsi:reason></xsi:Event>$`)
	uuidText   = regexp.MustCompile(`^` + uuid + `$`)
	callIDText = regexp.MustCompile(`^callhalf-[0-9]+:[0-9]+$`)
	tracking   = regexp.MustCompile(`^[0-9]+:1$`)
	addressURI = regexp.MustCompile(`^(tel:\+?[0-9*#]+|sip:[^@\s<>"]+@[^@\s<>"]+)$`)
	wholeText  = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)
	country    = regexp.MustCompile(`^[1-9][0-9]{0,2}$`)
)

// piece is an element as it is written, its prefix kept.
type piece struct {
	prefix, name, text string
	attrs              []xml.Attr
	kids               []*piece
}

// pieces reads a document strictly: one root, nothing behind it.
func pieces(doc string) (*piece, error) {
	d := xml.NewDecoder(strings.NewReader(doc))
	d.Strict = true
	var root *piece
	var open []*piece
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) && root != nil && len(open) == 0 {
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			p := &piece{prefix: tok.Name.Space, name: tok.Name.Local, attrs: slices.Clone(tok.Attr)}
			switch {
			case len(open) > 0:
				up := open[len(open)-1]
				up.kids = append(up.kids, p)
			case root != nil:
				return nil, errors.New("two roots")
			default:
				root = p
			}
			open = append(open, p)
		case xml.EndElement:
			p := open[len(open)-1]
			if p.prefix != tok.Name.Space || p.name != tok.Name.Local {
				return nil, fmt.Errorf("</%s> ends <%s>", tok.Name.Local, p.name)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(tok)
			} else if strings.TrimSpace(string(tok)) != "" {
				return nil, errors.New("text beside the root")
			}
		case xml.ProcInst:
		default:
			return nil, fmt.Errorf("%T has no place here", tok)
		}
	}
}

// kid is the first child of that name, an empty one if there is none.
func (p *piece) kid(name string) *piece {
	for _, k := range p.kids {
		if k.name == name {
			return k
		}
	}
	return &piece{}
}

func (p *piece) has(name string) bool { return p.kid(name).name != "" }

func (p *piece) attr(prefix, name string) string {
	for _, a := range p.attrs {
		if a.Name.Space == prefix && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (p *piece) number(name string) int64 {
	n, _ := strconv.ParseInt(p.kid(name).text, 10, 64)
	return n
}

// faultsOf collects what is wrong with a document.
type faultsOf []string

func (f *faultsOf) want(right bool, format string, args ...any) {
	if !right {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

// order checks the children: these names, in this order, "?" behind those that
// may be missing; nothing else, nothing twice, no text between.
func (f *faultsOf) order(p *piece, names string) {
	rest := strings.Fields(names)
	for _, k := range p.kids {
		i := slices.IndexFunc(rest, func(n string) bool { return strings.TrimSuffix(n, "?") == k.name })
		if i < 0 {
			f.want(false, "<%s> in <%s> does not belong there, or not behind what stands before it", k.name, p.name)
			return
		}
		for _, skipped := range rest[:i] {
			f.want(strings.HasSuffix(skipped, "?"), "<%s> lacks <%s>", p.name, skipped)
		}
		rest = rest[i+1:]
	}
	for _, missing := range rest {
		f.want(strings.HasSuffix(missing, "?"), "<%s> lacks <%s>", p.name, missing)
	}
	f.want(len(p.kids) == 0 || strings.TrimSpace(p.text) == "", "text between the children of <%s>", p.name)
}

// words checks a text against the words of the schema, a "|" between them.
func (f *faultsOf) words(p *piece, words string) {
	f.want(p.name == "" || slices.Contains(strings.Split(words, "|"), p.text), "<%s> is %q", p.name, p.text)
}

const (
	stateWords       = "Alerting|Active|Held|Remote Held|Detached|Released|Idle"
	personalityWords = "Originator|Terminator|Click-to-Dial"
	callTypeWords    = "Group|Enterprise|Network|Emergency|Repair|City-Wide Centrex|Private Dial Plan|Unknown|Error"
	causeWords       = "Busy|Forbidden|Routing Failure|Global Failure|Request Failure|Server Failure|Translation Failure|" +
		"Temporarily Unavailable|User Not Found|Request Timeout|Dial Tone Timeout|Insufficient Credits"
	reasonWords = "user-busy|no-answer|unavailable|unconditional|time-of-day|do-not-disturb|deflection|follow-me|out-of-service|away|" +
		"transfer|voicemail|hunt-group|call-center|route-point|agent-wrap-up|voicexml-script-termination|unknown"
)

// rule is what the dossier §2.4 says of an event with one call.
type rule struct{ states, personalities string }

var rules = map[string]rule{
	"CallOriginatingEvent": {"Alerting", "Click-to-Dial"},
	"CallOriginatedEvent":  {"Alerting", "Originator"},
	"CallReceivedEvent":    {"Alerting", "Terminator"},
	"CallForwardedEvent":   {"Alerting", "Originator|Click-to-Dial"},
	"CallAnsweredEvent":    {"Active", "Originator|Terminator"},
	"CallHeldEvent":        {"Held|Remote Held", "Originator|Terminator"},
	"CallRetrievedEvent":   {"Active", "Originator|Terminator"},
	"CallUpdatedEvent":     {"Alerting|Active|Held|Remote Held", personalityWords},
	"CallTransferredEvent": {"Alerting|Active|Held|Remote Held", "Originator|Terminator"},
	"CallPickedUpEvent":    {"Alerting", "Terminator"},
	"CallReleasingEvent":   {"Alerting|Active", "Originator|Click-to-Dial|Terminator"},
	"CallReleasedEvent":    {"Released", personalityWords},

	"CallParkRetrievedEvent":     {"Active|Held|Remote Held", "Originator|Terminator"}, // who waits may be transferred to the code
	"CallRecordingStartingEvent": {"Active|Held|Remote Held", "Originator|Terminator"},
	"CallRecordingStartedEvent":  {"Alerting|Active|Held|Remote Held", "Originator|Terminator"}, // it may ring elsewhere by then
	"CallRecordingPausedEvent":   {"Active|Held|Remote Held", "Originator|Terminator"},
	"CallRecordingResumedEvent":  {"Active|Held|Remote Held", "Originator|Terminator"},
	"CallRecordingStoppedEvent":  {"Active|Held|Remote Held", "Originator|Terminator"},
}

// recordings is what the recording is after an event about it.
var recordings = map[string]string{
	"CallRecordingStartingEvent": "Pending", "CallRecordingStartedEvent": "Started", "CallRecordingPausedEvent": "Paused",
	"CallRecordingResumedEvent": "Started", "CallRecordingStoppedEvent": "",
}

// conferences is the state a conference is in after an event about it.
var conferences = map[string]string{
	"ConferenceStartedEvent": "Active|Held", "ConferenceUpdatedEvent": "Active|Held", "ConferenceHeldEvent": "Held",
	"ConferenceRetrievedEvent": "Active", "ConferenceReleasedEvent": "Released",
	"ConferenceCallMutedEvent": "Active|Held", "ConferenceCallUnMutedEvent": "Active|Held",
	"ConferenceCallMadeDeafEvent": "Active|Held", "ConferenceCallMadeUnDeafEvent": "Active|Held",
}

// checkEvent reads an event and says what is wrong with it (dossier §3.4, §3.10).
func checkEvent(doc string) (ev *piece, bad faultsOf) {
	bad.want(strings.HasPrefix(doc, eventHead+`SubscriptionEvent"><xsi:eventID>`), "the beginning")
	bad.want(strings.HasSuffix(doc, "</xsi:eventData></xsi:Event>") || strings.HasSuffix(doc, "/></xsi:Event>"), "the end")
	for _, r := range doc {
		bad.want(r >= ' ' && r < 127, "a byte %q", r)
	}
	ev, err := pieces(doc)
	if err != nil {
		return &piece{}, append(bad, err.Error())
	}
	bad.prefixes(ev, "xsi")
	bad.order(ev, "eventID sequenceNumber userId externalApplicationId subscriptionId channelId? httpContact? targetId? eventData")
	bad.want(ev.has("channelId") != ev.has("httpContact"), "a channel or a contact")
	if contact := ev.kid("httpContact"); contact.name != "" {
		bad.order(contact, "uri")
		bad.want(contact.kid("uri").text != "", "a contact without its address")
	}
	for _, name := range []string{"eventID", "subscriptionId"} {
		bad.want(uuidText.MatchString(ev.kid(name).text), "%s %q", name, ev.kid(name).text)
	}
	seq := ev.number("sequenceNumber")
	bad.want(seq >= 1 && seq <= 2147483647, "sequence number %d", seq)
	for _, name := range []string{"userId", "targetId"} {
		k := ev.kid(name)
		bad.want(k.name == "" || strings.Contains(k.text, "@"), "%s %q", name, k.text)
	}
	data := ev.kid("eventData")
	kind, qualified := strings.CutPrefix(data.attr("xsi1", "type"), "xsi:")
	bad.want(qualified && len(data.attrs) == 1, "the type of eventData")
	switch r, about := rules[kind]; {
	case about:
		bad.order(data, "call")
		bad.call(data.kid("call"), "xsi:")
		bad.words(data.kid("call").kid("state"), r.states)
		bad.words(data.kid("call").kid("personality"), r.personalities)
		if state, recording := recordings[kind]; recording {
			bad.want(data.kid("call").kid("recordingState").text == state, "%s and recordingState %q", kind, data.kid("call").kid("recordingState").text)
		}
	case conferences[kind] != "":
		bad.order(data, "conference")
		bad.conference(data.kid("conference"), conferences[kind])
	case kind == "CallRedirectedEvent":
		bad.order(data, "calls")
		bad.want(len(data.kid("calls").kids) > 0, "no call was redirected")
		for _, c := range data.kid("calls").kids {
			bad.call(c, "xsi:")
			bad.words(c.kid("state"), "Detached")
		}
	case kind == "CallSubscriptionEvent" || kind == "CallSubscriptionResyncEvent":
		bad.order(data, "calls? conference? hookStatus")
		if c := data.kid("conference"); c.name != "" {
			bad.conference(c, "Active|Held")
		}
		bad.want(!data.has("calls") || len(data.kid("calls").kids) > 0, "calls are omitted when there are none")
		for _, c := range data.kid("calls").kids {
			bad.call(c, "xsi:")
			bad.words(c.kid("state"), "Alerting|Active|Held|Remote Held")
		}
		bad.words(data.kid("hookStatus"), "On-Hook|Off-Hook")
	case kind == "HookStatusEvent":
		bad.order(data, "hookStatus")
		bad.words(data.kid("hookStatus"), "On-Hook|Off-Hook")
	case kind == "SubscriptionTerminatedEvent":
		bad.order(data, "")
		bad.want(strings.Contains(doc, `<xsi:eventData xsi1:type="xsi:SubscriptionTerminatedEvent"/>`), "an empty element")
	default:
		bad.want(false, "there is no event %q", kind)
	}
	if kind == "CallReleasingEvent" {
		bad.want(data.kid("call").has("releaseCause"), "released for no cause")
	}
	return ev, bad
}

func (f *faultsOf) prefixes(p *piece, prefix string) {
	f.want(p.prefix == prefix, "<%s> has the prefix %q", p.name, p.prefix)
	for _, k := range p.kids {
		f.prefixes(k, prefix)
	}
}

// call checks a Call (dossier §2.1 to §2.4).
func (f *faultsOf) call(c *piece, prefix string) {
	before := len(*f)
	f.order(c, "callId extTrackingId networkCallId? personality state releaseCause? releasingParty? remoteParty? redirections? redirect? "+
		"endpoint? appearance? allowAnswer? allowRetrieve? recallType? startTime answerTime? heldTime? totalHeldTime? detachedTime? releaseTime? "+
		"groupCallParkLocationSelected? recorded? recordingState?")
	f.words(c.kid("recallType"), "Call Transfer Recall|Call Park Recall")
	f.words(c.kid("recordingState"), "Pending|Started|Paused|Failed")
	f.want(!c.has("recordingState") || c.has("recorded") && !c.has("releaseTime"), "a recording of a call that is not recorded, or is over")
	f.want(!c.has("recallType") || c.kid("personality").text == "Terminator", "a recall that was dialled")
	f.want(callIDText.MatchString(c.kid("callId").text), "call id %q", c.kid("callId").text)
	f.want(tracking.MatchString(c.kid("extTrackingId").text), "tracking id %q", c.kid("extTrackingId").text)
	f.words(c.kid("personality"), personalityWords)
	f.words(c.kid("state"), stateWords)
	f.words(c.kid("releasingParty"), "localRelease|remoteRelease")
	if cause := c.kid("releaseCause"); cause.name != "" {
		f.order(cause, "internalReleaseCause")
		f.words(cause.kid("internalReleaseCause"), causeWords)
	}
	f.remoteParty(c.kid("remoteParty"))
	f.want(!c.has("networkCallId") || c.kid("remoteParty").kid("callType").text == "Network", "a network leg of an internal call")
	f.redirects(c)
	if e := c.kid("endpoint"); e.name != "" {
		f.order(e, "addressOfRecord")
		f.want(e.attr("xsi1", "type") == prefix+"AccessEndpoint" && len(e.attrs) == 1, "the endpoint's type %q", e.attr("xsi1", "type"))
		f.want(!strings.HasPrefix(e.kid("addressOfRecord").text, "sip:") && strings.Contains(e.kid("addressOfRecord").text, "@"), "address of record")
	}
	f.want(c.has("endpoint") == c.has("appearance"), "the phone and its line go together")
	f.want(!c.has("appearance") || c.number("appearance") > 0, "appearance")
	f.times(c)

	state, who := c.kid("state").text, c.kid("personality").text
	f.want(!c.has("allowAnswer") || state == "Alerting" && who != "Originator" && !c.has("answerTime"), "allowAnswer of a call that is %s for a %s", state, who)
	f.want(state != "Alerting" || who != "Click-to-Dial" || c.has("allowAnswer"), "a phone that rings for its own call can be lifted")
	f.want(c.has("allowRetrieve") == (state == "Held"), "allowRetrieve of a call that is %s", state)
	f.want(!slices.Contains([]string{"Active", "Held", "Remote Held"}, state) || who != "Click-to-Dial", "a click-to-dial call is not %s", state)
	for i, bad := range (*f)[before:] {
		(*f)[before+i] = c.kid("callId").text + ": " + bad
	}
}

func (f *faultsOf) times(c *piece) {
	state := c.kid("state").text
	last := int64(0)
	for _, name := range []string{"startTime", "answerTime", "heldTime", "detachedTime", "releaseTime", "totalHeldTime"} {
		if k := c.kid(name); k.name != "" {
			f.want(wholeText.MatchString(k.text), "%s %q", name, k.text)
			if name != "totalHeldTime" {
				f.want(c.number(name) >= last, "%s is before what was earlier", name)
				last = c.number(name)
			}
		}
	}
	f.want(!slices.Contains([]string{"Active", "Held", "Remote Held"}, state) || c.has("answerTime"), "%s and never answered", state)
	f.want(c.has("heldTime") == (state == "Held") || state == "Detached" || state == "Released", "heldTime of a call that is %s", state)
	f.want(c.has("releaseTime") == (state == "Released"), "releaseTime of a call that is %s", state)
	f.want(c.has("releasingParty") == (state == "Released"), "releasingParty of a call that is %s", state)
	f.want(state != "Detached" || c.has("detachedTime") && c.has("redirect"), "detached to where?")
	f.want(c.has("detachedTime") == c.has("redirect"), "a redirect and its time go together")
}

func (f *faultsOf) remoteParty(p *piece) {
	if p.name == "" {
		return
	}
	f.order(p, "name? address? userId? userDN? callType")
	f.words(p.kid("callType"), callTypeWords)
	f.address(p.kid("address"))
	f.address(p.kid("userDN"))
	f.want(p.has("name") || p.has("address"), "a remote party without name and address")
	kind := p.kid("callType").text
	f.want(!p.has("userId") || kind == "Group" || kind == "Enterprise", "a user id in a call of type %s", kind)
}

// address checks a tel: or sip: URI; a country code is on E.164 alone.
func (f *faultsOf) address(a *piece) {
	if a.name == "" {
		return
	}
	f.want(addressURI.MatchString(a.text), "%s %q", a.name, a.text)
	code := a.attr("", "countryCode")
	digits, global := strings.CutPrefix(a.text, "tel:+")
	f.want((code != "") == global, "the country code of %q", a.text)
	f.want(code == "" || country.MatchString(code) && strings.HasPrefix(digits, code), "the country code %q of %q", code, a.text)
}

func (f *faultsOf) redirects(c *piece) {
	if r := c.kid("redirect"); r.name != "" {
		f.order(r, "address? reason redirectTime")
		f.address(r.kid("address"))
		f.words(r.kid("reason"), reasonWords)
		f.want(wholeText.MatchString(r.kid("redirectTime").text), "redirectTime")
	}
	if list := c.kid("redirections"); list.name != "" {
		f.want(c.kid("personality").text == "Terminator" && c.kid("state").text == "Alerting", "redirections of a call that is no unanswered incoming one")
		for _, r := range list.kids {
			f.order(r, "party reason")
			f.remoteParty(r.kid("party"))
			f.words(r.kid("reason"), reasonWords)
		}
	}
}

// conference checks a Conference: two participants at least while there is one.
func (f *faultsOf) conference(c *piece, states string) {
	f.order(c, "state conferenceParticipantList")
	f.words(c.kid("state"), states)
	list := c.kid("conferenceParticipantList").kids
	f.want(len(list) >= 2 || c.kid("state").text == "Released", "%d participants", len(list))
	seen := map[string]bool{}
	for _, p := range list {
		f.order(p, "callId muted? deaf?")
		id := p.kid("callId").text
		f.want(callIDText.MatchString(id) && !seen[id], "participant %q", id)
		seen[id] = true
	}
}

// checkRESTCall checks a Call that was asked for: no prefix, one newline behind
// the declaration (dossier §1.6, §3.1).
func checkRESTCall(doc string) (bad faultsOf) {
	bad.want(strings.HasPrefix(doc, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<Call xmlns="http://schema.broadsoft.com/xsi"`), "the beginning")
	c, err := pieces(doc)
	if err != nil {
		return append(bad, err.Error())
	}
	bad.prefixes(c, "")
	bad.want(!c.has("endpoint") || c.attr("xmlns", "xsi1") == "http://www.w3.org/2001/XMLSchema-instance", "the prefix is declared")
	bad.call(c, "")
	return bad
}
