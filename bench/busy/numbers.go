package busy

import (
	"bytes"
	"fmt"
)

var (
	subscriberField = []byte(`"subscriber_id":"` + prefix)
	sequenceField   = []byte(`"sequence_number":"`)
)

// Numbers reads the number of the phone and that of the event out of a body. To decode all of it would
// take longer than everything else the receiver does.
func Numbers(body []byte) (phone int, sequence uint32, err error) {
	a, ok := digitsBehind(body, subscriberField)
	b, ok2 := digitsBehind(body, sequenceField)
	if !ok || !ok2 {
		return 0, 0, fmt.Errorf("not an event of this benchmark: %.80q", body)
	}
	return int(a), uint32(b), nil
}

func digitsBehind(body, field []byte) (n uint64, ok bool) {
	at := bytes.Index(body, field)
	if at < 0 {
		return 0, false
	}
	for _, c := range body[at+len(field):] {
		if c < '0' || c > '9' || n > 1<<31 {
			break
		}
		n, ok = n*10+uint64(c-'0'), true
	}
	return n, ok
}
