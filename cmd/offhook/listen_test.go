package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"offhook/transport/webhook/receiver"
)

var listenSecret = "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))

// listening is an offhook listen that runs.
type listening struct {
	t    *testing.T
	url  string
	log  *lines
	out  bytes.Buffer // to be read after stop
	stop func() error
}

func startListening(t *testing.T, c listenCmd) *listening {
	l := &listening{t: t, log: newLines()}
	ctx, cancel := context.WithCancel(context.Background())
	c.Listen, c.Tolerance = "127.0.0.1:0", 5*time.Minute
	if c.Seed == nil {
		c.Seed = new(uint64)
	}
	require.NoError(t, c.check())
	c.program = &program{stderr: io.Discard}
	done := make(chan error, 1)
	out := &printer{w: &l.out, json: c.JSON, numbers: c.ShowNumbers}
	go func() { done <- c.receive(ctx, newLogger(l.log, Log{Level: "info"}), out) }()
	l.url = logged(l.log.wait(t, "msg=ready")+" ", "receiver")
	ended := false
	l.stop = func() error {
		cancel()
		ended = true
		http.DefaultClient.CloseIdleConnections()
		return <-done
	}
	t.Cleanup(func() {
		if !ended {
			_ = l.stop()
		}
	})
	return l
}

// post sends a webhook as a provider does, signed by the public library.
func (l *listening) post(secret, id, body string) int {
	l.t.Helper()
	sign, err := standardwebhooks.NewWebhook(secret)
	require.NoError(l.t, err)
	now := time.Now()
	signature, err := sign.Sign(id, now, []byte(body))
	require.NoError(l.t, err)
	req, err := http.NewRequest(http.MethodPost, l.url, strings.NewReader(body))
	require.NoError(l.t, err)
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", signature)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(l.t, err)
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(l.t, err)
	return resp.StatusCode
}

func ringing(n int, more string) string {
	return fmt.Sprintf(`{"app_id":"app","subscriber_id":"alice@example.com","subscriber_number":"+15128675309","subscriber_name":"Alice",`+
		`"subscriber_account_id":"","remote_number":"+15129104114","remote_name":"Zilkr LLC","call_id":"callhalf-13467354071:0",`+
		`"sequence_number":"%d","direction":"incoming","state":"ringing","timestamp":1533331051226%s}`, n, more)
}

// untimed takes the times off the lines.
func untimed(t *testing.T, out string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		if at, rest, ok := strings.Cut(line, "  "); ok && !strings.Contains(at, " ") {
			require.Regexp(t, `^\d\d:\d\d:\d\d\.\d\d\d$`, at)
			line = rest
		}
		b.WriteString(line)
	}
	return b.String()
}

func TestListenPrintsALineForEachEventAndForWhatIsWrong(t *testing.T) {
	l := startListening(t, listenCmd{Secret: []string{listenSecret}})
	require.Equal(t, 200, l.post(listenSecret, "evt_1", ringing(1, "")))
	require.Equal(t, 200, l.post(listenSecret, "evt_1", ringing(1, "")))
	require.Equal(t, 200, l.post(listenSecret, "evt_4", ringing(4, `,"state":"released","cause":"busy"`)))
	require.Equal(t, 200, l.post(listenSecret, "evt_2", ringing(2, "")))
	require.Equal(t, 200, l.post(listenSecret, "evt_x", ringing(2, "")))
	require.Equal(t, 401, l.post("whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 32)), "evt_9", ringing(5, "")))
	require.Equal(t, 400, l.post(listenSecret, "evt_5", "hello"))
	require.Equal(t, 200, l.post(listenSecret, "evt_p", `{"type":"subscriber.provisioned","app_id":"app","subscriber_id":"bob","subscriber_number":"+1",`+
		`"subscriber_name":"","subscriber_account_id":"","network_id":"n"}`))
	require.EqualError(t, l.stop(), "the sender broke its promises 5 times")
	require.Equal(t, `alice@example.com          #1    incoming ringing                callhalf-13467354071:0  from +1512*****14
alice@example.com          #1    incoming ringing                callhalf-13467354071:0  from +1512*****14  (repeat: same id, same body)
! gap  alice@example.com #4: 2 missing before it: #2 to #3
alice@example.com          #4    incoming released busy          callhalf-13467354071:0  from +1512*****14
! disorder  alice@example.com #2: came after #4
alice@example.com          #2    incoming ringing                callhalf-13467354071:0  from +1512*****14
! conflict  alice@example.com #2: #2 was event evt_2 before
alice@example.com          #2    incoming ringing                callhalf-13467354071:0  from +1512*****14
! unverified  evt_9: no signature of ours
! malformed  evt_5: the body is not a JSON object
bob                        -     -        provisioned               -
(time): 4 events of 2 streams, 1 repeats, 1 gaps, 1 disorder, 1 unverified, 1 conflicts, 1 malformed; on purpose: 0 failures, 0 connections dropped
`, regexp.MustCompile(`(?m)^\d+s: `).ReplaceAllString(untimed(t, l.out.String()), "(time): "))
}

func TestListenShowsNumbersIfAskedTo(t *testing.T) {
	l := startListening(t, listenCmd{Secret: []string{listenSecret}, ShowNumbers: true})
	require.Equal(t, 200, l.post(listenSecret, "evt_1", ringing(1, `,"direction":"outgoing"`)))
	require.NoError(t, l.stop())
	require.Contains(t, l.out.String(), "to +15129104114\n")
}

func TestListenInJSON(t *testing.T) {
	l := startListening(t, listenCmd{Secret: []string{listenSecret}, JSON: true})
	require.Equal(t, 200, l.post(listenSecret, "evt_1", ringing(1, `,"subscriber_id":"<al\u001b[2Jice>"`)))
	require.Equal(t, 401, l.post("whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 32)), "evt_2", ringing(2, "")))
	require.Error(t, l.stop())
	said := strings.Split(l.out.String(), "\n")
	require.Regexp(t, `^\{"received_at":\d+,"class":"new","event_id":"evt_1","app_id":"app","subscriber_id":"<al\\u001b\[2Jice>","subscriber_number":"\+1512\*{5}09",`+
		`"remote_number":"\+1512\*{5}14","call_id":"callhalf-13467354071:0","sequence_number":"1","direction":"incoming","state":"ringing","timestamp":1533331051226}$`, said[0])
	require.Regexp(t, `^\{"received_at":\d+,"class":"unverified","note":"no signature of ours","event_id":"evt_2"}$`, said[1])
	require.Contains(t, said[2], `"unverified":1`)
	require.Contains(t, said[2], `"events":1`)
}

func TestListenMisbehavesOnRequest(t *testing.T) {
	c := listenCmd{Secret: []string{listenSecret}, FailRate: 0.5, Status: 503}
	l := startListening(t, c)
	l.log.wait(t, "msg=misbehaving fail_rate=0.5")
	for n := 1; n <= 20; {
		switch code := l.post(listenSecret, fmt.Sprint("evt_", n), ringing(n, "")); code {
		case 200:
			n++
		default:
			require.Equal(t, 503, code)
		}
	}
	require.NoError(t, l.stop(), "what is done on purpose is no fault of the sender")
	require.Contains(t, l.out.String(), " 0 gaps, 0 disorder, 0 unverified")
	require.NotContains(t, l.out.String(), "on purpose: 0 failures")
}

func TestListenStopsByItself(t *testing.T) {
	r := run(t, map[string]string{"OFFHOOK_LISTEN_SECRET": listenSecret + ", " + listenSecret}, "listen", "--listen", "127.0.0.1:0", "--for", "1ms")
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stdout, "0 events of 0 streams")
	first, _, _ := strings.Cut(r.stderr, "\n")
	require.Regexp(t, `msg=ready receiver=http://127\.0\.0\.1:\d+$`, first)
}

func TestListenSaysWhatItCannotDo(t *testing.T) {
	for flag, args := range map[string][]string{
		"--secret":      {},
		"--fail-rate":   {"--secret", listenSecret, "--fail-rate", "1.5"},
		"--drop-rate":   {"--secret", listenSecret, "--drop-rate", "NaN"},
		"--status":      {"--secret", listenSecret, "--status", "204"},
		"--tolerance":   {"--secret", listenSecret, "--tolerance", "0s"},
		"--delay":       {"--secret", listenSecret, "--delay=-1s"},
		"--for":         {"--secret", listenSecret, "--for=-1s"},
		"--app":         {"--secret", listenSecret, "--app", "x"},
		"--url":         {"--secret", listenSecret, "--url", "https://example.com"},
		"--admin-token": {"--register", "http://127.0.0.1:8081"},
		"--register":    {"--register", "127.0.0.1:8081", "--admin-token", "t", "--listen", "127.0.0.1:0"},
	} {
		r := run(t, nil, append([]string{"listen"}, args...)...)
		require.Equal(t, exitUsage, r.code, "%s: %s", flag, r.stderr)
		require.Contains(t, r.stderr, "\n"+flag+": ")
	}
	r := run(t, nil, "listen", "--secret", "whsec_c2hvcnQ=")
	require.Equal(t, exitUsage, r.code)
	require.NotContains(t, r.stderr, "c2hvcnQ=", "a secret is not repeated")
	r = run(t, nil, "listen", "--secret", listenSecret, "--listen", "127.0.0.1:99999")
	require.Equal(t, exitFailure, r.code)
	require.Contains(t, r.stderr, "--listen")
}

func TestListenWondersWhenNothingArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := receiver.New(receiver.Config{Secrets: []string{listenSecret}})
		require.NoError(t, err)
		var log bytes.Buffer
		ctx, stop := context.WithTimeout(t.Context(), 2*quiet)
		defer stop()
		server := &receiverServer{failed: make(chan error)}
		require.NoError(t, (&listenCmd{}).watch(ctx, r, server, newLogger(&log, Log{Level: "info"})))
		require.Empty(t, log.String(), "nobody was asked to send anything")
		ctx, stop = context.WithTimeout(t.Context(), 2*quiet)
		defer stop()
		require.NoError(t, (&listenCmd{Register: "http://x"}).watch(ctx, r, server, newLogger(&log, Log{Level: "info"})))
		require.Contains(t, log.String(), "OFFHOOK_WEBHOOKS_ALLOW_PRIVATE_NETWORKS=true")
	})
}
