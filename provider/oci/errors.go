package oci

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Refused is an ErrorResponse. Its text names users and stays behind: the code
// says enough.
type Refused struct {
	Request string // the name of what was asked
	Code    int    // 0 when none was told
}

func (e *Refused) Error() string {
	if e.Code == 0 {
		return e.Request + " is refused, without an error code"
	}
	return fmt.Sprintf("%s is refused with error %d", e.Request, e.Code)
}

// ErrLogin is wrapped by every error of a login that was refused.
var ErrLogin = errors.New("the login is refused")

var (
	errNotUnderstood = errors.New("the answer was not understood")
	errSession       = errors.New("the answer is of another session")
	errEnded         = errors.New("the platform ended the session")
	errLate          = errors.New("nothing came in time")
	errUnsteady      = errors.New("a group changed too much while it was listed")
	errTooMany       = errors.New("a group has more users than can be")
	errTooLong       = errors.New("a document has too many bytes")
	errTooDeep       = errors.New("a document has too many elements, or too many within each other")
	errSyntax        = errors.New("what came is no document")
)

// code is that of an ErrorResponse: errorCode, or the start of its text, as in
// "[Error 4008] User not found: …" (dossier §4.1).
func code(c *command) int {
	if n, err := strconv.ParseUint(c.fields["errorCode"], 10, 31); err == nil {
		return int(n)
	}
	for _, text := range []string{c.fields["summaryEnglish"], c.fields["summary"]} {
		if rest, found := strings.CutPrefix(text, "[Error "); found {
			digits, _, _ := strings.Cut(rest, "]")
			if n, err := strconv.ParseUint(digits, 10, 31); err == nil {
				return int(n)
			}
		}
	}
	return 0
}
