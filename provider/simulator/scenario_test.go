package simulator

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// scenarios are the stories that are kept.
func scenarios(t *testing.T) map[string]*Scenario {
	t.Helper()
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]*Scenario{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		sc, err := ParseScenario(text)
		require.NoError(t, err, file)
		all[strings.TrimSuffix(filepath.Base(file), ".txt")] = sc
	}
	return all
}

// Every story that is kept plays to its end, with nobody listening.
func TestScenariosPlay(t *testing.T) {
	for name, sc := range scenarios(t) {
		t.Run(name, func(t *testing.T) {
			inWorld(t, sc.Config, func(w *world) {
				began, steps := time.Now(), 0
				require.NoError(w, w.sim.Play(w.Context(), sc, func(Step, error) { steps++ }))
				require.Equal(w, sc.Steps[len(sc.Steps)-1].At, time.Since(began))
				require.Len(w, sc.Steps, steps)
				require.Empty(w, w.sim.truth())
			})
		})
	}
}

// The same story with the same seed makes the same calls.
func TestAScenarioIsReplayable(t *testing.T) {
	sc := scenarios(t)["lost_and_disordered"]
	play := func(seed uint64) (ids []string) {
		cfg := sc.Config
		cfg.Seed = seed
		inWorld(t, cfg, func(w *world) {
			require.NoError(w, w.sim.Play(w.Context(), &Scenario{Steps: sc.Steps[:6]}, nil))
			w.pass(0) // what happens at the same moment has happened
			for _, c := range w.sim.truth() {
				ids = append(ids, c.CallID+" "+c.SubscriberID+" "+c.State)
			}
		})
		return ids
	}
	require.NotEmpty(t, play(5))
	require.Equal(t, play(5), play(5))
	require.NotEqual(t, play(5), play(6))
}

// What a step cannot do, or finds otherwise, is told with its line, and the
// story goes on.
func TestAScenarioSaysWhatWentWrong(t *testing.T) {
	sc, err := ParseScenario([]byte("subscribers 5\n0s ring alice from 5550123 as a\n+1s resume a\n+0s ?resume a\n+0s expect a held\n+0s hangup b\n+0s ring nobody from 5550123\n+1s expect calls 1\n+0s end\n"))
	require.NoError(t, err)
	inWorld(t, sc.Config, func(w *world) {
		told := 0
		err := w.sim.Play(w.Context(), sc, func(st Step, err error) { told++ })
		require.Equal(w, 8, told)
		for _, want := range []string{"line 3: resume a: a is ringing: it cannot do that now", "line 5: expect a held: it is ringing",
			"line 6: hangup b: no call has that name", "line 7: ring nobody from 5550123: no such subscriber"} {
			require.ErrorContains(w, err, want)
		}
		require.NotContains(w, err.Error(), "line 4")
		require.NotContains(w, err.Error(), "line 8")
	})
}

func TestScenariosThatCannotBeRead(t *testing.T) {
	for text, want := range map[string]string{
		"colour blue":                     `line 1: there is no setting "colour"`,
		"\n\nxsps 99":                     "line 3: xsps: a whole number between 1 and 16",
		"chunks small":                    `chunks: "small" is none of anyhow, whole`,
		"subscribers":                     "a setting is a name and a value",
		"0s dance":                        "line 1: dance: nobody can do that",
		"0s":                              "nothing happens at 0s",
		"5s quiet\n3s quiet":              "line 2: 3s is before the step above",
		"5x quiet":                        `"5x" is no time`,
		"0s quiet\nxsps 2":                `a step begins with its time`,
		"0s ring alice":                   `ring: "from" is missing`,
		"0s ring alice from no-number":    "no number a switch can route",
		"0s ring alice from 1 loud=yes":   `"loud" does not belong here`,
		"0s answer":                       "1 words are wanted behind it, not 0",
		`0s ring alice from 1 name="open`: "a quote is not closed",
		"0s fault earthquake":             `"earthquake" is none of`,
		"0s fault stall for=ever":         `for is a time, not "ever"`,
		"0s fault stall probability=2":    "probability is between 0 and 1",
		"0s fault end_channel reason=fun": `"fun" is none of`,
		"0s phone alice answer=never":     "answer is auto or manual",
		"0s phone alice answer-after=2h":  "between 0s and 1h",
		"0s traffic fast":                 "calls per second are wanted",
		"0s forward a reason=whim":        "no reason that BroadWorks has",
		"0s transfer a to nowhere!":       "no number a switch can route",
		strings.Repeat("x", maxLine+1):    "token too long",
	} {
		_, err := ParseScenario([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}

// No text makes the reader of stories do anything but read or refuse it.
func FuzzScenario(f *testing.F) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	require.NoError(f, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte("0s phone alice answer=auto far-end=busy far-end-after=1m # comment\n+0s consult a b"))
	f.Fuzz(func(t *testing.T, text []byte) {
		sc, err := ParseScenario(text)
		if err != nil {
			require.Regexp(t, `^line \d+: `, err.Error())
			return
		}
		for i, st := range sc.Steps {
			require.True(t, i == 0 || st.At >= sc.Steps[i-1].At)
		}
	})
}
