// Package kill9 kills the real program, again and again, and holds what comes
// back against what was acknowledged. offhook and the simulated platform are
// processes; apps place, answer, hold, resume and end calls over HTTP, an
// operator changes apps, keys, links, webhooks and subscribers, a receiver takes
// webhooks and a client follows the event stream. Each of them writes down what
// it was answered. kill -9 comes under load, during start-up, twice in a row,
// while draining after SIGTERM, together with the platform, and after its
// channels broke. It holds tests only.
//
//	OFFHOOK_KILL9_CYCLES       how many times it is killed and looked at; 20
//	OFFHOOK_KILL9_SEED         of the moments and of what the apps do; a test prints its own
//	OFFHOOK_KILL9_SUBSCRIBERS  of the start that is timed; 100000 in a long run
//
// kill -9 leaves what the kernel was given: that it reached the disk is what
// bench/prove/crash looks at.
package kill9
