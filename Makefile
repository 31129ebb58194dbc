# What a newcomer runs: `make mini` (a recogniser and its word error rate) and `make test`.
SHELL := bash
python := .venv/bin/python
mini := egs2/asterisk/ssl1

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv with the pinned packages; quick when nothing changed
	@tools/setup.sh

mini: setup ## every stage on the embedded corpus: 25 minutes on two cores
	@$(mini)/run.sh

mini-compare: setup ## confidence masks, random masks, from scratch; three seeds each (hours, resumable)
	@$(mini)/compare.sh

test: setup ## all tests
	OMP_NUM_THREADS=1 $(python) -m pytest -n 2
	test/shell/run.sh

test-recipes: setup ## every recipe at its smallest size, on real speech laid out as its corpus
	test/shell/run.sh test/recipes/*_test.sh

# shfmt -f lists shell scripts by name and by first line
shell_files = $$(git ls-files -co --exclude-standard | xargs .venv/bin/shfmt -f)

check: setup ## style, shell scripts, import directions: under a minute
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/shellcheck -x $(shell_files) conf/cluster/example.env
	.venv/bin/shfmt -d -i 2 -ci $(shell_files)
	$(python) -m pytest test/test_imports.py

audit: setup ## docs/audit.md: what the papers' figures come to here
	OMP_NUM_THREADS=1 $(python) test/audit.py > docs/audit.md.new
	@mv docs/audit.md.new docs/audit.md

bench: setup ## benchmarks, each against its peer in the same run
	@for file in test/bench/bench_*.py; do echo "== $$file"; $(python) "$$file" || exit; done

.PHONY: help setup mini mini-compare test test-recipes check audit bench
