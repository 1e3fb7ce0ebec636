package adminapi

import (
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/store"
)

// newKeyOffice is an office that remembers idempotency keys on a disk.
func newKeyOffice(t *testing.T, fs vfs.FS, change ...func(*Config)) *office {
	t.Helper()
	s, err := store.Open("data", store.Options{FS: fs, SweepEvery: -1, CacheBytes: 1 << 20, MemTable: 1 << 20})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return newOffice(t, append(change, func(c *Config) { c.Keys = s })...)
}

// keyed sends a request with an idempotency key.
func (o *office) keyed(method, path, body, key string) answer {
	o.t.Helper()
	return o.send(method, path, strings.NewReader(body), "Content-Type", "application/json", "Idempotency-Key", key)
}

func replayed(a answer) bool { return a.Header.Get("Idempotency-Replayed") == "true" }

func TestAnAppIsMadeOnceForOneKey(t *testing.T) {
	disk := vfs.NewMem()
	const body = `{"name":"CRM","calls_webhook":{"url":"https://crm.example.com/calls"}}`
	var first answer
	t.Run("the answer is lost on its way", func(t *testing.T) {
		o := newKeyOffice(t, disk)
		first = o.keyed("POST", "/admin/apps", body, "k")
		require.Equal(t, 201, first.StatusCode, first.body)
		require.False(t, replayed(first))
		require.Contains(t, first.body, `"api_key":"ok_live_`)
		require.Contains(t, first.body, `"secret":"whsec_`)

		again := o.keyed("POST", "/admin/apps", body, "k")
		again.want(t, 201, first.body)
		require.True(t, replayed(again))
		require.Equal(t, first.Header.Get("Location"), again.Header.Get("Location"))
		require.Equal(t, first.Header.Get("Content-Type"), again.Header.Get("Content-Type"))
		require.Len(t, o.store.apps, 1)

		o.keyed("POST", "/admin/apps", `{"name":"another"}`, "k").wantProblem(t, 422, "key_reused")
		o.keyed("POST", "/admin/networks", body, "k").wantProblem(t, 422, "key_reused")
		require.Len(t, o.store.apps, 1)
		for _, bad := range []string{"", "clé", strings.Repeat("k", 256)} {
			o.keyed("POST", "/admin/apps", body, bad).wantProblem(t, 422, "invalid_field", "Idempotency-Key")
		}
	})
	t.Run("and offhook is started again", func(t *testing.T) {
		o := newKeyOffice(t, disk)
		again := o.keyed("POST", "/admin/apps", body, "k")
		again.want(t, 201, first.body)
		require.True(t, replayed(again))
		require.Empty(t, o.store.apps, "made once more")

		other := o.keyed("POST", "/admin/apps", body, "another key")
		require.Equal(t, 201, other.StatusCode)
		require.NotEqual(t, first.body, other.body)
	})
}

func TestWithoutAKeyEveryRequestMakesAnApp(t *testing.T) {
	o := newKeyOffice(t, vfs.NewMem())
	for range 2 {
		a := o.do("POST", "/admin/apps", `{"name":"CRM"}`)
		require.Equal(t, 201, a.StatusCode)
		require.False(t, replayed(a))
	}
	require.Len(t, o.store.apps, 2)
}

func TestKeysNetworksAndSecretPathsAreMadeOnceForOneKey(t *testing.T) {
	contacts := &rotations{}
	o := newKeyOffice(t, vfs.NewMem(), func(c *Config) { c.Contacts = contacts })
	require.Equal(t, 201, o.do("POST", "/admin/apps", `{"name":"CRM","app_id":"crm"}`).StatusCode)
	networks := len(o.store.networks)
	for path, body := range map[string]string{
		"/admin/apps/crm/keys": `{"scopes":["calls:read"]}`,
		"/admin/networks": `{"provider":"broadworks","broadworks":{"xsps":["https://xsp.example.com"],"username":"a@example.com","password":"p"},
			"dialing":{"country_code":"1"}}`,
		"/admin/networks/" + networkID + "/contact/rotate": "",
	} {
		first := o.keyed("POST", path, body, path)
		require.Less(t, first.StatusCode, 300, first.body)
		again := o.keyed("POST", path, body, path)
		again.want(t, first.StatusCode, first.body)
		require.False(t, replayed(first), path)
		require.True(t, replayed(again), path)
		o.keyed("POST", path, body+" ", path).wantProblem(t, 422, "key_reused")
	}
	require.Len(t, o.store.apps["crm"].Keys, 2, "the first, and the one that was made")
	require.Len(t, o.store.networks, networks+1)
	require.Len(t, contacts.of, 1)
}

func TestWhatWasRefusedLeavesItsKeyFree(t *testing.T) {
	o := newKeyOffice(t, vfs.NewMem())
	o.keyed("POST", "/admin/apps/crm/keys", `{}`, "k").wantProblem(t, 404, "not_found")
	o.keyed("POST", "/admin/apps", `{"name":7}`, "k").wantProblem(t, 422, "invalid_field", "name")
	o.keyed("POST", "/admin/apps", `{"name":"`+strings.Repeat("x", 300<<10)+`"}`, "k").wantProblem(t, 413, "too_large")
	require.Equal(t, 201, o.keyed("POST", "/admin/apps", `{"name":"CRM","app_id":"crm"}`, "k").StatusCode)

	// Of apps that are deleted the operator's keys are not.
	require.Equal(t, 204, o.do("DELETE", "/admin/apps/crm", "").StatusCode)
	require.True(t, replayed(o.keyed("POST", "/admin/apps", `{"name":"CRM","app_id":"crm"}`, "k")))
}
