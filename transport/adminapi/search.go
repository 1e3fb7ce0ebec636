package adminapi

import (
	"strings"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// mostSought is how many subscribers one page of a search looks at. Behind that
// there is a next page, whatever was found.
const mostSought = 20000

// LogIDLen is how many letters a subscriber's name in the log has.
const LogIDLen = 10

// sought is what a list of subscribers is wanted for: nil for all of them.
func (s *Server) sought(ctx *fasthttp.RequestCtx) (func(*tenant.SubscriberInfo) bool, error) {
	args := ctx.QueryArgs()
	text := string(args.Peek("q"))
	if wrong := web.CheckText(text); wrong != "" {
		return nil, problem.Invalid("q", wrong)
	}
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 {
		return nil, nil
	}
	return func(info *tenant.SubscriberInfo) bool {
		p := &info.Profile
		of := strings.ToLower(strings.Join([]string{p.ID, p.Number, p.Extension, p.Name, p.AccountID, p.ProviderUser}, "\x00"))
		for _, w := range words {
			if !strings.Contains(of, w) && !s.inLog(p, w) {
				return false
			}
		}
		return true
	}, nil
}

// inLog reports whether a word is what the log calls a subscriber: by its id,
// or by what it is called at its provider.
func (s *Server) inLog(p *engine.Profile, word string) bool {
	name := s.config.LogID
	return name != nil && len(word) == LogIDLen && (name(p.ID) == word || name(p.ProviderUser) == word)
}
