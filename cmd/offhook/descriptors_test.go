package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsSharedOutIsNeverMoreThanThereIs(t *testing.T) {
	for limit := leastDescriptors; limit <= 1<<20; limit += 1 + limit/64 {
		d, err := share(limit)
		require.NoError(t, err)
		check := func(d descriptors) {
			sum := alwaysOpen + d.files + 2*d.attempts + d.kept + d.provider + d.admin + d.contact + d.demo + d.api
			require.LessOrEqual(t, sum, limit, "limit %d: %+v", limit, d)
			require.GreaterOrEqual(t, d.api, 32, "limit %d: %+v", limit, d)
			require.Less(t, d.perAddress(), d.api, "limit %d: one address has it all", limit)
			require.LessOrEqual(t, d.requests()+d.acks()+2, d.provider, "limit %d", limit)
			require.GreaterOrEqual(t, d.files, 74+openInStore, "Pebble keeps 64 tables open at least")
		}
		check(d)
		if limit >= demoDescriptors {
			d, err = d.withDemo()
			require.NoError(t, err)
			check(d)
			require.GreaterOrEqual(t, d.phones(), 32)
		}
	}
}

// openInStore is what the store opens beside the tables of Pebble.
const openInStore = 6

func TestAnOrdinaryLimitChangesNothing(t *testing.T) {
	for _, limit := range []int{1 << 15, 1 << 16, 1 << 19, 1 << 20} {
		d, err := share(limit)
		require.NoError(t, err)
		require.Equal(t, 512, d.attempts)
		require.Equal(t, 1024, d.admin)
		require.Equal(t, 2048, d.contact)
		require.Equal(t, 1024, d.perAddress())
		require.Equal(t, 32, d.requests())
		require.Equal(t, 16, d.acks())
		require.GreaterOrEqual(t, d.api, 16384)
	}
}

func TestTooFewFileDescriptorsAreRefused(t *testing.T) {
	_, err := share(128)
	require.EqualError(t, err, "this process may have 128 open files, and needs 256: raise the hard limit (ulimit -Hn; LimitNOFILE= in a systemd unit)")
	d, err := share(256)
	require.NoError(t, err)
	_, err = d.withDemo()
	require.EqualError(t, err, "this process may have 256 open files, and the demo needs 512: raise the hard limit (ulimit -Hn), or configure a network")
}
