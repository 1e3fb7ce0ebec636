package broadworks

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const fuzzedPage = `<?xml version="1.0" encoding="ISO-8859-1"?><Enterprise xmlns="http://schema.broadsoft.com/xsi"><startIndex>1</startIndex><numberOfRecords>1</numberOfRecords>` +
	`<totalAvailableRecords>1</totalAvailableRecords><enterpriseDirectory><directoryDetails><userId>anna@example.com</userId><firstName>Anna</firstName><number>+1-2401003211</number>` +
	`<additionalDetails><department>Sales</department></additionalDetails></directoryDetails></enterpriseDirectory></Enterprise>`

// A page of a directory has as many people as it says, or is not understood:
// it could look like the end.
func FuzzDirectory(f *testing.F) {
	f.Add([]byte(fuzzedPage))
	f.Add([]byte(strings.Replace(fuzzedPage, ">1</number", ">2</number", 1)))
	f.Add([]byte(`<Profile xmlns="http://schema.broadsoft.com/xsi"><details><userId>a</userId></details></Profile>`))
	f.Add([]byte(`<Enterprise xmlns="http://schema.broadsoft.com/xsi"/>`))
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, list := range []string{"Enterprise", "Group"} {
			if doc, ok := decodeDirectory(body, list, "1"); ok {
				require.GreaterOrEqual(t, doc.start, int64(0))
				require.GreaterOrEqual(t, doc.total, int64(0))
				require.EqualValues(t, doc.listed, len(doc.entries))
				require.LessOrEqual(t, len(doc.entries)*len("<directoryDetails/>"), len(body))
			}
		}
		if e, ok := decodeProfile(body, "1"); ok {
			require.NotEmpty(t, e.User)
		}
	})
}

// A number that is made out of an address is digits behind a plus, no more than
// fifteen; anything else is as the platform gave it.
func FuzzNumber(f *testing.F) {
	for _, uri := range []string{"tel:+15555550123", "tel:5555550123;ext=5", "sip:+15555550123@example.com;user=phone", "sips:1001@x", "tel:0115551234567", "tel:0039061234567", "sip:nobody", "tel:", "+", "tel:+1-(555) 555.0123"} {
		f.Add(uri, "1", "1001")
		f.Add(uri, "", "")
	}
	f.Fuzz(func(t *testing.T, uri, code, dn string) {
		p := &party{address: []byte(uri), addressCode: []byte(code), userDN: []byte(dn)}
		got := string(appendRemoteNumber([]byte("kept"), p, "44"))
		require.True(t, strings.HasPrefix(got, "kept"))
		got = got[4:]
		if number, ok := appendE164(nil, []byte(uri), []byte(code), "44"); ok {
			require.Equal(t, string(number), got)
			digits := strings.TrimPrefix(got, "+")
			require.Empty(t, strings.Trim(digits, "0123456789"), "%q", got)
			require.LessOrEqual(t, len(digits), 15)
		}
	})
}
