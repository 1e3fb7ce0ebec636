package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"offhook/transport/client"
)

type statusCmd struct{ remote }

func (c *statusCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		about, err := a.GetAbout(ctx)
		if err != nil {
			return err
		}
		ready, err := a.GetReadiness(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			err = printJSON(p.stdout, struct {
				client.About
				client.Readiness
			}{about, ready})
		} else {
			err = facts(p.stdout, fact{"version", about.Version}, fact{"ready", strconv.FormatBool(ready.Ready)}, fact{"not ready", strings.Join(ready.NotReady, " ")},
				fact{"its clock", time.UnixMilli(about.Now).Format(time.RFC3339)}, fact{"demo's simulator", strconv.FormatBool(about.Simulator)})
		}
		if err == nil && !ready.Ready {
			return &unwell{}
		}
		return err
	})
}

type logCmd struct {
	remote
	Level string `arg:"" optional:"" enum:",debug,info,warn,error" default:"" help:"From now on: debug, info, warn or error. What holds is shown if it is left out."`
}

func (c *logCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		level, err := c.Level, error(nil)
		if level == "" {
			level, err = a.GetLog(ctx)
		} else {
			level, err = a.PutLog(ctx, level)
		}
		if err != nil {
			return err
		}
		return p.did(c.JSON, "level", level)
	})
}
