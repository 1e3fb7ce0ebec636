package busy

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"offhook/engine"
)

const (
	// Network is the network that all phones are of.
	Network = "bench"

	prefix = "bench-" // begins each subscriber's id
	digits = 7        // of the number that follows
	domain = "@example-telco.com"
)

// ID is the id of a subscriber by his number.
func ID(n int) string { return fmt.Sprintf("%s%0*d%s", prefix, digits, n, domain) }

// Number is the number of a subscriber's id.
func Number(id string) (int, error) {
	text, ok := strings.CutPrefix(id, prefix)
	if !ok || len(text) < digits {
		return 0, fmt.Errorf("%s is no phone of ours", id)
	}
	return strconv.Atoi(text[:digits])
}

// Profile is a subscriber as he is provisioned. Names are made of chance, since
// those of real people do not compress either.
func Profile(n int) engine.Profile {
	return engine.Profile{
		ID: ID(n), Number: fmt.Sprintf("+1512%07d", n), Extension: strconv.Itoa(n % 10000), Name: name(n, 0),
		AccountID: "someCustomerIdOrSiteOrName", Network: Network, ProviderUser: "u" + strconv.Itoa(n),
	}
}

// name is 24 characters that do not compress.
func name(n, call int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -"
	random := rand.NewPCG(uint64(n), uint64(call)) // #nosec G115 -- a seed
	var b [24]byte
	for i := 0; i < len(b); i += 8 {
		for k, v := i, random.Uint64(); k < i+8; k, v = k+1, v>>8 {
			b[k] = letters[v&63]
		}
	}
	return string(b[:])
}

// life is what happens to a call, one event each.
var life = [...]struct {
	kind   engine.EventKind
	status engine.Status
}{
	{engine.EventReceived, engine.StatusAlerting},
	{engine.EventAnswered, engine.StatusActive},
	{engine.EventHeld, engine.StatusHeld},
	{engine.EventRetrieved, engine.StatusActive},
	{engine.EventReleased, engine.StatusReleased},
}

// Steps is how many transitions a call makes.
const Steps = len(life)

// StepName is what the nth transition of a call is.
func StepName(n int) string { return life[n%Steps].kind.String() }

// Phone is a subscriber with one call after the other.
type Phone struct {
	N     int
	Steps int // transitions so far; each makes one event for each linked app

	user, providerID, trackingID, remoteName string
	id                                       []byte
}

// NewPhone makes the nth phone, which nothing happened to.
func NewPhone(n int) *Phone {
	return &Phone{N: n, user: "u" + strconv.Itoa(n)}
}

// told is an event with its one fact, in one piece of memory, as a decoder
// makes it.
type told struct {
	event engine.Event
	fact  [1]engine.Fact
}

// Next is what happens next, as the provider tells it.
func (p *Phone) Next() *engine.Event {
	at := life[p.Steps%Steps]
	if p.Steps%Steps == 0 || p.providerID == "" {
		call := p.Steps / Steps
		p.providerID = fmt.Sprintf("callhalf-%d-%d:0", p.N, call)
		p.trackingID = fmt.Sprintf("%d-%d:1", p.N, call)
		p.remoteName = name(p.N, call+1)
	}
	p.Steps++
	p.id = append(strconv.AppendInt(p.id[:0], int64(p.N), 10), '-')
	p.id = strconv.AppendInt(p.id, int64(p.Steps), 10)
	t := &told{}
	t.fact[0] = engine.Fact{
		ProviderID: p.providerID, TrackingID: p.trackingID, Status: at.status, Personality: engine.Terminator,
		RemoteNumber: "+15129104114", RemoteName: p.remoteName,
	}
	t.event = engine.Event{ID: string(p.id), Kind: at.kind, Facts: t.fact[:]}
	return &t.event
}
