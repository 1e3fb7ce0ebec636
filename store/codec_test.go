package store

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"offhook/engine"
	"offhook/engine/tenant"
)

// record is one kind of record: how it is written and read back.
type record struct {
	name  string
	draw  func(*rapid.T) any
	write func(any) []byte
	read  func([]byte) (any, error)
}

type callRow struct {
	Owner string
	Ended *engine.Call
}

func of[T any](name string, write func([]byte, *T) []byte, read func([]byte) (*T, error)) record {
	return record{
		name:  name,
		draw:  func(t *rapid.T) any { v := draw[T](t); return &v },
		write: func(v any) []byte { return write(nil, v.(*T)) },
		read: func(b []byte) (any, error) {
			v, err := read(b)
			return v, err
		},
	}
}

var records = []record{
	of("subscriber", appendSubscriber, func(b []byte) (*engine.Subscriber, error) {
		d, s := decode2(b), &engine.Subscriber{}
		d.subscriber(s)
		return s, d.done("subscriber")
	}),
	of("conference", func(b []byte, c *engine.Conference) []byte { return appendConferenceRow(b, "owner", c) }, func(b []byte) (*engine.Conference, error) {
		_, c, err := decodeConferenceRow(b)
		return c, err
	}),
	of("intent", appendIntent, decodeIntent),
	of("app", appendApp, decodeApp),
	of("network", appendNetwork, decodeNetwork),
	of("event", appendEvent, func(b []byte) (*engine.Notification, error) {
		n := &engine.Notification{}
		err := decodeEvent(b, n)
		if len(n.Body) == 0 {
			n.Body = nil
		}
		return n, err
	}),
	of("attempt", appendAttempt, func(b []byte) (*engine.Attempt, error) {
		a, err := decodeAttempt(b)
		return &a, err
	}),
	of("task", appendTask, func(b []byte) (*engine.ReplayTask, error) {
		t, err := decodeTask(b)
		return &t, err
	}),
	of("number", func(b []byte, n *uint64) []byte { return appendNumber(b, *n) }, func(b []byte) (*uint64, error) {
		n, err := decodeNumber(b)
		return &n, err
	}),
	of("name", func(b []byte, s *string) []byte { return appendName(b, *s) }, func(b []byte) (*string, error) {
		s, err := decodeName(b)
		return &s, err
	}),
	{
		name: "call",
		draw: func(t *rapid.T) any {
			c := draw[engine.Call](t)
			row := &callRow{Owner: rapid.String().Draw(t, "owner")}
			if c.State.Terminal() || rapid.Bool().Draw(t, "ended") {
				c.State = engine.StateReleased
				row.Ended = &c
			}
			return row
		},
		write: func(v any) []byte {
			row := v.(*callRow)
			c := row.Ended
			if c == nil {
				c = &engine.Call{State: engine.StateActive, RemoteName: "kept in the subscriber's record"}
			}
			return appendCallRow(nil, row.Owner, c)
		},
		read: func(b []byte) (any, error) {
			owner, ended, err := decodeCallRow(b)
			return &callRow{owner, ended}, err
		},
	},
	of("progress", func(b []byte, p *engine.Progress) []byte {
		p.Remembered &= 1<<31 - 1 // a length
		return appendProgress(b, p)
	}, func(b []byte) (*engine.Progress, error) {
		d, p := decoder{b: b}, &engine.Progress{}
		d.progress(p)
		return p, d.done("progress")
	}),
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, r := range records {
		t.Run(r.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				v := r.draw(t)
				b := r.write(v)
				got, err := r.read(b)
				require.NoError(t, err)
				require.Equal(t, v, got)
			})
		})
	}
}

// A record is read whole or not at all.
func TestDamagedRecordsAreErrors(t *testing.T) {
	for _, r := range records {
		t.Run(r.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				b := r.write(r.draw(t))
				cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
				_, err := r.read(b[:cut])
				require.Error(t, err, "cut off at %d of %d", cut, len(b))
				_, err = r.read(append(b[:len(b):len(b)], 0))
				require.Error(t, err, "with a byte too many")
				other := append([]byte{b[0] + 1}, b[1:]...)
				_, err = r.read(other)
				require.ErrorIs(t, err, errVersion)
			})
		})
	}
}

// What retention reads of an event is what is in it.
func TestEventHeads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := draw[engine.Notification](t)
		b := appendEvent(nil, &n)
		at, err := decodeEventTime(b)
		require.NoError(t, err)
		require.Equal(t, n.Time, at)
		id, sequence, err := decodeEventStream(b)
		require.NoError(t, err)
		require.Equal(t, n.Stream(), id)
		require.Equal(t, n.Sequence, sequence)
	})
}

// A record does not hold on to the bytes it was read from: Pebble takes them
// back.
func TestRecordsAreCopies(t *testing.T) {
	n := engine.Notification{App: "app", Subscriber: "alice", EventID: "evt_1", Body: []byte(`{"a":1}`)}
	b := appendEvent(nil, &n)
	var got engine.Notification
	require.NoError(t, decodeEvent(b, &got))
	a := &tenant.App{ID: "app", Calls: tenant.Receiver{URL: "https://example.com", Secrets: []string{"s"}}}
	ab := appendApp(nil, a)
	gotApp, err := decodeApp(ab)
	require.NoError(t, err)
	clear(b)
	clear(ab)
	require.Equal(t, n, got)
	require.Equal(t, a, gotApp)
}

func FuzzDecode(f *testing.F) {
	for i, r := range records {
		for seed := range 3 {
			f.Add(uint8(i), r.write(rapid.Custom(func(t *rapid.T) any { return r.draw(t) }).Example(seed)))
		}
		f.Add(uint8(i), []byte{version1})
		f.Add(uint8(i), []byte{version1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	}
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		r := records[int(which)%len(records)]
		v, err := r.read(b)
		if err != nil {
			return
		}
		// What reads as a record means the same when it is written again.
		again, err := r.read(r.write(v))
		require.NoError(t, err)
		require.Equal(t, v, again)
	})
}

func FuzzEventHeads(f *testing.F) {
	n := engine.Notification{App: "app", Subscriber: "alice", EventID: "evt_1", Body: []byte(`{}`)}
	f.Add(appendEvent(nil, &n))
	f.Add([]byte{version1, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		var n engine.Notification
		if decodeEvent(b, &n) != nil {
			_, _ = decodeEventTime(b)
			_, _, _ = decodeEventStream(b)
			return
		}
		at, err := decodeEventTime(b)
		require.NoError(t, err)
		require.Equal(t, n.Time, at)
		id, sequence, err := decodeEventStream(b)
		require.NoError(t, err)
		require.Equal(t, n.Stream(), id)
		require.Equal(t, n.Sequence, sequence)
	})
}

// Before there were contacts, networks were written without one.
func TestANetworkOfBeforeContactsIsRead(t *testing.T) {
	want := &tenant.Network{ID: "n", Provider: "broadworks", FromFile: true, BroadWorks: tenant.BroadWorks{SRV: "example.com"}}
	b := appendNetwork(nil, want)
	flags := len("\x01\x01n\x0abroadworks")
	require.Equal(t, byte(7), b[flags])
	b[flags], b = 3, b[:len(b)-len(appendProvisioning(nil, &tenant.Provisioning{}))]
	got, err := decodeNetwork(b)
	require.NoError(t, err)
	require.Equal(t, want, got, "before there was provisioning, and before verbs could be taken away")
	b[flags], b = 1, b[:len(b)-len(appendContact(nil, &tenant.Contact{}))]
	got, err = decodeNetwork(b)
	require.NoError(t, err)
	require.Equal(t, want, got)
}
