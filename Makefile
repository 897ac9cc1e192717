# The two commands of the README, and `make docs`, the API documentation. All make the environment in .venv first; Python
# 3.11, 3.12 or 3.13 is all they need.
PYTHON ?= python3
BIN := .venv/bin
DOCS := build/docs
# The modules of encodings and tasks are named since pdoc shows no more of a package than its `__all__`.
MODULES := jaxpe $(subst /,.,$(basename $(wildcard jaxpe/encodings/[a-z]*.py jaxpe/tasks/[a-z]*.py)))

.PHONY: study test docs
study: .venv/study
	$(BIN)/jaxpe study --preset quick --results results

test: .venv/test
	$(BIN)/python -m pytest -q -n auto --dist loadgroup

# The letters of shapes are no Python names, so pdoc leaves annotations that have some as they are written, with a warning.
docs: .venv/docs
	$(BIN)/python -W 'ignore:Error parsing type annotation' -m pdoc --docformat markdown --output-directory $(DOCS) $(MODULES)

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
