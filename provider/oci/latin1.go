package oci

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// appendText appends s as ISO-8859-1, which is what the protocol is written in
// (dossier §4.1). What that has no byte for becomes a reference.
func appendText(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '"':
			b = append(b, "&quot;"...)
		case r >= ' ' && r < 0x7f, r >= 0xa0 && r <= 0xff:
			b = append(b, byte(r)) // #nosec G115 -- looked at just before
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0xfffe, r == 0xffff: // no character of XML
			b = appendReference(b, utf8.RuneError)
		default:
			b = appendReference(b, r)
		}
	}
	return b
}

func appendReference(b []byte, r rune) []byte {
	b = strconv.AppendInt(append(b, '&', '#'), int64(r), 10)
	return append(b, ';')
}

// toUTF8 is a document in UTF-8, whatever it declares to be; false for a
// charset nobody speaks. Without a declaration it is ISO-8859-1.
func toUTF8(doc []byte) ([]byte, bool) {
	bare, marked := bytes.CutPrefix(doc, []byte("\xef\xbb\xbf"))
	switch charset := strings.ToLower(declared(bare)); {
	case marked || charset == "utf-8":
		return bare, (charset == "" || charset == "utf-8") && utf8.Valid(bare)
	case charset != "" && charset != "iso-8859-1" && charset != "us-ascii":
		return nil, false
	}
	beyond := 0
	for _, c := range doc {
		beyond += int(c >> 7)
	}
	if beyond == 0 {
		return doc, true
	}
	out := make([]byte, 0, len(doc)+beyond)
	for _, c := range doc {
		out = utf8.AppendRune(out, rune(c))
	}
	return out, true
}

// declared is the encoding in the XML declaration, if any.
func declared(doc []byte) string {
	rest, found := bytes.CutPrefix(doc, []byte("<?xml"))
	if !found {
		return ""
	}
	rest, _, _ = bytes.Cut(rest[:min(len(rest), 256)], []byte("?>"))
	_, rest, found = bytes.Cut(rest, []byte("encoding"))
	if !found {
		return ""
	}
	rest = bytes.TrimLeft(rest, " \t\r\n=")
	if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
		return "none"
	}
	name, _, found := bytes.Cut(rest[1:], rest[:1])
	if !found || len(name) == 0 {
		return "none"
	}
	return string(name)
}
