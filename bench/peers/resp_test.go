package peers

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCommandsAreSentAsRedisReadsThem(t *testing.T) {
	b := appendCommand(nil, "HSET", "k", "", "é")
	require.Equal(t, "*4\r\n$4\r\nHSET\r\n$1\r\nk\r\n$0\r\n\r\n$2\r\né\r\n", string(b))
	require.Equal(t, "*1\r\n$4\r\nEXEC\r\n", string(appendCommand(b[:0], "EXEC")))
}

func TestRepliesAreRead(t *testing.T) {
	for sent, want := range map[string]any{
		"+OK\r\n":                                "OK",
		":-7\r\n":                                int64(-7),
		"$5\r\na\r\nbc\r\n":                      "a\r\nbc",
		"$0\r\n\r\n":                             "",
		"$-1\r\n":                                nil,
		"*-1\r\n":                                nil,
		"*0\r\n":                                 []any(nil),
		"*2\r\n:1\r\n*2\r\n$1\r\nx\r\n$-1\r\n":   []any{int64(1), []any{"x", nil}},
		"*2\r\n:0\r\n$15\r\n1795909993000-0\r\n": []any{int64(0), "1795909993000-0"},
	} {
		got, err := newConn(written(t, sent)).reply()
		require.NoError(t, err, "%q", sent)
		require.Equal(t, want, got, "%q", sent)
	}
}

func TestARefusalIsAnErrorWhereverItStands(t *testing.T) {
	for _, sent := range []string{"-MISCONF no\r\n", "*2\r\n:1\r\n-MISCONF no\r\n", "*1\r\n*1\r\n-MISCONF no\r\n"} {
		_, err := newConn(written(t, sent)).reply()
		require.EqualError(t, err, "redis answered: MISCONF no", "%q", sent)
	}
}

func TestAfterARefusalTheNextReplyIsItsOwn(t *testing.T) {
	c := newConn(written(t, "*2\r\n-no\r\n:2\r\n+next\r\n"))
	_, err := c.reply()
	require.Error(t, err)
	v, err := c.reply()
	require.NoError(t, err)
	require.Equal(t, "next", v)
}

func TestWhatIsNoReplyIsRefused(t *testing.T) {
	for _, sent := range []string{
		"", "+OK", "+OK\n", "\r\n", "?1\r\n", "$x\r\n", "$-2\r\n", "*-2\r\n", "$3\r\nab", "$1\r\nabc\r\n", "*2\r\n:1\r\n",
		"$99999999999\r\n", ":\r\n", "*1000000000\r\n", strings.Repeat("+", 5000),
	} {
		_, err := readReply(bufio.NewReader(strings.NewReader(sent)))
		require.Error(t, err, "%q", sent)
	}
}

// written is a connection on which this and no more is there to be read.
func written(t *testing.T, sent string) net.Conn {
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.WriteString(theirs, sent)
		_ = theirs.Close()
	}()
	t.Cleanup(func() {
		_ = ours.Close()
		<-done
	})
	return ours
}

func FuzzReply(f *testing.F) {
	for _, sent := range []string{"+OK\r\n", "*2\r\n:1\r\n$1\r\nx\r\n", "$-1\r\n", "-ERR\r\n", "*1\r\n*1\r\n*1\r\n"} {
		f.Add([]byte(sent))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		in := bufio.NewReader(strings.NewReader(string(sent)))
		for range 100 {
			if _, err := readReply(in); err != nil {
				return
			}
		}
	})
}
