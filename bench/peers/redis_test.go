package peers

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/figures"
)

// standIn is as much of a Redis as a round needs, in memory, so that what is
// asked of one and what is made of its answers can be tested without one.
type standIn struct {
	mu      sync.Mutex
	values  map[string]string
	added   int64
	setting map[string]string
	lose    bool // acknowledges bodies without keeping them
	stale   bool // acknowledges records without keeping them
}

func (s *standIn) answer(queued [][]string, cmd []string) ([][]string, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bulk := func(v string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(v), v) }
	switch cmd[0] {
	case "MULTI":
		return [][]string{}, "+OK\r\n"
	case "EXEC":
		out := fmt.Sprintf("*%d\r\n", len(queued))
		for _, q := range queued {
			out += s.run(q)
		}
		return nil, out
	case "INFO":
		return nil, bulk("# Server\r\nredis_version:7.0.15\r\n")
	case "CONFIG":
		return nil, "*2\r\n" + bulk(cmd[2]) + bulk(s.setting[cmd[2]])
	case "XINFO":
		return nil, fmt.Sprintf("*4\r\n$6\r\nlength\r\n:1\r\n$13\r\nentries-added\r\n:%d\r\n", s.added)
	case "HGET":
		return nil, bulk(s.values[cmd[1]])
	}
	if queued != nil {
		return append(queued, cmd), "+QUEUED\r\n"
	}
	return nil, s.run(cmd)
}

func (s *standIn) run(cmd []string) string {
	switch cmd[0] {
	case "HSET":
		if !s.stale || s.values[cmd[1]] == "" {
			s.values[cmd[1]] = cmd[3]
		}
	case "XADD":
		if !s.lose {
			s.added++
		}
	case "DEL":
		delete(s.values, cmd[1])
		if cmd[1][len(cmd[1])-6:] == "outbox" {
			s.added = 0
		}
	}
	return ":1\r\n"
}

func (s *standIn) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	var queued [][]string
	for {
		v, err := readReply(in) // a command looks like an array of texts
		if err != nil {
			return
		}
		var cmd []string
		for _, arg := range v.([]any) {
			cmd = append(cmd, arg.(string))
		}
		var out string
		if queued, out = s.answer(queued, cmd); out != "" {
			if _, err := c.Write([]byte(out)); err != nil {
				return
			}
		}
	}
}

// listen has it listen on a socket that redisVar names.
func (s *standIn) listen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		all.Wait()
	})
	t.Setenv(redisVar, path)
}

func newStandIn() *standIn {
	return &standIn{values: map[string]string{}, setting: map[string]string{"appendonly": "yes", "appendfsync": "always"}}
}

const (
	short = 40 * time.Millisecond
	few   = 1000 // subscribers: a stand-in is slow
)

func TestARoundOfRedisIsCheckedAndForgotten(t *testing.T) {
	s := newStandIn()
	s.listen(t)
	r, err := openRedis(t.Context(), figures.Plan{Dir: t.TempDir()}, few)
	require.NoError(t, err)
	require.Len(t, s.values, few)
	for range 2 {
		rate, err := r.Round(t.Context(), short)
		require.NoError(t, err)
		require.Positive(t, rate)
	}
	require.Positive(t, s.added)
	require.Contains(t, r.About(), "Redis 7.0.15")
	require.NoError(t, r.Close())
	require.Empty(t, s.values, "a server that was given is left as it was")
	require.Zero(t, s.added)
}

func TestARedisThatLosesIsFoundOut(t *testing.T) {
	for name, spoil := range map[string]func(*standIn){
		"transitions were acknowledged, and there are 0 bodies in the stream": func(s *standIn) { s.lose = true },
		"is not the one that was acknowledged":                                func(s *standIn) { s.stale = true },
	} {
		s := newStandIn()
		s.listen(t)
		r, err := openRedis(t.Context(), figures.Plan{Dir: t.TempDir()}, few)
		require.NoError(t, err)
		spoil(s)
		_, err = r.Round(t.Context(), short)
		require.ErrorContains(t, err, name)
		require.NoError(t, r.Close())
	}
}

func TestARedisThatMayLoseIsNotMeasured(t *testing.T) {
	s := newStandIn()
	s.setting["appendfsync"] = "everysec"
	s.listen(t)
	_, err := openRedis(t.Context(), figures.Plan{Dir: t.TempDir()}, few)
	require.EqualError(t, err, "not measured: Redis has appendfsync other than always, and may lose what it acknowledged: set it")
	var absent Absent
	require.ErrorAs(t, err, &absent)
}

func TestARoundOfRedisEndsWithItsContext(t *testing.T) {
	s := newStandIn()
	s.listen(t)
	r, err := openRedis(t.Context(), figures.Plan{Dir: t.TempDir()}, few)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.Round(ctx, time.Hour)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, r.Close())
}
