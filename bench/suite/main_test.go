package suite

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"offhook/bench/e2e"
)

// Some suites start this test binary once more.
func TestMain(m *testing.M) {
	if code, child := e2e.Become(); child {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m,
		// fasthttp's clients and servers have these for a while after they end.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}
