package oci

import "strings"

// e164 is a number with its plus, and whether there is one. Tables have it as
// +1-2015550100; a user that is read has it without its country, which stands
// beside it (dossier §4.1). home is the country of numbers that have none.
func e164(number, country, home string) (string, bool) {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("-. ()", r) {
			return -1
		}
		return r
	}, number)
	digits, international := strings.CutPrefix(digits, "+")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	if country = strings.TrimPrefix(country, "+"); country == "" || strings.Trim(country, "0123456789") != "" {
		country = home
	}
	if !international {
		switch {
		case country == "":
			return "", false
		case country == "1" && len(digits) == 11 && digits[0] == '1': // the trunk prefix is the country code
		case country != "39": // Italy dials its zero
			digits = country + strings.TrimPrefix(digits, "0")
		default:
			digits = country + digits
		}
	}
	return "+" + digits, len(digits) >= 7 && len(digits) <= 15
}

// department is the name of a department, without those it is part of: a list
// may say where it stands, Sales \ West, and a user that is read does not.
func department(s string) string {
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\\')+1:])
}
