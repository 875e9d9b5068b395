# Two commands do everything: `make serve` and `make test`. Each builds .venv from the hash-locked files first.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.14 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,14))' 2>/dev/null && echo $$p && break; done)
UV := $(shell command -v uv 2>/dev/null)
PYTEST_WORKERS ?= 2
# The tests start some hundred processes: without bytecode each of them compiles the project again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: serve test check lint format lock clean faults-long

serve: $(VENV)/product.stamp
	$(BIN)/bakeoff serve

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal

check: lint test

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# About a quarter of an hour: kills and faults many times over.
faults-long: $(VENV)/dev.stamp
	BAKEOFF_KILL_ROUNDS=100 $(BIN)/python -m pytest -m faults --timeout 3600

format: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/product.stamp: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Bakeoff needs Python 3.11 to 3.14; none was found." >&2; exit 2; }
ifneq ($(UV),)
	$(UV) venv --quiet --allow-existing --seed --python $(PYTHON) $(VENV)
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --compile-bytecode --no-deps --require-hashes -r requirements.lock
else
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
endif
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: tests/requirements.lock $(VENV)/product.stamp
ifneq ($(UV),)
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --compile-bytecode --no-deps --require-hashes -r tests/requirements.lock
else
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r tests/requirements.lock
endif
	@touch $@

# Needs uv. The locks hold versions, hashes and markers, and no index address; uv.lock itself is not kept.
lock:
	$(UV) lock
	$(UV) export --quiet --no-emit-project --no-default-groups --no-header --no-annotate -o requirements.lock
	$(UV) export --quiet --no-emit-project --only-group dev --no-header --no-annotate -o tests/requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis
