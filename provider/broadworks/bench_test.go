package broadworks

import (
	"encoding/xml"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/provider/broadworks/samples"
)

func TestTheBenchmarkedEventIsTheSameInBoth(t *testing.T) {
	for _, text := range []string{samples.Event, samples.LongEvent} {
		var std samples.Std
		require.NoError(t, xml.Unmarshal([]byte(text), &std))
		ev := decoded(t, text).translate()
		require.Equal(t, std.EventID, ev.ID)
		require.Equal(t, std.Data.Call.ID, ev.Facts[0].ProviderID)
		require.Equal(t, std.Data.Call.Remote.Name, ev.Facts[0].RemoteName)
		require.Equal(t, std.Data.Call.Start, ev.Facts[0].StartTime)
	}
}

// BenchmarkDecodeAllocs is ours alone: what it leaves to the collector.
func BenchmarkDecodeAllocs(b *testing.B) {
	doc := []byte(samples.Event)
	var d decoder
	b.ReportAllocs()
	for b.Loop() {
		got, err := d.decode(doc)
		if err != nil {
			b.Fatal(err)
		}
		got.translate()
	}
}
