package adminapi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/transport/problem"
)

type backups struct {
	made  []string
	begun chan struct{}
	end   chan error
}

func (b *backups) Backup(dir string) error {
	b.made = append(b.made, dir)
	if b.begun != nil {
		b.begun <- struct{}{}
		return <-b.end
	}
	return nil
}

func TestABackupIsMadeWhereItIsAskedForOneAtATime(t *testing.T) {
	b := &backups{}
	o := newOffice(t, func(c *Config) { c.Backups, c.Full = b, func() bool { return true } })
	o.do("POST", "/admin/backup", `{"dir":"/var/backups/../monday"}`).want(t, 201, `{"dir":"/var/monday","took_ms":1000}`)
	require.Equal(t, []string{"/var/monday"}, b.made)
	for _, wrong := range []string{`{"dir":"monday"}`, `{"dir":""}`, `{"dir":7}`, `{}`} {
		o.do("POST", "/admin/backup", wrong).wantProblem(t, 422, "invalid_field")
	}
	o.send("POST", "/admin/backup", nil, "Authorization", "Bearer x").wantProblem(t, 401, "unauthorized")

	b.begun, b.end = make(chan struct{}), make(chan error)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		o.do("POST", "/admin/backup", `{"dir":"/a"}`).wantProblem(t, 409, "conflict")
	}()
	<-b.begun
	o.do("POST", "/admin/backup", `{"dir":"/b"}`).wantProblem(t, 409, "conflict")
	b.end <- problem.New(engine.CodeConflict, "/a: there is something already")
	<-ended
	require.Equal(t, []string{"/var/monday", "/a"}, b.made)
}
