# The two commands of the README. Both make the environment in .venv first; Python 3.11, 3.12 or 3.13 is all they need.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: study test
study: .venv/study
	$(BIN)/jaxpe study --preset quick --results results

test: .venv/test
	$(BIN)/python -m pytest -q -n auto --dist loadgroup

.venv/study: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

.venv/test: .venv/study
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@
