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
//	index 8 | check 8
//
// Indexes are counted for the whole installation: in the clear, an app could
// see how busy the others are. The check is of the app: of 2^64 blocks one is
// a cursor of a given app, so whatever decrypts to its check was made for it.
const cursorLen = 22 // characters

var base = base64.RawURLEncoding.Strict()

type cursors struct {
	block cipher.Block
	key   []byte // of the check
}

func newCursors(key [KeyLen]byte) cursors {
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		panic(fmt.Sprintf("eventlog: %v", err)) // 16 bytes are a key
	}
	return cursors{block, key[16:]}
}

// Cursors makes and reads the cursors of one app.
type Cursors struct {
	block cipher.Block
	check [8]byte
}

func (c cursors) of(app string) Cursors {
	sum := hmac.New(sha256.New, c.key)
	sum.Write([]byte(app))
	k := Cursors{block: c.block}
	copy(k.check[:], sum.Sum(nil))
	return k
}

// Append appends the cursor behind the event with an index; of 0 is the
// beginning.
func (c Cursors) Append(b []byte, index uint64) []byte {
	var block [aes.BlockSize]byte
	binary.BigEndian.PutUint64(block[:], index)
	copy(block[8:], c.check[:])
	c.block.Encrypt(block[:], block[:])
	return base.AppendEncode(b, block[:])
}

// Parse returns the index a cursor of this app is behind. It reports false for
// everything else: what was mistyped, made up, or made for another app.
func (c Cursors) Parse(text string) (index uint64, ok bool) {
	if len(text) != cursorLen {
		return 0, false
	}
	var block [aes.BlockSize + 2]byte // DecodedLen rounds up
	n, err := base.Decode(block[:], []byte(text))
	if err != nil || n != aes.BlockSize {
		return 0, false
	}
	c.block.Decrypt(block[:aes.BlockSize], block[:aes.BlockSize])
	if subtle.ConstantTimeCompare(block[8:16], c.check[:]) != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint64(block[:8]), true
}
