package adminapi

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

const (
	maxLine     = 64 << 10
	maxFailures = 10_000 // listed; more are counted
	bulkWorkers = 32     // lines at a time: each waits for the disk, and they share its syncs
	bulkPause   = 10 * time.Second
)

type bulkAnswer struct {
	Created int           `json:"created"`
	Updated int           `json:"updated"`
	Failed  []bulkFailure `json:"failed"`
	Omitted int           `json:"failed_omitted,omitempty"` // failures that are not listed
}

type bulkFailure struct {
	Line   int         `json:"line"` // from 1
	Code   engine.Code `json:"code"`
	Detail string      `json:"detail"`
}

// bulk provisions subscribers, one JSON object in each line, as they arrive:
// there may be any number. A line that fails harms no other. Lines about the
// same subscriber are carried out in their order.
func (s *Server) bulk(ctx *fasthttp.RequestCtx) error {
	if err := web.CheckJSON(ctx, "application/x-ndjson", "application/ndjson", "application/jsonl"); err != nil {
		return err
	}
	b := &bulkRun{server: s}
	for i := range b.lanes {
		b.lanes[i] = make(chan bulkLine, 16)
		b.wg.Go(func() {
			for l := range b.lanes[i] {
				b.carryOut(l)
			}
		})
	}
	lines, err := b.run(ctx)
	if err != nil {
		ctx.SetConnectionClose()
		return problem.New(problem.CodeBadRequest, fmt.Sprintf("the body broke off; its first %d lines were carried out", lines))
	}
	slices.SortFunc(b.answer.Failed, func(x, y bulkFailure) int { return cmp.Compare(x.Line, y.Line) })
	if b.answer.Failed == nil {
		b.answer.Failed = []bulkFailure{}
	}
	return writeJSON(ctx, fasthttp.StatusOK, b.answer)
}

type bulkLine struct {
	number int
	id     string
	doc    web.Object
}

type bulkRun struct {
	server *Server
	lanes  [bulkWorkers]chan bulkLine
	wg     sync.WaitGroup

	mu     sync.Mutex
	answer bulkAnswer
}

// run returns when all that was handed out is done, whatever happens.
func (b *bulkRun) run(ctx *fasthttp.RequestCtx) (lines int, err error) {
	defer func() {
		for i := range b.lanes {
			close(b.lanes[i])
		}
		b.wg.Wait()
	}()
	return b.read(ctx)
}

// read hands the lines out and returns how many there were.
func (b *bulkRun) read(ctx *fasthttp.RequestCtx) (lines int, err error) {
	var body io.Reader = bytes.NewReader(nil)
	if r := ctx.RequestBodyStream(); r != nil {
		body = &patient{r, ctx.Conn()}
	} else if all := ctx.PostBody(); len(all) > 0 {
		body = bytes.NewReader(all)
	}
	r := bufio.NewReaderSize(body, maxLine+2) // a line and its CR LF
	for {
		line, err := r.ReadSlice('\n')
		tooLong := false
		for errors.Is(err, bufio.ErrBufferFull) {
			tooLong = true
			line, err = r.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return lines, err
		}
		if b.server.web.Context().Err() != nil {
			return lines, b.server.web.Context().Err()
		}
		last := err != nil
		if last && len(line) == 0 && !tooLong {
			return lines, nil
		}
		lines++
		line = bytes.TrimSpace(line)
		switch {
		case tooLong || len(line) > maxLine:
			b.fail(lines, problem.New(problem.CodeTooLarge, "a line may have 65536 bytes"))
		case len(line) > 0:
			b.hand(lines, line)
		}
		if last {
			return lines, nil
		}
	}
}

// hand gives a line to the worker that has all lines of its subscriber.
func (b *bulkRun) hand(number int, line []byte) {
	doc, err := web.ParseObject(bytes.Clone(line))
	if err != nil {
		b.fail(number, err)
		return
	}
	id, err := doc.Required("subscriber_id")
	if err != nil {
		b.fail(number, err)
		return
	}
	b.lanes[engine.SlotOf(id)%bulkWorkers] <- bulkLine{number, id, doc}
}

func (b *bulkRun) carryOut(l bulkLine) {
	defer func() {
		if v := recover(); v != nil {
			b.server.config.Log.Error("panic in a bulk upload", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			b.fail(l.number, errors.New("panic"))
		}
	}()
	created, err := b.server.provision(l.id, l.doc)
	if err != nil {
		b.fail(l.number, err)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if created {
		b.answer.Created++
	} else {
		b.answer.Updated++
	}
}

// provision puts one subscriber and links it. Apps that are not named stay as
// they are.
func (s *Server) provision(id string, doc web.Object) (created bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, err := s.readProfile(id, doc)
	if err != nil {
		return false, err
	}
	apps, err := doc.Texts("apps")
	if err != nil {
		return false, err
	}
	for _, a := range apps {
		if _, ok := s.config.Tenants.App(a); !ok {
			return false, problem.Invalid("apps", "there is no app "+a)
		}
	}
	wait, cancel := s.within()
	defer cancel()
	created, refusal := s.config.Calls.PutProfile(wait, p)
	if refusal != nil {
		return false, refusal
	}
	for _, a := range apps {
		if refusal := s.config.Calls.Link(wait, a, id); refusal != nil {
			return created, refusal
		}
	}
	return created, nil
}

func (b *bulkRun) fail(line int, err error) {
	p := problem.From(err)
	if p.Code == problem.CodeInternal {
		b.server.config.Log.Error("line of a bulk upload failed", "line", line, "err", err)
	}
	detail := p.Detail
	if p.Field != "" {
		detail = p.Field + ": " + detail
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.answer.Failed) >= maxFailures {
		b.answer.Omitted++
		return
	}
	b.answer.Failed = append(b.answer.Failed, bulkFailure{Line: line, Code: p.Code, Detail: detail})
}

// patient gives a body without an end its time: it may take as long as it
// likes, as long as something arrives.
type patient struct {
	r    io.Reader
	conn net.Conn
}

func (p *patient) Read(b []byte) (int, error) {
	_ = p.conn.SetReadDeadline(time.Now().Add(bulkPause))
	return p.r.Read(b)
}
