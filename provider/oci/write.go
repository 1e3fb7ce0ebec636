package oci

const (
	declaration    = `<?xml version="1.0" encoding="ISO-8859-1"?>`
	schemaInstance = "http://www.w3.org/2001/XMLSchema-instance"
)

// request is one command to the platform.
type request struct {
	name string
	body []byte
}

func newRequest(name string) *request { return &request{name: name} }

// text adds an element.
func (r *request) text(name, value string) *request {
	r.body = append(append(append(r.body, '<'), name...), '>')
	r.body = appendText(r.body, value)
	r.body = append(append(append(r.body, "</"...), name...), '>')
	return r
}

// group adds an element with others in it.
func (r *request) group(name string, fill func(*request)) *request {
	r.body = append(append(append(r.body, '<'), name...), '>')
	fill(r)
	r.body = append(append(append(r.body, "</"...), name...), '>')
	return r
}

// document is the request as it is sent: declaration, document and a newline
// (dossier §4.1).
func (r *request) document(session string) []byte {
	b := make([]byte, 0, 512+len(r.body))
	b = append(b, declaration+"\n"+`<`+rootOfOCI+` protocol="OCI" xmlns="C" xmlns:xsi="`+schemaInstance+`"><sessionId xmlns="">`...)
	b = appendText(b, session)
	b = append(b, `</sessionId><command xsi:type="`...)
	b = appendText(b, r.name)
	b = append(b, `" xmlns="">`...)
	b = append(b, r.body...)
	return append(b, "</command></"+rootOfOCI+">\n"...)
}
