package main

import (
	"fmt"
	"io"
	"net/url"
	"path/filepath"
)

// show prints what a newcomer can do next, and keeps the script in the data
// directory, since the lines behind it will scroll by. All of it can be pasted
// into a shell: what is not a command is a comment. Where nobody reads along,
// what is printed ends in a journal: then it names the file with the key.
func (d *demo) show(w io.Writer, s demoScript, reader bool) error {
	path := filepath.Join(d.dataDir, demoScriptFile)
	text := s.String()
	if err := writeFile(path, "#!/bin/sh\n"+text, secretMode); err != nil { // it has the key in it
		return fmt.Errorf("demo script: %w", err)
	}
	key := s.Key
	if !reader {
		s.KeyFile = filepath.Join(d.dataDir, demoKeyFile)
		key = "in " + quote(s.KeyFile)
		text = s.String()
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
%s`, len(d.phones), s.App, key, quote(path), text, d.whereTold())
	return err
}

// whereTold says where what the demo app's webhook receives can be seen.
func (d *demo) whereTold() string {
	if d.elsewhere == "" {
		return "# What the webhook of the demo app receives is printed here, one line for each event, as long as it leads here.\n"
	}
	return "# The webhook of the demo app leads to " + d.elsewhere + ": what it receives is seen there, and not printed here.\n" +
		"# To have it printed here again, run this after the lines above, and start offhook again:\n#\n" +
		`#   curl -sS -X DELETE -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls"` + "\n"
}

// whose is where a URL leads, without what may be secret in it.
func whose(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "another place"
	}
	return plain(u.Scheme + "://" + u.Host)
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
