.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help setup core demo report mixes mix-eval test test-fast nightly lint bench bench-gpu scale clean \
  engines image-test lock nightly-benches nightly-conformance nightly-dependencies nightly-engines nightly-evaluation nightly-fuzz nightly-image nightly-material nightly-memory nightly-scale nightly-separation nightly-speed nightly-torture nightly-training torture fuzz
# Reference material: CONTRIBUTING.md.
MUSIC ?= ../shared/music
MULTITRACKS ?= $(MUSIC)/multitracks
RESPONSES ?= ../shared/reference/impulse_responses
SCENES ?= choose

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## */\t/' | expand -t 8

setup: $(STAMP)  ## make .venv and install everything into it

$(STAMP): setup.py pyproject.toml $(wildcard pipeline/separation/native/*.[ch])
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "mixprior needs Python 3.10 or newer; this is $$($(PYTHON) --version). Give another: make PYTHON=python3.12 ..."; exit 2; }
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	touch $(STAMP)

demo: setup  ## generate songs of known truth, mine them, compare, mix one
	$(BIN)/mixprior demo -o outputs/demo

report: setup  ## write the report of the songs in outputs/songs to outputs/report.html
	$(BIN)/mixprior report outputs/songs -o outputs/report.html

mixes: setup  ## mix the multitracks in MULTITRACKS=FOLDER to outputs/mixes, and measure the mixes with FFmpeg
	$(BIN)/python -m tools.songs.mixes $(MULTITRACKS) outputs/mixes

mix-eval: setup  ## damage real songs, mix them with the packaged priors, and compare (SCENES=choose or judge)
	OMP_NUM_THREADS=1 $(BIN)/python -m mixprior.mixing.evaluation $(SCENES) $(MUSIC) --responses $(RESPONSES) \
	  -o outputs/mix_eval --document docs/measured/mixing.md

# One thread a process: the processes share the cores. What is compiled is kept for the many processes that tests start.
PYTEST = OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

test: setup  ## run every test but the nightly ones, on all cores
	$(PYTEST)

test-fast: setup  ## run the quick tests alone
	$(PYTEST) -m "not slow"

NIGHTLY := benches conformance dependencies engines evaluation fuzz image material memory scale separation speed torture training

nightly: $(addprefix nightly-,$(or $(PART),$(NIGHTLY)))  ## run what takes long: PART=benches, conformance, dependencies, engines, evaluation, fuzz, image, material, memory, scale, separation, speed, torture, training (all without PART)

nightly-engines nightly-image: engines

engines: setup  ## build the servers that tests of engines run against: Prism, versitygw, fake-gcs-server (needs Go; minutes)
	$(BIN)/python -m tools.engines.programs

nightly-conformance nightly-engines nightly-fuzz nightly-image nightly-material nightly-memory nightly-speed nightly-torture nightly-training: setup
	$(BIN)/python -m pytest --nightly $(@:nightly-%=%)

fuzz: nightly-fuzz  ## damage 5,000 sound files and documents of every kind, and read them

nightly-dependencies: setup
	$(BIN)/python -m tools.dependencies.audit
	for versions in lowest-direct highest; do $(BIN)/python -m tools.dependencies.bounds $$versions || exit 1; done

image-test: nightly-image  ## build the image of the Dockerfile by buildah, and run it (root; half an hour, 20 GB)

lock: setup  ## write requirements.lock: what the image needs to mine, with hashes
	$(BIN)/python -m tools.dependencies.lock

torture: nightly-torture  ## kill runs at 200 random moments, and compare

nightly-benches: bench
nightly-evaluation: mix-eval
nightly-scale: scale

nightly-separation: setup
	$(BIN)/python -m tools.benches.separation_accuracy

core:  ## install the core alone into .venv-core and run its commands there
	PYTHON=$(PYTHON) .ci/core

lint: setup  ## check style, types, security and the Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile tools/image/template/Dockerfile
	$(BIN)/bandit -q -c pyproject.toml -r stats pipeline analysis mixing learning mixprior

bench: setup  ## time what we do beside what others do, and write docs/performance.md (ROW="NAME ..." some rows)
	$(BIN)/python -m tools.benches $(ROW)

bench-gpu: setup  ## the same on a GPU
	$(BIN)/python -m tools.benches --cuda $(ROW)

scale: setup  ## aggregate, merge and query up to a million generated songs (an hour, 8 GB in outputs/scale)
	$(BIN)/python -m tools.benches.million outputs/scale

clean:  ## remove the environment, caches and outputs
	rm -rf $(VENV) .venv-core build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .venv-lowest-direct .venv-highest
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find outputs -mindepth 1 ! -name README.md -delete
