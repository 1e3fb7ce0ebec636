package docs

import (
	"flag"
	"maps"
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

// Both listeners have the routes of webhooks, and the operator may do what an
// app may. The document of the admin listener has these operations, and what
// they refer to, as they are in that of the public one, but for what is about keys.
func TestTheAdminDocumentHasTheOperationsOfAnAppFromThePublicOne(t *testing.T) {
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
		if strings.HasPrefix(name, "paths//apps/{app_id}/") && !strings.HasSuffix(name, "/stream") {
			paths = append(paths, name)
		}
	}
	slices.Sort(paths)
	copied := map[string]string{}
	for _, name := range paths {
		path := tokened(blocks[name])
		if !strings.Contains(name, "/webhooks") {
			path = asApp(path, own)
		}
		place := "paths"
		if at, _, _ := strings.Cut(strings.TrimSpace(path), ":\n"); own["paths/"+at] { // which has other methods here
			place = "paths/" + at
			path = path[strings.Index(path, "    get:"):]
		}
		copied[place] += path
	}
	wanted := refs(admin + strings.Join(slices.Collect(maps.Values(copied)), ""))
	for i := 0; i < len(wanted); i++ {
		if name := wanted[i]; !own[name] {
			for _, more := range refs(appsView(blocks[publicName(name)], own)) {
				if !slices.Contains(wanted, more) {
					wanted = append(wanted, more)
				}
			}
		}
	}
	slices.Sort(wanted)
	for _, name := range wanted {
		if section, _, _ := strings.Cut(name, "/"); !own[name] {
			block := appsView(blocks[publicName(name)], own)
			if publicName(name) != name {
				block = strings.Replace(block, "    ", "    App", 1)
			}
			copied[section] += block
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

// asApp is such a path where the operator acts in the place of an app. Operations
// of the operator's own may have the same name and the same heading.
func asApp(path string, own map[string]bool) string {
	path = regexp.MustCompile(`(?m)^(      operationId: \w+)$`).ReplaceAllString(path, "${1}AsApp")
	path = regexp.MustCompile(`(?m)^(      tags: \[\w+)\]$`).ReplaceAllString(path, "${1} as an app]")
	return appsView(path, own)
}

// appsView has a text refer to what an app sees where the operator sees another
// thing of the same name: his Network has addresses, the app's AppNetwork none.
func appsView(text string, own map[string]bool) string {
	return refTo.ReplaceAllStringFunc(text, func(ref string) string {
		name := refTo.FindStringSubmatch(ref)[1]
		if strings.HasPrefix(name, "schemas/") && own[name] {
			return strings.Replace(ref, "schemas/", "schemas/App", 1)
		}
		return ref
	})
}

// publicName is the name that a component has in the public document.
func publicName(name string) string {
	if bare, ok := strings.CutPrefix(name, "schemas/App"); ok && bare != "" {
		return "schemas/" + bare
	}
	return name
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

// fill puts text between the marks of each section, and of a path that has marks
// of its own, "paths//x".
func fill(text string, with func(place string) string) string {
	var b strings.Builder
	section, path, inside := "", "", false
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\n")
		if m := sectionLine.FindStringSubmatch(bare); m != nil {
			section = m[2]
		}
		if m := pathLine.FindStringSubmatch(bare); m != nil && !inside {
			path = m[1]
		}
		switch strings.TrimSpace(line) {
		case begin:
			b.WriteString(line)
			place := section
			if section == "paths" && strings.HasPrefix(line, "    ") {
				place = "paths/" + path
			}
			b.WriteString(with(place))
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
