package simulator

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const basic = "Basic YWRtaW5Ac2ltdWxhdG9yLmV4YW1wbGU6c2ltdWxhdG9y" // admin@simulator.example:simulator

// onTCP serves a simulator on a real socket.
func onTCP(t *testing.T, cfg Config) (*Simulator, string) {
	t.Helper()
	ln := listenTCP(t)
	sim := New(cfg)
	served := make(chan error, 1)
	go func() { served <- sim.Serve(ln) }()
	t.Cleanup(func() {
		require.NoError(t, sim.Close())
		require.NoError(t, <-served)
	})
	return sim, ln.Addr().String()
}

// The head of a channel and each chunk are what check_xsi captured, byte for
// byte, even for a client that ends its lines with a lone LF, names no content
// type and has a space behind its token (dossier §3.1, §3.10).
func TestChannelOnTheWire(t *testing.T) {
	_, addr := onTCP(t, Config{Seed: 7, SnapshotOrder: SnapshotBefore})
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	body := `<?xml version="1.0" encoding="UTF-8"?><Channel xmlns="http://schema.broadsoft.com/xsi"><channelSetId>KIWI</channelSetId><priority>1</priority><weight>50</weight><expires>60</expires></Channel>`
	_, err = fmt.Fprintf(conn, "POST /com.broadsoft.async/com.broadsoft.xsi-events/v2.0/channel HTTP/1.1\nHost: xsp\nAuthorization: %s \nContent-Length: %d\n\n%s", basic, len(body), body)
	require.NoError(t, err)

	in := bufio.NewReader(conn)
	status, err := in.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 200 OK\r\n", status)
	headers := map[string]string{}
	for {
		line, err := in.ReadString('\n')
		require.NoError(t, err)
		if line == "\r\n" {
			break
		}
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		headers[name] = value
	}
	require.Equal(t, "text/xml;charset=UTF-8", headers["Content-Type"])
	require.Equal(t, "chunked", headers["Transfer-Encoding"])
	require.Regexp(t, `^NA_[0-9a-f-]{36}$`, headers["TrackingID"])
	require.Regexp(t, `^JSESSIONID=[0-9A-F]{32}; Path=/com.broadsoft.xsi-events; Secure; HttpOnly$`, headers["Set-Cookie"])

	head := readChunk(t, in)
	require.Regexp(t, `^`+regexp.QuoteMeta("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Channel xmlns=\"http://schema.broadsoft.com/xsi\"><channelId>")+
		`[0-9a-f-]{36}</channelId><expires>3600</expires></Channel>$`, head)
	id := field(head, "channelId")

	post := func(method, path, body string) string {
		req, err := http.NewRequest(method, "http://"+addr+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", basic)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, 200, res.StatusCode)
		return string(b)
	}
	defer http.DefaultClient.CloseIdleConnections()

	require.Empty(t, post("PUT", eventsBase+"/channel/"+id+"/heartbeat", ""))
	require.Equal(t, `<ChannelHeartBeat xmlns="http://schema.broadsoft.com/xsi"/>`, readChunk(t, in))

	sub := post("POST", eventsBase+"/user/alice%40demo.example", subscriptionBody("KIWI"))
	require.Regexp(t, `^<\?xml version="1.0" encoding="UTF-8"\?>\n<Subscription xmlns="http://schema.broadsoft.com/xsi"><subscriptionId>[0-9a-f-]{36}</subscriptionId><expires>3600</expires></Subscription>$`, sub)
	first := readChunk(t, in)
	ev := parse(t, first)
	require.Equal(t, `<?xml version="1.0" encoding="UTF-8"?><xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" xsi1:type="xsi:SubscriptionEvent">`+
		`<xsi:eventID>`+ev.ID+`</xsi:eventID><xsi:sequenceNumber>1</xsi:sequenceNumber><xsi:userId>admin@simulator.example</xsi:userId>`+
		`<xsi:externalApplicationId>offhook</xsi:externalApplicationId><xsi:subscriptionId>`+field(sub, "subscriptionId")+`</xsi:subscriptionId>`+
		`<xsi:channelId>`+id+`</xsi:channelId><xsi:targetId>alice@demo.example</xsi:targetId>`+
		`<xsi:eventData xsi1:type="xsi:CallSubscriptionEvent"><xsi:hookStatus>On-Hook</xsi:hookStatus></xsi:eventData></xsi:Event>`, first)
}

// readChunk reads one chunk of a chunked body.
func readChunk(t *testing.T, in *bufio.Reader) string {
	t.Helper()
	line, err := in.ReadString('\n')
	require.NoError(t, err)
	var size int
	_, err = fmt.Sscanf(line, "%x\r\n", &size)
	require.NoError(t, err)
	b := make([]byte, size+2)
	_, err = io.ReadFull(in, b)
	require.NoError(t, err)
	return string(b[:size])
}

// A name beyond ASCII is a numeric reference on the stream (dossier §3.10, 5),
// and a document is one line of plain bytes.
func TestEventsAreAscii(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		w.ring(alice, "+442079460001")
		raw := st.event().raw
		require.Contains(w, raw, "<xsi:name>Gr&#252;nberg &amp; Co</xsi:name>")
		require.NotContains(w, raw, "\n")
		require.Regexp(w, `^[ -~]*$`, raw)
		require.Contains(w, raw, `<xsi:address countryCode="44">tel:+442079460001</xsi:address>`)
		require.Contains(w, raw, `<xsi:endpoint xsi1:type="xsi:AccessEndpoint">`)
	})
}

// A channel nobody keeps alive ends; its heartbeat is unknown from then on.
func TestHeartbeat(t *testing.T) {
	inWorld(t, Config{HeartbeatEvery: 20 * time.Second}, func(w *world) {
		st := w.open("set")
		require.Equal(w, 200, w.do("PUT", eventsBase+"/channel/"+st.id+"/heartbeat", "").status)
		require.Equal(w, string(heartbeat), st.next())
		w.pass(25 * time.Second)
		require.Equal(w, string(heartbeat), st.next(), "the server's own")
		require.Equal(w, 200, w.do("PUT", eventsBase+"/channel/"+st.id+"/heartbeat", "").status)
		w.pass(31 * time.Second)
		got := w.do("PUT", eventsBase+"/channel/"+st.id+"/heartbeat", "")
		require.Equal(w, 404, got.status)
		require.Contains(w, got.body, "<ErrorInfo")
		require.Equal(w, 403, w.do("PUT", eventsBase+"/channel/"+st.id, "<Channel><expires>3600</expires></Channel>").status)
	})
}

func terminated(doc string) string {
	if !strings.Contains(doc, `xsi1:type="xsi:ChannelTerminatedEvent"`) {
		return ""
	}
	return field(doc, "xsi:reason")
}

func TestChannelEnds(t *testing.T) {
	cfg := patient()
	cfg.GrantedExpires = 2 * time.Hour
	inWorld(t, cfg, func(w *world) {
		st := w.open("one")
		require.Equal(w, 200, w.do("DELETE", eventsBase+"/channel/"+st.id, "").status)
		require.Equal(w, "ExplicitDelete", terminated(st.next()))
		require.Empty(w, st.next(), "the body ends")

		st = w.open("two")
		w.pass(time.Hour)
		got := w.do("PUT", eventsBase+"/channel/"+st.id, "<Channel xmlns='http://schema.broadsoft.com/xsi'><expires>60</expires></Channel>")
		require.Equal(w, "7200", got.field("expires"), "the operator's word")
		w.pass(119 * time.Minute)
		require.Equal(w, 200, w.do("GET", eventsBase+"/channelset/two", "").status)
		w.pass(2 * time.Minute)
		require.Equal(w, "Expired", terminated(st.next()))
		require.Equal(w, 403, w.do("GET", eventsBase+"/channelset/two", "").status)
	})
}

// A new set of the same application ends the old one with all it had.
func TestDuplicateChannelSet(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		old := w.open("old", "<applicationId>app</applicationId>")
		sub := old.follow("/user/" + alice)
		old.want("CallSubscription")
		w.open("old", "<applicationId>app</applicationId>") // the same set is welcome
		other := w.open("other", "<applicationId>another</applicationId>")
		next := w.open("new", "<applicationId>app</applicationId>")
		require.Equal(w, "DuplicateChannelSet", terminated(old.next()))
		require.Equal(w, 403, w.do("GET", eventsBase+"/subscription/"+sub, "").status)
		next.quiet(time.Second)
		other.quiet(time.Second)
	})
}

// An event nobody acknowledges ends its channel, and travels once more on the
// next of the set, under the same id and number (dossier §3.5).
func TestNeverAcknowledged(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		deaf := w.open("set")
		deaf.mute = true
		deaf.follow("/user/" + alice)
		first := deaf.event()
		spare := w.open("set", "<priority>2</priority>")
		w.ring(alice, "+442079460001")
		second := deaf.event()
		require.Equal(w, "NonResponsiveChannel", terminated(deaf.next()))
		for _, want := range []event{first, second} {
			got := spare.event()
			require.Equal(w, want.ID, got.ID)
			require.Equal(w, want.Seq, got.Seq)
			require.Equal(w, spare.id, got.Channel)
		}
		spare.quiet(10 * time.Second)
		require.EqualValues(w, 2, w.sim.Stats().EventsResent)
	})
}

// With nobody left to resend to, events are lost, and the numbers tell.
func TestLostWithoutChannel(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.open("set")
		st.follow("/user/" + alice)
		st.want("CallSubscription")
		st.cancel()
		w.pass(time.Second)
		require.EqualValues(w, 1, w.sim.Stats().ChannelsEnded)
		id := w.ring(alice, "+442079460001")
		again := w.open("set")
		w.verb(id, "answer")
		evs := again.want("Off-Hook", "Answered Active Terminator")
		require.EqualValues(w, 3, evs[0].Seq, "2 was the lost Received")
	})
}

func TestAckStatusCodes(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		one, two := w.open("set"), w.open("set", "<priority>5</priority>")
		one.mute, two.mute = true, true
		sub := one.follow("/user/" + alice)
		ev := one.event()
		one.ack(ev.ID, 500) // the next channel, please
		again := two.event()
		require.Equal(w, ev.ID, again.ID)
		two.ack(again.ID, 200)

		id := w.ring(alice, "+442079460001")
		ev = one.event()
		one.ack(ev.ID, 404) // I do not know that channel
		require.Equal(w, "UnknownChannel", terminated(one.next()))
		require.Equal(w, ev.ID, two.event().ID)
		two.ack(ev.ID, 400) // I cannot read that

		w.verb(id, "answer")
		ev = two.event()
		two.ack(ev.ID, 481) // I have no such subscription
		require.Equal(w, 403, w.do("GET", eventsBase+"/subscription/"+sub, "").status)
		two.ack(ev.ID, 200) // twice is harmless
		st := w.sim.Stats()
		require.EqualValues(w, 1, st.EventsRefused)
		require.EqualValues(w, 1, st.AcksUnknown)
	})
}

// One event travels on one channel; the lower priority number wins.
func TestPriority(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		back := w.open("set", "<priority>9</priority>")
		back.follow("/user/" + alice)
		back.want("CallSubscription")
		front := w.open("set", "<priority>1</priority>")
		w.ring(alice, "+442079460001")
		front.want("Received Alerting Terminator")
		back.quiet(time.Second)
		got := w.do("GET", eventsBase+"/channelset/set", "")
		require.Equal(w, 2, strings.Count(got.body, "<channel>"))
	})
}

// A client that does not read loses its channel and holds up nobody.
func TestSlowReader(t *testing.T) {
	cfg := patient()
	cfg.MaxWaitingPerStream = 20
	inWorld(t, cfg, func(w *world) {
		conn, err := w.listen.dial(context.Background(), "", "")
		require.NoError(w, err)
		defer func() { _ = conn.Close() }()
		body := `<Channel><channelSetId>slow</channelSetId></Channel>`
		go func() {
			_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n%s", channelURL, basic, len(body), body)
		}()
		w.pass(time.Second)
		require.Equal(w, 200, w.do("POST", eventsBase+"/user/"+alice, subscriptionBody("slow")).status)
		st := w.following(bob)
		for range 15 {
			id := w.ring(alice, "+442079460001")
			w.verb(id, "hangup")
		}
		w.pass(100 * time.Millisecond)
		require.EqualValues(w, 1, w.sim.Stats().ChannelsOverflowed)
		require.Zero(w, w.sim.Stats().Live.Waiting, "what no channel has is lost, and not waited for")
		w.ring(bob, "+442079460001")
		st.want("Received Alerting Terminator")
	})
}

func listenTCP(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return ln
}
