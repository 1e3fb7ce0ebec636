# All that is needed is Go and make. "make" alone lists the targets.

GO          ?= go
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK ?= golang.org/x/vuln/cmd/govulncheck@v1.9.0
GOSEC       ?= github.com/securego/gosec/v2/cmd/gosec@v2.30.0
RELEASE     ?=
FUZZTIME    ?= 10s
BENCHTIME   ?= 1s
RUNS        ?= 5
ROUND       ?= 1500ms
PAIRS       ?= 10
RATE        ?= 0
QUIET       ?= 0s
SEEDS       ?= 1
PACKAGES    ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n + n / 2)))

BENCH = --runs $(RUNS) --round $(ROUND) $(if $(SUITE),--suite $(SUITE)) $(if $(PART),--part $(PART)) $(if $(QUICK),--quick) $(if $(filter-out 0,$(RATE)),--rate $(RATE)) \
	$(if $(DIR),--dir $(DIR)) $(if $(JSON),--json $(JSON)) $(if $(TEXT),--text $(TEXT)) $(if $(SVG),--svg $(SVG)) $(if $(PROFILES),--profiles $(PROFILES))

.DEFAULT_GOAL := help
.PHONY: help run build test check bench bench-webhooks bench-decode bench-loss prove sim chaos crash rot models kill9 soak doors console-load security fuzz overload release release-check bench-check bench-keep microbench bench-peers clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: export OFFHOOK_WEBHOOKS_ALLOW_HTTP ?= true
run: export OFFHOOK_WEBHOOKS_ALLOW_PRIVATE_NETWORKS ?= true
run: build ## build offhook and start it with its simulator, webhooks to this machine allowed; prints what to try
	./bin/offhook serve

build: ## build ./bin/offhook
	$(GO) build -trimpath -ldflags '-X main.release=$(RELEASE)' -o bin/offhook ./cmd/offhook

release: ## build binaries for linux/amd64 and linux/arm64, the same bytes each time, with checksums and bills of materials; RELEASE names it
	@$(GO) run ./cmd/release -version '$(RELEASE)' -out bin/release

release-check: ## build offhook twice in different places, and compare every byte
	OFFHOOK_RELEASE_WHOLE=1 $(GO) test -count=1 -timeout 30m -run SameBytes ./cmd/release

test: ## run every test with the race detector; installs what it needs beside Go where it may
	@sh .ci/needs
	CGO_ENABLED=1 GORACE=atexit_sleep_ms=20 $(GO) test -race -p $(PACKAGES) -timeout 20m ./...
	$(GO) -C docs/monitoring/check test -count=1 ./...
	$(GO) test -tags maybe ./engine/maybe
	$(GO) test -tags maybe -run 'TheWholeNode|EachPlace' ./bench/prove/sim

check: ## what a change must pass: format, vet, staticcheck, race tests, tidy modules
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(MAKE) test
	$(MAKE) release-check
	$(GO) mod tidy -diff
	$(GO) -C bench/peers/nats vet ./...
	$(GO) -C bench/peers/nats run $(STATICCHECK) ./...
	$(GO) -C bench/peers/nats test ./...
	$(GO) -C bench/peers/nats mod tidy -diff
	$(GO) -C docs/monitoring/check vet ./...
	$(GO) -C docs/monitoring/check run $(STATICCHECK) ./...
	$(GO) -C docs/monitoring/check test -count=1 ./...
	$(GO) -C docs/monitoring/check mod tidy -diff

bench: build ## what things cost beside their baselines, and the budgets; SUITE, RATE, RUNS, ROUND, DIR, JSON, TEXT, SVG
	@./bin/offhook bench $(BENCH)

bench-check: build ## fail if ratios or allocations are worse than those in bench/baseline.json; SUITE for less
	@./bin/offhook bench $(BENCH) --against bench/baseline.json

bench-keep: build ## measure, and put ratios and allocations into bench/baseline.json
	@./bin/offhook bench $(BENCH) --keep bench/baseline.json

bench-peers: build ## durable transitions beside PostgreSQL, Redis and NATS; installs them where it may
	-@GO="$(GO)" sh .ci/peers
	@./bin/offhook bench $(BENCH) --suite peers

microbench: ## run Go's benchmarks of every package, BENCHTIME each
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $$($(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...)

bench-webhooks: ## measure delivery of webhooks beside a bare client; knobs in docs/benchmarks.md
	@$(GO) run ./bench/webhooks/command --runs $(RUNS) --round $(ROUND) --pairs $(PAIRS) --rate $(RATE) --quiet $(QUIET)

bench-decode: ## decode BroadWorks documents beside encoding/xml; RUNS of each
	@$(GO) run ./cmd/offhook bench --suite decode --runs $(RUNS)

bench-loss: ## lose one XSP of two under 200 calls a second; RUNS of each kind
	@$(GO) test -run '^$$' -bench LossOfOneXSP -benchtime 1x -count $(RUNS) -timeout 1h ./bench/prove/sim

chaos: ## ten minutes of everything going wrong, against the platform's own truth; SEED=… replays one, SEEDS=… runs so many
	@first=$(or $(SEED),$$(date +%s)); for seed in $$(seq $$first $$((first + $(SEEDS) - 1))); do \
		OFFHOOK_CHAOS_SEED=$$seed $(GO) test -count=1 -v -run 'TestTenMinutes|TestWhatALink' ./bench/prove/sim || exit 1; \
	done

fuzz: ## run every fuzz target for FUZZTIME
	@set -e; for pkg in $$($(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

crash: ## turn the power off at N writes and losses, and in STORIES one after another; SEED replays a run
	OFFHOOK_CRASH_N=$(or $(N),100000) OFFHOOK_CRASH_SEED=$(or $(SEED),$$(date +%s)) $(GO) test -count=1 -timeout 0 -v -run 'AtAnyWrite' ./bench/prove/crash
	OFFHOOK_CRASH_SEEDS=$(or $(STORIES),5000) OFFHOOK_CRASH_SEED=$(or $(SEED),$$(date +%s)) $(GO) test -count=1 -timeout 0 -v -run 'OneAfterAnother' ./bench/prove/crash

rot: ## flip N bits on the disk of a killed process, and start; SEED replays a run
	OFFHOOK_CRASH_FLIPS=$(or $(N),100000) OFFHOOK_CRASH_SEED=$(or $(SEED),$$(date +%s)) $(GO) test -count=1 -timeout 0 -v -run 'AFlippedBit' ./bench/prove/crash

models: ## calls, deliveries and provisioning against their models: N times 250 steps, and CHECKS
	OFFHOOK_MODEL_SEEDS=$(or $(N),4000) $(GO) test -count=1 -timeout 0 -v -run '^TestModel$$' ./transport/webhook
	$(GO) test -count=1 -timeout 0 ./engine ./provider/provision -rapid.checks=$(or $(CHECKS),30000)

prove: ## every attack on the promises once, and a table of what came of it
	@$(GO) run ./bench/prove

sim: ## the whole node in virtual time, with faults everywhere, for HOURS of it; SEED replays
	OFFHOOK_SIM_HOURS=$(or $(HOURS),100) OFFHOOK_SIM_SEED=$(or $(SEED),$$(date +%s)) $(GO) test -tags maybe -count=1 -timeout 0 -v -run TheWholeNode ./bench/prove/sim

kill9: ## kill the real program CYCLES times, and start it with 100,000 subscribers; SEED for other moments
	OFFHOOK_KILL9_CYCLES=$(or $(CYCLES),200) OFFHOOK_KILL9_SEED=$(or $(SEED),$$(date +%s)) OFFHOOK_KILL9_SUBSCRIBERS=100000 $(GO) test -count=1 -timeout 0 -v ./bench/prove/kill9

overload: ## ten times of everything for SECONDS, and EVENTS that nobody takes
	OFFHOOK_OVERLOAD_SECONDS=$(or $(SECONDS),60) OFFHOOK_OVERLOAD_EVENTS=$(or $(EVENTS),200000) $(GO) test -count=1 -timeout 0 -v ./bench/prove/overload

soak: ## the real program under traffic for MINUTES, SOAKRATE calls a second, drawn into PLOT
	OFFHOOK_SOAK_MINUTES=$(or $(MINUTES),15) OFFHOOK_SOAK_RATE=$(or $(SOAKRATE),200) OFFHOOK_SOAK_PLOT=$(or $(PLOT),$(CURDIR)/docs/soak.svg) $(GO) test -count=1 -timeout 0 -v -run Nothing ./bench/prove/soak

doors: ## every door of a running offhook, with every wrong key and every foreign id
	$(GO) test -race -count=1 -v ./bench/prove/doors

console-load: ## the console's board in Chromium under 2,000 changes a second for SECONDS, made up and then of a whole node with CALLS a second: long tasks counted, heap measured
	OFFHOOK_CONSOLE_SECONDS=$(or $(SECONDS),60) OFFHOOK_CONSOLE_CALLS=$(or $(CALLS),750) OFFHOOK_CONSOLE_PROFILE=$(PROFILE) \
		$(GO) test -count=1 -timeout 0 -v -run 'TwoThousandChanges|WholeNode' ./cmd/offhook/browser

security: ## look for known vulnerabilities and careless code; asks the Go vulnerability database
	$(GO) run $(GOSEC) -quiet -exclude-dir=bench ./...
	$(GO) run $(GOVULNCHECK) ./...

clean: ## remove what was built
	rm -rf bin
