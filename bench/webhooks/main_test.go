package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The receiver's process is this test binary, started once more.
func TestMain(m *testing.M) {
	if os.Getenv(roleVar) == asReceiver {
		os.Exit(beReceiver())
	}
	goleak.VerifyTestMain(m,
		// The bare client looks for idle connections every ten seconds.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}
