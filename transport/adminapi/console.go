package adminapi

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/transport/console"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// Console is what the pages need beside the rest of this listener.
type Console struct {
	Pages     *console.Pages
	Board     *console.Board
	Calls     console.Calls
	Version   string
	Simulator string // host and port of the demo's simulator; empty for none
}

func (s *Server) routeConsole(c *Console) {
	s.routes.Moved("/", "console") // for whoever has the address alone
	s.routes.Moved("/console/", "../console")
	s.routes.Handle("GET", "/console", c.Pages.Index)
	s.routes.Handle("GET", "/console/{file:*}", c.Pages.File)
	s.routes.Handle("GET", "/admin/about", s.guard(s.about))
	s.routes.Handle("GET", "/admin/calls", s.guard(s.allCalls))
	s.routes.Handle("GET", "/admin/calls/stream", s.guard(s.board))
	if c.Simulator != "" {
		s.routeSimulator(c.Simulator)
	}
}

// about says what runs here.
func (s *Server) about(ctx *fasthttp.RequestCtx) error {
	return writeJSON(ctx, fasthttp.StatusOK, struct {
		Version   string `json:"version"`
		Simulator bool   `json:"simulator"` // its control paths are below /admin/simulator
		Now       int64  `json:"now"`
	}{s.config.Console.Version, s.config.Console.Simulator != "", s.config.Now().UnixMilli()})
}

// allCalls are the live calls of all apps and of none, in the order of their
// ids, which stays the same while calls come and go between two pages.
func (s *Server) allCalls(ctx *fasthttp.RequestCtx) error {
	type one struct {
		of   actor.Shown
		call *engine.Call
	}
	var all []one
	for part := range actor.BoardParts {
		for _, shown := range s.config.Console.Calls.Board(part) {
			for i := range shown.Calls {
				all = append(all, one{shown, &shown.Calls[i]})
			}
		}
	}
	slices.SortFunc(all, func(a, b one) int { return cmp.Compare(a.call.ID, b.call.ID) })
	var b []byte
	return web.WriteList(ctx, "/admin/calls", func(after string, limit int, item func([]byte)) (string, error) {
		from := 0
		if after != "" {
			id, ok := engine.ParseCallID(after)
			if !ok {
				return "", problem.Invalid("after", "must come from the Link of the page before")
			}
			from, _ = slices.BinarySearchFunc(all, id+1, func(o one, id engine.CallID) int { return cmp.Compare(o.call.ID, id) })
		}
		to := min(len(all), from+limit)
		for _, o := range all[from:to] {
			b = console.AppendCall(b[:0], &o.of, o.call)
			item(b)
		}
		if to < len(all) {
			return all[to-1].call.ID.String(), nil
		}
		return "", nil
	})
}

// boardWrite is how long a browser may take for one piece of the board.
const boardWrite = 10 * time.Second

// board is the calls of all apps as they change, as server-sent events.
func (s *Server) board(ctx *fasthttp.RequestCtx) error {
	if !ctx.Request.Header.IsHTTP11() {
		return problem.New(problem.CodeBadRequest, "a stream needs HTTP/1.1; a proxy in between may have to be told so")
	}
	stream := func() {
		ctx.Response.Header.SetContentType("text/event-stream")
		ctx.Response.Header.Set("X-Accel-Buffering", "no") // nginx would collect it
	}
	if ctx.IsHead() {
		stream()
		return nil
	}
	conn := ctx.Conn()
	r, err := s.config.Console.Board.Open(func() { _ = conn.SetWriteDeadline(time.Now().Add(boardWrite)) })
	switch {
	case errors.Is(err, console.ErrFull):
		s.config.Metrics.Limited("boards")
		return &problem.Problem{Code: problem.CodeRateLimited, Detail: "as many boards are open as may be", RetryAfter: 10}
	case err != nil:
		return &problem.Problem{Code: engine.CodeBusy, Detail: "this offhook is shutting down"}
	}
	stream()
	ctx.SetBodyStream(r, -1)
	return nil
}
