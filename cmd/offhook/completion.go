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

// files is what is answered where a name of a file belongs: the shell knows those.
const files = ":files"

// scripts ask this program itself, so that they fit whatever version is
// installed.
var scripts = map[string]string{
	"bash": `# offhook: put this line into ~/.bashrc:  source <(offhook completion bash)
_offhook() {
	local IFS=$'\n'
	COMPREPLY=($("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
	if [[ ${COMPREPLY[0]} == ':files' ]]; then
		COMPREPLY=()
		compopt -o default
	fi
}
complete -F _offhook offhook
`,
	"zsh": `#compdef offhook
# offhook: put this line into ~/.zshrc:  source <(offhook completion zsh)
_offhook() {
	local -a found
	found=("${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	case "${found[1]}" in
	'') ;;
	:files) compset -P '--*='; _files ;;
	*) compadd -- "${found[@]}" ;;
	esac
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _offhook offhook
`,
	"fish": `# offhook: put this line into ~/.config/fish/config.fish:  offhook completion fish | source
function __offhook_complete
	set -l words (commandline -opc) (commandline -ct)
	set -l found ($words[1] __complete -- $words[2..-1] 2>/dev/null)
	if test "$found[1]" = :files
		set -l flag (string match -r -- '^--[^=]*=' $words[-1]; or echo)
		set found $flag(__fish_complete_path (string replace -r -- '^--[^=]*=' '' $words[-1]))
	end
	string join -- \n $found
end
complete -c offhook -f -a '(__offhook_complete)'
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

// candidates are what the last word of a command line may be, sorted. Bash has
// what is behind "=" as a word of its own, and the "=" as another.
func candidates(at *kong.Node, before []string, last string) (all []string) {
	var wants *kong.Flag // whose value comes next
	given := 0           // arguments that are there
	for i, w := range before {
		switch {
		case w == "=" && wants != nil:
		case wants != nil:
			wants = nil
		case strings.HasPrefix(w, "-"):
			name, _, has := strings.Cut(strings.TrimLeft(w, "-"), "=")
			if f := flagOf(at, name); f != nil && !has && (!f.IsBool() || i+1 < len(before) && before[i+1] == "=") {
				wants = f
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
	typed, front := last, "" // what of the word was typed of the value, and what is before it
	name, value, has := strings.Cut(last, "=")
	switch {
	case wants != nil:
		if last == "=" {
			typed = ""
		}
		offered = valuesOf(wants.Value, wants.PlaceHolder)
	case strings.HasPrefix(last, "--") && has:
		if f := flagOf(at, name[2:]); f != nil {
			offered, typed, front = valuesOf(f.Value, f.PlaceHolder), value, name+"="
		}
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
		if given < len(at.Positional) {
			offered = append(offered, valuesOf(at.Positional[given], strings.ToUpper(at.Positional[given].Name))...)
		}
	}
	if slices.Contains(offered, files) {
		return []string{files}
	}
	for _, w := range offered {
		if w != "" && strings.HasPrefix(w, typed) {
			all = append(all, front+w)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// valuesOf are the words that a value may be, or files, by what stands for it.
func valuesOf(v *kong.Value, stands string) []string {
	switch {
	case v.Enum != "":
		return v.EnumSlice()
	case stands == "FILE" || stands == "DIR":
		return []string{files}
	}
	return nil
}

func flagOf(n *kong.Node, name string) *kong.Flag {
	for _, f := range flagsOf(n) {
		if f.Name == name {
			return f
		}
	}
	return nil
}

func flagsOf(n *kong.Node) (all []*kong.Flag) {
	for _, group := range n.AllFlags(true) {
		all = append(all, group...)
	}
	return all
}
