package engine

// Code names a refusal. The words are part of the contract (design §12).
type Code string

// The codes the core refuses with.
const (
	CodeNotFound            Code = "not_found"
	CodeWrongState          Code = "wrong_state"
	CodeCommandPending      Code = "command_pending"
	CodeKeyInProgress       Code = "key_in_progress"
	CodeKeyReused           Code = "key_reused"
	CodeConflict            Code = "conflict"
	CodeInvalidField        Code = "invalid_field"
	CodeNumberNotAllowed    Code = "number_not_allowed"
	CodeBusy                Code = "busy"
	CodeProviderUnavailable Code = "provider_unavailable"
	CodeProviderError       Code = "provider_error"
	CodeOutcomeUnknown      Code = "outcome_unknown"
	CodeUnconfirmed         Code = "unconfirmed"
	CodeNotSupported        Code = "not_supported" // the network cannot do it at all
)

// Error is a refusal a customer can act on. Message holds no phone number,
// name or secret.
type Error struct {
	Code    Code
	Message string
	Field   string // CodeInvalidField, CodeNumberNotAllowed: which
	State   State  // CodeWrongState: what the call is in
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Is makes errors.Is compare codes.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}
