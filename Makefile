# Two commands do everything: `make demo` and `make test`. Each sets up what is missing, and nothing twice.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check lint unit integration e2e testbed lock

BIN := .venv/bin
INSTALLED := .venv/.installed
COMPILE = $(BIN)/uv pip compile --quiet --no-header --universal --python-version 3.11 --generate-hashes $(if $(UPGRADE),--upgrade)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: testbed ## Watch it work: real Kubernetes, ZooKeeper and Dubbo in this terminal (KEEP=1 stays up)
	@$(BIN)/python -m testbed demo $(if $(KEEP),--keep)

test: lint testbed ## Run every check and every test
	@$(BIN)/pytest

check: lint ## Format, lint, types, imports, spelling and the checks of the repository itself (under 60 s)
	@$(BIN)/pytest tests/checks

lint: $(INSTALLED)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/codespell

unit: $(INSTALLED) ## Run the unit tests; they need nothing but Python
	@$(BIN)/pytest tests/unit

integration: testbed ## Run the tests against real servers, one part of the product at a time
	@$(BIN)/pytest tests/parity tests/integration

e2e: testbed ## Run the tests of the whole product with real Dubbo consumers
	@$(BIN)/pytest tests/e2e

testbed: $(INSTALLED)
	@$(BIN)/python -m testbed.prepare

lock: $(INSTALLED) ## Compile requirements/*.txt from pyproject.toml (UPGRADE=1 takes the newest versions)
	$(COMPILE) --output-file requirements/uv.txt --group bootstrap
	$(COMPILE) --output-file requirements/operator.txt --extra operator pyproject.toml
	$(COMPILE) --output-file requirements/dev.txt --extra operator --group dev pyproject.toml

$(INSTALLED): requirements/install.sh requirements/uv.txt requirements/dev.txt pyproject.toml
	@requirements/install.sh
	@touch $@
