package scarce

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"offhook/bench/prove/rig"
)

func TestMain(m *testing.M) { rig.Main(leaks{m}) }

// leaks runs the tests and fails if one of them left a goroutine behind.
type leaks struct{ *testing.M }

func (l leaks) Run() int {
	code := l.M.Run()
	// fasthttp keeps the Date header with one goroutine for the whole process.
	err := goleak.Find(goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
	if err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
