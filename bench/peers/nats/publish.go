package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	stream  = "outbox"
	subject = "outbox.calls"
	// patience is how long the server may take to be ready, or to acknowledge.
	patience = 30 * time.Second
)

type config struct {
	dir              string
	publishers, size int
}

// bench is a server and its publishers.
type bench struct {
	server     *server.Server
	conns      []*nats.Conn
	publishers []nats.JetStreamContext
	bodies     [][]byte
	acked      atomic.Int64
}

// open starts a server that syncs each message before it acknowledges it, and
// connects the publishers through a socket, as they would be elsewhere.
func open(c config) (_ *bench, err error) {
	b := &bench{bodies: make([][]byte, 1024)}
	for i := range b.bodies { // made of chance: they do not compress
		b.bodies[i] = make([]byte, c.size)
		if _, err := rand.Read(b.bodies[i]); err != nil {
			return nil, err
		}
	}
	b.server, err = server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: c.dir, SyncAlways: true,
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	b.server.Start()
	if !b.server.ReadyForConnections(patience) {
		return nil, errors.New("the server is not ready for connections")
	}
	for range c.publishers {
		nc, err := nats.Connect(b.server.ClientURL())
		if err != nil {
			return nil, err
		}
		b.conns = append(b.conns, nc)
		js, err := nc.JetStream(nats.MaxWait(patience))
		if err != nil {
			return nil, err
		}
		b.publishers = append(b.publishers, js)
	}
	_, err = b.publishers[0].AddStream(&nats.StreamConfig{
		Name: stream, Subjects: []string{stream + ".>"}, Storage: nats.FileStorage, Replicas: 1,
	})
	return b, err
}

func (b *bench) close() {
	for _, nc := range b.conns {
		nc.Close()
	}
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

func (b *bench) version() string { return server.VERSION }

// round lets each publisher publish as soon as its last message was
// acknowledged. A quarter of it goes by before it is counted.
func (b *bench) round(round time.Duration) (line, error) {
	var over atomic.Bool
	var wg sync.WaitGroup
	errs := make([]error, len(b.publishers))
	for n, js := range b.publishers {
		wg.Go(func() {
			for i := n; !over.Load() && errs[n] == nil; i++ {
				if _, errs[n] = js.Publish(subject, b.bodies[i%len(b.bodies)]); errs[n] == nil {
					b.acked.Add(1)
				}
			}
		})
	}
	time.Sleep(round / 4)
	before, began := b.acked.Load(), time.Now()
	time.Sleep(round)
	counted, took := b.acked.Load()-before, time.Since(began)
	over.Store(true)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return line{}, err
	}
	info, err := b.publishers[0].StreamInfo(stream)
	if err != nil {
		return line{}, fmt.Errorf("ask for the stream: %w", err)
	}
	return line{Version: b.version(), Acked: b.acked.Load(), Stored: info.State.Msgs, Counted: counted, Seconds: took.Seconds()}, nil
}
