package peers

import (
	"crypto/rand"
	"encoding/base64"
)

// A transition, in every peer.
const (
	Subscribers = 100_000 // one of whom each transition is of
	RecordSize  = 290     // bytes that replace a subscriber's record
	BodySize    = 300     // bytes of the webhook that is appended
)

// texts are so many of a size, made of chance: nobody can compress them away.
func texts(n, size int) ([]string, error) {
	made := make([]string, n)
	raw := make([]byte, size)
	for i := range made {
		if _, err := rand.Read(raw); err != nil {
			return nil, err
		}
		made[i] = base64.RawURLEncoding.EncodeToString(raw)[:size]
	}
	return made, nil
}
