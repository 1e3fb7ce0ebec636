package oci

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

var small = limits{bytes: 1 << 16, depth: 24, elements: 1000}

// cut is all documents of a stream, and what ended it.
func cut(r io.Reader, l limits) (docs []string, err error) {
	f := framer{r: r, limits: l}
	for {
		doc, err := f.next()
		if err != nil {
			return docs, err
		}
		docs = append(docs, string(doc))
	}
}

// pieces is a stream that comes in pieces of a size.
type pieces struct {
	data []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.data[:min(p.size, len(p.data))])
	p.data = p.data[n:]
	return n, nil
}

func TestDocumentsEndWhereTheirRootDoes(t *testing.T) {
	for _, doc := range []string{
		`<a/>`, `<a />`, `<a></a>`, `<a b="/>"/>`, `<a b='>"</a>'></a >`, `<?xml version="1.0"?><!-- </a> --><a>?></a>`,
		`<a><![CDATA[</a>]]>]]</a>`, `<a><!-- -- ></a>--></a>`, `<a><a></a><a/></a>`, `<a><b></c></a>`, `<a><b></a>`, "\xef\xbb\xbf<a></a>",
		`<a><?x </a>?></a>`, `<x:a xmlns:x="y"><a></a></x:a>`, keepAlive[:len(keepAlive)-1], `<a></b>`,
	} {
		for size := 1; size <= 3; size++ {
			docs, err := cut(&pieces{[]byte(doc + "\r\n " + doc + doc), size}, small)
			require.ErrorIs(t, err, io.EOF, doc)
			require.Equal(t, []string{doc, doc, doc}, docs)
		}
		_, err := cut(strings.NewReader(doc[:len(doc)-1]), small)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, doc)
	}
}

func TestWhatIsNoDocument(t *testing.T) {
	for stream, want := range map[string]error{
		"hello": errSyntax, "</a>": errSyntax, "< a>": errSyntax, "<>": errSyntax, "<<a>": errSyntax,
		"<!DOCTYPE a><a/>": errSyntax, "<![CDATA[x]]><a/>": errSyntax, "<a><!ELEMENT a></a>": errSyntax, "<a><![INCLUDE[]]></a>": errSyntax,
		"<a>" + strings.Repeat("<b>", 24):     errTooDeep,
		"<a>" + strings.Repeat("<b/>", 1000):  errTooDeep,
		"<a>" + strings.Repeat("b", 1<<16):    errTooLong,
		"<" + strings.Repeat("b", 300):        errTooLong,
		"<a></" + strings.Repeat("b", 300):    errTooLong,
		"<!--" + strings.Repeat("b", 1<<16):   errTooLong,
		"<a b='" + strings.Repeat("b", 1<<16): errTooLong,
	} {
		_, err := cut(strings.NewReader(stream), small)
		require.ErrorIs(t, err, want, stream[:min(20, len(stream))])
	}
	_, err := cut(iotest.ErrReader(errBoom), small)
	require.ErrorIs(t, err, errBoom)
	_, err = cut(stuck{}, small)
	require.ErrorIs(t, err, io.ErrNoProgress)
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestALargeDocumentIsNotKept(t *testing.T) {
	doc := "<a>" + strings.Repeat("0123456789", 1<<19) + "</a>"
	f := framer{r: strings.NewReader(doc + strings.Repeat("<b/>", 10)), limits: limits{bytes: 8 << 20, depth: 2, elements: 2}}
	got, err := f.next()
	require.NoError(t, err)
	require.Len(t, got, len(doc))
	_, err = f.next()
	require.NoError(t, err)
	require.Less(t, cap(f.buf), keepSize)
}

func TestCharsets(t *testing.T) {
	for doc, want := range map[string]string{
		"<a>M\xfcller</a>": "<a>Müller</a>",
		`<?xml version="1.0" encoding="ISO-8859-1"?><a>` + "\xe9": `<?xml version="1.0" encoding="ISO-8859-1"?><a>é`,
		`<?xml version='1.0' encoding='utf-8'?><a>Ł`:              `<?xml version='1.0' encoding='utf-8'?><a>Ł`,
		"\xef\xbb\xbf<a>Ł</a>":                                    "<a>Ł</a>",
		`<?xml version="1.0"?><a>` + "\xe9":                       `<?xml version="1.0"?><a>é`,
		`<?xml encoding="utf-8"?>` + "\xe9":                       "",
		`<?xml encoding="utf-16"?><a/>`:                           "",
		`<?xml encoding=?><a/>`:                                   "",
		`<?xml encoding="`:                                        "",
	} {
		got, ok := toUTF8([]byte(doc))
		require.Equal(t, want != "", ok, doc)
		if ok {
			require.Equal(t, want, string(got))
		}
	}
}

// reference is where encoding/xml says that the first document of a stream
// ends: false where it is not well-formed, or has what no document of OCI has.
func reference(stream []byte) (doc []byte, ok bool) {
	d := xml.NewDecoder(bytes.NewReader(stream))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return nil, false
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			if depth--; depth == 0 {
				return bytes.TrimLeft(stream[:d.InputOffset()], " \t\r\n"), true
			}
		case xml.Directive:
			return nil, false
		case xml.CharData:
			if depth == 0 && len(bytes.Trim(t, " \t\r\n")) > 0 {
				return nil, false
			}
		}
	}
}

// Whatever comes, however it is cut, the documents are the same, within their
// bounds, and end where encoding/xml says.
func FuzzFramer(f *testing.F) {
	for _, s := range []string{
		"<a/>", keepAlive + keepAlive, write("UserDeleteRequest", user("anna")), wrap("s", refusal(4008, "User not found: x")),
		`<a b="/>" c='"'><!-- </a> --><![CDATA[</a>]]></a >`, "<?xml ?>\n<a><a></a></a> <b/>", "<a><b></a>", "<a></b>", "\xef\xbb\xbf<a/>",
		strings.Repeat("<a>", 30), "<!DOCTYPE a><a/>", "<a><!-", "hello <a/>",
	} {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		whole, ended := cut(bytes.NewReader(stream), small)
		parts, endedParts := cut(&pieces{bytes.Clone(stream), int(size) + 1}, small)
		require.Equal(t, whole, parts)
		require.Equal(t, ended, endedParts)
		left := stream
		for _, doc := range whole {
			require.LessOrEqual(t, len(doc), small.bytes)
			i := bytes.Index(left, []byte(doc))
			require.Empty(t, bytes.Trim(left[:i], " \t\r\n"), "nothing is left out between documents")
			left = left[i+len(doc):]
		}
		if want, ok := reference(stream); ok && len(stream) < 1<<12 {
			if len(whole) == 0 {
				require.True(t, errors.Is(ended, errTooDeep) || errors.Is(ended, errTooLong), "%v", ended)
				return
			}
			require.Equal(t, string(want), whole[0])
		}
	})
}

// wireDocument is a document as encoding/xml reads it.
type wireDocument struct {
	XMLName  xml.Name
	Commands []wireCommand `xml:"command"`
}

type wireCommand struct {
	Type  string `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
	Table []struct {
		Headings []string `xml:"colHeading"`
		Rows     []struct {
			Cells []string `xml:"col"`
		} `xml:"row"`
	} `xml:"userTable"`
}

func (w *wireCommand) cells() (all []string) {
	for _, r := range w.Table[0].Rows {
		for _, c := range r.Cells {
			all = append(all, strings.TrimSpace(c))
		}
	}
	return all
}

// Whatever is decoded is well-formed, within its bounds, and says what
// encoding/xml finds in it.
func FuzzDecoder(f *testing.F) {
	table := asTable("userTable", groupHeadings, []string{row("anna", "Archer", "A", "", "+1-2015550100", "1")})
	for _, s := range []string{
		wrap("s", answer("UserGetListInGroupResponse", table)), wrap("s", refusal(4008, "User not found: x")), keepAlive,
		write("UserDeleteRequest", user("anna")), wrap("s", answer("x:UserGetResponse20", user("a")+user("b"))), "<a/>",
		wrap("s", answer("A", "<department><name>Sales</name></department>")), wrap("s", answer("A", table+table)),
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>\xc5\x81</a>", "<a>\xfc</a>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		text, ok := toUTF8(raw)
		if !ok {
			return
		}
		doc, err := decode(text, small)
		var want wireDocument
		d := xml.NewDecoder(bytes.NewReader(text))
		d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
		theirs := d.Decode(&want)
		if err != nil {
			require.Nil(t, doc)
			return
		}
		require.NoError(t, theirs)
		require.Equal(t, want.XMLName.Local, doc.root)
		require.LessOrEqual(t, len(doc.commands), maxCommands)
		for i := range doc.commands {
			c := &doc.commands[i]
			for key, value := range c.fields {
				require.NotEmpty(t, key)
				require.Equal(t, strings.TrimSpace(value), value)
			}
			if n := len(c.table.headings); n > 0 {
				require.Zero(t, len(c.table.cells)%n)
				require.Len(t, c.table.cells, n*c.table.rows())
			}
		}
		if len(want.Commands) != len(doc.commands) {
			return // one that is said to be in a namespace of its own
		}
		for i, w := range want.Commands {
			if c := &doc.commands[i]; c.table.name == "userTable" && len(w.Table) == 1 {
				require.Equal(t, w.cells(), c.table.cells)
			}
		}
	})
}

// Whatever the feed says is told, and nobody is told of who has no name, or too
// long a one.
func FuzzReport(f *testing.F) {
	for _, s := range []string{
		keepAlive, write("UserDeleteRequest", user("anna")), write("UserModifyUserIdRequest", user("a")+"<newUserId>b</newUserId>"),
		write("GroupDeleteRequest14", ""), feedOpen + report("<command>") + feedClose, "<a/>", feedOpen + strings.Repeat(report(""), 3) + feedClose,
		write("UserModifyRequest", user("a")+"<newPassword>hunter2</newPassword>"),
	} {
		f.Add([]byte(s))
	}
	kinds := map[string]bool{kindUser: true, kindEverybody: true, kindNobody: true, kindKeepAlive: true, kindNotUnderstood: true}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var of, told []string
		hear(raw, small, func(user string) { told = append(told, user) }, func(kind string) { of = append(of, kind) })
		n := 0
		for _, kind := range of {
			require.True(t, kinds[kind], kind)
			if kind == kindEverybody || kind == kindNotUnderstood {
				n++
			}
		}
		for _, user := range told {
			require.LessOrEqual(t, len(user), maxUser)
			if user == "" {
				n--
			}
		}
		require.Zero(t, n, "all that may concern anybody says so, and nothing else does")
		require.LessOrEqual(t, len(of), maxCommands*maxCommands)
	})
}
