# Everything here works on a fresh clone: the first target that needs the virtual environment makes it.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# More than cores: tests with an engine mostly wait for it.
WORKERS ?= 3

.PHONY: help demo test lint examples catalog release bench bench-backup clean

help: ## Show these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

demo: $(READY) ## Make a project in ./demo and load it in the real Compose; needs no Docker engine
	@# One that is there may have been started: its secrets open its volumes, so it stays.
	test -d demo || $(BIN)/scaffold new demo --preset web --template . --no-git --yes
	$(BIN)/docker-compose --project-directory demo -f demo/compose.yaml config --quiet
	$(BIN)/docker-compose --project-directory demo -f demo/compose.yaml config --volumes
	@echo "demo/ is a Compose project; with Docker: cd demo && docker compose up -d --wait"

test: $(READY) ## Run every test; says what it skipped and why
	$(BIN)/pytest -n $(WORKERS) $(TESTS)

lint: $(READY) ## Style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy scaffold tools tests benchmarks
	$(BIN)/mypy --python-version 3.10 templates/project/ops
	$(BIN)/lint-imports
	$(BIN)/scaffold catalog check

catalog: $(READY) ## Build the catalogue's index from the entries
	$(BIN)/scaffold catalog build

examples: $(READY) ## Render every preset into examples/
	$(BIN)/python -m tools.examples

release: $(READY) ## Make a release: make release VERSION=1.2.3
	$(BIN)/python -m tools.release $(VERSION)

bench: $(READY) ## Print the ratios that the project promises
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.new
	$(BIN)/python -m benchmarks.update

bench-backup: $(READY) ## The same of `ops backup`, with real volumes: needs an engine, restic, 18 GB and a quarter of an hour
	$(BIN)/python -m benchmarks.backup

clean: ## Remove what can be made again
	rm -rf $(VENV) dist
