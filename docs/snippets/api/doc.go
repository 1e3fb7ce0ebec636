// Package api holds, for each operation of docs/openapi.yaml, how it is asked for
// with curl and in Go, Python and JavaScript, with nothing but what comes with the
// language. The four files are made of the table in table_test.go, and each
// operation of each of them is run against a real offhook.
package api
