// Package httpapi is the public listener: the specification's seven routes to
// the letter, and what an app needs beside them.
//
// It promises that an app sees what is linked to it and nothing else: another
// app's things look like missing ones, to the byte. It promises that bad
// input is refused with a problem document before anybody acts on it; that a
// command's answer is the core's, never a guess; and that the events of a
// call are held back until its 201 has been handed to the socket, and no
// longer than that.
//
// It decides nothing about calls. Everything handed on is copied out of the
// request, which fasthttp uses again.
package httpapi
