# Every chore is one word. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help run test check fmt test-unit test-e2e web seed doctor migrate lock bench clean image

PY := .venv/bin/python
ARGS ?=
# Playwright's own Node.js needs libraries that a bare system lacks; ours does not.
export PLAYWRIGHT_NODEJS_PATH := $(CURDIR)/.venv/bin/node

help: ## List the chores
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Set up what is missing and serve the API and the map
	@scripts/setup run
	@[ -z "$$DATABASE_URL" ] || .venv/bin/observatory migrate
	@exec .venv/bin/observatory serve --seed

test: ## Set up what is missing and run all tests
	@scripts/setup test
	@$(PY) -m pytest $(ARGS)
	@PATH="$(CURDIR)/.venv/bin:$$PATH" npm --prefix web test --silent

check: ## Format, lint, types, import contracts and documentation, all without changing anything
	@scripts/setup check
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PY) -m pytest -q tests/test_docs.py tests/test_contracts.py
	@PATH="$(CURDIR)/.venv/bin:$$PATH" npm --prefix web run --silent check

fmt: ## Format the code and mend what the linter can
	@scripts/setup check
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

test-unit: ## Only the tests that need no database and no browser: seconds
	@scripts/setup check
	@$(PY) -m pytest tests/soil tests/geo tests/ingest tests/samples $(ARGS)

test-e2e: ## Only the tests that drive the map in a browser
	@scripts/setup test
	@$(PY) -m pytest tests/e2e $(ARGS)

web: ## Build the map into app/static
	@scripts/setup run

seed: ## Load countries, partners and the synthetic soil set
	@scripts/setup run
	@.venv/bin/observatory seed

migrate: ## Bring the database to the schema of this version
	@scripts/setup run
	@.venv/bin/observatory migrate

doctor: ## Say whether this machine can run the service, and what is in it
	@scripts/setup run
	@.venv/bin/observatory doctor

lock: ## Pin all dependencies anew, with hashes
	@scripts/setup check
	@scripts/lock

bench: ## Measure speed, as ratios within one run
	@scripts/setup check
	@for script in bench/*.py; do echo "== $$script"; $(PY) $$script || exit 1; done

image: ## Build the container image
	@docker build -t soil-health-observatory .

clean: ## Remove what was built; the data in var stay
	@rm -rf .venv app/static web/node_modules web/public/basemap.pmtiles *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
