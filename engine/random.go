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

const eventIDPrefix = "evt_"

// Crockford's alphabet: opaque, free of dots, and readable over a phone.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// eventID mints the webhook-id: 128 random bits in base 32.
func (e *entropy) eventID() string {
	var b [len(eventIDPrefix) + 26]byte
	copy(b[:], eventIDPrefix)
	hi, lo := e.next(), e.next()^e.b
	for i := len(b) - 1; i >= len(eventIDPrefix); i-- {
		b[i] = alphabet[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(b[:])
}
