package broadworks

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"offhook/engine"
)

// Error codes of subscriptions (dossier §1.8).
const (
	codeUnknownChannelSet   = 110842
	codeUnknownSubscription = 110862
)

// failed says what an exchange without a 2xx amounts to. harmless requests
// may be asked again by whoever wants to: for those a 5xx is a no. For an
// originate it is nothing anybody can tell.
func failed(a answer, err error, harmless bool) (engine.Outcome, bool) {
	switch {
	case err != nil && !a.sent:
		return engine.Outcome{Kind: engine.OutcomeNotSent, Detail: notSent(err)}, true
	case err != nil:
		return engine.Outcome{Kind: engine.OutcomeUnknown, Detail: lost(err)}, true
	case a.status/100 == 2:
		return engine.Outcome{}, false
	case a.status == http.StatusUnauthorized:
		return engine.Outcome{Kind: engine.OutcomeNotSent, Detail: "the provider refused our credentials"}, true
	case a.status/100 == 3, a.status/100 == 1:
		return engine.Outcome{Kind: engine.OutcomeNotSent, Detail: "redirected to nowhere"}, true
	case a.status == http.StatusNotFound && harmless:
		return engine.Outcome{Kind: engine.OutcomeGone, Detail: refusal(a)}, true
	case a.status < 500:
		return engine.Outcome{Kind: engine.OutcomeRefused, Detail: refusal(a)}, true
	case harmless && a.status != http.StatusBadGateway && a.status != http.StatusGatewayTimeout:
		return engine.Outcome{Kind: engine.OutcomeRefused, Detail: refusal(a)}, true
	}
	return engine.Outcome{Kind: engine.OutcomeUnknown, Detail: refusal(a)}, true
}

// final reports whether an answer is the provider's no, and asking again soon
// would bring the same. A 401 is the gate's matter.
func (a answer) final() bool {
	switch a.status {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return a.status/100 == 4
}

// refusal is the provider's no in numbers; its prose names users.
func refusal(a answer) string {
	s := "HTTP " + strconv.Itoa(a.status)
	if a.code != 0 {
		s += ", BroadWorks error " + strconv.FormatInt(a.code, 10)
	}
	return s
}

func notSent(err error) string {
	switch {
	case errors.Is(err, errGateClosed):
		return "the provider refuses our credentials, or was not reached yet"
	case errors.Is(err, errBusy), errors.Is(err, errWaited), errors.Is(err, errRedirect), errors.Is(err, errNoXSP):
		return err.Error()
	}
	return "the provider cannot be reached"
}

func lost(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "no answer in time"
	case errors.Is(err, errTooLong):
		return err.Error()
	}
	return "the connection broke before the answer"
}

// outcomeWord is the outcome of an exchange for the metrics.
func outcomeWord(a answer, err error) string {
	switch {
	case err != nil && !a.sent:
		return "not_sent"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case err != nil:
		return "broken"
	}
	return strconv.Itoa(a.status/100) + "xx"
}
