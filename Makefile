# Needs Python 3.11 or later with venv, and make; everything else comes from the lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup-done

.DEFAULT_GOAL := help
.PHONY: help setup run test check format bench browser faults lock

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv as the lock file says

run: setup ## start everything on this machine, with the demonstration shop
	@$(BIN)/parcours up --demo

JOBS ?= 2
test: setup ## every test that needs nothing but what setup installs, JOBS=2 at a time
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile $(ARGS)

check: setup ## format, lint, types, import contracts, templates
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@if [ -d designer/templates ]; then $(BIN)/djlint designer/templates --lint --quiet; fi

format: setup ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## every measurement; ARGS=--quick takes under a minute each
	@for script in bench/[a-z]*.py; do $(BIN)/python $$script $(ARGS) || exit 1; done

browser: setup ## the tests in a real browser alone
	$(BIN)/python -m pytest tests/browser $(ARGS)

ROUNDS ?= 10
RUNS ?= 1000
faults: setup ## kill parts at random moments and count what arrived: ROUNDS=10 RUNS=1000
	PARCOURS_TEST_ROUNDS=$(ROUNDS) PARCOURS_TEST_RUNS=$(RUNS) \
		$(BIN)/python -m pytest -m faults -s tests/faults $(ARGS)

COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--custom-compile-command "make lock"
lock: setup ## write the lock files anew from pyproject.toml; ARGS=--upgrade for newer versions
	$(COMPILE) --all-extras --group dev $(ARGS) --output-file requirements.lock pyproject.toml
	$(COMPILE) --constraint requirements.lock --output-file requirements-production.lock pyproject.toml

# uv itself is in the lock: it is installed first, by pip, with the same hashes.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Parcours needs Python 3.11 or later; name one with make PYTHON=..." if sys.version_info < (3, 11) else 0)'
	@if ! $(BIN)/uv --version >/dev/null 2>&1; then \
		echo "Making $(VENV); this takes a minute or two the first time."; \
		$(PYTHON) -m venv --clear $(VENV) && \
		awk '/^[a-z]/ { wanted = /^uv==/ } wanted' requirements.lock > $(VENV)/uv.txt && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
			--no-deps -r $(VENV)/uv.txt; \
	fi
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .
	@touch $@
