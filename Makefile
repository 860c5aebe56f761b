# Every target does its own set-up; none leaves a daemon on the machine.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test check deny bench bench-cluster promise static soak upgrade cluster cluster-down
ROUNDS ?= 20
PROFILE ?= bench

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

# Without optimization: a demo on this machine needs none, and the build takes two minutes instead of five.
demo: ## five deployments of a small service, real parts, two bad ones reverted (under 4 minutes after the build)
	@tests/tools/packages.sh
	@cargo build --locked
	@prometheus="$$(tests/tools/prometheus.sh)"; exec target/debug/lastgood demo --prometheus "$$prometheus"

test: ## every test; fails where one was skipped that tests/skipped.txt does not excuse
	@tests/tools/packages.sh tests
	@prometheus="$$(tests/tools/prometheus.sh)"; nginx="$$(tests/tools/nginx.sh)"; registry="$$(tests/tools/registry.sh)"; \
	  LASTGOOD_DEMO_PROMETHEUS="$$prometheus" LASTGOOD_TEST_NGINX="$$nginx" LASTGOOD_TEST_REGISTRY="$$registry" \
	  tests/tools/test.sh

check: ## formatting, lints and documentation, warnings denied
	@tests/tools/packages.sh cluster
	cargo fmt --check
	tests/tools/cluster-check.sh
	cargo clippy --locked --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

deny: ## licenses, bans and sources of every crate (builds cargo-deny once where it is missing: minutes)
	@tests/tools/packages.sh
	tests/tools/deny.sh

bench: bench-cluster ## benchmarks; writes docs/speed.md and docs/speed-kubernetes.md (leave the machine alone meanwhile; takes 1 GB of disk for a while)
	@tests/tools/packages.sh
	cargo bench --locked --bench judge
	cargo bench --locked --bench speed

bench-cluster: ## only docs/speed-kubernetes.md, on a cluster of its own (17 minutes after the build; PROFILE=dev builds faster, the page says so)
	@tests/tools/packages.sh cluster
	@tests/tools/cluster-build.sh >/dev/null
	cargo bench --locked --profile $(PROFILE) --bench cluster

promise: ## docs/promise.md: what is promised, measured on simulated rollouts; fails where it is broken (under half an hour on two cores)
	@tests/tools/packages.sh
	cargo bench --locked --bench promise $(if $(ONLY),-- --only $(ONLY))

# Not part of continuous integration: every crate is built anew, without shared libraries.
static: ## the static binary, tried in an empty root directory as an image would run it (PROFILE=dev builds faster)
	@tests/tools/packages.sh static
	@tests/tools/static.sh

soak: ## reverts and leases in every order of faults, then the demo, ROUNDS times over (20): stops at the first that ends otherwise
	@tests/tools/packages.sh cluster
	@tests/tools/cluster-build.sh >/dev/null
	@cargo build --locked
	LASTGOOD_TEST_SOAK=1 cargo test --locked --test kubernetes -- --show-output k07_in_whatever_order k13_a_newer_rollout_that c02_however_long
	LASTGOOD_TEST_SOAK=1 cargo test --locked --test plane -- --show-output c02_a_leader_that_stood_still
	@prometheus="$$(tests/tools/prometheus.sh)"; for round in $$(seq $(ROUNDS)); do \
	  echo "round $$round of $(ROUNDS)"; target/debug/lastgood demo --fast --quiet --prometheus "$$prometheus"; done

# Both run for a moment while lastgood itself is rolled out.
upgrade: ## this lastgood goes on with what an older one held and judged, and the older one with what this one did: OLDER=/path/to/lastgood
	@[ -x "$(OLDER)" ] || { echo "say which one: make upgrade OLDER=/path/to/lastgood" >&2; exit 2; }
	@tests/tools/packages.sh cluster
	@tests/tools/cluster-build.sh >/dev/null
	LASTGOOD_TEST_FIRST="$(OLDER)" cargo test --locked --test rollouts -- of_holds
	LASTGOOD_TEST_NEXT="$(OLDER)" cargo test --locked --test rollouts -- of_holds

# Nothing stays on the machine but what is below target/cluster, and the parts that were built, in the user's cache.
cluster: ## a Kubernetes on this machine whose pods are processes (the first time on a machine its parts are built: see CONTRIBUTING.md)
	@tests/tools/packages.sh cluster
	@cargo build --locked
	@tests/tools/cluster.sh up

cluster-down: ## ends it
	@tests/tools/cluster.sh down
