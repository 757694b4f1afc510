# Commands to check, test, try out and deploy the loader.
SHELL := bash
.DEFAULT_GOAL := help

CLOUD := tests/localstack/cloud
ENDPOINT := http://127.0.0.1:$(or $(INVENTORY_LOCALSTACK_PORT),4566)
TOOLS := .local/tools
BOOTSTRAP := target/lambda/loader/bootstrap
# cargo-lambda finds zig through the first python3 on PATH.
BUILD := PATH="$(CURDIR)/$(TOOLS)/build/bin:$$PATH" cargo lambda build --locked --release --bin loader
phase = @echo "== $$(date +%T) $(1)"

.PHONY: help check test build deploy destroy demo demo-down localstack-up localstack-down samples install bench profile faults fuzz \
	truth pages clean stack-named

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' Makefile

check: check-tools ## Check formatting, lints, documentation, template and dependencies
	$(call phase,formatting)
	@cargo fmt --all --check
	$(call phase,lints)
	@cargo clippy --locked --workspace --all-targets -- -D warnings
	$(call phase,documentation)
	@RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items
	$(call phase,browser)
	@if rustup target list --installed 2>/dev/null | grep -q wasm32-unknown-unknown; then \
		cargo build --locked -p inventory-rules --target wasm32-unknown-unknown; \
		else echo "Skipped: there is no wasm32-unknown-unknown here (rustup target add wasm32-unknown-unknown)."; fi
	$(call phase,template)
	@$(TOOLS)/check/bin/cfn-lint infra/template.yaml
	@$(TOOLS)/check/bin/python3 infra/test_template.py
	$(call phase,dependencies)
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check; \
		else echo "Skipped: cargo-deny is not installed (cargo install cargo-deny)."; fi

test: check ## Run all checks and tests, from unit tests to whole loads on LocalStack
	$(call phase,local cloud)
	@$(CLOUD) up
	@$(CLOUD) selftest && echo "== $$(date +%T) tests" && cargo test --locked --workspace || \
		{ echo "Some tests failed. LocalStack is still running at $(ENDPOINT); make localstack-down stops it."; exit 1; }
	@$(CLOUD) down
	$(call phase,all passed)

build: build-tools ## Build the function for AWS (arm64)
	$(BUILD) --arm64

deploy: stack-named build ## Build and deploy to AWS: make deploy STACK=inventory [PARAMETERS="ReportDays=30 ..."]
	infra/deploy up --stack $(STACK) --code $(BOOTSTRAP) --arch arm64 $(addprefix --parameter ,$(PARAMETERS))

destroy: stack-named ## Remove from AWS: make destroy STACK=inventory [WITH_DATA=yes deletes all data for good]
	infra/deploy down --stack $(STACK) $(if $(filter yes,$(WITH_DATA)),--with-data)

demo: ## Load sample-data/ on LocalStack and show the results
	@$(CLOUD) up
	cargo build --locked --bin loader
	@infra/demo --endpoint-url $(ENDPOINT) --code target/debug/loader

demo-down: ## Remove the demo and stop LocalStack
	@if $(CLOUD) status >/dev/null 2>&1; then \
		infra/deploy down --stack inventory-demo --with-data --endpoint-url $(ENDPOINT); fi
	@$(CLOUD) down

localstack-up: ## Start the local cloud
	@$(CLOUD) up

localstack-down: ## Stop the local cloud
	@$(CLOUD) down

bench: ## Measure reading and whole loads (docs/performance.md): make bench [ONLY=csv] [ROUNDS=5]
	@benches/peers/install
	cargo build --locked --release -p inventory-local-table --bin simulated-table
	$(if $(filter-out reading,$(ONLY)),,cargo bench --locked --bench reading)
	$(if $(filter reading,$(ONLY)),,cargo bench --locked --bench loading -- $(ONLY) $(addprefix --rounds ,$(ROUNDS)))

profile: ## Draw a flame graph of a whole load: target/flame.svg
	@benches/profile

faults: ## Run the fault tests with many more seeds than make test: make faults [FAULTS_SEED=1]
	@$(CLOUD) up
	FAULTS=full cargo test --locked --test integration faults:: -- --nocapture

truth: ## Check 2,000 random sheets against the data they were made from: make truth [TRUTH_SHEETS=2000] [TRUTH_SEED=1]
	TRUTH_SHEETS=$(or $(TRUTH_SHEETS),2000) TRUTH_SEED=$(or $(TRUTH_SEED),$(shell echo $$RANDOM$$RANDOM)) \
		cargo test --locked --test integration truth:: -- --nocapture

pages: ## Check validity and accessibility of report pages in Chromium; pictures go to docs/pictures
	@npm ci --silent --prefix tests/pages
	@$(CLOUD) up
	cargo test --locked --test integration pages::
	@mkdir -p docs/pictures
	node tests/pages/check.mjs --pictures docs/pictures target/tmp/pages/*.html

fuzz: ## Run the fuzz targets: make fuzz [TARGET=csv] [SECONDS_EACH=600]
	fuzz/run $(or $(SECONDS_EACH),600) $(TARGET)

install: ## Install the command `inventory` (into ~/.cargo/bin)
	cargo install --locked --path . --bin inventory

samples: ## Regenerate sample-data/
	cargo run --locked --example sample-data

clean: ## Remove everything built or installed here
	@$(CLOUD) down
	cargo clean
	rm -rf .local

%-tools:
	@python3 infra/tools.py $*

stack-named:
	@test -n "$(STACK)" || { echo "Name the stack, for example: make $(MAKECMDGOALS) STACK=inventory"; exit 2; }
