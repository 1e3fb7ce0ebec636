package oci

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
)

func TestALoginIsSignedAndKeepsToItsSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPeer()
		sessions := map[string]bool{}
		p.say = func(_, doc string) (string, bool) {
			sessions[sessionOf.FindStringSubmatch(doc)[1]] = true
			require.NotContains(t, doc, "s3cret")
			return "", false
		}
		s := p.source(t, nil)
		for range 3 {
			_, found, err := s.Read(t.Context(), "anna@example.com")
			require.NoError(t, err)
			require.True(t, found)
		}
		require.Equal(t, []string{"AuthenticationRequest", "LoginRequest14sp4", "UserGetRequest20", "UserGetRequest20", "UserGetRequest20"}, p.asked)
		require.Len(t, sessions, 1)
		for id := range sessions {
			require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, id)
		}
		time.Sleep(2 * time.Minute) // nobody asks; the connection is closed, and the next question opens another
		_, _, err := s.Read(t.Context(), "anna@example.com")
		require.NoError(t, err)
		require.Equal(t, 2, p.connects)
		require.Len(t, sessions, 2)
	})
}

func TestAPlainPasswordTakesTLS(t *testing.T) {
	_, err := New(Config{OCI: tenant.OCI{Address: "as.example.com:2209", Username: "u", Password: "p", Login: "plain"}})
	require.ErrorContains(t, err, "over TLS alone")
	c := tenant.OCI{Address: "as.example.com:2209", Username: "u", Password: "p", Login: "plain"}
	c.TLS = true
	_, err = New(Config{OCI: c})
	require.NoError(t, err)
}

func TestAWrongPasswordIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, log := newPeer(), &logged{}
		p.right = "changed"
		s := p.source(t, func(c *Config) { c.Log = log.logger() })
		began := time.Now()
		for time.Since(began) < 24*time.Hour {
			_, _, err := s.Read(t.Context(), "anna@example.com")
			require.ErrorIs(t, err, ErrLogin)
			require.ErrorContains(t, err, "error 4962")
			require.NotContains(t, err.Error(), "Invalid password for admin")
			time.Sleep(10 * time.Second)
		}
		require.Less(t, p.logins, 35, "a day of questions every ten seconds")
		require.Greater(t, p.logins, 24)
		require.Equal(t, p.logins, p.connects)
		p.set(func(p *peer) { p.right = password }) // unlocked
		time.Sleep(time.Hour)
		_, found, err := s.Read(t.Context(), "anna@example.com")
		require.NoError(t, err)
		require.True(t, found)
		require.NotContains(t, log.String(), "s3cret")
	})
}

func TestAPasswordThatExpiresSoonIsSaidOnceADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, log := newPeer(), &logged{}
		p.scope = "<passwordExpiresDays>3</passwordExpiresDays>" // the first counts
		s := p.source(t, func(c *Config) { c.Log = log.logger() })
		for range 36 {
			_, _, err := s.Read(t.Context(), "anna@example.com")
			require.NoError(t, err)
			time.Sleep(time.Hour)
		}
		require.Equal(t, 36, p.logins)
		require.Equal(t, 2, strings.Count(log.String(), `msg="the password for OCI-P expires soon" network=n days=3`))
	})
}

func TestALoginThatIsHungUpOnIsARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPeer()
		p.say = func(name, _ string) (string, bool) { return "", name == "LoginRequest14sp4" }
		s := p.source(t, nil)
		began := time.Now()
		for time.Since(began) < time.Hour {
			_, _, err := s.Read(t.Context(), "anna@example.com")
			require.ErrorContains(t, err, "LoginRequest14sp4 not answered")
			time.Sleep(time.Second)
		}
		require.Less(t, p.connects, 7)
	})
}

func TestAPlatformThatIsAwayIsAskedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, dials := newPeer(), 0
		p.down = true
		s := p.source(t, func(c *Config) {
			c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				dials++
				return p.dial(ctx, network, address)
			}
		})
		for range 3600 {
			_, _, err := s.Read(t.Context(), "anna@example.com")
			require.ErrorContains(t, err, "connection refused")
			time.Sleep(time.Second)
		}
		require.Less(t, dials, 80)
		p.set(func(p *peer) { p.down = false })
		time.Sleep(time.Minute)
		_, found, err := s.Read(t.Context(), "anna@example.com")
		require.NoError(t, err)
		require.True(t, found)
	})
}

// A kept connection that the platform closed meanwhile is replaced; a list over
// it does not notice.
func TestAConnectionThatEndedIsReplacedOnce(t *testing.T) {
	for _, bye := range []string{"", `<command xsi:type="LogoutRequest" xmlns=""><userId>admin</userId><reason>maintenance</reason></command>`} {
		p, n := newPeer(), 0
		p.say = func(name, _ string) (string, bool) {
			if strings.HasPrefix(name, "UserGetList") {
				if n++; n == 2 {
					if bye == "" {
						return "", true
					}
					return wrap("SESSION", bye), true
				}
			}
			return "", false
		}
		s := p.source(t, nil)
		all, err := list(t, s)
		require.NoError(t, err)
		require.Equal(t, everyone, all)
		require.Equal(t, 2, p.connects)

		p.set(func(p *peer) {
			p.say = func(name, _ string) (string, bool) { return "", strings.HasPrefix(name, "UserGet") }
		})
		_, err = list(t, s)
		require.Error(t, err)
		require.Equal(t, 3, p.connects, "and once only")
	}
}

func TestAListThatBreaksOffIsNoList(t *testing.T) {
	for _, part := range []int{1, 100, 700} {
		p := newPeer()
		p.write = func(c net.Conn, answer []byte) bool {
			if strings.Contains(string(answer), "userTable") {
				_, _ = c.Write(answer[:part])
				return false
			}
			_, err := c.Write(answer)
			return err == nil
		}
		all, err := list(t, p.source(t, nil))
		require.ErrorContains(t, err, "UserGetListInGroupPagedSortedListRequest not answered: unexpected EOF")
		require.Empty(t, all)
		require.Equal(t, 1, p.connects, "part of an answer is an answer: it is not asked again at once")
	}
}

func TestASlowPlatformIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPeer()
		p.write = func(c net.Conn, answer []byte) bool {
			if !strings.Contains(string(answer), "UserGetResponse") {
				_, err := c.Write(answer)
				return err == nil
			}
			for i := range answer { // drips
				if _, err := c.Write(answer[i : i+1]); err != nil {
					return false
				}
				time.Sleep(time.Second)
			}
			return true
		}
		s, began := p.source(t, nil), time.Now()
		_, _, err := s.Read(t.Context(), "anna@example.com")
		require.ErrorIs(t, err, errLate)
		require.Equal(t, time.Minute, time.Since(began))

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began = time.Now()
		_, _, err = s.Read(ctx, "anna@example.com")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 5*time.Second, ago(began))
	})
}

func TestEveryByteMayComeAlone(t *testing.T) {
	p := newPeer()
	p.write = func(c net.Conn, answer []byte) bool {
		for i := range answer[1:] { // all but the newline, which nobody waits for
			if _, err := c.Write(answer[i : i+1]); err != nil {
				return false
			}
		}
		return true
	}
	all, err := list(t, p.source(t, nil))
	require.NoError(t, err)
	require.Equal(t, everyone, all)
}

func TestAnswersThatAreNone(t *testing.T) {
	response := func(fields string) string { return answer("UserGetResponse20", fields) }
	good := "<serviceProviderId>acme</serviceProviderId><groupId>north</groupId><lastName>M\u00fcller</lastName>"
	deep := strings.Repeat("<a>", 30) + strings.Repeat("</a>", 30)
	for name, it := range map[string]struct{ answer, want string }{
		"of another session":       {wrap("somebody-else", response(good)), errSession.Error()},
		"of another request":       {wrap("SESSION", answer("UserAddResponse", good)), errNotUnderstood.Error()},
		"of no request":            {wrap("SESSION", ""), errNotUnderstood.Error()},
		"to two requests":          {wrap("SESSION", response(good)+response(good)), errNotUnderstood.Error()},
		"not of OCI":               {"<html><body>Hello anna</body></html>\n", errNotUnderstood.Error()},
		"not of XML":               {"HTTP/1.1 400 Bad Request\r\n\r\n", errSyntax.Error()},
		"not well-formed":          {wrap("SESSION", response(good+"<a><b></a></b>")), errNotUnderstood.Error()},
		"with a DTD":               {"<!DOCTYPE x [<!ENTITY a \"b\">]>" + wrap("SESSION", response(good)), errSyntax.Error()},
		"too deep":                 {wrap("SESSION", response(good+deep)), errTooDeep.Error()},
		"without end":              {"<BroadsoftDocument>" + strings.Repeat("anna ", 2<<20), errTooLong.Error()},
		"of a billion elements":    {"<BroadsoftDocument>" + strings.Repeat("<a/>", 1<<20), errTooDeep.Error()},
		"of another charset":       {strings.Replace(wrap("SESSION", response(good)), "ISO-8859-1", "UTF-16", 1), errNotUnderstood.Error()},
		"not of its charset":       {strings.Replace(wrap("SESSION", response(good)), "ISO-8859-1", "UTF-8", 1), errNotUnderstood.Error()},
		"of a user who is nowhere": {wrap("SESSION", response("<lastName>Archer</lastName>")), errNotUnderstood.Error()},
		"refused, with no code":    {wrap("SESSION", `<command type="Error" xsi:type="c:ErrorResponse" xmlns:c="C"><summary>No anna for you</summary></command>`), "without an error code"},
		"refused, with a field":    {wrap("SESSION", `<command type="Error" xsi:type="c:ErrorResponse" xmlns:c="C"><errorCode>6004</errorCode><summary>No anna</summary></command>`), "error 6004"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer()
			p.say = func(name, _ string) (string, bool) { return it.answer, strings.HasPrefix(name, "UserGetRequest") }
			s := p.source(t, func(c *Config) { c.MaxAnswer = 4 << 20 })
			_, found, err := s.Read(t.Context(), "anna@example.com")
			require.ErrorContains(t, err, it.want)
			require.NotContains(t, err.Error(), "anna")
			require.False(t, found)
			p.set(func(p *peer) { p.say = nil })
			_, found, err = s.Read(t.Context(), "anna@example.com")
			require.NoError(t, err)
			require.True(t, found, "and the next answer is the next question's")
			require.LessOrEqual(t, p.connects, 2)
		})
	}
}

func TestTheCodesOfSomebodyMissingAreASetting(t *testing.T) {
	p := newPeer()
	p.say = func(name, _ string) (string, bool) {
		return wrap("SESSION", refusal(4105, "Not in your service provider")), strings.HasPrefix(name, "UserGetRequest")
	}
	_, _, err := p.source(t, nil).Read(t.Context(), "anna@example.com")
	require.ErrorContains(t, err, "UserGetRequest20 is refused with error 4105")
	_, found, err := p.source(t, func(c *Config) { c.OCI.NotFoundCodes = []int{4008, 4105} }).Read(t.Context(), "anna@example.com")
	require.NoError(t, err)
	require.False(t, found)
}

func TestTheReleaseOfAUserReadIsASetting(t *testing.T) {
	p := newPeer()
	_, found, err := p.source(t, func(c *Config) { c.OCI.UserRelease = "22V5" }).Read(t.Context(), "anna@example.com")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, 1, p.count("UserGetRequest22V5"))
}

// What is asked for is asked for in ISO-8859-1, with references for the rest.
func TestTextIsWrittenAsThePlatformReadsIt(t *testing.T) {
	for text, want := range map[string]string{
		"anna@example.com":       "anna@example.com",
		"M\u00fcller":            "M\xfcller",
		"\u0141ukasz \U0001f600": "&#321;ukasz &#128512;",
		`<a b="c">&`:             "&lt;a b=&quot;c&quot;&gt;&amp;",
		"a\nb\x00\x85":           "a&#10;b&#65533;&#65533;",
		"\u0085":                 "&#133;",
	} {
		require.Equal(t, want, string(appendText(nil, text)), "%q", text)
	}
	doc := string(newRequest("UserGetRequest20").text("userId", "M\u00fcller").document("id"))
	require.Equal(t, `<?xml version="1.0" encoding="ISO-8859-1"?>`+"\n"+
		`<BroadsoftDocument protocol="OCI" xmlns="C" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><sessionId xmlns="">id</sessionId>`+
		`<command xsi:type="UserGetRequest20" xmlns=""><userId>M`+"\xfc"+`ller</userId></command></BroadsoftDocument>`+"\n", doc)
}

func TestNumbersAreE164(t *testing.T) {
	for _, it := range []struct{ number, country, home, want string }{
		{"+1-2015550100", "", "", "+12015550100"},
		{"2015550100", "1", "", "+12015550100"},
		{"12015550100", "1", "", "+12015550100"},
		{"(201) 555-0100", "", "1", "+12015550100"},
		{"020 7946 0001", "44", "1", "+442079460001"},
		{"06 1234567", "39", "", "+39061234567"},
		{"2015550100", "", "", ""},
		{"", "1", "1", ""},
		{"tel:1", "1", "1", ""},
		{"+12", "", "", ""},
		{"+1201555010012345", "", "", ""},
	} {
		got, ok := e164(it.number, it.country, it.home)
		require.Equal(t, it.want != "", ok, it.number)
		if ok {
			require.Equal(t, it.want, got)
		}
	}
}

func TestASignatureIsMadeOfNonceAndPassword(t *testing.T) {
	// By hand, with sha1sum and md5sum.
	require.Equal(t, "9d39042c69e0e34484c8c4de6c90bf55", signature("1416586235811", "admin"))
}
