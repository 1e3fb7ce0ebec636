// Command nats runs NATS JetStream within itself, and has publishers append to
// one stream that is synced before each message is acknowledged. It is a
// baseline of offhook's bench suite, which starts it.
//
// Each line that it reads is how long a round is to last. Of each it prints one
// line of JSON, and one when it is ready. It ends when there are no more:
//
//	echo 8s | go run -C bench/peers/nats .
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// line is what is printed; package peers reads it.
type line struct {
	Version string  `json:"version"`
	Acked   int64   `json:"acked"`             // messages, ever
	Stored  uint64  `json:"stored"`            // messages in the stream
	Counted int64   `json:"counted"`           // of this round, after its warm-up
	Seconds float64 `json:"seconds,omitempty"` // that they were counted
	Error   string  `json:"error,omitempty"`
}

func main() {
	var c config
	flag.StringVar(&c.dir, "dir", "", "where the stream is; a temporary directory if empty")
	flag.IntVar(&c.publishers, "publishers", 128, "publishers, each with a connection of its own, that wait for each acknowledgement")
	flag.IntVar(&c.size, "size", 300, "bytes of a message")
	flag.Parse()
	if err := run(c, os.Stdin, os.Stdout); err != nil {
		_ = json.NewEncoder(os.Stdout).Encode(line{Error: err.Error()})
		os.Exit(1)
	}
}

func run(c config, in io.Reader, out io.Writer) (err error) {
	if c.dir == "" {
		if c.dir, err = os.MkdirTemp("", "offhook-bench-nats-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(c.dir)) }()
	}
	b, err := open(c)
	if err != nil {
		return err
	}
	defer b.close()
	lines := json.NewEncoder(out)
	if err := lines.Encode(line{Version: b.version()}); err != nil {
		return err
	}
	rounds := bufio.NewScanner(in)
	for rounds.Scan() {
		round, err := time.ParseDuration(rounds.Text())
		if err != nil || round <= 0 {
			return fmt.Errorf("%q is not how long a round can last", rounds.Text())
		}
		l, err := b.round(round)
		if err != nil {
			return err
		}
		if err := lines.Encode(l); err != nil {
			return err
		}
	}
	return rounds.Err()
}
