package oci

import (
	"bytes"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestADocumentThatNeverEndsIsCutOff(t *testing.T) {
	inStory(t, Config{MaxMessage: 16 << 10}, func(w *story) {
		c := w.connect()
		n, err := c.conn.Write(bytes.Repeat([]byte("<BroadsoftDocument>"), 4096))
		require.Error(t, err)
		require.Less(t, n, 32<<10)
	})
}

func TestNonsenseIsRefusedAndTheConnectionEnds(t *testing.T) {
	for name, doc := range map[string]string{
		"not XML":            "hello" + closingTag,
		"another root":       "<Broadsoft><BroadsoftDocument></BroadsoftDocument></Broadsoft>",
		"a DTD":              `<!DOCTYPE x [<!ENTITY a "aaaaaaaa">]><BroadsoftDocument>&a;</BroadsoftDocument>`,
		"too deep":           "<BroadsoftDocument>" + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + closingTag,
		"too many elements":  "<BroadsoftDocument>" + strings.Repeat("<a/>", 5000) + closingTag,
		"an unknown charset": `<?xml version="1.0" encoding="EBCDIC"?><BroadsoftDocument></BroadsoftDocument>`,
		"unknown entity":     "<BroadsoftDocument>&bomb;</BroadsoftDocument>",
	} {
		t.Run(name, func(t *testing.T) {
			inStory(t, Config{}, func(w *story) {
				c := w.connect()
				go func() { _, _ = c.conn.Write([]byte(doc)) }()
				got, err := c.receive()
				require.NoError(t, err)
				require.Contains(t, got, refused("[Error 4000] the document cannot be read"))
				require.True(t, ended(c.conn))
			})
		})
	}
}

func TestWhoNeverLogsInIsSentAway(t *testing.T) {
	inStory(t, Config{LoginTimeout: 20 * time.Second}, func(w *story) {
		silent, busy, admin := w.connect(), w.connect(), w.admin()
		for range 3 {
			w.pass(5 * time.Second)
			require.Contains(t, busy.ask("UserGetRequest22", ""), "Not logged in")
		}
		w.pass(6 * time.Second)
		require.True(t, ended(silent.conn))
		require.True(t, ended(busy.conn), "asking is not logging in")
		require.Contains(t, admin.ask("ServiceProviderGetListRequest", ""), "acme")
	})
}

func TestHalfADocumentIsNotWaitedForForEver(t *testing.T) {
	inStory(t, Config{MessageTimeout: 10 * time.Second, IdleTimeout: time.Hour}, func(w *story) {
		c := w.admin()
		w.pass(59 * time.Minute)
		c.send("<BroadsoftDocument>")
		for range 9 { // a byte now and then is not progress
			w.pass(time.Second)
			c.send(" ")
		}
		w.pass(2 * time.Second)
		require.True(t, ended(c.conn))

		c = w.admin()
		w.pass(59 * time.Minute)
		c.send("\r\n")
		w.pass(59 * time.Minute)
		require.Contains(t, c.ask("ServiceProviderGetListRequest", ""), "acme", "a newline is no document")
		w.pass(time.Hour)
		require.True(t, ended(c.conn))
	})
}

func TestWhoDoesNotReadIsNotWaitedFor(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		c := w.admin()
		c.send(document(c.session, command("ServiceProviderGetListRequest", "")))
		w.pass(time.Minute)
		require.Empty(t, w.server.clients)
	})
}

func TestConnectionsAreCounted(t *testing.T) {
	inStory(t, Config{MaxConnections: 2}, func(w *story) {
		first, second := w.admin(), w.admin()
		require.True(t, ended(w.connect().conn))
		require.NoError(t, first.conn.Close())
		synctest.Wait()
		third := w.admin()
		require.Contains(t, second.ask("ServiceProviderGetListRequest", ""), "acme")
		require.Contains(t, third.ask("ServiceProviderGetListRequest", ""), "acme")

		a, b := w.listen("127.0.0.1"), w.listen("127.0.0.1")
		require.Empty(t, w.listen("127.0.0.1").next())
		require.NoError(t, a.conn.Close())
		synctest.Wait()
		require.Equal(t, done, second.ask("UserModifyRequest22", "<userId>anna@demo.example</userId>"))
		b.report()
	})
}

func TestCharactersComeInISO88591(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		c := w.admin()
		// Without a declaration, with one, and in UTF-8 that says so.
		for i, doc := range []string{
			strings.TrimPrefix(document(c.session, command("UserModifyRequest22", "<userId>anna@demo.example</userId><lastName>M\xfcller</lastName>")), declaration),
			document(c.session, command("UserModifyRequest22", "<userId>anna@demo.example</userId><lastName>M\xfcnch</lastName>")),
			strings.Replace(document(c.session, command("UserModifyRequest22", "<userId>anna@demo.example</userId><lastName>Mülé Ł</lastName>")), "ISO-8859-1", "UTF-8", 1),
		} {
			_, err := c.conn.Write([]byte(doc))
			require.NoError(t, err)
			got, err := c.receive()
			require.NoError(t, err)
			require.Contains(t, got, done)
			p, _ := w.town.User("anna@demo.example")
			require.Equal(t, []string{"Müller", "Münch", "Mülé Ł"}[i], p.LastName)
		}
	})
}

func TestTLSIsSpokenWhereItIsSetUp(t *testing.T) {
	cert := selfSigned(t)
	s := New(Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}}, newTown())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	require.NoError(t, err)
	defer conn.Close()
	c := &client{story: &story{T: t}, conn: conn, session: "s"}
	require.Contains(t, c.ask("LoginRequest22V3", "<userId>admin</userId><password>simulator</password>"), "LoginResponse22V3")
	require.NoError(t, s.Close())
	require.NoError(t, <-served)
	require.NoError(t, s.Close(), "twice is fine")
}

func FuzzReadDocument(f *testing.F) {
	f.Add([]byte(document("s", command("UserGetRequest22", "<userId>anna@demo.example</userId>"))))
	f.Add([]byte("<BroadsoftDocument protocol=\"OCI\"><a xmlns:q=\"http://www.w3.org/2001/XMLSchema-instance\" q:nil=\"1\"/>\xe9</BroadsoftDocument>"))
	f.Add([]byte("<a>&#321;&lt;]]&gt;<![CDATA[<b/>]]></a>"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		e, err := readDocument(doc)
		if err != nil {
			return
		}
		b := e.append(nil)
		require.Negative(t, bytes.IndexFunc(b, func(r rune) bool { return r < ' ' }), "a document stays one line")
		require.NotContains(t, string(b), "]]>", "nothing ends the section it is put in")
	})
}
