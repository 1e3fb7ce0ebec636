package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"One of ${enum}."`
}

// scripts ask this program itself, so that they fit whatever version is
// installed. Where it knows nothing, names of files are offered.
var scripts = map[string]string{
	"bash": `# offhook: put this line into ~/.bashrc:  source <(offhook completion bash)
_offhook() {
	local IFS=$'\n'
	COMPREPLY=($("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _offhook offhook
`,
	"zsh": `#compdef offhook
# offhook: put this line into ~/.zshrc:  source <(offhook completion zsh)
_offhook() {
	local -a found
	found=("${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	if [[ -n "${found[1]}" ]]; then compadd -- "${found[@]}"; else _files; fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _offhook offhook
`,
	"fish": `# offhook: put this line into ~/.config/fish/config.fish:  offhook completion fish | source
function __offhook_complete
	set -l words (commandline -opc) (commandline -ct)
	$words[1] __complete -- $words[2..-1] 2>/dev/null
end
complete -c offhook -a '(__offhook_complete)'
`,
}

func (c completionCmd) Run(stdout io.Writer) error {
	_, err := io.WriteString(stdout, scripts[c.Shell])
	return err
}

// completeCmd is what the scripts ask.
type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

func (c completeCmd) Run(stdout io.Writer, app *kong.Kong) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	for _, w := range candidates(app.Model.Node, words[:len(words)-1], words[len(words)-1]) {
		if _, err := fmt.Fprintln(stdout, w); err != nil {
			return err
		}
	}
	return nil
}

// candidates are what the last word of a command line may be, sorted.
func candidates(at *kong.Node, before []string, last string) (all []string) {
	var wants *kong.Flag // whose value comes next
	given := 0           // arguments that are there
	for _, w := range before {
		switch {
		case wants != nil:
			wants = nil
		case strings.HasPrefix(w, "-"):
			name, _, has := strings.Cut(strings.TrimLeft(w, "-"), "=")
			for _, f := range flagsOf(at) {
				if f.Name == name && !f.IsBool() && !has {
					wants = f
				}
			}
		default:
			next := slices.IndexFunc(at.Children, func(n *kong.Node) bool { return (n.Name == w || slices.Contains(n.Aliases, w)) && !n.Hidden })
			if next < 0 {
				given++
				continue
			}
			at = at.Children[next]
		}
	}
	var offered []string
	switch {
	case wants != nil:
		offered = wants.EnumSlice()
	case strings.HasPrefix(last, "-"):
		for _, f := range flagsOf(at) {
			offered = append(offered, "--"+f.Name)
		}
	default:
		for _, n := range at.Children {
			if !n.Hidden {
				offered = append(offered, n.Name)
			}
		}
		if given < len(at.Positional) && at.Positional[given].Enum != "" {
			offered = append(offered, at.Positional[given].EnumSlice()...)
		}
	}
	for _, w := range offered {
		if w != "" && strings.HasPrefix(w, last) {
			all = append(all, w)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func flagsOf(n *kong.Node) (all []*kong.Flag) {
	for _, group := range n.AllFlags(true) {
		all = append(all, group...)
	}
	return all
}
