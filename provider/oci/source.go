package oci

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider"
)

// Source lists, reads and follows the users of one platform. Make it with New.
type Source struct {
	cfg    Config
	client *client
	feed   *feed
}

var _ provider.Source = (*Source)(nil)

// New returns a Source. Nothing is connected before it is asked.
func New(cfg Config) (*Source, error) {
	cfg = cfg.withDefaults()
	o := &cfg.OCI
	if o.Login == tenant.OCILoginPlain && !o.TLS {
		return nil, errors.New("oci: a plain password is sent over TLS alone")
	}
	secure, err := tlsConfig(o.TLS, o.Address, o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("oci: %w", err)
	}
	ca := o.ReportingCAFile
	if ca == "" {
		ca = o.CAFile
	}
	feedSecure, err := tlsConfig(o.ReportingTLS, o.ReportingAddress, ca)
	if err != nil {
		return nil, fmt.Errorf("oci: change feed: %w", err)
	}
	return &Source{cfg: cfg, client: newClient(cfg, secure), feed: &feed{cfg: cfg, secure: feedSecure}}, nil
}

// Watch implements provider.Source: it follows the change feed, and waits where
// there is none. It connects again by itself; an error says that this failed
// several times.
func (s *Source) Watch(ctx context.Context, changed func(user string)) error {
	defer s.client.close()
	if s.cfg.OCI.ReportingAddress == "" {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.feed.watch(ctx, changed)
}

// Read implements provider.Source.
func (s *Source) Read(ctx context.Context, user string) (provider.Entry, bool, error) {
	a, err := s.client.do(ctx, newRequest("UserGetRequest"+s.cfg.OCI.UserRelease).text("userId", user))
	var refused *Refused
	if errors.As(err, &refused) && slices.Contains(s.cfg.OCI.NotFoundCodes, refused.Code) {
		return provider.Entry{}, false, nil
	}
	if err != nil {
		return provider.Entry{}, false, err
	}
	f := a.fields
	e := provider.Entry{
		User: f["userId"], Number: f["phoneNumber"], Extension: f["extension"], FirstName: f["firstName"], LastName: f["lastName"],
		ServiceProvider: f["serviceProviderId"], Group: f["groupId"], Department: department(f["department/name"]),
	}
	if e.User == "" { // older releases do not repeat it
		e.User = user
	}
	if e.Department == "" {
		e.Department = department(f["departmentFullPath"])
	}
	if e.ServiceProvider == "" || e.Group == "" {
		return provider.Entry{}, false, fmt.Errorf("%s: %w", "UserGetRequest"+s.cfg.OCI.UserRelease, errNotUnderstood)
	}
	if number, ok := e164(e.Number, f["countryCode"], s.cfg.CountryCode); ok {
		e.Number = number
	}
	if !s.covers(&e) {
		return provider.Entry{}, false, nil // moved to where we do not look
	}
	return e, true, nil
}

// covers reports whether a user is one of those that count.
func (s *Source) covers(e *provider.Entry) bool {
	return len(s.cfg.OCI.Targets) == 0 || slices.ContainsFunc(s.cfg.OCI.Targets, func(t tenant.Target) bool {
		return engine.Fold(providerOf(t)) == engine.Fold(e.ServiceProvider) && (t.Group == "" || engine.Fold(t.Group) == engine.Fold(e.Group))
	})
}

// providerOf is whose users are meant: an enterprise is a service provider to
// OCI-P.
func providerOf(t tenant.Target) string {
	if t.Enterprise != "" {
		return t.Enterprise
	}
	return t.ServiceProvider
}
