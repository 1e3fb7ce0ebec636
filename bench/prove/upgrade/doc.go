// Package upgrade opens data directories that earlier versions wrote: what was
// acknowledged then is there now, streams go on with the next number, what
// waited is delivered, and calls that were live end. testdata has one directory
// for each tagged version, killed in the middle of calls, with what it had
// acknowledged by then, and one for a format that no tagged version wrote last.
// It holds tests only.
//
// A version's directory is written by its own program, once, when it is tagged:
//
//	OFFHOOK_UPGRADE_PROGRAM=bin/offhook OFFHOOK_UPGRADE_KEEP=v0.3.0 go test -count=1 -run OfThisProgram ./bench/prove/upgrade
package upgrade
