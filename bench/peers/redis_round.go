package peers

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"offhook/bench/busy"
)

// Round has each client replace records of its own.
func (r *redis) Round(ctx context.Context, round time.Duration) (float64, error) {
	got, err := busy.Closed(ctx, len(r.conns), round, func(n int) func() error {
		c := r.conns[n]
		return func() error { return r.transition(c) }
	})
	if err != nil {
		return 0, err
	}
	return got.Rate(), r.check()
}

// transition is acknowledged when all of it is on disk.
func (r *redis) transition(c *redisConn) error {
	i, state := rand.IntN(len(c.last)), rand.IntN(len(r.records))
	b := appendCommand(c.out[:0], "MULTI")
	b = appendCommand(b, "HSET", r.record(c.first+i), "state", r.records[state])
	b = appendCommand(b, "XADD", r.outbox(), "MAXLEN", "~", trimmed, "*", "id", busy.ID(c.first+i), "body", r.bodies[rand.IntN(len(r.bodies))])
	c.out = appendCommand(b, "EXEC")
	if _, err := c.c.Write(c.out); err != nil {
		return err
	}
	for range 3 { // OK, and twice QUEUED
		if _, err := c.reply(); err != nil {
			return err
		}
	}
	v, err := c.reply()
	if err != nil {
		return err
	}
	if done, _ := v.([]any); len(done) != 2 {
		return fmt.Errorf("EXEC answered %v", v)
	}
	c.last[i] = uint16(state) // #nosec G115 -- there are 4,096
	r.acked.Add(1)
	return nil
}

// check reads all records back, and how many bodies the stream ever got.
func (r *redis) check() error {
	for _, c := range r.conns {
		if err := c.each(func(b []byte, i int) []byte {
			return appendCommand(b, "HGET", r.record(c.first+i), "state")
		}, func(i int, v any) error {
			if v != r.records[c.last[i]] {
				return fmt.Errorf("the record of subscriber %d is not the one that was acknowledged", c.first+i)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	v, err := r.conns[0].do("XINFO", "STREAM", r.outbox())
	if err != nil {
		return err
	}
	added, err := field(v, "entries-added")
	return cmp.Or(err, miscounted("bodies in the stream", r.acked.Load(), added))
}

// field is a number of a reply that has names and values by turns.
func field(v any, name string) (int64, error) {
	all, _ := v.([]any)
	for i := 0; i+1 < len(all); i += 2 {
		if n, ok := all[i+1].(int64); ok && all[i] == name {
			return n, nil
		}
	}
	return 0, fmt.Errorf("redis does not tell %s: it needs to be version 7 or later", name)
}

// each sends a command for each of the client's subscribers, many at a time.
func (c *redisConn) each(command func(b []byte, i int) []byte, got func(i int, v any) error) error {
	const many = 100 // whose replies fit in what a socket holds
	for from := 0; from < len(c.last); from += many {
		to := min(from+many, len(c.last))
		c.out = c.out[:0]
		for i := from; i < to; i++ {
			c.out = command(c.out, i)
		}
		if _, err := c.c.Write(c.out); err != nil {
			return err
		}
		for i := from; i < to; i++ {
			v, err := c.reply()
			if err := cmp.Or(err, got(i, v)); err != nil {
				return err
			}
		}
	}
	return nil
}
