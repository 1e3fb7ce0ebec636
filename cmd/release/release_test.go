package main

import (
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// little is a program that is built in a moment, laid out as offhook is.
func little(t *testing.T, dir string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "cmd", "offhook"), 0o700))
	for name, text := range map[string]string{
		"go.mod":              "module offhook\n\ngo 1.26.0\n",
		"cmd/offhook/main.go": "package main\n\nimport \"os\"\n\nvar release string\n\nfunc main() { os.Stdout.WriteString(release + \"\\n\") }\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

// whole is a copy of offhook's own sources, without their history.
func whole(t *testing.T, dir string) string {
	t.Helper()
	const root = "../.."
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() && (rel == ".git" || rel == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(dir, rel), 0o700)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, rel), text, 0o600)
	}))
	return dir
}

// release builds once, somewhere, and returns the files by name.
func release(t *testing.T, source string, targets ...string) map[string]string {
	t.Helper()
	date, err := sourceDate("1700000000", source)
	require.NoError(t, err)
	j := &job{version: "1.2.3", out: filepath.Join(t.TempDir(), "out"), source: source, targets: targets, date: date}
	require.NoError(t, j.run(io.Discard))
	files := map[string]string{}
	entries, err := os.ReadDir(j.out)
	require.NoError(t, err)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(j.out, e.Name()))
		require.NoError(t, err)
		files[e.Name()] = string(text)
	}
	files["."] = j.out
	return files
}

// Two people who build the same sources, in other places, at other times and
// with other habits, get the same bytes. OFFHOOK_RELEASE_WHOLE has offhook
// itself built twice, which takes minutes: make release-check.
func TestTheSameSourcesMakeTheSameBytes(t *testing.T) {
	sources := little
	if os.Getenv("OFFHOOK_RELEASE_WHOLE") != "" {
		sources = whole
	}
	first := release(t, sources(t, filepath.Join(t.TempDir(), "a")), "linux/amd64")
	t.Setenv("GOFLAGS", "-tags=maybe -ldflags=-X=main.release=other")
	t.Setenv("CGO_ENABLED", "1")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("USER", "somebody else")
	t.Setenv("TZ", "Asia/Tokyo")
	second := release(t, sources(t, filepath.Join(t.TempDir(), "b", "much", "further", "down")), "linux/amd64")
	out := first["."]
	delete(first, ".")
	delete(second, ".")
	require.Len(t, first, 3)
	for name := range first {
		require.True(t, first[name] == second[name], "%s differs", name)
	}

	const name = "offhook_1.2.3_linux_amd64"
	program, err := elf.Open(filepath.Join(out, name))
	require.NoError(t, err)
	defer program.Close()
	libraries, err := program.ImportedLibraries()
	require.NoError(t, err)
	require.Empty(t, libraries, "it is static")
	require.Nil(t, program.Section(".symtab"), "it is stripped")
	require.NotContains(t, first[name], t.TempDir()[:len(os.TempDir())+len("/TestTheSame")], "no path of this machine is in it")
	check := exec.Command("sha256sum", "-c", "SHA256SUMS")
	check.Dir = out
	said, err := check.CombinedOutput()
	require.NoError(t, err, "%s", said)
}

func TestTheBillSaysWhatIsInTheBinary(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	text, err := billOf(self, "a test", "1.2.3", time.Unix(1700000000, 0).UTC())
	require.NoError(t, err)
	var b bill
	require.NoError(t, json.Unmarshal(text, &b))
	require.Equal(t, "CycloneDX", b.Format)
	require.Equal(t, "1.5", b.SpecVersion)
	require.Equal(t, "2023-11-14T22:13:20Z", b.Metadata.Timestamp)
	require.Equal(t, "1.2.3", b.Metadata.Component.Version)
	require.Regexp(t, `^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$`, b.SerialNumber)
	info, err := buildinfo.ReadFile(self)
	require.NoError(t, err)
	require.Len(t, b.Components, len(info.Deps)+1, "every module, and Go's own library")
	refs := map[string]bool{}
	for _, c := range b.Components {
		require.False(t, refs[c.Ref], c.Ref)
		refs[c.Ref] = true
		require.True(t, strings.HasPrefix(c.PURL, "pkg:golang/"+c.Name+"@"), c.PURL)
	}
	require.Len(t, b.Dependencies[0].DependsOn, len(b.Components))
}

func TestTheDateIsThatOfTheSources(t *testing.T) {
	at, err := sourceDate("1700000000", ".")
	require.NoError(t, err)
	require.Equal(t, int64(1700000000), at.Unix())
	for _, wrong := range []string{"yesterday", "-1"} {
		_, err = sourceDate(wrong, ".")
		require.ErrorContains(t, err, "SOURCE_DATE_EPOCH")
	}
	at, err = sourceDate("", t.TempDir())
	require.NoError(t, err)
	require.Zero(t, at.Unix(), "nobody knows")
}
