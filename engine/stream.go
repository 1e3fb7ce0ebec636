package engine

// StreamID names one ordered line of notifications: what one app is told about
// one subscriber, on one of its webhooks.
type StreamID struct {
	App        string
	Subscriber string // folded, so that ids can be compared; StreamOf does it
	Kind       StreamKind
}

// StreamOf is the stream of an app and a subscriber.
func StreamOf(app, subscriber string, kind StreamKind) StreamID {
	return StreamID{App: app, Subscriber: Fold(subscriber), Kind: kind}
}

// Stream is the stream the notification belongs to.
func (n *Notification) Stream() StreamID { return StreamOf(n.App, n.Subscriber, n.Kind) }

// StoredEvent is a notification as it was stored. Index is its place in the order of
// all events of the installation: it only grows, and has gaps for one app.
type StoredEvent struct {
	Index uint64
	Notification
}

// Waiting is the first event of a stream that no receiver has accepted yet.
type Waiting struct {
	Stream   StreamID
	Sequence uint64
	Index    uint64
}

// Attempt is one try to deliver one event.
type Attempt struct {
	Stream   StreamID
	Sequence uint64
	Index    uint64 // the event's; zero makes the store look it up

	Number     uint32 // of the try, from 1
	At         int64  // when it began, ms since the epoch
	Took       int64  // ms
	Status     int    // HTTP status; zero when no answer came
	Error      string // why none came, or why it did not count; free of secrets and personal data
	Response   string // the beginning of the answer's body, redacted; empty unless the operator asked for it
	NextAt     int64  // when the next try is due; zero for none
	Redelivery bool   // asked for by a person
}
