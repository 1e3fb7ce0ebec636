package tenant

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

func TestEveryVerbThatIsAskedForCanBeTakenAway(t *testing.T) {
	names := Capabilities()
	require.Len(t, names, 26)
	for _, name := range names {
		v, ok := Capability(name)
		require.True(t, ok, name)
		require.Equal(t, name, v.String())
	}
	for _, name := range []string{"", "none", "get", "list", "read_back", "snapshot", "get_conference", "Hold", "record"} {
		v, ok := Capability(name)
		require.False(t, ok, name)
		require.Equal(t, engine.VerbNone, v)
	}
}

func TestFeatureCodes(t *testing.T) {
	for code, is := range map[string]bool{
		"*88": true, "#88": true, "88": true, "*123456": true, "1": true,
		"": false, "*": false, "**88": false, "*#88": false, "88*": false, "*1234567": false, "*8a": false, " *88": false, "+88": false, "٣": false,
	} {
		require.Equal(t, is, IsFeatureCode(code), code)
	}
}
