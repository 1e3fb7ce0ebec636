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
const pace = 500 * time.Millisecond

// endless begins with a head, and goes on until nobody reads: with more than
// any document may have at once, then as if it were to last.
func endless(head, piece string) monster {
	const most = 5 * mega // the longest document that is read to its end has 4
	block := strings.Repeat(piece, max(1, 64<<10/len(piece)))
	return func(c net.Conn, _ *http.Request) {
		_, err := io.WriteString(c, head)
		for sent := 0; err == nil && sent < most; sent += len(block) {
			_, err = io.WriteString(c, block)
		}
		for err == nil {
			time.Sleep(pace)
			_, err = io.WriteString(c, strings.Repeat(piece, 1+1<<10/len(piece)))
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

// tells begins with a head, and goes on with texts that are all different.
func tells(head string, text func(n int) string) monster {
	return func(c net.Conn, _ *http.Request) {
		_, err := io.WriteString(c, head)
		for n := 1; err == nil; n++ {
			_, err = io.WriteString(c, text(n))
			time.Sleep(pace / 10)
		}
	}
}

// beast is one of the zoo.
type beast struct {
	name string
	is   monster
	well bool // what it says of itself is that all is well: whole documents come
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
	{name: "a close at once", is: func(net.Conn, *http.Request) {}},
	{name: "not a word", is: silent("")},
	{name: "half of a head", is: silent("HTTP/1.1 200 OK\r\nConte")},
	{name: "a head and not a word more", is: silent(xml)},
	{name: "a head of a byte a second", is: drips("", "HTTP/1.1 200 OK\r\nX-Filler: x")},
	{name: "a body of a byte a second", is: drips(xml, "<a>")},
	{name: "headers without end", is: endless("HTTP/1.1 200 OK\r\n", "X-Filler: xxxxxxxxxxxxxxxxxxxx\r\n")},
	{name: "one header without end", is: endless("HTTP/1.1 200 OK\r\nX-Filler: ", "x")},
	{name: "cookies without end", is: endless("HTTP/1.1 200 OK\r\n", "Set-Cookie: a=b\r\n")},
	{name: "a thousand cookies", is: says("HTTP/1.1 200 OK\r\n" + strings.Repeat("Set-Cookie: JSESSIONID="+strings.Repeat("c", 40)+"; Path=/\r\n", 900) + "Content-Length: 0\r\n\r\n")},
	{name: "interim answers without end", is: endless("", "HTTP/1.1 100 Continue\r\n\r\n")},
	{name: "text without end", is: endless(xml, "lorem ipsum ")},
	{name: "white space without end", is: endless(xml, " \n")},
	{name: "a document without end", is: endless(xml+"<Calls"+space+">", "<call/>")},
	{name: "a comment without end", is: endless(xml+"<!--", "x")},
	{name: "a section without end", is: endless(xml+"<a><![CDATA[", "x")},
	{name: "an instruction without end", is: endless(xml+"<?", "x")},
	{name: "an attribute without end", is: endless(xml+`<a b="`, "x")},
	{name: "a name without end", is: endless(xml+"<", "x")},
	{name: "depth without end", is: endless(xml, "<a>")},
	{name: "a depth of 10,000", is: says(xml + strings.Repeat("<a>", 10_000) + strings.Repeat("</a>", 10_000))},
	{name: "a billion laughs", is: says(xml + laughs(9))},
	{name: "quadratic blowup", is: says(xml + `<!DOCTYPE a [<!ENTITY b "` + strings.Repeat("b", 30_000) + `">]><a>` + strings.Repeat("&b;", 5_000) + `</a>`)},
	{name: "an external entity", is: says(xml + `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`)},
	{name: "an external subset", is: says(xml + `<!DOCTYPE a SYSTEM "http://169.254.169.254/latest/meta-data/"><a/>`)},
	{name: "entities nobody has", is: says(xml + "<Calls" + space + ">" + strings.Repeat("&nobody;", 1000) + "</Calls>")},
	{name: "references without end", is: endless(xml+"<Calls"+space+"><call><callId>", "&#x41;")},
	{name: "references to nothing", is: says(xml + "<Calls" + space + ">&#0;&#xD800;&#x110000;&#99999999999999999999;</Calls>")},
	{name: "UTF-7", is: says(xml + `<?xml version="1.0" encoding="UTF-7"?><Calls` + space + `/>`)},
	{name: "UTF-16", is: says(xml + "\xff\xfe<\x00a\x00/\x00>\x00")},
	{name: "half of a character", is: says(xml + declaration + "<Calls" + space + "><call><callId>\xe2\x82</callId></call></Calls>")},
	{name: "NULs", is: says(xml + strings.Repeat("\x00", 10_000))},
	{name: "a gzip bomb", is: endless("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "\x00")},
	{name: "elsewhere", is: status("302 Found", "Location: http://evil.example/")},
	{name: "the metadata service", is: status("307 There", "Location: http://169.254.169.254/latest/meta-data/")},
	{name: "round and round", is: status("302 Found", "Location: http://xsp1/again")},
	{name: "a login page", is: says("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 62\r\n\r\n<!DOCTYPE html><html><body><form>Please log in</form></body></html>")},
	{name: "JSON", is: says("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"calls\": null}")},
	{name: "nothing at all", is: status("200 OK")},
	{name: "204", is: says("HTTP/1.1 204 No Content\r\n\r\n")},
	{name: "401", is: status("401 Unauthorized", `WWW-Authenticate: Basic realm="x"`)},
	{name: "403", is: status("403 Forbidden")},
	{name: "404", is: status("404 Not Found")},
	{name: "409", is: status("409 Conflict")},
	{name: "429 for thirty years", is: status("429 No", "Retry-After: 999999999")},
	{name: "500", is: status("500 Oh")},
	{name: "503", is: status("503 Busy")},
	{name: "503 for thirty years", is: status("503 Busy", "Retry-After: 999999999999999999999")},
	{name: "an error without end", is: endless("HTTP/1.1 500 Oh\r\n\r\n<ErrorInfo"+space+"><errorCode>", "9")},
	{name: "bad chunks", is: says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")},
	{name: "a chunk as long as a disk", is: endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n", "x")},
	{name: "half of what it announced", is: says("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<Calls")},
	{name: "two lengths", is: says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx")},
	{name: "another protocol", is: status("101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")},
	{name: "HTTP/0.9", is: says("<html>hello</html>")},
	{name: "SSH", is: says("SSH-2.0-OpenSSH_9.7\r\n")},
	{name: "somebody else's calls", is: says(xml + declaration + `<Calls` + space + `><call><callId>callhalf-666:0</callId><personality>Terminator</personality><state>Active</state></call></Calls>`)},
	{name: "a subscription of 60,000 bytes", is: says(xml + `<Subscription` + space + `><subscriptionId>` + strings.Repeat("s", 60_000) + `</subscriptionId><expires>1</expires></Subscription>`)},
	{name: "a subscription that has ended", is: says(xml + `<Subscription` + space + `><subscriptionId>s</subscriptionId><expires>-1</expires></Subscription>`)},
	{name: "a subscription for ever", is: says(xml + `<Subscription` + space + `><subscriptionId>s</subscriptionId><expires>99999999999999999999</expires></Subscription>`)},
}

// event is a document of a stream. Everything in it may be a lie.
func event(id, subscription, sequence, user, body string) string {
	return declaration + `<xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" xsi1:type="xsi:SubscriptionEvent">` +
		`<xsi:eventID>` + id + `</xsi:eventID><xsi:sequenceNumber>` + sequence + `</xsi:sequenceNumber><xsi:userId>` + user + `</xsi:userId><xsi:subscriptionId>` + subscription +
		`</xsi:subscriptionId><xsi:channelId>evil</xsi:channelId><xsi:targetId>` + user + `</xsi:targetId>` + body + `</xsi:Event>`
}

const ringing = `<xsi:eventData xsi1:type="xsi:CallReceivedEvent"><xsi:call><xsi:callId>callhalf-666:0</xsi:callId><xsi:extTrackingId>66:6</xsi:extTrackingId>` +
	`<xsi:personality>Terminator</xsi:personality><xsi:state>Alerting</xsi:state></xsi:call></xsi:eventData>`

const terminated = declaration + `<xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" ` +
	`xsi1:type="xsi:ChannelTerminatedEvent"><xsi:channelId>evil</xsi:channelId><xsi:reason>DuplicateChannelSet</xsi:reason></xsi:Event>`

// streams is what a channel may bring that begins as one should. user is one
// of those who are followed.
func streams(user string) []beast {
	return []beast{
		{name: "a channel that ends at once", is: says(xml + channel)},
		{name: "a channel that falls silent", is: silent(xml + channel)},
		{name: "a channel of a byte a second", is: drips(xml+channel, "<a>")},
		{name: "a channel of white space", is: drips(xml+channel, " ")},
		{name: "a channel that never says which", is: drips(xml, " ")},
		{name: "a channel of 60,000 bytes", is: silent(xml + strings.Replace(channel, "evil", strings.Repeat("e", 60_000), 1))},
		{name: "a channel with an id that climbs", is: silent(xml + strings.Replace(channel, "evil", "../../../admin?x=%00&#10;", 1))},
		{name: "heartbeats without end", is: endless(xml+channel, heartbeat), well: true},
		{name: "nothing but a comment", is: endless(xml+channel+"<!--", "x")},
		{name: "a document without end on a channel", is: endless(xml+channel+"<a>", "<b/>")},
		{name: "rubbish on a channel", is: endless(xml+channel, "rubbish")},
		{name: "end tags without end", is: endless(xml+channel, "</a>")},
		{name: "documents nobody knows", is: endless(xml+channel, "<Nobody/>"), well: true},
		{name: "events without anything", is: endless(xml+channel, `<Event`+space+`/>`), well: true},
		{name: "events of strangers", is: tells(xml+channel, func(n int) string {
			return event(fmt.Sprint("e", n), "s1", fmt.Sprint(n), fmt.Sprint("stranger", n, "@example.com"), ringing)
		}), well: true},
		{name: "subscriptions nobody made", is: tells(xml+channel, func(n int) string { return event(fmt.Sprint("e", n), fmt.Sprint("s", n), "1", user, ringing) }), well: true},
		{name: "event ids of 50,000 bytes", is: tells(xml+channel, func(n int) string {
			return event(fmt.Sprint(n)+strings.Repeat("e", 50_000), fmt.Sprint("s", n), "1", user, ringing)
		}), well: true},
		{name: "call ids of 50,000 bytes", is: tells(xml+channel, func(n int) string {
			return event(fmt.Sprint("e", n), "s", fmt.Sprint(n), user, strings.ReplaceAll(ringing, "callhalf-666:0", fmt.Sprint(n)+strings.Repeat("c", 50_000)))
		}), well: true},
		{name: "numbers that jump", is: tells(xml+channel, func(n int) string {
			return event(fmt.Sprint("e", n), "s", []string{"1", "4294967295", "2", "0", "-1", "99999999999999999999"}[n%6], user, ringing)
		}), well: true},
		{name: "the same event again and again", is: endless(xml+channel, event("e", "s", "1", user, ringing)), well: true},
		{name: "ever more calls", is: tells(xml+channel, func(n int) string {
			return event(fmt.Sprint("e", n), "s", fmt.Sprint(n), user, strings.ReplaceAll(ringing, "callhalf-666:0", fmt.Sprint("callhalf-", n, ":0")))
		}), well: true},
		{name: "the end of a channel set", is: says(xml + channel + terminated)},
	}
}
