// Package console is what an operator's browser gets: the pages, which are
// plain files in the program, and the board, a live feed of the calls of all
// apps.
//
// The board promises that a client that has read everything shows what is
// durable, and that a client that reads slowly costs no more than the names of
// the subscribers that changed meanwhile: it gets the latest of each, not all
// that was in between. Who may read is asked by the listener that mounts it.
package console
