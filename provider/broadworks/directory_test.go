package broadworks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/provider"
	"offhook/provider/simulator"
)

// shelves is a directory that a test rearranges while it is read.
type shelves struct {
	mu     sync.Mutex
	people []string
	pages  []string                     // asked for: "start+results"
	before func(page int)               // called before each page, mu held
	answer func(page int) (int, string) // instead of the page; 0 for the page
	most   int                          // a page has so many; zero means what is asked for
}

func (d *shelves) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := r.URL.Query()
	start, _ := strconv.Atoi(q.Get("start"))
	size, _ := strconv.Atoi(q.Get("results"))
	d.pages = append(d.pages, q.Get("start")+"+"+q.Get("results"))
	n := len(d.pages)
	if d.before != nil {
		d.before(n)
	}
	if d.answer != nil {
		if status, body := d.answer(n); status > 0 {
			says(status, body)(w, r)
			return
		}
	}
	people := slices.DeleteFunc(slices.Clone(d.people), func(u string) bool { return q.Has("userId") && q.Get("userId") != u })
	if d.most > 0 {
		size = min(size, d.most)
	}
	from := min(start-1, len(people))
	page := people[from:min(from+size, len(people))]
	var entries strings.Builder
	for _, u := range page {
		fmt.Fprintf(&entries, "<directoryDetails><userId>%s</userId><firstName>Ren\xe9</firstName><lastName>M&#252;ller</lastName><groupId>g1</groupId>"+
			"<number>+1-2401003211</number><extension>3211</extension><additionalDetails><department>Sales</department></additionalDetails></directoryDetails>", u)
	}
	_, _ = fmt.Fprint(w, directoryPageOf(start, len(page), len(people), entries.String()))
}

func directoryPageOf(start, records, total int, entries string) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="ISO-8859-1"?><Enterprise xmlns="http://schema.broadsoft.com/xsi"><startIndex>%d</startIndex>`+
		`<numberOfRecords>%d</numberOfRecords><totalAvailableRecords>%d</totalAvailableRecords><enterpriseDirectory>%s</enterpriseDirectory></Enterprise>`,
		start, records, total, entries)
}

func profileOf(user, enterprise, group string) string {
	return `<?xml version="1.0" encoding="ISO-8859-1"?><Profile xmlns="http://schema.broadsoft.com/xsi"><details><userId>` + user + `</userId><firstName>A</firstName>` +
		`<lastName>B</lastName><groupId>` + group + `</groupId><serviceProvider isEnterprise="true">` + enterprise + `</serviceProvider><number>+1-2401003299</number></details></Profile>`
}

// browse lets a test read a directory of n people.
func browse(t *testing.T, n int, change func(*script, *Config), fn func(s *story, d *shelves, src provider.Source)) {
	t.Helper()
	d := &shelves{}
	for i := range n {
		d.people = append(d.people, fmt.Sprintf("user%03d", i+1))
	}
	tell(t, func(bw *script, c *Config) {
		bw.on("GET /directories/Enterprise", d.ServeHTTP)
		bw.on("GET /user/bob@example.com/profile", says(http.StatusOK, profileOf("bob@example.com", "acme", "g1")))
		if change != nil {
			change(bw, c)
		}
	}, func(s *story) { fn(s, d, s.p.Directory(View{User: bob})) })
}

func users(ctx context.Context, src provider.Source) (all []string, err error) {
	err = src.List(ctx, func(e provider.Entry) error {
		all = append(all, e.User)
		return nil
	})
	return all, err
}

func TestADirectoryIsReadPageByPage(t *testing.T) {
	browse(t, 120, nil, func(s *story, d *shelves, src provider.Source) {
		got, err := users(s.Context(), src)
		require.NoError(s, err)
		require.Equal(s, d.people, got)
		require.Equal(s, []string{"1+50", "51+50", "101+50"}, d.pages)

		d.most, d.pages = 20, nil // the server caps pages as it likes
		got, err = users(s.Context(), src)
		require.NoError(s, err)
		require.Equal(s, d.people, got)
		require.Len(s, d.pages, 6)

		e, found, err := src.Read(s.Context(), "user007")
		require.NoError(s, err)
		require.True(s, found)
		require.Equal(s, provider.Entry{
			User: "user007", Number: "+12401003211", Extension: "3211", FirstName: "René", LastName: "Müller", ServiceProvider: "acme", Group: "g1", Department: "Sales",
		}, e)
	})
}

func TestPeopleWhoLeaveWhileItIsReadHideNobody(t *testing.T) {
	browse(t, 120, nil, func(s *story, d *shelves, src provider.Source) {
		d.before = func(page int) {
			if page == 2 {
				d.people = slices.Delete(d.people, 0, 10) // those behind move forward
			}
			if page == 4 {
				d.people = append([]string{"newcomer"}, d.people...)
			}
		}
		got, err := users(s.Context(), src)
		require.NoError(s, err)
		require.Subset(s, got, d.people[1:])
		require.Equal(s, len(got), len(slices.Compact(slices.Sorted(slices.Values(got)))), "everybody once")
	})
}

func TestABrokenDirectoryIsNeverAShortOne(t *testing.T) {
	short := directoryPageOf(51, 0, 120, "")
	for name, answer := range map[string]func(page int) (int, string){
		"an empty page":     func(page int) (int, string) { return later(page, http.StatusOK, short) },
		"empty all at once": func(page int) (int, string) { return later(page, http.StatusOK, directoryPageOf(51, 0, 0, "")) },
		"refused":           func(page int) (int, string) { return later(page, http.StatusForbidden, errorInfo(4410)) },
		"gone":              func(page int) (int, string) { return later(page, http.StatusNotFound, "") },
		"at fault":          func(page int) (int, string) { return later(page, http.StatusInternalServerError, "") },
		"broken off":        func(page int) (int, string) { return later(page, http.StatusOK, short[:len(short)-20]) },
		"something else":    func(page int) (int, string) { return later(page, http.StatusOK, "<html>Sign in</html>") },
		"no total": func(page int) (int, string) {
			return later(page, http.StatusOK, strings.ReplaceAll(short, "totalAvailableRecords", "total"))
		},
		"no list where people": func(page int) (int, string) { return later(page, http.StatusOK, directoryPageOf(51, 50, 120, "")) },
		"the same page again": func(page int) (int, string) {
			return later(page, http.StatusOK, directoryPageOf(1, 1, 120, "<directoryDetails><userId>user001</userId></directoryDetails>"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			browse(t, 120, nil, func(s *story, d *shelves, src provider.Source) {
				d.answer = answer
				got, err := users(s.Context(), src)
				require.Error(s, err)
				require.NotContains(s, err.Error(), "user0")
				require.LessOrEqual(s, len(got), 50)
				_, _, err = src.Read(s.Context(), "user007")
				require.Error(s, err)
			})
		})
	}
}

func later(page, status int, body string) (int, string) {
	if page < 2 {
		return 0, ""
	}
	return status, body
}

func TestABusyXSPIsAskedAgain(t *testing.T) {
	browse(t, 120, nil, func(s *story, d *shelves, src provider.Source) {
		d.answer = func(page int) (int, string) {
			if page%2 == 0 {
				return http.StatusServiceUnavailable, ""
			}
			return 0, ""
		}
		got, err := users(s.Context(), src)
		require.NoError(s, err)
		require.Len(s, got, 120)

		stop := errors.New("enough")
		require.ErrorIs(s, src.List(s.Context(), func(provider.Entry) error { return stop }), stop)
	})
}

func TestAPageTooLongIsAskedForInParts(t *testing.T) {
	browse(t, 120, func(_ *script, c *Config) { c.MaxDocument = 4 << 10 }, func(s *story, d *shelves, src provider.Source) {
		got, err := users(s.Context(), src)
		require.NoError(s, err)
		require.Equal(s, d.people, got)
		require.Equal(s, []string{"1+50", "1+25", "1+12", "13+12"}, d.pages[:4])
	})
}

// Somebody who hides from the directory, and somebody who moved away, are told
// apart by their profiles.
func TestHiddenIsNotGone(t *testing.T) {
	browse(t, 3, func(bw *script, _ *Config) {
		bw.on("GET /user/hidden/profile", says(http.StatusOK, profileOf("hidden", "acme", "g2")))
		bw.on("GET /user/moved/profile", says(http.StatusOK, profileOf("moved", "another", "g1")))
		bw.on("GET /user/gone/profile", says(http.StatusNotFound, errorInfo(4008)))
		bw.on("GET /user/locked/profile", says(http.StatusForbidden, errorInfo(4410)))
	}, func(s *story, d *shelves, src provider.Source) {
		for user, want := range map[string]bool{"user001": true, "hidden": true, "moved": false, "gone": false} {
			_, found, err := src.Read(s.Context(), user)
			require.NoError(s, err)
			require.Equal(s, want, found, user)
		}
		_, _, err := src.Read(s.Context(), "locked")
		require.Error(s, err)
		d.pages = nil
		_, _, err = src.Read(s.Context(), "*")
		require.Error(s, err, "a pattern is no user")
		require.Empty(s, d.pages)
	})
}

func TestADirectoryWaitsForTheGateAndEndsWithItsContext(t *testing.T) {
	browse(t, 3, func(bw *script, _ *Config) {
		bw.on("GET /user/admin@example.com/profile", says(http.StatusUnauthorized, ""))
	}, func(s *story, d *shelves, src provider.Source) {
		ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
		defer cancel()
		_, err := users(ctx, src)
		require.ErrorIs(s, err, context.DeadlineExceeded)
		require.Empty(s, d.pages)
		require.ErrorIs(s, src.Watch(ctx, nil), context.DeadlineExceeded)
	})
}

// The simulator's directory, over the wire: the whole enterprise, one group.
func TestTheSimulatorsDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := overSimulator(func(s *simulator.Config, _ *Config) { s.Subscribers = 230 })(t, &sink{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- sys.Provider.Run(ctx) }()
		p := sys.Provider.(*Provider)
		all, err := users(ctx, p.Directory(View{User: sys.User}))
		require.NoError(t, err)
		require.Len(t, all, 230)
		group := p.Directory(View{User: "user0201@demo.example", Group: true})
		some, err := users(ctx, group)
		require.NoError(t, err)
		require.Equal(t, all[200:], some)
		e, found, err := p.Directory(View{User: sys.User}).Read(ctx, "lukasz@demo.example")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, []string{"Łukasz", "demo-enterprise", "site-1"}, []string{e.FirstName, e.ServiceProvider, e.Group})
		require.Regexp(t, `^\+1\d{10}$`, e.Number)
		_, found, err = group.Read(ctx, "lukasz@demo.example")
		require.NoError(t, err)
		require.False(t, found, "in another group")
		_, found, err = group.Read(ctx, "nobody@demo.example")
		require.NoError(t, err)
		require.False(t, found)
		cancel()
		require.NoError(t, <-done)
	})
}
