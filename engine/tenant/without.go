package tenant

import (
	"strings"

	"offhook/engine"
)

// Capability is the verb that a name in Without stands for.
func Capability(name string) (engine.Verb, bool) {
	for v := engine.VerbOriginate; v <= engine.VerbEndConference; v++ {
		if v.String() == name && isCapability(v) {
			return v, true
		}
	}
	return engine.VerbNone, false
}

// Capabilities are all names that Without may have.
func Capabilities() (names []string) {
	for v := engine.VerbOriginate; v <= engine.VerbEndConference; v++ {
		if isCapability(v) {
			names = append(names, v.String())
		}
	}
	return names
}

// isCapability leaves aside what is only read: nobody misses it at a platform.
func isCapability(v engine.Verb) bool {
	switch v {
	case engine.VerbGet, engine.VerbList, engine.VerbReadBack, engine.VerbSnapshot:
		return false
	}
	return true
}

// IsFeatureCode reports whether a phone could dial a text as the code of a
// service: one to six digits, mostly behind a star or a hash.
func IsFeatureCode(code string) bool {
	if strings.HasPrefix(code, "*") || strings.HasPrefix(code, "#") {
		code = code[1:]
	}
	return len(code) >= 1 && len(code) <= 6 && strings.Trim(code, "0123456789") == ""
}
