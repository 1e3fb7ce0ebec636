package kill9

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// times is how long offhook was away, by what came back: from the start of the process.
type times struct {
	mu                     sync.Mutex
	began                  time.Time
	commanded, hooked      bool
	ready, commands, hooks []time.Duration
}

func (m *times) start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.began, m.commanded, m.hooked = time.Now(), false, false
}

func (m *times) up(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ready = append(m.ready, d)
}

// command and hook note the first ones after a start.
func (m *times) command() { m.first(&m.commanded, &m.commands) }
func (m *times) hook()    { m.first(&m.hooked, &m.hooks) }

func (m *times) first(done *bool, all *[]time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.began.IsZero() || *done {
		return
	}
	*done = true
	*all = append(*all, time.Since(m.began))
}

// String has the median, the 90th percentile and the maximum of each.
func (m *times) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprintf("ready p50/p90/max %s, first command %s, first webhook %s", spread(m.ready), spread(m.commands), spread(m.hooks))
}

func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "-"
	}
	s := slices.Sorted(slices.Values(all))
	ms := func(d time.Duration) int64 { return d.Round(time.Millisecond).Milliseconds() }
	return fmt.Sprintf("%d/%d/%d ms", ms(s[len(s)/2]), ms(s[len(s)*9/10]), ms(s[len(s)-1]))
}
