package hookapi

import (
	"slices"
	"strings"

	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// masked stands for a value that is not shown.
const masked = "•••"

// viewHeaders hides what looks like a secret.
func viewHeaders(list []tenant.Header) map[string]string {
	v := make(map[string]string, len(list))
	for _, h := range list {
		if v[h.Name] = h.Value; secretive(h) {
			v[h.Name] = masked
		}
	}
	return v
}

func secretive(h tenant.Header) bool {
	name := strings.ToLower(h.Name)
	for _, word := range []string{"auth", "key", "token", "secret", "passw", "cookie", "credential", "signature", "session"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	scheme, _, _ := strings.Cut(strings.ToLower(h.Value), " ")
	return scheme == "bearer" || scheme == "basic"
}

// readHeaders reads {name: value}. A value may be the mask: who shows a webhook
// and sends it back changed does not know better.
func readHeaders(doc web.Object) ([]tenant.Header, error) {
	names := doc.Names()
	if len(names) > tenant.MaxHeaders {
		return nil, problem.Invalid("headers", tenant.CheckHeaders(make([]tenant.Header, len(names))))
	}
	var list []tenant.Header
	for _, name := range names {
		if wrong := tenant.CheckHeader(name, "x"); wrong != "" {
			return nil, problem.Invalid("headers", wrong)
		}
		value, err := doc.Long(name, maxBody)
		if err != nil {
			return nil, err
		}
		if wrong := tenant.CheckHeader(name, value); wrong != "" && value != masked {
			return nil, problem.Invalid("headers."+name, wrong)
		}
		list = append(list, tenant.Header{Name: name, Value: value})
	}
	slices.SortFunc(list, func(a, b tenant.Header) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return list, nil
}

// unmask puts the values back that were not shown, and checks the whole.
func unmask(list, was []tenant.Header) ([]tenant.Header, error) {
	list = slices.Clone(list)
	for i, h := range list {
		if h.Value != masked {
			continue
		}
		j := slices.IndexFunc(was, func(w tenant.Header) bool { return strings.EqualFold(w.Name, h.Name) })
		if j < 0 {
			return nil, problem.Invalid("headers."+h.Name, "must have a value")
		}
		list[i].Value = was[j].Value
	}
	if wrong := tenant.CheckHeaders(list); wrong != "" {
		return nil, problem.Invalid("headers", wrong)
	}
	return list, nil
}
