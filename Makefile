# `make dev` and `make test` set up what they need. A Python of 3.11 or later is all that must be there.
# `sam build`, which `make test` runs, wants the Python of the functions' runtime: where it is missing, uv fetches it.
PORT         ?= 3000
ARGS         ?=
ARCHITECTURE ?= arm64
BIN          := .venv/bin
SAM          := .venv-sam/bin/sam
UV_VERSION   := 0.13.9
UV           := $(BIN)/uv
RUNTIME      := 3.13
# A shell word: the directory of the runtime's Python, for PATH.
RUNTIME_BIN  := $$(dirname "$$(scripts/find-python $(RUNTIME))")
# Processes for the tests: one more than two cores, since many tests wait for a clock.
WORKERS      ?= 3
# The folders whose tests are counted, named again so that each process need not collect the others.
COUNTED      := tests/inference tests/prompt_format tests/stream
HERE         := not sam_local and not aws
QUICK        := $(HERE) and not slow
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1
# Bytecode that is written once makes every later start faster.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help dev test check build deploy unit test-slow test-sam-local test-clients compare-bench rehearse api bench docs lock clean runtime

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

dev: .venv/run.stamp ## Start the whole path at http://127.0.0.1:3000 (PORT=8080 ARGS="--verbose")
	@exec $(BIN)/tollgate dev --port $(PORT) $(ARGS)

test: runtime check build unit ## Run every check and test but for what takes minutes (test-slow, test-sam-local, test-clients)

check: .venv/test.stamp .venv-checkov/stamp ## Lint, formatting, types, and the template's security (.checkov.yaml)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	.venv-checkov/bin/checkov --config-file .checkov.yaml

build: runtime .venv-sam/stamp ## Validate the template and build the functions, with their bytecode (ARCHITECTURE=x86_64)
	@test -e samconfig.toml || cp samconfig.example.toml samconfig.toml
	$(SAM) validate --lint
	PATH="$(RUNTIME_BIN):$$PATH" $(SAM) build --parameter-overrides Architecture=$(ARCHITECTURE)
	scripts/bytecode

# The runner's environment is for `tollgate record`, which comes next.
deploy: build .venv/run.stamp ## Build and deploy to the AWS account of your credentials (ARGS="--config-env staging")
	$(SAM) deploy $(ARGS)

# First the tests of what is deployed, with its coverage, which makes them half as fast; then all others; and
# last, one after another, those that measure time, CPU or memory. tests/README.md says more.
unit: .venv/test.stamp ## Run the tests that need neither Docker nor AWS
	$(BIN)/pytest -m "counted and not alone and $(QUICK)" $(COUNTED) -n $(WORKERS) --cov
	$(BIN)/pytest -m "not counted and not alone and $(QUICK)" -n $(WORKERS)
	$(BIN)/pytest -m "alone and $(QUICK)"

test-slow: .venv/test.stamp ## Run the tests that take longest: faults, hostile prompts, whole releases, commands of pages
	$(BIN)/pytest -m "slow and not alone and $(HERE)" -n $(WORKERS)
	$(BIN)/pytest -m "slow and alone and $(HERE)"

test-sam-local: runtime .venv/test.stamp .venv-sam/stamp ## Run the functions in Lambda's containers (needs Docker)
	PATH="$(CURDIR)/.venv-sam/bin:$(RUNTIME_BIN):$$PATH" $(BIN)/pytest -m sam_local

test-clients: .venv/test.stamp ## Try the clients that people use, each in its own environment (ARGS="--only boto3")
	$(BIN)/python -m scripts.try_clients $(ARGS)

compare-bench: .venv/test.stamp ## Measure one server with llmeter and with tollgate bench, and compare (ARGS=--write)
	$(BIN)/python -m scripts.compare_with_llmeter $(ARGS)

rehearse: build .venv/test.stamp ## Deploy, update and delete the stack on an emulator of AWS
	$(BIN)/python scripts/deploy_smoke_test.py

api: .venv/test.stamp ## Renew what is generated from the contract and the request models in api/
	$(BIN)/python -m api

bench: runtime .venv/test.stamp .venv-sam/stamp ## Measure start-up, requests, packages and paths; renew docs/performance.md
	$(BIN)/python -m benchmarks $(ARGS)

docs: .venv/test.stamp ## Run the fault matrix and renew the generated parts of the documentation
	$(BIN)/python -m scripts.write_docs
	$(BIN)/python -m scripts.write_tour
	$(BIN)/python -m scripts.write_records
	$(BIN)/python -m scripts.measure_failures

lock: .venv/test.stamp ## Renew the pinned requirements
	scripts/lock

clean: ## Remove what the other targets made
	rm -rf .venv .venv-sam .venv-checkov .python .aws-sam build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	find . -name __pycache__ -prune -exec rm -rf {} +

# First among what others need, so that a missing Python is told before anything that takes long.
runtime:
	@scripts/fetch-python $(RUNTIME)

.venv/uv.stamp:
	@python=$$(scripts/find-python $(RUNTIME) 3.12 3.11 3) && echo "making .venv with $$python" && "$$python" -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/run.stamp: .venv/uv.stamp requirements/run.txt pyproject.toml
	@echo "installing what the local runner needs"
	@test -e .venv/test.stamp || VIRTUAL_ENV=.venv $(UV) pip install --quiet --compile-bytecode -r requirements/run.txt
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --editable .
	@touch $@

.venv/test.stamp: .venv/uv.stamp requirements/test.txt pyproject.toml
	@echo "installing what the tests need"
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet -r requirements/test.txt
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --editable .
	@touch $@ .venv/run.stamp

.venv-sam/stamp: .venv/uv.stamp requirements/sam.txt
	@echo "installing aws-sam-cli"
	@$(UV) venv --quiet --clear --python $(BIN)/python .venv-sam
	@VIRTUAL_ENV=.venv-sam $(UV) pip install --quiet -r requirements/sam.txt
	@touch $@

# An environment of its own: checkov wants other versions of what the tests use.
.venv-checkov/stamp: .venv/uv.stamp requirements/checkov.txt
	@echo "installing checkov"
	@$(UV) venv --quiet --clear --python $(BIN)/python .venv-checkov
	@VIRTUAL_ENV=.venv-checkov $(UV) pip install --quiet -r requirements/checkov.txt
	@touch $@
