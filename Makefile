# labcrew: `make demo` runs the main job, `make test` passes the tests; both set up what they need.
PY := .venv/bin/python
# Runs a command with a Docker engine: one that answers is used, else one is started and stopped.
WITH_ENGINE := $(PY) -m sandboxes.engine run --
WHOLE := -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: help setup engine engine-stop image demo check test coverage test-fast bench lock clean

help:
	@echo "make setup    .venv with everything in requirements.lock"
	@echo "make demo     one ticket, from assignment to merge request (examples/digits)"
	@echo "make check    ruff, mypy --strict, import-linter"
	@echo "make test     check, then all tests, on a real Docker engine"
	@echo "make coverage the same tests, with the lines they reach; at least 90% of them"
	@echo "make bench    the speed table, each figure with its ratio"
	@echo "make engine   start a Docker engine and leave it (make engine-stop stops it)"
	@echo "make lock     requirements.lock anew from pyproject.toml"

setup:
	@sh scripts/setup.sh

engine: setup
	$(PY) -m sandboxes.engine ensure

engine-stop: setup
	$(PY) -m sandboxes.engine stop

image: setup
	$(WITH_ENGINE) $(PY) -m sandboxes.images ensure

demo: setup
	$(WITH_ENGINE) $(PY) -m examples.demo

check: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

test: check
	@sh scripts/browser.sh
	$(WITH_ENGINE) sh -c '$(PY) -m sandboxes.images ensure && $(PY) -m pytest $(WHOLE) --durations=25'

# Apart from `test`: being followed line by line costs every test half as much time again.
coverage: setup
	@sh scripts/browser.sh
	$(WITH_ENGINE) sh -c '$(PY) -m sandboxes.images ensure && $(PY) -m pytest $(WHOLE) --cov --cov-report=term:skip-covered --cov-fail-under=90'

test-fast: setup
	@sh scripts/browser.sh
	$(WITH_ENGINE) sh -c '$(PY) -m sandboxes.images ensure && $(PY) -m pytest -n 2 --dist loadfile -m "not crash" -x'

bench: setup
	$(WITH_ENGINE) sh -c '$(PY) -m sandboxes.images ensure && $(PY) -m evals.bench'

lock: setup
	.venv/bin/uv pip compile --quiet --universal --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv build dist .labcrew-dev .mypy_cache .ruff_cache .pytest_cache .coverage
