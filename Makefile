# All that is needed is Go and make. "make" alone lists the targets.

GO          ?= go
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
RELEASE     ?=
FUZZTIME    ?= 10s
BENCHTIME   ?= 1s
RUNS        ?= 5
ROUND       ?= 1500ms
PAIRS       ?= 10
RATE        ?= 0
QUIET       ?= 0s
SEEDS       ?= 1

.DEFAULT_GOAL := help
.PHONY: help run build test check bench bench-webhooks bench-decode bench-loss chaos fuzz crash clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: build ## build offhook and start it with its simulator; prints what to try
	./bin/offhook serve

build: ## build ./bin/offhook
	$(GO) build -trimpath -ldflags '-X main.release=$(RELEASE)' -o bin/offhook ./cmd/offhook

test: ## run every test with the race detector; installs what it needs beside Go where it may
	@sh .ci/needs
	CGO_ENABLED=1 $(GO) test -race -timeout 20m ./...

check: ## what a change must pass: format, vet, staticcheck, race tests, tidy modules
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(MAKE) test
	$(GO) mod tidy -diff

bench: ## run the benchmarks, BENCHTIME each
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $$($(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...)

bench-webhooks: ## measure delivery of webhooks beside a bare client; knobs in docs/benchmarks.md
	@$(GO) run ./bench/webhooks --runs $(RUNS) --round $(ROUND) --pairs $(PAIRS) --rate $(RATE) --quiet $(QUIET)

bench-decode: ## decode BroadWorks documents beside encoding/xml; RUNS of each
	@$(GO) test -run '^$$' -bench Decode -count $(RUNS) ./provider/broadworks

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

crash: ## turn the power off at N writes and losses, with progress; SEED replays a run
	OFFHOOK_CRASH_N=$(or $(N),100000) OFFHOOK_CRASH_SEED=$(or $(SEED),$$(date +%s)) $(GO) test -count=1 -timeout 0 -v -run 'AtAnyWrite' ./bench/prove/crash

clean: ## remove what was built
	rm -rf bin
