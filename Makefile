# make demo   answers from samples/ (or from DOCS=some/folder Q="a question")
# make test   everything that must hold: tests, lint, types, import contracts
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DOCS ?= samples
Q ?=
export DOCS Q  # as they are, whatever quotes and spaces are in them

.PHONY: setup demo test lint serve-langgraph clean

setup: $(VENV)/.ready

# One marker for the whole set-up: it is made again when what to install changes.
$(VENV)/.ready: pyproject.toml constraints.txt scripts/setup.sh
	@PYTHON="$(PYTHON)" bash scripts/setup.sh "$(VENV)"
	@touch $@

demo: setup
	@bash scripts/demo.sh "$(BIN)"

test: setup lint
	@$(BIN)/pytest

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PYTHONPATH=. $(BIN)/lint-imports

serve-langgraph: setup
	@$(BIN)/langgraph dev --no-browser

clean:
	rm -rf $(VENV)
