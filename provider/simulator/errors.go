package simulator

import "net/http"

// Refusal names a reason the Xsi server has for saying no.
type Refusal string

// The refusals. What status and code BroadWorks gives for most of them is
// unknown (dossier §1.8), so a Config may change each.
const (
	RefusedCredentials    Refusal = "bad credentials"
	RefusedUser           Refusal = "not allowed for this user"
	RefusedUnknownUser    Refusal = "unknown user"
	RefusedUnknownPath    Refusal = "unknown path"
	RefusedMethod         Refusal = "method not allowed"
	RefusedBody           Refusal = "malformed body"
	RefusedTooLarge       Refusal = "body too large"
	RefusedUnknownCall    Refusal = "unknown call"
	RefusedState          Refusal = "wrong state"
	RefusedAddress        Refusal = "bad address"
	RefusedTooManyCalls   Refusal = "too many calls"
	RefusedDigits         Refusal = "bad digits"
	RefusedPark           Refusal = "no place to park"
	RefusedParticipants   Refusal = "bad participants"
	RefusedConference     Refusal = "conference in progress"
	RefusedNoConference   Refusal = "no conference"
	RefusedUnknownSet     Refusal = "unknown channel set"
	RefusedUnknownChannel Refusal = "unknown channel"
	RefusedChannelGone    Refusal = "channel gone"
	RefusedTooMany        Refusal = "too many channels"
	RefusedPackage        Refusal = "unknown event package"
	RefusedTarget         Refusal = "unknown target"
	RefusedQuota          Refusal = "subscription quota"
	RefusedSubscription   Refusal = "unknown subscription"
	RefusedByFault        Refusal = "rejected by a fault"
	RefusedOverload       Refusal = "overload"
	RefusedElsewhere      Refusal = "channel of another XSP"
)

// ErrorInfo is how a refusal is told (dossier §1.8).
type ErrorInfo struct {
	Status  int    // of HTTP
	Code    int    // errorCode
	Summary string // for people
}

// ErrorTable says how refusals are told.
type ErrorTable map[Refusal]ErrorInfo

// builtinErrors is what a refusal is without a Config that says otherwise.
// Known are 401, 403/110842, 403/110862, 404 for a heartbeat and an unknown
// user, and 409; the rest is our guess at a server that says no.
var builtinErrors = ErrorTable{
	RefusedCredentials:    {http.StatusUnauthorized, 6000, "Authentication failed"},
	RefusedUser:           {http.StatusForbidden, 4012, "Not authorized for this user"},
	RefusedUnknownUser:    {http.StatusNotFound, 4008, "User not found"},
	RefusedUnknownPath:    {http.StatusNotFound, 100001, "Resource not found"},
	RefusedMethod:         {http.StatusMethodNotAllowed, 100002, "Method not allowed"},
	RefusedBody:           {http.StatusBadRequest, 100003, "The document cannot be read"},
	RefusedTooLarge:       {http.StatusRequestEntityTooLarge, 100004, "The document is too large"},
	RefusedUnknownCall:    {http.StatusNotFound, 110602, "Invalid call"},
	RefusedState:          {http.StatusForbidden, 110603, "Operation not allowed in this call state"},
	RefusedAddress:        {http.StatusBadRequest, 110604, "Invalid address"},
	RefusedTooManyCalls:   {http.StatusForbidden, 110605, "No call appearance available"},
	RefusedDigits:         {http.StatusBadRequest, 110607, "Invalid digits"},
	RefusedPark:           {http.StatusForbidden, 110608, "The call cannot be parked there"},
	RefusedParticipants:   {http.StatusBadRequest, 110609, "Too few or too many participants"},
	RefusedConference:     {http.StatusForbidden, 110610, "A conference is in progress"},
	RefusedNoConference:   {http.StatusNotFound, 110611, "There is no conference"},
	RefusedUnknownSet:     {http.StatusForbidden, 110842, "Channel set does not exist"},
	RefusedUnknownChannel: {http.StatusNotFound, 110840, "Channel does not exist"},
	RefusedChannelGone:    {http.StatusForbidden, 110840, "Channel does not exist"},
	RefusedTooMany:        {http.StatusServiceUnavailable, 110843, "Too many channels"},
	RefusedPackage:        {http.StatusBadRequest, 110860, "Unknown event package"},
	RefusedTarget:         {http.StatusNotFound, 110861, "Target not found"},
	RefusedQuota:          {http.StatusConflict, 110863, "Too many subscriptions"},
	RefusedSubscription:   {http.StatusForbidden, 110862, "Subscription does not exist"},
	RefusedByFault:        {http.StatusForbidden, 110606, "The request was rejected"},
	RefusedOverload:       {http.StatusServiceUnavailable, 100005, "Overload"},
	RefusedElsewhere:      {http.StatusNotFound, 110840, "Channel does not exist"},
}

// errorInfo looks a refusal up, the Config's word first.
func (s *Simulator) errorInfo(why Refusal) ErrorInfo {
	if info, ok := s.cfg.Errors[why]; ok {
		return info
	}
	return builtinErrors[why]
}

func errorNode(info ErrorInfo) *node {
	return el("ErrorInfo",
		textEl("summary", info.Summary),
		textEl("summaryEnglish", info.Summary),
		textEl("errorCode", itoa(int64(info.Code))))
}
