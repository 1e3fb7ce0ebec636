package webhook

import (
	"time"

	"offhook/engine/tenant"
)

// Signer makes the signatures of one receiver's requests without sending them.
// It is for what measures that by itself, and not safe for concurrent use.
type Signer struct{ s *signer }

// NewSigner reads the receiver's secrets; its errors never name them.
func NewSigner(r tenant.Receiver) (*Signer, error) {
	keys, err := newKeyring(r)
	if err != nil {
		return nil, err
	}
	return &Signer{newSigner(keys)}, nil
}

// Append appends the value of webhook-signature for a request made now.
func (s *Signer) Append(dst []byte, id string, now time.Time, body []byte) []byte {
	return s.s.append(dst, id, now, body)
}
