package hookapi

import (
	"slices"

	"offhook/engine"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

const maxFiltered = 1000 // subscribers of a filter

var (
	states     = []engine.State{engine.StateRinging, engine.StateActive, engine.StateHeld, engine.StateReleased}
	directions = []engine.Direction{engine.Incoming, engine.Outgoing}
)

// filterView is a filter as it is shown; null for what lets everything through.
type filterView struct {
	Subscribers []string `json:"subscribers"`
	States      []string `json:"states"`
	Directions  []string `json:"directions"`
}

func viewFilter(f *engine.Filter) *filterView {
	if f.Empty() {
		return nil
	}
	v := &filterView{Subscribers: f.Subscribers}
	for _, s := range states {
		if f.States&(1<<s) != 0 {
			v.States = append(v.States, s.String())
		}
	}
	for _, d := range directions {
		if f.Directions&(1<<d) != 0 {
			v.Directions = append(v.Directions, d.String())
		}
	}
	return v
}

// readFilter reads a filter; nobody is left out by what it does not name.
func readFilter(doc web.Object) (f engine.Filter, err error) {
	if f.States, err = readBits(doc, "states", states); err != nil {
		return f, err
	}
	if f.Directions, err = readBits(doc, "directions", directions); err != nil {
		return f, err
	}
	if f.Subscribers, err = readNames(doc, "subscribers", maxFiltered); err != nil {
		return f, err
	}
	for i, id := range f.Subscribers {
		if f.Subscribers[i] = engine.Fold(id); id == "" {
			return f, problem.Invalid("filter.subscribers", "must be ids of subscribers")
		}
	}
	slices.Sort(f.Subscribers)
	f.Subscribers = slices.Compact(f.Subscribers)
	return f, nil
}

func readBits[T interface {
	~uint8
	String() string
}](doc web.Object, name string, all []T) (bits uint8, err error) {
	names, err := readNames(doc, name, 100)
	if err != nil {
		return 0, err
	}
	for _, n := range names {
		i := slices.IndexFunc(all, func(t T) bool { return t.String() == n })
		if i < 0 {
			words := ""
			for j, t := range all {
				if j > 0 {
					words += ", "
				}
				words += t.String()
			}
			return 0, problem.Invalid("filter."+name, "must be of "+words)
		}
		bits |= 1 << all[i]
	}
	return bits, nil
}

// readNames refuses an empty array: does it mean none, or all?
func readNames(doc web.Object, name string, most int) ([]string, error) {
	names, err := doc.Texts(name)
	switch {
	case err != nil:
		return nil, err
	case names != nil && len(names) == 0:
		return nil, problem.Invalid("filter."+name, "must name at least one; leave it out for all")
	case len(names) > most:
		return nil, problem.Invalid("filter."+name, "names too many")
	}
	return names, nil
}
