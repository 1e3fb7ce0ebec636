package simulator

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ociClient is a raw client of OCI-P, or of the feed.
type ociClient struct {
	*testing.T
	conn net.Conn
	left []byte
}

func (w *world) reach(p *pipes) *ociClient {
	w.Helper()
	conn, err := p.dial(w.Context(), "", "")
	require.NoError(w, err)
	w.Cleanup(func() { _ = conn.Close() })
	return &ociClient{T: w.T, conn: conn}
}

// until reads up to an end tag and its newline; what came before the
// connection broke is returned with the error.
func (c *ociClient) until(tag string) (string, error) {
	chunk := make([]byte, 700)
	for {
		if i := bytes.Index(c.left, []byte(tag+"\n")); i >= 0 {
			doc := string(c.left[:i])
			c.left = c.left[i+len(tag)+1:]
			return doc, nil
		}
		n, err := c.conn.Read(chunk)
		c.left = append(c.left, chunk[:n]...)
		if err != nil {
			return string(c.left), err
		}
	}
}

func (c *ociClient) try(kind, body string) (string, error) {
	_, err := c.conn.Write([]byte(`<BroadsoftDocument protocol="OCI" xmlns="C" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
		`<sessionId xmlns="">one</sessionId><command xsi:type="` + kind + `" xmlns="">` + body + `</command></BroadsoftDocument>` + "\n"))
	if err != nil {
		return "", err
	}
	return c.until("</BroadsoftDocument>")
}

func (c *ociClient) ask(kind, body string) string {
	c.Helper()
	got, err := c.try(kind, body)
	require.NoError(c, err)
	return got
}

// admin is logged in, with what a config of offhook for this simulator has.
func (w *world) admin(p *pipes) *ociClient {
	w.Helper()
	c := w.reach(p)
	got := c.ask("LoginRequest22V3", "<userId>admin@simulator.example</userId><password>simulator</password>")
	require.Contains(w, got, "LoginResponse22V3")
	return c
}

func (c *ociClient) report() string {
	c.Helper()
	doc, err := c.until("</BroadsoftOCIReportingDocument>")
	require.NoError(c, err)
	return doc
}

const siteOne = "<serviceProviderId>demo-enterprise</serviceProviderId><GroupId>site-1</GroupId>"

func TestOCIChangesThePeopleOfTheSwitch(t *testing.T) {
	provisioned(t, patient(), func(w *world, oci, feed *pipes) {
		l, c := w.reach(feed), w.admin(oci)
		w.pass(0)
		require.Contains(t, c.ask("ServiceProviderGetListRequest", ""), "<row><col>demo-enterprise</col><col>demo-enterprise</col><col>true</col></row>")
		require.Equal(t, 20, strings.Count(c.ask("UserGetListInServiceProviderRequest", "<serviceProviderId>demo-enterprise</serviceProviderId>"), "<row>"))
		require.Contains(t, c.ask("UserGetListInGroupRequest", siteOne), "<col>Mu\xf1oz</col>")

		add := "<serviceProviderId>demo-enterprise</serviceProviderId><groupId>site-1</groupId><userId>nora@demo.example</userId>" +
			"<lastName>Nyberg</lastName><firstName>Nora</firstName><phoneNumber>2125550199</phoneNumber><extension>7001</extension><password>made-up</password>"
		require.Contains(t, c.ask("UserAddRequest17sp4", add), "SuccessResponse")
		require.Contains(t, l.report(), `<command xsi:type="UserAddRequest17sp4" xmlns="">`+add)
		require.Equal(t, "+1-2125550199", w.action("GET", "/user/nora@demo.example/profile").field("number"))
		require.Contains(t, c.ask("UserAddRequest17sp4", add), "ErrorResponse")

		st := w.following("nora@demo.example")
		require.Contains(t, c.ask("UserModifyUserIdRequest", "<userId>nora@demo.example</userId><newUserId>eleonora@demo.example</newUserId>"), "SuccessResponse")
		st.want("SubscriptionTerminated")
		require.Contains(t, l.report(), "<newUserId>eleonora@demo.example</newUserId>")
		require.Contains(t, c.ask("UserGetRequest22", "<userId>eleonora@demo.example</userId>"), "<lastName>Nyberg</lastName>")
		require.Contains(t, c.ask("GroupAddRequest", "<serviceProviderId>demo-enterprise</serviceProviderId><groupId>site-2</groupId>"), "SuccessResponse")
		require.Contains(t, c.ask("UserModifyGroupIdRequest", "<userId>eleonora@demo.example</userId><newGroupId>site-2</newGroupId>"), "UserModifyGroupIdResponse")
		require.Contains(t, c.ask("GroupDeleteRequest", "<serviceProviderId>demo-enterprise</serviceProviderId><groupId>site-2</groupId>"), "SuccessResponse")
		require.Equal(t, 404, w.action("GET", "/user/eleonora@demo.example/profile").status)
		require.Contains(t, c.ask("ServiceProviderDeleteRequest", "<serviceProviderId>demo-enterprise</serviceProviderId>"), "SuccessResponse")
		require.Equal(t, 404, w.action("GET", "/user/"+alice+"/profile").status)
		for _, kind := range []string{"GroupAdd", "UserModifyGroupId", "GroupDelete", "ServiceProviderDelete"} {
			require.Contains(t, l.report(), `xsi:type="`+kind+`Request"`)
		}
	})
}

func TestTheControlPathsAreReportedToo(t *testing.T) {
	provisioned(t, patient(), func(w *world, _, feed *pipes) {
		l := w.reach(feed)
		w.pass(0)
		w.control("POST", "/people", `{"subscriber_id":"nora@demo.example","first_name":"Nora","last_name":"Nyberg","subscriber_number":"+12125550199","enterprise":"acme","group":"g"}`, 201, nil)
		require.Contains(t, l.report(), "ServiceProviderAddRequest")
		require.Contains(t, l.report(), "GroupAddRequest")
		added := l.report()
		require.Contains(t, added, "<phoneNumber>+1-2125550199</phoneNumber><password>made-up-password-of-nora@demo.example</password>")
		require.Contains(t, added, `<userId xmlns="">admin@simulator.example</userId>`)
		w.control("PATCH", "/people/nora@demo.example", `{"department":"","subscriber_id":"eleonora@demo.example"}`, 200, nil)
		require.Contains(t, l.report(), `<userId>nora@demo.example</userId><department xsi:nil="true"/>`)
		require.Contains(t, l.report(), `UserModifyUserIdRequest`)
		w.control("DELETE", "/enterprises/acme", "", 204, nil)
		require.Contains(t, l.report(), `ServiceProviderDeleteRequest`)
		w.control("DELETE", "/people/nobody@demo.example", "", 404, nil)
		require.Equal(t, int64(6), w.sim.Stats().OCI.Writes, "what is refused is not reported")
	})
}

func TestFaultsOfProvisioning(t *testing.T) {
	cfg := patient()
	cfg.OCI.Reporting.PingEvery = 5 * time.Second
	provisioned(t, cfg, func(w *world, oci, feed *pipes) {
		lift := func(id string) { w.control("DELETE", "/faults/"+id, "", 204, nil) }
		change := func() {
			w.control("PATCH", "/people/"+alice, `{"department":"Sales"}`, 200, nil)
		}
		c := w.admin(oci)
		id := w.fault(`{"kind":"oci_slow","delay_ms":3000}`)
		began := time.Now()
		c.ask("UserGetListInGroupRequest", siteOne)
		require.Equal(t, 3*time.Second, time.Since(began))
		lift(id)
		id = w.fault(`{"kind":"oci_list_error"}`)
		require.Contains(t, c.ask("UserGetListInGroupRequest", siteOne), "ErrorResponse")
		require.Contains(t, w.admin(oci).ask("UserGetListInGroupRequest", siteOne), "userTable", "the first of a connection is fine")
		lift(id)
		id = w.fault(`{"kind":"oci_drop"}`)
		got, err := c.try("UserGetListInGroupRequest", siteOne)
		require.ErrorIs(t, err, io.EOF)
		require.Contains(t, got, "userTable")
		lift(id)

		l := w.reach(feed)
		w.pass(0)
		id = w.fault(`{"kind":"feed_lose"}`)
		change()
		lift(id)
		id = w.fault(`{"kind":"feed_duplicate"}`)
		change()
		require.Equal(t, l.report(), l.report())
		lift(id)
		id = w.fault(`{"kind":"feed_garbage"}`)
		change()
		require.NotContains(t, l.report(), "Sales")
		require.Contains(t, l.report(), "Sales")
		lift(id)
		id = w.fault(`{"kind":"feed_delay","delay_ms":4000}`)
		began = time.Now()
		change()
		require.Contains(t, l.report(), "Sales")
		require.GreaterOrEqual(t, time.Since(began), time.Second)
		lift(id)
		id = w.fault(`{"kind":"feed_split"}`)
		change()
		require.Contains(t, l.report(), "Sales")
		lift(id)

		w.fault(`{"kind":"feed_silent"}`) // of those who listen now
		other := w.reach(feed)
		w.pass(6 * time.Second)
		require.Contains(t, other.report(), "StatusNotification")
		_ = l.conn.SetReadDeadline(time.Now().Add(time.Hour))
		_, err = l.until("never")
		require.ErrorContains(t, err, "timeout")

		w.fault(`{"kind":"feed_drop"}`)
		_, err = other.until("never")
		require.ErrorIs(t, err, io.EOF)

		l, c = w.reach(feed), w.admin(oci)
		w.fault(`{"kind":"restart","duration_ms":10000}`)
		for _, gone := range []*ociClient{l, c, w.reach(feed), w.reach(oci)} {
			_, err = gone.until("never")
			require.ErrorIs(t, err, io.EOF)
		}
		w.pass(10 * time.Second)
		require.Contains(t, w.admin(oci).ask("UserGetListInGroupRequest", siteOne), "<col>Sales</col>", "what is provisioned survives")

		w.fault(`{"kind":"oci_down","duration_ms":1000}`)
		_, err = w.reach(oci).until("never")
		require.ErrorIs(t, err, io.EOF)
		w.pass(time.Second)
		w.admin(oci)
		w.control("POST", "/faults", `{"kind":"oci_nap"}`, 422, nil)
	})
}
