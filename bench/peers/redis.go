package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"offhook/bench/busy"
	"offhook/bench/figures"
)

// redisVar is where a Redis listens that is to be measured: host:port or a path.
const redisVar = "OFFHOOK_BENCH_REDIS"

// trimmed is about how long the stream of bodies gets.
const trimmed = "500000"

// redis has a hash for each subscriber, and one stream that is the outbox.
type redis struct {
	network, address string
	prefix           string // of its keys
	dir              string
	server           *server // nil of one that was given

	version string
	conns   []*redisConn
	records []string
	bodies  []string
	acked   atomic.Int64
}

// redisConn is a client, and what the records that are its own should be.
type redisConn struct {
	*conn
	first int      // of its subscribers
	last  []uint16 // the index of the record that each was given last
}

// Redis is the one that was given, or one that is started for the purpose.
func Redis(ctx context.Context, p figures.Plan) (Peer, error) { return openRedis(ctx, p, Subscribers) }

func openRedis(ctx context.Context, p figures.Plan, subscribers int) (_ Peer, err error) {
	r := &redis{network: "tcp", address: os.Getenv(redisVar), prefix: fmt.Sprintf("offhook-bench-%d-%d:", os.Getpid(), time.Now().Unix())}
	program := ""
	if r.address == "" {
		if program = find("redis-server", nil); program == "" {
			return nil, Absent("there is no redis-server here: install it (apt-get install redis-server), or set " + redisVar + " to host:port or the path of a socket")
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	if strings.HasPrefix(r.address, "/") {
		r.network = "unix"
	}
	if program != "" {
		if err := r.start(ctx, program, p.Dir); err != nil {
			return nil, err
		}
	}
	if r.records, err = texts(4096, RecordSize); err != nil {
		return nil, err
	}
	if r.bodies, err = texts(4096, BodySize); err != nil {
		return nil, err
	}
	p.Say("redis: filling in %d records", subscribers)
	return r, r.connect(ctx, subscribers)
}

// start starts one that does nothing but this, and syncs each write.
func (r *redis) start(ctx context.Context, program, parent string) (err error) {
	if r.dir, err = (account{}).directory(parent); err != nil {
		return err
	}
	r.network, r.address = "unix", filepath.Join(r.dir, "redis.sock")
	if err := fits(r.address); err != nil {
		return err
	}
	r.server, err = start(exec.Command(program, // #nosec G204 -- Redis' own program
		"--port", "0", "--unixsocket", r.address, "--unixsocketperm", "700", "--dir", r.dir, "--daemonize", "no",
		"--save", "", "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"))
	if err != nil {
		return err
	}
	return r.server.ready(ctx, func(ctx context.Context) error {
		c, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer c.c.Close()
		_, err = c.do("PING")
		return err
	})
}

func (r *redis) dial(ctx context.Context) (*conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, r.network, r.address)
	if err != nil {
		return nil, err
	}
	return newConn(c), nil
}

// connect makes all clients, and lets each fill in its own share of the records.
func (r *redis) connect(ctx context.Context, subscribers int) error {
	for n := range Clients {
		c, err := r.dial(ctx)
		if err != nil {
			return err
		}
		first, next := subscribers*n/Clients, subscribers*(n+1)/Clients
		r.conns = append(r.conns, &redisConn{conn: c, first: first, last: make([]uint16, next-first)})
	}
	if err := r.lossless(); err != nil {
		return err
	}
	for _, c := range r.conns {
		if err := c.each(func(b []byte, i int) []byte {
			return appendCommand(b, "HSET", r.record(c.first+i), "state", r.records[0])
		}, func(int, any) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// lossless refuses a server that may lose what it acknowledged.
func (r *redis) lossless() error {
	info, err := r.conns[0].do("INFO", "server")
	if err != nil {
		return err
	}
	r.version = infoField(info, "redis_version")
	for setting, want := range map[string]string{"appendonly": "yes", "appendfsync": "always"} {
		v, err := r.conns[0].do("CONFIG", "GET", setting)
		if err != nil {
			return err
		}
		if pair, _ := v.([]any); len(pair) != 2 || pair[1] != want {
			return Absent(fmt.Sprintf("Redis has %s other than %s, and may lose what it acknowledged: set it", setting, want))
		}
	}
	return nil
}

// infoField is a line of what INFO answers.
func infoField(info any, name string) string {
	text, _ := info.(string)
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return "?"
}

func (r *redis) record(n int) string { return r.prefix + busy.ID(n) }

func (r *redis) outbox() string { return r.prefix + "outbox" }

func (r *redis) About() string {
	return fmt.Sprintf("Redis %s, MULTI HSET XADD EXEC in one write, %d clients that wait for each", r.version, len(r.conns))
}

// Close stops the server that was started, or deletes the keys that were made.
func (r *redis) Close() error {
	var err error
	if r.server == nil {
		err = r.forget()
	}
	for _, c := range r.conns {
		err = errors.Join(err, c.c.Close())
	}
	if r.server != nil {
		err = errors.Join(err, r.server.stop(syscall.SIGKILL))
	}
	if r.dir != "" {
		err = errors.Join(err, os.RemoveAll(r.dir))
	}
	return err
}

// forget deletes the keys. A fresh connection has nothing half-read on it.
func (r *redis) forget() error {
	if len(r.conns) < Clients {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, c := range r.conns {
		fresh, err := r.dial(ctx)
		if err != nil {
			return err
		}
		again := &redisConn{conn: fresh, first: c.first, last: c.last}
		err = again.each(func(b []byte, i int) []byte { return appendCommand(b, "DEL", r.record(c.first+i)) }, func(int, any) error { return nil })
		if err == nil && c.first == 0 {
			_, err = again.do("DEL", r.outbox())
		}
		if err := errors.Join(err, fresh.c.Close()); err != nil {
			return err
		}
	}
	return nil
}
