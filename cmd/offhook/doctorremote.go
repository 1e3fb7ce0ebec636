package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"offhook/engine/tenant"
)

const (
	soonExpired = 14 * 24 * time.Hour
	clockOff    = 30 * time.Second
)

// certificates: that they match their keys the config's own check says.
func (d *doctor) certificates() {
	c := d.config
	d.certificate("tls.cert_file", c.TLS)
	d.certificate("admin.tls.cert_file", c.Admin.TLS)
	for _, n := range c.tenants {
		t := n.BroadWorks.Contact
		d.certificate("events.cert_file of "+n.ID, TLS{t.CertFile, t.KeyFile})
	}
}

func (d *doctor) certificate(setting string, t TLS) {
	if t.CertFile == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		d.fault("certificates", "give the certificate's own key", "%s cannot be used with its key: %v", setting, err)
		return
	}
	leaf := pair.Leaf
	const fix = "renew it; the files are read again when they change"
	switch left := leaf.NotAfter.Sub(d.now); {
	case left <= 0:
		d.fault("certificates", fix, "%s expired on %s", setting, leaf.NotAfter.UTC().Format(time.DateOnly))
	case d.now.Before(leaf.NotBefore):
		d.fault("certificates", "look at the clock, or wait", "%s is good from %s on", setting, leaf.NotBefore.UTC().Format(time.RFC3339))
	case left < soonExpired:
		d.warn("certificates", fix, "%s expires on %s", setting, leaf.NotAfter.UTC().Format(time.DateOnly))
	default:
		d.ok("certificates", "%s is good until %s", setting, leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	if info, err := os.Stat(t.KeyFile); err == nil && info.Mode().Perm()&0o007 != 0 {
		d.warn("certificates", "chmod 600 "+t.KeyFile, "the key of %s can be read by all users", setting)
	}
}

// networks asks each platform of the config: all XSPs for a connection, the
// first that has one whether the credentials are good. That is one request,
// since BroadWorks locks accounts that fail to log in again and again.
func (d *doctor) networks(ctx context.Context) {
	for _, n := range d.config.tenants {
		d.network(ctx, n)
	}
}

func (d *doctor) network(ctx context.Context, n *tenant.Network) {
	check := "network " + n.ID
	bw := &n.BroadWorks
	secure, err := trusting(bw.CAFile)
	if err != nil {
		d.fault(check, "name a file with certificates (PEM) in ca_file", "%v", err)
		return
	}
	xsps, err := d.xsps(ctx, bw)
	if err != nil {
		d.fault(check, "look at srv, and at the machine's DNS", "%s has no XSPs: %v", bw.SRV, err)
		return
	}
	var up []string
	for _, x := range xsps {
		if err := d.reach(ctx, x, secure); err != nil {
			d.fault(check, "look at xsps, DNS, the firewall, and ca_file if it is about a certificate", "%s cannot be reached: %v", x, err)
			continue
		}
		up = append(up, x)
	}
	if len(up) > 0 {
		d.login(ctx, check, up[0], bw, secure)
	}
}

func trusting(caFile string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return c, nil
	}
	text, err := os.ReadFile(caFile) // #nosec G304 -- a file that the operator names
	if err != nil {
		return nil, err
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate", caFile)
	}
	return c, nil
}

func (d *doctor) xsps(ctx context.Context, bw *tenant.BroadWorks) ([]string, error) {
	if len(bw.XSPs) > 0 {
		return bw.XSPs, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	_, records, err := net.DefaultResolver.LookupSRV(ctx, "xsi-client", "tcp", bw.SRV)
	if err != nil {
		return nil, err
	}
	all := make([]string, 0, len(records))
	for _, r := range records {
		all = append(all, fmt.Sprintf("https://%s:%d", strings.TrimSuffix(r.Target, "."), r.Port))
	}
	return all, nil
}

// reach connects, and shows nobody a password.
func (d *doctor) reach(ctx context.Context, xsp string, secure *tls.Config) error {
	u, err := url.Parse(xsp)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	at := u.Host
	if u.Port() == "" {
		at = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	var conn net.Conn
	if u.Scheme == "https" {
		conn, err = (&tls.Dialer{Config: secure}).DialContext(ctx, "tcp", at)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", at)
	}
	if err != nil {
		return err
	}
	return conn.Close()
}

// login asks for the profile of the account itself, once.
func (d *doctor) login(ctx context.Context, check, xsp string, bw *tenant.BroadWorks, secure *tls.Config) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	path := first(bw.ActionsPath, "/com.broadsoft.xsi-actions") + "/v2.0/user/" + url.PathEscape(bw.Username) + "/profile"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(xsp, "/")+path, nil)
	if err != nil {
		d.fault(check, "", "%v", err)
		return
	}
	req.SetBasicAuth(bw.Username, bw.Password)
	h := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: secure, DisableKeepAlives: true, Proxy: nil},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := h.Do(req)
	if err != nil {
		d.fault(check, "look at xsps and at the firewall", "%s does not answer: %v", xsp, err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	switch s := resp.StatusCode; {
	case s == http.StatusUnauthorized:
		d.fault(check, "look at username and at the file password_file; ask the operator whether the account is locked. Nothing more was tried, since trying locks it", "%s refuses the user name or the password (401)", xsp)
	case s >= 500:
		d.warn(check, "ask the operator of the platform", "%s answers %d: whether the credentials are good is not known", xsp, s)
	case s == http.StatusNotFound && bytes.Contains(body, []byte("<ErrorInfo")):
		// The platform itself says so: the path is right, and who may log in need
		// not be a user with a profile.
		d.ok(check, "%s takes the credentials", xsp)
	case s == http.StatusNotFound:
		d.warn(check, "look at actions_path and at username", "%s answers 404 to what offhook asks for", xsp)
	case s >= 300 && s < 400:
		d.warn(check, "name the XSP it redirects to in xsps", "%s redirects (%d)", xsp, s)
	case s == http.StatusForbidden:
		d.warn(check, "ask the operator to let the account use Xsi-Actions", "%s takes the credentials and answers 403", xsp)
	default:
		d.ok(check, "%s takes the credentials", xsp)
	}
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return
	}
	if off := time.Since(at).Round(time.Second); off.Abs() > clockOff {
		d.warn("clock", "keep the machine's clock set (chrony, systemd-timesyncd)", "it is %v off that of %s", off, xsp)
	}
}
