// Command command measures the delivery of webhooks; see the package above.
package main

import (
	"os"

	"offhook/bench/webhooks"
)

func main() {
	if code, is := webhooks.Roles.Become(); is {
		os.Exit(code)
	}
	os.Exit(webhooks.Main(os.Args[1:]))
}
