package commands

// The reasons for which a block is not run here.
const (
	shown    = "nothing to type: a picture, a synopsis, a route, or what is printed"
	minutes  = "takes minutes, and the machine for itself"
	platform = "needs a real platform, or a network with an HTTP contact: cmd/offhook/stories/contact_test.go asks for it"
	story    = "all of the page is run, as one, by cmd/offhook/stories/cli_test.go"
	service  = "asks systemd or the kernel, who run nothing here"
	unasked  = "refused here, where nothing waits for it; cmd/offhook/stories/provisioning_test.go asks for it"
	manual   = "run as they stand by provider/simulator, in a clock of their own"
)

// notRun is the one list of blocks that are not run, by their page and how they
// begin, or by page and section.
var notRun = []struct{ page, section, first, reason string }{
	{"docs/architecture.md", "", " BroadWorks ──events──▶", shown},
	{"docs/architecture.md", "Where things are", "engine/ ", shown},
	{"docs/benchmarks.md", "The budget table", "make bench", minutes},
	{"docs/benchmarks.md", "Beside other systems", "make bench-peers", minutes},
	{"docs/benchmarks.md", "The gate", "make bench-check", minutes},
	{"docs/benchmarks.md", "A platform at work", "offhook simulate", minutes},
	{"docs/benchmarks.md", "The loss of an XSP", "make bench-loss", minutes},
	{"docs/benchmarks.md", "Webhooks", "make bench-webhooks", minutes},
	{"docs/broadworks.md", "", "curl -sS -X POST -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:8081/admin/networks/$NETWORK/contact/rotate", platform},
	{"docs/cli.md", "", "", story},
	{"docs/events.md", "Pages", "GET ", shown},
	{"docs/events.md", "The stream", "GET ", shown},
	{"docs/events.md", "The stream", "retry: 2000", shown},
	{"docs/history.md", "", "GET ", shown},
	{"docs/operating.md", "Commands", "offhook serve [--config", shown},
	{"docs/operating.md", "Configuration", "offhook.yaml:3:", shown},
	{"docs/operating.md", "Start and stop", "msg=ready", shown},
	{"docs/operating.md", "Operational webhooks", `{"event_id"`, shown},
	{"docs/operating.md", "Runbook", "systemctl ", service},
	{"docs/operating.md", "Runbook", "journalctl ", service},
	{"docs/operating.md", "Runbook", "iostat ", service},
	{"docs/operating.md", "Runbook", "admin -X PUT $ADMIN/networks/$NETWORK/provisioning/confirm", unasked},
	{"docs/provisioning.md", "Deletions", "PUT /admin/", shown},
	{"docs/reliability.md", "", "make ", minutes},
	{"docs/security.md", "Borders", "internet ──", shown},
	{"docs/simulator.md", "Control paths", "", manual},
	{"docs/simulator.md", "Scenarios", "# A customer", manual},
	{"docs/webhooks.md", "Try it", "12:48:38.033", shown},
}
