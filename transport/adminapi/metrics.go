package adminapi

import (
	"github.com/prometheus/client_golang/prometheus"

	"offhook/transport/httpapi/web"
)

// Metrics measures the admin listener. A nil *Metrics measures nothing.
type Metrics = web.Metrics

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics { return web.NewMetrics(reg, "admin") }
