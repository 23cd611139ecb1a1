# Everything a newcomer needs: Go, git and make. What else is needed is built from the Go module proxy, once.

.PHONY: help rehearse test lint generate bench fuzz tidy

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

rehearse: ## deploy Pulumi.dev.yaml to the embedded Azure, start every job, print the access matrix, destroy it
	@go run ./cmd/batchaccess rehearse --stack dev

test: lint ## run every test, and what lint runs
	go run ./cmd/batchaccess pulumi >/dev/null
	go test -race ./...
	cd sandbox/clients && go test -race ./...
	cd plugin && go test -race ./...
	cd tools && go test ./...

lint: ## gofmt, go vet, staticcheck, actionlint
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); test -z "$$unformatted" || { echo "gofmt would change:" $$unformatted; exit 1; }
	go vet ./...
	cd tools && go vet ./... && go build -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	bin/staticcheck ./...
	cd sandbox/clients && go vet ./... && ../../bin/staticcheck ./...
	cd plugin && go vet ./... && ../bin/staticcheck ./...
	cd examples/go && go vet ./...
	cd tools && ../bin/staticcheck ./...
	cd tools/actionlint && go build -o ../../bin/actionlint github.com/rhysd/actionlint/cmd/actionlint
	bin/actionlint -shellcheck= -pyflakes=

generate: ## write sdks/ again from sdks/schemas
	go generate ./sdks

bench: ## print how the components compare with a flat program; takes minutes
	go run ./tests/bench

FUZZTIME ?= 10s
fuzz: ## run every fuzz target for FUZZTIME (10s), one after the other
	@git grep -l '^func Fuzz' '*_test.go' | xargs -n1 dirname | sort -u | while read dir; do \
		for target in $$(go test -list '^Fuzz' ./$$dir | grep '^Fuzz'); do \
			echo "$$dir $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) ./$$dir | grep -v '^\(PASS\|fuzz: elapsed: 0s\)' | tail -n 3 || exit 1; \
		done; \
	done

tidy: ## bring go.mod and go.sum up to date
	go mod tidy
	cd sandbox/clients && go mod tidy
	cd plugin && go mod tidy
	cd examples/go && go mod tidy
	cd tools && go mod tidy
