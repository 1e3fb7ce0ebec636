package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine/tenant"
)

// Dispatcher is the least that can stand between events that are POSTed and
// webhooks: it writes each event to a file in groups that are synced, answers,
// signs and POSTs it, in order for each line. It has no state of calls, no
// retries, no log to read, one receiver, and it never starts again.
type Dispatcher struct {
	ln      net.Listener
	file    *os.File
	client  *fasthttp.HostClient
	url     string
	key     []byte
	filler  []byte
	lines   []uint32 // the last number, by line; a line's events come one after the other
	entries chan *entry
	lanes   []chan *entry // each with the lines of its own
}

// entry is one event on its way.
type entry struct {
	line   int
	body   []byte
	id     [24]byte
	synced chan error
}

func newDispatcher() (any, error) { return &Dispatcher{}, nil }

// Dispatching says what is dispatched where.
type Dispatching struct {
	Dir, Receiver, Secret string
	Lines                 int
}

const (
	// lanesOut is as many as offhook has under way to one endpoint at most.
	lanesOut = 64
	// stateBytes stand for the record of a subscriber that goes with an event.
	stateBytes = 280
)

// Begin listens, and tells the URL.
func (d *Dispatcher) Begin(g Dispatching, url *string) (err error) {
	var ok bool
	if d.key, ok = tenant.ParseSecret(g.Secret); !ok {
		return errors.New("no secret")
	}
	if d.file, err = os.Create(filepath.Join(g.Dir, "journal")); err != nil {
		return err
	}
	if d.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	receiver := fasthttp.AcquireURI()
	defer fasthttp.ReleaseURI(receiver)
	if err := receiver.Parse(nil, []byte(g.Receiver)); err != nil {
		return err
	}
	d.url = g.Receiver
	d.client = &fasthttp.HostClient{Addr: string(receiver.Host()), MaxConns: lanesOut, MaxIdemponentCallAttempts: 1}
	d.lines = make([]uint32, g.Lines)
	d.filler = make([]byte, 64<<10)
	chance := rand.NewChaCha8([32]byte{1})
	_, _ = chance.Read(d.filler)
	d.entries = make(chan *entry, 4096)
	go d.journal()
	for range lanesOut {
		lane := make(chan *entry, 4096)
		d.lanes = append(d.lanes, lane)
		go d.send(lane)
	}
	srv := &fasthttp.Server{Handler: d.handle, NoDefaultServerHeader: true, NoDefaultDate: true, Logger: mute{}}
	go func() { _ = srv.Serve(d.ln) }()
	*url = "http://" + d.ln.Addr().String() + "/xsi"
	return nil
}

func (d *Dispatcher) handle(ctx *fasthttp.RequestCtx) {
	document := ctx.PostBody()
	n, ok := lineAt(document, "<xsi:targetId>"+userPrefix)
	if !ok || n >= len(d.lines) {
		ctx.SetStatusCode(fasthttp.StatusBadRequest)
		return
	}
	d.lines[n]++
	e := &entry{line: n, synced: make(chan error, 1)}
	copy(e.id[:], strconv.AppendUint(appendPadded(e.id[:0], uint64(n), 8), uint64(d.lines[n])+1e15, 10))
	e.body = appendBody(e.id[:], n, d.lines[n], document)
	d.entries <- e
	if err := <-e.synced; err != nil {
		ctx.SetStatusCode(fasthttp.StatusInternalServerError)
	}
}

// appendBody makes a webhook of a document, with the fields of offhook's.
func appendBody(id []byte, line int, sequence uint32, document []byte) []byte {
	call := textBetween(document, "<xsi:callId>")
	state := "active"
	switch string(textBetween(document, "<xsi:state>")) {
	case "Alerting":
		state = "ringing"
	case "Held":
		state = "held"
	case "Released":
		state = "released"
	}
	return fmt.Appendf(make([]byte, 0, 768), `{"app_id":"7fa63706-39c8-44c8-bf1b-f0749dda9110","subscriber_id":"%s%06d@example-telco.com","subscriber_number":"+15125550100",`+
		`"subscriber_name":"Tommy Tutone","subscriber_account_id":"someCustomerIdOrSiteOrName","remote_number":"+15129104114","remote_name":"Zilkr LLC","call_id":"%s",`+
		`"sequence_number":"%d","direction":"incoming","state":"%s","timestamp":%d,"event_id":"%s","type":"call.state","phase":"","cause":"","releasing_party":"",`+
		`"remote_held":false,"synthetic":false,"provider_call_id":"%s"}`, userPrefix, line, call, sequence, state, time.Now().UnixMilli(), id, call)
}

func textBetween(document []byte, tag string) []byte {
	at := bytes.Index(document, []byte(tag))
	if at < 0 {
		return nil
	}
	text := document[at+len(tag):]
	return text[:max(bytes.IndexByte(text, '<'), 0)]
}

// journal writes what waits in one go, syncs, and lets it go on.
func (d *Dispatcher) journal() {
	var group []*entry
	var buf []byte
	for e := range d.entries {
		group, buf = group[:0], buf[:0]
		for more := true; more; {
			group = append(group, e)
			buf = append(buf, e.body...)
			from := (e.line * 331) % (len(d.filler) - stateBytes)
			buf = append(buf, d.filler[from:from+stateBytes]...)
			select {
			case e = <-d.entries:
			default:
				more = false
			}
		}
		_, err := d.file.Write(buf)
		if err == nil {
			err = syncData(d.file)
		}
		for _, e := range group {
			if err == nil {
				d.lanes[e.line%len(d.lanes)] <- e
			}
			e.synced <- err
		}
	}
}

func syncData(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }

// send signs and POSTs the events of some lines, one after the other. What fails
// is lost: the receiver's books tell.
func (d *Dispatcher) send(lane <-chan *entry) {
	var req fasthttp.Request
	var resp fasthttp.Response
	mac := hmac.New(sha256.New, d.key)
	for e := range lane {
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		req.Reset()
		req.SetRequestURI(d.url)
		req.Header.SetMethod(fasthttp.MethodPost)
		req.Header.SetContentType("application/json")
		req.Header.SetBytesV("webhook-id", e.id[:])
		req.Header.Set("webhook-timestamp", stamp)
		req.Header.Set("webhook-signature", signature(mac, e, stamp))
		req.SetBodyRaw(e.body)
		if err := d.client.Do(&req, &resp); err != nil || resp.StatusCode() != fasthttp.StatusOK {
			fmt.Fprintln(os.Stderr, "dispatcher: not delivered:", resp.StatusCode(), err)
		}
	}
}

func signature(mac hash.Hash, e *entry, stamp string) string {
	mac.Reset()
	mac.Write(e.id[:])
	mac.Write([]byte("."))
	mac.Write([]byte(stamp))
	mac.Write([]byte("."))
	mac.Write(e.body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
