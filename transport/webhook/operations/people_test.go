package operations

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/webhook"
)

// What people do to webhooks, and nobody tells of.

func TestAReceiverThatIsGoneIsToldNothingUntilItsURLChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.answers(func(url string, m message) webhook.Outcome {
			if url == appURL {
				return webhook.Outcome{Class: webhook.Gone, Status: 410}
			}
			return webhook.Outcome{Class: webhook.Delivered, Status: 200}
		})
		s := o.open()
		o.is(webhook.Disabled)
		s.Tell(notice(disabled))
		time.Sleep(time.Hour)
		require.Len(t, o.tried(), 2, "one for the app, one for the operator")
		o.app("app", func(a *tenant.App) { a.Name = "Another name" })
		time.Sleep(time.Hour)
		require.Len(t, o.tried(), 2)
		o.app("app", func(a *tenant.App) { a.Operations.URL = "https://elsewhere.example/" })
		time.Sleep(time.Second)
		require.Equal(t, types(disabled), o.told("https://elsewhere.example/"))
		require.Equal(t, types(disabled), o.told(operatorURL))
		o.close(s)
	})
}

func TestAReceiverThatComesLaterIsToldWhatIsTrueThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.app("app", func(a *tenant.App) { a.Operations = tenant.Receiver{} })
		s := o.open()
		o.is(webhook.BackingOff)
		s.Tell(notice(failing))
		time.Sleep(time.Hour)
		o.app("app", func(a *tenant.App) { a.Operations.URL = appURL })
		time.Sleep(time.Second)
		require.Equal(t, types(failing), o.told(appURL))
		o.app("app", func(a *tenant.App) { a.Operations = tenant.Receiver{} })
		s.Tell(notice(recovered))
		time.Sleep(time.Hour)
		require.Equal(t, types(failing), o.told(appURL), "it wants to hear no more")
		require.Equal(t, types(failing, recovered), o.told(operatorURL))
		_, desks := remembers(s)
		require.Equal(t, 1, desks)
		o.close(s)
	})
}

func TestAPausedReceiverIsToldWhenItGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.app("app", func(a *tenant.App) { a.Operations.Paused = true })
		s := o.open()
		s.Tell(notice(disabled))
		time.Sleep(time.Hour)
		require.Empty(t, o.told(appURL))
		o.app("app", func(a *tenant.App) { a.Operations.Paused = false })
		time.Sleep(time.Second)
		require.Equal(t, types(disabled), o.told(appURL))
		o.close(s)
	})
}

func TestAWebhookThatIsDisabledIsFoundAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.app("app", func(a *tenant.App) { a.Calls.Disabled = strings.Repeat("ü", 500) })
		o.is(webhook.Disabled)
		for range 2 {
			s := o.open()
			time.Sleep(time.Second)
			o.close(s)
		}
		require.Equal(t, types(disabled, disabled), o.told(appURL), "at least once, not a log")
		require.Equal(t, strings.Repeat("ü", maxReason/2), o.taken()[0].Reason)

		s := o.open()
		time.Sleep(time.Second)
		o.app("app", func(a *tenant.App) { a.Calls.Disabled = "" })
		o.is(webhook.Healthy)
		time.Sleep(2 * time.Minute)
		require.Equal(t, types(disabled, disabled, disabled, recovered), o.told(appURL), "a person enabled it again")
		o.app("app", func(a *tenant.App) { a.Calls.Disabled = "by a person" })
		o.is(webhook.Disabled)
		time.Sleep(time.Second)
		require.Equal(t, types(disabled, disabled, disabled, recovered, disabled), o.told(appURL))
		o.app("app", func(a *tenant.App) { a.Calls.Disabled = "" })
		o.is(webhook.BackingOff)
		time.Sleep(3 * time.Minute)
		require.Equal(t, types(disabled, disabled, disabled, recovered, disabled, failing), o.told(appURL))
		o.close(s)
	})
}

func TestAnEndpointThatAPersonPutRightWasNotFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		s := o.open()
		o.is(webhook.BackingOff)
		s.Tell(notice(failing))
		time.Sleep(30 * time.Second)
		o.is(webhook.Healthy)
		o.app("app", func(a *tenant.App) { a.Calls.URL = "https://app.example/right" })
		time.Sleep(time.Hour)
		require.Empty(t, o.tried())
		o.close(s)
	})
}

func TestNothingIsToldOfAWebhookThatWasRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		s := o.open()
		s.Tell(notice(failing))
		n := notice(parks)
		n.Subscriber = "alice"
		s.Tell(n)
		o.app("app", func(a *tenant.App) { a.Calls = tenant.Receiver{} })
		time.Sleep(time.Hour)
		require.Empty(t, o.tried())
		forgotten(t, s)
		o.close(s)
	})
}

func TestAReceiverThatMayNotBeReachedCostsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.app("app", func(a *tenant.App) { a.Operations.URL = "https://10.0.0.1/" })
		s := o.open()
		s.Tell(notice(disabled))
		time.Sleep(time.Hour)
		require.Equal(t, types(disabled), o.told(operatorURL))
		s.mu.Lock()
		require.LessOrEqual(t, s.desks["app"].failures, 35)
		s.mu.Unlock()
		o.app("app", func(a *tenant.App) { a.Operations.URL = appURL })
		time.Sleep(time.Second)
		require.Equal(t, types(disabled), o.told(appURL))
		o.close(s)
	})
}

func TestAURLThatChangesWhileItIsToldIsToldToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.takes = 10 * time.Second
		s := o.open()
		s.Tell(notice(disabled))
		time.Sleep(5 * time.Second)
		o.app("app", func(a *tenant.App) { a.Operations.URL = "https://elsewhere.example/" })
		time.Sleep(time.Minute)
		require.Equal(t, types(disabled), o.told(appURL))
		require.Equal(t, types(disabled), o.told("https://elsewhere.example/"))
		o.close(s)
	})
}

// What the dispatcher tells while it is asked is newer than its answer.
func TestALookDoesNotOverruleWhatIsToldMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		var s *Sender
		asked := 0
		s = o.open(func(c *Config) {
			c.Status = func(string, engine.StreamKind) (webhook.Status, bool) {
				if asked++; asked > 1 {
					return webhook.Status{Condition: webhook.Disabled}, true
				}
				s.Tell(notice(disabled))
				return webhook.Status{Condition: webhook.Healthy}, true
			}
		})
		s.Tell(notice(failing))
		time.Sleep(10 * time.Minute)
		require.Equal(t, types(disabled), o.told(appURL))
		o.close(s)
	})
}
