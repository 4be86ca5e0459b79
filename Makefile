# Everything happens in .venv, made from lock files (pinned, with hashes): what runs, and what tests.
.DEFAULT_GOAL := help
.PHONY: help run install secrets test check format bench bench-large fuzz faults lock clean

PYTHON ?= python3
PORT ?= 8000
# As it was written: a name may have a dollar in it.
DATA_DIR := $(value DATA_DIR)
export PORT DATA_DIR
BIN := .venv/bin
# Modules and not scripts where there are both: a script names its Python, and a name with a space
# in it is not found by every system.
RUN := $(BIN)/python -m
RUNS := .venv/.runs
TESTS := .venv/.tests

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: $(RUNS) ## prepare everything and serve (PORT=8000, DATA_DIR=./recount-data)
	@exec $(RUN) services.embedded serve --port "$$PORT" $${DATA_DIR:+--data-dir "$$DATA_DIR"}

install: $(RUNS) ## prepare only: .venv with .venv/bin/recount (PYTHON=python3.12 chooses another Python)

$(RUNS): requirements.txt pyproject.toml
	$(call install,Recount runs on: 220 MB of Python packages to fetch$(comma) 750 MB on the disk)
	@touch $@

$(TESTS): requirements-test.txt pyproject.toml
	$(call install,Recount runs on and is tested with: 340 MB of Python packages to fetch$(comma) 1.1 GB on the disk)
	@touch $(RUNS) $@

secrets: $(RUNS) ## make ./secrets, which compose.yaml reads: those files of it that are missing
	@$(RUN) services.embedded secrets ./secrets

# What is installed by the lock file that comes first. .installed: nothing was interrupted; else .venv is
# made anew, of the packages that pip has kept. The lock files are complete, hence --no-deps: they
# leave out what pyproject.toml names as never imported.
define install
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Recount needs Python 3.11 or newer; choose one with make PYTHON=…")'
@if [ -e .venv/.installed ] && $(RUN) pip --version >/dev/null 2>&1; then \
	echo "Bringing .venv up to date: what $< names and .venv has not is fetched."; \
else \
	echo "Preparing .venv with what $(1)."; \
	echo "A minute or two, this once. Interrupted, the next make goes on with the packages fetched so far."; \
	$(PYTHON) -m venv --clear .venv; \
fi
@rm -f .venv/.installed
@$(RUN) pip install $(PIP) --require-hashes --no-deps --requirement $<
@$(RUN) pip install $(PIP) --quiet --no-index --no-deps --no-build-isolation --editable .
@touch .venv/.installed
endef
comma := ,
PIP := --disable-pip-version-check --no-input --no-user

test: $(TESTS) ## the whole test suite, on real servers
	$(RUN) pytest --numprocesses auto --maxprocesses 4 --dist loadscope -rfER

check: $(TESTS) ## format, lint, types, import rules, the compose files, what is told of it
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(BIN)/lint-imports
	$(RUN) check_jsonschema --builtin-schema vendor.compose-spec compose.yaml compose.small.yaml
	$(RUN) tests.watching_page --check
	$(RUN) tests.swallowed

format: $(TESTS) ## rewrite the code in the house format
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

bench: $(TESTS) ## the benchmarks, each as a ratio in one run on this machine; minutes
	$(RUN) tests.bench

bench-large: $(TESTS) ## the funnels over 50 million events; needs some 20 GB of disk and an hour
	$(RUN) tests.bench.bench_funnels --rows 50000000 --times 3

fuzz: $(TESTS) ## the long random runs: insights against their references, requests against the API's description
	$(RUN) tests.funnels.fuzz --cases 1000000
	$(RUN) tests.trends.fuzz --cases 10000
	$(RUN) tests.contracts.schemathesis_run --requests 20000
	$(RUN) tests.e2e.concurrency --operations 100000
	$(RUN) tests.services.query.reads_trail.replay --requests 20000
	$(RUN) pytest -m fuzz --timeout 3600 tests/domain tests/releases tests/services/query/reads/test_prefixes.py \
		tests/services/query/insights/test_same_results.py tests/services/projector/auditor/test_random.py

faults: $(TESTS) ## faults in a whole deployment, each once, and builds that break a promise; half an hour
	$(RUN) pytest -m faults --timeout 900 tests/faults/test_broken.py
	$(RUN) tests.faults.run

lock: $(TESTS) ## write the lock files anew from pyproject.toml
	$(compile) --output-file requirements-services.txt
	$(compile) --extra embedded --constraint requirements-services.txt --output-file requirements.txt
	$(compile) --extra embedded --group dev --constraint requirements.txt --output-file requirements-test.txt

compile := $(BIN)/uv pip compile pyproject.toml --group install --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --quiet

clean: ## remove .venv (data folders stay)
	rm -rf .venv build *.egg-info
