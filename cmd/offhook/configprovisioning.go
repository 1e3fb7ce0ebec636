package main

import (
	"fmt"
	"math"
	"net"
	"strings"
	"time"

	"offhook/engine/tenant"
)

// Provisioning is where the subscribers of a network come from by themselves,
// as the file has it. Zero values mean the defaults.
type Provisioning struct {
	Source         string             `yaml:"source"`           // none, directory, oci
	Every          time.Duration      `yaml:"every"`            // between two looks at everything
	MaxDeleteShare float64            `yaml:"max_delete_share"` // of the subscribers, that may go at once
	SubscriberID   string             `yaml:"subscriber_id"`    // user, number
	AccountID      string             `yaml:"account_id"`       // service_provider, group, service_provider/group
	Apps           []ProvisioningRule `yaml:"apps"`
	Directory      []DirectoryOf      `yaml:"directory"`
	OCI            OCI                `yaml:"oci"`
}

// ProvisioningRule gives the users that match to apps.
type ProvisioningRule struct {
	Match ProvisioningMatch `yaml:"match"`
	Apps  []string          `yaml:"apps"`
}

// ProvisioningMatch is met by users who fit all that is set.
type ProvisioningMatch struct {
	ServiceProvider string `yaml:"service_provider"`
	Group           string `yaml:"group"`
	Department      string `yaml:"department"`
	NumberPrefix    string `yaml:"number_prefix"`
	UserSuffix      string `yaml:"user_suffix"`
}

// DirectoryOf names a user whose directory is read.
type DirectoryOf struct {
	User string `yaml:"user"`
	List string `yaml:"list"` // enterprise, group
}

// OCI is how the platform's provisioning interface is reached.
type OCI struct {
	Address          string        `yaml:"address"`
	TLS              bool          `yaml:"tls"`
	CAFile           string        `yaml:"ca_file"`
	Username         string        `yaml:"username"`
	PasswordFile     string        `yaml:"password_file"`
	Login            string        `yaml:"login"`           // signed, plain
	Lists            string        `yaml:"lists"`           // auto, paged, service_provider, group
	PageSize         int           `yaml:"page_size"`       // users
	UserRelease      string        `yaml:"user_release"`    // suffix of UserGetRequest
	NotFoundCodes    []int         `yaml:"not_found_codes"` // of errors that say a user is not there
	ReportingAddress string        `yaml:"reporting_address"`
	ReportingTLS     bool          `yaml:"reporting_tls"`
	ReportingCAFile  string        `yaml:"reporting_ca_file"`
	ReportingSilence time.Duration `yaml:"reporting_silence"` // a feed that says nothing so long is lost
	Targets          []Target      `yaml:"targets"`
}

// provisioning checks where the subscribers of a network come from.
func (k *checker) provisioning(path string, p *Provisioning) (t tenant.Provisioning) {
	if p.Source == "" {
		p.Source = tenant.SourceNone
	}
	k.words(path+".source", p.Source, tenant.SourceNone, tenant.SourceDirectory, tenant.SourceOCI)
	if p.SubscriberID != "" {
		k.words(path+".subscriber_id", p.SubscriberID, tenant.IDUser, tenant.IDNumber)
	}
	if p.AccountID != "" {
		k.words(path+".account_id", p.AccountID, tenant.AccountService, tenant.AccountGroup, tenant.AccountBoth)
	}
	if p.Every != 0 && (p.Every < time.Minute || p.Every > 7*24*time.Hour) {
		k.fault(path+".every", "must be between %v and %v, not %v", time.Minute, 7*24*time.Hour, p.Every)
	}
	if s := p.MaxDeleteShare; s != 0 && !(s >= 0.01 && s <= 1) { // NaN too
		k.fault(path+".max_delete_share", "must be between 0.01 and 1, not %v", s)
	}
	rules := k.rules(path, p.Apps)
	if p.Source == tenant.SourceNone {
		return t
	}
	t = tenant.Provisioning{
		Source: p.Source, Every: p.Every, MaxDeleteShare: int(math.Round(100 * p.MaxDeleteShare)),
		SubscriberID: p.SubscriberID, AccountID: p.AccountID, Rules: rules,
	}
	if p.Source == tenant.SourceDirectory {
		t.Directory = k.directory(path+".directory", p.Directory)
	} else {
		t.OCI = k.oci(path+".oci", &p.OCI)
	}
	return t
}

func (k *checker) rules(path string, rules []ProvisioningRule) (all []tenant.ProvisioningRule) {
	for i, r := range rules {
		if n := strings.TrimPrefix(r.Match.NumberPrefix, "+"); len(n) > 15 || !digits(n) {
			k.fault(fmt.Sprintf("%s.apps[%d].match.number_prefix", path, i), "%q is no prefix; write the first digits in E.164, as in \"+1512\"", r.Match.NumberPrefix)
		}
		all = append(all, tenant.ProvisioningRule{Match: tenant.ProvisioningMatch(r.Match), Apps: r.Apps})
	}
	return all
}

func (k *checker) directory(path string, of []DirectoryOf) (all []tenant.Directory) {
	if len(of) == 0 {
		k.fault(path, "is required with source: directory, as in [ { user: anna@example.com, list: enterprise } ]: a directory is what one user sees of it")
	}
	for i, d := range of {
		at := fmt.Sprintf("%s[%d]", path, i)
		if d.User == "" {
			k.fault(at+".user", "is required")
		}
		if d.List != "" {
			k.words(at+".list", d.List, "enterprise", "group")
		}
		all = append(all, tenant.Directory{User: d.User, Group: d.List == "group"})
	}
	return all
}

func (k *checker) oci(path string, o *OCI) tenant.OCI {
	k.ociAddress(path, "address", o.Address, "as.example.com:2209", "tls", o.TLS)
	if o.ReportingAddress != "" {
		k.ociAddress(path, "reporting_address", o.ReportingAddress, "as.example.com:8025", "reporting_tls", o.ReportingTLS)
	}
	switch {
	case o.Username == "":
		k.fault(path+".username", "is required")
	case len(o.Username) > 161:
		k.fault(path+".username", "has more than 161 characters")
	}
	if o.Login != "" {
		k.words(path+".login", o.Login, tenant.OCILoginSigned, tenant.OCILoginPlain)
	}
	if o.Login == tenant.OCILoginPlain && !o.TLS && k.know(path+".tls") {
		k.fault(path+".login", "plain sends the password as it is, and needs tls: true")
	}
	if o.Lists != "" {
		k.words(path+".lists", o.Lists, tenant.OCIListsAuto, tenant.OCIListsPaged, tenant.OCIListsService, tenant.OCIListsGroup)
	}
	if n := o.PageSize; n != 0 && (n < 2 || n > 1000) {
		k.fault(path+".page_size", "must be between 2 and 1000, not %d", n)
	}
	if r := o.UserRelease; len(r) > 16 || !alphanumeric(r) {
		k.fault(path+".user_release", "%q is none; write what stands behind UserGetRequest, as in \"22V5\"", r)
	}
	for i, c := range o.NotFoundCodes {
		if c < 1 || c > 99_999 {
			k.fault(fmt.Sprintf("%s.not_found_codes[%d]", path, i), "%d is no error code; write numbers, as in [4008]", c)
		}
	}
	if d := o.ReportingSilence; d != 0 && (d < time.Second || d > 48*time.Hour) {
		k.fault(path+".reporting_silence", "must be between %v and %v, not %v; three times the keep-alive interval is a good value", time.Second, 48*time.Hour, d)
	}
	k.authorities(path+".ca_file", o.CAFile)
	k.authorities(path+".reporting_ca_file", o.ReportingCAFile)
	t := tenant.OCI{
		Address: o.Address, TLS: o.TLS, CAFile: o.CAFile, Username: o.Username, Password: k.password(path+".password_file", o.PasswordFile),
		Login: o.Login, Lists: o.Lists, PageSize: o.PageSize, UserRelease: o.UserRelease, NotFoundCodes: o.NotFoundCodes,
		ReportingAddress: o.ReportingAddress, ReportingTLS: o.ReportingTLS, ReportingCAFile: o.ReportingCAFile, ReportingSilence: o.ReportingSilence,
	}
	for i, have := range o.Targets {
		if have.Enterprise != "" && (have.ServiceProvider != "" || have.Group != "") || have.Enterprise == "" && have.ServiceProvider == "" {
			k.fault(fmt.Sprintf("%s.targets[%d]", path, i), "must be {enterprise}, {service_provider} or {service_provider, group}")
		}
		t.Targets = append(t.Targets, tenant.Target(have))
	}
	return t
}

// ociAddress checks where one of the two servers is, and warns of one that is
// reached in the clear.
func (k *checker) ociAddress(path, name, have, example, tls string, secure bool) {
	host, _, err := net.SplitHostPort(have)
	if err != nil || host == "" {
		k.fault(path+"."+name, "%q is no address; write host:port, as in %q", have, example)
	} else if !secure && !loopback(host) {
		k.config.Warnings = append(k.config.Warnings, path+"."+tls+" is false: what is provisioned crosses the network in the clear")
	}
}

func alphanumeric(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') })
}
