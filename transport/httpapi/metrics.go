package httpapi

import (
	"github.com/prometheus/client_golang/prometheus"

	"offhook/transport/httpapi/web"
)

// Metrics measures the public listener: requests by route, method and status,
// refused keys, and what was over a bound. A nil *Metrics measures nothing.
type Metrics = web.Metrics

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics { return web.NewMetrics(reg, "api") }
