# Every way to check, test, try and deploy the loader.
SHELL := bash
.DEFAULT_GOAL := help

CLOUD := tests/localstack/cloud
ENDPOINT := http://127.0.0.1:$(or $(INVENTORY_LOCALSTACK_PORT),4566)
BIN := .local/tools/bin
BOOTSTRAP := target/lambda/loader/bootstrap
HOST := $(if $(filter arm64 aarch64,$(shell uname -m)),--arm64,--x86-64)
# cargo-lambda finds zig through the python3 it meets first.
BUILD := PATH="$(CURDIR)/$(BIN):$$PATH" cargo lambda build --locked --release --bin loader
phase = @echo "== $$(date +%T) $(1)"

.PHONY: help check test build deploy destroy demo demo-down localstack-up localstack-down samples bench profile faults fuzz \
	truth pages clean tools stack-named

help: ## List what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' Makefile

check: tools ## Formatting, lints, documentation, template, dependencies: what CI runs first
	$(call phase,formatting)
	@cargo fmt --all --check
	$(call phase,lints)
	@cargo clippy --locked --workspace --all-targets -- -D warnings
	$(call phase,documentation)
	@RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items
	$(call phase,template)
	@$(BIN)/cfn-lint infra/template.yaml
	@$(BIN)/python3 infra/test_template.py
	$(call phase,dependencies)
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check; \
		else echo "Skipped: cargo-deny is not installed (cargo install cargo-deny)."; fi

test: check ## Everything, from unit tests to end to end on LocalStack
	$(call phase,local cloud)
	@$(CLOUD) up
	@$(CLOUD) selftest && echo "== $$(date +%T) tests" && cargo test --locked --workspace || \
		{ echo "Not everything passed. LocalStack is still up at $(ENDPOINT); make localstack-down ends it."; exit 1; }
	@$(CLOUD) down
	$(call phase,all passed)

build: tools ## Build the function for AWS (arm64)
	$(BUILD) --arm64

deploy: stack-named build ## Build and deploy to AWS: make deploy STACK=inventory [PARAMETERS="ReportDays=30 ..."]
	infra/deploy up --stack $(STACK) --code $(BOOTSTRAP) --arch arm64 $(addprefix --parameter ,$(PARAMETERS))

destroy: stack-named ## Remove from AWS: make destroy STACK=inventory [WITH_DATA=yes, for good]
	infra/deploy down --stack $(STACK) $(if $(filter yes,$(WITH_DATA)),--with-data)

demo: tools ## Load sample-data/ on LocalStack and show what came of it
	@$(CLOUD) up
	$(BUILD) $(HOST)
	@infra/demo --endpoint-url $(ENDPOINT) --code $(BOOTSTRAP)

demo-down: tools ## Remove the demo and stop LocalStack
	@if $(CLOUD) status >/dev/null 2>&1; then \
		infra/deploy down --stack inventory-demo --with-data --endpoint-url $(ENDPOINT); fi
	@$(CLOUD) down

localstack-up: ## Start the local cloud
	@$(CLOUD) up

localstack-down: ## Stop the local cloud
	@$(CLOUD) down

bench: ## Measure reading and whole loads (docs/performance.md): make bench [ONLY=csv] [ROUNDS=5]
	@benches/peers/install
	cargo build --locked --release --example simulated-table
	$(if $(filter-out reading,$(ONLY)),,cargo bench --locked --bench reading)
	$(if $(filter reading,$(ONLY)),,cargo bench --locked --bench loading -- $(ONLY) $(addprefix --rounds ,$(ROUNDS)))

profile: ## Draw a flame graph of a whole load: target/flame.svg
	@benches/profile

faults: ## Kill, refuse and cut short loads, with many more seeds than a test run: make faults [FAULTS_SEED=1]
	@$(CLOUD) up
	FAULTS=full cargo test --locked --test street faults:: -- --nocapture

truth: ## Check 2,000 random sheets against the truth behind them: make truth [TRUTH_SHEETS=2000] [TRUTH_SEED=1]
	TRUTH_SHEETS=$(or $(TRUTH_SHEETS),2000) $(addprefix TRUTH_SEED=,$(TRUTH_SEED)) \
		cargo test --locked --test street truth:: -- --nocapture

pages: ## Open the reports of real loads in Chromium: valid, readable for everyone? Pictures go to docs/pictures
	@npm ci --silent --prefix tests/pages
	@$(CLOUD) up
	cargo test --locked --test street pages::
	@mkdir -p docs/pictures
	node tests/pages/look.mjs --pictures docs/pictures target/tmp/pages/*.html

fuzz: ## Look for input that breaks a promise: make fuzz [TARGET=csv] [SECONDS_EACH=600]
	fuzz/run $(or $(SECONDS_EACH),600) $(TARGET)

samples: ## Make sample-data/ anew
	cargo run --locked --example sample-data

clean: ## Remove everything built or installed here
	@$(CLOUD) down
	cargo clean
	rm -rf .local

tools:
	@python3 infra/tools.py

stack-named:
	@test -n "$(STACK)" || { echo "Which stack? Say for example: make $(MAKECMDGOALS) STACK=inventory"; exit 2; }
