# demo, test, check, test-system and bench create .venv and install what they need, and install nothing twice.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test check docs test-system test-long slurm chromium bench clean

# The sweep's leaderboard goes nowhere: the report prints it.
demo: $(INSTALLED)
	$(BIN)/poolsweep train -m experiment=demo >/dev/null
	$(BIN)/poolsweep report demo

# One process per core, one thread each.
test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=auto --maxprocesses=8 --ignore=tests/system

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/python .ci/typed_configs.py
	$(BIN)/pyright

# The documentation as a site that is read from disk: build/site/index.html. A warning is an error.
docs: $(INSTALLED)
	$(BIN)/python .ci/site/build.py

# Tests that need a real Slurm or a real browser: installed from the distribution when run as root.
# Slurm's tests mostly wait, so another process runs the others meanwhile.
test-system: $(INSTALLED) slurm chromium
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/system -m "slurm or browser or slow" --numprocesses=2 --dist=loadscope

# Several processes of one run, and interruptions of all that can be interrupted: a quarter of an hour, not part of .ci/run.
test-long: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/system -m long

# Slurm, its accounting and munge, for tests that start a private one; says what is missing when not root.
slurm:
	tests/system/slurm/install

# The browser that looks at the report's page.
chromium:
	.ci/install-chromium

# Ratios against named peers, measured in the same run.
bench: $(INSTALLED)
	$(BIN)/python experiments/speed/bench.py

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("poolsweep needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache
