package broadworks

import "bytes"

// appendRemoteNumber appends the number of a remote party: E.164 where it can
// be made out, else the address as the provider gave it.
//
// The address is a tel: or sip: URI (dossier §2.2). Inside a group it is often
// an extension; then the directory number beside it says more.
func appendRemoteNumber(dst []byte, p *party, countryCode string) []byte {
	from := len(dst)
	if dst, ok := appendE164(dst, p.address, p.addressCode, countryCode); ok {
		return dst
	}
	if dst, ok := appendE164(dst[:from], p.userDN, p.userDNCode, countryCode); ok {
		return dst
	}
	given := p.address
	if len(given) == 0 {
		given = p.userDN
	}
	if n, ok := bytes.CutPrefix(given, []byte("tel:")); ok {
		given = n
		if i := bytes.IndexByte(given, ';'); i >= 0 {
			given = given[:i]
		}
	}
	return append(dst[:from], given...)
}

// appendE164 appends the number of a URI with its plus, and reports whether
// there is one. code is the countryCode attribute, home the network's own.
func appendE164(dst, uri, code []byte, home string) ([]byte, bool) {
	number := uri
	switch {
	case bytes.HasPrefix(uri, []byte("tel:")):
		number = uri[4:]
	case bytes.HasPrefix(uri, []byte("sip:")), bytes.HasPrefix(uri, []byte("sips:")):
		number = uri[bytes.IndexByte(uri, ':')+1:]
		if i := bytes.IndexByte(number, '@'); i >= 0 {
			number = number[:i]
		} else {
			return dst, false // a host, not a number
		}
	}
	if i := bytes.IndexByte(number, ';'); i >= 0 {
		number = number[:i]
	}
	from := len(dst)
	dst = append(dst, '+')
	plus := false
	for i, c := range number {
		switch {
		case c >= '0' && c <= '9':
			dst = append(dst, c)
		case c == '+' && i == 0:
			plus = true
		case c == '-' || c == '.' || c == ' ' || c == '(' || c == ')': // visual separators, RFC 3966
		default:
			return dst[:from], false
		}
	}
	digits := len(dst) - from - 1
	if plus {
		return dst, digits >= 3 && digits <= 15
	}
	if len(code) == 0 && (home == "" || digits < minNational) {
		return dst[:from], false // an extension, or nobody knows of which country
	}
	return complete(dst, from, code, home)
}

// minNational is how many digits a number has that is not an extension.
const minNational = 7

// complete puts the country before the national digits at dst[from+1:].
func complete(dst []byte, from int, code []byte, home string) ([]byte, bool) {
	if len(code) == 0 {
		code = []byte(home)
	}
	for _, c := range code {
		if c < '0' || c > '9' {
			return dst[:from], false
		}
	}
	digits := dst[from+1:]
	drop := 0
	switch {
	case bytes.HasPrefix(digits, []byte("00")): // international prefix of most countries
		drop, code = 2, nil
	case string(code) == "1" && bytes.HasPrefix(digits, []byte("011")):
		drop, code = 3, nil
	case string(code) == "1" && len(digits) == 11 && digits[0] == '1':
		code = nil // the trunk prefix is the country code
	case string(code) != "39" && len(digits) > 0 && digits[0] == '0': // Italy dials its zero
		drop = 1
	}
	n := len(digits) - drop
	if total := n + len(code); total < minNational || total > 15 {
		return dst[:from], false
	}
	var room [16]byte
	rest := append(room[:0], digits[drop:]...)
	dst = append(append(dst[:from+1], code...), rest...)
	return dst, true
}
