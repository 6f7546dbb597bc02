# Every target sets up what it needs first (.ci/environment.py): minutes the first time, a blink afterwards.
# Arguments go through ARGS:   make run ARGS="view resnet50"   make test ARGS="-k atlas -x"

PYTHON ?= python3
within := $(PYTHON) .ci/environment.py
ARGS ?=

.PHONY: help run test quick fast lint format wheel bench clean

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run:  ## opens the room: a window, or without a display a picture in a file
	@$(within) python -m walkin $(ARGS)

test:  ## runs all tests
	@$(within) --tests python -m pytest $(ARGS)

quick:  ## lint beside the tests that are neither slow nor need a headset's runtime: minutes
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint fast

fast:
	@$(within) --tests python -m pytest -q -n logical -m "not slow" --ignore tests/xr $(ARGS)

lint:  ## style, format and types
	@$(within) ruff check
	@$(within) ruff format --check
	@$(within) pyright

format:  ## puts the code into the form that lint asks for
	@$(within) ruff check --fix
	@$(within) ruff format

wheel:  ## builds dist/walkin-*.tar.gz, and from it dist/walkin-*.whl
	@$(within) python -m build --no-isolation --outdir dist .

# In this order: the quick ones first. featurevis.py and peers.py take hours and minutes, and fetch what they compare with.
BENCHMARKS := walk frame_time input_to_screen picking panel jitter jitter_growing

bench:  ## runs every benchmark of the room and prints its table
	@set -e; for name in $(BENCHMARKS); do echo "== $$name"; $(within) python benchmarks/$$name.py $(ARGS); done

clean:  ## removes what was built in this folder (the environment stays, in the user's cache folder)
	@rm -rf build dist out tests/out .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
