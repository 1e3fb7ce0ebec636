package webhooks

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

// receiverOf starts a receiver's process for one test.
func receiverOf(t *testing.T) *keeper {
	k, err := startKeeper(t.Context(), os.Stderr)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.End()) })
	return k
}

// post sends signed messages, one after the other.
func post(t *testing.T, l *ledger, list ...message) {
	t.Helper()
	hc := &fasthttp.HostClient{Addr: l.k.addr.Hooks, Dial: dial}
	defer hc.CloseIdleConnections()
	var req fasthttp.Request
	var resp fasthttp.Response
	for i := range list {
		require.NoError(t, send(hc, &req, &resp, l.url(), &list[i]))
	}
}

func TestTheReceiverTellsDisorderAndLossAtOnce(t *testing.T) {
	k := receiverOf(t)
	list, err := messages(1, 4)
	require.NoError(t, err)

	l, err := k.open(t.Context(), 1, true)
	require.NoError(t, err)
	post(t, l, list[0], list[1], list[1], list[2], list[0], list[3])
	require.NoError(t, l.wait(t.Context(), 4), "repeats are allowed")
	p, err := l.turn(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, p.Repeats)
	require.Equal(t, []uint32{4}, p.Last)

	l, err = k.open(t.Context(), 1, true)
	require.NoError(t, err)
	post(t, l, list[0], list[2])
	require.ErrorIs(t, l.wait(t.Context(), 4), errDisorder, "it does not wait for what can no longer come")
	require.NoError(t, l.close(t.Context()))
	_, err = l.turn(t.Context())
	require.ErrorContains(t, err, "no books")
}

func TestTheReceiverRefusesWhatIsNotSigned(t *testing.T) {
	k := receiverOf(t)
	l, err := k.open(t.Context(), 1, true)
	require.NoError(t, err)
	list, err := messages(1, 1)
	require.NoError(t, err)
	list[0].signature = "v1,bm90IG91cnM="
	hc := &fasthttp.HostClient{Addr: k.addr.Hooks, Dial: dial}
	defer hc.CloseIdleConnections()
	err = send(hc, new(fasthttp.Request), new(fasthttp.Response), l.url(), &list[0])
	require.ErrorContains(t, err, "401")
	require.ErrorIs(t, l.wait(t.Context(), 1), errDisorder)
}

func TestTheSilentListenerTakesARequestAndSaysNothing(t *testing.T) {
	k := receiverOf(t)
	ctx, cancel := context.WithCancel(t.Context())
	sent := make(chan struct{})
	body := io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), onRead(func() { close(sent) }))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+k.addr.Silent+"/", io.NopCloser(body))
	require.NoError(t, err)
	done := make(chan error, 1)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		_, err := client.Do(req)
		done <- err
	}()
	<-sent // all of it was taken
	select {
	case err := <-done:
		require.Fail(t, "an answer", "%v", err)
	default:
	}
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

// onRead is the end of a body that says when it is read.
type onRead func()

func (f onRead) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

func TestAStoreThatCannotBeMadeIsExitCodeOne(t *testing.T) {
	var out, errs bytes.Buffer
	require.Equal(t, exitFailure, run(t.Context(), []string{"--dir", "/nowhere/at/all"}, &out, &errs))
	require.Contains(t, errs.String(), "/nowhere/at/all")
	require.Empty(t, out.String())
}
