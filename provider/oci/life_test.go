package oci

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// White space between documents is no life: where the feed should talk, one
// that only ever sends blanks is lost like one that is silent.
func TestAFeedOfWhiteSpaceIsLostWhereItShouldTalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blanks := func(c net.Conn) {
			for {
				if _, err := c.Write([]byte("\n")); err != nil {
					return
				}
				time.Sleep(10 * time.Second)
			}
		}
		s := &station{scripts: []func(net.Conn){blanks, stay(keepAlive)}}
		_, log, err := watching(t, 90*time.Second, s, func(c *Config) { c.OCI.ReportingSilence = time.Minute })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, s.connects, 2)
		require.Contains(t, log.String(), errSilent.Error())
	})
}
