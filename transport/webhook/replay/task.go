package replay

import (
	"errors"

	"offhook/engine"
)

// Range, Task and State are engine's: the store keeps them.
type (
	Range = engine.ReplayRange
	Task  = engine.ReplayTask
	State = engine.ReplayState
)

// The states of a task.
const (
	Running  = engine.ReplayRunning
	Done     = engine.ReplayDone
	Canceled = engine.ReplayCanceled
)

var (
	// ErrBusy: the app, or all apps together, have as many running tasks as
	// they may.
	ErrBusy = errors.New("replay: too many tasks")
	// ErrRange: there can be no event in the range.
	ErrRange = errors.New("replay: not a range")
	// ErrNoWebhook: the app has no webhook of the kind.
	ErrNoWebhook = errors.New("replay: there is no such webhook")
	// ErrStopped: no task begins before Run and after Stop.
	ErrStopped = errors.New("replay: not running")
)

// check says whether a range makes sense, and folds its subscriber.
func check(r *Range) error {
	r.Subscriber = engine.Fold(r.Subscriber)
	switch {
	case r.App == "",
		r.Kind != engine.StreamCalls && r.Kind != engine.StreamSubscriber,
		r.Subscriber == "" && (r.From != 0 || r.To != 0),
		r.To != 0 && r.From > r.To,
		r.Since < 0 || r.Until < 0,
		r.Until != 0 && r.Since >= r.Until:
		return ErrRange
	}
	return nil
}

// matches reports whether an event belongs to a range.
func matches(r *Range, ev *engine.StoredEvent) bool {
	return ev.Queue && ev.Kind == r.Kind &&
		ev.Sequence >= r.From && (r.To == 0 || ev.Sequence <= r.To) &&
		ev.Time >= r.Since && (r.Until == 0 || ev.Time < r.Until) &&
		(r.Subscriber == "" || engine.Fold(ev.Subscriber) == r.Subscriber)
}
