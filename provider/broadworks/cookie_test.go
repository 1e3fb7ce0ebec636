package broadworks

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// cookiesAt notes the cookies that requests of a kind bring, and gives them one
// of the other interface.
func cookiesAt(bw *script, what string, into *[]string, sets string) {
	bw.on(what, func(w http.ResponseWriter, r *http.Request) {
		bw.mu.Lock()
		defer bw.mu.Unlock()
		*into = append(*into, r.Header.Get("Cookie"))
		if sets != "" {
			http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: sets, Path: "/com.broadsoft.xsi-actions"})
		}
	})
}

// Both interfaces of an XSP call their session JSESSIONID. That of a command
// does not take the place of the channel's, which pins us to its node.
func TestTheCookieOfACommandIsNotTheChannels(t *testing.T) {
	var commands, beats []string
	tell(t, func(bw *script, _ *Config) {
		cookiesAt(bw, "PUT /Hold", &commands, "of-actions")
		cookiesAt(bw, "PUT /heartbeat", &beats, "")
	}, func(s *story) {
		for range 2 {
			require.Equal(s, engine.OutcomeAccepted, s.ask(engine.VerbHold).Kind)
		}
		require.Equal(s, []string{"", "JSESSIONID=of-actions"}, copied(s.bw, &commands))
		s.after(15 * time.Second)
		require.Equal(s, []string{"JSESSIONID=node1"}, copied(s.bw, &beats))
	})
}

// What left before there was a cookie meets any node behind a load balancer;
// its answer changes nothing. One that brought the cookie back may change it,
// or take it away.
func TestAStrayAnswerDoesNotMoveThePin(t *testing.T) {
	answer := func(brought string, set ...string) *http.Response {
		req, _ := http.NewRequest(http.MethodPut, "http://xsp1/", nil)
		if brought != "" {
			req.Header.Set("Cookie", "JSESSIONID="+brought)
		}
		return &http.Response{Request: req, Header: http.Header{"Set-Cookie": set}}
	}
	var j jar
	have := func() string {
		req, _ := http.NewRequest(http.MethodPut, "http://xsp1/", nil)
		j.sign(req, "")
		return req.Header.Get("Cookie")
	}
	j.learn(answer("", "JSESSIONID=early"), false)
	j.learn(answer("", "JSESSIONID=channel", "lb=1"), true)
	require.Equal(t, "JSESSIONID=channel; lb=1", have())
	j.learn(answer("", "JSESSIONID=stray"), false)
	require.Equal(t, "JSESSIONID=channel; lb=1", have())
	j.learn(answer("channel", "JSESSIONID=moved"), false)
	require.Equal(t, "JSESSIONID=moved; lb=1", have())
	j.learn(answer("moved", "JSESSIONID=gone; Max-Age=0"), false)
	require.Equal(t, "lb=1", have())
	for _, c := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
		j.learn(answer("", c+"=1"), false)
	}
	require.Len(t, j.cookies, maxCookies)
}
