# What a person runs. `make help` lists the targets; .ci/run runs the checks in the order of a build server.

TARGET_DIR ?= $(or $(CARGO_TARGET_DIR),target)
PREFIX ?= $(HOME)/.local
GUARD := $(TARGET_DIR)/debug/mcp-guard
GUARD_RELEASE := $(TARGET_DIR)/release/mcp-guard
SOAK_MINUTES ?= 60

.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## debug build of everything
	cargo build --workspace

.PHONY: release
release: ## optimised binary
	cargo build --release --bin mcp-guard

.PHONY: demo
demo: release ## a built-in MCP server behind the gateway, with keys and curl lines to paste
	$(GUARD_RELEASE) demo

.PHONY: test
test: test-deps test-rust test-conformance test-clients test-oidc test-oauth soak-short ## every test; installs what they need

.PHONY: test-deps
test-deps: ## install what the tests need into tests/.cache
	scripts/test-deps.sh

.PHONY: test-rust
test-rust: ## unit tests and tests of the real binary
	cargo test --workspace

.PHONY: test-conformance
test-conformance: test-deps guard ## official conformance suite, direct and through the gateway
	tests/conformance/run.py --guard $(GUARD)
	tests/conformance/run.py --guard $(GUARD) --server python-stdio --release next --revision 2025-11-25 --revision 2026-07-28
	timeout 300 tests/conformance/run.py --guard $(GUARD) --authorization

.PHONY: test-clients
test-clients: test-deps guard fixture ## real SDK clients through the gateway
	tests/clients/run.py --guard $(GUARD)
	tests/clients/run.py --guard $(GUARD) --over stdio --only-python
	tests/clients/run.py --guard $(GUARD) --over sse --over-sse
	tests/clients/bridges.py --guard $(GUARD)

.PHONY: test-oidc
test-oidc: test-deps guard ## tokens of a real OpenID provider, which changes its keys under load
	timeout 180 tests/oidc/run.py --guard $(GUARD)

.PHONY: test-oauth
test-oauth: test-deps guard ## logins of real SDK clients and a real browser, and attacks on them
	timeout 900 tests/oauth/run.py --guard $(GUARD)

.PHONY: test-transports
test-transports: test-deps guard fixture rmcp-server ## conformance and clients for every transport, era and server; takes long
	tests/conformance/run.py --guard $(GUARD) --every
	for over in http stdio sse mixed; do \
		tests/clients/run.py --guard $(GUARD) --over $$over && \
		tests/clients/run.py --guard $(GUARD) --over $$over --over-sse || exit 1; \
	done
	tests/clients/bridges.py --guard $(GUARD) --rmcp

.PHONY: guard
guard:
	cargo build --bin mcp-guard

.PHONY: fixture
fixture:
	cargo build --example stdio_server

.PHONY: rmcp-server
rmcp-server:
	CARGO_TARGET_DIR=$(TARGET_DIR) cargo build --manifest-path tests/rig/rmcp-server/Cargo.toml

.PHONY: lint
lint: ## format and clippy, warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

.PHONY: bench
bench: ## criterion and instruction-count benches of the engine
	cargo bench

.PHONY: perf
perf: release ## side-by-side measurement against nginx and haproxy
	cargo run --release -p guard-perf -- compare --guard $(GUARD_RELEASE)

.PHONY: soak
soak: release fixture ## 10 000 sessions of every transport; children killed, configuration reloaded; who gets what is watched
	scripts/soak_sessions.py --guard $(GUARD_RELEASE)

.PHONY: soak-short
soak-short: guard fixture ## the same with 600 sessions, in a minute
	scripts/soak_sessions.py --guard $(GUARD) --sessions 600

.PHONY: soak-real
soak-real: guard test-deps ## the same with 60 sessions of real servers
	scripts/soak_sessions.py --guard $(GUARD) --real --sessions 60 --clients 4

.PHONY: soak-load
soak-load: release ## SOAK_MINUTES (60) of load with reloads; memory, descriptors and answers are watched
	cargo build --release -p guard-perf
	scripts/soak.py --guard $(GUARD_RELEASE) --perf $(TARGET_DIR)/release/guard-perf --minutes $(SOAK_MINUTES)

.PHONY: dev
dev: ## start gateway and demo server in the background
	scripts/dev.sh start

.PHONY: dev-stop
dev-stop: ## stop them
	scripts/dev.sh stop

.PHONY: dev-status
dev-status: ## say whether they run
	scripts/dev.sh status

.PHONY: install
install: release ## install the binary into PREFIX (~/.local)
	install -D -m 0755 $(GUARD_RELEASE) $(DESTDIR)$(PREFIX)/bin/mcp-guard

.PHONY: clean
clean: ## remove build output and what the tests installed
	cargo clean
	rm -rf tests/.cache .dev tests/rig/rmcp-server/target
