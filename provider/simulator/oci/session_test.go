package oci

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestALoginTakesTwoSteps(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		c := w.connect()
		require.Equal(t, refused("[Error 6004] Not logged in"), c.ask("ServiceProviderGetListRequest", ""))
		require.Equal(t, `<command echo="" xsi:type="LoginResponse14sp4" xmlns=""><loginType>System</loginType><locale>en_US</locale>`+
			`<encoding>ISO-8859-1</encoding><isEnterprise>false</isEnterprise><passwordExpiresDays>2147483647</passwordExpiresDays>`+
			`<userDomain>demo.example</userDomain></command>`, c.signIn("admin", "simulator"))
		require.Contains(t, c.ask("ServiceProviderGetListRequest", ""), "serviceProviderTable")

		require.Equal(t, refused("[Error 4962] Invalid password"), w.connect().signIn("admin", "guess"))
		require.Equal(t, refused("[Error 4962] Invalid password"), w.connect().signIn("nobody", "simulator"))
		c = w.connect()
		require.Contains(t, c.ask("LoginRequest14sp4", "<userId>admin</userId><signedPassword>"+sign("", "simulator")+"</signedPassword>"),
			"ErrorResponse", "there was no nonce")

		require.Contains(t, w.connect().ask("LoginRequest22V3", "<userId>admin</userId><password>simulator</password>"), "LoginResponse22V3")
		require.Contains(t, w.connect().ask("LoginRequest22V2", "<userId>admin</userId><password>guess</password>"), "ErrorResponse")
		require.Equal(t, int64(2), w.server.Stats().Logins)
	})
}

func TestANonceIsGoodForOneLogin(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		c := w.connect()
		nonce := element1(c.ask("AuthenticationRequest", "<userId>admin</userId>"), "nonce")
		login := "<userId>admin</userId><signedPassword>" + sign(nonce, "simulator") + "</signedPassword>"
		require.Contains(t, c.ask("LoginRequest14sp4", login), "LoginResponse14sp4")
		require.Equal(t, done, c.ask("LogoutRequest", "<userId>admin</userId>"))
		require.Contains(t, c.ask("LoginRequest14sp4", login), "ErrorResponse")
		require.Equal(t, refused("[Error 6004] Not logged in"), c.ask("ServiceProviderGetListRequest", ""))
	})
}

func TestTooManyWrongPasswordsLockTheLogin(t *testing.T) {
	inStory(t, Config{MaxLoginFailures: 3, LockedFor: 2 * time.Minute}, func(w *story) {
		for range 3 {
			require.Contains(t, w.connect().signIn("admin", "guess"), "4962")
		}
		require.Equal(t, refused("[Error 4963] The login is locked: admin"), w.connect().signIn("admin", "simulator"))
		w.pass(2 * time.Minute)
		w.admin()
	})
}

func TestASessionBelongsToItsSocket(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		c := w.admin()
		mine := c.session
		c.session = "another"
		require.Contains(t, c.ask("ServiceProviderGetListRequest", ""), "another session has this connection")
		c.session = mine
		require.Contains(t, c.ask("ServiceProviderGetListRequest", ""), "serviceProviderTable")
		other := w.connect()
		other.session = mine
		require.Contains(t, other.ask("ServiceProviderGetListRequest", ""), "Not logged in")
	})
}

func TestOneToFifteenCommandsAMessage(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		c := w.admin()
		one := command("UserGetRequest19", "<userId>anna@demo.example</userId>")
		c.send(document(c.session, strings.Repeat(one, 14)+command("UserGetRequest19", "<userId>who@demo.example</userId>")))
		got, err := c.receive()
		require.NoError(t, err)
		require.Equal(t, 14, strings.Count(got, "<firstName>Anna</firstName>"))
		require.Contains(t, got, refused("[Error 4008] User not found: who@demo.example")+closingTag, "the last is the fifteenth")
		for _, n := range []int{0, 16} {
			c.send(document(c.session, strings.Repeat(one, n)))
			got, err = c.receive()
			require.NoError(t, err)
			require.Contains(t, got, refused("[Error 4000] a document has 1 to 15 commands"))
			require.NotContains(t, got, "Anna")
		}
	})
}

func TestDocumentsArriveInAnyPieces(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		c := w.admin()
		one := document(c.session, command("UserGetRequest19", "<userId>anna@demo.example</userId>"))
		go func() {
			for _, b := range latin(t, one) {
				_, _ = c.conn.Write([]byte{b})
			}
			_, _ = c.conn.Write(latin(t, "\r\n\n"+one+one))
		}()
		for range 3 {
			got, err := c.receive()
			require.NoError(t, err)
			require.Contains(t, got, "Archer")
		}
	})
}

func TestRequestsThisReleaseDoesNotHave(t *testing.T) {
	inStory(t, Config{Release: 21, Lacks: []string{"UserGetListInGroupPagedSortedListRequest"}}, func(w *story) {
		c := w.admin()
		anna := "<userId>anna@demo.example</userId>"
		for _, kind := range []string{"UserGetRequest19", "UserGetRequest14sp4", "UserGetRequest21sp1", "UserGetRequest"} {
			require.Contains(t, c.ask(kind, anna), strings.Replace(kind, "Request", "Response", 1)+`"`)
		}
		require.Equal(t, refused("[Error 4000] Unknown request: UserGetRequest22V3"), c.ask("UserGetRequest22V3", anna))
		require.Equal(t, refused("[Error 4000] Unknown request: UserBakeRequest"), c.ask("UserBakeRequest", anna))
		require.Contains(t, c.ask("UserGetListInGroupPagedSortedListRequest", "<serviceProviderId>acme</serviceProviderId><groupId>north</groupId>"),
			"Unknown request")
		require.Contains(t, c.ask("LoginRequest22V3", ""), "Unknown request")
	})
}
