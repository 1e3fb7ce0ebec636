package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Page is where a list begins and how much of it is asked for at a time.
type Page struct {
	Size  int    // items of a page; zero means 500
	After string // begin behind this; empty means at the beginning
}

const usualPage = 500

var errLink = errors.New("the next page is on another server; it was not asked for")

// list reads a list to its end, page by page, as the caller goes on. An error
// is the last that comes.
func list[T any](ctx context.Context, l *link, path string, query url.Values, p Page) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q := url.Values{}
		for name, values := range query {
			q[name] = values
		}
		size := p.Size
		if size == 0 {
			size = usualPage
		}
		q.Set("limit", strconv.Itoa(min(size, 1000)))
		set(q, "after", p.After)
		c := call{method: http.MethodGet, path: path, query: q}
		for {
			var items []T
			header, err := l.do(ctx, c, &items)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			next, err := l.next(c.path, header)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			if next == nil {
				return
			}
			c.path, c.query = next.EscapedPath(), next.Query()
		}
	}
}

// next is the page behind one, as its Link has it; nil behind the last.
func (l *link) next(path string, header http.Header) (*url.URL, error) {
	for _, value := range header.Values("Link") {
		target, rest, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(value), "<"), ">")
		if !ok || !strings.Contains(rest, `rel="next"`) {
			continue
		}
		here := *l.base
		here.Path, here.RawPath = path, ""
		u, err := here.Parse(target)
		if err != nil || u.Host != l.base.Host || u.Scheme != l.base.Scheme {
			return nil, errLink
		}
		return u, nil
	}
	return nil, nil
}

// set sets a parameter that is not empty.
func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

// Collect reads a list to its end, or to most items if that is not zero.
func Collect[T any](list iter.Seq2[T, error], most int) ([]T, error) {
	all := []T{}
	for item, err := range list {
		if err != nil {
			return all, err
		}
		if all = append(all, item); len(all) == most {
			break
		}
	}
	return all, nil
}
