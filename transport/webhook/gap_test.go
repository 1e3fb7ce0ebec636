package webhook

import (
	"encoding/json"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/clock"
	"offhook/engine/tenant"
	"offhook/store/storetest"
)

func TestOverTheRealStoreAGapNamesWhatWasGivenUp(t *testing.T) {
	type arrival struct {
		header, id string
		body       struct {
			Sequence string `json:"sequence_number"`
			Type     string `json:"type"`
			From     string `json:"gap_from"`
			EventID  string `json:"event_id"`
			Calls    []struct {
				State string `json:"state"`
			} `json:"calls"`
		}
	}
	for name, extended := range map[string]bool{"extended": true, "by header": false} {
		t.Run(name, func(t *testing.T) {
			got := make(chan arrival, 10)
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
				a := arrival{header: r.Header.Get("webhook-gap-from"), id: r.Header.Get("webhook-id")}
				body, err := io.ReadAll(r.Body)
				if err != nil || json.Unmarshal(body, &a.body) != nil {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				got <- a
			})
			mem := vfs.NewCrashableMem()
			s := openOn(t, mem)
			require.NoError(t, s.PutApp(&tenant.App{ID: "app", Calls: tenant.Receiver{
				URL: srv.URL, Secrets: []string{testSecret}, Extended: extended, Paused: true,
			}}))
			sub := storetest.Subscriber("alice")
			storetest.Put(t, s, []engine.Record{storetest.Of(sub)}, emitTo("app", sub.ID, 1, 3))
			var ahead atomic.Int64
			cfg := Config{Poster: NewClient(ampleTimes()), Clock: clock.New(func() int64 { return time.Now().Add(time.Duration(ahead.Load())).UnixMilli() }, nil)}

			cfg.Outbox, cfg.Tenants = s, s
			d := New(cfg)
			d.Start()
			ahead.Store(int64(8 * 24 * time.Hour))
			require.NoError(t, d.expire())
			stop(t, d)
			after := mem.CrashClone(vfs.CrashCloneCfg{}) // the power goes before anybody was told
			require.NoError(t, s.Close())

			s = openOn(t, after)
			defer s.Close()
			cfg.Outbox, cfg.Tenants = s, s
			d = New(cfg)
			d.Start()
			defer stop(t, d)
			_, err := s.ChangeApp("app", func(was *tenant.App) (*tenant.App, error) {
				r := was.Calls
				r.Paused = false
				return was.With(engine.StreamCalls, r), nil
			})
			require.NoError(t, err)
			storetest.Put(t, s, []engine.Record{storetest.Of(sub)}, emitTo("app", sub.ID, 4, 4))
			d.Ready("app", sub.ID, engine.StreamCalls, 4)

			next := func() arrival {
				select {
				case a := <-got:
					return a
				case <-time.After(30 * time.Second):
					require.FailNow(t, "nothing came")
					return arrival{}
				}
			}
			first := next()
			if extended {
				require.Equal(t, []string{"3", "stream.gap", "1"}, []string{first.body.Sequence, first.body.Type, first.body.From})
				require.Equal(t, first.id, first.body.EventID)
				require.Len(t, first.body.Calls, 1)
				require.Equal(t, "ringing", first.body.Calls[0].State)
				require.Empty(t, first.header)
				first = next()
			} else {
				require.Equal(t, "1", first.header)
			}
			require.Equal(t, "4", first.body.Sequence)
		})
	}
}
