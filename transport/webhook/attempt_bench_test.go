package webhook

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

// BenchmarkPost is one attempt over loopback on a kept connection.
func BenchmarkPost(b *testing.B) {
	post := func(name string, p *Parcel) {
		b.Run(name, func(b *testing.B) {
			url, _ := sink(b)
			client := NewClient(ClientConfig{Guard: Guard{AllowHTTP: true, AllowPrivate: true}})
			target, err := client.Aim("app", tenant.Receiver{URL: url, Secrets: []string{testSecret}})
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
	post("one", parcel(n))
}
