package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// build makes one binary: static, without paths of this machine, without what
// debuggers want, and with nothing of the environment in it.
func (j *job) build(binary, goos, goarch string) error {
	full, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	vcs := "-buildvcs=false"
	if lastCommit(j.source) != "0" {
		vcs = "-buildvcs=true"
	}
	cmd := exec.Command("go", "build", "-trimpath", vcs, "-mod=readonly", "-ldflags", "-s -w -buildid= -X main.release="+j.version, "-o", full, "./cmd/offhook") // #nosec G204 -- our own arguments
	cmd.Dir = j.source
	cmd.Env = append(environment(os.Environ()), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOTOOLCHAIN=local")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s/%s: %w\n%s", goos, goarch, err, out)
	}
	return nil
}

// environment is what a build may know of this machine: where things are kept
// and how modules are fetched. What changes the binary is set by build.
func environment(all []string) (kept []string) {
	for _, e := range all {
		name, _, _ := strings.Cut(e, "=")
		switch name {
		case "PATH", "HOME", "TMPDIR", "GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOROOT",
			"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR":
			kept = append(kept, e)
		}
	}
	return kept
}

// lastCommit is when the sources were committed, in seconds since 1970; "0"
// where nobody knows.
func lastCommit(source string) string {
	cmd := exec.Command("git", "log", "-1", "--format=%ct")
	cmd.Dir = source
	out, err := cmd.Output()
	if text := strings.TrimSpace(string(out)); err == nil && text != "" {
		return text
	}
	return "0"
}
