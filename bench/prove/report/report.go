// Package report is how an attack on a promise says what it did: which promise,
// how it was attacked, how often, and how many times the promise broke. A test
// that attacks makes a Row; when the test ends the row is written as one line of
// JSON to the file that OFFHOOK_PROVE_REPORT names, where `make prove` reads it.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// Promise is one of those that docs/reliability.md lists.
type Promise string

// The promises, in the order in which they are printed.
const (
	Durable       Promise = "durable before visible"
	Ordered       Promise = "ordered, gap-free, at least once"
	OneOwner      Promise = "one owner"
	EveryCallEnds Promise = "every call ends"
	IDFirst       Promise = "the id before the event"
	NeverTwice    Promise = "never twice"
	Isolation     Promise = "isolation"
	Refusals      Promise = "refuse clearly"
	Secrets       Promise = "nobody let in, nothing let out"
	Upgrades      Promise = "old data opens"
	Flat          Promise = "nothing grows"
)

// Promises lists all of them.
func Promises() []Promise {
	return []Promise{Durable, Ordered, OneOwner, EveryCallEnds, IDFirst, NeverTwice, Isolation, Refusals, Secrets, Upgrades, Flat}
}

// file is the environment variable that names where rows go.
const file = "OFFHOOK_PROVE_REPORT"

// Row is one attack on one promise. Its methods may be called from any goroutine.
type Row struct {
	mu   sync.Mutex
	line Line
}

// Line is a row as it is written.
type Line struct {
	Promise    Promise `json:"promise"`
	Attack     string  `json:"attack"`
	Count      int64   `json:"count"`
	Unit       string  `json:"unit"` // points, cycles, virtual hours, requests …
	Violations int64   `json:"violations"`
	Note       string  `json:"note,omitempty"` // figures worth reading: recovery times, the seed
	Test       string  `json:"test"`
	Seconds    float64 `json:"seconds"` // how long the attack took
}

// Attack begins a row. It is written when t ends; if t failed by then there was
// at least one violation.
func Attack(t testing.TB, promise Promise, how, unit string) *Row {
	t.Helper()
	r := &Row{line: Line{Promise: promise, Attack: how, Unit: unit, Test: t.Name()}}
	began := time.Now()
	t.Cleanup(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.line.Seconds = time.Since(began).Seconds()
		if t.Failed() && r.line.Violations == 0 {
			r.line.Violations = 1
		}
		if err := r.write(); err != nil {
			t.Errorf("report: %v", err)
		}
	})
	return r
}

// Add counts n more points, cycles or whatever the unit is.
func (r *Row) Add(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line.Count += int64(n)
}

// Violated counts n times that the promise broke. Fail the test too.
func (r *Row) Violated(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line.Violations += int64(n)
}

// Note says what else there is to know, in a few words.
func (r *Row) Note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line.Note = fmt.Sprintf(format, args...)
}

func (r *Row) write() error {
	path := os.Getenv(file)
	if path == "" {
		return nil
	}
	b, err := json.Marshal(r.line)
	if err != nil {
		return err
	}
	// O_APPEND and one write each: the test binaries of several packages share
	// the file.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(b, '\n')); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
