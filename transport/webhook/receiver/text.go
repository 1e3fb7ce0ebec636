package receiver

import (
	"strconv"
	"strings"
)

// Mask hides most of a phone number: +15125551209 becomes +1512*****09.
func Mask(number string) string {
	const head, tail = 5, 2
	number = Printable(number)
	if len(number) <= head+tail {
		return strings.Repeat("*", len(number))
	}
	return number[:head] + strings.Repeat("*", len(number)-head-tail) + number[len(number)-tail:]
}

// Printable keeps what arrives from writing anything but text on a terminal.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
