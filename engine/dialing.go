package engine

import "strings"

// Dialing is a network's rules for numbers.
//
// The zero Dialing takes E.164 numbers only. Emergency and premium-rate
// numbers are denied unless Allow lists them: an API call must not be able to
// alarm the fire brigade or run up a bill by accident.
type Dialing struct {
	CountryCode string   // digits without +; national numbers and extensions are taken when it is set
	Allow       []string // prefixes in E.164 without +, or short codes; allowed before Deny is read
	Deny        []string // the same, denied

	// ParkRetrieveCode is dialled before an extension to take back the call
	// that is parked there; empty means *88.
	ParkRetrieveCode string
}

const (
	minE164 = 8  // digits with country code; shorter ones are in use nowhere
	maxE164 = 15 // ITU-T E.164 §6.1
	minExt  = 4
	maxExt  = 6
)

// premium are prefixes that cost the caller extra: ITU-T E.164.1 (979), and the
// ranges national plans set aside for premium rate. Satellite codes are here
// since they cost as much.
var premium = []string{
	"979", "870", "881", "882", "883", "1900", "1976",
	"3289", "3290", "3190", "3389", "34803", "34806", "34807", "35115", "3989", "4190", "4390", "4393",
	"449", "4487", "4590", "46900", "46939", "46944", "47820", "47829", "4870", "4990", "61190", "64900", "8190", "81990",
}

// Normalise brings a number into the form that is dialled: E.164 with +, or an
// extension as it is. It reports false for what no phone could dial.
func (d *Dialing) Normalise(number string) (string, bool) {
	digits, plus, ok := digitsOf(number)
	if !ok {
		return "", false
	}
	country := ""
	if d != nil {
		country = d.CountryCode
	}
	switch {
	case plus:
	case strings.HasPrefix(digits, "00") && len(digits) > 10:
		digits = digits[2:]
	case country == "":
		return "", false
	case len(digits) >= minExt && len(digits) <= maxExt:
		return digits, true
	case country == "1" && len(digits) == 11 && digits[0] == '1':
	case country == "1":
		if len(digits) != 10 {
			return "", false
		}
		digits = country + digits
	default:
		digits = country + strings.TrimPrefix(digits, "0")
	}
	if len(digits) < minE164 || len(digits) > maxE164 || digits[0] == '0' {
		return "", false
	}
	if digits[0] == '1' && len(digits) != 11 { // the North American plan has one length
		return "", false
	}
	return "+" + digits, true
}

// Same reports whether two spellings mean the same number.
func (d *Dialing) Same(a, b string) bool {
	if a == b {
		return a != ""
	}
	x, ok := d.Normalise(a)
	if !ok {
		return false
	}
	y, ok := d.Normalise(b)
	return ok && x == y
}

// Check decides whether a number may be dialled, and how.
// Errors: CodeInvalidField for what is no number, CodeNumberNotAllowed.
func (d *Dialing) Check(number string) (string, *Error) {
	digits, _, ok := digitsOf(number)
	if ok && d != nil && len(digits) <= maxExt && listed(d.Allow, digits, true) { // a short code an operator listed
		return digits, nil
	}
	if ok && (short(digits) || len(digits) == 4 && emergency(digits[0], digits[1:])) {
		return "", notAllowed("emergency and service numbers are not dialled through the API")
	}
	dialled, ok := d.Normalise(number)
	if !ok {
		return "", &Error{Code: CodeInvalidField, Field: "remote_number", Message: "this is not a number that can be dialled; write it in E.164, as in +15125550123"}
	}
	e164 := strings.TrimPrefix(dialled, "+")
	switch {
	case d != nil && listed(d.Allow, e164, false):
	case d != nil && listed(d.Deny, e164, false):
		return "", notAllowed("the network's rules deny this number")
	case dialled[0] == '+' && listed(premium, e164, false), dialled[0] != '+' && enquiries(dialled, d.CountryCode):
		return "", notAllowed("premium-rate numbers are denied unless the network's rules list them")
	}
	return dialled, nil
}

// Retrieval is what is dialled to take back the call that is parked at an
// extension. The code leads to no number outside, so no other rule is asked.
func (d *Dialing) Retrieval(extension string) (string, *Error) {
	if !parkable(extension) {
		return "", errExtension
	}
	code := "*88"
	if d != nil && d.ParkRetrieveCode != "" {
		code = d.ParkRetrieveCode
	}
	return code + extension, nil
}

var errExtension = &Error{Code: CodeInvalidField, Field: "extension", Message: "an extension has 2 to 10 digits"}

// parkable tells what a call can be parked at.
func parkable(extension string) bool {
	return len(extension) >= 2 && len(extension) <= 10 && strings.Trim(extension, "0123456789") == ""
}

// sendable tells what can be sent as DTMF: 1 to 64 of them.
func sendable(digits string) bool {
	return len(digits) >= 1 && len(digits) <= 64 && strings.Trim(digits, "0123456789*#ABCD") == ""
}

// short tells emergency and service codes: wherever there are any, they have
// two or three digits (112, 911, 999, 000, 15, 110 …).
func short(digits string) bool { return len(digits) >= 2 && len(digits) <= 3 }

// emergency tells a code behind the digit that gets an outside line, as in
// 9911. That digit may be any; but 1000 and 2000 are extensions everywhere, and
// Australia's 000 is reached with 0.
func emergency(line byte, code string) bool {
	switch code {
	case "000":
		return line == '0'
	case "110", "112", "119", "911", "999":
		return true
	}
	return false
}

// enquiries tells directory enquiries, 118xx and 118xxx outside of North
// America. They are called without a country code, like extensions.
func enquiries(digits, country string) bool {
	return country != "1" && len(digits) >= 5 && strings.HasPrefix(digits, "118")
}

func notAllowed(why string) *Error {
	return &Error{Code: CodeNumberNotAllowed, Field: "remote_number", Message: why}
}

func listed(prefixes []string, digits string, whole bool) bool {
	for _, p := range prefixes {
		p = strings.TrimPrefix(p, "+")
		if p == "" {
			continue
		}
		if digits == p || !whole && len(p) > 3 && strings.HasPrefix(digits, p) || !whole && len(digits) > maxExt && strings.HasPrefix(digits, p) {
			return true
		}
	}
	return false
}

// digitsOf strips the separators people write: spaces, dots, dashes, slashes
// and brackets, and a tel: in front.
func digitsOf(number string) (digits string, plus, ok bool) {
	number = strings.TrimPrefix(strings.TrimSpace(number), "tel:")
	var b strings.Builder
	for i, r := range number {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '+' && i == 0:
			plus = true
		case r == ' ' || r == '-' || r == '.' || r == '(' || r == ')' || r == '/' || r == '\u00a0':
		default:
			return "", false, false
		}
	}
	return b.String(), plus, b.Len() > 0
}
