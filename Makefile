# Two commands do everything on a fresh machine with Python 3.11, 3.12 or 3.13: make train, make test.
IS_SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c "$(IS_SUPPORTED)" 2>/dev/null && echo $$name && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TOOLS := $(VENV)/.tools
SITE := $(VENV)/.site
# QUICK=true tries in half a minute whether everything works.
QUICK ?= false
ifndef RUN
RUN := runs/$(if $(filter true,$(QUICK)),quick,insertion)-$(shell date +%Y%m%d-%H%M%S)
endif

# Small networks and small matrices: threads cost more than they gain.
export OMP_NUM_THREADS = 1

.PHONY: train test test-fresh lint as-installed docs bench bench-controllers bench-learner bench-methods bench-overlap bench-planner check-torch-npu clean

train: $(INSTALLED)  ## Teach the default insertion, measure it beside the baselines, show it
	$(BIN)/assembly-rl-train quick=$(QUICK) run_dir=$(RUN)
	$(BIN)/assembly-rl-eval quick=$(QUICK) run=$(RUN) lag=0.03 output=$(RUN)/lag.csv
	$(BIN)/assembly-rl-eval quick=$(QUICK) run=$(RUN) 'controller=[fixed,dither,reflex]' output=$(RUN)/comparison.csv
	@echo "Look at $(RUN)/figures and $(RUN)/videos. To begin anew: make train, into a new folder; make clean removes"
	@echo "the installation, never a run."

test: $(TOOLS)  ## All tests
	$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder

# mypy, import-linter and mkdocstrings do not follow __path__: this shows them the package as it is when installed.
as-installed:
	@rm -rf build/mypy && mkdir -p build/mypy/assembly_rl
	@ln -s $(CURDIR)/assembly_rl/* $(CURDIR)/envs $(CURDIR)/controllers $(CURDIR)/conf $(CURDIR)/examples \
		build/mypy/assembly_rl

lint: $(TOOLS) as-installed  ## ruff, mypy and the contracts of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@ln -s $(CURDIR)/tests/controllers/bundle_maker.py $(CURDIR)/tests/controllers/adapters/fake_rtde.py build/mypy
	cd build/mypy && $(abspath $(BIN))/mypy --config-file ../../pyproject.toml -p assembly_rl
	cd build/mypy && PYTHONPATH=. $(abspath $(BIN))/lint-imports ../../pyproject.toml --no-cache --no-logo
	cd build/mypy && $(abspath $(BIN))/mypy --config-file ../../pyproject.toml ../../scripts ../../benchmarks

test-fresh: $(TOOLS)  ## Property tests with fresh random examples
	$(BIN)/pytest -n 2 --dist loadscope --hypothesis-profile=fresh tests/envs tests/controllers

docs: $(SITE) as-installed  ## The site: all pages, the tutorial with its results, the reference of the API, into build/docs
	@rm -rf build/tutorial && mkdir -p build/tutorial
	cd build/tutorial && NO_MKDOCS_2_WARNING=1 $(abspath $(BIN))/python -m mkdocs build --config-file ../../mkdocs.yml
	@echo "Look at build/docs/index.html; to search, $(BIN)/python -m http.server --directory build/docs"

bench: $(INSTALLED)  ## Speed of the environment, as ratios measured in one run
	$(BIN)/python benchmarks/bench_environment.py

bench-controllers: $(TOOLS)  ## Time of a control step, alone and in a bundle, and of import and load
	$(BIN)/pytest -s benchmarks/bench_controllers.py benchmarks/bench_bundles.py

bench-learner: $(INSTALLED)  ## Updates beside those of stable-baselines3
	$(BIN)/python benchmarks/bench_learner.py

bench-overlap: $(INSTALLED)  ## Environments that step while the learner updates, beside the serial loop
	$(BIN)/python benchmarks/bench_overlap.py

bench-methods: $(INSTALLED)  ## Policies with masks and with ties beside dense ones of equal width
	$(BIN)/python benchmarks/bench_methods.py

bench-planner: $(INSTALLED)  ## Predictions beside trainings
	$(BIN)/python benchmarks/bench_planner.py

check-torch-npu: $(INSTALLED)  ## What an update asks of an NPU, counted with the real torch_npu (x86_64)
	$(BIN)/python scripts/check_torch_npu.py

$(INSTALLED): setup.py pyproject.toml constraints.txt
	@test -x $(BIN)/python || { test -n "$(PYTHON)" && $(PYTHON) -c "$(IS_SUPPORTED)"; } || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed: give its path, as in make PYTHON=/usr/bin/python3.11 train" >&2; \
		exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 2; }
	@$(BIN)/python -c "$(IS_SUPPORTED)" || \
		{ echo "$(VENV) has another Python than 3.11, 3.12 or 3.13: rm -rf $(VENV), and begin anew" >&2; exit 2; }
	$(BIN)/pip install --disable-pip-version-check -c constraints.txt -e '.[drawings,export,mujoco,video]'
	touch $@

$(TOOLS): $(INSTALLED)
	$(BIN)/pip install --disable-pip-version-check -c constraints.txt -e '.[dev,drawings,export,mesh,mujoco,rosbag,step,studies,video,watch]'
	touch $@

$(SITE): $(INSTALLED)
	$(BIN)/pip install --disable-pip-version-check -c constraints.txt -e '.[docs,export]'
	touch $@

clean:  ## The environment and caches; never runs/
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .hypothesis
