// Package client is a typed client of offhook's two APIs: the public one, for
// apps, and the admin one. Each operation of the documents docs/openapi.yaml
// and docs/admin-openapi.yaml is a method by the operation's name.
//
// Reads that are put off (429, 503) are asked again when their Retry-After is
// over, a few times. What changes something is sent once: whoever wants to send
// it again gives it an idempotency key. Redirects are not followed, since the
// key would go along. No answer is read without a bound.
//
// What is refused is an *Error, which has the problem document in it.
package client
