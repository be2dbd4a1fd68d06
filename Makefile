# On a fresh machine with python3 (3.11 or newer), make and git, each of these does everything from nothing:
#
#   make demo    Babysitter releases Babysitter: the main job on this very repository
#   make test    all tests but those of the built wheel, which .ci/run adds
#
# The rest: make check (the fast checks), bench, docs, lock, clean. ARGS passes words on: make check ARGS=lint.
# PYTHON=/path/to/python3 chooses the Python that .venv is made of.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install system demo test check bench docs lock clean

help:
	@sed -n '/^#/!q;s/^# \{0,1\}//p' Makefile

# Only hashed packages, and nothing that a package would like to bring along: what runs is what the lock names.
$(STAMP): requirements-dev.txt pyproject.toml src/babysitter/_version.py
	python="$(PYTHON)"; python="$${python:-$$(tools/find-python)}" && "$$python" -m venv $(VENV)
	$(PIP) install --require-hashes --no-deps --requirement requirements-dev.txt
	$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@touch $@

install: $(STAMP)

system:
	@tools/system-packages

demo: install system
	@PATH="$(CURDIR)/$(BIN):$$PATH" python examples/demo.py --answer approve $(ARGS)

test: install system
	@tools/checks tidy unit faults integration

check: install
	@tools/checks $(ARGS)

bench: install system
	@$(BIN)/python -m benchmarks.run $(ARGS)

# The drawn tree of ARCHITECTURE.md is written from the modules' own first lines; everything else is checked.
docs: install
	@$(BIN)/python tools/architecture_tree.py --write
	@tools/checks docs

# The universal form holds for every platform and Python that we name; a week's wait lets others find a bad release.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--exclude-newer "7 days" $(UPGRADE) pyproject.toml
lock:
	$(LOCK) --output-file requirements.txt
	$(LOCK) --group dev --constraint requirements.txt --output-file requirements-dev.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
