package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"offhook/store"
	"offhook/transport/client"
)

// doctorCmd looks at everything that an offhook needs, and changes nothing.
type doctorCmd struct {
	Config      string        `help:"Config file (YAML). Also OFFHOOK_CONFIG." placeholder:"FILE"`
	DataDir     string        `help:"Where everything is kept." placeholder:"DIR"`
	Listen      string        `help:"Address of the public listener." placeholder:"ADDR"`
	AdminListen string        `help:"Address of the admin listener." placeholder:"ADDR"`
	Offline     bool          `help:"Ask no platform."`
	JSON        bool          `name:"json" help:"Print JSON."`
	Timeout     time.Duration `help:"How long a platform may take." default:"10s"`
}

// finding is what came of one look.
type finding struct {
	Check  string `json:"check"`
	Status string `json:"status"`        // ok, warning, fault
	Detail string `json:"detail"`        // what is so
	Fix    string `json:"fix,omitempty"` // what to do about it
}

const (
	isOK      = "ok"
	isWarning = "warning"
	isFault   = "fault"
)

// doctor is one round.
type doctor struct {
	config  *Config
	running *running // the offhook of the data directory; nil if none is up
	whole   bool     // all of the data directory was read
	looked  error    // what came of looking at it
	timeout time.Duration
	now     time.Time
	found   []finding
}

func (d *doctor) ok(check, format string, args ...any) {
	d.found = append(d.found, finding{check, isOK, fmt.Sprintf(format, args...), ""})
}

func (d *doctor) warn(check, fix, format string, args ...any) {
	d.found = append(d.found, finding{check, isWarning, fmt.Sprintf(format, args...), fix})
}

func (d *doctor) fault(check, fix, format string, args ...any) {
	d.found = append(d.found, finding{check, isFault, fmt.Sprintf(format, args...), fix})
}

// unwell says that faults were found; they are printed already.
type unwell struct{ faults int }

func (u *unwell) Error() string { return fmt.Sprintf("%d faults were found", u.faults) }

func (c *doctorCmd) Run(p *program) error {
	d := &doctor{timeout: c.Timeout, now: time.Now()}
	err := p.until(func(ctx context.Context) error { d.examine(ctx, c, p); return ctx.Err() })
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(p.stdout, d.found)
	} else {
		err = d.print(p.stdout)
	}
	faults := 0
	for _, f := range d.found {
		if f.Status == isFault {
			faults++
		}
	}
	if err == nil && faults > 0 {
		return &unwell{faults}
	}
	return err
}

func (d *doctor) print(w io.Writer) error {
	mark := map[string]string{isOK: "ok     ", isWarning: "WARNING", isFault: "FAULT  "}
	for _, f := range d.found {
		text := fmt.Sprintf("%s  %s: %s\n", mark[f.Status], f.Check, clean(f.Detail))
		if f.Fix != "" {
			text += "         → " + clean(f.Fix) + "\n"
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	return nil
}

// examine looks at one thing after the other. What cannot be known because of
// something found before is left out.
func (d *doctor) examine(ctx context.Context, c *doctorCmd, p *program) {
	file := first(c.Config, p.env["OFFHOOK_CONFIG"])
	cfg, err := loadConfig(sources{File: file, Env: p.env, DataDir: c.DataDir, Listen: c.Listen, AdminListen: c.AdminListen})
	var wrong *configError
	switch {
	case errors.As(err, &wrong):
		for _, f := range *wrong {
			d.fault("config", "put it right; what follows from it was not looked at", "%s", f)
		}
		return
	case err != nil:
		d.fault("config", "", "%v", err)
		return
	}
	d.config = cfg
	if file == "" {
		d.ok("config", "none is given; the defaults and the environment hold")
	} else {
		d.ok("config", "%s can be used", file)
	}
	for _, w := range cfg.Warnings {
		d.warn("config", "", "%s", w)
	}
	d.clock()
	d.descriptors()
	d.look(ctx)
	d.server(ctx, p)
	d.disk()
	d.dataDir()
	d.certificates()
	d.ports(ctx)
	if !c.Offline {
		d.networks(ctx)
	}
}

// clock: retention, signatures of webhooks and certificates go by it.
func (d *doctor) clock() {
	const built = 2026
	if y := d.now.Year(); y < built || y > built+30 {
		d.fault("clock", "set the machine's clock, and keep it set (chrony, systemd-timesyncd)", "it is %s here", d.now.UTC().Format(time.RFC3339))
		return
	}
	d.ok("clock", "%s", d.now.UTC().Format(time.RFC3339))
}

func (d *doctor) descriptors() {
	const fix = "raise the hard limit (ulimit -Hn; LimitNOFILE= in a systemd unit)"
	limit, err := openFiles()
	if err != nil {
		d.fault("file descriptors", "", "%v", err)
		return
	}
	files, err := share(limit)
	if err == nil && d.config.Simulator.Enabled {
		files, err = files.withDemo()
	}
	switch {
	case err != nil:
		d.fault("file descriptors", fix, "%v", err)
	case limit < 4096:
		d.warn("file descriptors", fix, "%d: enough for %d connections to the API", limit, files.api)
	default:
		d.ok("file descriptors", "%d: %d connections to the API, %d deliveries at a time", limit, files.api, files.attempts)
	}
}

// server asks the offhook that runs on the data directory, if one does.
func (d *doctor) server(ctx context.Context, p *program) {
	is, err := readRunning(d.config.DataDir)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			d.warn("server", "", "where it is cannot be read: %v", err)
		}
		return
	}
	r := remote{DataDir: d.config.DataDir, AdminToken: d.config.Admin.Token, Timeout: d.timeout}
	// Not the process that the file names: its number may be somebody else's now.
	if !errors.Is(d.looked, store.ErrInUse) && !errors.Is(d.looked, os.ErrPermission) {
		d.warn("server", "start it; nothing that was acknowledged or told is lost", "process %d ended without a drain on %s: it was killed, or the machine went down", is.PID, d.config.DataDir)
		return
	}
	a, err := r.admin(&program{env: map[string]string{}})
	if err != nil {
		d.warn("server", "run this where the server runs, as its user or as root", "it cannot be asked: %v", err)
		return
	}
	defer a.Close()
	about, err := a.GetAbout(ctx)
	if client.CodeOf(err) != "" {
		d.fault("server", "look into the file "+adminTokenFile+" of the data directory, or admin.token", "process %d at %s does not take the admin token: %v", is.PID, is.Admin, err)
		d.running = &is
		return
	}
	if err != nil {
		d.warn("server", "run this where it runs; if it hangs, restart it", "it should be at %s, and is not: %v", is.Admin, err)
		return
	}
	d.running = &is
	ready, err := a.GetReadiness(ctx)
	switch {
	case err != nil:
		d.warn("server", "", "%v", err)
	case !ready.Ready:
		d.fault("server", "its log says more", "%s runs at %s and is not ready: %v", about.Version, is.Admin, ready.NotReady)
	case about.Version != version:
		d.warn("server", "restart it to run the one that you called", "%s runs at %s; this is %s", about.Version, is.Admin, version)
	default:
		d.ok("server", "%s runs at %s and %s", about.Version, is.API, is.Admin)
	}
}
