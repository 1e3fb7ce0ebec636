package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/provider/simulator"
)

// Every story that is kept ends in the truth, at each of its quiet points: with
// a subscription for each user, and with one for the whole enterprise.
func TestScenariosEndInTheTruth(t *testing.T) {
	files, err := filepath.Glob("../../../provider/simulator/testdata/scenarios/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		sc, err := simulator.ParseScenario(text)
		require.NoError(t, err)
		for name, targets := range map[string][]tenant.Target{"users": nil, "enterprise": {{Enterprise: "demo-enterprise"}}} {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+name, func(t *testing.T) { replay(t, sc, targets) })
		}
	}
}

func replay(t *testing.T, sc *simulator.Scenario, targets []tenant.Target) {
	inVirtualTime(t, sc.Config.Seed, []simulator.Config{sc.Config}, func(w *world) {
		w.platforms[0].targets = targets
		w.crash()
		w.after(10 * time.Second) // everybody is subscribed to
		quiet := 0
		require.NoError(w, w.platforms[0].sim.Play(w.Context(), sc, func(st simulator.Step, _ error) {
			if st.Verb() != "quiet" {
				return
			}
			quiet++
			synctest.Wait()
			w.compare(st.Text)
		}))
		require.Positive(w, quiet, "a story has quiet points")
		w.ended()
		w.Logf("%d calls in %d events, %d of them synthetic", w.apps[0].met(), w.apps[0].events, w.apps[0].synthetic)
	})
}
