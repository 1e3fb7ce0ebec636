package store

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Rows with secrets in them are sealed with AES-256-GCM under a key that is not
// in the directory: apps, networks, what providers remember, answers to requests
// that are made once, the cursor key.
// Whoever has a copy of the directory alone has no secret of anybody's.
//
//	<81><key id, 8 bytes><nonce, 12 bytes><the record, and its tag, 16 bytes>
//
// The row's key is authenticated with it, so that nobody passes one row off as
// another. No plain record begins with 81, its version.
const (
	sealed1 = 0x81

	// SealKeyLen is how many bytes a sealing key has.
	SealKeyLen = 32

	sealIDLen = 8
)

// ErrNoSealKey: secrets are sealed with a key that was not given.
var ErrNoSealKey = errors.New("its secrets are sealed with another key")

// sealedRows are the rows that are sealed. The last tells that all are.
var sealedRows = []string{prefixApp, prefixNet, prefixXsi, prefixOnce, keyCursor}

// sealer seals with the newest key and opens with any. The zero sealer has no
// keys: it leaves what it seals in the clear.
type sealer struct {
	newest *sealKey
	keys   map[[sealIDLen]byte]*sealKey
}

type sealKey struct {
	id   [sealIDLen]byte
	aead cipher.AEAD
}

func newSealer(keys [][]byte) (sealer, error) {
	s := sealer{keys: map[[sealIDLen]byte]*sealKey{}}
	for _, key := range keys {
		if len(key) != SealKeyLen {
			return sealer{}, fmt.Errorf("a sealing key has %d bytes, not %d", SealKeyLen, len(key))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return sealer{}, err
		}
		k := &sealKey{}
		if k.aead, err = cipher.NewGCM(block); err != nil {
			return sealer{}, err
		}
		digest := sha256.Sum256(append([]byte("offhook sealing key id\n"), key...))
		copy(k.id[:], digest[:])
		s.keys[k.id] = k
		if s.newest == nil {
			s.newest = k
		}
	}
	return s, nil
}

// seal is what is stored for a record.
func (s *sealer) seal(row, record []byte) []byte {
	if s.newest == nil {
		return record
	}
	k := s.newest
	b := make([]byte, 0, 1+sealIDLen+k.aead.NonceSize()+len(record)+k.aead.Overhead())
	b = append(append(b, sealed1), k.id[:]...)
	nonce := b[len(b) : len(b)+k.aead.NonceSize()]
	_, _ = rand.Read(nonce) // never fails
	return k.aead.Seal(b[:len(b)+len(nonce)], nonce, record, row)
}

// open is the record that was stored. One of before there were keys is as it is.
func (s *sealer) open(row, stored []byte) ([]byte, error) {
	if !sealed(stored) {
		return stored, nil
	}
	k := s.keys[sealedWith(stored)]
	if k == nil {
		return nil, ErrNoSealKey
	}
	rest := stored[1+sealIDLen:]
	if len(rest) < k.aead.NonceSize() {
		return nil, errShort
	}
	record, err := k.aead.Open(nil, rest[:k.aead.NonceSize()], rest[k.aead.NonceSize():], row)
	if err != nil {
		return nil, errors.New("a sealed record was changed, or stands in another's place")
	}
	return record, nil
}

// openBlob is what a blob was before it was sealed.
func (s *Store) openBlob(row, stored []byte) ([]byte, error) {
	record, err := s.sealer.open(row, stored)
	if err != nil {
		return nil, err
	}
	return decodeBlob(record)
}

func sealed(stored []byte) bool { return len(stored) > sealIDLen && stored[0] == sealed1 }

func sealedWith(stored []byte) (id [sealIDLen]byte) {
	copy(id[:], stored[1:])
	return id
}

// unlock asks for the keys. What is not sealed with the newest is sealed anew:
// a directory of before there were keys, and one whose key was replaced.
func (s *Store) unlock() error {
	var before []byte
	if _, err := s.get([]byte(keyCursor), func(v []byte) error {
		before = bytes.Clone(v)
		return nil
	}); err != nil {
		return err
	}
	if s.opts.Keys != nil {
		keys, err := s.opts.Keys(sealed(before))
		if err != nil {
			return err
		}
		if s.sealer, err = newSealer(keys); err != nil {
			return err
		}
	}
	newest := s.sealer.newest
	if newest == nil || sealed(before) && sealedWith(before) == newest.id {
		return nil
	}
	rows := 0
	for _, prefix := range sealedRows {
		n, err := s.reseal([]byte(prefix))
		if rows += n; err != nil {
			return err
		}
	}
	if rows == 0 {
		return nil
	}
	s.log.Info("secrets are sealed with a new key", "rows", rows)
	return s.scrub()
}

// resealed is how many rows are written at a time.
const resealed = 1000

func (s *Store) reseal(prefix []byte) (rows int, err error) {
	for from := prefix; from != nil; {
		begin, n := from, 0
		from = nil
		batch := s.db.NewBatch()
		err := s.scan(prefix, begin, func(row, stored []byte) (bool, error) {
			if n++; n > resealed {
				from = bytes.Clone(row)
				return false, nil
			}
			rows++
			record, err := s.sealer.open(row, stored)
			if err != nil {
				return false, err
			}
			return true, batch.Set(row, s.sealer.seal(row, record), nil)
		})
		if err == nil {
			err = batch.Commit(pebble.Sync)
		}
		if err = errors.Join(err, batch.Close()); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// scrub has the files written anew that held what was not sealed, or sealed with
// an older key.
func (s *Store) scrub() error {
	if err := s.db.Flush(); err != nil {
		return err
	}
	for _, prefix := range sealedRows {
		if err := s.db.Compact(context.Background(), []byte(prefix), after([]byte(prefix)), false); err != nil {
			return err
		}
	}
	return nil
}
