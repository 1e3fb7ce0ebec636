package peers

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"offhook/bench/figures"
)

// natsModule is where the program is that embeds NATS, in offhook's repository.
// It is a module of its own: see docs/decisions/0010-peers.md.
var natsModule = filepath.Join("bench", "peers", "nats")

// natsLine is what the program prints when it is ready, and of each round.
type natsLine struct {
	Version string  `json:"version"`
	Acked   int64   `json:"acked"`   // messages, ever
	Stored  int64   `json:"stored"`  // messages in the stream
	Counted int64   `json:"counted"` // of this round, after its warm-up
	Seconds float64 `json:"seconds"` // that they were counted
	Error   string  `json:"error"`
}

// nats appends to a stream what the others append to their outbox. It replaces
// no record.
type nats struct {
	dir     string
	server  *server
	in      io.WriteCloser
	lines   chan natsLine // closed when there are no more
	version string
}

// NATS builds the program that embeds NATS, and starts it.
func NATS(ctx context.Context, p figures.Plan) (_ Peer, err error) {
	module, err := findModule()
	if err != nil {
		return nil, err
	}
	n := &nats{lines: make(chan natsLine)}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	if n.dir, err = (account{}).directory(p.Dir); err != nil {
		return nil, err
	}
	p.Say("nats: building %s", natsModule)
	program := filepath.Join(n.dir, "nats")
	build := exec.CommandContext(ctx, "go", "build", "-C", module, "-o", program, ".") // #nosec G204 -- our own program
	build.Env = append(os.Environ(), "GOPROXY=off")                                    // a measurement fetches nothing
	if _, err := output(build); err != nil {
		return nil, cmp.Or(ctx.Err(), error(Absent(fmt.Sprintf("the program that embeds NATS cannot be built, fetch its modules with: go -C %s mod download (%v)", natsModule, err))))
	}
	if err := n.start(program); err != nil {
		return nil, err
	}
	first, err := n.next(ctx, patience)
	n.version = first.Version
	return n, err
}

// findModule looks for the program's source where the bench runs, and above.
func findModule() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; at = filepath.Dir(at) {
		module := filepath.Join(at, natsModule)
		if _, err := os.Stat(filepath.Join(module, "go.mod")); err == nil {
			break
		}
		if at == filepath.Dir(at) {
			return "", Absent("NATS is embedded by a program in offhook's repository: run the bench there")
		}
	}
	if find("go", nil) == "" {
		return "", Absent("NATS is embedded by a program that has to be built: install Go")
	}
	return filepath.Join(at, natsModule), nil
}

func (n *nats) start(program string) error {
	cmd := exec.Command(program, "--dir", filepath.Join(n.dir, "streams"), "--publishers", strconv.Itoa(Clients), "--size", strconv.Itoa(BodySize)) // #nosec G204 -- our own program
	var err error
	if n.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	out, printed := io.Pipe()
	cmd.Stdout = printed
	if n.server, err = start(cmd); err != nil {
		return err
	}
	go func() {
		<-n.server.gone
		_ = printed.Close()
	}()
	go func() {
		defer close(n.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			l, err := parseNATS(lines.Bytes())
			if err != nil {
				l.Error = err.Error()
			}
			n.lines <- l
		}
	}()
	return nil
}

// parseNATS reads a line of the program.
func parseNATS(line []byte) (l natsLine, err error) {
	if err := json.Unmarshal(line, &l); err != nil {
		return l, fmt.Errorf("%.80q is no figure of NATS: %w", line, err)
	}
	if l.Error != "" {
		return l, fmt.Errorf("nats: %s", l.Error)
	}
	return l, nil
}

// next waits for the next line.
func (n *nats) next(ctx context.Context, patience time.Duration) (natsLine, error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case l, ok := <-n.lines:
		switch {
		case !ok:
			return l, fmt.Errorf("nats ended (%v): %s", n.server.err, n.server.said.String())
		case l.Error != "":
			return l, errors.New(l.Error)
		}
		return l, nil
	case <-late.C:
		return natsLine{}, fmt.Errorf("nats told nothing for %v", patience)
	case <-ctx.Done():
		return natsLine{}, ctx.Err()
	}
}

func (n *nats) About() string {
	return fmt.Sprintf("NATS JetStream %s embedded, one stream, file storage, one replica, %d publishers that wait for each; it appends the body and replaces no record", n.version, Clients)
}

// Round has all publishers publish.
func (n *nats) Round(ctx context.Context, round time.Duration) (float64, error) {
	if _, err := fmt.Fprintln(n.in, round); err != nil {
		return 0, err
	}
	l, err := n.next(ctx, warmUp(round)+round+patience)
	if err != nil {
		return 0, err
	}
	if l.Counted <= 0 || l.Seconds <= 0 {
		return 0, fmt.Errorf("nats told no rate: %+v", l)
	}
	return float64(l.Counted) / l.Seconds, miscounted("messages in the stream", l.Acked, l.Stored)
}

// Close ends the program; it would also end with this one.
func (n *nats) Close() error {
	var err error
	if n.server != nil {
		err = errors.Join(n.in.Close(), n.server.stop(syscall.SIGKILL))
		for range n.lines { // until its reader has ended
		}
	}
	if n.dir != "" {
		err = errors.Join(err, os.RemoveAll(n.dir))
	}
	return err
}
