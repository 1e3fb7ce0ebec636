package webhooks

import (
	"fmt"
	"time"
)

// Ledgers is what the receiver's parent may ask for: books to be opened, read
// and closed.
type Ledgers struct{ r *receiver }

// Addresses are where the receiver listens.
type Addresses struct {
	Hooks  string // answers 200
	Silent string // accepts, and never answers
}

// Where tells them.
func (l *Ledgers) Where(_ int, to *Addresses) error {
	*to = Addresses{l.r.hooks.Addr().String(), l.r.silent.Addr().String()}
	return nil
}

// Used returns the processor time the receiver used so far, in s.
func (l *Ledgers) Used(_ int, s *float64) error {
	*s = used().ours
	return nil
}

// Opening says what books are to be opened.
type Opening struct {
	Streams int
	Ordered bool
}

// Open opens books. Events for them go to the path that is their id.
func (l *Ledgers) Open(o Opening, id *int) error {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	l.r.opened++
	*id = l.r.opened
	l.r.books[*id] = newBooks(o.Streams, o.Ordered)
	return nil
}

// Goal is a number of events to wait for.
type Goal struct {
	ID      int
	Events  int
	Timeout time.Duration
}

// Wait waits until that many different events came, and reports whether they
// did in time. It gives up at once when one is wrong.
func (l *Ledgers) Wait(g Goal, came *bool) error {
	b, err := l.find(g.ID)
	if err != nil {
		return err
	}
	timer := time.NewTimer(g.Timeout)
	defer timer.Stop()
	select {
	case <-b.until(g.Events):
		*came = b.have(g.Events)
	case <-timer.C:
	}
	return nil
}

// Turn returns the books, with the arrivals since the last time.
func (l *Ledgers) Turn(id int, p *Page) error {
	b, err := l.find(id)
	if err != nil {
		return err
	}
	*p = b.turn()
	return nil
}

// Close forgets books.
func (l *Ledgers) Close(id int, _ *int) error {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	delete(l.r.books, id)
	return nil
}

func (l *Ledgers) find(id int) (*books, error) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	if b := l.r.books[id]; b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("there are no books %d", id)
}
