SHELL := /bin/bash
PY := .venv/bin/python
export PYTHONPATH := $(CURDIR)
export DAGSTER_HOME := $(CURDIR)/.dagster
export DAGSTER_DISABLE_TELEMETRY := 1
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help setup setup-test demo up docs test test-full test-cluster lint bench bench-setup gpu gpu-kit kenlm clean

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s '	'

setup: ## create .venv and install the pinned set (the other targets do it when needed)
	@bash tools/setup.sh

setup-test: ## as setup, with what tests, benchmarks and checks need
	@bash tools/setup.sh test

demo: setup ## run the whole graph on real pages, from WARC to evaluation report
	@$(PY) -m jobs.demo

up: setup ## Dagster's web UI and daemon on http://127.0.0.1:3000
	@$(PY) -m jobs.cli up

docs: setup ## build the documentation into site/
	@bash tools/docs_setup.sh
	@$(PY) -m tools.docs_reference docs/reference
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet --strict --clean
	@! grep -rE '<(script|img|iframe|source)[^>]* src="?https?:|<link[^>]* href="?https?:' site --include='*.html'

test: setup-test ## all tests, at small size
	@$(PY) -m pytest -m "not full"

test-full: setup-test ## full sizes, clusters and faults
	@bash tools/test_full.sh

test-cluster: setup-test ## training over two hosts in network namespaces, and what can happen to them; needs root, openssh-server, pdsh
	@$(PY) -m pytest -m full tests/cluster -rs

lint: setup-test ## ruff, mypy, import-linter
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports

bench: bench-setup ## the quick form of every benchmark
	@for name in $$(grep -l __main__ benchmarks/*.py | grep -v _peer | xargs -n1 basename | sed 's/\.py$$//'); do $(PY) -m benchmarks.$$name --quick || exit 1; done

bench-setup: setup-test ## install the benchmarks' peers into .venv-peers
	@bash tools/bench_setup.sh

gpu: ## checks, speeds and one experiment on a GPU, under 9 minutes; without one a dry run
	@bash tools/gpu.sh

gpu-kit: setup ## fill .gpu/ with what a GPU machine without a network needs; CORPUS=FOLDER adds the experiment's shards
	@$(PY) -m benchmarks.gpu.kit $(if $(CORPUS),--corpus "$(CORPUS)")

kenlm: setup ## build lmplz for the perplexity models into .cache/kenlm
	@bash tools/kenlm.sh

clean: ## remove the demo's lake, Dagster's records and the built documentation; keeps .venv and downloads
	rm -rf lake .dagster site docs/reference
