// Package commands runs what the documents tell a reader to type: every shell
// block of README.md and docs/*.md, in a shell, against a real offhook. What
// cannot be run is in one list, with the reason.
package commands
