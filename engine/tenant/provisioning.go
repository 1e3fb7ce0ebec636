package tenant

import "time"

// The sources subscribers of a network may come from by themselves.
const (
	SourceNone      = "none"
	SourceDirectory = "directory" // the directories of the platform
	SourceOCI       = "oci"       // its provisioning interface
)

// What a new subscriber is called, and what its account is.
const (
	IDUser         = "user"
	IDNumber       = "number"
	AccountService = "service_provider"
	AccountGroup   = "group"
	AccountBoth    = "service_provider/group"
)

// Provisioning is how subscribers of a network come and go without anybody
// provisioning them by hand. The zero value has none come.
type Provisioning struct {
	Source         string             // none, directory, oci; empty for none
	Directory      []Directory        // whose, with source directory
	OCI            OCI                // with source oci
	Every          time.Duration      // between two looks at everything; zero means 6 h
	MaxDeleteShare int                // in percent: of the subscribers may go at once; zero means 20
	SubscriberID   string             // of new ones: user (also when empty), number
	AccountID      string             // service_provider (also when empty), group, service_provider/group
	Rules          []ProvisioningRule // who is provisioned, to which apps; none: everybody, to none
}

// Set reports whether subscribers come from a source.
func (p *Provisioning) Set() bool { return p.Source != "" && p.Source != SourceNone }

// Directory is the enterprise or the group as one of its users sees it.
type Directory struct {
	User  string
	Group bool
}

// The lists users are read from, and the ways to log in.
const (
	OCIListsAuto    = "auto"             // what the platform accepts: paged, service_provider, group
	OCIListsPaged   = "paged"            // the users of each group, page by page
	OCIListsService = "service_provider" // all users of a service provider in one answer
	OCIListsGroup   = "group"            // all users of a group in one answer
	OCILoginSigned  = "signed"
	OCILoginPlain   = "plain"
)

// OCI is how the platform's provisioning interface is reached.
type OCI struct {
	Address       string // host:port
	TLS           bool
	CAFile        string
	Username      string
	Password      string
	Login         string   // signed (also when empty), plain
	Lists         string   // auto (also when empty), paged, service_provider, group
	PageSize      int      // users; zero means 100
	UserRelease   string   // suffix of the name UserGetRequest; empty means 20
	NotFoundCodes []int    // errors that say a user is not there; none means 4008
	Targets       []Target // whose users count; none: all the login may see

	ReportingAddress string // of the change feed; empty for none
	ReportingTLS     bool
	ReportingCAFile  string        // empty means CAFile
	ReportingSilence time.Duration // a feed that says nothing so long is lost; zero for never
}

// ProvisioningRule gives users to apps.
type ProvisioningRule struct {
	Match ProvisioningMatch
	Apps  []string // ids; none: provisioned, and linked by hand
}

// ProvisioningMatch is met by a user that fits all that is set.
type ProvisioningMatch struct {
	ServiceProvider string
	Group           string
	Department      string
	NumberPrefix    string // of the E.164 number, with + or without
	UserSuffix      string // as in @example.com
}

// ProvisioningStatus is what people are shown of a network's provisioning.
type ProvisioningStatus struct {
	Source      string
	State       string // starting, ok, failing, braked
	Entries     int    // users the source had at the last look
	Provisioned int    // subscribers that came from it
	ByHand      int    // users whose subscriber was provisioned by hand: left alone
	Conflicts   int    // users whose subscriber id belongs to somebody else
	Skipped     int    // users no rule matches, or that cannot be subscribers
	UnknownApps []string

	Added, Changed, Renamed, Deleted uint64 // since the start

	LastFull  int64 // when everything was looked at last, ms since the epoch; zero for never
	LastError string
	ErrorAt   int64
	Braked    *Brake // nil unless a diff waits for the operator
}

// Brake says that so many would have to go that it is held for a mistake.
type Brake struct {
	Missing int // would be deleted
	Of      int
	Since   int64
}
