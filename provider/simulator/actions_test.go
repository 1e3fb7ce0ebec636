package simulator

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
)

// Nobody's account gets locked here, but who asks wrongly is told so.
func TestCredentials(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		path := actionsBase + "/user/" + alice + "/calls"
		for _, user := range []string{alice, "ALICE@demo.example"} {
			w.user = user
			require.Equal(w, 200, w.do("GET", path, "").status)
		}
		w.user = bob
		require.Equal(w, 403, w.do("GET", path, "").status)
		w.user = "nobody@demo.example"
		got := w.do("GET", path, "")
		require.Equal(w, 401, got.status)
		require.Equal(w, `Basic realm="BroadWorks"`, got.header.Get("WWW-Authenticate"))
		require.Contains(w, got.body, "<summaryEnglish>")
		got = w.do("GET", path, "", "X-BroadWorks-No-AuthChallenge", "true")
		require.Equal(w, 401, got.status)
		require.Empty(w, got.header.Get("WWW-Authenticate"))
		require.EqualValues(w, 2, w.sim.Stats().Unauthorized)
	})
}

// Words of a path come in any case, an "@" raw or escaped, a colon as it is;
// the tracking id of the client comes back.
func TestPaths(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		id := w.ring(alice, "+442079460001")
		for _, path := range []string{
			"/user/alice@demo.example/calls/" + id, "/USER/alice%40demo.example/Calls/" + id, "/user/Alice@Demo.Example/calls/" + id + "/",
		} {
			got := w.do("GET", actionsBase+path, "", "TrackingID", "mine-1")
			require.Equal(w, 200, got.status, path)
			require.Equal(w, "mine-1", got.header.Get("TrackingID"))
		}
		require.Equal(w, 200, w.action("PUT", "/user/"+alice+"/calls/"+id+"/tAlK").status)
		require.Equal(w, 404, w.action("GET", "/user/alice/calls").status, "without its domain it is nobody")
		require.Equal(w, 404, w.action("PUT", "/user/"+alice+"/calls/"+id+"/Juggle").status)
		require.Equal(w, 405, w.action("GET", "/user/"+alice+"/calls/"+id+"/Talk").status)
		require.Equal(w, 404, w.action("GET", "/user/"+bob+"/calls/"+id).status, "it is alice's")
		require.Equal(w, 404, w.do("GET", "/com.broadsoft.xsi-nonsense/v2.0/user/"+alice, "").status)
		require.Equal(w, 404, w.do("GET", "/", "").status)
	})
}

func TestNewCallRefusals(t *testing.T) {
	cfg := patient()
	cfg.MaxCallsPerPhone = 1
	cfg.Errors = ErrorTable{RefusedAddress: {Status: 422, Code: 77, Summary: "No"}}
	inWorld(t, cfg, func(w *world) {
		got := w.action("POST", "/user/"+alice+"/calls/new?address=two+words")
		require.Equal(w, 422, got.status)
		require.Equal(w, "77", got.field("errorCode"))
		w.dial(alice, "5550123")
		require.Equal(w, 403, w.action("POST", "/user/"+alice+"/calls/new?address=5550123").status)
	})
}

// One child is an object, several are an array, none is no key (dossier §1.3).
func TestJSON(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		read := func(path string) map[string]any {
			w.Helper()
			got := w.do("GET", actionsBase+path, "", "Accept", "application/json")
			require.Equal(w, "application/json;charset=UTF-8", got.header.Get("Content-Type"))
			var v map[string]any
			require.NoError(w, json.Unmarshal([]byte(got.body), &v), got.body)
			return v
		}
		calls := func() any { return read("/user/" + alice + "/calls")["Calls"].(map[string]any)["call"] }
		require.Nil(w, calls())
		first := w.ring(alice, "+442079460001")
		require.Equal(w, map[string]any{"$": first}, calls().(map[string]any)["callId"])
		require.Equal(w, "false", calls().(map[string]any)["@inConference"])
		w.ring(alice, "+442079460002")
		require.Len(w, calls().([]any), 2)

		call := read("/user/" + alice + "/calls/" + first + "?format=json")["Call"].(map[string]any)
		require.Equal(w, "http://schema.broadsoft.com/xsi", call["@xmlns"].(map[string]any)["$"])
		require.Equal(w, "AccessEndpoint", call["endpoint"].(map[string]any)["@xsi1:type"])
		require.Equal(w, map[string]any{"@countryCode": "44", "$": "tel:+442079460001"},
			call["remoteParty"].(map[string]any)["address"])
		require.Equal(w, map[string]any{}, call["allowAnswer"])

		hook := read("/user/" + alice + "/calls/HookStatus")
		require.Equal(w, map[string]any{"$": "On-Hook"}, hook["HookStatus"].(map[string]any)["hookStatus"])
		info := read("/user/" + alice + "/calls/nothing")["ErrorInfo"].(map[string]any)
		require.NotEmpty(w, info["summary"])
		require.NotEmpty(w, info["errorCode"])
	})
}

func TestCallDocument(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		id := w.ring(alice, "+442079460001")
		got := w.action("GET", "/user/"+alice+"/calls/"+id)
		require.Equal(w, "application/xml;charset=UTF-8", got.header.Get("Content-Type"))
		require.Regexp(w, `^<\?xml version="1.0" encoding="UTF-8"\?>\n<Call xmlns="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance">`+
			`<callId>callhalf-\d+:0</callId><extTrackingId>\d+:1</extTrackingId><networkCallId>[^<]+</networkCallId><personality>Terminator</personality>`+
			`<state>Alerting</state><remoteParty><name>Gr&#252;nberg &amp; Co</name><address countryCode="44">tel:\+442079460001</address><callType>Network</callType></remoteParty>`+
			`<endpoint xsi1:type="AccessEndpoint"><addressOfRecord>alice@demo.example</addressOfRecord></endpoint><appearance>1</appearance><allowAnswer/><startTime>\d{12,13}</startTime></Call>$`, got.body)
		list := w.action("GET", "/user/"+alice+"/calls").body
		require.Contains(w, list, `<call inConference="false"><callId>`+id+`</callId><uri>/v2.0/user/alice@demo.example/calls/`+id+`</uri></call>`)
	})
}

// What comes from the provisioning store is in ISO-8859-1, and says so.
func TestDirectory(t *testing.T) {
	cfg := patient()
	cfg.Subscribers = 120
	inWorld(t, cfg, func(w *world) {
		type page struct {
			Start   int `xml:"startIndex"`
			Records int `xml:"numberOfRecords"`
			Total   int `xml:"totalAvailableRecords"`
			People  []struct {
				User   string `xml:"userId"`
				Last   string `xml:"lastName"`
				First  string `xml:"firstName"`
				Number string `xml:"number"`
			} `xml:"enterpriseDirectory>directoryDetails"`
		}
		read := func(query string) (p page) {
			w.Helper()
			got := w.action("GET", "/user/"+alice+"/directories/enterprise"+query)
			require.Equal(w, "application/xml;charset=ISO-8859-1", got.header.Get("Content-Type"))
			require.NoError(w, decodeLat1(got.body, &p))
			return p
		}
		all := map[string]bool{}
		for start := 1; ; {
			p := read("?start=" + itoa(int64(start)) + "&results=1000")
			require.Equal(w, 120, p.Total)
			if p.Records == 0 {
				break
			}
			require.LessOrEqual(w, p.Records, 50)
			for _, who := range p.People {
				all[who.User] = true
			}
			start += p.Records
		}
		require.Len(w, all, 120)

		require.Equal(w, "Grünwald", read("?firstName=heidi/i").People[0].Last)
		require.Equal(w, "Łukasz", read("?userId=lukasz*").People[0].First)
		require.Equal(w, "+1-2015550100", read("?extension=1001").People[0].Number)
		raw := w.action("GET", "/user/"+alice+"/directories/Enterprise?lastName=Gr*").body
		require.Contains(w, raw, "Gr\xfcnwald")
		require.Contains(w, w.action("GET", "/user/"+alice+"/directories/Group").body, "<groupDirectory>")
	})
}

func decodeLat1(body string, into any) error {
	d := xml.NewDecoder(io.LimitReader(stringReader(body), 1<<20))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) {
		return charmap.ISO8859_1.NewDecoder().Reader(in), nil
	}
	return d.Decode(into)
}

func TestProfileAndServices(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		got := w.action("GET", "/user/"+alice+"/profile")
		for _, name := range []string{"userId", "number", "fac", "registrations", "scheduleList", "timeZone"} {
			require.NotEmpty(w, got.field(name), name)
		}
		require.Contains(w, w.action("GET", "/user/"+alice+"/services").body, "Do Not Disturb")
	})
}
