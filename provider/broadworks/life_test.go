package broadworks

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/provider"
)

// Bytes that never become a document are no life: a stream of them is as dead
// as one that says nothing.
func TestBytesWithoutADocumentAreNoLife(t *testing.T) {
	for name, piece := range map[string]string{"white space": " ", "a document without end": "<a>"} {
		t.Run(name, func(t *testing.T) {
			tell(t, func(_ *script, c *Config) {
				c.Silence = 20 * time.Second // less than the script's own heartbeats are apart
			}, func(s *story) {
				for range 25 {
					if len(s.bw.opened()) > 1 {
						break
					}
					select {
					case s.bw.last().send <- piece:
					case <-time.After(time.Second):
					}
					s.after(time.Second)
				}
				require.Greater(s, len(s.bw.opened()), 1, "it is built again")
			})
		})
	}
}

// Nor is a channel that never says which one it is.
func TestAGreetingThatDripsIsGivenUp(t *testing.T) {
	tell(t, func(bw *script, c *Config) {
		c.Network = tenant.BroadWorks{XSPs: []string{"http://xsp1"}, Username: "admin@example.com", Password: "secret", ApplicationID: "offhook-test"}
		bw.on("POST /channel", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte(" "))
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(time.Second):
				}
			}
		})
	}, func(s *story) {
		s.after(3 * time.Minute)
		require.Equal(s, provider.LinkDown, s.p.Status().Link)
		require.Greater(s, s.bw.count("POST /com.broadsoft.async"), 3, "another one is tried")
	})
}
