# Each target sets up what it needs in .venv: the machine needs Python 3.11 or newer, make, and the package registry.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
USED := $(VENV)/.used
TESTED := $(VENV)/.tested
BENCHED := $(VENV)/.benched

.PHONY: demo test test-long bite check bench bench-long screenshots clean

demo: $(USED)
	$(BIN)/stockhook demo

# Three processes for two cores: tests of daemons wait a good deal. Each takes whole files, so that what is started once
# for a file is started once, and in the order of tests/conftest.py.
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# Thousands of tests drive real processes, sockets and a browser: what fails is tried once more and named at the end,
# for the machine may have been busy with something else. A broken promise (tests/shared/promises.py) fails at once.
test: $(TESTED)
	$(PYTEST) --reruns 1 --rerun-except PromiseBroken

# The random tests with many more runs, and the faults many more times; takes hours.
test-long: $(TESTED)
	STOCKHOOK_LONG=1 STOCKHOOK_EXAMPLES=3000 $(PYTEST)

# Builds that are broken on purpose, and which test catches which.
bite: $(TESTED)
	PYTHONPATH=tests/shared $(BIN)/python tests/faults/test_bite.py

check: $(TESTED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# What stockhook costs, against what people would use instead; ROWS=intake,peer measures only those.
# The rows against Flask and RQ need Debian's redis-server.
bench: $(BENCHED)
	$(BIN)/python tests/benchmarks/run.py $(if $(ROWS),--rows $(ROWS))

# And what ten minutes of even load do to its memory.
bench-long: $(BENCHED)
	$(BIN)/python tests/benchmarks/run.py --long

# The pictures of the pages in README, made anew.
screenshots: $(TESTED)
	STOCKHOOK_SCREENSHOTS=1 $(BIN)/python -m pytest tests/browser/test_screenshots.py

clean:
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find daemon plugins tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("stockhook needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] + "; name another: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(USED): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(TESTED): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(USED)

$(BENCHED): pyproject.toml $(TESTED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@
