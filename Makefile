# Everything a person or CI needs; each target does its own set-up on a bare machine.
SHELL := /bin/bash
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := .setup
SETTINGS := -c config/settings.yaml$(if $(WITH), -c config/with/$(WITH).yaml)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test check docs bench bench-peers prove reality study setup clean

## run: start (or attach to) the local chain, the page that shows it, and the agent on it;
##      WITH=predictions lays config/with/predictions.yaml over its settings
run: setup
	leverd devnet up --detach
	leverd api $(SETTINGS) --link control & api=$$!; trap 'kill $$api 2>/dev/null' EXIT; \
	  run_agent $(SETTINGS)

## test: the whole suite, with coverage
test: setup $(TOOLS)/injectived
	scripts/test

## check: lint, types, import rules, spelling, dead code
check: setup
	scripts/check

## docs: this documentation as a site that fetches nothing, in site/
docs: setup
	NO_MKDOCS_2_WARNING=1 mkdocs build
	@echo "site/index.html; with search: python3 -m http.server --bind 127.0.0.1 -d site"

## bench: measure, against paired references
bench: setup
	scripts/bench

## bench-peers: the same work in fractal-defi and demeter; writes its table in docs/benchmarks.md
bench-peers: setup
	scripts/bench-peers

## prove: the longer proofs; writes docs/proofs.md
prove: setup
	scripts/prove

## reality: recorded Aave accounts and liquidations through our maths; writes docs/reality.md
reality: setup
	scripts/reality

## study: our own models judged on recorded markets (LEVERD_DATA); writes docs/predictions.md
study: setup
	OMP_NUM_THREADS=1 python scripts/study_predictions.py

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

$(TOOLS)/injectived: $(TOOLS)/python tests/injective/requirements.txt
	tests/injective/prepare
	@touch $@

clean:
	rm -rf $(VENV) $(TOOLS) node_modules contracts/build
