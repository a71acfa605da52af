# Every target makes what it needs: on a fresh machine with Python 3.11 to 3.13, git and make,
# `make demo` and `make test` are the two commands to know.

DATA ?= ../shared/data
WORKSPACE ?= $(firstword $(wildcard twinpack-demo twinpack-data) twinpack-demo)
VENV := .venv
BIN := $(VENV)/bin

# The first interpreter that really runs (a version manager's shim may exist and refuse to), is of a
# supported version and can make a virtual environment.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	"$$p" -c 'import ensurepip, sys, venv; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit(1); print(sys.executable)' \
	2>/dev/null && break; done)

export PIP_DISABLE_PIP_VERSION_CHECK = 1

# The app is built again when one of these is newer; its build looks closer and does nothing when none has changed.
WEB := $(shell find web -type f -not -path 'web/node_modules/*')

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint bench evaluate serve clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

demo: $(VENV)/.web ## simulate a fleet, let its twins live, serve the app; on a terminal until Ctrl-C (./twinpack-demo)
	$(BIN)/twinpack demo

test: $(VENV)/.web ## the fast tests, the web app's too
	$(BIN)/python web/app.py test
	OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -q -n auto --maxprocesses 8 -m "not slow"

test-all: $(VENV)/.web ## all tests, the slow ones too
	$(BIN)/python web/app.py test
	OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -q -n auto --maxprocesses 8

lint: $(VENV)/.deps ## ruff (rules and format), mypy --strict; the web app's types, rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/python web/app.py check

bench: $(VENV)/.bench ## measure against baselines, side by side (build/bench.json)
	$(BIN)/python -m benchmarks

evaluate: $(VENV)/.deps ## judge the twins on recorded data: make evaluate DATA=DIR [QUICK=1] (build/evaluate.json)
	$(BIN)/twinpack evaluate --data $(DATA) --out build/evaluate.json $(if $(QUICK),--quick)

serve: $(VENV)/.web ## serve a workspace, the demo's with its fleet driving on: make serve [WORKSPACE=DIR]
	$(BIN)/twinpack serve --home $(WORKSPACE) $(if $(wildcard $(WORKSPACE)/.twinpack-demo),--simulated-fleet)

clean: ## remove the virtual environment, caches and build output (no workspace is touched)
	rm -rf $(VENV) build dist src/twinpack/_web web/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.bench: $(VENV)/.deps
	@echo "Installing what the benchmarks compare with"
	@$(BIN)/python -m pip install -q -c constraints.txt --group bench
	@touch $@

$(VENV)/.web: $(VENV)/.deps $(WEB)
	@$(BIN)/python web/app.py build
	@touch $@

$(VENV)/.deps: pyproject.toml constraints.txt hatch_build.py
	@$(BIN)/python -c "" 2>/dev/null || { \
		python="$(PYTHON)"; \
		[ -n "$$python" ] || { \
			echo "twinpack needs Python 3.11, 3.12 or 3.13 with its venv module; none was found." >&2; \
			echo "Install one (Debian and Ubuntu: apt install python3-venv) or name it: make PYTHON=/path/to/python3" >&2; \
			exit 1; }; \
		echo "Making $(VENV) with $$python"; \
		"$$python" -m venv --clear $(VENV); }
	@# Dependency groups need pip 25.1.
	@$(BIN)/python -c "import pip, sys; sys.exit([int(n) for n in pip.__version__.split('.')[:2]] < [25, 1])" \
		|| $(BIN)/python -m pip install -q --upgrade "pip>=25.1"
	@echo "Installing what twinpack needs (a minute or two the first time)"
	@$(BIN)/python -m pip install -q -c constraints.txt --group dev -e .
	@touch $@
