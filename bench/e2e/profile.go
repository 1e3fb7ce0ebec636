package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"offhook/bench/figures"
)

// profile is a processor profile of offhook, as far as the budgets ask.
type profile struct {
	total   int64            // ns of the processor
	flat    map[string]int64 // by function
	garbage int64            // in collecting garbage, allocations that must help with it included
	entries []string         // functions, the most expensive first
}

// during takes a profile of offhook while something is done, and keeps it in a
// file of that name where the suite wants them.
func (s *Suite) during(ctx context.Context, n *node, name string, length time.Duration, do func() error) (*profile, error) {
	type taken struct {
		text []byte
		err  error
	}
	profiled := make(chan taken, 1)
	go func() {
		text, err := n.profile(ctx, length)
		profiled <- taken{text, err}
	}()
	err := do()
	got := <-profiled
	if err := errors.Join(err, got.err); err != nil {
		return nil, err
	}
	if s.profiles != "" {
		err := os.MkdirAll(s.profiles, 0o700)
		if err := errors.Join(err, os.WriteFile(filepath.Join(s.profiles, name+".pprof"), got.text, 0o600)); err != nil {
			return nil, err
		}
	}
	return readProfile(got.text)
}

// profile fetches one over so long a time, of which offhook is told the whole
// seconds.
func (n *node) profile(ctx context.Context, length time.Duration) ([]byte, error) {
	seconds := max(1, int(length.Seconds()))
	req, err := http.NewRequestWithContext(ctx, "GET", n.base+fmt.Sprintf("/debug/pprof/profile?seconds=%d", seconds), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+n.token)
	res, err := n.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("profile: %s, %w", res.Status, err)
	}
	return body, nil
}

// collectors are the functions below which garbage is collected.
var collectors = []string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.gcStart", "runtime.gcMarkTermination", "runtime.bgsweep", "runtime.bgscavenge"}

// lockers are the functions in which goroutines and threads stand in each
// other's way.
var lockers = []string{"runtime.lock2", "internal/sync.(*Mutex).lockSlow", "sync.(*Mutex).lockSlow", "runtime.semacquire1", "runtime.procyield"}

// collecting is the share of garbage collection, in percent.
func (p *profile) collecting() float64 { return 100 * float64(p.garbage) / float64(max(p.total, 1)) }

// contention is the place of the most expensive entry that is a lock, and its
// share in percent; one behind the last without any.
func (p *profile) contention() (place int, share float64, name string) {
	for i, f := range p.entries {
		if slices.Contains(lockers, f) {
			return i + 1, 100 * float64(p.flat[f]) / float64(max(p.total, 1)), f
		}
	}
	return len(p.entries) + 1, 0, "none"
}

func profileRows(profiles []*profile) []figures.Row {
	garbage := figures.Row{
		Suite: suiteName, Name: "  of offhook's processor time: garbage collection", Unit: "%", Budget: &figures.Budget{Limit: 5},
		Note: "a profile taken through the admin listener during the sustained run",
	}
	place := figures.Row{Suite: suiteName, Name: "  place of the first lock in its profile", Unit: "th", Budget: &figures.Budget{AtLeast: true, Limit: 11}}
	var names []string
	for _, p := range profiles {
		garbage.Ours = append(garbage.Ours, p.collecting())
		at, share, name := p.contention()
		place.Ours = append(place.Ours, float64(at))
		names = append(names, fmt.Sprintf("%s %.1f %%", name, share))
	}
	place.Note = strings.Join(names, ", ")
	return []figures.Row{garbage, place}
}

var errProfile = errors.New("not a profile")

// readProfile reads what the runtime writes: profile.proto, gzipped. Numbers of
// fields are that file's.
func readProfile(b []byte) (*profile, error) {
	unzip, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errProfile, err)
	}
	if b, err = io.ReadAll(unzip); err != nil {
		return nil, fmt.Errorf("%w: %w", errProfile, err)
	}
	var text []string
	var samples [][]byte
	functions := map[uint64]uint64{}   // id -> index of its name
	locations := map[uint64][]uint64{} // id -> functions, the innermost first
	ok := fields(b, func(n protowire.Number, v uint64, sub []byte) {
		switch n {
		case 2:
			samples = append(samples, sub)
		case 4:
			var id uint64
			var of []uint64
			fields(sub, func(n protowire.Number, v uint64, sub []byte) {
				switch n {
				case 1:
					id = v
				case 4:
					fields(sub, func(n protowire.Number, v uint64, _ []byte) {
						if n == 1 {
							of = append(of, v)
						}
					})
				}
			})
			locations[id] = of
		case 5:
			var id, name uint64
			fields(sub, func(n protowire.Number, v uint64, _ []byte) {
				switch n {
				case 1:
					id = v
				case 2:
					name = v
				}
			})
			functions[id] = name
		case 6:
			text = append(text, string(sub))
		}
	})
	if !ok {
		return nil, errProfile
	}
	p := &profile{flat: map[string]int64{}}
	for _, s := range samples {
		var at, values []uint64
		fields(s, func(n protowire.Number, v uint64, sub []byte) {
			switch n {
			case 1:
				at = appendPacked(at, v, sub)
			case 2:
				values = appendPacked(values, v, sub)
			}
		})
		if len(values) < 2 { // how often, and ns
			return nil, errProfile
		}
		var stack []string
		for _, l := range at {
			for _, f := range locations[l] {
				if i := functions[f]; i < uint64(len(text)) {
					stack = append(stack, text[i])
				}
			}
		}
		p.add(stack, int64(values[1])) // #nosec G115 -- ns
	}
	return p.sorted(), nil
}

func (p *profile) add(stack []string, ns int64) {
	p.total += ns
	if len(stack) > 0 {
		p.flat[stack[0]] += ns
	}
	if slices.ContainsFunc(stack, func(f string) bool { return slices.Contains(collectors, f) }) {
		p.garbage += ns
	}
}

func (p *profile) sorted() *profile {
	for f := range p.flat {
		p.entries = append(p.entries, f)
	}
	slices.SortFunc(p.entries, func(a, b string) int {
		if d := p.flat[b] - p.flat[a]; d != 0 {
			return int(d)
		}
		return strings.Compare(a, b)
	})
	return p
}

// fields walks a message; v is the value of a number, sub of what has a length.
func fields(b []byte, fn func(n protowire.Number, v uint64, sub []byte)) bool {
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return false
		}
		b = b[size:]
		var v uint64
		var sub []byte
		switch kind {
		case protowire.VarintType:
			v, size = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			sub, size = protowire.ConsumeBytes(b)
		default:
			size = protowire.ConsumeFieldValue(n, kind, b)
		}
		if size < 0 {
			return false
		}
		fn(n, v, sub)
		b = b[size:]
	}
	return true
}

// appendPacked appends a number, or all of those that were packed together.
func appendPacked(list []uint64, v uint64, packed []byte) []uint64 {
	if packed == nil {
		return append(list, v)
	}
	for len(packed) > 0 {
		v, size := protowire.ConsumeVarint(packed)
		if size < 0 {
			return list
		}
		list = append(list, v)
		packed = packed[size:]
	}
	return list
}
