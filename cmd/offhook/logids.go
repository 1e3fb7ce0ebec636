package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"log/slog"
	"strings"
	"sync/atomic"

	"offhook/engine"
	"offhook/transport/adminapi"
)

// logIDs names subscribers in the log. Their ids may be phone numbers, or
// addresses of people, which are in no log: what stands there is a short hash
// under a key of this installation. Numbers are few enough that one without a
// key could be undone by trying them all.
type logIDs struct {
	key atomic.Pointer[[sha256.Size]byte]
}

// newLogIDs has a key of this process alone, for programs that store nothing.
func newLogIDs() *logIDs {
	ids := &logIDs{}
	var key [sha256.Size]byte
	_, _ = rand.Read(key[:]) // never fails
	ids.use(key)
	return ids
}

func (l *logIDs) use(key [sha256.Size]byte) { l.key.Store(&key) }

// of is 50 bits of the hash: that any two of a million subscribers meet has odds of one in 2,000.
func (l *logIDs) of(id string) string {
	h := hmac.New(sha256.New, l.key.Load()[:])
	h.Write([]byte(engine.Fold(id)))
	return strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)))[:adminapi.LogIDLen]
}

// hide replaces the id in an attribute that has one: sub and user, a
// subscriber and the user he is at his platform. Every line passes here, so
// that nobody has to remember it where he logs.
func (l *logIDs) hide(a slog.Attr) slog.Attr {
	switch a.Key {
	case "sub", "subscriber", "user":
		if id := a.Value.String(); id != "" {
			a.Value = slog.StringValue(l.of(id))
		}
	}
	return a
}
