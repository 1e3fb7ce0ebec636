package broadworks

import "offhook/engine"

// Decoder makes of one document of an event channel after the other what the
// core gets, as the reader of a channel does. It is for what measures that by
// itself. It is not safe for concurrent use.
type Decoder struct{ d decoder }

// Event decodes an event about calls.
func (d *Decoder) Event(doc []byte) (*engine.Event, error) {
	got, err := d.d.decode(doc)
	if err != nil {
		return nil, err
	}
	return got.translate(), nil
}
