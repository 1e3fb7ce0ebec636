package eventlog

import "offhook/engine"

// Query asks for one page of an app's log.
type Query struct {
	App        string
	Subscriber string // id; empty for all
	Resume     bool   // go on behind After; else from the oldest event that is kept
	After      Place
	Limit      int // events of the page
}

// Gap says why a reader may have missed events. They are words of the API.
type Gap string

// The gaps.
const (
	GapNone      Gap = ""
	GapRetention Gap = "retention" // there were events, and they are no longer kept
	GapUnknown   Gap = "unknown"   // they are of a log that was put back to an earlier time since
)

// Page is what there is.
type Page struct {
	Body []byte // a JSON array
	Last uint64 // the index up to which the log was read
	More bool   // there is something behind it, though perhaps not of the subscriber
	Gap  Gap    // between After and the first event
}

// How much of the log one request looks at when it is for one subscriber: then
// most of it may be skipped.
const (
	pageStep = 500
	pageScan = 10 * pageStep
)

// maxPage is when a page is full, however few events it has: the one that
// fills it is in it.
const maxPage = 2 << 20 // bytes

// Page reads a page. It does a bounded amount of work: a page may have fewer
// events than were asked for, and more to come.
func (h *Hub) Page(q Query) (Page, error) {
	p := Page{Body: []byte{'['}, Last: q.After.Behind}
	if q.Resume && q.After.Lost {
		p.Gap = GapUnknown
	}
	wanted := engine.Fold(q.Subscriber)
	step := pageStep
	if wanted == "" {
		step = q.Limit + 1 // one more, to know whether there are more
	}
	items, scanned := 0, 0
	for !p.More {
		n, before := 0, p
		oldest, err := h.config.Log.Events(q.App, p.Last, step, func(ev engine.StoredEvent) error {
			if p.More || items == q.Limit || len(p.Body) >= maxPage {
				p.More = true
				return nil
			}
			n++
			p.Last = ev.Index
			if wanted != "" && engine.Fold(ev.Subscriber) != wanted {
				return nil
			}
			if items++; items > 1 {
				p.Body = append(p.Body, ',')
			}
			p.Body = append(p.Body, ev.Body...)
			return nil
		})
		if err != nil {
			return Page{}, err
		}
		switch {
		case before.Last+1 >= oldest:
		case scanned > 0: // swept while we read: the next page begins with the gap
			before.More, before.Body = true, append(before.Body, ']')
			return before, nil
		case q.Resume && p.Gap == GapNone:
			p.Gap = GapRetention
		}
		scanned += n
		if n < step {
			break
		}
		p.More = scanned >= pageScan
	}
	p.Body = append(p.Body, ']')
	return p, nil
}
