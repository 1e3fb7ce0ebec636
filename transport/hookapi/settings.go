package hookapi

import (
	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// settings are what a body says of a webhook; nil for what it leaves as it is.
type settings struct {
	url      *string
	batch    *bool
	extended *bool
	filter   *engine.Filter
	headers  *[]tenant.Header // may hold the mask
	signed   *bool            // v1a as well
	secret   string           // of the app's own making; "" for none

	freshSecret, freshKey string // for a webhook that has none
}

// readSettings reads a body. One that sets a webhook says everything: what is
// left out has its default. One that changes it says what is different.
func (s *API) readSettings(doc web.Object, app string, k kind, sets bool) (settings, error) {
	var set settings
	var err error
	if sets || doc.Has("url") {
		text, err := doc.Long("url", MaxURL)
		if err != nil {
			return set, err
		}
		if wrong := s.config.URLs.Check(app, text); wrong != "" {
			return set, problem.Invalid("url", wrong)
		}
		set.url = &text
	}
	if set.secret, err = readSecret(doc); err != nil {
		return set, err
	}
	if set.freshSecret, err = s.ownOr(set.secret); err != nil {
		return set, err
	}
	if k == operations {
		return set, nil
	}
	for _, f := range []struct {
		name string
		to   **bool
	}{{"batch", &set.batch}, {"extended_events", &set.extended}} {
		if sets || doc.Has(f.name) {
			b, err := doc.Bool(f.name)
			if err != nil {
				return set, err
			}
			*f.to = &b
		}
	}
	if set.filter, err = filterOf(doc, k, sets); err != nil {
		return set, err
	}
	if set.headers, err = headersOf(doc, sets); err != nil {
		return set, err
	}
	if set.signed, err = signingOf(doc); err != nil {
		return set, err
	}
	set.freshKey, err = tenant.NewSigningKey(s.config.Random)
	return set, err
}

func filterOf(doc web.Object, k kind, sets bool) (*engine.Filter, error) {
	switch {
	case !doc.Has("filter") && !sets:
		return nil, nil
	case !doc.Has("filter") || doc.Null("filter"):
		return &engine.Filter{}, nil
	}
	inner, err := doc.Object("filter")
	if err != nil {
		return nil, err
	}
	f, err := readFilter(inner)
	if err == nil && k != calls && !f.Empty() {
		err = problem.Invalid("filter", "is for the calls webhook only")
	}
	return &f, err
}

func headersOf(doc web.Object, sets bool) (*[]tenant.Header, error) {
	switch {
	case !doc.Has("headers") && !sets:
		return nil, nil
	case !doc.Has("headers") || doc.Null("headers"):
		return new([]tenant.Header), nil
	}
	inner, err := doc.Object("headers")
	if err != nil {
		return nil, err
	}
	list, err := readHeaders(inner)
	return &list, err
}

// signingOf is nil if the body does not say: a key is not thrown away because
// somebody did not mention it.
func signingOf(doc web.Object) (*bool, error) {
	if !doc.Has("signing") {
		return nil, nil
	}
	text, err := doc.Text("signing")
	if err != nil {
		return nil, err
	}
	signed := text == signV1a
	if !signed && text != signV1 && !doc.Null("signing") {
		return nil, problem.Invalid("signing", "must be v1 or v1+v1a")
	}
	return &signed, nil
}

// apply is a webhook with the settings. Whether it is paused stays; that it is
// disabled ends when its URL is set, again or anew.
func (set *settings) apply(was tenant.Receiver, now int64) (tenant.Receiver, error) {
	r := was
	if set.url != nil {
		r.URL, r.Disabled = *set.url, ""
	}
	if set.batch != nil {
		r.Batch = *set.batch
	}
	if set.extended != nil {
		r.Extended = *set.extended
	}
	if set.filter != nil {
		r.Filter = *set.filter
	}
	if set.headers != nil {
		list, err := unmask(*set.headers, was.Headers)
		if err != nil {
			return was, err
		}
		r.Headers = list
	}
	switch {
	case set.signed == nil:
	case !*set.signed:
		r.SigningKey, r.RetiredKeys = "", nil
	case r.SigningKey == "":
		r.SigningKey = set.freshKey
	}
	if len(r.Secrets) == 0 || set.secret != "" {
		r.Secrets = []string{set.freshSecret}
	}
	r.Retired, r.RetiredKeys = live(r.Retired, now), live(r.RetiredKeys, now)
	return r, nil
}
