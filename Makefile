# `make report` analyses the demo study, `make test` runs every test; both set up what they need first.
PYTHON ?= python3
CORES ?= 2
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)
UV := $(shell command -v uv 2>/dev/null)
TOO_OLD := cartrace needs Python 3.11 or newer. Install it, or name one that is: make PYTHON=/path/to/python3.12 report

.DEFAULT_GOAL := help
.PHONY: help report test cluster-test lint schema docs rulegraph demo bench lock clean

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):[^#]*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 19

report: $(VENV)/.run ## analyse the study of config/config.yaml (as shipped: the demo) -> results/7_report/report.html
	@$(SNAKEMAKE)

test: $(VENV)/.dev ## run every test
	@$(BIN)/python -m pytest -n logical

cluster-test: $(VENV)/.dev ## start a Slurm on this machine and test on it (Debian, as root; installs what it needs)
	@$(call install_into,build/slurm,requirements-slurm.txt)
	@PYTHONPATH=$(CURDIR)/build/slurm $(BIN)/python -m pytest -p no:xdist tests/cluster

lint: $(VENV)/.dev ## check style, types and rules
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/snakefmt --check .
	@$(BIN)/snakemake --lint

schema: $(VENV)/.run ## write config/config.schema.yaml from scripts/cartrace/config/
	@PYTHONPATH=scripts $(BIN)/python scripts/write_schema.py

docs: $(VENV)/.run ## write the pages of docs/ that the code dictates
	@PYTHONPATH=scripts $(BIN)/python scripts/write_docs.py

rulegraph: $(VENV)/.run ## draw docs/rulegraph.svg (needs graphviz)
	@$(BIN)/snakemake --rulegraph 2>/dev/null | dot -Tsvg >docs/rulegraph.svg

demo: $(VENV)/.run ## simulate the demo study anew -> resources/demo_study
	@$(BIN)/python scripts/simulate_study.py config/config.yaml resources/demo_study

bench: $(VENV)/.dev ## measure time and memory -> docs/performance.md (takes minutes)
	@$(BIN)/python benchmarks/run.py

lock: ## resolve the requirements of pyproject.toml anew (needs uv)
	@uv pip compile -q -o requirements.txt $(LOCK)
	@uv pip compile -q -o requirements-dev.txt --group dev -c requirements.txt $(LOCK)

LOCK := pyproject.toml --universal --fork-strategy fewest --python-version 3.11 --upgrade \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

clean: ## remove results, logs and caches; the environment stays
	@rm -rf results logs simulated .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis

# ---- the environment: made once, redone when the pinned requirements change ----

$(BIN)/python:
ifdef UV
	@$(UV) venv --quiet --clear --python '>=3.11' $(VENV)
else
	@command -v $(PYTHON) >/dev/null && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(TOO_OLD)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
endif

$(VENV)/.run: requirements.txt | $(BIN)/python
	@$(call install,requirements.txt)
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@$(call install,requirements-dev.txt)
	@touch $@

ifdef UV
install = $(UV) pip install --quiet --python $(BIN)/python --compile-bytecode -r $(1)
install_into = $(UV) pip install --quiet --python $(BIN)/python --no-deps --target $(1) -r $(2)
else
install = $(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(1)
install_into = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(1) -r $(2)
endif
