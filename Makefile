# Two commands do everything on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# How long `make proof` takes: make proof KILLS=3 HISTORIES=20 FUZZ_SECONDS=5 tries its way through in minutes.
KILLS ?= 200
HISTORIES ?= 2000
FUZZ_SECONDS ?= 180
READY := $(VENV)/.ready

.PHONY: demo test check bench proof docs format clean

demo: $(READY)  ## Set up, then run the whole hub on a simulated organisation.
	$(BIN)/hub demo --folder demo

test: $(READY)  ## Set up, then run all tests, and what commands do once more on PostgreSQL.
	$(BIN)/pytest -n auto --dist worksteal
	HUB_TEST_STORE=postgresql $(BIN)/pytest -n auto --dist worksteal

check: $(READY)  ## Lint, types, import contracts, and that the documentation tells the truth.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n0 tests/docs

proof: $(READY)  ## The long proofs: thousands of random histories on both engines, kills, hostile input, mutants.
	HYPOTHESIS_PROFILE=proof HUB_HISTORIES=$(HISTORIES) $(BIN)/pytest -n auto --timeout 36000 tests/conformance/test_property.py
	HUB_KILLS=$(KILLS) $(BIN)/pytest -n auto -v -rP --timeout 3600 tests/kill
	HUB_TEST_STORE=postgresql HUB_KILLS=$(KILLS) $(BIN)/pytest -n auto -v -rP --timeout 3600 tests/kill
	HYPOTHESIS_PROFILE=proof $(BIN)/pytest -n auto --timeout 36000 tests/hostile tests/jira/test_answers.py tests/gitlab/test_answers.py
	$(BIN)/python -m tests.mutation.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	set -e; for target in config gitlab mail mapping register; do $(BIN)/python -m tests.hostile.fuzz $$target --seconds $(FUZZ_SECONDS); done

bench: $(READY)  ## Times, on this machine; counts are guarded by the tests.
	$(BIN)/python -m tests.bench.derivation
	$(BIN)/python -m tests.bench.standard
	$(BIN)/python -m tests.bench.clock
	$(BIN)/python -m tests.bench.sync --markdown
	$(BIN)/python -m tests.bench.gitlab
	$(BIN)/python -m tests.bench.mail
	$(BIN)/python -m tests.bench.mailing
	$(BIN)/python -m tests.bench.pages

docs: $(READY)  ## Write docs/command.md and docs/register.md anew from help, records and templates.
	$(BIN)/python -m tests.docs.command_page
	$(BIN)/python -m tests.docs.register_page

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(READY): requirements/dev.txt requirements/build.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

clean:
	rm -rf $(VENV) demo
