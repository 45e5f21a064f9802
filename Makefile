# Every target does its own set-up, once, into .tools and .venv; after that nothing needs the network.
.DEFAULT_GOAL := help
.SHELLFLAGS := -eu -c
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

ARGS ?=
PYTHON := $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& command -v $$p && break; done)
UV := .tools/bin/uv
BIN := .venv/bin
READY := .venv/.ready
PROJECTS := $(wildcard pyproject.toml core/pyproject.toml addons/*/pyproject.toml plugins/*/pyproject.toml)
DISTRIBUTIONS := $(patsubst %/pyproject.toml,%,$(filter-out pyproject.toml,$(PROJECTS)))
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n < 2 ? 2 : n)))

export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
unexport PYTHONDONTWRITEBYTECODE # tests start hundreds of processes: what one compiles the next need not

.PHONY: help setup demo test check bench crash scenario docs migrate dev format clean

help: ## Say what there is to run
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  Options go in ARGS: make test ARGS="addons/stock -k reversal"'

demo: $(READY) ## Replay a real retailer's year against a site of its own, and serve it
	@$(BIN)/onhand demo $(ARGS)

dev: $(READY) ## Serve this site, with services of its own, until Ctrl-C
	@$(BIN)/onhand dev $(ARGS)

migrate: $(READY) ## Bring the database up to the installed add-ons
	@$(BIN)/onhand migrate $(ARGS)

test: $(READY) ## Run every test
	@.ci/browser
	@$(BIN)/pytest -q -n $(WORKERS) --dist worksteal $(ARGS)

check: $(READY) ## Check form, types, boundaries, dependencies, templates and docs
	@$(BIN)/python .ci/check.py $(DISTRIBUTIONS) $(ARGS)

bench: $(READY) ## Measure throughput beside what raw PostgreSQL does
	@$(BIN)/python tests/bench $(ARGS)

crash: $(READY) ## Kill, cut and restart everything under load, and hold the books to what clients were told
	@$(BIN)/python tests/crash $(ARGS)

scenario: $(READY) ## Tell ten thousand stories of the last unit, and judge each at every step
	@$(BIN)/python tests/scenarios $(ARGS)

docs: $(READY) ## Write the reference pages from the code, and build the docs site into site/
	@$(BIN)/python tests/docs/reference.py
	@$(BIN)/python tests/docs/website.py

format: $(READY) ## Bring the code into form
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

setup: $(READY) ## Install what the other targets need

clean: ## Remove what was installed and built
	@rm -rf .venv .tools build dist site

$(UV):
	@test -n "$(PYTHON)" || { echo "Onhand needs Python 3.11 or newer as python3.11 or python3" >&2; exit 1; }
	@echo "setting up: uv" >&2
	@"$(PYTHON)" -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check uv

$(READY): $(PROJECTS) | $(UV)
	@echo "setting up: Onhand and what it needs" >&2
	@$(UV) sync --quiet --python "$(PYTHON)" --all-packages --all-extras
	@touch $@
