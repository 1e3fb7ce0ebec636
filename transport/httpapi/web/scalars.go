package web

import (
	"strconv"

	"offhook/transport/problem"
)

// Names are the names of the members, in their order.
func (o Object) Names() []string {
	names := make([]string, len(o.members))
	for i := range o.members {
		names[i] = o.members[i].name
	}
	return names
}

// Bool is a member that is true or false; false if it is not there or null.
func (o Object) Bool(name string) (bool, error) {
	switch string(o.find(name)) {
	case "", "null", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, problem.Invalid(o.field(name), "must be true or false")
}

// Whole is a member that is a whole number from least to most; otherwise, if
// it is not there or null.
func (o Object) Whole(name string, otherwise, least, most int64) (int64, error) {
	raw := o.find(name)
	if raw == nil || o.Null(name) {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < least || n > most {
		return 0, problem.Invalid(o.field(name), "must be a whole number from "+strconv.FormatInt(least, 10)+" to "+strconv.FormatInt(most, 10))
	}
	return n, nil
}

// Sequence is a member that is a sequence number: a string of digits, as in
// webhooks, or a number; 0 if it is not there or null.
func (o Object) Sequence(name string) (uint64, error) {
	raw := string(o.find(name))
	if raw == "" || raw == "null" {
		return 0, nil
	}
	if raw[0] == '"' {
		text, err := o.Text(name)
		if err != nil {
			return 0, err
		}
		raw = text
	}
	n, err := strconv.ParseUint(raw, 10, 64)
	if err != nil || n == 0 {
		return 0, problem.Invalid(o.field(name), "must be a sequence number, as in \"42\"")
	}
	return n, nil
}
