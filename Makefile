# Everything a person runs. Python 3.11 or newer and make are all that the machine must have.

PYTHON ?= python3
BIN := .venv/bin
SETUP := $(PYTHON) infra/setup/bootstrap.py
# A benchmark or campaign of one name, and a seed that repeats a campaign exactly.
NARROW := $(if $(ONLY),--only $(ONLY)) $(if $(SEED),--seed $(SEED)) $(if $(SAMPLE),--sample)
UV_LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --no-header --quiet \
	$(if $(UPGRADE),--upgrade)
RUNTIME := --extra server --extra ingest --extra detector --extra embedded --extra sample --extra web

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo run test bench campaign lint format types imports unit lock clean

help: ## list what there is to run
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what the service needs into .venv and build the front end
	@$(SETUP) runtime

setup-dev: ## the same, with the tools of `make test`
	@$(SETUP) dev

demo: setup ## upload, ingest, label, freeze, sign, publish, pull, detect: the whole way on real HTTP (FOOTAGE=dir)
	@$(BIN)/python infra/demo/journey.py $(FOOTAGE)

run: setup ## the service, left running: staff on :8000, partners on :8001
	@exec $(BIN)/cordon run

test: setup-dev ## lint, types, import rules and every test
	@$(MAKE) --jobs=2 --no-print-directory lint imports types unit

bench: setup-dev ## every benchmark against its peers (ONLY=name; SAVE=1 keeps the figures in docs/results)
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY)) $(if $(SAVE),--save)

campaign: setup-dev ## long fault, hostile-file and isolation campaigns (ONLY=name SEED=n SAMPLE=1)
	@$(BIN)/python -m tests.faults $(NARROW)

lint: setup-dev ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: setup-dev ## put the code into the house's format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: setup-dev ## mypy, strict; TypeScript, strict
	@$(BIN)/mypy
	@$(BIN)/mypy infra/setup
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm --prefix app/web --silent run types

imports: setup-dev ## the import rules of docs/architecture
	@$(BIN)/lint-imports

unit: setup-dev ## every test, in three processes (WORKERS=n): some of them wait
	@mkdir -p build
	@$(BIN)/pytest -n $(or $(WORKERS),3) --dist loadgroup --junitxml build/junit.xml $(ARGS)

lock: setup-dev ## resolve the dependencies anew into hashed locks (UPGRADE=1 for the newest)
	@$(UV_LOCK) infra/requirements/bootstrap.in -o infra/requirements/bootstrap.txt
	@$(UV_LOCK) pyproject.toml infra/requirements/build.in $(RUNTIME) --extra dev -o infra/requirements/dev.txt
	@$(UV_LOCK) pyproject.toml infra/requirements/build.in $(RUNTIME) -c infra/requirements/dev.txt \
		-o infra/requirements/runtime.txt
	@cd app/web && PATH="$(CURDIR)/$(BIN):$$PATH" npm install --package-lock-only --omit-lockfile-registry-resolved \
		--ignore-scripts --no-audit --no-fund
	@! grep -n '://' infra/requirements/*.txt || { echo "a lock names an address: remove it"; exit 1; }

clean: ## remove everything that was built or installed here
	@rm -rf .venv build app/web/node_modules app/web/static *.egg-info .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
