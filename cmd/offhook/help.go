package main

import (
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

type helpCmd struct {
	Command []string `arg:"" optional:"" help:"As “call place”; all of them if it is left out."`
}

// Run does not return but for a command that there is not.
func (c helpCmd) Run(app *kong.Kong) error {
	_, err := app.Parse(append(c.Command, "--help"))
	return err
}

// words are the command that was chosen, without its arguments.
func words(chosen *kong.Context) string {
	if chosen == nil {
		return ""
	}
	if s := chosen.Selected(); s != nil {
		return strings.TrimPrefix(s.FullPath(), "offhook ")
	}
	return ""
}

var shortFlag = regexp.MustCompile(`^unknown flag -([^-\s,]+)`)

// slip is what was wrong with a command line. The nearest to a short flag is
// always -h, the only one there is, and never what was meant.
func slip(e *kong.ParseError) string {
	text := e.Error()
	if strings.HasPrefix(text, "unexpected argument ,") {
		return "an argument is empty"
	}
	m := shortFlag.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	at := e.Context.Selected()
	if at == nil {
		at = e.Context.Model.Node
	}
	var meant []string
	for _, f := range flagsOf(at) {
		if strings.HasPrefix(f.Name, m[1]) {
			meant = append(meant, "--"+f.Name)
		}
	}
	if len(meant) == 0 || len(meant) > 3 {
		return m[0] + "; flags are words behind two dashes"
	}
	return m[0] + ", did you mean " + strings.Join(meant, " or ") + "?"
}
