package oci

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// report takes a document of the feed apart: the id of the write, and what was
// asked.
func (l *listener) report() (id int, inner string) {
	l.Helper()
	doc := l.next()
	require.True(l, strings.HasPrefix(doc, `<?xml version="1.0" encoding="ISO-8859-1"?>`+"\n"+`<BroadsoftOCIReportingDocument protocol="OCIReporting" `), doc)
	_, err := fmt.Sscanf(element1(doc, "id"), "write%d", &id)
	require.NoError(l, err, doc)
	return id, strings.TrimSuffix(strings.TrimPrefix(element1(doc, "request"), "<![CDATA["), "]]>")
}

const newcomer = "<serviceProviderId>acme</serviceProviderId><groupId>north</groupId><userId>new@demo.example</userId>" +
	"<lastName>Éclair</lastName><firstName>Nell</firstName><phoneNumber>2015550142</phoneNumber><password>made-up-one</password>"

func TestEveryAcceptedWriteIsReported(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		l, c := w.listen("127.0.0.1"), w.admin()
		require.Equal(t, done, c.ask("UserAddRequest22", newcomer))
		doc := l.next()
		id := element1(doc, "id")
		require.Equal(t, `<?xml version="1.0" encoding="ISO-8859-1"?>`+"\n"+
			`<BroadsoftOCIReportingDocument protocol="OCIReporting" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`+
			`<command xsi:type="OCIReportingReportNotification"><id>`+id+`</id><userId>admin</userId><loginType>System</loginType>`+
			`<request><![CDATA[<?xml version="1.0" encoding="ISO-8859-1"?><BroadsoftDocument protocol="OCI" xmlns="C" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`+
			`<sessionId xmlns="">`+c.session+`</sessionId><command xsi:type="UserAddRequest22" xmlns="">`+strings.ReplaceAll(newcomer, "É", "\xc9")+
			`</command></BroadsoftDocument>]]></request></command></BroadsoftOCIReportingDocument>`+"\n", doc)

		require.Equal(t, done, c.ask("UserModifyRequest17sp4", "<userId>new@demo.example</userId><phoneNumber xsi:nil=\"true\"/><department><name>Ops</name></department>"))
		p, _ := w.town.User("new@demo.example")
		require.Equal(t, Person{UserID: "new@demo.example", FirstName: "Nell", LastName: "Éclair", Department: "Ops", Provider: "acme", Group: "north"}, p)
		last, inner := l.report()
		require.Contains(t, inner, `<phoneNumber xsi:nil="true"/>`)

		// What is refused, and what only reads, is nobody's news.
		require.Contains(t, c.ask("UserAddRequest22", newcomer), "ErrorResponse")
		require.Contains(t, c.ask("UserModifyRequest22", ""), "userId is missing")
		c.ask("UserGetRequest22", "<userId>new@demo.example</userId>")
		gaps := 0
		for i, step := range []struct{ kind, body, answer string }{
			{"UserModifyUserIdRequest", "<userId>new@demo.example</userId><newUserId>old@demo.example</newUserId>", done},
			{"UserModifyGroupIdRequest", "<userId>old@demo.example</userId><newGroupId>south</newGroupId>", `<command echo="" xsi:type="UserModifyGroupIdResponse" xmlns=""/>`},
			{"UserConsolidatedModifyRequest22", "<userId>old@demo.example</userId><firstName>Nelly</firstName>", done},
			{"UserDeleteRequest", "<userId>old@demo.example</userId>", done},
			{"UserConsolidatedAddRequest22", newcomer, done},
			{"UserConsolidatedDeleteRequest", "<userId>new@demo.example</userId>", done},
			{"GroupDeleteRequest", "<serviceProviderId>acme</serviceProviderId><groupId>south</groupId>", done},
		} {
			require.Equal(t, step.answer, c.ask(step.kind, step.body), i)
			id, inner := l.report()
			require.Contains(t, inner, `xsi:type="`+step.kind+`"`)
			require.Greater(t, id, last)
			if id > last+1 {
				gaps++
			}
			last = id
		}
		require.Positive(t, gaps)
		require.Equal(t, int64(9), w.server.Stats().Writes)
		require.Equal(t, int64(9), w.server.Stats().Reported)
	})
}

func TestChangesMadeOtherwiseNameWhoMadeThem(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		l := w.listen("127.0.0.1")
		name, number := "Anton", ""
		change := Change{Op: ModifyUser, UserID: "anna@demo.example", Set: Values{FirstName: &name, Number: &number}}
		require.Nil(t, w.town.Change(change, Made(change, "operator")))
		_, inner := l.report()
		require.Contains(t, inner, `<userId xmlns="">operator</userId><command xsi:type="UserModifyRequest22" xmlns=""><userId>anna@demo.example</userId>`+
			`<firstName>Anton</firstName><phoneNumber xsi:nil="true"/></command>`)
		require.NotContains(t, inner, "sessionId")
	})
}

func TestTheFeedCanMaskSpreadAndAddIdentities(t *testing.T) {
	feed := Reporting{AlterPasswords: true, Lines: true, PublicIdentity: true}
	inStory(t, Config{Reporting: feed}, func(w *story) {
		l, c := w.listen("127.0.0.1"), w.admin()
		require.Equal(t, done, c.ask("UserAddRequest22", newcomer+"<sipAuthentication><passcode>made-up-too</passcode></sipAuthentication>"))
		doc := l.next()
		require.NotContains(t, doc, "made-up")
		require.Contains(t, doc, "<password>******</password>")
		require.Contains(t, doc, "</request>\r\n<isAltered>true</isAltered>\r\n</command>\r\n"+
			`<command xsi:type="OCIReportingReportPublicIdentityNotification">`+"\r\n<modifiedUser><userId>new@demo.example</userId>")
		require.Greater(t, strings.Count(doc, "\r\n"), 15)
		p, _ := w.town.User("new@demo.example")
		require.Equal(t, "+12015550142", p.Number, "only what is told is masked")

		require.Equal(t, done, c.ask("UserDeleteRequest", "<userId>new@demo.example</userId>"))
		require.NotContains(t, l.next(), "isAltered", "there was nothing to mask")
	})
}

func TestKeepAlivesSayThatTheFeedIsThere(t *testing.T) {
	inStory(t, Config{Reporting: Reporting{PingEvery: 10 * time.Second}}, func(w *story) {
		l, began := w.listen("127.0.0.1"), time.Now()
		for i := range 3 {
			require.Equal(t, `<?xml version="1.0" encoding="ISO-8859-1"?>`+"\n"+`<BroadsoftOCIReportingDocument protocol="OCIReporting" `+
				`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><command xsi:type="OCIReportingServerStatusNotification"/></BroadsoftOCIReportingDocument>`+"\n", l.next())
			require.Equal(t, time.Duration(i+1)*10*time.Second, time.Since(began))
		}
	})
	inStory(t, Config{Reporting: Reporting{PingEvery: -1}}, func(w *story) {
		l := w.listen("127.0.0.1")
		w.pass(time.Hour)
		require.Empty(t, l.docs)
	})
}

func TestTheFeedIsForThoseOnTheList(t *testing.T) {
	list := []Access{
		{Prefix: netip.MustParsePrefix("10.0.0.0/8")},
		{Prefix: netip.MustParsePrefix("192.0.2.7/32"), Requests: []string{"UserDeleteRequest"}},
	}
	inStory(t, Config{Reporting: Reporting{Access: list, PingEvery: -1}}, func(w *story) {
		all, some, none := w.listen("10.1.2.3"), w.listen("192.0.2.7"), w.listen("192.0.2.8")
		require.Empty(t, none.next())
		c := w.admin()
		require.Equal(t, done, c.ask("UserAddRequest22", newcomer))
		require.Equal(t, done, c.ask("UserDeleteRequest", "<userId>new@demo.example</userId>"))
		first, _ := all.report()
		second, _ := all.report()
		id, inner := some.report()
		require.Contains(t, inner, "UserDeleteRequest")
		require.Equal(t, second, id, "the ids are the same for everybody")
		require.Less(t, first, second)
	})
}

func TestAListenerThatTalksIsNotHeard(t *testing.T) {
	inStory(t, Config{Reporting: Reporting{PingEvery: -1}}, func(w *story) {
		l := w.listen("127.0.0.1")
		_, err := l.conn.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		require.NoError(t, err)
		require.Equal(t, done, w.admin().ask("UserAddRequest22", newcomer))
		l.report()
		_, _ = l.conn.Write(make([]byte, 128<<10))
		require.Empty(t, l.next(), "nor endlessly")
	})
}

func TestAListenerThatDoesNotReadLosesItsConnection(t *testing.T) {
	inStory(t, Config{Reporting: Reporting{MaxWaiting: 3, PingEvery: -1}}, func(w *story) {
		conn := w.reporting.dial("127.0.0.1")
		defer conn.Close()
		synctest.Wait()
		reads, c := w.listen("127.0.0.1"), w.admin()
		for range 6 {
			require.Equal(t, done, c.ask("UserModifyRequest22", "<userId>anna@demo.example</userId>"))
			reads.report()
		}
		require.Equal(t, int64(1), w.server.Stats().Overflowed)
		synctest.Wait()
		require.True(t, ended(conn))
	})
	inStory(t, Config{Reporting: Reporting{PingEvery: -1}}, func(w *story) {
		conn := w.reporting.dial("127.0.0.1")
		defer conn.Close()
		synctest.Wait()
		require.Equal(t, done, w.admin().ask("UserModifyRequest22", "<userId>anna@demo.example</userId>"))
		w.pass(time.Minute)
		require.True(t, ended(conn), "a write does not wait for ever")
	})
}
