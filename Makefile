# Every habit of this repository; `make` alone lists them.
SHELL := /bin/bash
PYTHON ?=
TORCH ?=
SIZE ?= demo
BIN := .venv/bin
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help setup night night-lm test check format bench docs rookie smollm2 vllm diambra constraints clean

help: ## list the habits
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## build .venv with everything that tests and the night need (TORCH=cuda for a GPU)

$(STAMP): pyproject.toml constraints.txt
	@PYTHON="$(PYTHON)" TORCH="$(TORCH)" .ci/setup $(STAMP)

night: setup ## one whole night on the built-in parts (SIZE=smoke|demo|full)
	@$(BIN)/cornerman night --size $(SIZE)

night-lm: smollm2 ## a small night whose player and student are a real language model (half an hour on two cores)
	@$(BIN)/cornerman night --size smoke --config examples/smollm2.toml

test: export BESIDE = tests/support/environments.py
test: setup check ## check, then every test, three at a time
	$(BIN)/python -m pytest -n 3 --max-worker-restart 0

check: setup ## formatting, lint, types, the chain of folders
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## ratios against bare loops, one line each
	@set -e; for file in bench/*.py; do OMP_WAIT_POLICY=PASSIVE $(BIN)/python $$file; done

docs: setup ## write the generated pages of docs/
	$(BIN)/python -m cornerman.reference docs/commands.md

rookie: setup ## train the built-in model from scratch
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m distill.rookie

smollm2: setup ## fetch SmolLM2-135M-Instruct, a real language model (98 MB), into the user's cache
	@$(BIN)/python -m models.smollm2

vllm: setup ## build .venv-vllm, the environment that serves students on a CPU
	$(BIN)/python -m distill.serving.install

diambra: setup ## build .venv-diambra, the environment of DIAMBRA's own client
	$(BIN)/python -m episodes.games.diambra.install

constraints: setup ## write down the versions that are installed now
	@{ echo '# Every version that `make setup` installs; written by `make constraints`.'; \
	   $(BIN)/pip freeze --exclude-editable | sed 's/+cpu$$//'; } > constraints.txt

clean: ## remove the environments
	rm -rf .venv .venv-vllm .venv-diambra
