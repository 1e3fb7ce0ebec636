// Package scarce takes away what the program lives on, a piece at a time: room
// on the disk, the disk's speed, file descriptors, a clock that goes forward. It
// looks at what everybody is told meanwhile, and at what is there when it comes
// back. It holds tests only.
//
// The disk is one that the test mounts for the program where it may, else a
// directory on which the program is told to keep most of the disk free.
package scarce
