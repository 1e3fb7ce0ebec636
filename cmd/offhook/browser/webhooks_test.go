package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

func TestAFailedWebhookIsSeenPausedResumedAndRedelivered(t *testing.T) {
	s, l := site(t)
	refused := make(chan struct{}, 100)
	l.Refuse(func(int) bool {
		select {
		case refused <- struct{}{}:
		default:
		}
		return true
	})
	placed, err := s.Place(s.Subscribers[0], "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.Status)
	<-refused

	w := in(t, s.Addr("admin"))
	w.visit("#/apps")
	w.sees("table", "a CRM")
	w.visit("#/apps/" + s.App + "/webhooks/calls")
	w.sees(`table[aria-label="Attempts"] .badge`, "500")
	w.sees(`table[aria-label="Streams that wait"]`, s.Subscribers[0]["subscriber_id"].(string))
	w.sees(".facts", "oldest waits")
	w.press(".page", "Pause")
	w.came("204", "Pause webhook")
	w.sees(".bar .badge", "paused")

	l.Refuse(nil)
	w.press(".page", "Resume")
	w.came("204", "Resume webhook")
	l.Wait(t, "what was refused", func() bool { return l.Count() >= 1 })
	w.press(".page", "Refresh")
	w.sees(`table[aria-label="Attempts"] .badge`, "200")
	before := l.Repeats()
	w.press(".page", "Redeliver event 1 of "+s.Subscribers[0]["subscriber_id"].(string))
	w.came("200", "delivered: the receiver said 200")
	require.Greater(t, l.Repeats(), before, "the receiver got it again")
	w.sees(`table[aria-label="Attempts"]`, "again")
	l.Audit(t)

	// Keys: one is made, shown once, and gone when it is deleted.
	w.visit("#/apps/" + s.App)
	w.press(".page", "New read-only key")
	w.came("201", "New key")
	key := w.text(".once code")
	rig.Must(t, 200, "GET", s.API("/calls"), key, "")
	w.press(".once", "Done")
	require.NotContains(t, js[string](w, `document.documentElement.outerHTML`), key)
}

// A redelivery that the receiver did not take is an answer with 200, and no
// success.
func TestARedeliveryThatFailsIsSaidToHaveFailedAndWhy(t *testing.T) {
	s, _ := site(t)
	url, got := receiver(t)
	rig.Must(t, 200, "PUT", s.Admin("/admin/apps/"+s.App+"/webhooks/calls"), rig.Operator, fmt.Sprintf(`{"url":%q}`, url))
	placed, err := s.Place(s.Subscribers[0], "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.Status)
	<-got
	w := in(t, s.Addr("admin"))
	w.visit("#/apps/" + s.App + "/webhooks/calls")
	again := "Redeliver event 1 of " + s.Subscribers[0]["subscriber_id"].(string)
	failed := func(why string) {
		t.Helper()
		w.press(".page", again)
		w.until("a failed redelivery: "+why, `[...document.querySelectorAll('.notice[data-ok="false"] .status[data-ok="false"]')].some((n) => n.innerText === "200" && n.closest(".notice").innerText.includes(`+quoted("not delivered: "+why)+`))`)
		w.came("200", "Redeliver #1")
	}
	refusing := httptest.NewServer(http.HandlerFunc(func(a http.ResponseWriter, _ *http.Request) { a.WriteHeader(http.StatusServiceUnavailable) }))
	rig.Must(t, 200, "PUT", s.Admin("/admin/apps/"+s.App+"/webhooks/calls"), rig.Operator, fmt.Sprintf(`{"url":%q}`, refusing.URL))
	failed("the receiver said 503")
	refusing.Close()
	failed("connection refused")
}
