# Pasar. `make help` lists the targets; each makes what it needs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
# Releases younger than a week are not taken: a poisoned one is usually found within days.
LOCK := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	--python-version 3.11 --exclude-newer "$$(date -u -d '7 days ago' +%F 2>/dev/null || date -u -v-7d +%F)"

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# ---- environment --------------------------------------------------------------------------------

.venv/tools.stamp: requirements/tools.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/tools.txt
	@touch $@

.venv/up.stamp: requirements/engines.txt pyproject.toml | .venv/tools.stamp
	@$(UV) pip install --quiet --require-hashes -r requirements/engines.txt
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: requirements/dev.txt pyproject.toml | .venv/tools.stamp
	@$(UV) pip install --quiet --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ .venv/up.stamp

.PHONY: lock
lock: .venv/tools.stamp ## refresh the hash-locked requirements
	$(LOCK) pyproject.toml --extra engines --group dev -o requirements/dev.txt
	$(LOCK) pyproject.toml --extra engines -c requirements/dev.txt -o requirements/engines.txt
	$(LOCK) pyproject.toml -c requirements/dev.txt -o requirements/run.txt

# ---- run ----------------------------------------------------------------------------------------

.PHONY: up
up: .venv/up.stamp ## start everything: engines, both services, a demo shop
	@exec $(BIN)/pasar up

.PHONY: nsq
nsq: ## build nsqd, nsqlookupd and nsqadmin 1.3.0 into .local/bin (needs Go)
	@if .local/bin/nsqd --version 2>/dev/null | grep -q 'v1\.3\.0'; then echo "nsqd v1.3.0 is there"; else \
	mkdir -p .local/bin && cd tools/nsq && GOBIN=$(CURDIR)/.local/bin go install \
		github.com/nsqio/nsq/apps/nsqd github.com/nsqio/nsq/apps/nsqlookupd github.com/nsqio/nsq/apps/nsqadmin; fi
