package oci

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/provider"
)

var everyone = []provider.Entry{
	{User: "anna@example.com", Number: "+12015550100", Extension: "1001", FirstName: "Anna", LastName: "Archer", ServiceProvider: "acme", Group: "north", Department: "Sales"},
	{User: "miguel@example.com", Number: "+12015550101", Extension: "1002", FirstName: "Miguel", LastName: "Muñoz", ServiceProvider: "acme", Group: "north", Department: "West"},
	{User: "lukasz@example.com", Extension: "1003", FirstName: "Łukasz", LastName: "Walker & Sons", ServiceProvider: "acme", Group: "south"},
}

func TestEverybodyIsListedHoweverThePlatformListsThem(t *testing.T) {
	for how, request := range map[string]string{
		"":                 "UserGetListInGroupPagedSortedListRequest",
		"paged":            "UserGetListInGroupPagedSortedListRequest",
		"service_provider": "UserGetListInServiceProviderRequest",
		"group":            "UserGetListInGroupRequest",
	} {
		p := newPeer()
		all, err := list(t, p.source(t, func(c *Config) { c.OCI.Lists = how }))
		require.NoError(t, err, how)
		require.Equal(t, everyone, all, how)
		require.Positive(t, p.count(request))
		require.Equal(t, 1, p.connects, "one connection for all of it")
	}
}

func TestReadIsWhatTheListSays(t *testing.T) {
	p := newPeer()
	s := p.source(t, nil)
	for _, want := range everyone {
		got, found, err := s.Read(t.Context(), want.User)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, want, got)
	}
	_, found, err := s.Read(t.Context(), "nobody@example.com")
	require.NoError(t, err)
	require.False(t, found)
	require.Equal(t, 1, p.connects, "somebody missing is no reason for a new session")
	require.Equal(t, 4, p.count("UserGetRequest20"))
}

func TestPagesAreFollowedToTheLastUser(t *testing.T) {
	for _, it := range []struct{ users, size, most int }{
		{0, 10, 1000}, {1, 10, 1000}, {9, 10, 1000}, {10, 10, 1000}, {11, 10, 1000}, {100, 10, 1000},
		{100, 50, 7}, {50, 50, 7}, // the platform's pages are smaller than we ask for
		{5, 2, 1000},
	} {
		p := newPeer()
		p.groups, p.users["north"] = []string{"north"}, nil
		for i := range it.users {
			p.users["north"] = append(p.users["north"], row(fmt.Sprintf("user%04d@example.com", i), "L", "F", "", "", ""))
		}
		p.cap = it.most
		all, err := list(t, p.source(t, func(c *Config) { c.OCI.PageSize = it.size }))
		require.NoError(t, err)
		require.Len(t, all, it.users, "%+v", it)
	}
}

var errBoom = errors.New("boom")

func TestAListEndsWithItsReader(t *testing.T) {
	err := newPeer().source(t, nil).List(t.Context(), func(provider.Entry) error { return errBoom })
	require.ErrorIs(t, err, errBoom)
}

func TestTargetsAreAllThatCounts(t *testing.T) {
	p := newPeer()
	s := p.source(t, func(c *Config) {
		c.OCI.Targets = []tenant.Target{{ServiceProvider: "acme", Group: "south"}, {Enterprise: "acme", Group: "south"}}
	})
	all, err := list(t, s)
	require.NoError(t, err)
	require.Equal(t, everyone[2:], all, "once, though two targets name the group")
	require.Zero(t, p.count("ServiceProviderGetListRequest"))
	_, found, err := s.Read(t.Context(), "anna@example.com")
	require.NoError(t, err)
	require.False(t, found, "she is not where we look")
	_, found, err = s.Read(t.Context(), "lukasz@example.com")
	require.NoError(t, err)
	require.True(t, found)
}

func TestALoginThatSeesOneGroupListsThatGroup(t *testing.T) {
	p := newPeer()
	p.scope = "<groupId>south</groupId><serviceProviderId>acme</serviceProviderId>"
	all, err := list(t, p.source(t, nil))
	require.NoError(t, err)
	require.Equal(t, everyone[2:], all)
	require.Zero(t, p.count("ServiceProviderGetListRequest"))
}

func TestAReleaseThatLacksAListIsAskedForAnother(t *testing.T) {
	for _, it := range []struct {
		lacks []string
		want  string
	}{
		{[]string{"UserGetListInGroupPagedSortedListRequest"}, "UserGetListInServiceProviderRequest"},
		{[]string{"UserGetListInGroupPagedSortedListRequest", "UserGetListInServiceProviderRequest"}, "UserGetListInGroupRequest"},
	} {
		p := newPeer()
		p.lacks = it.lacks
		s := p.source(t, nil)
		for range 2 {
			all, err := list(t, s)
			require.NoError(t, err)
			require.Equal(t, everyone, all)
		}
		require.Positive(t, p.count(it.want))

		s = p.source(t, func(c *Config) { c.OCI.Lists = "paged" })
		_, err := list(t, s)
		require.ErrorContains(t, err, "UserGetListInGroupPagedSortedListRequest is refused with error 4000")
	}
	p := newPeer()
	p.lacks = []string{"UserGetListInGroupPagedSortedListRequest", "UserGetListInServiceProviderRequest", "UserGetListInGroupRequest"}
	_, err := list(t, p.source(t, nil))
	var refused *Refused
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 4000, refused.Code)
}

func TestARefusalInTheMiddleOfAListIsAnError(t *testing.T) {
	p, pages := newPeer(), 0
	p.say = func(name, _ string) (string, bool) {
		if name == "UserGetListInGroupPagedSortedListRequest" {
			pages++
		}
		return wrap("SESSION", refusal(4999, "An internal error occurred with anna@example.com")), pages == 2
	}
	_, err := list(t, p.source(t, nil))
	require.ErrorContains(t, err, "refused with error 4999")
	require.NotContains(t, err.Error(), "anna")
	require.Zero(t, p.count("UserGetListInServiceProviderRequest"), "this release has pages")
}

func TestAPageThatRepeatsIsNoList(t *testing.T) {
	p := newPeer()
	p.groups, p.users["north"] = []string{"north"}, nil
	for i := range 9 {
		p.users["north"] = append(p.users["north"], row(fmt.Sprintf("user%d", i), "", "", "", "", ""))
	}
	p.say = func(name, doc string) (string, bool) { // pages are what it is asked for, always the first
		return wrap("SESSION", answer("UserGetListInGroupPagedSortedListResponse", asTable("userTable", groupHeadings, p.users["north"][:3]))),
			name == "UserGetListInGroupPagedSortedListRequest"
	}
	s := p.source(t, func(c *Config) { c.OCI.PageSize = 3 })
	all, err := list(t, s)
	require.ErrorIs(t, err, errUnsteady)
	require.Empty(t, all)

	p.set(func(p *peer) { p.say = nil; p.cap = 9 })
	p.say = func(name, doc string) (string, bool) { // it does not page at all
		return wrap("SESSION", answer("UserGetListInGroupPagedSortedListResponse", asTable("userTable", groupHeadings, p.users["north"]))),
			name == "UserGetListInGroupPagedSortedListRequest"
	}
	_, err = list(t, s)
	require.ErrorIs(t, err, errNotUnderstood)
}

func TestSomebodyWhoLeavesMeanwhileMovesNobodyOutOfTheList(t *testing.T) {
	p, pages := newPeer(), 0
	p.groups, p.users["north"] = []string{"north"}, nil
	for i := range 9 {
		p.users["north"] = append(p.users["north"], row(fmt.Sprintf("user%d", i), "", "", "", "", ""))
	}
	p.say = func(name, _ string) (string, bool) {
		if name == "UserGetListInGroupPagedSortedListRequest" {
			if pages++; pages == 2 {
				p.users["north"] = slices.Delete(p.users["north"], 1, 2)
			}
		}
		return "", false
	}
	all, err := list(t, p.source(t, func(c *Config) { c.OCI.PageSize = 3 }))
	require.NoError(t, err)
	require.Equal(t, []string{"user0", "user2", "user3", "user4", "user5", "user6", "user7", "user8"}, users(all))
}

func TestColumnsAreKnownByTheirHeadings(t *testing.T) {
	p := newPeer()
	p.headings = "Favourite Colour|Extension|First Name|LAST NAME|User Id|Phone Number|Department"
	p.groups, p.users = []string{"north"}, map[string][]string{"north": {"red|7|F|L|u|+441234567890|D"}}
	all, err := list(t, p.source(t, nil))
	require.NoError(t, err)
	require.Equal(t, []provider.Entry{{User: "u", Number: "+441234567890", Extension: "7", FirstName: "F", LastName: "L", ServiceProvider: "acme", Group: "north", Department: "D"}}, all)

	p.set(func(p *peer) {
		p.headings = "Favourite Colour|Extension|First Name|Surname|User Id|Phone Number|Department"
	})
	_, err = list(t, p.source(t, nil))
	require.ErrorContains(t, err, `the table has no column "Last Name"`)

	p.set(func(p *peer) { p.headings = groupHeadings }) // fewer cells than headings
	_, err = list(t, p.source(t, nil))
	require.ErrorIs(t, err, errNotUnderstood)
}
