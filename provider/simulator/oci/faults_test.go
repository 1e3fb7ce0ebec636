package oci

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnAnswerIsTornOff(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		c := w.admin()
		w.town.fault(DropAnswer, 0)
		c.send(document(c.session, command("UserGetListInGroupRequest", north)))
		got, err := c.receive()
		require.ErrorIs(t, err, io.EOF)
		require.True(t, strings.HasPrefix(got, "<?xml"))
		require.NotContains(t, got, closingTag)
	})
}

func TestAnAnswerTakesItsTime(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		c, began := w.admin(), time.Now()
		w.town.fault(SlowAnswer, 7*time.Second)
		require.Contains(t, c.ask("UserGetListInGroupRequest", north), "anna")
		require.Equal(t, 7*time.Second, time.Since(began))
	})
}

func TestAListFailsInTheMiddle(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		c := w.admin()
		w.town.fault(ListError, 0)
		require.Contains(t, c.ask("UserGetListInGroupRequest", north), "anna")
		require.Equal(t, refused("[Error 4999] An internal error occurred"), c.ask("UserGetListInGroupRequest", north))
		require.Contains(t, c.ask("UserGetRequest22", "<userId>anna@demo.example</userId>"), "Archer")
	})
}

func TestNobodyIsThere(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		c, l := w.admin(), w.listen("127.0.0.1")
		w.town.fault(Down, 0)
		w.server.Drop()
		require.True(t, ended(c.conn))
		require.Empty(t, l.next())
		require.True(t, ended(w.connect().conn))
		require.Empty(t, w.listen("127.0.0.1").next())
		require.Equal(t, int64(2), w.server.Stats().Refused)
	})
}

func TestTheFeedLosesDoublesDelaysAndSplits(t *testing.T) {
	inStory(t, Config{Reporting: Reporting{PingEvery: -1}}, func(w *story) {
		l, c := w.listen("127.0.0.1"), w.admin()
		modify := func(how How) {
			w.town.mu.Lock()
			w.town.how = how
			w.town.mu.Unlock()
			require.Equal(t, done, c.ask("UserModifyRequest22", "<userId>anna@demo.example</userId>"))
		}
		modify(How{Copies: 1})
		first, _ := l.report()
		modify(How{})
		modify(How{Copies: 2, Split: true})
		second, _ := l.report()
		again, _ := l.report()
		require.Equal(t, second, again)
		require.Greater(t, second, first+1, "one is missing")

		began := time.Now()
		modify(How{Copies: 1, Delay: 20 * time.Second})
		modify(How{Copies: 1})
		late, _ := l.report()
		require.Equal(t, 20*time.Second, time.Since(began))
		behind, _ := l.report()
		require.Less(t, late, behind, "nothing changes places")

		for range 12 {
			modify(How{Copies: 1, Garbage: true})
			require.NotContains(t, l.next(), "UserModifyRequest22")
			l.report()
		}
	})
}

func TestTheFeedIsDroppedWithAndWithoutNotice(t *testing.T) {
	inStory(t, Config{Reporting: Reporting{PingEvery: time.Second}}, func(w *story) {
		l, c := w.listen("127.0.0.1"), w.admin()
		w.server.DropFeeds()
		require.Empty(t, l.next())

		l = w.listen("127.0.0.1")
		require.Contains(t, l.next(), "Status")
		w.server.Silence()
		require.Equal(t, done, c.ask("UserModifyRequest22", "<userId>anna@demo.example</userId>"))
		w.pass(time.Hour)
		require.Empty(t, l.docs, "not even a keep-alive, and the connection stays")

		w.town.fault(SilentFeed, 0)
		l = w.listen("127.0.0.1")
		w.pass(time.Minute)
		require.Empty(t, l.docs)
		w.town.fault(DropFeed, 0)
		require.Empty(t, w.listen("127.0.0.1").next())
		synctest.Wait()
	})
}
