package engine

// VerbSet is a set of verbs.
type VerbSet uint64

// Verbs is the set of those given.
func Verbs(all ...Verb) VerbSet {
	var s VerbSet
	for _, v := range all {
		s |= 1 << v
	}
	return s
}

// Has reports whether the verb is in the set.
func (s VerbSet) Has(v Verb) bool { return s&(1<<v) != 0 }

// Platform is what a network can do at all, as its provider says. It is never
// changed: who learns more has another one.
type Platform struct {
	Verbs VerbSet // what may be asked

	// The network has been seen saying when a call can be answered, or
	// retrieved, from here; until then its silence means nothing.
	TellsAnswer, TellsRetrieve bool
}
