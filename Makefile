# Everything a person or CI needs; each target does its own set-up on a bare machine.
SHELL := /bin/bash
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := .setup
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test check bench prove setup clean

## run: start (or attach to) the local chain and the agent on it
run: setup
	leverd devnet up --detach
	run_agent -c config/settings.yaml

## test: the whole suite, with coverage
test: setup
	scripts/test

## check: lint, types, import rules, spelling, dead code
check: setup
	scripts/check

## bench: measure, against paired references
bench: setup
	scripts/bench

## prove: the longer proofs; writes docs/proofs.md
prove: setup
	scripts/prove

setup: $(TOOLS)/python $(TOOLS)/node $(TOOLS)/contracts

$(TOOLS)/uv:
	@mkdir -p $(TOOLS)
	$(PY) -m venv $(TOOLS)/uvenv
	$(TOOLS)/uvenv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8'
	@touch $@

$(TOOLS)/python: $(TOOLS)/uv pyproject.toml uv.lock
	UV_PYTHON=$$(command -v $(PY)) $(TOOLS)/uvenv/bin/uv sync --frozen --all-extras --quiet
	@touch $@

$(TOOLS)/node: $(TOOLS)/python package.json package-lock.json
	scripts/fetch-node-packages
	@touch $@

$(TOOLS)/contracts: $(TOOLS)/python $(wildcard contracts/*.vy contracts/devnet/*.vy) contracts/compile.py
	$(BIN)/python contracts/compile.py
	@touch $@

clean:
	rm -rf $(VENV) $(TOOLS) node_modules contracts/build
