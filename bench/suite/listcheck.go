package suite

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/valyala/fasthttp"
)

// chunk is what the bare server sends, again and again.
var chunk = make([]byte, 64<<10)

// bareList answers with as many bytes as it was asked for, as the API sends a
// list: in one piece if it is a page's, else as a stream.
func bareList(ctx *fasthttp.RequestCtx) {
	n := ctx.QueryArgs().GetUintOrZero("bytes")
	ctx.SetContentType("application/json")
	if n <= len(chunk) {
		ctx.Response.SetBodyRaw(chunk[:n])
		return
	}
	ctx.SetBodyStream(io.LimitReader(endless{}, int64(n)), -1)
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return copy(b, chunk), nil }

// check reads a list and finds each call once in it. It returns its size.
func (l *lists) check(ctx context.Context, url string, calls int) (size int64, err error) {
	seen := make(map[string]bool, calls)
	link, err := l.get(ctx, url, func(r io.Reader) error {
		counted := &counting{r: r}
		d := json.NewDecoder(counted)
		if _, err := d.Token(); err != nil {
			return err
		}
		for d.More() {
			var call struct {
				ID    string `json:"call_id"`
				State string `json:"state"`
			}
			if err := d.Decode(&call); err != nil {
				return err
			}
			if call.State != "ringing" || seen[call.ID] {
				return fmt.Errorf("call %q, %s, is not what it should be", call.ID, call.State)
			}
			seen[call.ID] = true
		}
		_, err := io.Copy(io.Discard, io.MultiReader(d.Buffered(), counted))
		size = counted.n
		return err
	})
	switch {
	case err != nil:
		return 0, err
	case len(seen) != calls:
		return 0, fmt.Errorf("%s: %d calls instead of %d", url, len(seen), calls)
	case (link != "") != (calls < l.n):
		return 0, fmt.Errorf("%s: %d calls of %d, and the next page is %q", url, calls, l.n, link)
	}
	return size, nil
}

// counting counts what is read.
type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
