# firn: `make help` lists what can be made.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORES ?= $(shell nproc 2>/dev/null || echo 2)
VENV := .venv
# Made anew only when the list of packages changes; tests need more packages than a run.
# Not compiled: Python compiles a module at its first import, and most are never imported.
INSTALLED := $(VENV)/.installed
INSTALLED_FOR_TESTS := $(VENV)/.installed-for-tests
DEMO := snakemake --configfile config/demo.yaml --profile workflow/profiles/local
ABLATION := snakemake --configfile config/ablation.yaml --profile workflow/profiles/local
COMPARE := snakemake --configfile config/compare.yaml --profile workflow/profiles/local
CLOUDDL := snakemake --configfile config/clouddl.yaml --profile workflow/profiles/local
CLOUD_REMOVAL := snakemake --configfile config/cloud_removal.yaml --profile workflow/profiles/local
REPORT := results/demo/report.html

# Compiled modules save each of the many short jobs of a workflow some seconds.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: help
help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "firn needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --no-compile --constraint constraints.txt --editable .
	touch $@

$(INSTALLED_FOR_TESTS): $(INSTALLED)
	$(VENV)/bin/python -m pip install --no-compile --constraint constraints.txt --editable '.[test]'
	touch $@

.PHONY: install
install: $(INSTALLED) ## Create .venv and install firn into it

.PHONY: demo
demo: $(INSTALLED) ## Run the whole workflow on the virtual archive and write the report
	$(DEMO)
	$(DEMO) --report $(REPORT)
	@echo "The report of the demo: $(CURDIR)/$(REPORT)"

.PHONY: ablation
ablation: $(INSTALLED) ## Measure what each part of the emulator is worth, on a virtual archive
	$(ABLATION) -- ablation
	$(ABLATION) --report results/ablation/report.html -- ablation
	@echo "The report of the ablation: $(CURDIR)/results/ablation/report.html"

.PHONY: compare
compare: $(INSTALLED) ## Train every method at demo size and compare them on the same scenes
	$(COMPARE) -- compare companions
	$(COMPARE) --report results/compare/report.html -- compare companions
	@echo "The comparison of the methods: $(CURDIR)/results/compare/comparison.html"
	@echo "With all figures: $(CURDIR)/results/compare/report.html"

.PHONY: clouddl
clouddl: $(INSTALLED) ## Take CloudDL through its life cycle on a virtual archive: search, releases, gates, F2
	$(CLOUDDL) -- clouddl clouddl_search clouddl_life_cycle
	@echo "F2 beside the published scores: $(CURDIR)/results/clouddl/clouddl/f2.html"
	@echo "Releases: $(CURDIR)/results/clouddl/clouddl/releases/spot4"

.PHONY: cloud-removal
cloud-removal: $(INSTALLED) ## Simulate Sentinel-2 images from Sentinel-1 on the virtual archive, and judge them
	$(CLOUD_REMOVAL) -- cloud_removal
	$(CLOUD_REMOVAL) --report results/cloud-removal/report.html -- cloud_removal
	@echo "The report of the cloud removal: $(CURDIR)/results/cloud-removal/report.html"

.PHONY: lint
lint: $(INSTALLED_FOR_TESTS) ## Check style and types
	ruff check
	ruff format --check
	snakefmt --check --compact-diff workflow
	mypy

# A worker per core, with one thread: more would wait for each other. The order is that of tests/conftest.py.
.PHONY: test
test: lint ## Check style and types, then run every test
	OMP_NUM_THREADS=1 pytest --numprocesses $(CORES) --dist loadfile --no-loadscope-reorder --durations 10

.PHONY: models
models: $(INSTALLED) ## Train the models that come with firn anew (half an hour)
	snakemake --configfile config/pretrained.yaml --profile workflow/profiles/local
	cp results/pretrained/models/unet-spot2/model.safetensors src/firn/data/models/spot-xs.safetensors
	cp results/pretrained/models/unet-spot4/model.safetensors src/firn/data/models/spot-xs-swir.safetensors

.PHONY: slurm-test
slurm-test: $(INSTALLED_FOR_TESTS) ## Run a small configuration through a SLURM on this machine (root, Debian)
	python tests/slurm/check_slurm.py

.PHONY: chaos
chaos: $(INSTALLED_FOR_TESTS) ## Kill a small run fifty times and compare it with one left in peace
	python tests/chaos/chaos.py

.PHONY: bench
bench: $(INSTALLED) ## Measure time and memory beside plain baselines
	python -m benchmarks

.PHONY: clean
clean: ## Remove what demo, ablation, comparison, CloudDL and cloud removal computed; .venv stays
	rm -rf results/demo results/ablation results/compare results/clouddl results/cloud-removal .snakemake
