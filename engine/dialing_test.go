package engine

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumbersAreBroughtIntoE164(t *testing.T) {
	us, de := &Dialing{CountryCode: "1"}, &Dialing{CountryCode: "49"}
	for _, c := range []struct {
		by           *Dialing
		number, want string // "" for no number
	}{
		{nil, "+15129104114", "+15129104114"},
		{nil, "+1 (512) 910-4114", "+15129104114"},
		{nil, "tel:+1-512-910-4114", "+15129104114"},
		{nil, "0015129104114", "+15129104114"},
		{nil, "5129104114", ""}, // no country to complete it with
		{us, "512.910.4114", "+15129104114"},
		{us, "15129104114", "+15129104114"},
		{us, "1001", "1001"}, // an extension
		{us, "9104114", ""},
		{us, "+151291041140", ""}, // the plan has one length
		{de, "030 1234567", "+49301234567"},
		{de, "00442079460018", "+442079460018"},
		{nil, "+442079460018", "+442079460018"},
		{nil, "+", ""}, {nil, "", ""}, {us, "abc", ""}, {us, "12+34", ""}, {us, "+1512910411x", ""},
		{nil, "+1234567", ""}, {nil, "+1234567890123456", ""}, {nil, "+0123456789", ""},
	} {
		got, ok := c.by.Normalise(c.number)
		require.Equal(t, c.want != "", ok, c.number)
		require.Equal(t, c.want, got, c.number)
	}
	require.True(t, us.Same("+15125550100", "(512) 555-0100"))
	require.False(t, us.Same("+15125550100", "+15125550101"))
	require.False(t, us.Same("", ""))
}

func TestWhatMayBeDialled(t *testing.T) {
	plain, german := &Dialing{CountryCode: "1"}, &Dialing{CountryCode: "49"}
	strict := &Dialing{CountryCode: "1", Deny: []string{"1512"}, Allow: []string{"15129104114", "911", "1900"}}
	mine := &Dialing{CountryCode: "1", Allow: []string{"+15129104114", "9911"}}
	for number, want := range map[string]string{"+15129104114": "+15129104114", "512 910 4114": "+15129104114", "9911": "9911"} {
		dialled, err := mine.Check(number)
		require.Nil(t, err)
		require.Equal(t, want, dialled, "listing a number does not change how it is dialled")
	}
	for _, c := range []struct {
		by     *Dialing
		number string
		want   Code // "" for allowed
	}{
		{plain, "+15129104114", ""},
		{plain, "911", CodeNumberNotAllowed},
		{plain, "112", CodeNumberNotAllowed},
		{plain, "15", CodeNumberNotAllowed},
		{plain, "9911", CodeNumberNotAllowed}, // the line prefix, and then the fire brigade
		{plain, "1001", ""},
		{plain, "1000", ""}, {plain, "2000", ""}, // extensions
		{plain, "0000", CodeNumberNotAllowed}, // the line prefix, and then Australia's
		{plain, "0112", CodeNumberNotAllowed},
		{plain, "9 9 9", CodeNumberNotAllowed},
		{plain, "(911)", CodeNumberNotAllowed},
		{plain, "tel:911", CodeNumberNotAllowed},
		{plain, "+911", CodeNumberNotAllowed},
		{plain, "19-11", CodeNumberNotAllowed},
		{plain, "911,1", CodeInvalidField},              // no pauses
		{plain, "911;ext=1", CodeInvalidField},          // no parameters
		{plain, "\u0669\u0661\u0661", CodeInvalidField}, // no digits of other scripts
		{plain, "11833", ""},
		{german, "11833", CodeNumberNotAllowed}, // directory enquiries: dearer than most premium numbers
		{german, "118118", CodeNumberNotAllowed},
		{plain, "7", CodeInvalidField},
		{plain, "0123", ""},
		{plain, "+19005550123", CodeNumberNotAllowed},
		{plain, "900 555 0123", CodeNumberNotAllowed},
		{plain, "+97912345678", CodeNumberNotAllowed},
		{plain, "+449012345678", CodeNumberNotAllowed},
		{plain, "+442079460018", ""},
		{plain, "banana", CodeInvalidField},
		{plain, "*67", CodeInvalidField},
		{nil, "1001", CodeInvalidField},
		{nil, "911", CodeNumberNotAllowed},
		{strict, "+15125550100", CodeNumberNotAllowed},
		{strict, "+15129104114", ""},
		{strict, "911", ""},
		{strict, "+19005550123", ""},
		{strict, "112", CodeNumberNotAllowed},
	} {
		_, err := c.by.Check(c.number)
		if c.want == "" {
			require.Nil(t, err, c.number)
			continue
		}
		require.NotNil(t, err, c.number)
		require.Equal(t, c.want, err.Code, c.number)
		require.NotContains(t, err.Message, c.number, "no numbers in messages")
	}
}
