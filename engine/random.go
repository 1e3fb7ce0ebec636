package engine

// entropy turns the random words of one Input into as many as the step needs
// (SplitMix64, keyed by both words).
type entropy struct{ a, b uint64 }

func (e *entropy) next() uint64 {
	e.a += 0x9e3779b97f4a7c15
	z := e.a ^ e.b
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// callID mints an id: 63 random bits whose low ten are the slot.
func (e *entropy) callID(slot uint16) CallID {
	for {
		id := CallID(e.next()&^(1<<63)&^(Slots-1) | uint64(slot))
		if id >= Slots {
			return id
		}
	}
}

// conferenceID mints an id in the same way.
func (e *entropy) conferenceID(slot uint16) ConferenceID { return ConferenceID(e.callID(slot)) }

const eventIDPrefix = "evt_"

// Crockford's alphabet: opaque, free of dots, and readable over a phone.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// eventID is a webhook-id: 128 random bits, written in base 32.
type eventID struct{ hi, lo uint64 }

func (e *entropy) eventID() eventID { return eventID{e.next(), e.next() ^ e.b} }

// append writes the digits where they stay: to write them somewhere else and
// copy them costs twice as much.
func (id eventID) append(b []byte) []byte {
	b = append(b, eventIDPrefix+"00000000000000000000000000"...)
	high, low := (*[13]byte)(b[len(b)-26:]), (*[13]byte)(b[len(b)-13:])
	lo, hi := id.lo, id.hi>>1 // the digit between them is four bits of the one and one of the other
	for i := 12; i > 0; i-- {
		low[i] = alphabet[lo&31]
		lo >>= 5
	}
	low[0] = alphabet[(lo|id.hi<<4)&31]
	for i := 12; i >= 0; i-- {
		high[i] = alphabet[hi&31]
		hi >>= 5
	}
	return b
}

func (id eventID) String() string { return string(id.append(nil)) }
