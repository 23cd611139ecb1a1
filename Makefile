# A newcomer needs only Go, git and make. Other programs are built from the Go module proxy, once. The components are tested
# in other languages if Node.js and Python are installed; `make test` says at its end what was not tested.

# Builds and tests are hundreds of processes that end after seconds. If they collect garbage a quarter as often, they take
# 10 to 15 % less CPU; set GOGC=100 on a machine with less than 8 GB of memory.
export GOGC ?= 400

# Without this, git status changes the time of the folder .git. Tests read that folder's parent to find the sources of
# programs, so Go would run them again although nothing has changed.
export GIT_OPTIONAL_LOCKS = 0

.PHONY: help rehearse check test measure mutate lint generate bench fuzz cover vuln tidy

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

STACK ?= dev
rehearse: ## deploy the stack STACK (dev) to the embedded Azure, start every job, print the access matrix, destroy it
	@echo "building batchaccess: from nothing this takes a minute or two" >&2
	@go run ./cmd/batchaccess rehearse --stack $(STACK)

check: ## all checks that take a minute: gofmt, go vet, lint's own rules, and the tests that start no engine
	@$(MAKE) --no-print-directory quick-lint
	cd tools && go run ./testrun -short

test: lint ## run lint and every test; with CI=true, a test that is not run is a failure
	@echo "looking for a Pulumi CLI: where there is none, building one takes some minutes, once" >&2
	go run ./cmd/batchaccess pulumi >/dev/null
	cd tools && go run ./testrun

measure: ## run every test, print the CPU of each package, and count starts of pulumi and builds
	cd tools && go build -o ../bin/testrun ./testrun
	pulumi=$$(go run ./cmd/batchaccess pulumi) && cd tools && TESTRUN_PULUMI=$$pulumi ../bin/testrun -measure

mutate: ## try every mistake of tests/mutate/mutations.txt on the product: each must make a rehearsal fail; 10 to 30 minutes
	go test ./tests/mutate -all -v -timeout 90m

.PHONY: kills
kills: ## kill the engine 200 times in changes of a stack, and resume each change; half an hour
	go test ./tests/changes -run TestAChangeThatIsKilled -v -kills 40 -timeout 120m

.PHONY: quick-lint
quick-lint:
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); test -z "$$unformatted" || { echo "gofmt would change:" $$unformatted; exit 1; }
	cd tools && go run ./lint
	go vet ./...

lint: quick-lint ## gofmt, go vet, staticcheck, actionlint; no build outputs in git, no wide lines of Go
	cd tools && go vet ./... && go build -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	bin/staticcheck ./...
	cd sandbox/clients && go vet ./... && ../../bin/staticcheck ./...
	cd plugin && go vet ./... && ../bin/staticcheck ./...
	cd examples/go && go vet ./...
	cd tools && ../bin/staticcheck ./...
	cd tools/actionlint && go build -o ../../bin/actionlint github.com/rhysd/actionlint/cmd/actionlint
	bin/actionlint -shellcheck= -pyflakes=

.PHONY: release release-try
release: ## build the release of the tag VERSION into bin/release, and tag the module plugin
	cd tools && go run ./release -version "$(VERSION)" -out "$(CURDIR)/bin/release" -tag

SYSTEMS ?= $$(go env GOHOSTOS)/$$(go env GOHOSTARCH)
release-try: ## the same for HEAD without a tag, for this system, and add the package to a project; two minutes
	pulumi=$$(go run ./cmd/batchaccess pulumi) && cd tools && \
		go run ./release -version "$(VERSION)" -out "$(CURDIR)/bin/release" -systems "$(SYSTEMS)" -try -pulumi "$$pulumi"

generate: ## write sdks/ again from sdks/schemas, and plugin/schema.json from components/
	go generate ./sdks
	cd plugin && go generate .

bench: ## measure components, pure functions, builds and waiting for Azure; takes most of an hour
	go run ./tests/bench
	go run ./tests/bench -critical-path
	go test -run '^$$' -bench . -benchmem -count 3 ./access ./internal/explain ./internal/guardrails ./internal/review ./roles

FUZZTIME ?= 10s
fuzz: ## run every fuzz target for FUZZTIME (10s), one after the other, and stop at the first finding
	@mkdir -p bin; git grep -l '^func Fuzz' '*_test.go' | xargs -n1 dirname | sort -u | while read dir; do \
		for target in $$(go -C $$dir test -list '^Fuzz' . | grep '^Fuzz'); do \
			go -C $$dir test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x . >bin/fuzz.log 2>&1 || \
				{ grep -q 'context deadline exceeded' bin/fuzz.log && ! grep -q 'Failing input' bin/fuzz.log; } || { cat bin/fuzz.log; exit 1; }; \
			echo "$$dir $$target: $$(grep '^fuzz: elapsed' bin/fuzz.log | tail -n 1)"; \
		done; \
	done

HEART = ./roles ./access ./components
cover: ## print how much of roles, access and components the tests run, and the functions that they run in part
	@mkdir -p bin
	@go test -coverpkg=./roles,./access,./components -coverprofile=bin/cover.out $(HEART) ./internal/config ./stack ./accesstest ./internal/explain ./internal/guardrails ./internal/review ./policy ./internal/verify ./tests >bin/cover.log || { cat bin/cover.log; exit 1; }
	@go tool cover -func=bin/cover.out | awk '$$1 != "total:" && $$NF != "100.0%"'
	@awk 'NR > 1 { n[$$1] = $$2; if ($$3 > 0) run[$$1] = 1 } \
		END { for (block in n) { split(block, path, "/"); all[path[4]] += n[block]; if (block in run) of[path[4]] += n[block] } \
		for (p in all) printf "%s: %.1f %% of %d statements\n", p, 100 * of[p] / all[p], all[p] }' bin/cover.out | sort

VULNDB = $$(go mod download -json golang.org/x/vulndb@latest | sed -n 's|.*"Dir": "\(.*\)",|file://\1/data/osv|p')
vuln: ## look up known vulnerabilities in all modules, in the database that the Go module proxy has
	cd tools/govulncheck && go build -o ../../bin/govulncheck golang.org/x/vuln/cmd/govulncheck
	cd tools && go run ./vuln -govulncheck $(CURDIR)/bin/govulncheck -db "$(VULNDB)"

tidy: ## bring go.mod and go.sum up to date
	go mod tidy
	cd sandbox/clients && go mod tidy
	cd plugin && go mod tidy
	cd examples/go && go mod tidy
	cd tools && go mod tidy
	cd tools/yamlhost && go mod tidy
	cd tools/actionlint && go mod tidy
	cd tools/govulncheck && go mod tidy
