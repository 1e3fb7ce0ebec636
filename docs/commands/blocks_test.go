package commands

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// block is a piece of a page that is set apart, and that a reader may take for
// something to type.
type block struct {
	page, section string
	first         string // its first line
	text          string
}

// pages are the documents a reader is led through, as paths from the root.
func pages(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob(root + "/docs/*.md")
	require.NoError(t, err)
	all = append(all, root+"/README.md", root+"/docs/snippets/README.md")
	for i, path := range all {
		all[i], err = filepath.Rel(root, path)
		require.NoError(t, err)
	}
	slices.Sort(all)
	return all
}

// blocks are those of a page: indented ones, and fenced ones unless they say
// that they are something other than shell.
func blocks(t testing.TB, page string) (all []block) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	require.NoError(t, err)
	section, fence, blank := "", "", true
	var lines []string
	end := func() {
		for len(lines) > 0 && lines[len(lines)-1] == "" {
			lines = lines[:len(lines)-1]
		}
		if len(lines) > 0 {
			all = append(all, block{page, section, lines[0], strings.Join(lines, "\n") + "\n"})
		}
		lines = nil
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		mark, fenced := strings.CutPrefix(strings.TrimSpace(line), "```")
		body, indented := strings.CutPrefix(line, "    ")
		switch {
		case fenced && fence == "":
			end()
			fence = "```" + mark
		case fenced:
			end()
			fence = ""
		case fence == "```" || fence == "```sh" || fence == "```console":
			lines = append(lines, line)
		case fence != "":
		case indented && (blank || len(lines) > 0):
			lines = append(lines, body)
		case strings.TrimSpace(line) == "":
			if len(lines) > 0 {
				lines = append(lines, "")
			}
		default:
			end()
			if name, is := strings.CutPrefix(line, "## "); is {
				section = name
			}
		}
		blank = strings.TrimSpace(line) == ""
	}
	end()
	return all
}

// why a block is not run by this test; "" for one that is. A line of notRun
// without a first line stands for all of a section.
func why(b block) (reason string, entry int) {
	for i, n := range notRun {
		if n.page == b.page && (n.section == "" || n.section == b.section) && strings.HasPrefix(b.first, n.first) {
			return n.reason, i
		}
	}
	return "", -1
}

// A block that is new is run, or somebody says why it is not.
func TestEveryBlockIsRunOrIsSaidNotToBe(t *testing.T) {
	used := map[int]bool{}
	run := map[string]bool{}
	for _, page := range pages(t) {
		for _, b := range blocks(t, page) {
			reason, entry := why(b)
			used[entry] = true
			if reason == "" {
				run[page] = true
				require.Contains(t, stories, page, "%q is run by nobody: give its page a story in pages_test.go, or the block a line in notRun", b.first)
			}
		}
	}
	for i, n := range notRun {
		require.NotEmpty(t, n.reason, n)
		require.True(t, used[i], "%s has no block %q any more; remove it from notRun", n.page, n.first+n.section)
	}
	for page := range stories {
		require.True(t, run[page], "%s has nothing to run any more", page)
	}
}

// Targets that take minutes are at least there.
func TestEveryTargetThatIsNamedIsThere(t *testing.T) {
	makefile, err := os.ReadFile(root + "/Makefile")
	require.NoError(t, err)
	named := 0
	for _, page := range pages(t) {
		for _, b := range blocks(t, page) {
			for _, m := range regexp.MustCompile(`(?m)^make ([a-z0-9-]+)(?: ([A-Z]+)=)?`).FindAllStringSubmatch(b.text, -1) {
				named++
				require.Regexp(t, `(?m)^`+m[1]+`:`, string(makefile), page)
				if m[2] != "" {
					require.Contains(t, string(makefile), "$("+m[2], page)
				}
			}
		}
	}
	require.Greater(t, named, 10)
}

// What a page leads to is there, the heading too.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	code := regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	for _, page := range append(pages(t), "SECURITY.md", "CHANGELOG.md") {
		text, err := os.ReadFile(filepath.Join(root, page))
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(string(text), ""), -1) {
			path, heading, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") || strings.HasPrefix(path, "mailto:") {
				continue
			}
			target := filepath.Join(root, page)
			if path != "" {
				target = filepath.Join(filepath.Dir(target), path)
			}
			_, err := os.Stat(target)
			require.NoError(t, err, "%s leads to %s", page, m[1])
			if heading != "" {
				require.Contains(t, headings(t, target), heading, "%s leads to %s", page, m[1])
			}
		}
	}
}

// headings are those of a page, as links name them.
func headings(t testing.TB, path string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(text), -1) {
		name := strings.ToLower(regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(m[1], ""))
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}
