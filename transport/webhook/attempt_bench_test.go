package webhook

import (
	"crypto/rand"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

// BenchmarkPost is one attempt over loopback on a kept connection.
func BenchmarkPost(b *testing.B) {
	plain := tenant.Receiver{Secrets: []string{testSecret}}
	full := plain
	full.Retired = []tenant.Retired{{Secret: newSecret(32), Until: 1 << 60}}
	full.Headers = []tenant.Header{{Name: "Authorization", Value: "Bearer abc"}, {Name: "X-Api-Key", Value: "k3y"}}
	signing := plain
	signing.SigningKey, _ = tenant.NewSigningKey(rand.Reader)
	post := func(name string, r tenant.Receiver, p *Parcel) {
		b.Run(name, func(b *testing.B) {
			r.URL, _ = sink(b)
			client := NewClient(ClientConfig{Guard: Guard{AllowHTTP: true, AllowPrivate: true}})
			target, err := client.Aim("app", r)
			require.NoError(b, err)
			defer target.Close()
			b.ReportAllocs()
			for b.Loop() {
				if out := target.Post(p); out.Class != Delivered {
					b.Fatal(out.Class, out.Err)
				}
			}
		})
	}
	n := &engine.Notification{App: "app", EventID: "evt_0123456789abcdef01234567", Sequence: 1, Body: appendExample(nil, &example)}
	post("one", plain, parcel(n))
	post("one/two-secrets-and-headers", full, parcel(n))
	post("one/v1a", signing, parcel(n))
	for _, size := range []int{1, 10, maxBatchEvents} {
		p := &Parcel{ID: "batch_0123456789abcdef01234567", Batch: true, GapFrom: 1}
		for range size {
			p.Events = append(p.Events, n)
		}
		post("batch="+strconv.Itoa(size), plain, p)
	}
}
