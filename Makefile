# Pasar. `make help` lists the targets; each makes what it needs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# A system's own Python is compiled with profile-guided optimisation; one that pyenv compiled, as it
# does by default, is not, and serves a quarter less (bench/WHY.md). Another one: make PYTHON=...
SYSTEM := /usr/bin/python3
SUITS := import ensurepip, sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell $(SYSTEM) -c '$(SUITS)' 2>/dev/null && echo $(SYSTEM) || echo python3)
BIN := .venv/bin
# `--python`: else uv would install into whichever environment the caller has activated.
INSTALL := $(BIN)/uv pip install --python $(BIN)/python --quiet --compile-bytecode --require-hashes
OURSELVES := $(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation --editable .
# Releases younger than a week are not taken: a poisoned one is usually found within days.
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	--python-version 3.11 --exclude-newer "$$(date -u -d '7 days ago' +%F 2>/dev/null || date -u -v-7d +%F)"
# Beside the folder of attacks, those that live with the code they attack.
ATTACKS := tests/security tests/model tests/kit/test_tokens.py tests/journeys/test_pictures.py \
	tests/store_service/test_routes.py tests/store_service/accounts/test_races.py tests/store_service/web
CHAOS = $(BIN)/python -m chaos.run --minutes $(or $(MINUTES),10) \
	$(if $(STORM),--storm $(STORM)) $(if $(ORDERS),--orders $(ORDERS)) $(if $(RECORD),--record)
NSQ := github.com/nsqio/nsq/apps

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

# ---- run ----------------------------------------------------------------------------------------

.PHONY: up
up: .venv/up.stamp ## start everything: engines, both services, a demo shop
	@exec $(BIN)/pasar up

.PHONY: migrate
migrate: .venv/up.stamp ## bring both schemas of the running or configured database up to date
	@$(BIN)/pasar migrate

.PHONY: nsq
nsq: ## build nsqd, nsqlookupd and nsqadmin 1.3.0 into .local/bin (needs Go)
	@if .local/bin/nsqd --version 2>/dev/null | grep -q 'v1\.3\.0'; then exit 0; fi; \
	mkdir -p .local/bin; cd tools/nsq; \
	GOBIN="$(CURDIR)/.local/bin" go install $(NSQ)/nsqd $(NSQ)/nsqlookupd $(NSQ)/nsqadmin

# ---- check --------------------------------------------------------------------------------------

.PHONY: test
test: lint types arch ## what CI runs: lint, types, architecture, every test on real engines
	@if command -v go >/dev/null; then $(MAKE) --no-print-directory nsq; fi
	@$(BIN)/pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

.PHONY: test-fast
test-fast: .venv/dev.stamp ## the tests without the journeys, the command line and the faults
	@$(BIN)/pytest --numprocesses=auto --dist=loadfile \
		--ignore=tests/journeys --ignore=tests/cli --ignore=tests/chaos --ignore=tests/crash

.PHONY: security
security: .venv/dev.stamp ## attack a running shop, and compare it with a model of it
	@$(BIN)/pytest $(ATTACKS)

.PHONY: security-long
security-long: .venv/dev.stamp ## the same at full size: slow crowds, timing, 10,000 made-up requests
	@LONG=1 $(BIN)/pytest $(ATTACKS)

.PHONY: chaos-smoke
chaos-smoke: .venv/dev.stamp ## 90 s of faults on real processes, then the audit; also part of make test
	@$(BIN)/python -m chaos.run --smoke

.PHONY: chaos
chaos: .venv/dev.stamp ## long fault run: SEED= or SEEDS="1 2", BROKER= MINUTES=10, or STORM=payment; RECORD=1
ifdef SEEDS
	@broken=0; for seed in $(SEEDS); do \
		if ((seed % 2)); then broker=nsq; else broker=streams; fi; \
		$(CHAOS) --seed $$seed --broker $$broker || broken=1; \
	done; exit $$broken
else
	@$(CHAOS) $(if $(SEED),--seed $(SEED)) $(if $(BROKER),--broker $(BROKER))
endif

.PHONY: long-tests
long-tests: .venv/dev.stamp ## restarts, outages, overload, races and lost answers at full size
	@LONG=1 $(BIN)/pytest --timeout=900 $(addprefix tests/journeys/test_,restarts.py degraded.py \
		absences.py overload.py keys.py slow_payment.py) tests/store_service/test_keys.py \
		tests/store_service/orders/test_postgres.py

.PHONY: mutations
mutations: .venv/dev.stamp ## plant ten faults, one by one: each must turn its test red; M=01 RUNS=10
	@$(BIN)/python -m tests.mutants.run $(if $(M),--only $(M)) --runs $(or $(RUNS),1)

.PHONY: lint
lint: .venv/dev.stamp ## ruff: rules and format
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check

.PHONY: types
types: .venv/dev.stamp ## mypy and pyright, both strict
	@$(BIN)/mypy
	@$(BIN)/pyright

.PHONY: arch
arch: .venv/dev.stamp ## the import contracts of pyproject.toml
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

.PHONY: bench
bench: .venv/dev.stamp ## our service beside the Go yardstick (needs Go); SCENARIO=product ROUNDS=5
	@$(BIN)/python -m bench.run

.PHONY: bench-scale
bench-scale: .venv/dev.stamp ## p50 with 1,000 to 1,000,000 products and orders; LARGEST=100000
	@$(BIN)/python -m bench.scale

.PHONY: profile
profile: .venv/dev.stamp .local/profile/stamp ## flame graph of a web process; SCENARIO=product
	@$(BIN)/python -m bench.flames

# ---- maintain -----------------------------------------------------------------------------------

.PHONY: docs
docs: .venv/dev.stamp ## write the tables of the README and .env.example from the code
	@$(BIN)/python tools/docs.py

.PHONY: routes
routes: .venv/dev.stamp ## count in docs/routes.md how many tests ask each route (some minutes)
	@$(BIN)/pytest --numprocesses=auto --dist=loadfile --routes-table \
		tests/journeys tests/security tests/store_service tests/house/test_budgets.py

.PHONY: proto
proto: .venv/dev.stamp ## generate the gRPC code from proto/
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -I proto --python_out=src \
		--pyi_out=src --grpc_python_out=src --mypy_grpc_out=src proto/pasar/contracts/payment.proto

.PHONY: lock
lock: .venv/tools.stamp ## refresh the hash-locked requirements
	@$(LOCK) pyproject.toml --extra engines --group dev -o requirements/dev.txt
	@$(LOCK) pyproject.toml --extra engines -c requirements/dev.txt -o requirements/engines.txt
	@$(LOCK) pyproject.toml -c requirements/dev.txt -o requirements/run.txt
	@echo py-spy | $(LOCK) - -o requirements/profile.txt
	@printf 'pip-audit\ncyclonedx-bom\n' | $(LOCK) - -o requirements/audit.txt

.PHONY: audit
audit: .local/audit/stamp ## list what we ship, as CycloneDX in dist/, and ask PyPI for known faults of it
	@mkdir -p dist
	@PYTHONPATH=.local/audit $(BIN)/python -m cyclonedx_py requirements requirements/run.txt \
		--pyproject pyproject.toml --output-file dist/pasar.cdx.json
	@PYTHONPATH=.local/audit $(BIN)/python -m pip_audit --strict --disable-pip --require-hashes \
		--progress-spinner=off -r requirements/run.txt

.PHONY: dist
dist: .venv/dev.stamp ## build the wheel into dist/
	@$(BIN)/uv build --quiet --wheel --no-build-isolation

# ---- environment --------------------------------------------------------------------------------

.venv/tools.stamp: requirements/tools.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/tools.txt
	@touch $@

.venv/up.stamp: requirements/engines.txt pyproject.toml | .venv/tools.stamp
	@$(INSTALL) -r requirements/engines.txt
	@$(OURSELVES)
	@touch $@

# Folders of their own: no other target needs a profiler, which may look into every process of ours,
# or the auditor.
.local/profile/stamp .local/audit/stamp: .local/%/stamp: requirements/%.txt | .venv/tools.stamp
	@$(INSTALL) --target $(@D) -r $<
	@touch $@

.venv/dev.stamp: requirements/dev.txt pyproject.toml | .venv/tools.stamp
	@$(INSTALL) -r requirements/dev.txt
	@$(OURSELVES)
	@touch $@ .venv/up.stamp
