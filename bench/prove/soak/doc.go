// Package soak runs the real program under steady traffic and watches what it
// uses: goroutines, file descriptors, heap, memory and disk, over the calls
// that went through it. Offhook is the plain build and the platform a process
// of its own with its own traffic; app clients work through the API, a lean
// receiver checks every webhook, and a follower every event of the stream. Each
// figure has to be flat: the medians of its second and its last quarter are
// compared. It holds tests only.
//
//	OFFHOOK_SOAK_MINUTES  how long; without it 20 seconds
//	OFFHOOK_SOAK_RATE     calls a second of the platform's own
//	OFFHOOK_SOAK_SEED     of the platform
//	OFFHOOK_SOAK_PLOT     the SVG file to draw
//
// Retention is an hour at least, so that disk can only be flat in a run of
// hours. In a shorter one everything is kept, and what is flat is the disk that
// a call takes.
package soak
