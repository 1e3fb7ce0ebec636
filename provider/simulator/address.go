package simulator

import "strings"

// party is the other end of a call, as remoteParty tells it (dossier §2.1).
type party struct {
	name     string
	address  string // as dialled or as signalled, without a scheme
	userID   string
	userDN   string
	callType string
}

const maxAddress = 161 // of a SIP URI in BroadWorks

// cleanAddress takes the scheme and the separators people write off a number.
// It reports false for what no switch can route.
func cleanAddress(s string) (string, bool) {
	s = strings.TrimSpace(s)
	for _, scheme := range []string{"tel:", "sip:"} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			s = s[len(scheme):]
		}
	}
	if s == "" || len(s) > maxAddress {
		return "", false
	}
	if strings.ContainsRune(s, '@') {
		return s, !strings.ContainsAny(s, " \t\r\n<>\"")
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9', r == '*', r == '#', r == '+' && i == 0:
			b.WriteRune(r)
		case strings.ContainsRune(" -.()/", r):
		default:
			return "", false
		}
	}
	return b.String(), strings.Trim(b.String(), "+") != ""
}

// phoneAt finds the subscriber a clean address reaches: by number with or
// without country code, by extension, by user id.
func (s *Simulator) phoneAt(address string) *phone {
	if strings.ContainsRune(address, '@') {
		return s.phoneOf(address)
	}
	digits := strings.TrimPrefix(address, "+")
	if p := s.byDigits[digits]; p != nil && (address == digits || digits == p.digits) {
		return p
	}
	if address == digits && len(digits) == 10 {
		return s.byDigits["1"+digits]
	}
	return nil
}

// outside is a party beyond the switch.
func outside(name, address string) party {
	return party{name: name, address: address, callType: "Network"}
}

// inside is p as seen by another subscriber.
func (p *phone) seenBy(other *phone) party {
	callType := "Enterprise"
	if other.group == p.group {
		callType = "Group"
	}
	return party{name: p.SubscriberName, address: p.line(),
		userID: p.SubscriberID, userDN: p.SubscriberNumber, callType: callType}
}

// line is the number others call p by; one without has an extension.
func (p *phone) line() string {
	if p.SubscriberNumber == "" {
		return p.Extension
	}
	return p.SubscriberNumber
}

func (r party) node(name string) *node {
	n := el(name)
	n.addMaybe("name", r.name)
	if r.address != "" {
		n.add(addressEl("address", r.address))
	}
	n.addMaybe("userId", r.userID)
	if r.userDN != "" {
		n.add(addressEl("userDN", r.userDN))
	}
	n.addMaybe("callType", r.callType)
	return n
}

// addressEl is a tel: or sip: URI; only an E.164 number has a country code
// (dossier §2.2).
func addressEl(name, address string) *node {
	if strings.ContainsRune(address, '@') {
		return textEl(name, "sip:"+address)
	}
	n := textEl(name, "tel:"+address)
	if strings.HasPrefix(address, "+") {
		n.with(attr{name: "countryCode", value: countryCode(address[1:])})
	}
	return n
}

// countryCode cuts the country code off the digits of an E.164 number, for the
// zones whose codes have one or two digits; the others get three.
func countryCode(digits string) string {
	n := 3
	switch {
	case digits == "":
		return ""
	case digits[0] == '1' || digits[0] == '7':
		n = 1
	case len(digits) > 1 && strings.Contains(twoDigitCodes, " "+digits[:2]+" "):
		n = 2
	}
	return digits[:min(n, len(digits))]
}

const twoDigitCodes = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "
