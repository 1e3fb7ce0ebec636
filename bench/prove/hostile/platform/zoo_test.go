package platform

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	declaration = `<?xml version="1.0" encoding="UTF-8"?>`
	space       = ` xmlns="http://schema.broadsoft.com/xsi"`
	xml         = "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=UTF-8\r\nConnection: close\r\n\r\n" // to the end of the connection
	channel     = declaration + `<Channel` + space + `><channelId>evil</channelId><expires>3600</expires></Channel>`
	heartbeat   = `<ChannelHeartBeat` + space + `/>`
)

// says answers with this and closes.
func says(answer string) monster {
	return func(c net.Conn, _ *http.Request) { _, _ = io.WriteString(c, answer) }
}

// status answers with a status and nothing else.
func status(line string, headers ...string) monster {
	return says("HTTP/1.1 " + line + "\r\n" + strings.Join(headers, "\r\n") + strings.Repeat("\r\n", min(1, len(headers))) + "Content-Length: 0\r\n\r\n")
}

// pace is how fast endless things come: a virtual clock stands still while
// somebody writes as fast as it can.
const pace = 200 * time.Millisecond

// endless begins with a head, and goes on until nobody reads, 64 KB at a time.
func endless(head, piece string) monster {
	block := strings.Repeat(piece, max(1, 64<<10/len(piece)))
	return func(c net.Conn, _ *http.Request) {
		_, err := io.WriteString(c, head)
		for err == nil {
			_, err = io.WriteString(c, block)
			time.Sleep(pace)
		}
	}
}

// drips begins with a head, and goes on with a byte a second.
func drips(head, piece string) monster {
	return func(c net.Conn, _ *http.Request) {
		_, err := io.WriteString(c, head)
		for i := 0; err == nil; i = (i + 1) % len(piece) {
			_, err = io.WriteString(c, piece[i:i+1])
			time.Sleep(time.Second)
		}
	}
}

// silent says this and nothing more.
func silent(head string) monster {
	return func(c net.Conn, _ *http.Request) {
		_, _ = io.WriteString(c, head)
		_, _ = io.Copy(io.Discard, c)
	}
}

// counted begins with a head, and goes on with texts that are all different.
func counted(head string, text func(n int) string) monster {
	return func(c net.Conn, _ *http.Request) {
		_, err := io.WriteString(c, head)
		for n := 1; err == nil; n++ {
			_, err = io.WriteString(c, text(n))
			time.Sleep(pace / 20)
		}
	}
}

// beast is one of the zoo.
type beast struct {
	name string
	is   monster
}

func laughs(levels int) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l0 "lol">`)
	for i := 1; i <= levels; i++ {
		fmt.Fprintf(&b, `<!ENTITY l%d "%s">`, i, strings.Repeat(fmt.Sprintf("&l%d;", i-1), 10))
	}
	fmt.Fprintf(&b, `]><Calls%s>&l%d;</Calls>`, space, levels)
	return b.String()
}

// anywhere is what any request may meet.
var anywhere = []beast{
	{"a close at once", func(net.Conn, *http.Request) {}},
	{"not a word", silent("")},
	{"half of a head", silent("HTTP/1.1 200 OK\r\nConte")},
	{"a head and not a word more", silent(xml)},
	{"a head of a byte a second", drips("", "HTTP/1.1 200 OK\r\nX-Filler: x")},
	{"a body of a byte a second", drips(xml, "<a>")},
	{"headers without end", endless("HTTP/1.1 200 OK\r\n", "X-Filler: xxxxxxxxxxxxxxxxxxxx\r\n")},
	{"one header without end", endless("HTTP/1.1 200 OK\r\nX-Filler: ", "x")},
	{"cookies without end", endless("HTTP/1.1 200 OK\r\n", "Set-Cookie: a=b\r\n")},
	{"a thousand cookies", says("HTTP/1.1 200 OK\r\n" + strings.Repeat("Set-Cookie: JSESSIONID="+strings.Repeat("c", 40)+"; Path=/\r\n", 900) + "Content-Length: 0\r\n\r\n")},
	{"interim answers without end", endless("", "HTTP/1.1 100 Continue\r\n\r\n")},
	{"text without end", endless(xml, "lorem ipsum ")},
	{"white space without end", endless(xml, " \n")},
	{"a document without end", endless(xml+"<Calls"+space+">", "<call/>")},
	{"a comment without end", endless(xml+"<!--", "x")},
	{"a section without end", endless(xml+"<a><![CDATA[", "x")},
	{"an instruction without end", endless(xml+"<?", "x")},
	{"an attribute without end", endless(xml+`<a b="`, "x")},
	{"a name without end", endless(xml+"<", "x")},
	{"depth without end", endless(xml, "<a>")},
	{"a depth of 10,000", says(xml + strings.Repeat("<a>", 10_000) + strings.Repeat("</a>", 10_000))},
	{"a billion laughs", says(xml + laughs(9))},
	{"quadratic blowup", says(xml + `<!DOCTYPE a [<!ENTITY b "` + strings.Repeat("b", 30_000) + `">]><a>` + strings.Repeat("&b;", 5_000) + `</a>`)},
	{"an external entity", says(xml + `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`)},
	{"an external subset", says(xml + `<!DOCTYPE a SYSTEM "http://169.254.169.254/latest/meta-data/"><a/>`)},
	{"entities nobody has", says(xml + "<Calls" + space + ">" + strings.Repeat("&nobody;", 1000) + "</Calls>")},
	{"references without end", endless(xml+"<Calls"+space+"><call><callId>", "&#x41;")},
	{"references to nothing", says(xml + "<Calls" + space + ">&#0;&#xD800;&#x110000;&#99999999999999999999;</Calls>")},
	{"UTF-7", says(xml + `<?xml version="1.0" encoding="UTF-7"?><Calls` + space + `/>`)},
	{"UTF-16", says(xml + "\xff\xfe<\x00a\x00/\x00>\x00")},
	{"half of a character", says(xml + declaration + "<Calls" + space + "><call><callId>\xe2\x82</callId></call></Calls>")},
	{"NULs", says(xml + strings.Repeat("\x00", 10_000))},
	{"a gzip bomb", endless("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "\x00")},
	{"elsewhere", status("302 Found", "Location: http://evil.example/")},
	{"the metadata service", status("307 There", "Location: http://169.254.169.254/latest/meta-data/")},
	{"round and round", status("302 Found", "Location: http://xsp1/again")},
	{"a login page", says("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 62\r\n\r\n<!DOCTYPE html><html><body><form>Please log in</form></body></html>")},
	{"JSON", says("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"calls\": null}")},
	{"nothing at all", status("200 OK")},
	{"204", says("HTTP/1.1 204 No Content\r\n\r\n")},
	{"401", status("401 Unauthorized", `WWW-Authenticate: Basic realm="x"`)},
	{"403", status("403 Forbidden")},
	{"404", status("404 Not Found")},
	{"409", status("409 Conflict")},
	{"429 for thirty years", status("429 No", "Retry-After: 999999999")},
	{"500", status("500 Oh")},
	{"503", status("503 Busy")},
	{"503 for thirty years", status("503 Busy", "Retry-After: 999999999999999999999")},
	{"an error without end", endless("HTTP/1.1 500 Oh\r\n\r\n<ErrorInfo"+space+"><errorCode>", "9")},
	{"bad chunks", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")},
	{"a chunk as long as a disk", endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n", "x")},
	{"half of what it announced", says("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<Calls")},
	{"two lengths", says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx")},
	{"another protocol", status("101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")},
	{"HTTP/0.9", says("<html>hello</html>")},
	{"SSH", says("SSH-2.0-OpenSSH_9.7\r\n")},
	{"somebody else's calls", says(xml + declaration + `<Calls` + space + `><call><callId>callhalf-666:0</callId><personality>Terminator</personality><state>Active</state></call></Calls>`)},
	{"a subscription of 60,000 bytes", says(xml + `<Subscription` + space + `><subscriptionId>` + strings.Repeat("s", 60_000) + `</subscriptionId><expires>1</expires></Subscription>`)},
	{"a subscription that has ended", says(xml + `<Subscription` + space + `><subscriptionId>s</subscriptionId><expires>-1</expires></Subscription>`)},
	{"a subscription for ever", says(xml + `<Subscription` + space + `><subscriptionId>s</subscriptionId><expires>99999999999999999999</expires></Subscription>`)},
}

// event is a document of a stream. Everything in it may be a lie.
func event(id, subscription, sequence, user, body string) string {
	return declaration + `<xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" xsi1:type="xsi:SubscriptionEvent">` +
		`<xsi:eventID>` + id + `</xsi:eventID><xsi:sequenceNumber>` + sequence + `</xsi:sequenceNumber><xsi:userId>` + user + `</xsi:userId><xsi:subscriptionId>` + subscription +
		`</xsi:subscriptionId><xsi:channelId>evil</xsi:channelId><xsi:targetId>` + user + `</xsi:targetId>` + body + `</xsi:Event>`
}

const ringing = `<xsi:eventData xsi1:type="xsi:CallReceivedEvent"><xsi:call><xsi:callId>callhalf-666:0</xsi:callId><xsi:extTrackingId>66:6</xsi:extTrackingId>` +
	`<xsi:personality>Terminator</xsi:personality><xsi:state>Alerting</xsi:state></xsi:call></xsi:eventData>`

// streams is what a channel may bring that begins as one should. user is one
// of those who are followed.
func streams(user string) []beast {
	return []beast{
		{"a channel that ends at once", says(xml + channel)},
		{"a channel that falls silent", silent(xml + channel)},
		{"a channel of a byte a second", drips(xml+channel, "<a>")},
		{"a channel of white space", drips(xml+channel, " ")},
		{"a channel that never says which", drips(xml, " ")},
		{"a channel of 60,000 bytes", silent(xml + strings.Replace(channel, "evil", strings.Repeat("e", 60_000), 1))},
		{"a channel with an id that climbs", silent(xml + strings.Replace(channel, "evil", "../../../admin?x=%00&#10;", 1))},
		{"heartbeats without end", endless(xml+channel, heartbeat)},
		{"nothing but a comment", endless(xml+channel+"<!--", "x")},
		{"a document without end on a channel", endless(xml+channel+"<a>", "<b/>")},
		{"rubbish on a channel", endless(xml+channel, "rubbish")},
		{"end tags without end", endless(xml+channel, "</a>")},
		{"documents nobody knows", endless(xml+channel, "<Nobody/>")},
		{"events without anything", endless(xml+channel, `<Event`+space+`/>`)},
		{"events of strangers", counted(xml+channel, func(n int) string {
			return event(fmt.Sprint("e", n), "s1", fmt.Sprint(n), fmt.Sprint("stranger", n, "@example.com"), ringing)
		})},
		{"subscriptions nobody made", counted(xml+channel, func(n int) string { return event(fmt.Sprint("e", n), fmt.Sprint("s", n), "1", user, ringing) })},
		{"event ids of 50,000 bytes", counted(xml+channel, func(n int) string {
			return event(fmt.Sprint(n)+strings.Repeat("e", 50_000), fmt.Sprint("s", n), "1", user, ringing)
		})},
		{"call ids of 50,000 bytes", counted(xml+channel, func(n int) string {
			return event(fmt.Sprint("e", n), "s", fmt.Sprint(n), user, strings.ReplaceAll(ringing, "callhalf-666:0", fmt.Sprint(n)+strings.Repeat("c", 50_000)))
		})},
		{"numbers that jump", counted(xml+channel, func(n int) string {
			return event(fmt.Sprint("e", n), "s", []string{"1", "4294967295", "2", "0", "-1", "99999999999999999999"}[n%6], user, ringing)
		})},
		{"the same event again and again", endless(xml+channel, event("e", "s", "1", user, ringing))},
		{"ever more calls", counted(xml+channel, func(n int) string {
			return event(fmt.Sprint("e", n), "s", fmt.Sprint(n), user, strings.ReplaceAll(ringing, "callhalf-666:0", fmt.Sprint("callhalf-", n, ":0")))
		})},
		{"the end of a channel set", counted(xml+channel, func(n int) string {
			return event(fmt.Sprint("e", n), "s", fmt.Sprint(n), user, `<xsi:eventData xsi1:type="xsi:ChannelTerminatedEvent"><xsi:reason>DuplicateChannelSet</xsi:reason></xsi:eventData>`)
		})},
	}
}
