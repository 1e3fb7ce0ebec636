package eventlog

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// KeyLen is how many bytes the key has that cursors are made with: 16 that
// encrypt and 16 for the check.
const KeyLen = 32

// A cursor is one block, encrypted with AES-128 and written in base 64:
//
//	era 5 | index 6 | check 5
//
// Indexes are counted for the whole installation: in the clear, an app could
// see how busy the others are. The check is of the app: of 2^40 blocks one is
// a cursor of a given app, so whatever decrypts to its check was made for it.
//
// Until there were eras it was, and what else is hidden still is:
//
//	number 8 | check 8
const cursorLen = 22 // characters

var base = base64.RawURLEncoding.Strict()

type cursors struct {
	block cipher.Block
	key   []byte // of the check
	log   Log
}

func newCursors(key [KeyLen]byte, log Log) cursors {
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		panic(fmt.Sprintf("eventlog: %v", err)) // 16 bytes are a key
	}
	return cursors{block, key[16:], log}
}

// Cursors makes and reads the cursors of one app.
type Cursors struct {
	block cipher.Block
	log   Log
	check [checkLen + oldCheckLen]byte
}

const (
	eraLen, indexLen, checkLen = 5, 6, 5
	oldCheckLen                = 8
)

func (c cursors) of(app string) Cursors {
	sum := hmac.New(sha256.New, c.key)
	sum.Write([]byte(app))
	k := Cursors{block: c.block, log: c.log}
	copy(k.check[:], sum.Sum(nil))
	return k
}

func (c *Cursors) oldCheck() []byte { return c.check[:oldCheckLen] }
func (c *Cursors) newCheck() []byte { return c.check[oldCheckLen:] }

// Append appends the cursor behind the event with an index; of 0 is the
// beginning.
func (c Cursors) Append(b []byte, index uint64) []byte {
	var block [aes.BlockSize]byte
	binary.BigEndian.PutUint64(block[eraLen+indexLen-8:], index)
	var era [8]byte
	binary.BigEndian.PutUint64(era[:], c.log.Era(index))
	copy(block[:eraLen], era[8-eraLen:])
	copy(block[eraLen+indexLen:], c.newCheck())
	c.block.Encrypt(block[:], block[:])
	return base.AppendEncode(b, block[:])
}

// Place is where a cursor says to go on.
type Place struct {
	Behind uint64 // an index

	// Lost: whoever has the cursor was told of events that this log does not
	// have. Behind is then the last one that it shares with the log they were
	// in, as far as that is known, or the beginning.
	Lost bool
}

// Parse reads a cursor of this app. It reports false for everything else: what
// was mistyped, made up, or made for another app.
func (c Cursors) Parse(text string) (p Place, ok bool) {
	block, ok := c.decrypt(text)
	if !ok {
		return p, false
	}
	var era, index uint64
	switch {
	case subtle.ConstantTimeCompare(block[8:], c.oldCheck()) == 1:
		index = binary.BigEndian.Uint64(block[:8])
	case subtle.ConstantTimeCompare(block[eraLen+indexLen:], c.newCheck()) == 1:
		era = binary.BigEndian.Uint64(block[:8]) >> (64 - 8*eraLen)
		index = binary.BigEndian.Uint64(block[eraLen+indexLen-8:]) & (1<<(8*indexLen) - 1)
	default:
		return p, false
	}
	if index == 0 {
		return p, true
	}
	switch end, known := c.log.EraEnd(era); {
	case !known:
		return Place{Lost: true}, true
	case index > end:
		return Place{Behind: end, Lost: true}, true
	}
	return Place{Behind: index}, true
}

// Hide appends a number as a cursor has it: it can be read by Reveal, and by
// nobody else.
func (c Cursors) Hide(b []byte, n uint64) []byte {
	var block [aes.BlockSize]byte
	binary.BigEndian.PutUint64(block[:], n)
	copy(block[8:], c.oldCheck())
	c.block.Encrypt(block[:], block[:])
	return base.AppendEncode(b, block[:])
}

// Reveal returns the number that was hidden for this app, and false for all else.
func (c Cursors) Reveal(text string) (n uint64, ok bool) {
	block, ok := c.decrypt(text)
	if !ok || subtle.ConstantTimeCompare(block[8:], c.oldCheck()) != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint64(block[:8]), true
}

func (c Cursors) decrypt(text string) (block [aes.BlockSize]byte, ok bool) {
	if len(text) != cursorLen {
		return block, false
	}
	var room [aes.BlockSize + 2]byte // DecodedLen rounds up
	n, err := base.Decode(room[:], []byte(text))
	if err != nil || n != aes.BlockSize {
		return block, false
	}
	c.block.Decrypt(block[:], room[:aes.BlockSize])
	return block, true
}
