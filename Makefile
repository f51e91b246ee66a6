# What CI calls is what a person calls.
# ANDEN_VENV=/some/venv uses an environment as it is and installs nothing.

PYTHON ?= python3
ANDEN_VENV ?=
VENV := $(or $(ANDEN_VENV),.venv)
BIN := $(VENV)/bin
# What is imported is compiled then, and kept; of what is installed, that is a third.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := -m pip --disable-pip-version-check --quiet install --no-compile
PIP := $(BIN)/python $(INSTALL)

# Stamps say what an environment holds: a second run installs nothing.
RUN_READY := $(if $(ANDEN_VENV),,$(VENV)/.anden-run)
TEST_READY := $(if $(ANDEN_VENV),,$(VENV)/.anden-test)
# Scanners and the local AWS are of use only where Terraform is; linters that are written in Go, where Go is.
GO_READY := $(if $(shell command -v go),.venv-infra/.anden-go)
INFRA_READY := $(if $(shell command -v terraform),.venv-infra/.anden-infra) $(GO_READY)

# Enough for the checks of settings and models, which touch no database.
CHECK_ENV := \
	ANDEN_SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))') \
	ANDEN_DEBUG=false ANDEN_HTTPS=true ANDEN_ALLOWED_HOSTS=anden.example \
	ANDEN_KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9 \
	$(foreach role,APP OWNER INGEST READER WRITER ANALYST,ANDEN_DATABASE_$(role)_URL=postgresql://anden@127.0.0.1:9/anden)

.DEFAULT_GOAL := help
.PHONY: help run test check fix infra lint audit render function bench neighbours slow-clients screenshots clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_READY) ## Run everything here: PostgreSQL, Kafka, ingest, API, admin (state in .anden/)
	@$(BIN)/python -m embedded.station

test: $(TEST_READY) $(INFRA_READY) ## Run every test that this machine can (PYTEST_ARGS=… for more)
	@# On workers where that is worth it (tests/workers.py); PYTEST_ARGS=-n0 does without.
	$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

infra: $(TEST_READY) $(INFRA_READY) ## Prove the infrastructure without a cloud, a line for each of its properties
	$(BIN)/python -m pytest -n auto tests/infra $(PYTEST_ARGS)

lint: $(TEST_READY) $(GO_READY) ## Check style, types, imports, sizes, migrations and settings: every finding of every tool
	@$(CHECK_ENV) $(BIN)/python .ci/lint.py

check: $(TEST_READY) ## Check what you changed since main, quickly: style, types, imports, unit tests of the apps touched
	@$(BIN)/python .ci/check.py

fix: $(TEST_READY) ## Fix what tools can fix: lint, sorted imports, format, everything that make render regenerates
	@$(BIN)/python .ci/fix.py

audit: .venv-infra/.anden-infra ## Ask PyPI whether an advisory names a package that is pinned (needs the network)
	@# One file after the other: the scanners' own pins differ from ours.
	@failed=0; for file in $(filter-out %/go-tools.txt,$(wildcard requirements/*.txt)); do echo "$$file"; \
		.venv-infra/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off $(AUDIT_ARGS) \
			--requirement $$file || failed=1; done; exit $$failed

render: $(TEST_READY) ## Regenerate what is generated: settings page, OpenAPI file, dashboards, rules, the probe's zip
	@$(CHECK_ENV) $(BIN)/python manage.py render
	@$(CHECK_ENV) $(BIN)/python manage.py dashboards render
	@$(BIN)/python -m packing probe

function: $(TEST_READY) ## Build the API's zip for AWS Lambda (in .anden/functions/) and measure its cold start here
	@$(BIN)/python -m packing api

bench: $(TEST_READY) ## Measure every speed claim of the README beside its peers
	$(BIN)/python -m bench $(BENCH_ARGS)

neighbours: $(TEST_READY) ## Measure how fast a healthy dataset moves beside one at which each fault is made
	$(BIN)/python -m bench.neighbours $(BENCH_ARGS)

slow-clients: $(TEST_READY) ## Hold slow connections of every kind, and measure who else is answered meanwhile
	$(BIN)/python -m bench.slow_clients

screenshots: $(TEST_READY) ## Take the pictures in docs/images/ from a running make run
	@test -s .anden/running || { echo "make run must be up in another terminal" >&2; exit 1; }
	$(BIN)/python docs/images/make.py --url "$$(sed 's|.*\(http://[^/]*\).*|\1|' .anden/running)"

clean: ## Remove the environment, the caches and everything that make run keeps
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
	@echo "Making the environment $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python cannot make environments here. On Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.anden-run: SET := requirements/embedded.txt
$(VENV)/.anden-run: requirements/embedded.txt
$(VENV)/.anden-test: SET := requirements/dev.txt
$(VENV)/.anden-test: requirements/dev.txt
$(VENV)/.anden-run $(VENV)/.anden-test: requirements/flights.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing $(SET) (once)"
	@$(PIP) --require-hashes -r $(SET)
	@# Their builds use what was just installed, so nothing comes in without a hash.
	@$(PIP) --require-hashes --no-deps --no-build-isolation -r requirements/flights.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@
endif
