package stories

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
	"offhook/transport/webhook"
)

// post is one request that a webhook's receiver got.
type post struct {
	header http.Header
	body   string
}

// signedBy reports whether a secret signed it.
func (p post) signedBy(t *testing.T, secret string) bool {
	t.Helper()
	v, err := webhook.NewVerifier(secret)
	require.NoError(t, err)
	h := p.header
	return v.Verify(time.Now(), h.Get("webhook-id"), h.Get("webhook-timestamp"), h.Get("webhook-signature"), []byte(p.body)) == nil
}

// letterbox takes whatever is sent.
type letterbox struct {
	URL string
	mu  sync.Mutex
	all []post
}

func newLetterbox(t *testing.T) *letterbox {
	b := &letterbox{}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.all = append(b.all, post{r.Header, string(body)})
	}))
	t.Cleanup(s.Close)
	b.URL = s.URL
	return b
}

func (b *letterbox) last(t *testing.T) post {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.NotEmpty(t, b.all)
	return b.all[len(b.all)-1]
}

// holding is how many of the posts have these words.
func (b *letterbox) holding(words ...string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.all {
		n++
		for _, w := range words {
			if !strings.Contains(p.body, w) {
				n--
				break
			}
		}
	}
	return n
}

// member is the first member of that name in what --json printed.
func member(t *testing.T, out, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(out, `"`+name+`": "`)
	require.True(t, ok, out)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// in is the shell for a part of a story.
func (s *shell) in(t *testing.T) *shell {
	part := *s
	part.t = t
	return &part
}

// fact is what is printed behind a name.
func fact(t *testing.T, out, name string) string {
	t.Helper()
	for line := range strings.Lines(out) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("no %q in\n%s", name, out)
	return ""
}

// The day of somebody who looks after offhook, and after an app, in a shell.
func TestADayInAShell(t *testing.T) {
	s, p := newShell(t)
	const alice = "alice@demo.example"
	rig.Must(t, 200, "PUT", "http://"+p.Addr("simulator")+"/simulator/phones/"+alice, "", `{"answer_after_ms":5,"far_end":"answer","far_end_after_ms":5}`)
	box := newLetterbox(t)
	key := member(t, s.ok("offhook app create CRM --id crm --json"), "api_key")
	s.ok("offhook subscriber link crm " + alice)
	s.env = append(s.env, "OFFHOOK_APP=crm", "BOX="+box.URL, "FIRST_KEY="+key)
	talk := `talk() { local call; call=$(offhook call place ` + alice + ` +442079460009 --json | grep -m1 call_id | cut -d'"' -f4)
		until offhook call show "$call" | grep -q '^state *active'; do :; done; echo "$call"; }` + "\n"

	t.Run("calls are joined", func(t *testing.T) {
		s := s.in(t)
		one := strings.TrimSpace(s.ok(talk + "talk"))
		s.ok("offhook call hold " + one)
		two := strings.TrimSpace(s.ok(talk + "talk"))
		start := fmt.Sprintf("offhook call conference start %s %s --client-ref board --idempotency-key once --json", one, two)
		id := member(t, s.ok(start), "conference_id")
		require.Equal(t, id, member(t, s.ok(start), "conference_id"), "it is started once")
		require.Contains(t, s.ok("offhook call conference list"), id)
		require.Regexp(t, `your name for it +board`, s.ok("offhook call conference show "+id))
		for _, c := range []struct{ verb, is string }{{"mute", "muted"}, {"deaf", "muted deaf"}, {"unmute", "deaf"}, {"undeaf", ""}} {
			require.Regexp(t, `(?m)^call `+one+` +\+442079460009 ?`+c.is+`$`, s.ok(fmt.Sprintf("offhook call conference %s %s %s", c.verb, id, one)))
		}
		_, errs, code := s.run(fmt.Sprintf("offhook call conference unmute %s %s", id, one))
		require.Equal(t, 4, code)
		require.Contains(t, errs, "wrong_state")
		require.Contains(t, s.ok("offhook call list --all"), "crm")
		require.Regexp(t, `state +released`, s.ok("offhook call conference end "+id))
		require.Equal(t, "none\n", s.ok("offhook call conference list"))
	})

	t.Run("a webhook is set as it is to be", func(t *testing.T) {
		s := s.in(t)
		s.ok(`printf 'X-Gateway: east\nX-Key: s3cret-and-long-enough\n' > headers`)
		out := s.ok(`offhook webhook set calls --url "$BOX" --batch --signing v1+v1a --state released --direction outgoing --headers-file - < headers`)
		first := fact(t, out, "secret")
		require.Regexp(t, `(?m)^sends +when released; if outgoing$`, out)
		require.Contains(t, out, "X-Gateway: east")
		require.NotContains(t, out, "s3cret")
		require.Regexp(t, `(?m)^public key +whpk_`, out)
		s.ok("offhook webhook test calls")
		require.Equal(t, "s3cret-and-long-enough", box.last(t).header.Get("X-Key"))
		require.True(t, box.last(t).signedBy(t, first))

		out = s.ok("offhook webhook rotate-secret calls --overlap 1h")
		second := fact(t, out, "secret")
		require.Contains(t, out, "older ones sign until")
		s.ok("offhook webhook test calls")
		require.True(t, box.last(t).signedBy(t, first) && box.last(t).signedBy(t, second))
		const third = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
		require.Equal(t, third, member(t, s.ok("offhook webhook rotate-secret calls --overlap 0s --json --secret-file <(echo "+third+")"), "secret"))
		s.ok("offhook webhook test calls")
		require.True(t, box.last(t).signedBy(t, third))
		require.False(t, box.last(t).signedBy(t, first) || box.last(t).signedBy(t, second), "they leaked")
		was := fact(t, s.ok("offhook webhook show calls"), "public key")
		is := fact(t, s.ok("offhook webhook rotate-signing-key calls --overlap 1h"), "public key")
		require.NotEqual(t, was, is)

		out = s.ok("offhook webhook set calls --no-batch --everything --no-headers --signing v1")
		require.Regexp(t, `(?m)^sends +everything$`, out)
		require.Regexp(t, `(?m)^headers +-$`, out)
		require.Regexp(t, `(?m)^batch +false$`, out)
		require.NotContains(t, out, "public key")
		require.Contains(t, s.ok(`offhook webhook set operations --url "$BOX"`), "whsec_")
		require.Regexp(t, `(?m)^secrets +1$`, s.ok("offhook webhook set operations --secret-file <(echo "+third+")"))
		require.Contains(t, s.ok("offhook webhook remove operations"), "deleted operations")
	})

	t.Run("what one subscriber is told waits and is sent again", func(t *testing.T) {
		s := s.in(t)
		s.ok("offhook webhook stream pause calls " + alice)
		call := strings.TrimSpace(s.ok(talk + "talk"))
		require.Regexp(t, alice+`.*true\n`, s.ok("offhook webhook stream list calls"))
		require.Zero(t, box.holding(call))
		s.ok("offhook webhook stream resume calls " + alice)
		for range rig.Poll(30 * time.Second) {
			if box.holding(call, `"active"`) == 1 {
				break
			}
		}
		require.Equal(t, 1, box.holding(call, `"active"`))
		out := s.ok("offhook webhook redeliver calls --subscriber " + alice + " --until 1ns --idempotency-key again")
		require.Regexp(t, `(?m)^state +done$`, out)
		require.Equal(t, 2, box.holding(call, `"active"`))
		task := fact(t, out, "task")
		require.Contains(t, s.ok("offhook webhook redelivery list calls"), task)
		require.Regexp(t, `(?m)^state +done$`, s.ok("offhook webhook redelivery show calls "+task))
		require.Contains(t, s.ok("offhook webhook redelivery cancel calls "+task), task)
		s.ok("offhook call end " + call)
	})

	t.Run("an app looks after itself with its key, which is replaced", func(t *testing.T) {
		s := s.in(t)
		as := "export OFFHOOK_API_KEY=$FIRST_KEY\n"
		require.Contains(t, s.ok(as+"offhook subscriber list"), alice)
		require.Contains(t, s.ok(as+"offhook subscriber show "+alice), "+12015550100")
		require.Contains(t, s.ok(as+"offhook network list"), "mute_transfer")
		require.Contains(t, s.ok(as+"offhook network show "+member(t, s.ok("offhook network list --json"), "network_id")), "conference")
		require.Contains(t, s.ok(as+"offhook webhook set calls --extended"), "extended events")
		require.Contains(t, s.ok(as+"offhook events list --limit 1"), alice)

		old := member(t, s.ok("offhook app show crm --json"), "key_id")
		second := member(t, s.ok("offhook app key rotate crm "+old+" --json"), "api_key")
		s.ok(as + "offhook call list")
		s.ok("OFFHOOK_API_KEY=" + second + " offhook call list")
		_, errs, code := s.run("offhook app key rotate crm " + old + " --revoke")
		require.Zero(t, code)
		require.Contains(t, errs, "revoked "+old)
		_, _, code = s.run(as + "offhook call list")
		require.Equal(t, 4, code)
		require.Regexp(t, `(?m)^name +East\n.*\n.*URLs +true`, s.ok("offhook app set crm --name East --challenge"))
		require.NotContains(t, s.ok("offhook app set crm --no-calls-url --no-challenge"), box.URL)
	})

	t.Run("the log is read in parts", func(t *testing.T) {
		s := s.in(t)
		whole := s.ok("offhook events list --limit 0")
		out, errs, _ := s.run("offhook events list --limit 3")
		_, onward, _ := strings.Cut(errs, "go on with ")
		require.Equal(t, whole, out+s.ok("offhook events list --limit 0 "+onward))
		_, errs, code := s.run("offhook events list --after AAAAAAAAAAAAAAAAAAAAAA")
		require.True(t, code == 4 || strings.Contains(errs, "events are missing"), errs)
	})

	t.Run("a network comes and goes", func(t *testing.T) {
		s := s.in(t)
		out := s.ok("echo correct-horse | offhook network create --id lab --xsp http://127.0.0.1:1 --username admin@lab.example --password-file - --country-code 1 --idempotency-key once")
		require.Regexp(t, `(?m)^network +lab$`, out)
		require.NotContains(t, out, "correct-horse")
		require.Regexp(t, `(?m)^dialing country_code +44$`, s.ok("offhook network set lab --password-file <(echo battery-staple) --country-code 44 --without recording_start"))
		_, errs, code := s.run("offhook network rotate-contact lab")
		require.Equal(t, 4, code)
		require.Contains(t, errs, "conflict")
		_, errs, code = s.run("offhook network confirm-deletions lab")
		require.Equal(t, 4, code)
		require.Contains(t, errs, "not_found") // nothing provisions from there
		s.ok(`echo '{"broadworks":{"actions_path":"/xsi-actions"}}' > lab.json && offhook network set lab --file lab.json --deny 1900 --json | grep -q '"/xsi-actions"'`)
		require.Equal(t, "deleted lab\n", s.ok("offhook network remove lab"))
		_, _, code = s.run("offhook network show lab")
		require.Equal(t, 4, code)
	})

	t.Run("it is up, and says more when asked to", func(t *testing.T) {
		s := s.in(t)
		require.Regexp(t, `(?m)^ready +true$`, s.ok("offhook status"))
		require.Equal(t, "level info\n", s.ok("offhook log"))
		require.Equal(t, "level debug\n", s.ok("offhook log debug"))
		require.Equal(t, "level debug\n", s.ok("offhook log"))
	})
}
