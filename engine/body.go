package engine

import (
	"strconv"
	"unicode/utf8"
)

// The JSON of the contract. It is appended field by field, since it is written
// once for each transition and app; the names are the specification's.

// The types of notification, the additive field "type".
const (
	typeState       = "call.state"             // a call changed its state
	typeDetail      = "call.detail"            // something finer changed; the state stands
	typeGap         = "stream.gap"             // events that were kept too long were given up
	typeProvisioned = "subscriber.provisioned" // the app may follow a subscriber now
)

// AppendCall appends a call object as the REST API shows it: the
// specification's seven fields in its order, then state, then the rest.
func AppendCall(b []byte, p *Profile, c *Call) []byte {
	b = append(b, `{"subscriber_id":`...)
	b = AppendString(b, p.ID)
	b = append(b, `,"subscriber_number":`...)
	b = AppendString(b, or(c.SubscriberNumber, p.Number))
	b = append(b, `,"remote_number":`...)
	b = AppendString(b, c.RemoteNumber)
	b = append(b, `,"subscriber_name":`...)
	b = AppendString(b, or(c.SubscriberName, p.Name))
	b = append(b, `,"remote_name":`...)
	b = AppendString(b, c.RemoteName)
	b = append(b, `,"call_id":"`...)
	b = c.ID.Append(b)
	b = append(b, `","direction":"`...)
	b = append(b, c.Direction.String()...)
	b = append(b, `","state":"`...)
	b = append(b, c.State.String()...)
	b = append(b, '"')
	b = appendDetail(b, c)
	b = append(b, `,"created_at":`...)
	b = strconv.AppendInt(b, c.CreatedAt, 10)
	b = appendTime(b, "answered_at", c.AnsweredAt)
	b = appendTime(b, "held_at", c.HeldAt)
	b = appendTime(b, "released_at", c.ReleasedAt)
	return append(b, '}')
}

// appendNotification appends the body of a calls webhook: all fields of the
// specification, always, then the additive ones.
func appendNotification(b []byte, kind, app string, p *Profile, c *Call, seq uint64, eventID string, now int64) []byte {
	b = append(b, `{"app_id":`...)
	b = AppendString(b, app)
	b = append(b, `,"subscriber_id":`...)
	b = AppendString(b, p.ID)
	b = append(b, `,"subscriber_number":`...)
	b = AppendString(b, or(c.SubscriberNumber, p.Number))
	b = append(b, `,"subscriber_name":`...)
	b = AppendString(b, or(c.SubscriberName, p.Name))
	b = append(b, `,"subscriber_account_id":`...)
	b = AppendString(b, p.AccountID)
	b = append(b, `,"remote_number":`...)
	b = AppendString(b, c.RemoteNumber)
	b = append(b, `,"remote_name":`...)
	b = AppendString(b, c.RemoteName)
	b = append(b, `,"call_id":"`...)
	b = c.ID.Append(b)
	b = append(b, `","sequence_number":"`...)
	b = strconv.AppendUint(b, seq, 10)
	b = append(b, `","direction":"`...)
	b = append(b, c.Direction.String()...)
	b = append(b, `","state":"`...)
	b = append(b, c.State.String()...)
	b = append(b, `","timestamp":`...)
	b = strconv.AppendInt(b, now, 10)
	b = append(b, `,"event_id":"`...)
	b = append(b, eventID...)
	b = append(b, `","type":"`...)
	b = append(b, kind...)
	b = append(b, '"')
	b = appendDetail(b, c)
	return append(b, '}')
}

// appendProvisioned appends the body of a subscriber webhook.
func appendProvisioned(b []byte, app string, p *Profile, eventID string, now int64) []byte {
	b = append(b, `{"app_id":`...)
	b = AppendString(b, app)
	b = append(b, `,"subscriber_id":`...)
	b = AppendString(b, p.ID)
	b = append(b, `,"subscriber_number":`...)
	b = AppendString(b, p.Number)
	b = append(b, `,"subscriber_name":`...)
	b = AppendString(b, p.Name)
	b = append(b, `,"subscriber_account_id":`...)
	b = AppendString(b, p.AccountID)
	b = append(b, `,"network_id":`...)
	b = AppendString(b, p.Network)
	b = append(b, `,"event_id":"`...)
	b = append(b, eventID...)
	b = append(b, `","type":"`...)
	b = append(b, typeProvisioned...)
	b = append(b, `","timestamp":`...)
	b = strconv.AppendInt(b, now, 10)
	return append(b, '}')
}

func appendDetail(b []byte, c *Call) []byte {
	b = append(b, `,"phase":"`...)
	b = append(b, c.Phase.String()...)
	b = append(b, `","cause":"`...)
	if c.State == StateReleased {
		b = append(b, c.Cause.String()...)
	}
	b = append(b, `","releasing_party":"`...)
	b = append(b, c.Party.String()...)
	b = append(b, `","remote_held":`...)
	b = strconv.AppendBool(b, c.RemoteHeld)
	b = append(b, `,"synthetic":`...)
	b = strconv.AppendBool(b, c.Synthetic)
	b = append(b, `,"provider_call_id":`...)
	b = AppendString(b, c.ProviderID)
	b = append(b, `,"replaces":"`...)
	if c.Replaces != 0 {
		b = c.Replaces.Append(b)
	}
	return append(b, '"')
}

func appendTime(b []byte, key string, ms int64) []byte {
	if ms == 0 {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, key...)
	b = append(b, `":`...)
	return strconv.AppendInt(b, ms, 10)
}

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

const hex = "0123456789abcdef"

// AppendString appends s as a JSON string (RFC 8259 §7). What is not UTF-8
// becomes the replacement character, so the document always is.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			default:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[start:i]...)
			b = append(b, "\ufffd"...)
			i++
			start = i
			continue
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
