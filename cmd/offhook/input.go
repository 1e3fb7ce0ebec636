package main

import (
	"io"
	"os"
	"strings"
)

// maxInput bounds what is read whole, a secret or a JSON object.
const maxInput = 1 << 20

// open opens a file that a flag names; “-” is standard input.
func (p *program) open(flag, path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(p.stdin), nil
	}
	f, err := os.Open(path) // #nosec G304 -- a file that the operator names
	if err != nil {
		return nil, usage(flag, "%s cannot be read: %s", path, cause(err))
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_ = f.Close()
		return nil, usage(flag, "%s cannot be read: it is a directory", path)
	}
	return f, nil
}

// whole reads one whole.
func (p *program) whole(flag, path string) (string, error) {
	f, err := p.open(flag, path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxInput+1))
	switch {
	case err != nil:
		return "", usage(flag, "%s cannot be read: %s", path, cause(err))
	case len(text) > maxInput:
		return "", usage(flag, "%s has more than %d KiB", path, maxInput>>10)
	}
	return string(text), nil
}

// secretOf is the one line of a file; "" if none is named. A secret is never a
// flag itself: everybody on the machine sees those.
func (p *program) secretOf(flag, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := p.whole(flag, path)
	if err != nil {
		return "", err
	}
	text = strings.TrimRight(text, "\r\n")
	if text == "" || strings.ContainsAny(text, "\r\n") {
		return "", usage(flag, "%s must have one line, the secret", path)
	}
	return text, nil
}

// onlyOnce refuses standard input for two things.
func onlyOnce(paths ...string) error {
	seen := false
	for _, path := range paths {
		if path == "-" && seen {
			return &usageError{"standard input (“-”) can be one thing only"}
		}
		seen = seen || path == "-"
	}
	return nil
}

// keep tells people, beside what is printed, to keep what is not shown again.
func (p *program) keep(what string) error {
	_, err := io.WriteString(p.stderr, "keep "+what+": it is not shown again\n")
	return err
}

var errNothing error = &usageError{"nothing is to be changed: say what"}
