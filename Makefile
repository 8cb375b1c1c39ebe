# `make` alone lists what there is. Two commands are all that a newcomer needs: make demo, make test.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
python := .venv/bin/python

.PHONY: help demo test lint types format features coverage messages lock clean

help: ## list what there is
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## three stores on this machine; PORT=9000 chooses the port, FRESH=1 starts with new data
	@tools/environment demo
	@exec .venv/bin/webstore demo $(if $(PORT),--port $(PORT)) $(if $(filter-out 0 no,$(FRESH)),--fresh)

test: ## install what tests need, run every check and test; STAGES="lint sqlite" runs only those
	@tools/test $(STAGES)

lint: ## style and format, import contracts, complete translations
	@tools/environment test
	@$(python) tools/stages.py lint imports translations

types: ## mypy
	@tools/environment test
	@$(python) tools/stages.py types

format: ## put code into the house style
	@tools/environment test
	@.venv/bin/ruff check --fix --quiet || true
	@.venv/bin/ruff format

features: ## each row of the feature list with the tests that prove it, and the rows without
	@tools/environment test
	@$(python) tools/features.py

coverage: ## the suite on SQLite, measured: what no test reaches, as text and in htmlcov/
	@tools/environment test
	@$(python) tools/stages.py sqlite coverage
	@.venv/bin/coverage report
	@.venv/bin/coverage html --quiet

messages: ## bring the translation files up to date with the texts in the code
	@tools/environment test
	@$(python) tools/messages.py update

lock: ## take the newest versions that setup.cfg allows into the two lock files, and install them
	@tools/environment test
	@$(python) tools/lock.py
	@tools/environment test

clean: ## remove what was built or cached; keeps the demo's data (var/) and the environment (.venv/)
	rm -rf build dist htmlcov test-artifacts .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage*
	find platform_core plugins tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
