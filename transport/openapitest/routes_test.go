package openapitest_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/store"
	"offhook/transport/adminapi"
	"offhook/transport/console"
	"offhook/transport/eventlog"
	"offhook/transport/hookapi"
	"offhook/transport/httpapi"
	"offhook/transport/openapitest"
	"offhook/transport/webhook"
	"offhook/transport/webhook/replay"
)

// hooks has everything switched on, as cmd/offhook has.
func hooks() *hookapi.API {
	return hookapi.New(hookapi.Config{Prober: &webhook.Prober{}, Replays: &replay.Replayer{}})
}

// noBackups is for its route.
type noBackups struct{}

func (noBackups) Backup(string) error { return nil }

func TestWhatIsAnsweredIsDocumentedAndTheOtherWayRound(t *testing.T) {
	public, err := httpapi.New(httpapi.Config{Events: eventlog.New(eventlog.Config{}), Hooks: hooks(), History: &store.Store{}})
	require.NoError(t, err)
	openapitest.Public().Routes(t, public.Routes())

	admin, err := adminapi.New(adminapi.Config{
		Token: "of nobody", Hooks: hooks(), LogLevel: &slog.LevelVar{}, Backups: noBackups{}, AsApp: public.ForOperator(),
		Console: &adminapi.Console{Pages: &console.Pages{}, Simulator: "127.0.0.1:1"},
	})
	require.NoError(t, err)
	openapitest.Admin().Routes(t, admin.Routes())
}
