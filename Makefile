# Two commands do everything on a fresh machine: `make serve` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
INSTALL := $(UV) pip install --quiet --system-certs --python $(BIN)/python --no-deps

.PHONY: serve test check format bench screenshots lock vendor clean

serve: .venv/.server ## start AI Runs with embedded PostgreSQL and the local model
	$(BIN)/airuns serve

test: .venv/.dev ## every test
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/.dev ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright

format: .venv/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.dev ## honest benchmarks; prints tables. RUNS=1000000 STORES=folder ONLY=store
	$(BIN)/python -m bench $(if $(RUNS),--runs $(RUNS)) $(if $(STORES),--stores $(STORES)) $(if $(ONLY),--only $(ONLY))

screenshots: .venv/.dev ## pictures of every page, into docs/screenshots
	$(BIN)/python -m tools.screenshots

lock: .venv/.server ## compile the pinned packages anew
	$(UV) pip compile --quiet --system-certs --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade requirements/bootstrap.in -o requirements/bootstrap.txt
	$(UV) pip compile --quiet --system-certs --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade --extra server --extra local pyproject.toml requirements/build.in -o requirements/server.txt
	$(UV) pip compile --quiet --system-certs --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade --all-extras pyproject.toml requirements/build.in -o requirements/dev.txt

vendor: ## fetch the browser files of others again, as their table says
	$(PYTHON) -m tools.vendor

clean:
	rm -rf .venv .pytest_cache .ruff_cache

.venv/.uv: requirements/bootstrap.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	touch $@

.venv/.server: .venv/.uv requirements/server.txt pyproject.toml
	$(INSTALL) --require-hashes -r requirements/server.txt
	$(INSTALL) --no-build-isolation -e .
	touch $@

.venv/.dev: .venv/.uv requirements/dev.txt pyproject.toml
	$(INSTALL) --require-hashes -r requirements/dev.txt
	$(INSTALL) --no-build-isolation -e .
	touch $@ .venv/.server
