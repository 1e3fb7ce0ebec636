package store

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"

	"offhook/engine"
)

// The keyspace. <g> is the group (one byte, 0 on one node), <slot> the
// subscriber's slot (two bytes), numbers are eight bytes big-endian, so that
// keys sort as the numbers do. <subscriber> and <user> are folded ids.
//
//	sub/<g><slot><subscriber>                        the subscriber, and behind it how he went on (codec_progress.go)
//	ev/<g><app><index>                               an event as it is sent
//	at/<g><slot><app><subscriber><kind><sequence>    → index of the event
//	wait/<g><slot><app><subscriber><kind><sequence>  → index; gone once delivered
//	att/<g><app><index><time><number>                one delivery attempt
//	call/<g><slot><call>                             whose call it is; the call as it ended
//	conf/<g><slot><conference>                       whose conference it is; how it began, or ended
//	next/<g><slot><call>                             → the call that one went on as when it was over
//	past/<g><app><time><call>                        a call of an app that is over, by when it ended; what filters look at
//	log/<g><day><slot><call><slice>                  what happened to a call then, for its timeline (codec_trace.go)
//	idem/<g><slot><app><subscriber><key>             an originate intent by its idempotency key
//	live/<g><slot><subscriber>                       there is something a restart must look at
//	once/<app><key>                                  an HTTP request by its idempotency key, and its answer
//	mark/<g><slot><subscriber>                       facts were lost; compare with the provider
//	age/<g><what><time>…                             what to forget, by when it became old (retention.go)
//	trim/<g><app>                                    → highest index taken out of the app's log
//	id/<subscriber>                                  provisioned subscribers in the order of their ids
//	link/<app><subscriber>                           an app may follow a subscriber
//	reach/<app><network><subscriber>                 the same, by the subscriber's network (reach.go)
//	user/<network><user>                             → subscriber id
//	xsi/<network><target>                            what a provider remembers across restarts
//	task/<app><id>                                   a range of events being sent again, or that was
//	app/<app>  net/<network>                         tenants
//	meta/format  meta/installation  meta/index       the store itself
//	meta/cursor                                      the key under which places in the log are told (cursorkey.go)
//	meta/eras                                        which part of the log is from between which starts (eras.go)
//	meta/reach                                       reach/ has what link/ has
//
// A string in a key may hold any byte. It is written with 00 as 00 FF and ends
// with 00 01: so no string is a prefix of another, and keys sort as strings do.
const (
	prefixSub  = "sub/"
	prefixEv   = "ev/"
	prefixAt   = "at/"
	prefixWait = "wait/"
	prefixAtt  = "att/"
	prefixCall = "call/"
	prefixConf = "conf/"
	prefixNext = "next/"
	prefixPast = "past/"
	prefixLog  = "log/"
	prefixOnce = "once/"
	prefixIdem = "idem/"
	prefixLive = "live/"
	prefixMark = "mark/"
	prefixAge  = "age/"
	prefixTrim = "trim/"
	prefixID   = "id/"
	prefixLink = "link/"
	prefixUser = "user/"
	prefixXsi  = "xsi/"
	prefixTask = "task/"
	prefixApp  = "app/"
	prefixNet  = "net/"

	keyFormat       = "meta/format"
	keyInstallation = "meta/installation"
	keyIndex        = "meta/index"
	keyCursor       = "meta/cursor"
	keyEras         = "meta/eras"
)

const theGroup = 0 // <g>: one node has one group

const (
	escape     = 0x00
	escaped    = 0xff
	terminator = 0x01
)

var errKey = errors.New("malformed key")

// appendText appends a string that may be followed by anything.
func appendText(k []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, escape)
		if i < 0 {
			k = append(k, s...)
			return append(k, escape, terminator)
		}
		k = append(k, s[:i]...)
		k = append(k, escape, escaped)
		s = s[i+1:]
	}
}

// text reads a string back and returns what follows it.
func text(k []byte) (string, []byte, error) {
	var b []byte // only for strings with a 00 in them
	start := 0
	for i := 0; i+1 < len(k); i++ {
		if k[i] != escape {
			continue
		}
		switch k[i+1] {
		case terminator:
			if b == nil {
				return string(k[start:i]), k[i+2:], nil
			}
			return string(append(b, k[start:i]...)), k[i+2:], nil
		case escaped:
			b = append(append(b, k[start:i]...), escape)
			start = i + 2
			i++
		default:
			return "", nil, errKey
		}
	}
	return "", nil, errKey
}

func appendGroup(k []byte, prefix string) []byte {
	return append(append(k, prefix...), theGroup)
}

func appendSlotted(k []byte, prefix string, slot uint16) []byte {
	return binary.BigEndian.AppendUint16(appendGroup(k, prefix), slot)
}

// ofSubscriber is the key of a row there is one of per subscriber.
func ofSubscriber(k []byte, prefix string, slot uint16, folded string) []byte {
	return appendText(appendSlotted(k, prefix, slot), folded)
}

// ofStream is what the keys of all events of a stream begin with.
func ofStream(k []byte, prefix string, slot uint16, app, folded string, kind engine.StreamKind) []byte {
	k = appendText(appendSlotted(k, prefix, slot), app)
	return append(appendText(k, folded), byte(kind))
}

// streamKey is ofStream for those who hold a StreamID. The id is folded again:
// a lane that is addressed by an unfolded id would be found empty.
func streamKey(k []byte, prefix string, id engine.StreamID) []byte {
	return ofStream(k, prefix, engine.SlotOf(id.Subscriber), id.App, engine.Fold(id.Subscriber), id.Kind)
}

func eventKey(k []byte, app string, index uint64) []byte {
	return binary.BigEndian.AppendUint64(appendText(appendGroup(k, prefixEv), app), index)
}

func attemptKey(k []byte, app string, index uint64) []byte {
	return binary.BigEndian.AppendUint64(appendText(appendGroup(k, prefixAtt), app), index)
}

func callKey(k []byte, id engine.CallID) []byte {
	return binary.BigEndian.AppendUint64(appendSlotted(k, prefixCall, id.Slot()), uint64(id))
}

func nextKey(k []byte, id engine.CallID) []byte {
	return binary.BigEndian.AppendUint64(appendSlotted(k, prefixNext, id.Slot()), uint64(id))
}

// pastKey ends with the call, so that those that ended together are told apart.
func pastKey(k []byte, app string, at int64, id engine.CallID) []byte {
	k = appendText(appendGroup(k, prefixPast), app)
	k = binary.BigEndian.AppendUint64(k, uint64(max(at, 0)))
	return binary.BigEndian.AppendUint64(k, uint64(id))
}

const (
	dayMs   = 24 * 60 * 60 * 1000
	sliceMs = 1 << 11 // of log/: what goes into one row

	logKeyLen = len(prefixLog) + 1 + 4 + 2 + 8 + 2
)

// logDay is what the keys of all that happened on a day, by UTC, begin with.
// A day is forgotten as one range, whatever it holds.
func logDay(k []byte, day int64) []byte {
	return binary.BigEndian.AppendUint32(appendGroup(k, prefixLog), uint32(min(max(day, 0), math.MaxUint32)))
}

// ofCall is what the keys of all that happened to a call on a day begin with.
func ofCall(k []byte, day int64, id engine.CallID) []byte {
	k = binary.BigEndian.AppendUint16(logDay(k, day), id.Slot())
	return binary.BigEndian.AppendUint64(k, uint64(id))
}

// logKey is where what happens to a call goes. Within two seconds all goes to
// one row, one piece behind the other: in the order in which it was stored. A row
// of longer would cost too much to put together when somebody asks for very much.
func logKey(k []byte, at int64, id engine.CallID) []byte {
	return binary.BigEndian.AppendUint16(ofCall(k, at/dayMs, id), uint16(at%dayMs/sliceMs)) // #nosec G115 -- there are 42,188 in a day
}

// parseLogKey returns the day, the call, and when the slice began.
func parseLogKey(k []byte) (day int64, id engine.CallID, from int64, err error) {
	if len(k) != logKeyLen {
		return 0, 0, 0, errKey
	}
	k = k[len(prefixLog)+1:]
	day = int64(binary.BigEndian.Uint32(k))
	id = engine.CallID(binary.BigEndian.Uint64(k[4+2:]))
	return day, id, day*dayMs + int64(binary.BigEndian.Uint16(k[4+2+8:]))*sliceMs, nil
}

// intentKey is also how an intent is named in age/.
func intentKey(k []byte, prefix string, slot uint16, app, folded, key string) []byte {
	k = appendText(appendSlotted(k, prefix, slot), app)
	return appendText(appendText(k, folded), key)
}

func pairKey(k []byte, prefix, a, b string) []byte {
	return appendText(appendText(append(k, prefix...), a), b)
}

func plainKey(k []byte, prefix, s string) []byte {
	return appendText(append(k, prefix...), s)
}

// after is the first key behind all those that begin with k.
func after(k []byte) []byte {
	end := append([]byte(nil), k...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// parseStreamKey reads a key of at/ or wait/.
func parseStreamKey(k []byte, prefix string) (id engine.StreamID, sequence uint64, err error) {
	skip := len(prefix) + 1 + 2
	if len(k) < skip {
		return id, 0, errKey
	}
	rest := k[skip:]
	if id.App, rest, err = text(rest); err != nil {
		return id, 0, err
	}
	if id.Subscriber, rest, err = text(rest); err != nil {
		return id, 0, err
	}
	if len(rest) != 1+8 {
		return id, 0, errKey
	}
	id.Kind = engine.StreamKind(rest[0])
	return id, binary.BigEndian.Uint64(rest[1:]), nil
}

// parseEventKey reads a key of ev/.
func parseEventKey(k []byte) (app string, index uint64, err error) {
	if len(k) < len(prefixEv)+1 {
		return "", 0, errKey
	}
	app, rest, err := text(k[len(prefixEv)+1:])
	if err != nil || len(rest) != 8 {
		return "", 0, errKey
	}
	return app, binary.BigEndian.Uint64(rest), nil
}

// parseSubscriberKey reads a key of sub/, live/ or mark/.
func parseSubscriberKey(k []byte, prefix string) (folded string, err error) {
	if len(k) < len(prefix)+3 {
		return "", errKey
	}
	folded, rest, err := text(k[len(prefix)+3:])
	if err != nil || len(rest) != 0 {
		return "", errKey
	}
	return folded, nil
}

func appendSequence(k []byte, sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(k, sequence)
}

// What age/ names: <what> is one of these, and after the time comes the rest of
// the key of the row that became old then.
const (
	oldCall       = 'c'
	oldConference = 'f'
	oldIntent     = 'i'
	oldNext       = 'n'
	oldOnce       = 'o'
)

// oldNames are those of the metrics.
var oldNames = map[byte]string{
	oldCall: "call", oldConference: "conference", oldIntent: "intent", oldNext: "succession", oldOnce: "once",
}

func appendOld(k []byte, what byte, at int64) []byte {
	return binary.BigEndian.AppendUint64(append(appendGroup(k, prefixAge), what), uint64(max(at, 0)))
}

const oldLen = len(prefixAge) + 1 + 1 + 8 // where the rest of the key begins

func oldCallKey(k []byte, at int64, id engine.CallID) []byte {
	k = appendOld(k, oldCall, at)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint16(k, id.Slot()), uint64(id))
}

func oldNextKey(k []byte, at int64, id engine.CallID) []byte {
	k = appendOld(k, oldNext, at)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint16(k, id.Slot()), uint64(id))
}

func oldOnceKey(k []byte, at int64, app, key string) []byte {
	return appendText(appendText(appendOld(k, oldOnce, at), app), key)
}

func oldIntentKey(k []byte, at int64, slot uint16, app, folded, key string) []byte {
	k = binary.BigEndian.AppendUint16(appendOld(k, oldIntent, at), slot)
	return appendText(appendText(appendText(k, app), folded), key)
}
