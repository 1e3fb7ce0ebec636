package store

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// CursorKeyLen is how many bytes a cursor key has.
const CursorKeyLen = 32

// CursorKey is a random key made when the directory was. Places in the event
// log are told under it, so it stays the same for as long as anybody may hold
// one; it never leaves the process.
func (s *Store) CursorKey() [CursorKeyLen]byte { return s.cursorKey }

// LogKey is a key for the names that subscribers have in the log. It comes of
// the cursor key, so it stays as long as the directory and goes into copies.
func (s *Store) LogKey() [sha256.Size]byte {
	h := hmac.New(sha256.New, s.cursorKey[:])
	h.Write([]byte("ids in the log"))
	return [sha256.Size]byte(h.Sum(nil))
}

// loadCursorKey reads the key, or makes it: directories from before there were
// cursors have none.
func (s *Store) loadCursorKey() error {
	row := []byte(keyCursor)
	found, err := s.get(row, func(v []byte) error {
		key, err := s.openBlob(row, v)
		if err == nil && len(key) != CursorKeyLen {
			err = fmt.Errorf("has %d bytes", len(key))
		}
		copy(s.cursorKey[:], key)
		return err
	})
	if err != nil {
		return fmt.Errorf("open %s: cursor key: %w", s.dir, err)
	}
	if found {
		return nil
	}
	_, _ = rand.Read(s.cursorKey[:]) // never fails
	// Synced before anybody is given a cursor.
	if err := s.db.Set(row, s.sealer.seal(row, appendBlob(nil, s.cursorKey[:])), pebble.Sync); err != nil {
		return fmt.Errorf("open %s: write cursor key: %w", s.dir, err)
	}
	return nil
}
