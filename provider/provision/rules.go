package provision

import (
	"slices"
	"strings"

	"offhook/engine/tenant"
	"offhook/provider"
)

// apps says whether a user is to be a subscriber, and of which apps: those of
// every rule that matches, each once. Without any rule everybody is one, of no
// app. number is the user's in E.164.
func apps(rules []tenant.ProvisioningRule, e *provider.Entry, number string) (all []string, wanted bool) {
	if len(rules) == 0 {
		return nil, true
	}
	for i := range rules {
		if !matches(&rules[i].Match, e, number) {
			continue
		}
		wanted = true
		for _, a := range rules[i].Apps {
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	return all, wanted
}

// matches reports whether a user fits all that is set. Case does not count:
// platforms spell their own ids in more than one way.
func matches(m *tenant.ProvisioningMatch, e *provider.Entry, number string) bool {
	is := func(want, have string) bool { return want == "" || strings.EqualFold(want, have) }
	prefix := strings.TrimPrefix(m.NumberPrefix, "+")
	return is(m.ServiceProvider, e.ServiceProvider) && is(m.Group, e.Group) && is(m.Department, e.Department) &&
		(prefix == "" || strings.HasPrefix(strings.TrimPrefix(number, "+"), prefix)) &&
		strings.HasSuffix(strings.ToLower(e.User), strings.ToLower(m.UserSuffix))
}
