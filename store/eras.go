package store

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// An era is what was logged between a start and the next, under a random name.
// Wherever a directory is put back to an earlier state, however that was done,
// a start comes behind it: so two events that were given one index, one of
// them lost since, are of different eras, and whoever remembers a place can be
// told whether this log ever had it. Nothing is asked of whoever restores.
//
// The log of a directory from before eras is the era 0.
type era struct {
	first uint64 // index
	name  uint64 // random; eraBits of it
}

const (
	eraBits = 40

	// maxEras are remembered, the latest: of starts that logged anything. A
	// place of one before is taken for one that this log never had.
	maxEras = 4096
)

// loadEras reads the eras, and begins a new one behind the last event. One in
// which nothing was logged is replaced and not gone on with: a copy may have
// been made meanwhile, and go on too.
func (s *Store) loadEras(last uint64) error {
	row := []byte(keyEras)
	found, err := s.get(row, func(v []byte) (err error) {
		s.eras, err = decodeEras(v)
		return err
	})
	if err != nil {
		return fmt.Errorf("open %s: eras: %w", s.dir, err)
	}
	if !found {
		s.eras = []era{{}}
	}
	s.eras = slices.DeleteFunc(s.eras, func(e era) bool { return e.first > last })
	if n := len(s.eras) - maxEras + 1; n > 0 {
		s.eras = slices.Delete(s.eras, 0, n)
	}
	var name [8]byte
	_, _ = rand.Read(name[:]) // never fails
	s.eras = append(s.eras, era{last + 1, binary.BigEndian.Uint64(name[:])>>(64-eraBits) | 1})
	// Synced before anybody is given a cursor of it.
	if err := s.db.Set(row, appendEras(nil, s.eras), pebble.Sync); err != nil {
		return fmt.Errorf("open %s: write eras: %w", s.dir, err)
	}
	return nil
}

// Era names the part of the log that an index is in.
func (s *Store) Era(index uint64) uint64 {
	n, exact := slices.BinarySearchFunc(s.eras, index, func(e era, index uint64) int { return cmp.Compare(e.first, index) })
	if !exact {
		n--
	}
	return s.eras[max(n, 0)].name
}

// EraEnd is the last index of an era. It reports false for one that this log
// never had, or that is forgotten.
func (s *Store) EraEnd(name uint64) (last uint64, known bool) {
	for n := len(s.eras) - 1; n >= 0; n-- {
		switch {
		case s.eras[n].name != name:
		case n == len(s.eras)-1:
			return s.Durable(), true
		default:
			return s.eras[n+1].first - 1, true
		}
	}
	return 0, false
}

func appendEras(b []byte, eras []era) []byte {
	return appendEach(append(b, version1), eras, func(b []byte, e *era) []byte {
		return binary.AppendUvarint(binary.AppendUvarint(b, e.first), e.name)
	})
}

func decodeEras(b []byte) ([]era, error) {
	d := decode(b)
	eras := make([]era, d.count(2))
	for i := range eras {
		eras[i] = era{d.uint(), d.uint()}
	}
	return eras, d.done("eras")
}
