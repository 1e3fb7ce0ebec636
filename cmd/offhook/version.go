package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// release is set by the linker: -X main.release=1.2.3.
var release string

var version = versionOf(release, readBuild())

func readBuild() *debug.BuildInfo {
	info, _ := debug.ReadBuildInfo()
	return info
}

// versionOf is what this program calls itself: its release, or the commit it
// was built from.
func versionOf(release string, info *debug.BuildInfo) string {
	if release != "" {
		return release
	}
	commit, changed := "", ""
	if info != nil {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				commit = s.Value[:min(12, len(s.Value))]
			case "vcs.modified":
				if s.Value == "true" {
					changed = "+changes"
				}
			}
		}
	}
	if commit == "" {
		return "dev"
	}
	return "dev-" + commit + changed
}

type versionCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (c versionCmd) Run(stdout io.Writer) error {
	if c.JSON {
		return printJSON(stdout, struct {
			Version  string `json:"version"`
			Go       string `json:"go"`
			Platform string `json:"platform"`
		}{version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintf(stdout, "offhook %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
