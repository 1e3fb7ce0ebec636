package web

import (
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"

	"offhook/transport/problem"
)

func TestMain(m *testing.M) {
	// fasthttp keeps the Date header with one goroutine for the whole process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

func TestABucket(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := NewLimiter[string](Rate{PerSecond: 2, Burst: 3}, Rate{})
	take := func(key string) bool { ok, _ := l.Take(key, now); return ok }
	for range 3 {
		require.True(t, take("a"))
	}
	ok, retry := l.Take("a", now)
	require.False(t, ok)
	require.Equal(t, 1, retry, "whole seconds, rounded up")
	require.True(t, take("b"), "each key has its own")

	now = now.Add(499 * time.Millisecond)
	require.False(t, take("a"), "refusals cost nothing, and give nothing")
	now = now.Add(time.Millisecond)
	require.True(t, take("a"))
	require.False(t, take("a"))
	now = now.Add(time.Hour)
	for range 3 {
		require.True(t, take("a"))
	}
	require.False(t, take("a"), "a pause fills the bucket, no more")
}

func TestRatesOfWhichOneIsMeant(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	none := NewLimiter[string](Rate{PerSecond: -1}, Rate{PerSecond: 1})
	for range 10 {
		ok, _ := none.Take("a", now)
		require.True(t, ok, "less than zero is no bound")
	}
	none.Set(Rate{PerSecond: 1, Burst: 2}, Rate{})
	for _, want := range []bool{true, true, false} {
		ok, _ := none.Take("a", now)
		require.Equal(t, want, ok, "another rate holds from then on")
	}

	l := NewLimiter[string](Rate{}, Rate{PerSecond: 1, Burst: 1})
	ok, _ := l.Take("a", now)
	require.True(t, ok)
	ok, _ = l.Take("a", now)
	require.False(t, ok)
	l = NewLimiter[string](Rate{PerSecond: 0.1}, Rate{PerSecond: 1, Burst: 100})
	ok, _ = l.Take("a", now)
	require.True(t, ok)
	ok, retry := l.Take("a", now)
	require.False(t, ok, "a rate of one's own has its own burst")
	require.Equal(t, 10, retry)
}

// Whoever has many addresses does not get memory for each of them.
func TestBucketsAreForgotten(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := NewLimiter[int](Rate{PerSecond: 1, Burst: 1}, Rate{})
	count := func() (n int) {
		for i := range l.shards {
			n += len(l.shards[i].full)
		}
		return n
	}
	for i := range 3 * len(l.shards) * bucketsPerShard {
		l.Take(i, now)
	}
	require.LessOrEqual(t, count(), len(l.shards)*bucketsPerShard)
	now = now.Add(time.Minute)
	l.Take(-1, now)
	for i := range len(l.shards) * bucketsPerShard / 2 { // well below the bound in every shard
		l.Take(-i-2, now)
	}
	ok, _ := l.Take(-1, now)
	require.False(t, ok, "those that count are remembered")
}

func TestAddresses(t *testing.T) {
	addr := func(s string) netip.Addr {
		ap := netip.MustParseAddrPort(s)
		return Address(net.TCPAddrFromAddrPort(ap))
	}
	require.Equal(t, addr("192.0.2.1:1"), addr("[::ffff:192.0.2.1]:2"))
	require.NotEqual(t, addr("192.0.2.1:1"), addr("192.0.2.2:1"))
	require.Equal(t, addr("[2001:db8::1]:1"), addr("[2001:db8::ffff:1]:1"), "one /64 is one")
	require.NotEqual(t, addr("[2001:db8::1]:1"), addr("[2001:db8:0:1::1]:1"))
	require.False(t, Address(&net.UnixAddr{}).IsValid())
}

// exhausted is a listener without file descriptors, for a while.
type exhausted struct {
	net.Listener
	left int
}

func (l *exhausted) Accept() (net.Conn, error) {
	if l.left--; l.left >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

func TestOutOfFileDescriptorsIsNotTheEnd(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &listener{Listener: &exhausted{ln, 3}, gate: newGate(Config{}.fill())}
	c, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	in, err := l.Accept()
	require.NoError(t, err)
	require.NoError(t, in.Close())
	require.NoError(t, in.Close(), "twice is no harm")
	require.Empty(t, l.gate.conns)
	require.Empty(t, l.gate.from)
	require.NoError(t, l.Close())
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestABearerIsOneTokenInOneHeader(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer abc": "abc", "BEARER   abc": "abc",
		"": "", "Bearer": "", "Bearer ": "", "Basic abc": "", "abc": "", "Bearerabc": "",
	} {
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.Set("Authorization", header)
		got, ok := Bearer(&ctx)
		require.Equal(t, want, got, header)
		require.Equal(t, want != "", ok, header)
	}
	var ctx fasthttp.RequestCtx
	ctx.Request.Header.Add("Authorization", "Bearer abc")
	ctx.Request.Header.Add("Authorization", "Bearer abc")
	_, ok := Bearer(&ctx)
	require.False(t, ok)
}

func TestObjectsWithinObjects(t *testing.T) {
	o, err := ParseObject([]byte(`{"a":{"b":[{"c":"d"},{"c":5}],"e":["f"],"g":null},"x":"0123456789"}`))
	require.NoError(t, err)
	a, err := o.Object("a")
	require.NoError(t, err)
	items, err := a.Objects("b")
	require.NoError(t, err)
	s, err := items[0].Text("c")
	require.NoError(t, err)
	require.Equal(t, "d", s)

	var p *problem.Problem
	_, err = items[1].Text("c")
	require.ErrorAs(t, err, &p)
	require.Equal(t, "a.b.c", p.Field, "a field is named by where it is")
	_, err = a.Texts("b")
	require.ErrorAs(t, err, &p)
	require.Equal(t, "a.b", p.Field)
	_, err = a.Objects("e")
	require.ErrorAs(t, err, &p)
	_, err = o.Object("x")
	require.ErrorAs(t, err, &p)
	_, err = o.Long("x", 9)
	require.ErrorAs(t, err, &p)

	texts, err := a.Texts("e")
	require.NoError(t, err)
	require.Equal(t, []string{"f"}, texts)
	require.True(t, a.Has("g") && a.Null("g"))
	require.False(t, a.Has("h") || a.Null("h"))
	missing, err := o.Object("missing")
	require.NoError(t, err)
	_, err = missing.Required("deep")
	require.ErrorAs(t, err, &p)
	require.Equal(t, "missing.deep", p.Field)
}

func FuzzParseObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":"b"}`, `{"a":{"a":["x"]}}`, `{"a":"\ud800"}`, `{"a":1`, `[[[[`, "\xff", `{"a":"b","a":"c"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := ParseObject(body)
		if err != nil {
			return
		}
		for _, m := range o.members {
			s, err := o.Text(m.name)
			if err == nil && CheckText(s) != "" {
				t.Errorf("%q was let through", s)
			}
			_, _ = o.Texts(m.name)
			_, _ = o.Objects(m.name)
		}
	})
}
