package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/transport/httpapi/web"
)

// with changes one member of a good body.
func with(member string, value any) string {
	var m map[string]any
	if err := json.Unmarshal([]byte(good), &m); err != nil {
		panic(err)
	}
	if m[member] = value; value == missing {
		delete(m, member)
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

const missing = "\x00missing"

func TestBodiesThatAreRefused(t *testing.T) {
	h := newHouse(t)
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
		field  string
	}{
		"empty":                {"", 400, "bad_json", ""},
		"malformed":            {`{"subscriber_id": }`, 400, "bad_json", ""},
		"the document's style": {`{subscriber_id: 'x'}`, 400, "bad_json", ""},
		"cut off":              {good[:len(good)-2], 400, "bad_json", ""},
		"trailing garbage":     {good + "x", 400, "bad_json", ""},
		"two documents":        {good + good, 400, "bad_json", ""},
		"trailing comma":       {`{"subscriber_id":"a",}`, 400, "bad_json", ""},
		"an array":             {"[" + good + "]", 400, "bad_json", ""},
		"a string":             {`"call"`, 400, "bad_json", ""},
		"null":                 {`null`, 400, "bad_json", ""},
		"a member twice":       {`{"remote_number":"+15129104114","remote_number":"+15129104115"}`, 400, "bad_json", ""},
		"twice, once escaped":  {`{"remote_number":"+15129104114","remote\u005fnumber":"+15129104115"}`, 400, "bad_json", ""},
		"not UTF-8":            {strings.Replace(good, "Tommy", "T\xf6mmy", 1), 400, "bad_json", ""},
		"too deep":             {`{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", 400, "bad_json", ""},
		"too many members":     {`{` + manyMembers(300) + `}`, 400, "bad_json", ""},

		"no subscriber":            {with("subscriber_id", missing), 422, "invalid_field", "subscriber_id"},
		"no subscriber number":     {with("subscriber_number", missing), 422, "invalid_field", "subscriber_number"},
		"no remote number":         {with("remote_number", missing), 422, "invalid_field", "remote_number"},
		"empty remote number":      {with("remote_number", ""), 422, "invalid_field", "remote_number"},
		"null remote number":       {with("remote_number", nil), 422, "invalid_field", "remote_number"},
		"a number for a number":    {with("remote_number", 15129104114), 422, "invalid_field", "remote_number"},
		"an object for a number":   {with("remote_number", map[string]any{"e164": "+1"}), 422, "invalid_field", "remote_number"},
		"an array for an id":       {with("subscriber_id", []any{"a"}), 422, "invalid_field", "subscriber_id"},
		"true for a name":          {with("subscriber_name", true), 422, "invalid_field", "subscriber_name"},
		"a name too long":          {with("remote_name", strings.Repeat("n", 257)), 422, "invalid_field", "remote_name"},
		"a line break in a name":   {with("remote_name", "Zilkr\r\nX: y"), 422, "invalid_field", "remote_name"},
		"a NUL in an id":           {with("subscriber_id", "a\x00b"), 422, "invalid_field", "subscriber_id"},
		"half a surrogate pair":    {strings.Replace(good, "Tommy", `\ud83d`, 1), 422, "invalid_field", "subscriber_name"},
		"somebody unknown":         {with("subscriber_id", "nobody@example.com"), 404, "not_found", ""},
		"case of a member's name":  {strings.Replace(good, "remote_number", "Remote_Number", 1), 422, "invalid_field", "remote_number"},
		"a C1 control in a number": {with("remote_number", "+1512\u00859104114"), 422, "invalid_field", "remote_number"},
	} {
		t.Run(name, func(t *testing.T) {
			a := h.request("POST", "/apps/"+appID+"/calls", c.body, "Content-Type", "application/json")
			a.wantProblem(t, c.status, c.code)
			if c.field != "" {
				require.Contains(t, a.body, `"field":"`+c.field+`"`)
			}
		})
	}
	require.Empty(t, h.calls.commands(), "nothing of this reaches the core")
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"m` + strings.Repeat("x", i) + `":1`)
	}
	return b.String()
}

func TestBodiesThatAreForgiven(t *testing.T) {
	h := newHouse(t)
	for name, body := range map[string]string{
		"unknown members":   with("priority", map[string]any{"level": 3}),
		"null for optional": with("remote_name", nil),
		"optional left out": with("remote_name", missing),
		"just long enough":  with("remote_name", strings.Repeat("n", 256)),
		"other scripts":     with("remote_name", "Ещё дѣло 電話 ☎️"),
		"white space":       "\n\t " + good + "\r\n",
		"id in other case":  with("subscriber_id", strings.ToUpper(tommy.ID)),
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 201, h.request("POST", "/apps/"+appID+"/calls", body).StatusCode)
		})
	}
}

func TestContentTypes(t *testing.T) {
	h := newHouse(t)
	for kind, status := range map[string]int{
		"application/json":                   201,
		"application/json; charset=utf-8":    201,
		"APPLICATION/JSON;charset=\"UTF-8\"": 201,
		"application/vnd.acme.call+json":     201,
		"application/json; charset=utf-16":   415,
		"application/x-www-form-urlencoded":  415,
		"multipart/form-data; boundary=x":    415,
		"text/plain":                         415,
		"text/json":                          415,
		"application/jsonp":                  415,
		"nonsense;;;":                        415,
	} {
		a := h.request("POST", "/apps/"+appID+"/calls", good, "Content-Type", kind)
		require.Equal(t, status, a.StatusCode, kind)
		if status != 201 {
			a.wantProblem(t, 415, "unsupported_media_type")
		}
	}
	h.request("POST", "/apps/"+appID+"/calls", good, "Content-Encoding", "gzip").wantProblem(t, 415, "unsupported_media_type")

	c := h.raw() // net/http adds none, but be sure
	_, err := c.Write([]byte(strings.Replace(string(h.post(good)), "Content-Type: application/json\r\n", "", 1)))
	require.NoError(t, err)
	require.Equal(t, 201, readResponse(t, c).StatusCode)
}

func TestIdempotencyKeys(t *testing.T) {
	h := newHouse(t)
	post := func(body string, header ...string) answer {
		return h.request("POST", "/apps/"+appID+"/calls", body, header...)
	}
	for _, bad := range []string{"", "na\u00efve", strings.Repeat("k", 256), "tab\there"} {
		a := post(good, "Idempotency-Key", bad)
		a.wantProblem(t, 422, "invalid_field")
		require.Contains(t, a.body, `"field":"Idempotency-Key"`)
	}
	require.Empty(t, h.calls.commands())

	require.Equal(t, 201, post(good, "Idempotency-Key", strings.Repeat("k", 255)).StatusCode)
	require.Equal(t, 201, post(good, "Idempotency-Key", `"a key, quoted"`).StatusCode)
	var compact map[string]string
	require.NoError(t, json.Unmarshal([]byte(good), &compact))
	same, err := json.Marshal(compact)
	require.NoError(t, err)
	require.Equal(t, 201, post(string(same), "Idempotency-Key", "a").StatusCode)
	require.Equal(t, 201, post(with("remote_name", "Zilkr"), "Idempotency-Key", "a").StatusCode)

	asked := h.calls.commands()
	require.Equal(t, `"a key, quoted"`, asked[1].Originate.Key)
	require.Equal(t, asked[0].Originate.BodyHash, asked[2].Originate.BodyHash, "the same, written otherwise")
	require.NotEqual(t, asked[0].Originate.BodyHash, asked[3].Originate.BodyHash)

	h.calls.answer = func(context.Context, engine.Command) engine.Reply {
		return engine.Reply{Profile: &tommy, Call: callOf(exampleID), Replay: true}
	}
	a := post(good, "Idempotency-Key", "a")
	require.Equal(t, 201, a.StatusCode)
	require.Equal(t, "true", a.Header.Get("Idempotency-Replayed"))
	require.Equal(t, seven+more, a.body)
}

// Members must not run into each other.
func TestBodyHashesTellFieldsApart(t *testing.T) {
	require.NotEqual(t, web.HashOf("ab", "c"), web.HashOf("a", "bc"))
	require.NotEqual(t, web.HashOf("a", ""), web.HashOf("", "a"))
}

func TestRefusalsOfTheCore(t *testing.T) {
	h := newHouse(t)
	h.unwatched()
	for _, c := range []struct {
		err    engine.Error
		status int
		want   string
	}{
		{engine.Error{Code: engine.CodeInvalidField, Field: "remote_number"}, 422, `"field":"remote_number"`},
		{engine.Error{Code: engine.CodeNumberNotAllowed, Field: "subscriber_number"}, 422, `"field":"subscriber_number"`},
		{engine.Error{Code: engine.CodeNotFound}, 404, `"not_found"`},
		{engine.Error{Code: engine.CodeWrongState, State: engine.StateActive}, 409, `"state":"active"`},
		{engine.Error{Code: engine.CodeWrongState, State: engine.StateReleased}, 409, `"state":"released"`},
		{engine.Error{Code: engine.CodeCommandPending}, 409, `"command_pending"`},
		{engine.Error{Code: engine.CodeKeyInProgress}, 409, `"key_in_progress"`},
		{engine.Error{Code: engine.CodeKeyReused}, 422, `"key_reused"`},
		{engine.Error{Code: engine.CodeProviderError}, 502, `"provider_error"`},
		{engine.Error{Code: engine.CodeBusy}, 503, `"busy"`},
		{engine.Error{Code: engine.CodeProviderUnavailable}, 503, `"provider_unavailable"`},
		{engine.Error{Code: engine.CodeOutcomeUnknown}, 504, `"outcome_unknown"`},
		{engine.Error{Code: engine.CodeUnconfirmed}, 504, `"unconfirmed"`},
	} {
		h.calls.answer = func(context.Context, engine.Command) engine.Reply { return engine.Reply{Err: &c.err} }
		for _, a := range []answer{
			h.request("POST", "/apps/"+appID+"/calls", good),
			h.request("PUT", "/apps/"+appID+"/calls/callhalf-5:0/hold", ""),
		} {
			a.wantProblem(t, c.status, string(c.err.Code))
			require.Contains(t, a.body, c.want)
			require.Equal(t, c.status == 503, a.Header.Get("Retry-After") != "", c.err.Code)
		}
	}
	require.Empty(t, h.calls.lifted, "no call, nothing to lift")
}

func TestACommandDoesNotWaitForEver(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.CommandTimeout = 20 * time.Millisecond })
	h.calls.answer = func(ctx context.Context, _ engine.Command) engine.Reply {
		<-ctx.Done()
		return engine.Reply{Err: &engine.Error{Code: engine.CodeUnconfirmed}}
	}
	h.request("PUT", "/apps/"+appID+"/calls/callhalf-5:0/hold", "").wantProblem(t, 504, "unconfirmed")
}

func TestOurOwnMistakesAreNotExplained(t *testing.T) {
	h := newHouse(t)
	h.tenants.broken = errors.New("pebble: /var/lib/offhook/000012.sst is gone")
	a := h.request("POST", "/apps/"+appID+"/calls", good)
	a.wantProblem(t, 500, "internal")
	require.NotContains(t, a.body, "pebble")
	h.get("/apps/"+appID+"/subscribers").wantProblem(t, 500, "internal")

	h.calls.answer = func(context.Context, engine.Command) engine.Reply { panic("out of cheese") }
	a = h.get("/apps/" + appID + "/calls/callhalf-5:0")
	a.wantProblem(t, 500, "internal")
	require.NotContains(t, a.body, "cheese")
	require.Equal(t, 200, h.get("/apps/"+appID+"/calls").StatusCode, "one request, not the server")
}

// zeroes is a body without an end in sight.
type zeroes struct{ n int64 }

func (z *zeroes) Read(p []byte) (int, error) {
	if z.n <= 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.n)
	for i := range p[:n] {
		p[i] = ' '
	}
	z.n -= n
	return int(n), nil
}

func TestTooLarge(t *testing.T) {
	h := newHouse(t)
	for name, length := range map[string]int64{"with a length": 2 << 20, "chunked": -1} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequest("POST", "http://"+h.addr+"/apps/"+appID+"/calls", io.NopCloser(&zeroes{2 << 20}))
			require.NoError(t, err)
			req.ContentLength = length
			resp, err := h.client.Do(req)
			require.NoError(t, err, "the client is told, although it was still sending")
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			answer{resp, string(body)}.wantProblem(t, 413, "too_large")
		})
	}
	a := h.request("GET", "/apps/"+appID+"/calls", "", "X-Long", strings.Repeat("x", 9000))
	a.wantProblem(t, 431, "too_large")
	require.Contains(t, a.body, `"status":431`)

	just := strings.Replace(good, "{", "{"+strings.Repeat(" ", 256<<10-len(good)), 1)
	require.Len(t, just, 256<<10)
	require.Equal(t, 201, h.request("POST", "/apps/"+appID+"/calls", just).StatusCode)
}

func TestWhatIsNotHTTP(t *testing.T) {
	h := newHouse(t)
	for _, text := range []string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n"} {
		c := h.raw()
		_, err := c.Write([]byte(text))
		require.NoError(t, err)
		resp := readResponse(t, c)
		require.Equal(t, 400, resp.StatusCode)
		require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
	}
}

func TestARequestThatNeverEnds(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.ReadTimeout = 30 * time.Millisecond })
	c := h.raw()
	_, err := c.Write(h.post(good)[:200])
	require.NoError(t, err)
	resp := readResponse(t, c)
	require.Equal(t, 408, resp.StatusCode)
}

// What is wrong with a request is said to its client, not to the log: neither
// keys nor numbers nor names are in it.
func TestTheLogTellsNothing(t *testing.T) {
	var log lockedBuffer
	h := newHouse(t, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	h.tenants.broken = errors.New("disk")
	h.request("POST", "/apps/"+appID+"/calls", good, "Idempotency-Key", "secret-key").wantProblem(t, 500, "internal")
	h.tenants.broken = nil
	h.request("POST", "/apps/"+appID+"/calls", with("remote_number", "+15129104114\n")).wantProblem(t, 422, "invalid_field")
	h.request("POST", "/apps/"+appID+"/calls", good[:80]).wantProblem(t, 400, "bad_json")
	c := h.raw()
	_, err := c.Write([]byte("GET /apps/+15129104114 HTTP/9.9\r\nAuthorization: Bearer " + h.key + "\r\nContent-Length: +15129104114\r\n\r\n"))
	require.NoError(t, err)
	readResponse(t, c)
	require.Contains(t, log.String(), "disk")
	for _, secret := range []string{h.key, "5129104114", "5128675309", "Tommy", "Zilkr", "secret-key"} {
		require.NotContains(t, log.String(), secret)
	}
}
