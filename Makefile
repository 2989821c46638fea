# make demo   answers from samples/ (or from DOCS=some/folder Q="a question")
# make test   everything that must hold: tests, lint, types, import contracts
# make eval-gate   quality on a small sample, against the floors of evals/gates.toml
# make bench  quality and speed on SET (a BEIR-style folder), beside the systems in PEERS if that folder is there
# make bench-scale   loads and searches CHUNKS made-up chunks (a million take half an hour and 3 GB of disk)
# make ui     the chat page on this machine, with the sample documents at first
# make serve   the chat page and the API at http://127.0.0.1:8000
# make serve-langgraph   the LangGraph server at http://127.0.0.1:2024, or on PORT (needs the development extra)
# make bench-load   how the server bears load: LOAD_SECONDS of questions with a scripted chat model, and a minute more
# make contract   asks the server whatever its OpenAPI document allows, and more, for some minutes
# make fuzz   mutates real files for FUZZ_SECONDS and looks for what breaks the loaders
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DOCS ?= samples
Q ?=
SET ?= ../shared/data/scifact
PEERS ?= ../shared/peers
PEERS_PYTHON ?= ../peers-venv/bin/python
CHUNKS ?= 1000000
FUZZ_SECONDS ?= 300
LOAD_SECONDS ?= 480
PORT ?= 2024
export DOCS Q SET PEERS PEERS_PYTHON CHUNKS FUZZ_SECONDS LOAD_SECONDS PORT  # as they are, whatever quotes and spaces are in them

.PHONY: setup demo test eval-gate lint bench bench-scale bench-load contract fuzz ui serve serve-langgraph clean

setup: $(VENV)/.ready

# One marker for the whole set-up: it is made again when what to install changes.
$(VENV)/.ready: pyproject.toml constraints.txt scripts/setup.sh
	@PYTHON="$(PYTHON)" bash scripts/setup.sh "$(VENV)"
	@touch $@

demo: setup
	@bash scripts/demo.sh "$(BIN)"

test: setup lint
	@$(BIN)/pytest -n 2 --dist loadfile

eval-gate: setup
	@$(BIN)/footnote eval gate

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PYTHONPATH=. $(BIN)/lint-imports

bench: setup
	@$(BIN)/python -m evals.bench "$$SET" --peers "$$PEERS" --peers-python "$$PEERS_PYTHON"

bench-scale: setup
	@$(BIN)/python -m evals.bench.scale "$$CHUNKS"

bench-load: setup
	@$(BIN)/footnote eval load --seconds "$$LOAD_SECONDS"

contract: setup
	@$(BIN)/python -m tests.server.contract

fuzz: setup
	@$(BIN)/python -m tests.faults.fuzz --seconds "$$FUZZ_SECONDS"

ui: setup
	@$(BIN)/footnote ui

serve: setup
	@$(BIN)/footnote serve

serve-langgraph: setup
	@bash scripts/serve_langgraph.sh "$(BIN)" "$$PORT"

clean:
	rm -rf $(VENV)
