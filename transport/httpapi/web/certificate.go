package web

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a key pair on disk, and may become another one. When its files change it is read again;
// if what is there then is no key pair, the old one stays in use.
type certificate struct {
	log *slog.Logger

	mu                sync.Mutex
	certFile, keyFile string
	pair              *tls.Certificate
	version           [2]stamp
	checked           time.Time
}

// checkEvery is how old the look at the files may be.
const checkEvery = time.Second

type stamp struct {
	at   time.Time
	size int64
}

func loadCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, checked: time.Now()}
	if err := c.read(); err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", certFile, keyFile, err)
	}
	return c, nil
}

// use reads the pair now, from other files if need be. With an error all is as
// it was.
func (c *certificate) use(certFile, keyFile string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	wasCert, wasKey := c.certFile, c.keyFile
	c.certFile, c.keyFile = certFile, keyFile
	if err := c.read(); err != nil {
		c.certFile, c.keyFile = wasCert, wasKey
		return fmt.Errorf("certificate %s with key %s: %w", certFile, keyFile, err)
	}
	c.checked = time.Now()
	return nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.checked) >= checkEvery {
		c.checked = now
		if c.stamps() != c.version {
			if err := c.read(); err != nil {
				c.log.Error("the changed certificate cannot be used; the old one stays", "cert_file", c.certFile, "key_file", c.keyFile, "err", err)
			} else {
				c.log.Info("certificate read again", "cert_file", c.certFile)
			}
		}
	}
	return c.pair, nil
}

// read looks at the stamps first: files that change while they are read are
// read once more at the next look.
func (c *certificate) read() error {
	version := c.stamps()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.pair, c.version = &pair, version
	return nil
}

func (c *certificate) stamps() (s [2]stamp) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if fi, err := os.Stat(name); err == nil {
			s[i] = stamp{fi.ModTime(), fi.Size()}
		}
	}
	return s
}
