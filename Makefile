# make demo        run the five documented examples, with all set-up
# make test        run every test, with all set-up
# make check       the inner loop: format, lint, import contracts, types, fast tests
# make bench       measure, and write the table in bench/README.md
# make behaviours  list the numbered behaviours that no test covers

SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin

.PHONY: help demo test check bench behaviours setup setup-dev lock clean

help:
	@sed -n 's/^# make/make/p' Makefile

setup:
	@scripts/setup demo

setup-dev:
	@scripts/setup dev

demo: setup
	@scripts/demo

check: setup-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pytest -q -n 2 -m "not runtime and not root and not peer and not slow and not kubernetes"

test: check
	$(BIN)/pytest -q -n 2 -m "(runtime or root or peer or slow) and not kubernetes"
	$(BIN)/pytest -q -m kubernetes
	@scripts/test-wheel

bench: setup-dev
	$(BIN)/python -m bench

behaviours: setup-dev
	@$(BIN)/python scripts/behaviours.py

# Pins names, versions and hashes, without addresses.
lock:
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --no-annotate pyproject.toml --extra helm --group build -o requirements/demo.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --no-annotate pyproject.toml --extra helm --extra kubernetes --extra docker --group build --group test --group lint \
	  --group lock -c requirements/demo.txt -o requirements/dev.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
