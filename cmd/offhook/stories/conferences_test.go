package stories

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// two calls of somebody, one of them on hold.
func two(t *testing.T, f *floor, p person) (held, active line) {
	t.Helper()
	held = f.talk(t, p)
	f.put(t, held, "hold", "")
	return held, f.talk(t, p)
}

func participants(t *testing.T, conference map[string]any) (all map[string]map[string]any) {
	t.Helper()
	all = map[string]map[string]any{}
	for _, p := range conference["participants"].([]any) {
		is := p.(map[string]any)
		all[is["call_id"].(string)] = is
	}
	return all
}

func conferred(t *testing.T, f *floor) {
	some := f.people(t, 2)
	p := some[0]
	first, second := two(t, f, p)
	require.Contains(t, can(f.shown(t, first)), "conference")
	elsewhere := f.talk(t, some[1])
	join := func(status int, a, b line) map[string]any {
		return f.ask(t, status, "POST", "/conferences", fmt.Sprintf(`{"call_ids":[%q,%q],"client_ref":"board"}`, a.call, b.call)).JSON(t)
	}
	with{"code": "invalid_field", "field": "call_ids"}.in(t, join(422, first, elsewhere))

	made := join(201, first, second)
	id := made["conference_id"].(string)
	with{"subscriber_id": p.id, "state": "active", "client_ref": "board"}.in(t, made)
	require.Equal(t, []string{"end_conference"}, can(made))
	require.Len(t, participants(t, made), 2)
	require.Equal(t, made, f.ask(t, 200, "GET", "/conferences/"+id, "").JSON(t))
	require.Contains(t, f.ask(t, 200, "GET", "/conferences", "").List(t), made)
	for _, l := range []line{first, second} {
		f.told(t, l, "call.conference", with{"conference_id": id, "muted": false, "deaf": false})
		with{"conference_id": id, "state": "active"}.in(t, f.shown(t, l))
		require.NotContains(t, can(f.shown(t, l)), "conference")
	}
	f.told(t, first, "call.state", with{"state": "active"})
	with{"code": "wrong_state"}.in(t, join(409, first, second))

	of := "/conferences/" + id + "/participants/" + first.call
	for _, c := range []struct {
		verb, flag string
		is         bool
	}{{"mute", "muted", true}, {"deaf", "deaf", true}, {"unmute", "muted", false}, {"undeaf", "deaf", false}} {
		require.Contains(t, can(f.shown(t, first)), c.verb)
		f.ask(t, 204, "PUT", of+"/"+c.verb, "")
		with{c.flag: c.is}.in(t, f.shown(t, first))
		now := participants(t, f.ask(t, 200, "GET", "/conferences/"+id, "").JSON(t))
		with{c.flag: c.is}.in(t, now[first.call])
		with{c.flag: false}.in(t, now[second.call])
		require.Equal(t, c.is, f.truth(t, first)[c.flag] == true)
		f.ask(t, 409, "PUT", of+"/"+c.verb, "")
	}
	f.told(t, first, "call.conference", with{"muted": true, "deaf": true})
	f.ask(t, 404, "PUT", "/conferences/"+id+"/participants/callhalf-4611686018427387904:0/mute", "")
	f.ask(t, 404, "PUT", "/conferences/"+id+"/participants/"+elsewhere.call+"/mute", "")
	f.ask(t, 409, "PUT", "/conferences/"+id+"/participants/"+f.talk(t, p).call+"/mute", "")

	f.ask(t, 204, "DELETE", "/conferences/"+id, "")
	f.over(t, first, nil)
	f.over(t, second, nil)
	with{"state": "released", "conference_id": id}.in(t, f.ask(t, 200, "GET", "/conferences/"+id, "").JSON(t))
	f.ask(t, 204, "DELETE", "/conferences/"+id, "")
	for _, c := range f.ask(t, 200, "GET", "/conferences", "").List(t) {
		require.NotEqual(t, id, c["conference_id"])
	}
	with{"state": "active"}.in(t, f.shown(t, elsewhere))
}

// conferredAtThePhone: what people do with their phones is seen as well.
func conferredAtThePhone(t *testing.T, f *floor) {
	p := f.people(t, 1)[0]
	first, second := two(t, f, p)
	third := f.talk(t, p)
	f.does(t, first, "conference", fmt.Sprintf(`{"call_ids":[%q,%q]}`, second.provider, third.provider))
	id := f.told(t, first, "call.conference", nil)["conference_id"].(string)
	for _, l := range []line{second, third} {
		f.told(t, l, "call.conference", with{"conference_id": id})
	}
	with{"subscriber_id": p.id, "client_ref": "", "state": "active"}.in(t, f.ask(t, 200, "GET", "/conferences/"+id, "").JSON(t))
	for _, c := range []struct {
		verb string
		is   with
	}{{"mute", with{"muted": true}}, {"unmute", with{"muted": false}}, {"deaf", with{"deaf": true}}, {"undeaf", with{"deaf": false}}} {
		f.does(t, second, c.verb, "")
		f.told(t, second, "call.conference", c.is)
	}
	// One leaves; the other two talk on.
	f.does(t, third, "remote-hangup", "")
	f.over(t, third, with{"releasing_party": "remote"})
	left := participants(t, f.ask(t, 200, "GET", "/conferences/"+id, "").JSON(t))
	require.Len(t, left, 2)
	require.NotContains(t, left, third.call)

	f.does(t, first, "end-conference", "")
	f.over(t, first, nil)
	f.over(t, second, nil)
	with{"state": "released"}.in(t, f.ask(t, 200, "GET", "/conferences/"+id, "").JSON(t))
}
