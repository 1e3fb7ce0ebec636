package e2e

import (
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"offhook/bench/figures"
	"offhook/bench/prove/rig"
)

// The platform, the receiver and the baselines are this test binary, started
// once more; offhook is the program itself.
func TestMain(m *testing.M) {
	if code, is := Become(); is {
		os.Exit(code)
	}
	rig.Main(checked{m})
}

type checked struct{ m *testing.M }

func (c checked) Run() int {
	code := c.m.Run()
	if err := goleak.Find(
		// fasthttp's client looks for idle connections every ten seconds.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"),
	); err != nil && code == 0 {
		println(err.Error())
		return 1
	}
	return code
}

func TestASmallRunFillsEveryRowAndLosesNothing(t *testing.T) {
	plan := figures.Plan{Runs: 2, Round: 150 * time.Millisecond, Rates: []int{2000}, Dir: t.TempDir(), Progress: t.Logf}
	s := Suite{Program: rig.Plain.Path(t), Lines: 20}
	rows, err := s.Measure(t.Context(), plan) // which is: in order, nothing lost, every event acknowledged
	require.NoError(t, err)
	var names []string
	for _, r := range rows {
		names = append(names, r.Name)
		require.Len(t, r.Ours, 2, r.Name)
		if r.Beside != "" {
			require.Len(t, r.Base, 2, r.Name)
		}
	}
	require.Equal(t, []string{
		"event to webhook at 2,000/s, p50",
		"event to webhook at 2,000/s, p99",
		"event to webhook at 2,000/s, p99.9",
		"  of it ours: left the platform late, p99",
		"events to webhooks, sustained",
		"  of them acknowledged",
		"  of offhook's processor time: garbage collection",
		"  place of the first lock in its profile",
		"events POSTed to webhooks, sustained",
		"hold and resume over HTTP, one at a time, rate",
		"hold and resume over HTTP, one at a time, p50",
		"hold and resume over HTTP, one at a time, p99",
		"hold and resume over HTTP, 20 at a time, rate",
		"hold and resume over HTTP, 20 at a time, p50",
		"hold and resume over HTTP, 20 at a time, p99",
	}, names)
	left, err := os.ReadDir(plan.Dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// delivery is how a webhook does at the moment, which is not for us to leave as it was.
var delivery = regexp.MustCompile(`,"delivery":\{[^{}]*\}`)

func TestAnOffhookThatRunsIsLeftAsItWas(t *testing.T) {
	p := rig.Plain.Run(t, append(rig.Anywhere("none"), "OFFHOOK_DATA_DIR="+t.TempDir()), "serve")
	look := func() (all []string) {
		for _, list := range []string{"apps", "networks", "subscribers"} {
			body := rig.Must(t, 200, "GET", "http://"+p.Addr("admin")+"/admin/"+list, rig.Operator, "").Body
			all = append(all, delivery.ReplaceAllString(string(body), ""))
		}
		return all
	}
	before := look()
	plan := figures.Plan{Runs: 1, Round: 150 * time.Millisecond, Rates: []int{2000}, Dir: t.TempDir(), Progress: t.Logf}
	s := Suite{Target: Target{Admin: "http://" + p.Addr("admin"), Token: rig.Operator}, Lines: 20}
	rows, err := s.Measure(t.Context(), plan)
	require.NoError(t, err)
	require.Len(t, rows, 8)
	require.Equal(t, before, look())

	s.Target.Token = "not-the-token"
	_, err = s.Measure(t.Context(), plan)
	require.ErrorContains(t, err, "401")
	require.Equal(t, before, look())
}
