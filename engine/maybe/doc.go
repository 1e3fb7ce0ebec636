// Package maybe makes rare things happen often, in tests alone: a reader that
// reads one byte, a timer that fires early, a connection that drops at the
// worst of moments. Code names a site where something of the kind may always
// happen and must do no harm; a simulation arms the sites with a seed.
//
// Without the build tag maybe every function here is a constant that compiles
// to nothing, and that is what ships.
package maybe
