package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"offhook/store"
)

// Space is what is kept free on the disk of DataDir: an amount, a share of the
// disk, or both joined by "or"; then the smaller counts.
type Space struct {
	Low  string `yaml:"low"`  // with less nothing new is taken
	High string `yaml:"high"` // until there is so much again; empty means a quarter more than Low
}

// space settles the marks.
func (k *checker) space() {
	c := k.config
	low, err := parseMark(c.Space.Low)
	if err != nil {
		k.fault("space.low", "%v", err)
	}
	high := store.Mark{Bytes: low.Bytes + low.Bytes/4, Share: low.Share * 1.25}
	if c.Space.High != "" {
		var wrong error
		if high, wrong = parseMark(c.Space.High); wrong != nil {
			k.fault("space.high", "%v", wrong)
			return
		}
	}
	if err == nil && k.know("space.low") && (high.Bytes < low.Bytes && high.Bytes > 0 || high.Share < low.Share && high.Share > 0) {
		k.fault("space.high", "is less than space.low, %q", c.Space.Low)
	}
	c.marks = store.Marks{Low: low, High: high}
}

var errMark = errors.New("write an amount of the disk, as in 512MiB or 2GiB, a share of it, as in 10%, or both: 1GiB or 10%")

// parseMark reads "1GiB", "10%" or "1GiB or 10%".
func parseMark(text string) (m store.Mark, err error) {
	parts := strings.Split(text, " or ")
	if len(parts) > 2 {
		return m, errMark
	}
	for i, part := range parts {
		part = strings.TrimSpace(part)
		if share, ok := strings.CutSuffix(part, "%"); ok {
			percent, err := strconv.ParseFloat(share, 64)
			if err != nil || m.Share > 0 {
				return m, fmt.Errorf("%q is no share; %w", text, errMark)
			}
			if !(percent >= 0 && percent <= 90) {
				return m, fmt.Errorf("a share must be between 0%% and 90%%, not %s", part)
			}
			m.Share = percent / 100
			continue
		}
		n, ok := parseSize(part)
		if !ok || i > 0 && m.Bytes > 0 {
			return m, fmt.Errorf("%q is no amount; %w", text, errMark)
		}
		m.Bytes = n
	}
	return m, nil
}

// parseSize reads an amount with its unit.
func parseSize(text string) (uint64, bool) {
	for unit, shift := range map[string]uint{"KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 20)
			return n << shift, err == nil
		}
	}
	return 0, text == "0"
}
