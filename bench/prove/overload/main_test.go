package overload

import (
	"testing"

	"offhook/bench/prove/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }
