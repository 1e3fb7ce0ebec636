package httpapi

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/store"
	"offhook/transport/httpapi/web"
)

// keyHouse is a house that remembers idempotency keys.
type keyHouse struct {
	*house
	store *store.Store
	path  string
}

func openKeys(t *testing.T, fs vfs.FS) *store.Store {
	t.Helper()
	s, err := store.Open("data", store.Options{FS: fs, SweepEvery: -1, CacheBytes: 1 << 20, MemTable: 1 << 20})
	require.NoError(t, err)
	return s
}

func newKeyHouse(t *testing.T, fs vfs.FS, change ...func(*Config)) *keyHouse {
	t.Helper()
	h := &keyHouse{store: openKeys(t, fs), path: "/apps/" + appID + "/calls/" + exampleID.String()}
	t.Cleanup(func() { require.NoError(t, h.store.Close()) })
	h.house = newHouse(t, append(change, func(c *Config) { c.Keys = h.store })...)
	return h
}

func (h *keyHouse) put(verb, key string, more ...string) answer {
	h.t.Helper()
	return h.request("PUT", h.path+"/"+verb, "", append([]string{"Idempotency-Key", key}, more...)...)
}

func TestARequestWithAKeyIsCarriedOutOnce(t *testing.T) {
	h := newKeyHouse(t, vfs.NewMem())
	for i := range 3 {
		a := h.put("hold", "k")
		require.Equal(t, 204, a.StatusCode)
		require.Empty(t, a.body)
		require.Empty(t, a.Header.Get("Content-Type"))
		require.Equal(t, i > 0, a.Header.Get("Idempotency-Replayed") == "true")
	}
	require.Len(t, h.calls.commands(), 1)
	h.put("resume", "k").wantProblem(t, 422, "key_reused")
	h.request("PUT", h.path+"/hold", "{}", "Idempotency-Key", "k").wantProblem(t, 422, "key_reused")
	h.request("DELETE", h.path, "", "Idempotency-Key", "k").wantProblem(t, 422, "key_reused")
	require.Len(t, h.calls.commands(), 1)

	require.Equal(t, 204, h.put("hold", "another").StatusCode)
	require.Equal(t, 204, h.request("DELETE", h.path, "", "Idempotency-Key", "end").StatusCode)
	require.Equal(t, 204, h.request("DELETE", h.path, "", "Idempotency-Key", "end").StatusCode)
	require.Equal(t, 204, h.request("PUT", h.path+"/hold", "").StatusCode)
	require.Equal(t, 204, h.request("PUT", h.path+"/hold", "").StatusCode)
	require.Len(t, h.calls.commands(), 5)

	// Keys of another app are another's.
	a := h.request("PUT", "/apps/"+otherApp+"/calls/"+exampleID.String()+"/resume", "", "Idempotency-Key", "k", "Authorization", "Bearer "+h.otherKey)
	require.Equal(t, 204, a.StatusCode)
	require.Empty(t, a.Header.Get("Idempotency-Replayed"))
	for _, bad := range []string{"", "clé", fmt.Sprintf("%0256d", 0)} {
		h.put("hold", bad).wantProblem(t, 422, "invalid_field")
	}
}

func TestAKeyIsFreeAgainIfNothingWasDone(t *testing.T) {
	h := newKeyHouse(t, vfs.NewMem())
	h.unwatched()
	var refusal *engine.Error
	h.calls.answer = func(context.Context, engine.Command) engine.Reply { return engine.Reply{Err: refusal} }
	for code, again := range map[engine.Code]string{
		engine.CodeNotFound: "", engine.CodeWrongState: "", engine.CodeCommandPending: "", engine.CodeConflict: "",
		engine.CodeInvalidField: "", engine.CodeNumberNotAllowed: "", engine.CodeBusy: "", engine.CodeProviderUnavailable: "",
		engine.CodeProviderError: "true", engine.CodeUnconfirmed: "true", engine.CodeOutcomeUnknown: "true",
	} {
		key := "key of " + string(code)
		refusal = &engine.Error{Code: code, Message: "no"}
		first := h.put("hold", key)
		require.Contains(t, first.body, `"code":"`+string(code)+`"`)
		require.Empty(t, first.Header.Get("Idempotency-Replayed"))
		refusal = nil
		second := h.put("hold", key)
		require.Equal(t, again, second.Header.Get("Idempotency-Replayed"), code)
		if again == "" {
			require.Equal(t, 204, second.StatusCode, code)
			continue
		}
		require.Equal(t, first.StatusCode, second.StatusCode)
		require.Equal(t, first.body, second.body)
		require.Equal(t, first.Header.Get("Content-Type"), second.Header.Get("Content-Type"))
	}
}

func TestARequestWhoseEndNobodyKnowsIsNotRepeated(t *testing.T) {
	h := newKeyHouse(t, vfs.NewMem())
	ran := 0
	h.calls.answer = func(context.Context, engine.Command) engine.Reply { ran++; panic("half way") }
	h.put("hold", "k").wantProblem(t, 500, "internal")
	for range 2 {
		h.put("hold", "k").wantProblem(t, 504, "outcome_unknown")
		h.put("resume", "k").wantProblem(t, 422, "key_reused")
	}
	require.Equal(t, 1, ran)
}

func TestASecondRequestWaitsForTheFirst(t *testing.T) {
	h := newKeyHouse(t, vfs.NewMem())
	var ran atomic.Int64
	began, release := make(chan struct{}), make(chan struct{})
	h.calls.answer = func(context.Context, engine.Command) engine.Reply {
		if ran.Add(1) == 1 {
			close(began)
			<-release
		}
		return engine.Reply{}
	}
	var all sync.WaitGroup
	var replayed atomic.Int64
	ask := func() {
		if a := h.put("hold", "k"); a.StatusCode == 204 && a.Header.Get("Idempotency-Replayed") == "true" {
			replayed.Add(1)
		}
	}
	all.Go(ask)
	<-began
	for range 5 {
		all.Go(ask)
	}
	h.put("resume", "k").wantProblem(t, 422, "key_reused") // which does not wait
	close(release)
	all.Wait()
	require.EqualValues(t, 1, ran.Load())
	require.EqualValues(t, 5, replayed.Load())
}

func TestNobodyWaitsForALongTime(t *testing.T) {
	h := newKeyHouse(t, vfs.NewMem(), func(c *Config) { c.CommandTimeout = 50 * time.Millisecond })
	began, release := make(chan struct{}), make(chan struct{})
	h.calls.answer = func(context.Context, engine.Command) engine.Reply {
		close(began)
		<-release
		return engine.Reply{}
	}
	var first sync.WaitGroup
	first.Go(func() { h.put("hold", "k") })
	<-began
	h.put("hold", "k").wantProblem(t, 409, "key_in_progress")
	close(release)
	first.Wait()
	require.Equal(t, "true", h.put("hold", "k").Header.Get("Idempotency-Replayed"))
}

// brokenKeys fails from its nth write on.
type brokenKeys struct {
	web.Keys
	left int
}

func (b *brokenKeys) PutOnce(o *engine.Once) error {
	if b.left--; b.left < 0 {
		return errors.New("disk on fire")
	}
	return b.Keys.PutOnce(o)
}

func TestWhatIsNotRememberedIsNotSaid(t *testing.T) {
	for left, want := range []struct {
		status int
		code   string
		ran    int
	}{{500, "internal", 0}, {504, "outcome_unknown", 1}} {
		h := newKeyHouse(t, vfs.NewMem())
		h.server.repeats.Keys = &brokenKeys{h.store, left}
		h.put("hold", "k").wantProblem(t, want.status, want.code)
		require.Len(t, h.calls.commands(), want.ran)
	}
}

// However often the power goes, and wherever: a request that is repeated with
// its key until it is answered is carried out once at the most.
func TestPowerCutsCarryNothingOutTwice(t *testing.T) {
	mem := vfs.NewCrashableMem()
	rng := rand.New(rand.NewPCG(3, 4)) // #nosec G404 -- a test
	type cut struct {
		fs  *vfs.MemFS
		ran bool // by then the request was with the one who carries it out
		got bool // and was answered
	}
	var mu sync.Mutex
	var cuts []cut
	var on, ran, got atomic.Bool
	take := func() {
		mu.Lock()
		defer mu.Unlock()
		c := cut{ran: ran.Load(), got: got.Load()} // before the picture is taken
		c.fs = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(3) * 50, RNG: rng})
		cuts = append(cuts, c)
	}
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if on.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			take()
		}
		return nil
	}))
	h := newKeyHouse(t, fs)
	h.calls.answer = func(context.Context, engine.Command) engine.Reply {
		take()
		ran.Store(true)
		take()
		return engine.Reply{}
	}
	on.Store(true)
	take()
	require.Equal(t, 204, h.put("hold", "k").StatusCode)
	got.Store(true)
	take()
	on.Store(false)

	before, after := 0, 0
	for i, c := range cuts {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			again := newKeyHouse(t, c.fs)
			a := again.put("hold", "k")
			runs := len(again.calls.commands())
			if c.ran {
				require.Zero(t, runs, "carried out twice")
				after++
			} else {
				before++
			}
			switch a.StatusCode {
			case 204:
				require.Equal(t, runs == 0, a.Header.Get("Idempotency-Replayed") == "true")
			default:
				a.wantProblem(t, 504, "outcome_unknown")
				require.False(t, c.got, "the answer was said and is forgotten")
			}
		})
	}
	require.Positive(t, before)
	require.Positive(t, after)
}
