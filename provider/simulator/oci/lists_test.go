package oci

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rows reads a table: the headings, then the cells of each row.
func rows(doc string) (headings []string, cells [][]string) {
	cut := func(s, name string) (all []string) {
		s = strings.ReplaceAll(s, "<"+name+"/>", "<"+name+"></"+name+">")
		for {
			_, rest, found := strings.Cut(s, "<"+name+">")
			if !found {
				return all
			}
			var one string
			one, s, _ = strings.Cut(rest, "</"+name+">")
			all = append(all, one)
		}
	}
	for _, r := range cut(doc, "row") {
		cells = append(cells, cut(r, "col"))
	}
	return cut(doc, "colHeading"), cells
}

const north = "<serviceProviderId>acme</serviceProviderId><GroupId>north</GroupId>"

func TestListsAreTablesWithHeadings(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		c := w.admin()
		headings, cells := rows(c.ask("ServiceProviderGetListRequest", ""))
		require.Equal(t, []string{"Service Provider Id", "Service Provider Name", "Is Enterprise"}, headings)
		require.Equal(t, [][]string{{"acme", "acme", "true"}, {"empty", "empty", "false"}}, cells)

		_, cells = rows(c.ask("GroupGetListInServiceProviderRequest", "<serviceProviderId>acme</serviceProviderId>"))
		require.Equal(t, [][]string{{"north", "north", "100000"}, {"south", "south", "100000"}}, cells)

		got := c.ask("UserGetListInServiceProviderRequest", "<serviceProviderId>acme</serviceProviderId>")
		require.True(t, strings.HasPrefix(got, `<command echo="" xsi:type="UserGetListInServiceProviderResponse" xmlns=""><userTable><colHeading>User Id</colHeading>`), got)
		headings, cells = rows(got)
		require.Equal(t, []string{
			"User Id", "Group Id", "Last Name", "First Name", "Department", "Phone Number", "Phone Number Activated", "Email Address",
			"Hiragana Last Name", "Hiragana First Name", "In Trunk Group", "Extension", "User External Id",
		}, headings)
		require.Equal(t, [][]string{
			{"anna@demo.example", "north", "Archer", "Anna", "Sales", "+1-2015550100", "true", "anna@demo.example", "Archer", "Anna", "false", "1001", ""},
			{"miguel@demo.example", "north", "Muñoz", "Miguel", "", "+44-2079460001", "true", "miguel@demo.example", "Muñoz", "Miguel", "false", "1002", ""},
			{"lukasz@demo.example", "south", "&lt;Walker &amp; Sons&gt;", "&#321;ukasz", "", "", "", "lukasz@demo.example", "&lt;Walker &amp; Sons&gt;", "&#321;ukasz", "false", "1003", ""},
		}, cells)

		require.Equal(t, refused("[Error 4006] Service provider not found: nobody"),
			c.ask("GroupGetListInServiceProviderRequest", "<serviceProviderId>nobody</serviceProviderId>"))
		require.Equal(t, refused("[Error 4007] Group not found: west"),
			c.ask("UserGetListInGroupRequest", strings.ReplaceAll(north, "north", "west")))
	})
}

func TestTheGroupRequestSpellsGroupIdWithACapital(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		c := w.admin()
		headings, cells := rows(c.ask("UserGetListInGroupRequest", north))
		require.NotContains(t, headings, "Group Id")
		require.Len(t, cells, 2)
		require.Equal(t, refused("[Error 4000] GroupId is missing"),
			c.ask("UserGetListInGroupRequest", strings.ReplaceAll(north, "GroupId", "groupId")))
	})
}

func TestColumnsMayComeInAnyOrder(t *testing.T) {
	inStory(t, Config{UserColumns: []string{"Favourite Colour", "Extension", "User Id"}}, func(w *story) {
		headings, cells := rows(w.admin().ask("UserGetListInGroupRequest", north))
		require.Equal(t, []string{"Favourite Colour", "Extension", "User Id"}, headings)
		require.Equal(t, []string{"", "1001", "anna@demo.example"}, cells[0])
	})
}

func TestPagesBeginAtOne(t *testing.T) {
	inStory(t, Config{PageCap: 4}, func(w *story) {
		w.town.people = nil
		for i := range 10 {
			w.town.people = append(w.town.people, Person{UserID: fmt.Sprintf("user%02d@demo.example", 9-i), Provider: "acme", Group: "north"})
		}
		c := w.admin()
		page := func(paging string) (users []string) {
			_, cells := rows(c.ask("UserGetListInGroupPagedSortedListRequest",
				"<serviceProviderId>acme</serviceProviderId><groupId>north</groupId>"+paging))
			for _, r := range cells {
				users = append(users, strings.TrimSuffix(r[0], "@demo.example"))
			}
			return users
		}
		at := func(start, size int) string {
			return fmt.Sprintf("<responsePagingControl><responseStartIndex>%d</responseStartIndex><responsePageSize>%d</responsePageSize></responsePagingControl>", start, size)
		}
		require.Equal(t, []string{"user00", "user01", "user02"}, page(at(1, 3)))
		require.Equal(t, []string{"user03", "user04", "user05"}, page(at(4, 3)))
		require.Equal(t, []string{"user09"}, page(at(10, 3)))
		require.Empty(t, page(at(11, 3)))
		require.Len(t, page(at(1, 1000)), 4, "the server has its own idea of a page")
		require.Len(t, page(""), 4)
		require.Contains(t, c.ask("UserGetListInGroupPagedSortedListRequest",
			"<serviceProviderId>acme</serviceProviderId><groupId>north</groupId>"+at(0, 3)), "ErrorResponse")
	})
}

func TestALimitIsAnErrorAndNotAPart(t *testing.T) {
	inStory(t, Config{MaxRows: 2}, func(w *story) {
		c := w.admin()
		tooMany := refused("[Error 4401] The number of results exceeds the limit")
		require.Equal(t, tooMany, c.ask("UserGetListInServiceProviderRequest", "<serviceProviderId>acme</serviceProviderId>"))
		_, cells := rows(c.ask("UserGetListInGroupRequest", north))
		require.Len(t, cells, 2)
		require.Equal(t, tooMany, c.ask("UserGetListInGroupRequest", north+"<responseSizeLimit>1</responseSizeLimit>"))
		_, cells = rows(c.ask("UserGetListInServiceProviderRequest", "<serviceProviderId>acme</serviceProviderId>"+
			"<searchCriteriaUserLastName><mode>Starts With</mode><value>MUÑ</value><isCaseInsensitive>true</isCaseInsensitive></searchCriteriaUserLastName>"))
		require.Len(t, cells, 1)
		require.Contains(t, c.ask("UserGetListInGroupRequest", north+"<searchCriteriaShoeSize/>"), "ErrorResponse")
	})
}

func TestAUserIsReadWithTheNumberWithinItsCountry(t *testing.T) {
	inStory(t, Config{}, func(w *story) {
		c := w.admin()
		require.Equal(t, `<command echo="" xsi:type="UserGetResponse22" xmlns=""><serviceProviderId>acme</serviceProviderId><groupId>north</groupId>`+
			`<lastName>Archer</lastName><firstName>Anna</firstName><callingLineIdLastName>Archer</callingLineIdLastName><callingLineIdFirstName>Anna</callingLineIdFirstName>`+
			`<hiraganaLastName>Archer</hiraganaLastName><hiraganaFirstName>Anna</hiraganaFirstName><phoneNumber>2015550100</phoneNumber><extension>1001</extension>`+
			`<department xsi:type="GroupDepartmentKey"><serviceProviderId>acme</serviceProviderId><groupId>north</groupId><name>Sales</name></department>`+
			`<departmentFullPath>Sales</departmentFullPath><language>English</language><timeZone>UTC</timeZone><timeZoneDisplayName>(GMT) UTC</timeZoneDisplayName>`+
			`<defaultAlias>anna@demo.example</defaultAlias><emailAddress>anna@demo.example</emailAddress><countryCode>1</countryCode></command>`,
			c.ask("UserGetRequest22", "<userId>anna@demo.example</userId>"))
		got := c.ask("UserServiceGetAssignmentListRequest", "<userId>anna@demo.example</userId>")
		require.Contains(t, got, "<servicePacksAssignmentTable><colHeading>Service Pack Name</colHeading>")
		require.Contains(t, got, "<row><col>Call Transfer</col><col>true</col></row>")
		require.Equal(t, refused("[Error 4008] User not found: x@demo.example"), c.ask("UserServiceGetAssignmentListRequest", "<userId>x@demo.example</userId>"))
	})
	inStory(t, Config{DashedNumbers: true}, func(w *story) {
		require.Contains(t, w.admin().ask("UserGetRequest22", "<userId>miguel@demo.example</userId>"), "<phoneNumber>+44-2079460001</phoneNumber>")
	})
}
