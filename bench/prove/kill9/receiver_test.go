package kill9

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
)

// signatures is a receiver that finds out which secret a webhook was signed
// with, of those it may be. It does so by itself, as a customer would.
type signatures struct {
	mu      sync.Mutex
	secrets []string
	with    string // what the last webhook was signed with
}

const secretsKept = 1000

func (s *signatures) may(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secrets = append(s.secrets, secret); len(s.secrets) > secretsKept {
		s.secrets = s.secrets[secretsKept/2:]
	}
}

func (s *signatures) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.with
}

func (s *signatures) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.with = "no secret that was ever asked for"
	for i := len(s.secrets) - 1; i >= 0; i-- {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.secrets[i], "whsec_"))
		if err != nil {
			continue
		}
		mac := hmac.New(sha256.New, key)
		_, _ = io.WriteString(mac, r.Header.Get("webhook-id")+"."+r.Header.Get("webhook-timestamp")+".")
		_, _ = mac.Write(body)
		if r.Header.Get("webhook-signature") == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			s.with = s.secrets[i]
			return
		}
	}
}

func newSecret(random *rand.Rand) string {
	b := make([]byte, 32)
	for i := range b {
		b[i] = byte(random.Uint32()) // #nosec G115 -- any byte will do
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(b)
}
