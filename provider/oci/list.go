package oci

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider"
)

// List implements provider.Source. Somebody who is in two of the targets is
// told once.
func (s *Source) List(ctx context.Context, fn func(provider.Entry) error) error {
	targets, err := s.targets(ctx)
	if err != nil {
		return err
	}
	seed, seen := maphash.MakeSeed(), map[uint64]struct{}{}
	l := &lister{Source: s, how: s.cfg.OCI.Lists, fn: func(e provider.Entry) error {
		key := maphash.String(seed, engine.Fold(e.User))
		if _, again := seen[key]; again {
			return nil
		}
		seen[key] = struct{}{}
		return fn(e)
	}}
	if l.how == "" || l.how == tenant.OCIListsAuto {
		l.how, l.auto = tenant.OCIListsPaged, true
	}
	for _, t := range targets {
		if err := l.target(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// targets are whose users are listed: those that are named, or all the login
// may see.
func (s *Source) targets(ctx context.Context) ([]tenant.Target, error) {
	if len(s.cfg.OCI.Targets) > 0 {
		return s.cfg.OCI.Targets, nil
	}
	scope, err := s.client.scope(ctx)
	if err != nil {
		return nil, err
	}
	if scope.serviceProvider != "" {
		return []tenant.Target{{ServiceProvider: scope.serviceProvider, Group: scope.group}}, nil
	}
	ids, err := s.ids(ctx, newRequest("ServiceProviderGetListRequest"), "Service Provider Id")
	var all []tenant.Target
	for _, id := range ids {
		all = append(all, tenant.Target{ServiceProvider: id})
	}
	return all, err
}

func (s *Source) groups(ctx context.Context, provider string) ([]string, error) {
	return s.ids(ctx, newRequest("GroupGetListInServiceProviderRequest").text("serviceProviderId", provider), "Group Id")
}

// ids asks for a table and takes one column of it.
func (s *Source) ids(ctx context.Context, r *request, heading string) (ids []string, err error) {
	a, err := s.client.do(ctx, r)
	if err != nil {
		return nil, err
	}
	columns, err := a.table.columns(heading)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	for i := range a.table.rows() {
		id := a.table.cell(i, columns[0])
		if id == "" {
			return nil, fmt.Errorf("%s: %w", r.name, errNotUnderstood)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// lister is one reading of all users.
type lister struct {
	*Source
	how    string // paged, service_provider, group
	auto   bool   // the platform may refuse it
	proved bool   // pages were not refused: from now on a refusal of one is a failure
	fn     func(provider.Entry) error
}

// target lists the users of one target, in the first way the platform does not
// refuse. Nothing was told of those it refused.
func (l *lister) target(ctx context.Context, t tenant.Target) error {
	for {
		var err error
		switch {
		case t.Group != "":
			err = l.group(ctx, providerOf(t), t.Group)
		case l.how == tenant.OCIListsService:
			err = l.whole(ctx, providerOf(t))
		default:
			err = l.byGroup(ctx, providerOf(t))
		}
		next := tenant.OCIListsService
		if l.how != tenant.OCIListsPaged || t.Group != "" {
			next = tenant.OCIListsGroup
		}
		var refused *Refused
		if !l.auto || l.proved && l.how == tenant.OCIListsPaged || l.how == tenant.OCIListsGroup || !errors.As(err, &refused) || !ofUsers[refused.Request] {
			return err
		}
		l.cfg.Log.Info("the platform refuses a list of users; another is asked for", "request", refused.Request, "code", refused.Code, "lists", next)
		l.how = next
	}
}

// ofUsers are the lists there is another way for.
var ofUsers = map[string]bool{
	"UserGetListInGroupPagedSortedListRequest": true,
	"UserGetListInServiceProviderRequest":      true,
}

func (l *lister) byGroup(ctx context.Context, of string) error {
	groups, err := l.groups(ctx, of)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := l.group(ctx, of, g); err != nil {
			return err
		}
	}
	return nil
}

func (l *lister) group(ctx context.Context, of, group string) error {
	if l.how != tenant.OCIListsPaged {
		// This request spells it with a capital letter (dossier §4.1).
		return l.tell(l.users(ctx, newRequest("UserGetListInGroupRequest").text("serviceProviderId", of).text("GroupId", group), of, group))
	}
	for try := 0; ; try++ {
		all, err := l.pages(ctx, of, group)
		if !errors.Is(err, errUnsteady) || try == 4 {
			return l.tell(all, err)
		}
	}
}

func (l *lister) whole(ctx context.Context, of string) error {
	return l.tell(l.users(ctx, newRequest("UserGetListInServiceProviderRequest").text("serviceProviderId", of), of, ""))
}

func (l *lister) tell(all []provider.Entry, err error) error {
	for i := 0; i < len(all) && err == nil; i++ {
		err = l.fn(all[i])
	}
	return err
}

// pages reads the users of a group, sorted by user id as they are by default.
//
// Nobody says how many there are, nor how many a page may have, so a page that
// is not full need not be the last. Each page therefore begins with the last
// user of the one before: alone there, that was the last. Anybody else there
// says that the group changed meanwhile, and somebody may have slipped from one
// page to another: the group is read again.
func (l *lister) pages(ctx context.Context, of, group string) (all []provider.Entry, err error) {
	for {
		start, size := max(1, len(all)), l.cfg.OCI.PageSize
		page, err := l.users(ctx, newRequest("UserGetListInGroupPagedSortedListRequest").
			text("serviceProviderId", of).text("groupId", group).
			group("responsePagingControl", func(r *request) {
				r.text("responseStartIndex", strconv.Itoa(start)).text("responsePageSize", strconv.Itoa(size))
			}), of, group)
		switch {
		case err != nil:
			return nil, err
		}
		l.proved = true
		switch {
		case len(page) > size: // the platform does not page
			return nil, errNotUnderstood
		case len(all) == 0 && len(page) == 0:
			return nil, nil
		case len(all) == 0:
			all = page
		case len(page) == 0 || page[0].User != all[len(all)-1].User:
			return nil, errUnsteady
		case len(page) == 1:
			return all, nil
		case len(all)+len(page) > l.cfg.MaxGroup:
			return nil, errTooMany
		default:
			all = append(all, page[1:]...)
		}
	}
}
