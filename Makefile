# The commands of README and CONTRIBUTING. All of them first make the environment in .venv; they need Python 3.11, 3.12 or
# 3.13, pip and make.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -q -n auto --dist loadgroup
DOCS := build/docs
# Modules of these packages are listed since pdoc shows no more of a package than its `__all__`.
MODULES := jaxpe $(subst /,.,$(basename $(wildcard jaxpe/cli/[a-z]*.py jaxpe/encodings/[a-z]*.py jaxpe/model/[a-z]*.py jaxpe/tasks/[a-z]*.py)))

.PHONY: study test test-slow trials test-all fuzz mutants accelerator docs pages notebooks
study: .venv/study
	$(BIN)/jaxpe study --preset quick --results results

test: .venv/test
	$(PYTEST) -m 'not slow'

test-slow: .venv/test
	$(PYTEST) -m 'slow and not trial'

# Kills, signals and odd surroundings, one after the other: they would disturb each other.
trials: .venv/test
	$(BIN)/python -m pytest -q -m trial

test-all: .venv/test
	$(PYTEST)

# Reads 10,000 changed files of every format that a user may give, or as many as JAXPE_FUZZ says; takes about half an hour.
fuzz: .venv/test
	JAXPE_FUZZ=$${JAXPE_FUZZ:-10000} $(BIN)/python -m pytest -q -o timeout=0 tests/fuzz

# Small changes that make results wrong, applied to a copy one at a time: do the tests notice? WORDS=tasks tries some of them.
mutants: .venv/test
	$(BIN)/python tests/mutants/run.py $(WORDS)

# Is jaxpe right on this machine's accelerator, and how fast? Eight minutes; without one, every part in a tiny form.
accelerator: .venv/study
	$(BIN)/python experiments/accelerator.py

# Typed dictionaries that inherit, and shape letters, which are no Python names: pdoc leaves annotations that contain them as they are written, with a warning.
docs: .venv/docs
	$(BIN)/python -W 'ignore:Error parsing type annotation' -W 'ignore:Cannot determine where' -m pdoc --docformat markdown --output-directory $(DOCS) $(MODULES)

# Executes the notebooks in place, so that they are read with their outputs.
notebooks: .venv/test
	$(BIN)/python tests/notebook_outputs.py

# The published article and workbench, from what is committed alone: figures that only this folder has are nobody else's.
pages: .venv/study
	rm -rf build/pages && git clone -q . build/pages
	cd build/pages && $(CURDIR)/$(BIN)/jaxpe report --results results/standard --output docs
	cp build/pages/docs/*.html docs

.venv/study: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

.venv/test: .venv/study
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

.venv/docs: .venv/study
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@
