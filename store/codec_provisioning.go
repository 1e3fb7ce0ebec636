package store

import (
	"encoding/json"
	"errors"

	"offhook/engine/tenant"
)

var errShape = errors.New("malformed JSON")

// Provisioning is stored as JSON: settings that are read once a start, and
// grow more often than a format does.
func appendProvisioning(b []byte, p *tenant.Provisioning) []byte {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // never: plain data; a share is no NaN
	}
	return appendString(b, string(text))
}

func (d *decoder) provisioning(p *tenant.Provisioning) {
	if text := d.string(); d.err == nil && json.Unmarshal([]byte(text), p) != nil {
		d.fail(errShape)
	}
}
