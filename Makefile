# make demo   set up a virtual environment and start the browser demo
# make test   set up the development environment and run the tests
# make test-all   the same with the nightly tests: old versions, full sizes, clean installs
# make lint   format check, lint, types, direction of imports
# make bench  measure against peers (see benchmarks/README.md)
#
# PYTHON picks the interpreter, PIP_ARGS goes to pip (for example an index with CPU builds of torch).

PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
# Groups of tests that share what is dear to make stay in one process (tests/groups.py). `PROCESSES=` runs all in one.
PROCESSES ?= --numprocesses=2
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS)

.PHONY: demo test test-all lint format bench clean

demo: $(VENV)/base
	$(BIN)/python app.py

# Tests start some sixty programs: they are compiled once, also where the environment says not to keep that.
test: $(VENV)/dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest $(PROCESSES) $(PYTEST_ARGS)

test-all: $(VENV)/dev
	$(BIN)/python -m pytest -m "nightly or not nightly" --hypothesis-profile=new $(PYTEST_ARGS)

lint: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/dev
	$(BIN)/python -m benchmarks.peers

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The stamps are made anew when the one source of dependencies changes. Python compiles what the page imports, a small
# part of what is installed; compiling all of it was a third of the wait. Tests import far more, in many processes.
$(VENV)/base: pyproject.toml | $(BIN)/python
	$(PIP) --no-compile --editable .
	@touch $@

$(VENV)/dev: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/base

clean:
	rm -rf $(VENV) build dist *.egg-info
