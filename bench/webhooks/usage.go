package webhooks

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// usage is processor time: of the whole machine, and of us. Others that work meanwhile spoil what is measured, and nothing
// in the numbers themselves says so.
type usage struct {
	at         time.Time
	busy, ours float64 // s since whenever
	known      bool
}

// tick is the unit of /proc, USER_HZ.
const tick = 0.01

// used reads it from /proc; of us it is this process. Where there is none, nothing is known.
func used() usage {
	all, err := os.ReadFile("/proc/stat")
	if err != nil {
		return usage{}
	}
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return usage{}
	}
	u := usage{at: time.Now(), known: true}
	line, _, _ := strings.Cut(string(all), "\n")
	f := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal guest guest_nice
	for i, text := range f {
		if i == 0 || i == 4 || i == 5 || i > 8 { // a guest's time is in user's
			continue
		}
		n, err := strconv.ParseFloat(text, 64)
		u.busy += n * tick
		u.known = u.known && err == nil
	}
	stat := string(own)
	f = strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // state is the third of proc(5)
	if len(f) < 13 {
		return usage{}
	}
	for _, text := range f[11:13] { // utime and stime
		n, err := strconv.ParseFloat(text, 64)
		u.ours += n * tick
		u.known = u.known && err == nil
	}
	return u
}

// others is the share of the processors that others used since before; ok is
// false where that is not known.
func (u usage) others(before usage) (share float64, ok bool) {
	span := u.at.Sub(before.at).Seconds() * float64(runtime.NumCPU())
	if !u.known || !before.known || span <= 0 {
		return 0, false
	}
	return max(0, (u.busy-before.busy)-(u.ours-before.ours)) / span, true
}
