package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// problem is a refusal of the control paths (RFC 9457), with the codes the
// rest of the product uses.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`
	Field  string `json:"field,omitempty"`
	State  string `json:"state,omitempty"`
	allow  string // methods the path has, for 405
}

func (p *problem) Error() string { return p.Code + ": " + p.Detail }

func refusal(status int, code, detail string) *problem {
	return &problem{Type: "urn:offhook:problem:" + code, Title: http.StatusText(status),
		Status: status, Code: code, Detail: detail}
}

func notFound(what string) *problem {
	return refusal(http.StatusNotFound, "not_found", "no such "+what)
}

func invalid(field, detail string) *problem {
	p := refusal(http.StatusUnprocessableEntity, "invalid_field", detail)
	p.Field = field
	return p
}

// control answers /simulator/…: no credentials, JSON in and out (design §12).
func (s *Simulator) control(w http.ResponseWriter, r *http.Request, words []string) {
	status, body, err := s.controlRoute(r, words)
	if err != nil {
		p := (*problem)(nil)
		if !errors.As(err, &p) {
			p = refusal(http.StatusInternalServerError, "internal", "")
		}
		if p.allow != "" {
			w.Header().Set("Allow", p.allow)
		}
		w.Header().Set("Content-Type", "application/problem+json")
		status, body = p.Status, p
	} else {
		w.Header().Set("Content-Type", "application/json")
	}
	if body == nil {
		w.Header().Del("Content-Type")
		w.WriteHeader(status)
		return
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// handler does what one method of a control path is for.
type handler = func() (int, any, error)

// controlRoute picks the handler: by the words of the path, then the method.
func (s *Simulator) controlRoute(r *http.Request, words []string) (int, any, error) {
	pick := func(methods string, byMethod map[string]handler) (int, any, error) {
		if do := byMethod[r.Method]; do != nil {
			return do()
		}
		p := refusal(http.StatusMethodNotAllowed, "method_not_allowed", "")
		p.allow = methods
		return 0, nil, p
	}
	switch path := strings.Join(words, "/"); {
	case path == "calls":
		return pick("GET, POST", map[string]handler{
			http.MethodGet:  func() (int, any, error) { return http.StatusOK, s.truth(), nil },
			http.MethodPost: func() (int, any, error) { return s.controlCall(r) },
		})
	case path == "parked":
		return pick("GET", map[string]handler{
			http.MethodGet: func() (int, any, error) { return http.StatusOK, s.parkedViews(), nil },
		})
	case len(words) == 2 && words[0] == "parked":
		return pick("DELETE", map[string]handler{
			http.MethodDelete: func() (int, any, error) { return s.controlParked(words[1]) },
		})
	case len(words) == 3 && words[0] == "calls":
		return pick("POST", map[string]handler{
			http.MethodPost: func() (int, any, error) { return s.controlVerb(r, words[1], words[2]) },
		})
	case path == "phones":
		return pick("GET", map[string]handler{
			http.MethodGet: func() (int, any, error) { return http.StatusOK, s.phoneViews(), nil },
		})
	case len(words) == 2 && words[0] == "phones":
		return pick("GET, PUT", map[string]handler{
			http.MethodGet: func() (int, any, error) { return s.controlPhone(words[1], nil) },
			http.MethodPut: func() (int, any, error) { return s.controlPhone(words[1], r) },
		})
	case path == "faults":
		return pick("DELETE, GET, POST", map[string]handler{
			http.MethodGet:    func() (int, any, error) { return http.StatusOK, s.faultViews(), nil },
			http.MethodPost:   func() (int, any, error) { return s.controlFault(r) },
			http.MethodDelete: func() (int, any, error) { return s.liftFaults("") },
		})
	case len(words) == 2 && words[0] == "faults":
		return pick("DELETE", map[string]handler{
			http.MethodDelete: func() (int, any, error) { return s.liftFaults(words[1]) },
		})
	case len(words) > 0 && (words[0] == "people" || words[0] == "enterprises"):
		return s.controlPeople(r, words, pick)
	case path == "stats":
		return pick("GET", map[string]handler{
			http.MethodGet: func() (int, any, error) { return http.StatusOK, s.Stats(), nil },
		})
	}
	return 0, nil, notFound("path")
}

// readJSON reads one JSON object; an empty body leaves into as it is.
// Unknown members are refused: a misspelt fault would otherwise do nothing.
func readJSON(r *http.Request, into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return refusal(http.StatusRequestEntityTooLarge, "too_large", "the body is over 64 KB")
	}
	if err != nil {
		return refusal(http.StatusBadRequest, "bad_json", "the body cannot be read")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
			return invalid(wrong.Field, "the wrong type")
		}
		if field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
			return invalid(strings.Trim(field, `"`), "no such member")
		}
		return refusal(http.StatusBadRequest, "bad_json", "the body is not one JSON object")
	}
	return nil
}
