package docs

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what is expected anew; read it before you commit it")

const (
	begin = "# <as in openapi.yaml>"
	end   = "# <end>"
)

// Both listeners have the routes of webhooks. The document of the admin
// listener has them, and what they refer to, as they are in that of the
// public one, but for what is about keys.
func TestTheAdminDocumentHasTheWebhooksOfThePublicOne(t *testing.T) {
	want := shared(OpenAPI, AdminOpenAPI)
	if *update {
		require.NoError(t, os.WriteFile("admin-openapi.yaml", []byte(want), 0o600))
		return
	}
	require.True(t, want == AdminOpenAPI, "docs/admin-openapi.yaml is behind docs/openapi.yaml; go test ./docs -update")
}

// shared is the admin document with its copies made anew.
func shared(public, admin string) string {
	blocks := blocksOf(public)
	own := map[string]bool{}
	admin = fill(admin, func(string) string { return "" })
	for name := range blocksOf(admin) {
		own[name] = true
	}
	var paths []string
	for name := range blocks {
		if strings.HasPrefix(name, "paths//apps/{app_id}/webhooks") {
			paths = append(paths, name)
		}
	}
	slices.Sort(paths)
	copied := map[string]string{}
	for _, name := range paths {
		copied["paths"] += tokened(blocks[name])
	}
	wanted := refs(admin + copied["paths"])
	for i := 0; i < len(wanted); i++ {
		if name := wanted[i]; !own[name] {
			for _, more := range refs(blocks[name]) {
				if !slices.Contains(wanted, more) {
					wanted = append(wanted, more)
				}
			}
		}
	}
	slices.Sort(wanted)
	for _, name := range wanted {
		if section, _, _ := strings.Cut(name, "/"); !own[name] {
			copied[section] += blocks[name]
		}
	}
	return fill(admin, func(section string) string { return copied[section] })
}

// tokened is a path as the admin listener has it: there is a token and no scopes.
func tokened(path string) string {
	for _, gone := range []string{`(?m)^      security: .*\n`, `(?m)^        '403': .*\n`} {
		path = regexp.MustCompile(gone).ReplaceAllString(path, "")
	}
	return strings.Replace(path, "  /apps/", "  /admin/apps/", 1)
}

var refTo = regexp.MustCompile(`#/components/(\w+/\w+)'`)

func refs(text string) (all []string) {
	for _, m := range refTo.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(all, m[1]) {
			all = append(all, m[1])
		}
	}
	return all
}

var (
	sectionLine   = regexp.MustCompile(`^(  )?(\w+):$`)
	pathLine      = regexp.MustCompile(`^  (/\S*):$`)
	componentLine = regexp.MustCompile(`^    (\w+):`)
)

// blocksOf cuts a document into its paths and components, by "paths//x" and
// "schemas/x": the lines from its name to the next.
func blocksOf(text string) map[string]string {
	blocks := map[string]string{}
	section, name := "", ""
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\n")
		switch m := sectionLine.FindStringSubmatch(bare); {
		case m != nil:
			section, name = m[2], ""
		case section == "paths" && pathLine.MatchString(bare):
			name = "paths/" + pathLine.FindStringSubmatch(bare)[1]
		case section != "paths" && componentLine.MatchString(bare):
			name = section + "/" + componentLine.FindStringSubmatch(bare)[1]
		case bare == "" || strings.HasPrefix(strings.TrimSpace(bare), "#"):
			name = ""
		}
		if name != "" {
			blocks[name] += line
		}
	}
	return blocks
}

// fill puts text between the marks of each section.
func fill(text string, with func(section string) string) string {
	var b strings.Builder
	section, inside := "", false
	for line := range strings.Lines(text) {
		if m := sectionLine.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			section = m[2]
		}
		switch strings.TrimSpace(line) {
		case begin:
			b.WriteString(line)
			b.WriteString(with(section))
			inside = true
			continue
		case end:
			inside = false
		}
		if !inside {
			b.WriteString(line)
		}
	}
	return b.String()
}
