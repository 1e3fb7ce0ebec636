package main

import (
	"fmt"
	"io"
	"path/filepath"
)

// show prints what a newcomer can do next, and keeps the script in the data
// directory, since the lines behind it will scroll by. All of it can be pasted
// into a shell: what is not a command is a comment.
func (d *demo) show(w io.Writer, s demoScript) error {
	path := filepath.Join(d.dataDir, demoScriptFile)
	text := s.String()
	if err := writeFile(path, "#!/bin/sh\n"+text, secretMode); err != nil { // it has the key in it
		return fmt.Errorf("demo script: %w", err)
	}
	_, err := fmt.Fprintf(w, `#
# offhook runs on its built-in simulator: %d phones and one demo app.
#
#   app id   %s
#   api key  %s
#
# Try it in a second terminal: paste the lines below, or run
#
#   sh %s
#
%s
# What the webhook of the demo app receives is printed here, one line for each event.
`, len(d.phones), s.App, s.Key, quote(path), text)
	return err
}

// commented makes comments of the lines written to it, so that what a program
// prints stays a shell script as a whole.
type commented struct{ w io.Writer }

func (c commented) Write(b []byte) (int, error) {
	if _, err := c.w.Write(append([]byte("# webhook  "), b...)); err != nil { // one write for one line: lines do not mix
		return 0, err
	}
	return len(b), nil
}
