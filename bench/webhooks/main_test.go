package webhooks

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The receiver's process is this test binary, started once more.
func TestMain(m *testing.M) {
	if code, is := Roles.Become(); is {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m,
		// The bare client looks for idle connections every ten seconds.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}
