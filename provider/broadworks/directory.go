package broadworks

import (
	"context"
	"errors"
	"hash/maphash"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"offhook/engine"
	"offhook/provider"
)

// View names a directory: a user of the platform, and whether the user's whole
// enterprise is meant or the group alone. A directory is always what somebody
// sees of it (dossier §1.7).
type View struct {
	User  string
	Group bool
}

var (
	errUnsteady      = errors.New("the directory changed too much while it was read")
	errShort         = errors.New("the directory ended before all it had announced")
	errNotUnderstood = errors.New("the directory's answer was not understood")
)

const (
	directoryPage  = 50 // every XSP gives as many (dossier §1.7)
	directoryTries = 5  // for one page
)

// Directory returns the people in the directories of some users: everybody
// once, whoever shows them. It has no feed: Watch only waits.
//
// A directory that fails, breaks off or shrinks by half while it is read is an
// error, never a short list.
func (p *Provider) Directory(views ...View) provider.Source { return &directory{p: p, views: views} }

type directory struct {
	p     *Provider
	views []View
}

// Watch implements provider.Source: nobody tells of changes.
func (d *directory) Watch(ctx context.Context, _ func(string)) error {
	<-ctx.Done()
	return ctx.Err()
}

// List implements provider.Source.
func (d *directory) List(ctx context.Context, fn func(provider.Entry) error) error {
	if len(d.views) == 0 {
		return errors.New("no directory is named")
	}
	seed, seen := maphash.MakeSeed(), map[uint64]struct{}{}
	for _, v := range d.views {
		home, err := d.home(ctx, v)
		if err != nil {
			return err
		}
		err = d.pages(ctx, v, "", func(e provider.Entry) error {
			key := maphash.String(seed, engine.Fold(e.User))
			if _, again := seen[key]; again {
				return nil
			}
			seen[key] = struct{}{}
			e.ServiceProvider = home.ServiceProvider
			return fn(e)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// home is the entry of the user whose directory is read: it says which service
// provider the people are of, which their own entries do not.
func (d *directory) home(ctx context.Context, v View) (provider.Entry, error) {
	e, found, err := d.profile(ctx, v.User)
	if err == nil && !found {
		err = errors.New("the user whose directory is to be read is unknown")
	}
	return e, err
}

// pages reads a directory page by page. People who leave meanwhile move those
// behind them forward, across the edge of a page: it is read again from as many
// before.
func (d *directory) pages(ctx context.Context, v View, filter string, fn func(provider.Entry) error) error {
	start, size, total := int64(1), int64(directoryPage), int64(-1)
	for left := int64(16); ; left-- {
		if left == 0 {
			return errUnsteady
		}
		pg, err := d.page(ctx, v, filter, start, &size)
		if err != nil {
			return err
		}
		back := int64(0)
		switch {
		case total < 0:
			left += 2 * pg.total // pages of one, and some of them twice
		case pg.total < total/2:
			return errUnsteady
		case pg.total < total:
			back = total - pg.total
		}
		total = pg.total
		for _, e := range pg.entries {
			if e.User == "" {
				continue
			}
			if err := fn(e); err != nil {
				return err
			}
		}
		switch start += pg.listed; {
		case back > 0:
			start = max(1, start-pg.listed-back)
		case start > total:
			return nil
		case pg.listed == 0:
			return errShort
		}
	}
}

// page reads one page; one that is too long for us is asked for in halves.
func (d *directory) page(ctx context.Context, v View, filter string, start int64, size *int64) (*directoryDoc, error) {
	list := "Enterprise"
	if v.Group {
		list = "Group"
	}
	for {
		path := d.p.userPath(v.User) + "/directories/" + list +
			"?start=" + strconv.FormatInt(start, 10) + "&results=" + strconv.FormatInt(*size, 10) + filter
		a, err := d.get(ctx, path)
		if errors.Is(err, errTooLong) && *size > 1 {
			*size /= 2
			continue
		}
		if err != nil {
			return nil, err
		}
		if a.status != http.StatusOK {
			return nil, errors.New("the directory is refused: " + refusal(a))
		}
		doc, ok := decodeDirectory(a.body, list, d.p.cfg.CountryCode)
		if !ok || doc.listed > 0 && doc.start != start {
			return nil, errNotUnderstood
		}
		return doc, nil
	}
}

// get reads a resource when the commands leave a turn, and again while the XSP
// is busy or at fault. An error names neither users nor numbers.
func (d *directory) get(ctx context.Context, path string) (a answer, err error) {
	p := d.p
	for try := 0; ; try++ {
		if err := p.gate.wait(ctx); err != nil {
			return answer{}, err
		}
		a, err = p.anyXSP(ctx, request{op: opRead, method: http.MethodGet, path: path, class: classPoll, repeatable: true})
		final := err == nil && a.status < 500 && a.status != http.StatusTooManyRequests && a.status != http.StatusUnauthorized
		if final || errors.Is(err, errTooLong) || ctx.Err() != nil || try == directoryTries-1 {
			break
		}
		if !p.pause(ctx, p.backoff(try), nil) {
			break
		}
	}
	switch {
	case ctx.Err() != nil:
		return a, ctx.Err()
	case err == nil, errors.Is(err, errTooLong):
		return a, err
	case a.sent:
		return a, errors.New(lost(err))
	}
	return a, errors.New(notSent(err))
}

// Read implements provider.Source: a filtered query and, where that finds
// nobody, the user's own profile. Somebody who hid from the directory is still
// there.
func (d *directory) Read(ctx context.Context, user string) (provider.Entry, bool, error) {
	var homes []provider.Entry
	for _, v := range d.views {
		home, err := d.home(ctx, v)
		if err != nil {
			return provider.Entry{}, false, err
		}
		homes = append(homes, home)
		if strings.Contains(user, "*") || strings.HasSuffix(user, "/i") {
			continue // a pattern to the filter
		}
		var found *provider.Entry
		err = d.pages(ctx, v, "&userId="+url.QueryEscape(user), func(e provider.Entry) error {
			if engine.Fold(e.User) == engine.Fold(user) {
				found = &e
			}
			return nil
		})
		if err != nil {
			return provider.Entry{}, false, err
		}
		if found != nil {
			found.ServiceProvider = home.ServiceProvider
			return *found, true, nil
		}
	}
	e, found, err := d.profile(ctx, user)
	if err != nil || !found {
		return provider.Entry{}, false, err
	}
	for i, v := range d.views {
		if e.ServiceProvider == homes[i].ServiceProvider && (!v.Group || e.Group == homes[i].Group) {
			return e, true, nil
		}
	}
	return provider.Entry{}, false, nil // moved to where we do not look
}

// profile reads a user's own data; an unknown user is found false.
func (d *directory) profile(ctx context.Context, user string) (provider.Entry, bool, error) {
	a, err := d.get(ctx, d.p.userPath(user)+"/profile")
	switch {
	case err != nil:
		return provider.Entry{}, false, err
	case a.status == http.StatusNotFound:
		return provider.Entry{}, false, nil
	case a.status != http.StatusOK:
		return provider.Entry{}, false, errors.New("the profile is refused: " + refusal(a))
	}
	e, ok := decodeProfile(a.body, d.p.cfg.CountryCode)
	if !ok || engine.Fold(e.User) != engine.Fold(user) {
		return provider.Entry{}, false, errNotUnderstood
	}
	return e, true, nil
}
