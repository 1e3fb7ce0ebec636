// Package crash turns the power off at every write to the disk and looks at
// what is left. Owners, store and dispatcher live on a disk in memory, before a
// platform and receivers that remember everything they were told; at each write
// the disk is copied with all, half and none of what was not synced, opened,
// and held against everything that had left the process by then. Now and then
// the power really goes: the next life begins on what was left, and whoever has
// to do with offhook goes on as if nothing had happened. Beside that, bits flip
// on the disk of a process that was killed. It holds tests only.
//
//	OFFHOOK_CRASH_SEED   what to replay; a test prints its own
//	OFFHOOK_CRASH_N      how many points (a write and a loss) are looked at
//	OFFHOOK_CRASH_SEEDS  how many stories of power cuts one after another
//	OFFHOOK_CRASH_FLIPS  how many bits flip
package crash
