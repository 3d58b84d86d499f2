# make build   bin/tpinfo, and tprun for the architectures in TPRUN
# make demo    two kernels extracted and shown, a probe run on two kernels; on a
#              fresh Debian machine, as root
# make test    the four tiers of tests; installs what they stand on
# make lint    golangci-lint, shellcheck
# make bench   Go benchmarks
# make fuzz    every fuzz target, FUZZTIME each
# make clean   removes what was built; fetched kernels stay in the cache folder

# A toolchain that install.sh fetched comes before the machine's.
export PATH := $(CURDIR)/bin/toolchain/bin:$(PATH)

FUZZTIME ?= 20s
GOLANGCI := v2.15.0

# Where goroutines or processes share something, and the tests are quick.
RACE := ./cache/... ./extractor/... ./fixtures/kernels/... ./fixtures/vm/... ./compiler/runner/... ./compiler/remote/...

# Slow ones of them in which one goroutine does everything.
ALONE := ^Test(DamagedFile|EventAllocations|MergeInAnyOrder|NeighbourSize)$$

.PHONY: build programs demo test lint bench fuzz clean

build:
	@fixtures/install.sh build
	@$(MAKE) --no-print-directory programs

# tprun is static, for each architecture that it is sent to, by Go's word;
# riscv64 and s390x can be among them.
TPRUN ?= amd64 arm64
programs:
	go build -o bin/ ./cmd/tpinfo
	for arch in $(TPRUN); do \
		CGO_ENABLED=0 GOOS=linux GOARCH=$$arch go build -trimpath -ldflags '-s -w' -o bin/tprun-linux-$$arch ./cmd/tprun || exit 1; \
	done
	ln -sf tprun-linux-$$(go env GOARCH) bin/tprun

demo:
	@fixtures/install.sh demo
	@$(MAKE) --no-print-directory -s programs
	@fixtures/demo.sh

test:
	@fixtures/install.sh test
	@go run ./fixtures/cmd/tally \
		TPINFO_TIER=4 -timeout 20m ./... \
		--- TPINFO_TIER=1 -race -skip '$(ALONE)' $(RACE)

lint: bin/golangci-lint-$(GOLANGCI)
	@fixtures/install.sh lint
	bin/golangci-lint-$(GOLANGCI) run
	shellcheck .ci/run fixtures/*.sh

bin/golangci-lint-$(GOLANGCI):
	@fixtures/install.sh build
	GOBIN=$(CURDIR)/bin GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)
	@mv bin/golangci-lint $@

bench:
	@fixtures/install.sh test
	TPINFO_TIER=4 go test -run '^$$' -bench . -benchmem ./...

# go test takes one fuzz target at a time.
fuzz:
	@fixtures/install.sh build
	@set -e; grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r file; do \
		sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$$file" | while read -r target; do \
			echo "$$(dirname "$$file") $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x "$$(dirname "$$file")" </dev/null; \
		done; \
	done

clean:
	rm -rf bin
