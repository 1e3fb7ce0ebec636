package webhooks

import (
	"context"
	"time"
)

// tooBusy is the share of the processors from which on others have a part in
// what is measured.
const tooBusy = 0.05

// quiet watches what other programs do while something is measured. With time
// to spare it waits for them, and measures again what they disturbed. Whether
// it does depends on them alone, and never on what was measured.
type quiet struct {
	used  func(context.Context) (usage, error) // by everybody, and by us
	spare time.Duration                        // for waiting and measuring again, in all
	pause time.Duration                        // between two looks
	tell  func(format string, args ...any)

	known     bool
	span      float64 // s, of all measurements that were kept
	others    float64 // s of the machine that others used of it
	kept      int
	disturbed int     // of those kept
	again     int     // that were not kept
	most      float64 // the largest share of a measurement that was kept
}

// during measures something, once or until nobody disturbed it.
func (q *quiet) during(ctx context.Context, measure func() error) error {
	for {
		if err := q.wait(ctx); err != nil {
			return err
		}
		before, err := q.used(ctx)
		if err != nil {
			return err
		}
		if err := measure(); err != nil {
			return err
		}
		after, err := q.used(ctx)
		if err != nil {
			return err
		}
		share, known := after.others(before)
		span := after.at.Sub(before.at)
		if !known || share <= tooBusy || q.spare <= 0 {
			q.keep(share, known, span)
			return nil
		}
		q.again++
		q.spare -= span
		q.tell("others used %.0f %% of the processors: once more", 100*share)
	}
}

func (q *quiet) keep(share float64, known bool, span time.Duration) {
	q.kept++
	q.known = known
	q.span += span.Seconds()
	q.others += share * span.Seconds()
	q.most = max(q.most, share)
	if share > tooBusy {
		q.disturbed++
	}
}

// wait waits, while there is time, until the others have little to do.
func (q *quiet) wait(ctx context.Context) error {
	for q.spare > 0 {
		before, err := q.used(ctx)
		if err != nil {
			return err
		}
		timer := time.NewTimer(q.pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		after, err := q.used(ctx)
		if err != nil {
			return err
		}
		if share, known := after.others(before); !known || share <= tooBusy {
			return nil
		}
		q.spare -= q.pause
	}
	return nil
}

// Quiet is what others did meanwhile.
type Quiet struct {
	Known     bool    `json:"known"`     // there is a /proc to read it from
	Others    float64 `json:"others"`    // share of the processors that other programs used
	Most      float64 `json:"most"`      // the same, of the measurement that had most of it
	Kept      int     `json:"kept"`      // measurements
	Disturbed int     `json:"disturbed"` // of those kept: others used too much
	Again     int     `json:"again"`     // measurements made again, since others used too much
}

func (q *quiet) report() Quiet {
	r := Quiet{Known: q.known, Most: q.most, Kept: q.kept, Disturbed: q.disturbed, Again: q.again}
	if q.span > 0 {
		r.Others = q.others / q.span
	}
	return r
}
