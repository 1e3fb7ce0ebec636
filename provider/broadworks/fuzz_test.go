package broadworks

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"offhook/provider/broadworks/samples"
)

func seeds(f *testing.F) {
	f.Add([]byte(received))
	f.Add([]byte(samples.LongEvent))
	f.Add([]byte(received + `<ChannelHeartBeat xmlns="http://schema.broadsoft.com/xsi"/>` + received))
	f.Add([]byte(event("e1", "s1", "3", "", "CallRedirectedEvent", "<xsi:calls>"+alertingCall+alertingCall+"</xsi:calls>")))
	f.Add([]byte(event("e1", "s1", "3", "", "ConferenceCallMutedEvent", conferenceOf("Active", "a", "b<xsi:muted/>"))))
	f.Add([]byte(event("e1", "s1", "3", "", "CallSubscriptionEvent", "<xsi:calls>"+alertingCall+"</xsi:calls>"+conferenceOf("Held", "a", "b", "c"))))
	f.Add([]byte(event("e1", "s1", "3", "", "CallReceivedEvent", "<xsi:call><xsi:callId>a</xsi:callId>"+diverted+"</xsi:call>")))
	files, err := filepath.Glob("testdata/captures/*.xml")
	require.NoError(f, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(b)
	}
}

// framed is what a framer makes of a stream that arrives in pieces.
func framed(stream []byte, piece int) (docs []string, err error) {
	f := framer{limit: 1 << 10}
	for len(stream) > 0 {
		n := min(piece, len(stream))
		f.feed(stream[:n])
		stream = stream[n:]
		for {
			doc, truncated, ok, err := f.next()
			if err != nil {
				return docs, err
			}
			if !ok {
				break
			}
			docs = append(docs, fmt.Sprint(truncated)+string(doc))
		}
	}
	return docs, nil
}

// However a stream is split, it holds the same documents.
func FuzzFramer(f *testing.F) {
	seeds(f)
	f.Add([]byte(strings.Repeat(received, 3) + "<a>" + strings.Repeat("long ", 500) + "</a>" + received))
	f.Add([]byte(`<a b=">"/><!-- <a> --><c><![CDATA[</c>]]></c><?p ?> <d></d >`))
	f.Fuzz(func(t *testing.T, stream []byte) {
		if len(stream) > 1<<15 {
			return
		}
		whole, wholeErr := framed(stream, len(stream))
		for _, piece := range []int{1, 2, 7, 100} {
			got, err := framed(stream, piece)
			require.Equal(t, whole, got, "in pieces of %d", piece)
			require.Equal(t, wholeErr, err)
		}
	})
}

// node is an element as encoding/xml sees it.
type node struct {
	name xml.Name
	text string
	kids []*node
}

func tree(doc []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(doc))
	d.CharsetReader = func(charset string, r io.Reader) (io.Reader, error) {
		if !strings.EqualFold(charset, "iso-8859-1") {
			return nil, errors.New("unsupported")
		}
		b, err := io.ReadAll(r)
		var out []byte
		for _, c := range b {
			out = utf8.AppendRune(out, rune(c))
		}
		return bytes.NewReader(out), err
	}
	var open []*node
	for {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			n := &node{name: token.Name}
			if len(open) > 0 {
				top := open[len(open)-1]
				top.kids = append(top.kids, n)
			}
			open = append(open, n)
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(token)
			} else if strings.Trim(string(token), "\ufeff \t\r\n") != "" {
				return nil, errSyntax // encoding/xml lets text stand outside of the root
			}
		case xml.EndElement:
			if len(open) == 1 {
				return open[0], nil
			}
			open = open[:len(open)-1]
		}
	}
}

// each calls fn for every descendant at a path of BroadSoft's names.
func (n *node) each(fn func(string), path ...string) {
	if len(path) == 0 {
		fn(strings.Trim(n.text, " \t\r\n"))
		return
	}
	for _, k := range n.kids {
		if k.name.Space == xsiURI && k.name.Local == path[0] {
			k.each(fn, path[1:]...)
		}
	}
}

func (n *node) last(path ...string) (text string) {
	n.each(func(t string) { text = t }, path...)
	return text
}

// all are the descendants at a path of BroadSoft's names.
func (n *node) all(path ...string) []*node {
	at := []*node{n}
	for _, name := range path {
		var next []*node
		for _, n := range at {
			for _, k := range n.kids {
				if k.name.Space == xsiURI && k.name.Local == name {
					next = append(next, k)
				}
			}
		}
		at = next
	}
	return at
}

// sameConference compares what was read of a conference, where there is one.
func sameConference(t *testing.T, std *node, got *document) {
	all := std.all("eventData", "conference")
	require.Equal(t, len(all)+len(std.all("eventData", "calls", "conference")) > 0, got.conference != nil)
	if len(all) != 1 || len(std.all("eventData", "calls", "conference")) > 0 || len(all[0].all("conferenceParticipant")) > 0 {
		return
	}
	var want []string
	for _, p := range all[0].all("conferenceParticipantList", "conferenceParticipant") {
		if id := p.last("callId"); id != "" {
			want = append(want, id)
		}
	}
	var have []string
	for _, p := range got.conference.participants {
		have = append(have, got.text(p.id))
	}
	require.LessOrEqual(t, len(have), maxParticipants)
	if !got.conference.cut {
		require.Equal(t, want, have)
	}
}

// sameDiversion compares who was called before, by their names.
func sameDiversion(t *testing.T, call *node, got *document, c *callInfo) {
	var want, have []string
	for _, r := range call.all("redirections", "redirection") {
		if name := r.last("party", "name"); name != "" {
			want = append(want, name)
		}
	}
	its := got.diversions[c.diverted.from:c.diverted.to]
	for _, v := range its {
		if name := got.text(v.name); name != "" {
			have = append(have, name)
		}
	}
	require.LessOrEqual(t, len(its), maxDiversion)
	if len(its) < maxDiversion && len(call.all("redirections")) == 1 {
		require.Equal(t, want, have)
	}
}

// What encoding/xml accepts we accept, and read the same; what we refuse on
// purpose aside.
func FuzzDecoder(f *testing.F) {
	seeds(f)
	f.Add([]byte(`<?xml version="1.0" encoding="ISO-8859-1"?><Event xmlns="http://schema.broadsoft.com/xsi"><eventID>Zo` + "\xeb" + `&#xEB;</eventID></Event>`))
	f.Add([]byte(`<a:Event xmlns:a="http://schema.broadsoft.com/xsi"><a:eventID><![CDATA[a&b]]><!-- c -->d</a:eventID><a:targetId xmlns:a="urn:x">no</a:targetId></a:Event>`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		var d decoder
		got, err := d.decode(doc)
		std, stdErr := tree(doc)
		if stdErr != nil || bytes.Contains(bytes.TrimLeft(doc, "\xef\xbb\xbf \t\r\n")[min(1, len(doc)):], []byte("<?xml")) ||
			bytes.Contains(doc, []byte("&#")) && bytes.Contains(doc, []byte("00000")) {
			return
		}
		for _, onPurpose := range []error{errDoctype, errTooDeep, errAttributes, errEncoding, errInvalidUTF8} {
			if errors.Is(err, onPurpose) {
				return
			}
		}
		require.NoError(t, err)
		if std.name.Space != xsiURI || std.name.Local != "Event" {
			require.NotEqual(t, docEvent, got.kind)
			return
		}
		require.Equal(t, docEvent, got.kind)
		require.Equal(t, std.last("eventID"), got.text(got.eventID))
		require.Equal(t, std.last("subscriptionId"), got.text(got.subID))
		require.Equal(t, std.last("targetId"), got.text(got.target))
		if n, err := strconv.ParseInt(std.last("sequenceNumber"), 10, 63); err == nil && n >= 0 && n < 1e18 && std.last("sequenceNumber")[0] != '+' {
			require.Equal(t, n, got.sequence)
		}
		count := 0
		for _, path := range [][]string{{"eventData", "call"}, {"eventData", "calls", "call"}} {
			std.each(func(string) { count++ }, path...)
		}
		require.Len(t, got.calls, count)
		sameConference(t, std, got)
		if alone := std.all("eventData", "call"); count == 1 && len(alone) == 1 {
			sameDiversion(t, alone[0], got, &got.calls[0])
		}
		if count == 1 && std.last("eventData", "calls", "call") == "" {
			require.Equal(t, std.last("eventData", "call", "callId")+std.last("eventData", "calls", "call", "callId"), got.text(got.calls[0].id))
			require.Equal(t, std.last("eventData", "call", "remoteParty", "name")+std.last("eventData", "calls", "call", "remoteParty", "name"), got.text(got.calls[0].name))
		}
		got.translate()
	})
}

// Whatever an answer to a park names, an extension is digits.
func FuzzParkedAt(f *testing.F) {
	f.Add("/v2.0/user/bob@example.com/calls/callhalf-101:0/Park?address=bob@example.com:4711")
	f.Add("?address=sip%3A4711%40example.com;x=y&address=1")
	f.Fuzz(func(t *testing.T, location string) {
		got := parkedAt(location)
		require.LessOrEqual(t, len(got), maxExtension)
		require.Empty(t, strings.Trim(got, "0123456789"))
	})
}

// A refusal's number is read like encoding/xml reads it.
func FuzzErrorInfo(f *testing.F) {
	f.Add([]byte(errorInfo(110842)))
	f.Add([]byte(`<ErrorInfo xmlns="http://schema.broadsoft.com/xsi"><errorCode>x</errorCode></ErrorInfo>`))
	f.Add([]byte(`<html><body>502 Bad Gateway</body></html>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got := errorCode(body)
		require.GreaterOrEqual(t, got, int64(0))
		std, err := tree(body)
		if err != nil || got == 0 {
			return
		}
		require.Equal(t, xml.Name{Space: xsiURI, Local: "ErrorInfo"}, std.name)
		n, err := strconv.ParseInt(std.last("errorCode"), 10, 64)
		require.NoError(t, err)
		require.Equal(t, n, got)
	})
}
