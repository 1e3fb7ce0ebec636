package oci

import (
	"crypto/tls"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
)

// Config is how the two servers are set up. The zero value is a system of
// release 22 with one administrator.
type Config struct {
	Username string // the administrator; empty means admin
	Password string // the administrator's; empty means "simulator"
	Domain   string // of the system; empty means demo.example
	Seed     uint64 // of nonces and of the gaps between ids; zero picks one
	// CountryCode is that of numbers written without one; empty means 1.
	CountryCode string
	// Release is the newest release whose requests are known, by the suffix of
	// their names; zero means 22.
	Release int
	// Lacks are requests this release does not have, by name without a suffix,
	// as UserGetListInGroupPagedSortedListRequest.
	Lacks []string
	// UserColumns are the headings of the tables of users, in this order; nil
	// means those of the dossier. Cells below a heading nobody knows are empty.
	UserColumns []string
	// DashedNumbers makes a user read tell +1-2015550100, as the tables do; by
	// default it is the number within its country, beside a countryCode.
	DashedNumbers bool

	// What the dossier does not know.
	MaxLoginFailures int           // wrong passwords until the login is locked; zero means 5, negative never
	LockedFor        time.Duration // how long that lasts; zero means 1 min
	MaxRows          int           // a list of more users is refused; zero means no limit
	PageCap          int           // the largest page; zero means 1,000

	// What keeps a server alive.
	MaxConnections int           // to each of the two servers; zero means 64
	MaxMessage     int           // bytes of a document; zero means 256 KB
	LoginTimeout   time.Duration // until somebody is logged in; zero means 30 s
	MessageTimeout time.Duration // from the first byte of a document to its last, and for writing one; zero means 30 s
	IdleTimeout    time.Duration // between two documents; zero means 15 min
	TLS            *tls.Config   // of OCI-P; nil for plain TCP

	Reporting Reporting

	Log *slog.Logger // nil discards
}

// Reporting is how the change feed is set up (dossier §4.2).
type Reporting struct {
	PingEvery      time.Duration // OCIReportingServerStatusNotification; zero means 30 s, negative never
	Lines          bool          // a document is spread over several lines
	AlterPasswords bool          // passwords are masked, and isAltered says so
	PublicIdentity bool          // an OCIReportingReportPublicIdentityNotification rides along
	TLS            *tls.Config   // nil for plain TCP
	Access         []Access      // who may listen; nil means everybody
	MaxWaiting     int           // documents that wait for one listener; zero means 4,096
}

// Access lets some addresses listen.
type Access struct {
	Prefix   netip.Prefix
	Requests []string // only these, by name without a suffix; nil means all
}

func orElse[T comparable](v *T, fallback T) {
	var zero T
	if *v == zero {
		*v = fallback
	}
}

func (c Config) withDefaults() Config {
	orElse(&c.Username, "admin")
	orElse(&c.Password, "simulator")
	orElse(&c.Domain, "demo.example")
	orElse(&c.Seed, rand.Uint64()|1) // #nosec G404 -- chance, and no secret
	orElse(&c.CountryCode, "1")
	orElse(&c.Release, 22)
	orElse(&c.MaxLoginFailures, 5)
	orElse(&c.LockedFor, time.Minute)
	orElse(&c.PageCap, 1000)
	orElse(&c.MaxConnections, 64)
	orElse(&c.MaxMessage, 256<<10)
	orElse(&c.LoginTimeout, 30*time.Second)
	orElse(&c.MessageTimeout, 30*time.Second)
	orElse(&c.IdleTimeout, 15*time.Minute)
	orElse(&c.Reporting.PingEvery, 30*time.Second)
	orElse(&c.Reporting.MaxWaiting, 4096)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// knows reports whether this release has a request.
func (c *Config) knows(name string) bool {
	base, release := cutSuffix(name)
	for _, l := range c.Lacks {
		if strings.EqualFold(l, base) || strings.EqualFold(l, name) {
			return false
		}
	}
	return release <= c.Release
}

// cutSuffix takes the release off the name of a request: UserGetRequest22V3 is
// UserGetRequest of release 22, UserModifyRequest17sp4 of 17.
func cutSuffix(name string) (base string, release int) {
	i := strings.Index(name, "Request")
	if i < 0 {
		return name, 0
	}
	i += len("Request")
	base = name[:i]
	for _, c := range name[i:] {
		if c < '0' || c > '9' || release > 1000 {
			break
		}
		release = 10*release + int(c-'0')
	}
	return base, release
}
