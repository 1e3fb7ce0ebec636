package sim

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/provider/simulator"
)

// busy is a platform of two XSPs with so many calls a second.
func busy(perSecond float64) simulator.Config {
	return simulator.Config{Subscribers: int(10 * perSecond), Seed: 7, XSPs: 2, CallsPerSecond: perSecond, Traffic: simulator.TrafficRate, CallDuration: 4 * time.Second}
}

// losses are the ways in which one XSP of two is lost.
var losses = map[string]string{
	"dies":             "xsp_down", // its connections break, new ones are refused
	"goes_silent":      "stall",    // its connections stay, and nothing comes
	"ends_its_channel": "end_channel",
}

// noticed is what people would notice.
const noticed = 100 * time.Millisecond

// figures are what the loss of an XSP cost.
type figures struct {
	facts        int           // beginnings and ends of calls since
	p50, p99     time.Duration // from what happened until offhook heard of it
	max          time.Duration
	flowing      time.Duration // since the loss: afterwards nothing was that late
	synthetic    int           // events offhook made up for what it was not told
	resent, gone int64         // by the platform
}

func (f figures) String() string {
	return fmt.Sprintf("%d facts, heard of after p50 %v, p99 %v, max %v; all flows again after %v; %d synthetic events; the platform sent %d again and gave %d up",
		f.facts, f.p50, f.p99, f.max, f.flowing, f.synthetic, f.resent, f.gone)
}

// lose takes one XSP away for a while, with traffic before, meanwhile and after.
func (w *world) lose(kind string, before, meanwhile, after time.Duration) (f figures) {
	p := w.platforms[0]
	w.after(before)
	w.read()
	was, synthetic := p.sim.Stats(), w.apps[0].synthetic
	w.audit.mark()
	require.True(w, p.fault(map[string]any{"kind": kind, "xsp": "xsp1", "probability": 1, "duration_ms": meanwhile.Milliseconds(), "reason": "ExplicitDelete"}))
	w.after(meanwhile + after)
	w.read()
	is := p.sim.Stats()
	f.synthetic, f.resent, f.gone = w.apps[0].synthetic-synthetic, is.EventsResent-was.EventsResent, is.EventsLost-was.EventsLost
	w.audit.mu.Lock()
	defer w.audit.mu.Unlock()
	late := w.audit.late
	require.NotEmpty(w, late)
	for _, l := range late {
		if l.by > noticed {
			f.flowing = max(f.flowing, l.at)
		}
	}
	slices.SortFunc(late, func(a, b lateness) int { return int(a.by - b.by) })
	f.facts, f.p50, f.p99, f.max = len(late), late[len(late)/2].by, late[len(late)*99/100].by, late[len(late)-1].by
	return f
}

// One XSP of two is lost in the midst of calls, in each of the ways: in the end
// offhook knows exactly the calls there are, and nothing was lost for good.
func TestOneXSPOfTwoIsLost(t *testing.T) {
	for name, kind := range losses {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, 7, []simulator.Config{busy(5)}, func(w *world) {
				f := w.lose(kind, 10*time.Second, 40*time.Second, 40*time.Second)
				t.Log(f)
				w.platforms[0].traffic(w.Context(), 0)
				w.after(5 * time.Minute)
				w.compare("after the loss")
				w.ended()
				require.Less(w, f.flowing, time.Minute, "no renewal is waited for")
			})
		})
	}
}

// BenchmarkLossOfOneXSP is the same at 200 calls a second over real sockets.
// One run takes more than a minute; it reports milliseconds and counts.
func BenchmarkLossOfOneXSP(b *testing.B) {
	for name, meanwhile := range map[string]time.Duration{"dies": 20 * time.Second, "goes_silent": time.Minute} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				w := newWorld(b, 7, quietApp())
				cfg := busy(200)
				cfg.Seed = uint64(time.Now().UnixNano()) | 1
				p := w.raiseOverSockets("net1", cfg)
				w.start()
				w.provision()
				w.subscribed(2 * time.Minute)
				f := w.lose(losses[name], 10*time.Second, meanwhile, 40*time.Second)
				p.traffic(w.Context(), 0)
				w.settle(3 * time.Minute)
				w.compare("after the loss")
				w.stop()
				require.NoError(b, p.sim.Close())
				w.served.Wait()
				for _, m := range []struct {
					value float64
					unit  string
				}{
					{ms(f.flowing), "ms-until-all-flows"}, {ms(f.p50), "ms-p50"}, {ms(f.p99), "ms-p99"}, {ms(f.max), "ms-max"},
					{float64(f.synthetic), "synthetic"}, {float64(f.resent), "resent"}, {float64(f.facts), "facts"}, {float64(w.apps[0].open()), "ghosts"},
				} {
					b.ReportMetric(m.value, m.unit)
				}
			}
		})
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// raiseOverSockets makes a platform that listens on loopback.
func (w *world) raiseOverSockets(network string, cfg simulator.Config) *platform {
	var doors []net.Listener
	for range cfg.XSPs {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(w, err)
		doors = append(doors, ln)
		cfg.Bases = append(cfg.Bases, "http://"+ln.Addr().String())
	}
	p := w.raise(network, cfg)
	for i, ln := range doors {
		w.served.Go(func() { _ = p.sim.ServeXSP(i, ln) })
	}
	w.real = true
	return p
}

// subscribed waits until the platform sends the events of everybody.
func (w *world) subscribed(limit time.Duration) {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); w.after(100 * time.Millisecond) {
		if s := w.providers[w.platforms[0].network].Status(); s.Subscribed == s.Followed {
			return
		}
	}
	w.Fatal("not everybody is subscribed to")
}

// settle waits until the platform and offhook agree that no call is left.
func (w *world) settle(limit time.Duration) {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); w.after(100 * time.Millisecond) {
		if ours, theirs := w.pictures(w.apps[0]); len(ours)+len(theirs) == 0 {
			return
		}
	}
}
