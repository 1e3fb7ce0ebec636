package oci

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	feedOpen  = `<?xml version="1.0" encoding="ISO-8859-1"?>` + "\n" + `<BroadsoftOCIReportingDocument protocol="OCIReporting" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`
	feedClose = "</BroadsoftOCIReportingDocument>\n"
	keepAlive = feedOpen + `<command xsi:type="OCIReportingServerStatusNotification"/>` + feedClose
)

// report is a notification of one accepted write.
func report(inner string) string {
	return `<command xsi:type="OCIReportingReportNotification"><id>write264</id><userId>admin</userId><loginType>System</loginType><request><![CDATA[` +
		`<?xml version="1.0" encoding="ISO-8859-1"?>` + open + `<userId xmlns="">admin</userId>` + inner + `</BroadsoftDocument>]]></request><isAltered>true</isAltered></command>`
}

func write(kind, fields string) string {
	return feedOpen + report(`<command xsi:type="`+kind+`" xmlns="">`+fields+`</command>`) + feedClose
}

func user(id string) string { return "<userId>" + id + "</userId>" }

// heard is what a document of the feed says, in words.
func heard(doc string) (all []string) {
	hear(latin(doc), reportLimits(), func(user string) { all = append(all, "changed "+user) }, func(kind string) { all = append(all, kind) })
	return all
}

func reportLimits() limits {
	c := Config{}.withDefaults()
	return c.reports()
}

func TestWhomAWriteConcerns(t *testing.T) {
	for _, it := range []struct {
		kind, fields string
		want         []string
	}{
		{"UserAddRequest17sp4", user("anna"), []string{"changed anna", "user"}},
		{"UserConsolidatedAddRequest22", user("anna"), []string{"changed anna", "user"}},
		{"UserModifyRequest22", user("anna") + `<phoneNumber xsi:nil="true"/><newPassword>hunter2</newPassword>`, []string{"changed anna", "user"}},
		{"UserConsolidatedModifyRequest22V2", user("anna") + "<newUserId>hanna</newUserId>", []string{"changed anna", "changed hanna", "user"}},
		{"UserModifyGroupIdRequest", user("anna") + "<newGroupId>south</newGroupId>", []string{"changed anna", "user"}},
		{"UserModifyUserIdRequest", user("anna") + "<newUserId>hanna</newUserId>", []string{"changed anna", "changed hanna", "user"}},
		{"UserDeleteRequest", user("anna"), []string{"changed anna", "user"}},
		{"UserConsolidatedDeleteRequest", user("anna"), []string{"changed anna", "user"}},
		{"UserServiceAssignListRequest", user("anna"), []string{"changed anna", "user"}},
		{"UserServiceUnassignListRequest", user("anna"), []string{"changed anna", "user"}},
		{"UserRenumberEverythingRequest30", user("anna") + "<newUserId>hanna</newUserId>", []string{"changed anna", "changed hanna", "user"}},
		{"c:UserDeleteRequest", user("m\u00fcller"), []string{"changed m\u00fcller", "user"}},
		{"GroupDeleteRequest", "<serviceProviderId>acme</serviceProviderId><groupId>north</groupId>", []string{"changed ", "everybody"}},
		{"ServiceProviderDeleteRequest", "<serviceProviderId>acme</serviceProviderId>", []string{"changed ", "everybody"}},
		{"GroupDepartmentModifyRequest", "<groupId>north</groupId>", []string{"changed ", "everybody"}},
		{"UserAddRequest", "<lastName>Archer</lastName>", []string{"changed ", "everybody"}},
		{"UserDeleteRequest", user(strings.Repeat("a", 2000)), []string{"changed ", "everybody"}},
		{"UserDoNotDisturbModifyRequest", user("anna"), []string{"nobody"}},
		{"GroupAccessDeviceModifyRequest14", "<groupId>north</groupId>", []string{"nobody"}},
		{"SystemWeatherModifyRequest", "<sky>grey</sky>", []string{"nobody"}},
		{"UserThings", user("anna"), []string{"changed ", "not_understood"}},
		{"", user("anna"), []string{"changed ", "not_understood"}},
	} {
		require.Equal(t, it.want, heard(write(it.kind, it.fields)), "%+v", it)
	}
}

func TestDocumentsOfTheFeed(t *testing.T) {
	identity := `<command xsi:type="OCIReportingReportPublicIdentityNotification"><modifiedUser><userId>anna</userId></modifiedUser></command>`
	two := `<command xsi:type="UserDeleteRequest" xmlns="">` + user("a") + `</command><command xsi:type="UserDeleteRequest" xmlns="">` + user("b") + `</command>`
	for name, it := range map[string]struct {
		doc  string
		want []string
	}{
		"keep-alive":                {keepAlive, []string{"keep_alive"}},
		"several commands":          {feedOpen + report(two) + identity + report(two) + feedClose, []string{"changed a", "user", "changed b", "user", "nobody", "changed a", "user", "changed b", "user"}},
		"on several lines":          {strings.ReplaceAll(write("UserDeleteRequest", user("anna")), "><", ">\r\n  <"), []string{"changed anna", "user"}},
		"of a kind nobody knows":    {feedOpen + `<command xsi:type="OCIReportingWeatherNotification"><sky/></command>` + feedClose, []string{"nobody"}},
		"inside not well-formed":    {feedOpen + report("<command>") + report(two) + feedClose, []string{"not_understood", "changed ", "changed a", "user", "changed b", "user"}},
		"nothing inside":            {feedOpen + `<command xsi:type="OCIReportingReportNotification"><id>write1</id></command>` + feedClose, []string{"not_understood", "changed "}},
		"something else inside":     {feedOpen + `<command xsi:type="OCIReportingReportNotification"><request><![CDATA[<a/>]]></request></command>` + feedClose, []string{"not_understood", "changed "}},
		"a bomb inside":             {feedOpen + report(strings.Repeat("<a>", 40)+strings.Repeat("</a>", 40)) + feedClose, []string{"not_understood", "changed "}},
		"not well-formed":           {feedOpen + `<command xsi:type="OCIReportingReportNotification"><id>write&&</idd>` + feedClose, []string{"not_understood", "changed "}},
		"something else":            {"<a/>", []string{"not_understood", "changed "}},
		"more commands than can be": {feedOpen + strings.Repeat(identity, 16) + feedClose, []string{"not_understood", "changed "}},
	} {
		require.Equal(t, it.want, heard(it.doc), name)
	}
}

// station is the platform's side of a feed: each connection runs the next of
// some scripts, the last of them again and again.
type station struct {
	mu       sync.Mutex
	scripts  []func(c net.Conn)
	connects []time.Time
	wg       sync.WaitGroup
}

func (s *station) dial(context.Context, string, string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connects = append(s.connects, time.Now())
	script := s.scripts[0]
	if len(s.scripts) > 1 {
		s.scripts = s.scripts[1:]
	}
	if script == nil {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	s.wg.Go(func() {
		defer ours.Close()
		script(ours)
	})
	return theirs, nil
}

func say(docs ...string) func(net.Conn) {
	return func(c net.Conn) {
		for _, d := range docs {
			if _, err := c.Write(latin(d)); err != nil {
				return
			}
		}
	}
}

// stay says something, then nothing until the other side leaves.
func stay(docs ...string) func(net.Conn) {
	return func(c net.Conn) {
		say(docs...)(c)
		_, _ = c.Read(make([]byte, 1))
	}
}

// watching is a feed that is followed for a while.
func watching(t *testing.T, lasts time.Duration, s *station, change func(*Config)) (changes []string, log *logged, err error) {
	t.Helper()
	log = &logged{}
	cfg := Config{Network: "n", Dial: s.dial, Log: log.logger(), Random: func() float64 { return 0.5 }}
	cfg.OCI.ReportingAddress = "as.example.com:8025"
	if change != nil {
		change(&cfg)
	}
	src, err := New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	err = src.Watch(ctx, func(user string) { changes = append(changes, user) })
	s.wg.Wait()
	return changes, log, err
}

func TestTheFeedTellsWhoChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &station{scripts: []func(net.Conn){stay(keepAlive, write("UserModifyRequest22", user("anna")), write("UserDeleteRequest", user("miguel")))}}
		changes, _, err := watching(t, time.Hour, s, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []string{"", "anna", "miguel"}, changes, "first anything, then what it says")
		require.Len(t, s.connects, 1, "an hour of silence is no loss where keep-alives are not known")
	})
}

func TestWithoutAFeedWatchWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changes, _, err := watching(t, time.Hour, &station{}, func(c *Config) { c.OCI.ReportingAddress = "" })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Empty(t, changes)
	})
}

func TestEveryByteOfTheFeedMayComeAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &station{scripts: []func(net.Conn){func(c net.Conn) {
			for _, b := range latin(keepAlive + write("UserModifyRequest22", user("m\u00fcller")) + write("UserDeleteRequest", user("anna"))) {
				_, _ = c.Write([]byte{b})
			}
			_, _ = c.Read(make([]byte, 1))
		}}}
		changes, _, err := watching(t, time.Hour, s, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []string{"", "m\u00fcller", "anna"}, changes)
		require.Len(t, s.connects, 1)
	})
}

func TestAFeedThatBreaksIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		half := write("UserDeleteRequest", user("anna"))
		s := &station{scripts: []func(net.Conn){
			say(keepAlive, half[:len(half)/2]), nil, nil, say(keepAlive), stay(write("UserModifyRequest22", user("anna"))),
		}}
		changes, log, err := watching(t, time.Hour, s, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []string{"", "", "", "anna"}, changes, "what was missed may be anything")
		require.Len(t, s.connects, 5)
		require.Equal(t, 2*time.Second, s.connects[2].Sub(s.connects[1]), "half of a wait that doubles")
		require.Contains(t, log.String(), "broke off: unexpected EOF")
	})
}

func TestAFeedThatFailsAgainAndAgainIsSaidToFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &station{scripts: []func(net.Conn){func(net.Conn) {}}} // shows us the door
		changes, _, err := watching(t, time.Hour, s, nil)
		require.ErrorContains(t, err, "is this host in its access list?")
		require.Empty(t, changes)
		require.Len(t, s.connects, 5)
		require.Less(t, time.Since(began), time.Minute)

		_, _, err = watching(t, time.Hour, &station{scripts: []func(net.Conn){nil}}, nil)
		require.ErrorContains(t, err, "connect to the change feed: connection refused")
	})
}

func TestAFeedThatSaysNothingIsBelievedAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changes, _, err := watching(t, 6*time.Second, &station{scripts: []func(net.Conn){stay()}}, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []string{""}, changes)
		changes, _, _ = watching(t, 4*time.Second, &station{scripts: []func(net.Conn){stay()}}, nil)
		require.Empty(t, changes)
	})
}

func TestAFeedThatFallsSilentIsLostWhereItShouldTalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alive := func(c net.Conn) {
			for range 100 {
				if _, err := c.Write([]byte(keepAlive)); err != nil {
					return
				}
				time.Sleep(20 * time.Second)
			}
		}
		s := &station{scripts: []func(net.Conn){stay(keepAlive), alive}}
		changes, log, err := watching(t, 20*time.Minute, s, func(c *Config) { c.OCI.ReportingSilence = time.Minute })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []string{"", ""}, changes)
		require.Len(t, s.connects, 2)
		require.Equal(t, time.Minute+time.Second, s.connects[1].Sub(s.connects[0]))
		require.Contains(t, log.String(), errSilent.Error())
	})
}

func TestADocumentThatDoesNotEndIsALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		drip := func(c net.Conn) {
			for {
				if _, err := c.Write([]byte("<a>")); err != nil {
					return
				}
				time.Sleep(10 * time.Second)
			}
		}
		endless := func(c net.Conn) {
			_, _ = c.Write([]byte("<a>"))
			for {
				if _, err := c.Write([]byte(strings.Repeat("0123456789", 1000))); err != nil {
					return
				}
			}
		}
		deep := say(strings.Repeat("<a>", 100))
		blank := func(c net.Conn) { // white space is nothing, and takes no room
			for range 1000 {
				if _, err := c.Write([]byte(strings.Repeat(" \n", 5000))); err != nil {
					return
				}
			}
			stay(write("UserDeleteRequest", user("anna")))(c)
		}
		s := &station{scripts: []func(net.Conn){drip, endless, deep, blank}}
		changes, log, err := watching(t, time.Hour, s, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []string{"", "", "", "", "anna"}, changes)
		for _, e := range []error{errLate, errTooLong, errTooDeep} {
			require.Contains(t, log.String(), e.Error())
		}
	})
}

// Documents nobody understands cost a comparison, and not the connection; their
// words, and all passwords, stay out of the log.
func TestNothingTheFeedCarriesIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret := "<newPassword>hunter2</newPassword><lastName>Archer</lastName><phoneNumber>+12015550100</phoneNumber>"
		var docs []string
		for i := range 50 {
			docs = append(docs, write("UserModifyRequest22", user(fmt.Sprintf("u%d", i))+secret),
				feedOpen+report("<command>"+secret)+feedClose,
				feedOpen+"<command><id>"+secret+"&hunter2;</idd>"+feedClose,
				write("UserHunter2", secret))
		}
		docs = append(docs, "<hunter2>"+secret+"</hunter2>", "hunter2 "+secret)
		s := &station{scripts: []func(net.Conn){say(docs...), stay(keepAlive)}}
		changes, log, err := watching(t, time.Hour, s, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, s.connects, 2)
		require.Contains(t, changes, "u49")
		text := log.String()
		require.Contains(t, text, "not understood")
		require.Equal(t, 1, strings.Count(text, "not understood"), "said once a minute")
		for _, never := range []string{"hunter2", "Hunter2", "Archer", "2015550100"} {
			require.NotContains(t, text, never)
		}
	})
}
