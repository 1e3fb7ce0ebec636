package broadworks

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/provider/simulator"
)

// Two installations with one application id end each other's channels (dossier
// §3.1). They do not fight: each change of hands is ten minutes from the last,
// and whoever stands back says so.
func TestTwoInstallationsWithOneApplicationIDDoNotFight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bases := []string{"http://xsp1", "http://xsp2"}
		sim := simulator.New(simulator.Config{Seed: 6, Subscribers: 5, XSPs: 2, Bases: bases})
		wires := newXSPNet(sim, 2)
		ctx, cancel := context.WithCancel(t.Context())
		var both []*Provider
		done := make(chan error, 2)
		for range 2 {
			p, err := New(Config{
				Network: tenant.BroadWorks{XSPs: bases, Username: "admin@simulator.example", Password: "simulator", ApplicationID: "offhook-test"},
				Sink:    &sink{}, Dial: wires.dial,
			})
			require.NoError(t, err)
			both = append(both, p)
			go func() { done <- p.Run(ctx) }()
			time.Sleep(time.Second)
		}
		require.Equal(t, provider.LinkDuplicate, both[0].Status().Link)
		for range 9 {
			time.Sleep(time.Minute)
			synctest.Wait()
			require.Equal(t, provider.LinkDuplicate, both[0].Status().Link)
			require.Equal(t, []any{provider.LinkUp, 2}, []any{both[1].Status().Link, both[1].Status().Channels})
		}
		time.Sleep(51 * time.Minute)
		synctest.Wait()
		st := sim.Stats()
		t.Logf("channels opened in an hour: %d; ended: %v", st.ChannelsOpened, st.ChannelsEndedBy)
		require.LessOrEqual(t, st.ChannelsOpened, int64(2*2*7), "by both, at both XSPs")
		up := 0
		for _, p := range both {
			if p.Status().Link == provider.LinkUp {
				up++
			}
		}
		require.Equal(t, 1, up, "one of them has it")
		cancel()
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		require.NoError(t, sim.Close())
		wires.close()
	})
}
