// Package openapitest holds what passes through the HTTP tests against the
// documents in docs: every answer must be one that the document knows, with
// its status, headers and members and no others, and every request that is
// not refused must be one the document allows.
//
// A document that promises more than is true, or less, fails a test.
package openapitest
