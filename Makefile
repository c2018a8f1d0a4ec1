# Two commands for a fresh machine with Python 3.11: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Real data sets for tests, where they exist; tests that need them skip with a reason elsewhere.
export CORPUSKIT_TEST_DATA ?= $(wildcard $(abspath ../shared/data))

.PHONY: demo test test-all check bench clean

demo: $(VENV)/.run
	$(BIN)/corpuskit demo --out demo

test: $(VENV)/.dev
	$(BIN)/pytest

test-all: $(VENV)/.dev
	$(BIN)/pytest -m "slow or not slow"

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# One environment, two stages: the demo does not wait for the development tools.
$(VENV)/.run: pyproject.toml constraints.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "installing corpuskit and its packages into $(VENV) (a minute or two)"
	@$(BIN)/pip install --quiet -c constraints.txt -e '.[train,report]'
	touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "installing the development tools into $(VENV)"
	@$(BIN)/pip install --quiet -c constraints.txt -e '.[web,train,report,dev]'
	touch $@

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
