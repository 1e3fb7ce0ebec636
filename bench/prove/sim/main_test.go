package sim

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	warm()
	// fasthttp keeps the Date header with one goroutine for the whole process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// warm has fasthttp serve one request, so that what it starts once for a whole
// process does not start inside of a bubble with a clock of its own.
func warm() {
	near, far := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		s := fasthttp.Server{Handler: func(*fasthttp.RequestCtx) {}, ReadTimeout: time.Minute}
		_ = s.ServeConn(far)
	}()
	if _, err := io.WriteString(near, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		panic(err)
	}
	if _, err := io.ReadAll(near); err != nil {
		panic(err)
	}
	<-served
}
