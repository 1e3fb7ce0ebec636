package provider

import "context"

// Entry is one user a platform knows.
type Entry struct {
	User, Number, Extension, FirstName, LastName, ServiceProvider, Group, Department string
}

// Source tells which users a platform has, and when that may have changed.
type Source interface {
	List(ctx context.Context, fn func(Entry) error) error
	Read(ctx context.Context, user string) (Entry, bool, error)
	Watch(ctx context.Context, changed func(user string)) error // changed("") when anything may have; blocks until ctx ends
}
