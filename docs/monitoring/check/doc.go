// Package check holds the dashboard and the alerts against what offhook exports
// (../metrics.txt) and against the runbook, with Prometheus' own parser. It is
// a module of its own so that offhook does not depend on Prometheus.
package check
