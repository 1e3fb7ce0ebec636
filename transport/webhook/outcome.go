package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Class is what became of one attempt. The words are metric labels and appear
// in the list of attempts.
type Class string

// The classes of outcome. Delivered is the only one that moves a stream on.
const (
	Delivered   Class = "2xx"
	Redirected  Class = "3xx" // never followed: a redirected POST loses its body and leaks its signature
	Refused4xx  Class = "4xx"
	Gone        Class = "410" // the receiver wants no more
	Failed5xx   Class = "5xx"
	Timeout     Class = "timeout"
	ConnRefused Class = "refused"
	Reset       Class = "reset" // the connection broke before an answer
	DNS         Class = "dns"
	TLS         Class = "tls"
	Blocked     Class = "blocked"   // the guard
	Malformed   Class = "malformed" // what came back is not HTTP
	Unreachable Class = "unreachable"
	Canceled    Class = "canceled" // we stopped; says nothing about the receiver
)

// Outcome is the result of one attempt.
type Outcome struct {
	Class      Class
	Status     int           // 0 without an answer
	RetryAfter time.Duration // what the receiver asked for, unclamped; 0 for nothing
	Took       time.Duration
	Err        error  // for the log; free of secrets and personal data
	Body       []byte // of the answer, as far as the Parcel wanted it
	Excerpt    string // of the answer to a failed attempt, redacted; empty unless ClientConfig.ShowBodies
}

// transport reports whether no answer came at all: what the breaker counts.
func (o Outcome) transport() bool { return o.Status == 0 && o.Class != Canceled }

// throttles reports whether the outcome says that the receiver has too much to
// do, rather than that it dislikes one event.
func (o Outcome) throttles() bool {
	switch o.Status {
	case 429, 502, 503, 504:
		return true
	}
	return o.transport()
}

func classOf(status int) Class {
	switch {
	case status >= 200 && status < 300:
		return Delivered
	case status >= 300 && status < 400:
		return Redirected
	case status == 410:
		return Gone
	case status >= 400 && status < 500:
		return Refused4xx
	case status >= 500 && status < 600:
		return Failed5xx
	}
	return Malformed
}

// classOfError names the failure of a connection.
func classOfError(err error) Class {
	var (
		dns      *net.DNSError
		netErr   net.Error
		record   tls.RecordHeaderError
		alert    tls.AlertError
		verify   *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		shake    *handshakeError
	)
	switch {
	case errors.Is(err, ErrBlocked):
		return Blocked
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.As(err, &verify), errors.As(err, &unknown), errors.As(err, &hostname), errors.As(err, &invalid),
		errors.As(err, &record), errors.As(err, &alert), errors.As(err, &shake):
		return TLS
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return Timeout
	case errors.As(err, &dns):
		return DNS
	case errors.Is(err, syscall.ECONNREFUSED):
		return ConnRefused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return Unreachable
	}
	return Reset
}

// reason says in fixed words why an attempt did not count; "" if it did. It
// goes into the list of attempts, which the app may read.
func (o Outcome) reason() string {
	switch {
	case o.Class == Delivered:
		return ""
	case o.Class == Redirected:
		return "answered with a redirect, which is not followed"
	case o.Status != 0:
		return "answered " + strconv.Itoa(o.Status)
	}
	switch o.Class {
	case Timeout:
		return "no answer in time"
	case ConnRefused:
		return "connection refused"
	case Reset:
		return "connection closed before an answer"
	case DNS:
		return "the host name does not resolve"
	case Unreachable:
		return "the host cannot be reached"
	case Malformed:
		return "the answer is not HTTP"
	case TLS:
		return tlsReason(o.Err)
	case Blocked:
		return blockedReason(o.Err)
	case Canceled:
		return "stopped"
	}
	return string(o.Class)
}

// tlsReason does not use the words of the error: they repeat what the other
// side wrote into its certificate.
func tlsReason(err error) string {
	var (
		verify   *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unknown):
		return "the certificate was not accepted: nobody we know vouches for it"
	case errors.As(err, &hostname):
		return "the certificate was not accepted: it is for another name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate was not accepted: it has expired, or is not valid yet"
	case errors.As(err, &verify), errors.As(err, &invalid):
		return "the certificate was not accepted"
	}
	return "the TLS handshake failed"
}
