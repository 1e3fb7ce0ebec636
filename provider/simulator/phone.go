package simulator

import (
	"fmt"
	"strings"
	"time"
)

// Phone is a subscriber as the outside may know it.
type Phone struct {
	SubscriberID        string `json:"subscriber_id"` // Xsi user id, user@domain
	SubscriberNumber    string `json:"subscriber_number"`
	SubscriberName      string `json:"subscriber_name"`
	SubscriberAccountID string `json:"subscriber_account_id"`
	Extension           string `json:"extension"`
	FirstName           string `json:"first_name"`
	LastName            string `json:"last_name"`
	Enterprise          string `json:"enterprise"`
	Group               string `json:"group"`
}

// phone is a subscriber with its one desk phone. Guarded by Simulator.mu.
type phone struct {
	Phone
	index   int
	key     string // SubscriberID case-folded
	digits  string // of the number, without "+"
	group   *group
	behave  behaviour
	calls   []*half         // live ones, oldest first
	conf    *conference     // it has going; nil for none
	subs    []*subscription // those whose target is this user
	offHook bool
	dials   int64 // calls/new accepted
	gone    bool  // deleted; a request may still hold it

	department string
}

// behaviour is what a phone and the far ends of its calls do by themselves.
type behaviour struct {
	answer      answerMode
	answerAfter time.Duration
	farEnd      farEndMode
	farEndAfter time.Duration
	noAnswer    time.Duration // when a far end that does not answer is given up
	decline     declineMode   // what the caller of a declined call gets
	recording   recordMode
}

type answerMode uint8

const (
	answerClickToDial answerMode = iota // the default: lifts itself for click-to-dial only
	answerAuto                          // set by PUT: answers incoming calls too
	answerManual                        // waits for a person
)

type declineMode uint8

const (
	declineRejects declineMode = iota
	declineVoicemail
)

var declineWords = []string{"reject", "voicemail"}

type farEndMode uint8

const (
	farEndAnswers farEndMode = iota
	farEndBusy
	farEndNoAnswer
	farEndWaits // for somebody to act
)

const (
	enterpriseName = "demo-enterprise"
	domain         = "demo.example"
	phonesPerGroup = 100
	quietPhones    = 3 // the first few never get traffic, so that a person can use them
)

// people are the first subscribers. Their names go beyond ASCII and beyond
// ISO-8859-1 on purpose.
var people = []struct{ user, first, last string }{
	{"alice", "Alice", "Archer"}, {"bob", "Bob", "Baker"}, {"carol", "Carol", "Chandler"},
	{"dave", "Dave", "Draper"}, {"erin", "Erin", "Falconer"}, {"frank", "Frank", "Fletcher"},
	{"grace", "Grace", "Glover"}, {"heidi", "Heidi", "Grünwald"}, {"ivan", "Ivan", "Hooper"},
	{"judy", "Judy", "Joiner"}, {"karl", "Karl", "Keeler"}, {"laura", "Laura", "Lorimer"},
	{"miguel", "Miguel", "Muñoz"}, {"nina", "Nina", "Napier"}, {"olivia", "Olivia", "Orchard"},
	{"peggy", "Peggy", "Potter"}, {"rupert", "Rupert", "Reeve"}, {"sylvie", "Sylvie", "Saint-Rémy"},
	{"trent", "Trent", "Tanner"}, {"lukasz", "Łukasz", "Walker"},
}

// makePhone is subscriber i of every simulator: nothing here is random.
func makePhone(i int) *phone {
	p := &phone{index: i}
	p.FirstName, p.LastName = "User", fmt.Sprintf("%04d", i+1)
	user := fmt.Sprintf("user%04d", i+1)
	if i < len(people) {
		user, p.FirstName, p.LastName = people[i].user, people[i].first, people[i].last
	}
	p.SubscriberID = user + "@" + domain
	p.SubscriberName = p.FirstName + " " + p.LastName
	p.SubscriberNumber = fmt.Sprintf("+1%d55501%02d", areaCode(i/100), i%100)
	p.Extension = fmt.Sprintf("%d", 1001+i)
	p.Enterprise = enterpriseName
	p.Group = fmt.Sprintf("site-%d", i/phonesPerGroup+1)
	p.SubscriberAccountID = p.Enterprise + "/" + p.Group
	p.department = p.Group
	p.key = strings.ToLower(p.SubscriberID)
	p.digits = p.SubscriberNumber[1:]
	return p
}

// areaCodes are those a North American number can have: [2-9]XX without the
// service codes N11. With 555-01XX they make numbers nobody has.
var areaCodes = func() (codes []int) {
	for npa := 201; npa <= 999; npa++ {
		if npa%100 != 11 {
			codes = append(codes, npa)
		}
	}
	return codes
}()

func areaCode(i int) int { return areaCodes[i] }

func (s *Simulator) makePhones() {
	s.byUser = make(map[string]*phone, s.cfg.Subscribers)
	s.byDigits = make(map[string]*phone, 2*s.cfg.Subscribers)
	e := &enterprise{id: enterpriseName}
	s.enterprises = []*enterprise{e}
	for i := range s.cfg.Subscribers {
		p := makePhone(i)
		if i%phonesPerGroup == 0 {
			e.groups = append(e.groups, &group{name: p.Group, of: e})
		}
		s.install(p, e.groups[len(e.groups)-1])
	}
}

// install connects a phone to the switch.
func (s *Simulator) install(p *phone, g *group) {
	p.behave = behaviour{
		answerAfter: s.cfg.AnswerAfter,
		farEndAfter: s.cfg.FarEndAfter,
		noAnswer:    s.cfg.NoAnswerAfter,
	}
	p.group = g
	g.phones = append(g.phones, p)
	s.phones = append(s.phones, p)
	s.byUser[p.key] = p
	s.reachBy(p)
}

// Phones lists the subscribers, the same for the same Config until somebody
// changes them.
func (s *Simulator) Phones() []Phone {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Phone, len(s.phones))
	for i, p := range s.phones {
		all[i] = p.Phone
	}
	return all
}

// phoneOf finds a subscriber by user id; mu is held.
func (s *Simulator) phoneOf(user string) *phone { return s.byUser[strings.ToLower(user)] }

// setHook moves the hook and says so, if it moved (HookStatusEvent, dossier §2.4).
func (s *Simulator) setHook(p *phone) {
	off := false
	for _, h := range p.calls {
		off = off || h.lifted // a detached call still is on the phone
	}
	if off != p.offHook {
		p.offHook = off
		s.emit(p, evHookStatus, func() *node { return hookNode(p) })
	}
}

func hookNode(p *phone) *node {
	if p.offHook {
		return textEl("hookStatus", "Off-Hook")
	}
	return textEl("hookStatus", "On-Hook")
}

// appearance is the line key the next call lights: the lowest free one.
func (p *phone) appearance() int {
	for n := 1; ; n++ {
		free := true
		for _, h := range p.calls {
			free = free && h.appearance != n
		}
		if free {
			return n
		}
	}
}
