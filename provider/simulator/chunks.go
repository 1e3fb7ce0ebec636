package simulator

import (
	"net/http"
	"time"
)

// chunkWriter writes one channel, chunk by chunk.
type chunkWriter struct {
	s       *Simulator
	w       http.ResponseWriter
	r       *request
	ch      *channel
	control *http.ResponseController
}

// maxCut is the longest chunk of documents that are cut anyhow; many are
// shorter than a document, some hold several.
const maxCut = 4000

// cuts are the lengths of the chunks the documents are to be written in; nil
// for one each. mu is held.
func (s *Simulator) cuts(ch *channel, docs []doc) (cuts []int) {
	if s.cfg.Chunks != ChunkAnyhow {
		return nil
	}
	left := 0
	for _, d := range docs {
		left += len(d.bytes)
	}
	for left > 0 {
		most := maxCut
		if ch.rnd.chance(0.5) {
			most = 40
		}
		n := min(1+ch.rnd.IntN(most), left)
		cuts = append(cuts, n)
		left -= n
	}
	return cuts
}

// write writes documents, each as one chunk (dossier §3.4) unless cuts says
// otherwise. It reports whether the client is still there.
func (c *chunkWriter) write(docs []doc, cuts []int) bool {
	if cuts == nil {
		for _, d := range docs {
			if !c.put(d.bytes) {
				return false
			}
		}
		return true
	}
	var all []byte
	for _, d := range docs {
		all = append(all, d.bytes...)
	}
	for _, n := range cuts {
		if !c.put(all[:n]) {
			return false
		}
		all = all[n:]
	}
	return true
}

// A slow_reader takes so many bytes and then a rest.
const slowPiece = 256

// put writes one chunk, or several small ones to a reader that is slow.
func (c *chunkWriter) put(b []byte) bool {
	for len(b) > 0 {
		piece, rest := b, time.Duration(0)
		if rest = c.s.slowness(c.ch); rest > 0 {
			piece = b[:min(len(b), slowPiece)]
		}
		if c.ch.aborted.Load() {
			panic(http.ErrAbortHandler) // the connection breaks, as meant
		}
		if _, err := c.w.Write(piece); err != nil {
			return false
		}
		if c.control.Flush() != nil {
			return false
		}
		b = b[len(piece):]
		if rest > 0 && !c.pause(rest) {
			return false
		}
	}
	return true
}

// pause waits, unless the client leaves meanwhile or the channel is broken.
func (c *chunkWriter) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return true
		case <-c.ch.broken:
			return true // put sees it
		case <-c.r.Context().Done():
			return false
		case <-c.s.done:
			return false
		}
	}
}

// slowness is how long the reader of a channel rests after each piece.
func (s *Simulator) slowness(ch *channel) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.kind == faultSlowReader && f.phone == nil && f.at(ch.xsp, ch.host, nil) {
			return f.delay / 10
		}
	}
	return 0
}
