package broadworks

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/provider"
)

func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	require.NoError(t, err)
	return string(text)
}

// tuned reads the tuning of the example: setting to value.
func tuned(t *testing.T) map[string]string {
	t.Helper()
	_, block, found := strings.Cut(readDoc(t, "offhook.example.yaml"), "\n      tuning:")
	require.True(t, found)
	got := map[string]string{}
	for _, line := range strings.Split(block, "\n")[1:] {
		setting, found := strings.CutPrefix(line, "        ")
		if !found {
			break
		}
		setting, _, _ = strings.Cut(setting, "#")
		name, value, _ := strings.Cut(setting, ":")
		got[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return got
}

// The example says that its values are the defaults.
func TestTheDocumentedTuningIsTheDefault(t *testing.T) {
	var c Config
	_ = c.fill() // it cannot run, and has its defaults
	want := map[string]any{
		"heartbeat": c.Heartbeat, "silence": c.Silence, "expires": c.Expires, "srv_refresh": c.SRVRefresh, "reconnect_max": c.BackoffMax,
		"duplicate_wait": c.Duplicate, "refused_wait": c.RefusedWait, "login_wait": c.Probe, "gap_wait": c.GapWait, "quiet": c.Quiet, "answer_time": c.Answer, "arrival": c.Arrival, "acks_at_once": float64(c.Acks),
		"event_package": c.EventPackage, "max_document": float64(c.MaxDocument), "requests_per_second": c.XSPRate, "requests_at_once": float64(c.InFlight),
		"queue_time": c.QueueTime, "subscriptions_per_second": c.Rate, "polls_per_second": c.PollRate, "quota_codes": "[]",
	}
	got := map[string]any{}
	for name, value := range tuned(t) {
		got[name] = value
		if d, err := time.ParseDuration(value); err == nil {
			got[name] = d
		} else if n, err := strconv.ParseFloat(value, 64); err == nil {
			got[name] = n
		}
	}
	require.Equal(t, want, got)
}

// What broadworks.md tells engineers to set, to expect and to watch is there.
func TestTheDocumentNamesWhatThereIs(t *testing.T) {
	doc := readDoc(t, "broadworks.md")
	example := readDoc(t, "offhook.example.yaml")
	_, unknowns, _ := strings.Cut(doc, "## What is unknown")
	unknowns, _, _ = strings.Cut(unknowns, "## How it stands")
	named := map[string]bool{}
	for _, row := range strings.Split(unknowns, "\n") {
		cells := strings.Split(row, "|")
		if len(cells) != 5 || strings.HasPrefix(cells[1], " unknown") || strings.HasPrefix(cells[1], "--") {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cells[3], -1) {
			require.Contains(t, tuned(t), m[1], "a setting of the tuning")
			named[m[1]] = true
		}
	}
	for name := range tuned(t) {
		require.True(t, named[name], "%s: what is it for?", name)
	}
	ask, verbs, _ := strings.Cut(doc, "## What is asked of the platform")
	verbs, _, _ = strings.Cut(verbs, "## What is unknown")
	for _, name := range tenant.Capabilities() {
		require.Contains(t, verbs, "`"+name+"`")
	}
	for verb, w := range commands {
		path := w.path
		if w.number != "" {
			require.Contains(t, verbs, "?"+w.number+"=")
		}
		require.Contains(t, verbs, path, "%s", verb)
	}
	for verb, path := range conferenceCommands {
		require.Contains(t, verbs, path+"`", "%s", verb)
	}
	for _, m := range regexp.MustCompile("`(?:events\\.)?([a-z]+_[a-z_]+)(?:: [a-z_]+)?`").FindAllStringSubmatch(ask, -1) {
		require.Contains(t, example, m[1]+":", "a setting of the example")
	}

	reg := prometheus.NewRegistry()
	m := NewMetrics(reg)
	tell(t, func(_ *script, c *Config) { c.Metrics = m }, func(s *story) {
		s.bw.on("POST /user/carol@example.com", says(403, ""))
		s.p.Follow("carol@example.com")
		s.after(time.Second)
		s.say(received)
		s.say(terminated("Expired"))
		s.after(time.Second)
		m.queued("", classCommand, 0, errBusy)
	})
	families, err := reg.Gather()
	require.NoError(t, err)
	there := map[string]bool{}
	for _, f := range families {
		there[f.GetName()] = true
		require.Contains(t, doc, "`"+f.GetName(), "somebody may want to watch it")
	}
	for _, name := range regexp.MustCompile("offhook_broadworks_[a-z_]+").FindAllString(doc, -1) {
		require.True(t, there[name], name)
	}
	_, states, _ := strings.Cut(doc, "## How it stands")
	for _, state := range []provider.Link{provider.LinkDown, provider.LinkUp, provider.LinkGateClosed, provider.LinkDuplicate} {
		require.Contains(t, states, "| `"+string(state)+"` |")
	}
	for _, state := range []provider.UserState{
		provider.UserNotFollowed, provider.UserPending, provider.UserSubscribed, provider.UserUnknown, provider.UserOverQuota, provider.UserNotAllowed, provider.UserRefused,
	} {
		require.Contains(t, states, "| `"+string(state)+"` |")
	}
}
