package adminapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

const person = `{"subscriber_number":"+15128675309","subscriber_name":"Tommy Tutone","subscriber_account_id":"site 7","network_id":"` + networkID + `"}`

func TestASubscriberFromFirstToLast(t *testing.T) {
	o := newOffice(t)
	path := "/admin/subscribers/Tommy%2FTutone@example.com"
	body := `{"subscriber_id":"Tommy/Tutone@example.com","subscriber_number":"+15128675309","subscriber_name":"Tommy Tutone",` +
		`"subscriber_account_id":"site 7","network_id":"` + networkID + `","provider_user_id":"Tommy/Tutone@example.com","apps":[]}`
	made := o.do("PUT", path, person)
	made.want(t, 201, body)
	require.Equal(t, path, made.Header.Get("Location"))
	o.do("PUT", path, person).want(t, 200, body)
	o.do("GET", path, "").want(t, 200, body)
	o.do("GET", strings.ToLower(path), "").want(t, 200, body)
	o.do("GET", "/admin/subscribers", "").want(t, 200, "["+body+"]")

	// A national number is brought into E.164 by the network's rules.
	a := o.do("PUT", path, `{"subscriber_number":"(512) 867-5309","network_id":"`+networkID+`","provider_user_id":"tommy@bw","extension":"5309"}`)
	require.Equal(t, 200, a.StatusCode, a.body)
	require.Contains(t, a.body, `"subscriber_number":"+15128675309","extension":"5309","subscriber_name":"","subscriber_account_id":""`)
	require.Contains(t, a.body, `"provider_user_id":"tommy@bw"`)

	require.Equal(t, 204, o.do("DELETE", path, "").StatusCode)
	o.do("DELETE", path, "").wantProblem(t, 404, "not_found")
	o.do("GET", path, "").wantProblem(t, 404, "not_found")
}

func TestSubscribersThatAreRefused(t *testing.T) {
	o := newOffice(t)
	for body, field := range map[string]string{
		`{}`:                                   "subscriber_number",
		`{"subscriber_number":"+15128675309"}`: "network_id",
		`{"subscriber_number":"+15128675309","network_id":"nowhere"}`:         "network_id",
		`{"subscriber_number":15128675309,"network_id":"` + networkID + `"}`:  "subscriber_number",
		`{"subscriber_number":"tommy","network_id":"` + networkID + `"}`:      "subscriber_number",
		`{"subscriber_number":"5309","network_id":"` + networkID + `"}`:       "subscriber_number",
		`{"subscriber_number":"512-867-5309","network_id":"` + fileNet + `"}`: "subscriber_number",
		strings.Replace(person, "Tommy", strings.Repeat("T", 256), 1):         "subscriber_name",
		strings.Replace(person, "site 7", `a\nb`, 1):                          "subscriber_account_id",
		strings.Replace(person, `{`, `{"provider_user_id":{},`, 1):            "provider_user_id",
		strings.Replace(person, `{`, `{"extension":"x1",`, 1):                 "extension",
		strings.Replace(person, `{`, `{"subscriber_id":"somebody else",`, 1):  "subscriber_id",
	} {
		o.do("PUT", "/admin/subscribers/tommy", body).wantProblem(t, 422, "invalid_field", field)
	}
	require.Empty(t, o.store.subscribers)
	o.do("PUT", "/admin/subscribers/"+strings.Repeat("x", 257), person).wantProblem(t, 404, "not_found")
	o.store.refuse = &engine.Error{Code: engine.CodeConflict, Message: "the provider's user belongs to another subscriber"}
	o.do("PUT", "/admin/subscribers/tommy", person).wantProblem(t, 409, "conflict")
}

func TestLinking(t *testing.T) {
	o := newOffice(t)
	require.Equal(t, 201, o.do("POST", "/admin/apps", `{"name":"x","app_id":"x"}`).StatusCode)
	require.Equal(t, 201, o.do("PUT", "/admin/subscribers/Tommy", person).StatusCode)
	for range 2 { // again is no error
		require.Equal(t, 204, o.do("PUT", "/admin/apps/x/subscribers/tommy", "").StatusCode)
	}
	require.Contains(t, o.do("GET", "/admin/subscribers/tommy", "").body, `"apps":["x"]`)
	require.Contains(t, o.store.notes(), "link x Tommy")
	for range 2 {
		require.Equal(t, 204, o.do("DELETE", "/admin/apps/x/subscribers/tommy", "").StatusCode)
	}
	require.Contains(t, o.do("GET", "/admin/subscribers/tommy", "").body, `"apps":[]`)

	for _, method := range []string{"PUT", "DELETE"} {
		o.do(method, "/admin/apps/y/subscribers/tommy", "").wantProblem(t, 404, "not_found")
		o.do(method, "/admin/apps/x/subscribers/nobody", "").wantProblem(t, 404, "not_found")
	}
	o.store.refuse = &engine.Error{Code: engine.CodeInvalidField, Field: "app_id", Message: "too many apps follow this subscriber"}
	o.do("PUT", "/admin/apps/x/subscribers/tommy", "").wantProblem(t, 422, "invalid_field", "app_id")
}

func TestThoseWhomAnAppFollowsAreSought(t *testing.T) {
	o := newOffice(t)
	require.Equal(t, 201, o.do("POST", "/admin/apps", `{"name":"x","app_id":"x"}`).StatusCode)
	for _, id := range []string{"anna", "anton", "berta", "nobody's anna"} {
		require.Equal(t, 201, o.do("PUT", "/admin/subscribers/"+url.PathEscape(id), person).StatusCode)
		if !strings.HasPrefix(id, "nobody") {
			require.Equal(t, 204, o.do("PUT", "/admin/apps/x/subscribers/"+id, "").StatusCode)
		}
	}
	ids := func(query string) (ids []string, next string) {
		t.Helper()
		a := o.do("GET", "/admin/subscribers?"+query, "")
		require.Equal(t, 200, a.StatusCode, a.body)
		var all []map[string]any
		require.NoError(t, json.Unmarshal([]byte(a.body), &all))
		for _, s := range all {
			ids = append(ids, s["subscriber_id"].(string))
		}
		return ids, a.Header.Get("Link")
	}
	all, _ := ids("app_id=x")
	require.Equal(t, []string{"anna", "anton", "berta"}, all)
	all, _ = ids("app_id=x&q=AN&limit=5")
	require.Equal(t, []string{"anna", "anton"}, all)
	all, next := ids("app_id=x&q=an&limit=1")
	require.Equal(t, []string{"anna"}, all)
	require.Contains(t, next, "app_id=x&q=an", "the next page is of the same")
	all, _ = ids("q=an&limit=5")
	require.Equal(t, []string{"anna", "anton", "nobody's anna"}, all)
	o.do("GET", "/admin/subscribers?app_id=y", "").wantProblem(t, 422, "invalid_field", "app_id")
}

func line(id string, more ...string) string {
	s := `{"subscriber_id":"` + id + `","subscriber_number":"+15128675309","network_id":"` + networkID + `"`
	for _, m := range more {
		s += "," + m
	}
	return s + "}\n"
}

func TestProvisioningInBulk(t *testing.T) {
	o := newOffice(t)
	require.Equal(t, 201, o.do("POST", "/admin/apps", `{"name":"x","app_id":"x"}`).StatusCode)
	o.store.panics = "volcano"
	body := strings.Join([]string{
		line("a", `"apps":["x"]`),            // 1
		"\n",                                 // 2: nothing
		line("b"),                            // 3
		"{\"subscriber_id\":\n",              // 4
		line("c", `"apps":["x","nowhere"]`),  // 5
		line("a", `"subscriber_name":"two"`), // 6: the same again
		`{"subscriber_number":"+15128675309"}` + "\n",                              // 7
		line("d", `"subscriber_name":"`+strings.Repeat("x", 64<<10)+`"`),           // 8
		line("e", `"unknown":"`+strings.Repeat("x", 64<<10-len(line("e"))-14)+`"`), // 9: just fits
		line("volcano"),                     // 10
		strings.TrimSuffix(line("f"), "\n"), // 11: no line end
	}, "")
	a := o.send("POST", "/admin/subscribers", strings.NewReader(body), "Content-Type", "application/x-ndjson")
	a.want(t, 200, `{"created":4,"updated":1,"failed":[`+
		`{"line":4,"code":"bad_json","detail":"the body must be one JSON object"},`+
		`{"line":5,"code":"invalid_field","detail":"apps: there is no app nowhere"},`+
		`{"line":7,"code":"invalid_field","detail":"subscriber_id: is required"},`+
		`{"line":8,"code":"too_large","detail":"a line may have 65536 bytes"},`+
		`{"line":10,"code":"internal","detail":"something went wrong here; it was logged"}]}`)
	require.Equal(t, "two", o.store.subscribers["a"].Profile.Name, "lines about one subscriber keep their order")
	require.Equal(t, []string{"x"}, o.store.subscribers["a"].Apps, "and apps that are not named stay")
	require.Empty(t, o.store.subscribers["c"], "a line is carried out if all of it is good")

	o.send("POST", "/admin/subscribers", nil).want(t, 200, `{"created":0,"updated":0,"failed":[]}`)
	o.send("POST", "/admin/subscribers", strings.NewReader("a,b"), "Content-Type", "text/csv").wantProblem(t, 415, "unsupported_media_type")
}

// There may be more lines than fit into any buffer, in chunks or with a length.
func TestABulkUploadWithoutAnEndInSight(t *testing.T) {
	o := newOffice(t)
	var b bytes.Buffer
	for i := range 6_000 {
		b.WriteString(line(fmt.Sprintf("s%05d", i%4_000)))
	}
	all := b.Bytes()
	chunked := io.MultiReader(bytes.NewReader(all)) // hides its length
	o.send("POST", "/admin/subscribers", chunked, "Content-Type", "application/x-ndjson").want(t, 200, `{"created":4000,"updated":2000,"failed":[]}`)
	o.send("POST", "/admin/subscribers", bytes.NewReader(all), "Expect", "100-continue").want(t, 200, `{"created":0,"updated":6000,"failed":[]}`)

	list := o.do("GET", "/admin/subscribers", "") // streamed, and whole
	require.Equal(t, 4_000, strings.Count(list.body, `"subscriber_id"`))
	require.True(t, strings.HasSuffix(list.body, "}]"))
}

func TestFailuresAreCountedWhenThereAreTooMany(t *testing.T) {
	o := newOffice(t)
	a := o.send("POST", "/admin/subscribers", strings.NewReader(strings.Repeat("x\n", 10_007)))
	require.Equal(t, 200, a.StatusCode)
	require.Equal(t, 10_000, strings.Count(a.body, `"bad_json"`))
	require.Contains(t, a.body, `"failed_omitted":7}`)
}

// What arrived before the connection broke is done, and nothing else is.
func TestABulkUploadThatBreaksOff(t *testing.T) {
	o := newOffice(t)
	c, err := net.Dial("tcp", o.addr)
	require.NoError(t, err)
	defer c.Close()
	first, second := line("a"), line("b")
	_, err = fmt.Fprintf(c, "POST /admin/subscribers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%x\r\n%s",
		token, len(first), first, len(second), second[:20])
	require.NoError(t, err)
	require.NoError(t, c.(*net.TCPConn).CloseWrite())
	require.NoError(t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
	reply, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Contains(t, string(reply), "HTTP/1.1 400")
	require.Contains(t, string(reply), "its first 1 lines were carried out")
	require.Len(t, o.store.subscribers, 1)
}
