# Two commands: `make demo` shows what Gnomon does, `make test` shows that it does it.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
CODE := gnomon features catalogue training cases monitoring serving benchmarks tests

.PHONY: demo test lint types imports spelling unit slow extra spark bench lock format clean

demo: $(READY)
	$(BIN)/gnomon demo

test: lint types imports spelling unit

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gnomon needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	# Without compiled files every command would start many seconds later.
	$(BIN)/python -m compileall -q -j 0 .venv/lib > /dev/null || true
	touch $(READY)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports --no-cache

spelling: $(READY)
	$(BIN)/codespell $(CODE) docs README.md CHANGELOG.md Makefile

unit: $(READY)
	# One processor thread a worker: two workers that each took all would only wait for one another.
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadgroup -m "not slow and not extra and not spark"

slow: $(READY)
	$(BIN)/pytest -m "slow and not extra and not spark"

# Detectors written elsewhere: nothing of Gnomon needs them, so they are installed here and not in the lock.
extra: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "pyod>=2"
	$(BIN)/pytest -m extra

# The same profiles on Spark. Java comes with the system: apt-get install openjdk-17-jre-headless.
spark: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "pyspark>=4.0,<4.1"
	$(BIN)/pytest -m spark

bench: $(READY)
	$(BIN)/python -m benchmarks.detection
	$(BIN)/python -m benchmarks.ingest

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra postgres --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.lock

clean:
	rm -rf .venv workspace mlruns/[0-9a-f]* .mypy_cache .ruff_cache .pytest_cache
