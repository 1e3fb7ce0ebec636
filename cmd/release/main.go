// Command release builds what is handed out: one static binary for each
// platform, a list of what is in it (CycloneDX), and the checksums of all. The
// same sources, the same Go and the same SOURCE_DATE_EPOCH make the same bytes,
// wherever and whenever.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	var j job
	var targets string
	flag.StringVar(&j.version, "version", "", "what the release is called; empty for the commit")
	flag.StringVar(&j.out, "out", "bin/release", "the directory it is put into")
	flag.StringVar(&j.source, "source", ".", "the directory of the sources")
	flag.StringVar(&targets, "targets", "linux/amd64,linux/arm64", "platforms, as GOOS/GOARCH")
	flag.Parse()
	j.targets = strings.Split(targets, ",")
	var err error
	if j.date, err = sourceDate(os.Getenv("SOURCE_DATE_EPOCH"), j.source); err == nil {
		err = j.run(os.Stdout)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "release: %v\n", err)
		os.Exit(1)
	}
}

// job is one release.
type job struct {
	version, out, source string
	targets              []string
	date                 time.Time // of the sources
}

func (j *job) run(say io.Writer) error {
	if err := os.MkdirAll(j.out, 0o750); err != nil {
		return err
	}
	var files []string
	for _, target := range j.targets {
		goos, goarch, ok := strings.Cut(target, "/")
		if !ok {
			return fmt.Errorf("%q is no platform; write GOOS/GOARCH", target)
		}
		name := "offhook_" + goos + "_" + goarch
		if j.version != "" {
			name = "offhook_" + j.version + "_" + goos + "_" + goarch
		}
		binary := filepath.Join(j.out, name)
		if err := j.build(binary, goos, goarch); err != nil {
			return err
		}
		bill, err := billOf(binary, name, j.version, j.date)
		if err != nil {
			return err
		}
		if err := os.WriteFile(binary+".cdx.json", bill, 0o644); err != nil { // #nosec G306 -- it is handed out
			return err
		}
		files = append(files, name, name+".cdx.json")
	}
	return j.sums(files, say)
}

// sums writes SHA256SUMS, as sha256sum -c reads it.
func (j *job) sums(files []string, say io.Writer) error {
	slices.Sort(files)
	var all strings.Builder
	for _, name := range files {
		sum, err := sumOf(filepath.Join(j.out, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&all, "%s  %s\n", sum, name)
	}
	_, _ = io.WriteString(say, all.String())
	return os.WriteFile(filepath.Join(j.out, "SHA256SUMS"), []byte(all.String()), 0o644) // #nosec G306 -- it is handed out
}

func sumOf(file string) (string, error) {
	f, err := os.Open(file) // #nosec G304 -- a file we wrote
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// sourceDate is the time the sources are from: SOURCE_DATE_EPOCH, or that of
// the last commit, or the beginning of all times.
func sourceDate(epoch, source string) (time.Time, error) {
	if epoch == "" {
		epoch = lastCommit(source)
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is %q; it has to be seconds since 1970", epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
