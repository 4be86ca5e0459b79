# Everything runs in .venv, made from requirements.txt (pinned, with hashes). Nothing else is changed.
.DEFAULT_GOAL := help
.PHONY: help run install test check format bench bench-large fuzz lock clean

PYTHON ?= python3
PORT ?= 8000
DATA_DIR ?= ./recount-data
BIN := .venv/bin
INSTALLED := .venv/.installed

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: install ## prepare everything and serve (PORT=8000, DATA_DIR=./recount-data)
	@exec $(BIN)/recount serve --port "$(PORT)" --data-dir "$(DATA_DIR)"

install: $(INSTALLED) ## prepare only: .venv with .venv/bin/recount (PYTHON=python3.12 chooses another Python)

$(INSTALLED): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Recount needs Python 3.11 or newer; choose one with make PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

test: install ## the whole test suite, on real servers
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope

check: install ## format, lint, types, import rules, compose.yaml
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

format: install ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install ## the benchmarks, each as a ratio in one run on this machine; minutes
	$(BIN)/python -m tests.bench

bench-large: install ## the funnels over 50 million events; needs some 20 GB of disk and an hour
	$(BIN)/python -m tests.bench.bench_funnels --rows 50000000 --times 3

fuzz: install ## the long random runs: funnels against the reference, requests against the API's description
	$(BIN)/python -m tests.funnels.fuzz --cases 1000000
	$(BIN)/python -m tests.contracts.schemathesis_run --requests 20000
	$(BIN)/python -m tests.e2e.concurrency --operations 100000

lock: install ## write requirements.txt anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra embedded --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --custom-compile-command "make lock" --quiet -o requirements.txt

clean: ## remove .venv (data folders stay)
	rm -rf .venv build *.egg-info
