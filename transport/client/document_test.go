package client

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"offhook/docs"
)

// notHere are operations for browsers and engineers.
var notHere = map[string]bool{
	"FollowAllCalls": true, "GetConsole": true, "GetConsoleFile": true, "GetHealth": true, "GetMetrics": true,
	"GetProfile": true, "PostProfile": true, "GetDocument": true, "GetReference": true,
	"GetRoot": true, "GetConsoleBelow": true,
}

type document struct {
	Paths      map[string]map[string]yaml.Node
	Components struct {
		Examples map[string]struct{ Value any }
	}
}

func parse(t *testing.T, text string) (d document) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal([]byte(text), &d))
	return d
}

// operations are the names of methods by the path they are for.
func (d document) operations(t *testing.T) map[string]string {
	t.Helper()
	names := map[string]string{}
	for path, item := range d.Paths {
		for method, node := range item {
			if method == "parameters" {
				continue
			}
			var op struct {
				ID string `yaml:"operationId"`
			}
			require.NoError(t, node.Decode(&op))
			names[strings.ToUpper(op.ID[:1])+op.ID[1:]] = path
		}
	}
	require.Greater(t, len(names), 20)
	return names
}

func has(v any, method string) bool {
	_, ok := reflect.TypeOf(v).MethodByName(method)
	return ok
}

func TestEveryOperationOfThePublicDocumentIsAMethod(t *testing.T) {
	for name, path := range parse(t, docs.OpenAPI).operations(t) {
		require.True(t, has(&App{}, name) || has(&API{}, name), "%s (%s)", name, path)
	}
}

func TestEveryOperationOfTheAdminDocumentIsAMethod(t *testing.T) {
	for name, path := range parse(t, docs.AdminOpenAPI).operations(t) {
		if notHere[name] || strings.HasPrefix(path, "/admin/simulator") {
			continue
		}
		as, inPlace := strings.CutSuffix(name, "AsApp")
		require.True(t, !inPlace && has(&Admin{}, name) || has(&App{}, as), "%s (%s)", name, path)
	}
}

// What is read and written again is what the document shows: no member is lost,
// and none is made up.
func TestTheExamplesOfTheDocumentsSurvive(t *testing.T) {
	for name, text := range map[string]string{"public": docs.OpenAPI, "admin": docs.AdminOpenAPI} {
		seen := 0
		for example, e := range parse(t, text).Components.Examples {
			into := map[string]any{
				"App": &AppInfo{}, "ProvisionedSubscriber": &ProvisionedSubscriber{}, "Attempt": &Attempt{}, "Attempts": &[]Attempt{},
				"NewWebhook": &Webhook{}, "Webhook": &Webhook{}, "Webhooks": &[]Webhook{}, "OperationsWebhook": &Webhook{},
				"RedeliveryTask": &RedeliveryTask{}, "RedeliveryTasks": &[]RedeliveryTask{},
				"Call": &Call{}, "Calls": &[]Call{}, "PlacedCall": &Call{}, "ReleasedCall": &Call{}, "ReleasedCalls": &[]Call{}, "CallEvent": &Event{}, "Events": &[]Event{}, "Conference": &Conference{},
				"Conferences": &[]Conference{}, "Timeline": &[]Step{}, "Subscriber": &Subscriber{}, "Subscribers": &[]Subscriber{},
			}[example]
			if example == "Network" && name == "admin" {
				into = &Network{}
			} else if example == "Network" {
				into = &AppNetwork{}
			}
			if into == nil {
				continue
			}
			seen++
			want, err := json.Marshal(e.Value)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(want, into), example)
			got, err := json.Marshal(into)
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(got), "%s of the %s document", example, name)
		}
		require.GreaterOrEqual(t, seen, 6, name)
	}
}
