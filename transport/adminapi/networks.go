package adminapi

import (
	"cmp"
	"slices"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// networkView is a network as in the config file, without its password.
type networkView struct {
	ID         string         `json:"network_id"`
	Provider   string         `json:"provider"`
	BroadWorks broadworksView `json:"broadworks"`
	Dialing    dialingView    `json:"dialing"`
	ReadOnly   bool           `json:"read_only"` // of the config file

	// How it goes right now: not of a network that was just made or changed.
	Link         *linkView         `json:"link,omitempty"`
	Provisioning *provisioningView `json:"provisioning,omitempty"`
}

type broadworksView struct {
	XSPs          []string     `json:"xsps"`
	SRV           string       `json:"srv"`
	ActionsPath   string       `json:"actions_path"`
	EventsPath    string       `json:"events_path"`
	ChannelPath   string       `json:"channel_path"`
	Username      string       `json:"username"`
	CAFile        string       `json:"ca_file"`
	ApplicationID string       `json:"application_id"`
	Subscribe     string       `json:"subscribe"`
	Targets       []targetView `json:"targets"`
	Without       []string     `json:"without"`
	Events        eventsView   `json:"events"`
}

type targetView struct {
	Enterprise      string `json:"enterprise,omitempty"`
	ServiceProvider string `json:"service_provider,omitempty"`
	Group           string `json:"group,omitempty"`
}

type dialingView struct {
	CountryCode string   `json:"country_code"`
	Allow       []string `json:"allow"`
	Deny        []string `json:"deny"`

	ParkRetrieveCode string `json:"park_retrieve_code"`
}

func viewNetwork(n *tenant.Network) networkView {
	b := n.BroadWorks
	v := networkView{
		ID: n.ID, Provider: n.Provider, ReadOnly: n.FromFile,
		BroadWorks: broadworksView{
			XSPs: list(b.XSPs), SRV: b.SRV, ActionsPath: b.ActionsPath, EventsPath: b.EventsPath, ChannelPath: b.ChannelPath,
			Username: b.Username, CAFile: b.CAFile, ApplicationID: b.ApplicationID, Subscribe: b.Subscribe, Targets: []targetView{},
			Without: list(b.Without), Events: viewEvents(&b.Contact),
		},
		Dialing: dialingView{
			CountryCode: n.Dialing.CountryCode, Allow: list(n.Dialing.Allow), Deny: list(n.Dialing.Deny),
			ParkRetrieveCode: n.Dialing.ParkRetrieveCode,
		},
	}
	for _, t := range b.Targets {
		v.BroadWorks.Targets = append(v.BroadWorks.Targets, targetView(t))
	}
	return v
}

// list is never null in JSON.
func list(s []string) []string { return append([]string{}, s...) }

func (s *Server) createNetwork(ctx *fasthttp.RequestCtx) error {
	doc, err := read(ctx)
	if err != nil {
		return err
	}
	n := &tenant.Network{}
	if n.ID, err = doc.Text("network_id"); err != nil {
		return err
	}
	if n.ID == "" {
		n.ID = newUUID(s.config.Random)
	}
	if err := applyNetwork(n, doc); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.config.Tenants.Network(n.ID); there {
		return &problem.Problem{Code: engine.CodeConflict, Field: "network_id", Detail: "there is a network with this id"}
	}
	if err := s.config.Tenants.PutNetwork(n); err != nil {
		return err
	}
	ctx.Response.Header.Set(fasthttp.HeaderLocation, web.Path("admin", "networks", n.ID))
	return writeJSON(ctx, fasthttp.StatusCreated, viewNetwork(n))
}

func (s *Server) listNetworks(ctx *fasthttp.RequestCtx) error {
	all := slices.Clone(s.config.Tenants.Networks())
	slices.SortFunc(all, func(a, b *tenant.Network) int { return cmp.Compare(a.ID, b.ID) })
	return web.WriteList(ctx, "/admin/networks", func(after string, limit int, item func([]byte)) (string, error) {
		n := 0
		for i, network := range all {
			if network.ID <= after {
				continue
			}
			if n == limit {
				return all[i-1].ID, nil
			}
			b, err := encode(s.viewRunning(network))
			if err != nil {
				return "", err
			}
			item(b)
			n++
		}
		return "", nil
	})
}

func (s *Server) getNetwork(ctx *fasthttp.RequestCtx) error {
	n, err := s.network(ctx)
	if err != nil {
		return err
	}
	return writeJSON(ctx, fasthttp.StatusOK, s.viewRunning(n))
}

// viewRunning is a network and how it goes.
func (s *Server) viewRunning(n *tenant.Network) networkView {
	v := viewNetwork(n)
	v.Link, v.Provisioning = s.linkOf(n.ID), s.provisioning(n.ID)
	return v
}

func (s *Server) network(ctx *fasthttp.RequestCtx) (*tenant.Network, error) {
	id, err := web.Param(ctx, "network_id")
	if err != nil {
		return nil, err
	}
	n, ok := s.config.Tenants.Network(id)
	if !ok {
		return nil, problem.NotFound()
	}
	return n, nil
}

func (s *Server) writableNetwork(ctx *fasthttp.RequestCtx) (*tenant.Network, error) {
	n, err := s.network(ctx)
	if err == nil && n.FromFile {
		return nil, problem.New(engine.CodeConflict, "the network is defined in the config file and changed there")
	}
	return n, err
}

func (s *Server) patchNetwork(ctx *fasthttp.RequestCtx) error {
	doc, err := read(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	was, err := s.writableNetwork(ctx)
	if err != nil {
		return err
	}
	n := *was
	if id, err := doc.Text("network_id"); err != nil {
		return err
	} else if doc.Has("network_id") && id != n.ID {
		return problem.Invalid("network_id", "cannot be changed")
	}
	if err := applyNetwork(&n, doc); err != nil {
		return err
	}
	if err := s.config.Tenants.PutNetwork(&n); err != nil {
		return err
	}
	return writeJSON(ctx, fasthttp.StatusOK, viewNetwork(&n))
}

// deleteNetwork refuses while there are subscribers on it. Finding one may
// mean reading them all; networks are not deleted often.
func (s *Server) deleteNetwork(ctx *fasthttp.RequestCtx) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.writableNetwork(ctx)
	if err != nil {
		return err
	}
	used, err := s.used(n.ID)
	if err != nil {
		return err
	}
	if used {
		return problem.New(engine.CodeConflict, "the network has subscribers")
	}
	if err := s.config.Tenants.DeleteNetwork(n.ID); err != nil {
		return err
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

func (s *Server) used(network string) (bool, error) {
	after, found := "", false
	for !found {
		n := 0
		err := s.config.Tenants.Subscribers(after, 1000, func(info *tenant.SubscriberInfo) error {
			n++
			after = engine.Fold(info.Profile.ID)
			found = found || info.Profile.Network == network
			return nil
		})
		if err != nil || n == 0 {
			return found, err
		}
	}
	return found, nil
}
