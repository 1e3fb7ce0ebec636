package simulator

import (
	"strings"
	"time"

	"offhook/provider/simulator/oci"
)

// ociSettings are the lines of a scenario about how users are provisioned.
var ociSettings = map[string]func(c *oci.Config, value string) error{
	"oci-release": func(c *oci.Config, value string) (err error) {
		c.Release, err = wholeNumber(value, 1, 100)
		return err
	},
	"oci-lacks": func(c *oci.Config, value string) error {
		c.Lacks = strings.Split(value, ",")
		return nil
	},
	"oci-columns": func(c *oci.Config, value string) error {
		c.UserColumns = strings.Split(value, ",")
		return nil
	},
	"oci-max-rows": func(c *oci.Config, value string) (err error) {
		c.MaxRows, err = wholeNumber(value, 1, maxSubscribers)
		return err
	},
	"oci-page": func(c *oci.Config, value string) (err error) {
		c.PageCap, err = wholeNumber(value, 1, maxSubscribers)
		return err
	},
	"oci-numbers": func(c *oci.Config, value string) error {
		return oneOf(value, map[string]func(){"dashed": func() { c.DashedNumbers = true }, "national": func() { c.DashedNumbers = false }})
	},
	"oci-lock-after": func(c *oci.Config, value string) (err error) {
		c.MaxLoginFailures, err = wholeNumber(value, 1, 1000)
		return err
	},
	"feed-ping": func(c *oci.Config, value string) (err error) {
		c.Reporting.PingEvery, err = time.ParseDuration(value)
		return err
	},
	"feed-lines":      yesOrNo(func(c *oci.Config) *bool { return &c.Reporting.Lines }),
	"feed-masked":     yesOrNo(func(c *oci.Config) *bool { return &c.Reporting.AlterPasswords }),
	"feed-identities": yesOrNo(func(c *oci.Config) *bool { return &c.Reporting.PublicIdentity }),
}

func yesOrNo(of func(*oci.Config) *bool) func(*oci.Config, string) error {
	return func(c *oci.Config, value string) error {
		return oneOf(value, map[string]func(){"yes": func() { *of(c) = true }, "no": func() { *of(c) = false }})
	}
}
