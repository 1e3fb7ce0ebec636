package webhooks

import (
	"errors"
	"runtime"
)

const ms = 1e6 // ns

// rest clears up before a measurement, so that it does not pay for what came
// before.
func rest() { runtime.GC() }

// closed adds an error of closing to the one that matters more.
func closed(err, closing error) error {
	if err != nil {
		return err
	}
	return errors.Join(closing)
}
