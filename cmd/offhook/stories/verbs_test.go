package stories

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

const recalled = 3 * time.Second // nobody took it, or answered

// Every verb, once as a request of an app, which is done at the platform, and
// once as something a phone does by itself, which the app is told of.
func TestEveryVerbOfACall(t *testing.T) {
	f := newFloor(t, 90, fmt.Sprintf("park-recall %s\ntransfer-recall %s\n", recalled, recalled))
	for name, story := range map[string]func(*testing.T, *floor){
		"nobody comes":                         nobodyComes,
		"a network that cannot do it":          without,
		"a ringing call is turned away":        turnedAway,
		"a call is sent on":                    sentOn,
		"the other end is transferred":         transferred,
		"two calls are joined without us":      consulted,
		"a held call is taken back, alone":     reconnected,
		"parked and retrieved":                 parked,
		"digits":                               digits,
		"recording":                            recorded,
		"conferences":                          conferred,
		"conferences at the phone":             conferredAtThePhone,
		"a session":                            sessions,
		"who was called before":                diverted,
		"a client's own name":                  named,
		"refused":                              refusedVerbs,
		"what the network can do":              ofTheNetwork,
		"another app's things look like none":  notTheirs,
		"what can be done is what is let done": canIsMay,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, f)
		})
	}
	t.Cleanup(func() {
		f.book.mu.Lock()
		defer f.book.mu.Unlock()
		require.Empty(t, f.book.problems)
	})
}

func turnedAway(t *testing.T, f *floor) {
	p := f.people(t, 1)[0]
	for _, c := range []struct {
		capability, path, body, phone, phoneBody string
		end                                      with
	}{
		{"decline", "decline", "", "decline", "", with{"cause": "rejected", "answered": false, "talk_ms": 0}},
		{"divert", "divert", `{"remote_number":"+442079460009"}`, "forward", `{"remote_number":"+442079460009"}`,
			with{"cause": "redirected", "redirected_to": "+442079460009", "answered": false}},
		{"divert_to_voicemail", "divert", `{"voicemail":true}`, "voicemail", "", with{"cause": "voicemail", "answered": false}},
	} {
		l := f.ring(t, p)
		require.Contains(t, can(f.shown(t, l)), c.capability)
		f.put(t, l, c.path, c.body)
		c.end.in(t, f.shown(t, l))
		f.over(t, l, c.end)
		f.ask(t, 409, "PUT", "/calls/"+l.call+"/"+c.path, c.body)

		l = f.ring(t, p)
		f.does(t, l, c.phone, c.phoneBody)
		f.over(t, l, c.end)
	}
	// Once it is answered it is too late.
	l := f.talk(t, p)
	for path, body := range map[string]string{"decline": "", "divert": `{"voicemail":true}`} {
		refused := f.ask(t, 409, "PUT", "/calls/"+l.call+"/"+path, body).JSON(t)
		with{"code": "wrong_state", "state": "active"}.in(t, refused)
	}
}

func sentOn(t *testing.T, f *floor) {
	p := f.people(t, 1)[0]
	const body = `{"remote_number":"+442079460009"}`
	for _, c := range []struct{ capability, path, phone string }{
		{"transfer", "transfer", "transfer"}, {"mute_transfer", "mute-transfer", ""},
	} {
		l := f.talk(t, p)
		require.Contains(t, can(f.shown(t, l)), c.capability)
		f.put(t, l, c.path, body)
		f.over(t, l, with{"cause": "transferred", "redirected_to": "+442079460009", "answered": true})

		l = f.talk(t, p)
		f.put(t, l, "hold", "")
		require.Contains(t, can(f.shown(t, l)), c.capability)
		f.put(t, l, c.path, body)
		f.over(t, l, with{"cause": "transferred"})

		if c.phone != "" {
			l = f.talk(t, p)
			f.does(t, l, c.phone, body)
			f.over(t, l, with{"cause": "transferred", "answered": true})
		}
	}
	l := f.talk(t, p)
	for number, code := range map[string]string{"911": "number_not_allowed", "+19005550123": "number_not_allowed", "nonsense": "invalid_field"} {
		with{"code": code, "field": "remote_number"}.in(t, f.ask(t, 422, "PUT", "/calls/"+l.call+"/transfer", `{"remote_number":"`+number+`"}`).JSON(t))
	}
	require.NotNil(t, f.truth(t, l))
}

// transferred: whoever is on the other side learns who is there now.
func transferred(t *testing.T, f *floor) {
	some := f.people(t, 3)
	caller, called := f.between(t, some[0], some[1])
	f.put(t, called, "transfer", fmt.Sprintf(`{"remote_number":%q}`, some[2].extension))
	f.over(t, called, with{"cause": "transferred"})
	f.told(t, caller, "call.transferred", with{"remote_number": some[2].number, "state": "active"})

	caller, called = f.between(t, some[0], some[1])
	f.does(t, called, "transfer", fmt.Sprintf(`{"remote_number":%q}`, some[2].number))
	f.over(t, called, with{"cause": "transferred"})
	f.told(t, caller, "call.transferred", with{"remote_number": some[2].number, "state": "active"})
}

func consulted(t *testing.T, f *floor) {
	p := f.people(t, 1)[0]
	two := func() (first, second line) {
		first = f.talk(t, p)
		f.put(t, first, "hold", "")
		return first, f.talk(t, p)
	}
	first := f.talk(t, p)
	require.NotContains(t, can(f.shown(t, first)), "consult_transfer", "there is nobody to consult")
	f.ask(t, 409, "PUT", "/calls/"+first.call+"/consult-transfer", `{"with_call_id":"`+f.ring(t, p).call+`"}`)
	f.ask(t, 404, "PUT", "/calls/"+first.call+"/consult-transfer", `{"with_call_id":"callhalf-4611686018427387904:0"}`)
	f.ask(t, 204, "DELETE", "/calls/"+first.call, "")

	first, second := two()
	require.Contains(t, can(f.shown(t, first)), "consult_transfer")
	require.Contains(t, can(f.shown(t, second)), "consult_transfer")
	f.put(t, first, "consult-transfer", `{"with_call_id":"`+second.call+`"}`)
	f.over(t, first, with{"cause": "transferred"})
	f.over(t, second, with{"cause": "transferred"})

	first, second = two()
	f.does(t, first, "consult-transfer", `{"with_call_id":"`+second.provider+`"}`)
	f.over(t, first, with{"cause": "transferred"})
	f.over(t, second, with{"cause": "transferred"})
}

func reconnected(t *testing.T, f *floor) {
	p := f.people(t, 1)[0]
	first := f.talk(t, p)
	f.put(t, first, "hold", "")
	second := f.talk(t, p)
	require.Contains(t, can(f.shown(t, first)), "reconnect")
	require.NotContains(t, can(f.shown(t, second)), "reconnect")
	f.put(t, first, "reconnect", "")
	with{"state": "active"}.in(t, f.shown(t, first))
	f.over(t, second, with{"releasing_party": "local"})
	f.ask(t, 409, "PUT", "/calls/"+first.call+"/reconnect", "")
}

func parked(t *testing.T, f *floor) {
	some := f.people(t, 4)
	taker := some[3]
	retrieve := func(extension string) line {
		body := fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":%q,"extension":%q,"client_ref":"taken"}`, taker.id, taker.number, extension)
		made := f.ask(t, 201, "POST", "/calls/retrieve", body).JSON(t)
		with{"direction": "outgoing", "state": "ringing", "remote_number": extension, "client_ref": "taken"}.in(t, made)
		return line{taker, made["call_id"].(string), made["provider_call_id"].(string)}
	}
	for i, c := range []struct{ body, at string }{
		{"", some[1].extension}, {"{}", some[1].extension}, {`{"extension":"71234"}`, "71234"}, {`{"group":true}`, ""},
	} {
		caller, called := f.between(t, some[0], some[1])
		require.Contains(t, can(f.shown(t, called)), "park")
		require.Contains(t, can(f.shown(t, called)), "group_park")
		f.put(t, called, "park", c.body)
		end := f.over(t, called, with{"cause": "parked"})
		at, _ := end["parked_at"].(string)
		require.NotEmpty(t, at)
		if c.at != "" {
			require.Equal(t, c.at, at)
		}
		var taken line
		if i%2 == 0 {
			taken = retrieve(at)
		} else {
			taken = f.find(t, taker, f.begin(t, taker, fmt.Sprintf(`"retrieve":%q`, at)))
		}
		f.told(t, taken, "call.state", with{"state": "active"})
		f.told(t, taken, "call.retrieved", with{"remote_number": some[0].number})
		with{"state": "active", "remote_number": some[0].number}.in(t, f.shown(t, taken))
		f.told(t, caller, "call.transferred", with{"remote_number": taker.number, "state": "active"})
		f.ask(t, 204, "DELETE", "/calls/"+taken.call, "")
		f.over(t, caller, nil)
	}

	// At the phone. Where, a platform says of the group's alone.
	l := f.talk(t, some[2])
	f.does(t, l, "group-park", "")
	at := f.over(t, l, with{"cause": "parked"})["parked_at"].(string)
	taken := retrieve(at)
	f.told(t, taken, "call.state", with{"state": "active"})
	f.ask(t, 204, "DELETE", "/calls/"+taken.call, "")

	// Nobody is parked there.
	lost := retrieve("79999")
	f.told(t, lost, "call.state", with{"state": "released"})
}

// nobodyComes: a call that is parked and not taken, or transferred and not
// answered, is a new one, which says where it comes from.
func nobodyComes(t *testing.T, f *floor) {
	some := f.people(t, 4)
	left := f.talk(t, some[0])
	session := f.shown(t, left)["session_id"]
	f.put(t, left, "park", "")
	f.over(t, left, with{"cause": "parked", "parked_at": some[0].extension})
	_, called := f.between(t, some[1], some[2])
	f.put(t, called, "transfer", fmt.Sprintf(`{"remote_number":%q}`, some[3].number))
	f.over(t, called, with{"cause": "transferred"})

	for _, c := range []struct {
		l  line
		is with
	}{{left, with{"recall": "park", "session_id": session}}, {called, with{"recall": "transfer"}}} {
		back := f.first(t, "a recall", with{"replaces": c.l.call})
		with{"state": "ringing", "direction": "incoming", "subscriber_id": c.l.id}.in(t, back)
		c.is.in(t, back)
		with{"state": "released", "replaced_by": back["call_id"]}.in(t, f.shown(t, c.l))
		f.ask(t, 204, "PUT", "/calls/"+back["call_id"].(string)+"/answer", "")
	}
}

// without: what an operator says a network cannot do is no capability of its
// calls, and refused.
func without(t *testing.T, f *floor) {
	p := f.people(t, 1)[0]
	network := rig.Must(t, 201, "POST", f.Admin("/admin/networks"), rig.Operator, fmt.Sprintf(`{"provider":"broadworks","dialing":{"country_code":"1"},"broadworks":{"xsps":[%q],`+
		`"username":"admin@simulator.example","password":"simulator","application_id":"another","without":["transfer","retrieve","conference","recording_start"]}}`, f.URL(""))).JSON(t)["network_id"].(string)
	poor := person{"poor/" + p.id, p.number, p.extension}
	rig.Must(t, 201, "PUT", f.Admin("/admin/subscribers/"+url.PathEscape(poor.id)), rig.Operator,
		fmt.Sprintf(`{"subscriber_number":%q,"network_id":%q,"provider_user_id":%q}`, p.number, network, p.id))
	rig.Must(t, 204, "PUT", f.Admin("/admin/apps/"+f.App+"/subscribers/"+url.PathEscape(poor.id)), rig.Operator, "")
	f.until(t, "the network tells of the subscriber", func() bool {
		status := rig.Must(t, 200, "GET", f.Admin("/admin/subscribers/"+url.PathEscape(poor.id)), rig.Operator, "").JSON(t)["provider_status"]
		is, ok := status.(map[string]any)
		return ok && is["state"] == "subscribed"
	})
	l := f.find(t, poor, f.talk(t, p).provider)
	f.told(t, l, "call.state", with{"state": "active"})
	now := can(f.shown(t, l))
	require.Contains(t, now, "mute_transfer")
	for path, body := range map[string]string{"transfer": `{"remote_number":"+442079460009"}`, "recording/start": ""} {
		refused := f.ask(t, 409, "PUT", "/calls/"+l.call+"/"+path, body).JSON(t)
		with{"code": "not_supported"}.in(t, refused)
		capability := map[string]string{"transfer": "transfer", "recording/start": "recording_start"}[path]
		require.Contains(t, refused["detail"], capability)
		require.NotContains(t, now, capability)
	}
	taken := f.ask(t, 409, "POST", "/calls/retrieve", fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":%q,"extension":"7001"}`, poor.id, poor.number)).JSON(t)
	with{"code": "not_supported"}.in(t, taken)
	of := can(f.ask(t, 200, "GET", "/networks/"+network, "").JSON(t))
	require.NotContains(t, of, "conference")
	require.Contains(t, of, "end_conference")
	f.put(t, l, "hold", "")
}

func digits(t *testing.T, f *floor) {
	l := f.talk(t, f.people(t, 1)[0])
	require.Contains(t, can(f.shown(t, l)), "dtmf")
	f.put(t, l, "dtmf", `{"digits":"42*#A"}`)
	f.until(t, "the digits are sent", func() bool { return f.truth(t, l)["digits"] == "42*#A" })
	f.put(t, l, "hold", "")
	with{"code": "wrong_state", "state": "held"}.in(t, f.ask(t, 409, "PUT", "/calls/"+l.call+"/dtmf", `{"digits":"1"}`).JSON(t))
}

func recorded(t *testing.T, f *floor) {
	p := f.people(t, 1)[0]
	for _, do := range []func(l line, verb string){
		func(l line, verb string) { f.put(t, l, "recording/"+verb, "") },
		func(l line, verb string) { f.does(t, l, "record-"+verb, "") },
	} {
		l := f.talk(t, p)
		require.NotContains(t, f.shown(t, l), "recording")
		for _, c := range []struct{ verb, is, may string }{
			{"start", "started", "recording_pause"}, {"pause", "paused", "recording_resume"}, {"resume", "started", "recording_stop"}, {"stop", "stopped", "recording_start"},
		} {
			require.Contains(t, can(f.shown(t, l)), "recording_"+c.verb)
			do(l, c.verb)
			f.until(t, c.is, func() bool { return f.shown(t, l)["recording"] == c.is })
			f.told(t, l, "call.recording", with{"recording": c.is, "state": "active"})
			require.Contains(t, can(f.shown(t, l)), c.may)
			f.ask(t, 409, "PUT", "/calls/"+l.call+"/recording/"+c.verb, "")
		}
		f.ask(t, 204, "DELETE", "/calls/"+l.call, "")
		f.over(t, l, with{"recording": "stopped"})
	}
}

// sessions: both ends of a conversation have the same one.
func sessions(t *testing.T, f *floor) {
	some := f.people(t, 3)
	caller, called := f.between(t, some[0], some[1])
	session := f.shown(t, caller)["session_id"]
	require.Regexp(t, `^session-[0-9a-f]{16}$`, session)
	require.Equal(t, session, f.shown(t, called)["session_id"])
	require.NotEqual(t, session, f.shown(t, f.talk(t, some[2]))["session_id"])
}

// diverted: who was called before says why it is not answered there.
func diverted(t *testing.T, f *floor) {
	some := f.people(t, 2)
	l := f.ring(t, some[0])
	f.put(t, l, "divert", fmt.Sprintf(`{"remote_number":%q}`, some[1].number))
	f.over(t, l, with{"cause": "redirected", "redirected_to": some[1].number})
	body := f.first(t, "the call at the other phone", with{"subscriber_id": some[1].id, "state": "ringing"})
	before, ok := body["diversion"].([]any)
	require.True(t, ok, "%v", body)
	require.Len(t, before, 1)
	with{"remote_number": some[0].number}.in(t, before[0].(map[string]any))
	require.NotEmpty(t, before[0].(map[string]any)["reason"])
}

// named: a client's own name for a call is with it for good, and part of what
// a repeated request repeats.
func named(t *testing.T, f *floor) {
	p := f.people(t, 1)[0]
	place := func(status int, ref string) map[string]any {
		body := fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":%q,"remote_number":"+15129104114","client_ref":%q}`, p.id, p.number, ref)
		return rig.Must(t, status, "POST", f.API("/calls"), f.Key, body, "Idempotency-Key", "named").JSON(t)
	}
	made := place(201, "ticket 7")
	require.Equal(t, "ticket 7", made["client_ref"])
	require.Equal(t, made["call_id"], place(201, "ticket 7")["call_id"])
	require.Equal(t, "key_reused", place(422, "ticket 8")["code"])
	l := line{p, made["call_id"].(string), made["provider_call_id"].(string)}
	f.told(t, l, "call.state", with{"state": "active", "client_ref": "ticket 7"})
	f.ask(t, 204, "DELETE", "/calls/"+l.call, "")
	f.over(t, l, with{"client_ref": "ticket 7"})
}

func ofTheNetwork(t *testing.T, f *floor) {
	id := f.Subscribers[0]["network_id"].(string)
	all := f.ask(t, 200, "GET", "/networks/"+id, "").JSON(t)
	with{"network_id": id, "provider": "broadworks"}.in(t, all)
	require.Len(t, can(all), 26)
	require.Contains(t, f.ask(t, 200, "GET", "/networks", "").List(t), all)
	f.ask(t, 404, "GET", "/networks/nowhere", "")
	empty := rig.Must(t, 201, "POST", f.Admin("/admin/apps"), rig.Operator, `{"name":"nobody's"}`).JSON(t)
	base := "http://" + f.Addr("api") + "/apps/" + empty["app_id"].(string) + "/networks"
	require.Empty(t, rig.Must(t, 200, "GET", base, empty["api_key"].(string), "").List(t))
	rig.Must(t, 404, "GET", base+"/"+id, empty["api_key"].(string), "")
}

// refusedVerbs: what the platform refuses leaves the call as it was.
func refusedVerbs(t *testing.T, f *floor) {
	p := f.people(t, 1)[0]
	l := f.talk(t, p)
	fault := rig.Must(t, 201, "POST", f.URL("/simulator/faults"), "", fmt.Sprintf(`{"kind":"reject_actions","subscriber_id":%q}`, p.id)).JSON(t)["fault_id"].(string)
	for path, body := range map[string]string{"transfer": `{"remote_number":"+442079460009"}`, "park": "", "dtmf": `{"digits":"1"}`, "recording/start": ""} {
		with{"code": "provider_error"}.in(t, f.ask(t, 502, "PUT", "/calls/"+l.call+"/"+path, body).JSON(t))
	}
	rig.Must(t, 204, "DELETE", f.URL("/simulator/faults/"+fault), "", "")
	with{"state": "active"}.in(t, f.shown(t, l))
	f.put(t, l, "recording/start", "")
}
