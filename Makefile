# CI calls the same targets as you.
# ANDEN_VENV=/some/venv uses an existing virtualenv and installs nothing.

PYTHON ?= python3
ANDEN_VENV ?=
VENV := $(or $(ANDEN_VENV),.venv)
BIN := $(VENV)/bin
# Modules are compiled when first imported: only a third of what is installed ever is.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := -m pip --disable-pip-version-check --quiet install --no-compile
PIP := $(BIN)/python $(INSTALL)

# Stamp files record what a virtualenv contains, so a second run installs nothing.
RUN_READY := $(if $(ANDEN_VENV),,$(VENV)/.anden-run)
TEST_READY := $(if $(ANDEN_VENV),,$(VENV)/.anden-test)
# Scanners and the AWS emulator are installed only if Terraform is, linters written in Go only if Go is.
GO_READY := $(if $(shell command -v go),.venv-infra/.anden-go)
INFRA_READY := $(if $(shell command -v terraform),.venv-infra/.anden-infra) $(GO_READY)

# Enough for checks of settings and models, which use no database.
CHECK_ENV := \
	ANDEN_SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))') \
	ANDEN_DEBUG=false ANDEN_HTTPS=true ANDEN_ALLOWED_HOSTS=anden.example \
	ANDEN_KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9 \
	$(foreach role,APP OWNER INGEST READER WRITER ANALYST,ANDEN_DATABASE_$(role)_URL=postgresql://anden@127.0.0.1:9/anden)

.DEFAULT_GOAL := help
.PHONY: help run test check fix infra lint audit render function bench bench-large-table bench-upsert-workers neighbours
.PHONY: chaos slow-clients drill screenshots clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_READY) ## Run everything locally: PostgreSQL, Kafka, ingest, API, admin (state in .anden/)
	@$(BIN)/python -m embedded.station

test: $(TEST_READY) $(INFRA_READY) ## Run every test that this machine can run (PYTEST_ARGS=… for options)
	@# Uses pytest-xdist workers where that is faster (tests/workers.py); PYTEST_ARGS=-n0 turns them off.
	$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

infra: $(TEST_READY) $(INFRA_READY) ## Verify the infrastructure offline, one line per property
	$(BIN)/python -m pytest -n auto tests/infra $(PYTEST_ARGS)

lint: $(TEST_READY) $(GO_READY) ## Check style, types, imports, sizes, migrations, settings and prose
	@$(CHECK_ENV) $(BIN)/python .ci/lint.py

check: $(TEST_READY) ## Check your changes since main, quickly: style, types, imports, unit tests of changed apps
	@$(BIN)/python .ci/check.py

fix: $(TEST_READY) ## Fix what tools can fix: lint, sorted imports, format, rendered files
	@$(BIN)/python .ci/fix.py

audit: .venv-infra/.anden-infra ## Check pinned packages for known vulnerabilities on PyPI (needs the network)
	@# One file at a time: the scanners' pins differ from the project's.
	@failed=0; for file in $(filter-out %/go-tools.txt,$(wildcard requirements/*.txt)); do echo "$$file"; \
		.venv-infra/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off $(AUDIT_ARGS) \
			--requirement $$file || failed=1; done; exit $$failed

render: $(TEST_READY) ## Regenerate the settings page, OpenAPI file, dashboards, rules and the probe's zip
	@$(CHECK_ENV) $(BIN)/python manage.py render
	@$(CHECK_ENV) $(BIN)/python manage.py dashboards render
	@$(BIN)/python -m packing probe

function: $(TEST_READY) ## Build the API's zip for AWS Lambda (in .anden/functions/) and measure its cold start
	@$(BIN)/python -m packing api

bench: $(TEST_READY) ## Measure every performance claim and compare it with a baseline
	$(BIN)/python -m bench $(BENCH_ARGS)

bench-large-table: $(TEST_READY) ## Measure ingest into a table of 50 million rows, compared with an empty one
	$(BIN)/python -m bench.large_table $(BENCH_ARGS)

bench-upsert-workers: $(TEST_READY) ## Run 16 workers on one upsert topic for ten minutes, and count deadlocks
	$(BIN)/python -m bench.upsert_workers $(BENCH_ARGS)

neighbours: $(TEST_READY) ## Measure how fast a healthy dataset is ingested next to a faulty one
	$(BIN)/python -m bench.neighbours $(BENCH_ARGS)

chaos: $(TEST_READY) ## Cause N faults (SEED=…) while records arrive, then check that each is stored exactly once
	$(BIN)/python -m tests.chaos --faults $(or $(N),300) $(if $(SEED),--seed $(SEED)) $(CHAOS_ARGS)

slow-clients: $(TEST_READY) ## Hold slow connections of every kind, and measure other clients' response times
	$(BIN)/python -m bench.slow_clients

drill: $(TEST_READY) ## Run 0.2.0 and today's code side by side, forward, back and forward (MINUTES=10)
	$(BIN)/python -m tests.drill --minutes $(or $(MINUTES),10)

screenshots: $(TEST_READY) ## Take the screenshots in docs/images/ from a running make run
	@test -s .anden/running || { echo "start make run in another terminal first" >&2; exit 1; }
	$(BIN)/python docs/images/make.py --url "$$(sed 's|.*\(http://[^/]*\).*|\1|' .anden/running)"

clean: ## Remove virtualenvs, caches and all state of make run
	rm -rf .venv .venv-infra .anden .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv-infra/.anden-infra: requirements/infra.txt
	@echo "Installing requirements/infra.txt (once)"
	@$(PYTHON) -m venv .venv-infra
	@.venv-infra/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

.venv-infra/.anden-go: requirements/go-tools.txt
	@echo "Installing $< (once)"
	@mkdir -p .venv-infra/bin
	@grep -v '^#' $< | GOBIN=$(CURDIR)/.venv-infra/bin xargs -n 1 go install
	@touch $@

ifeq ($(ANDEN_VENV),)
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Andén needs Python 3.11 or newer, and '$(PYTHON)' is" \
			"$$($(PYTHON) --version 2>&1 | head -1): make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Creating the virtualenv $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python cannot create virtualenvs here. On Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.anden-run: SET := requirements/embedded.txt
$(VENV)/.anden-run: requirements/embedded.txt
$(VENV)/.anden-test: SET := requirements/dev.txt
$(VENV)/.anden-test: requirements/dev.txt
$(VENV)/.anden-run $(VENV)/.anden-test: requirements/flights.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing $(SET) (once)"
	@$(PIP) --require-hashes -r $(SET)
	@# Their builds use the packages just installed, so nothing is downloaded without a hash.
	@$(PIP) --require-hashes --no-deps --no-build-isolation -r requirements/flights.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@
endif
