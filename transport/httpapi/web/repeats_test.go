package web

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/transport/problem"
)

func TestTurnsAreTakenOneAfterTheOtherAndNoneIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all turns
		ask := &engine.Once{App: "crm", Key: "k", Hash: HashOf("POST", "/", "")}
		end, err := all.take(t.Context(), ask)
		require.NoError(t, err)

		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = all.take(short, ask)
		require.Equal(t, engine.CodeKeyInProgress, problem.From(err).Code)
		_, err = all.take(t.Context(), &engine.Once{App: "crm", Key: "k", Hash: HashOf("POST", "/", "{}")})
		require.Equal(t, engine.CodeKeyReused, problem.From(err).Code, "without waiting")
		ofOperator, err := all.take(t.Context(), &engine.Once{Key: "k"})
		require.NoError(t, err, "a key of somebody else")
		ofOperator()

		next := make(chan func())
		go func() {
			end, _ := all.take(t.Context(), ask)
			next <- end
		}()
		synctest.Wait()
		end()
		(<-next)()
		require.Empty(t, all.open)
	})
}
