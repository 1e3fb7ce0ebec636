package oci

import (
	"fmt"
	"time"
)

// People is the platform whose users are provisioned. Its methods may be called
// at any time, and never with a lock of this package held.
type People interface {
	// Providers lists the service providers and enterprises.
	Providers() []Provider
	// Groups lists the groups of one; false where there is none of that id.
	Groups(provider string) ([]string, bool)
	// Users lists who is in a group, or with group empty in all of a provider's;
	// false where it is not there.
	Users(provider, group string) ([]Person, bool)
	// User finds one by id.
	User(id string) (Person, bool)
	// Change makes a change and, accepted, hands w to Server.Report in the same
	// step.
	Change(c Change, w Write) *Error
	// Struck reports whether a fault strikes now, and how long that takes.
	Struck(f Fault) (time.Duration, bool)
}

// Provider is a service provider or an enterprise.
type Provider struct {
	ID         string
	Enterprise bool
}

// Person is a user as the platform has it.
type Person struct {
	UserID     string
	FirstName  string
	LastName   string
	Number     string // E.164; empty for none
	Extension  string // empty for none
	Department string // empty for none
	Provider   string
	Group      string
}

// Op is what a change does.
type Op uint8

// The changes there are.
const (
	AddUser        Op = iota + 1 // Provider, Group, UserID, and what is in Set
	ModifyUser                   // UserID: what is in Set
	RenameUser                   // UserID: to NewID
	MoveUser                     // UserID: to the group NewID of the same enterprise
	DeleteUser                   // UserID
	AddGroup                     // Provider, Group
	DeleteGroup                  // Provider, Group, and everybody in it
	AddProvider                  // Provider
	DeleteProvider               // Provider, and everybody in it
)

// Change is one change of the people. What is nil in it stays as it is, what is
// empty is cleared.
type Change struct {
	Op              Op
	Provider, Group string
	UserID, NewID   string
	Set             Values
}

// Values are what may be said of a user.
type Values struct{ FirstName, LastName, Number, Extension, Department *string }

// Reason is why a request is refused.
type Reason uint8

// The reasons.
const (
	Invalid  Reason = iota // the request is not understood, or not possible
	NotFound               // what it is about is not there
	Exists                 // what it would make is there already
	Denied                 // who asks may not
	TooMany                // what it would make, or answer, is more than is allowed
)

// Error is a refusal, as an ErrorResponse tells it. Code 4008 is known from the
// wire, and 4962 from a client's tests; what the others are there is a guess.
type Error struct {
	Code   int
	Reason Reason
	Text   string
	Field  string // of the change, where one is wrong
}

func (e *Error) Error() string { return fmt.Sprintf("[Error %d] %s", e.Code, e.Text) }

func invalid(field, format string, args ...any) *Error {
	return &Error{Code: 4000, Reason: Invalid, Field: field, Text: fmt.Sprintf(format, args...)}
}

// Refuse makes the refusal of a change whose field is wrong.
func Refuse(field, text string) *Error { return invalid(field, "%s", text) }

// NoUser is that a user is not there.
func NoUser(id string) *Error {
	return &Error{Code: 4008, Reason: NotFound, Text: "User not found: " + id}
}

// NoGroup is that a group is not there.
func NoGroup(id string) *Error {
	return &Error{Code: 4007, Reason: NotFound, Text: "Group not found: " + id}
}

// NoProvider is that a service provider or enterprise is not there.
func NoProvider(id string) *Error {
	return &Error{Code: 4006, Reason: NotFound, Text: "Service provider not found: " + id}
}

// Taken is that an id, a number or an extension is somebody's.
func Taken(field, what string) *Error {
	return &Error{Code: 4200, Reason: Exists, Field: field, Text: what + " is in use"}
}

// Full is that no more can be made.
func Full(what string) *Error {
	return &Error{Code: 4400, Reason: TooMany, Text: "no more " + what + " can be added"}
}

// Fault is something going wrong with one of the servers.
type Fault string

// The faults.
const (
	Down          Fault = "oci_down"       // nobody answers at either address
	DropAnswer    Fault = "oci_drop"       // the connection breaks in the middle of an answer
	SlowAnswer    Fault = "oci_slow"       // an answer takes a while
	ListError     Fault = "oci_list_error" // a list fails, but never the first of a connection
	DropFeed      Fault = "feed_drop"      // the feed's connections break
	SilentFeed    Fault = "feed_silent"    // the feed's connections stay, and say nothing more
	LoseReport    Fault = "feed_lose"      // a change is not told
	DoubleReport  Fault = "feed_duplicate" // or told twice
	DelayReport   Fault = "feed_delay"     // or told late, and what is behind it too
	SplitReport   Fault = "feed_split"     // its bytes arrive in many pieces
	GarbageReport Fault = "feed_garbage"   // a document of no sense comes before it
)
