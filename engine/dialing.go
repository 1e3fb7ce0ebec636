package engine

// Dialing is a network's rules for numbers.
// The zero Dialing takes E.164 numbers only and denies emergency numbers.
type Dialing struct {
	CountryCode string   // without +; national numbers are completed with it; empty takes none
	Allow       []string // prefixes in E.164 without +, or short codes; what is listed here is allowed before Deny is read
	Deny        []string
}
