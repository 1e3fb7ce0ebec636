package problem

import (
	"net/http"

	"offhook/engine"
)

// The codes that are not the core's. The words are part of the contract
// (design §12).
const (
	CodeBadJSON              engine.Code = "bad_json"
	CodeBadRequest           engine.Code = "bad_request"
	CodeUnauthorized         engine.Code = "unauthorized"
	CodeScope                engine.Code = "scope"
	CodeMethodNotAllowed     engine.Code = "method_not_allowed"
	CodeRequestTimeout       engine.Code = "request_timeout"
	CodeTooLarge             engine.Code = "too_large"
	CodeUnsupportedMediaType engine.Code = "unsupported_media_type"
	CodeRateLimited          engine.Code = "rate_limited"
	CodeInternal             engine.Code = "internal"
)

type row struct {
	code   engine.Code
	status int
	title  string
	retry  int // seconds of Retry-After; zero for none
}

// table is every way to say no, by status.
var table = []row{
	{CodeBadJSON, http.StatusBadRequest, "The body is not a JSON object", 0},
	{CodeBadRequest, http.StatusBadRequest, "The request is not HTTP", 0},
	{CodeUnauthorized, http.StatusUnauthorized, "A valid key is needed", 0},
	{CodeScope, http.StatusForbidden, "The key may not do this", 0},
	{engine.CodeNotFound, http.StatusNotFound, "Not found", 0},
	{CodeMethodNotAllowed, http.StatusMethodNotAllowed, "The method does not fit the resource", 0},
	{CodeRequestTimeout, http.StatusRequestTimeout, "The request did not arrive in time", 0},
	{engine.CodeWrongState, http.StatusConflict, "The call is in another state", 0},
	{engine.CodeNotSupported, http.StatusConflict, "The network cannot do it", 0},
	{engine.CodeCommandPending, http.StatusConflict, "Another command is pending on the call", 0},
	{engine.CodeKeyInProgress, http.StatusConflict, "A request with this key is in progress", 0},
	{engine.CodeConflict, http.StatusConflict, "The change conflicts with what is there", 0},
	{CodeTooLarge, http.StatusRequestEntityTooLarge, "The request is too large", 0},
	{CodeUnsupportedMediaType, http.StatusUnsupportedMediaType, "The body is not JSON", 0},
	{engine.CodeInvalidField, http.StatusUnprocessableEntity, "A field is not valid", 0},
	{engine.CodeKeyReused, http.StatusUnprocessableEntity, "The key was used for another request", 0},
	{engine.CodeNumberNotAllowed, http.StatusUnprocessableEntity, "The number is not allowed", 0},
	{CodeRateLimited, http.StatusTooManyRequests, "Too many requests", 1},
	{CodeInternal, http.StatusInternalServerError, "Internal error", 0},
	{engine.CodeProviderError, http.StatusBadGateway, "The provider refused or failed", 0},
	{engine.CodeBusy, http.StatusServiceUnavailable, "Too busy", 1},
	{engine.CodeProviderUnavailable, http.StatusServiceUnavailable, "The provider cannot be reached", 5},
	{engine.CodeOutcomeUnknown, http.StatusGatewayTimeout, "Nobody knows whether it was done", 0},
	{engine.CodeUnconfirmed, http.StatusGatewayTimeout, "The provider did not confirm in time", 0},
}

var rows = func() map[engine.Code]*row {
	m := make(map[engine.Code]*row, len(table))
	for i := range table {
		m[table[i].code] = &table[i]
	}
	return m
}()

// rowOf never fails: a code nobody listed is our mistake, not the caller's.
func rowOf(code engine.Code) *row {
	if r := rows[code]; r != nil {
		return r
	}
	return rows[CodeInternal]
}

// Status is the HTTP status of a code.
func Status(code engine.Code) int { return rowOf(code).status }

// Codes are all codes, by status.
func Codes() []engine.Code {
	codes := make([]engine.Code, len(table))
	for i := range table {
		codes[i] = table[i].code
	}
	return codes
}
