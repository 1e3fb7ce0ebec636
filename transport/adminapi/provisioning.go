package adminapi

import (
	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/problem"
)

// Provisioning is what keeps the subscribers of networks as their sources say.
type Provisioning interface {
	// Provisioning returns how it goes; false where there is no source.
	Provisioning(network string) (tenant.ProvisioningStatus, bool)
	// Confirm lets deletions go ahead that are held; false when none are.
	Confirm(network string) bool
}

// provisioningView is how the provisioning of a network goes.
type provisioningView struct {
	Source      string     `json:"source"`
	State       string     `json:"state"`
	Entries     int        `json:"entries"`
	Subscribers int        `json:"subscribers"`
	ByHand      int        `json:"by_hand"`
	Conflicts   int        `json:"conflicts"`
	Skipped     int        `json:"skipped"`
	UnknownApps []string   `json:"unknown_apps"`
	Added       uint64     `json:"added"`
	Changed     uint64     `json:"changed"`
	Renamed     uint64     `json:"renamed"`
	Deleted     uint64     `json:"deleted"`
	LastFull    *int64     `json:"last_full_at"` // ms since the epoch; null for never
	LastError   string     `json:"last_error"`
	ErrorAt     *int64     `json:"last_error_at"`
	Held        *brakeView `json:"held"` // null unless deletions wait to be confirmed
}

type brakeView struct {
	Missing int   `json:"missing"`
	Of      int   `json:"of"`
	Since   int64 `json:"since"`
}

func viewProvisioning(s *tenant.ProvisioningStatus) *provisioningView {
	v := &provisioningView{
		Source: s.Source, State: s.State, Entries: s.Entries, Subscribers: s.Provisioned,
		ByHand: s.ByHand, Conflicts: s.Conflicts, Skipped: s.Skipped, UnknownApps: list(s.UnknownApps),
		Added: s.Added, Changed: s.Changed, Renamed: s.Renamed, Deleted: s.Deleted,
		LastFull: moment(s.LastFull), LastError: s.LastError, ErrorAt: moment(s.ErrorAt),
	}
	if s.Braked != nil {
		v.Held = &brakeView{s.Braked.Missing, s.Braked.Of, s.Braked.Since}
	}
	return v
}

func moment(ms int64) *int64 {
	if ms == 0 {
		return nil
	}
	return &ms
}

// provisioning is how it goes for a network; nil where there is no source.
func (s *Server) provisioning(network string) *provisioningView {
	if s.config.Provisioning == nil {
		return nil
	}
	status, ok := s.config.Provisioning.Provisioning(network)
	if !ok {
		return nil
	}
	return viewProvisioning(&status)
}

// confirmProvisioning lets the deletions go ahead that are held.
func (s *Server) confirmProvisioning(ctx *fasthttp.RequestCtx) error {
	n, err := s.network(ctx)
	if err != nil {
		return err
	}
	if s.provisioning(n.ID) == nil {
		return problem.NotFound()
	}
	if !s.config.Provisioning.Confirm(n.ID) {
		return problem.New(engine.CodeConflict, "nothing is held")
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
