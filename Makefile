# bpa: see README.md. Everything a target needs is installed from this project's own files.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LAB_EXTRAS := lab,test
# Rebuilt when what it is made of changes.
KUBE_BIN ?= $(HOME)/.cache/bpa/kube-$(shell cat tests/kube/build.sh tests/kube/tools/go.* | sha256sum | cut -c1-16)
.DEFAULT_GOAL := help
.PHONY: help demo demo-clean test judges test-lab test-kube lint fmt bench docs apt-test apt-lab root clean

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: root apt-lab $(VENV)/.lab ## needs root: a virtual machine from powered off to handed over; run it again to see nothing to do
	$(BIN)/bpa images build
	$(BIN)/bpa lab up --hosts 1
	$(BIN)/bpa apply --yes
	$(BIN)/bpa status

demo-clean: root ## needs root: stop the lab and leave nothing behind
	@if [ -x $(BIN)/bpa ]; then $(BIN)/bpa lab down; else echo "no lab was ever started from here"; fi

test: apt-test $(VENV)/.test ## needs no root and no virtual machine: every test but the lab's and the judges'
	$(BIN)/pytest -q --ignore=tests/lab --ignore=tests/judges --ignore=tests/kube tests

judges: $(VENV)/.judges ## DMTF's validators, other people's clients and real Ironic on every recorded machine
	$(BIN)/pytest -q tests/judges

test-kube: apt-test $(VENV)/.test ## draining a host against a real kube-apiserver; builds it first (5 minutes once)
	PYTHON=$(BIN)/python tests/kube/build.sh "$(KUBE_BIN)"
	BPA_KUBE_BIN="$(KUBE_BIN)" $(BIN)/pytest -q tests/kube

test-lab: root apt-lab $(VENV)/.lab ## needs root: the whole chain on a virtual lab, with kill -9 and a cold restart
	$(BIN)/pytest -v -x -s tests/lab

lint: $(VENV)/.test ## formatting, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(VENV)/.test ## let ruff mend what it can
	$(BIN)/ruff check --fix .

bench: $(VENV)/.judges ## the figures of the README, as ratios and seconds
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench_host
	@if [ -d .recorded/redfish ]; then $(BIN)/python -m tests.bench_bmc; fi

docs: $(VENV)/.test ## write docs/cli.md, docs/profiles, the tables of docs/hardware.md and manifests/crds from the code
	$(BIN)/python -m bpa.cli.reference > docs/cli.md
	$(BIN)/python -m bpa.documents.manifests
	$(BIN)/python -m bpa.documents.profile_pages
	@if [ -d .recorded/redfish ]; then $(BIN)/python -m tests.hardware; fi

apt-test:
	@$(PYTHON) bpa/lab/packages.py tests/apt.txt

apt-lab:
	@$(PYTHON) bpa/lab/packages.py bpa/lab/apt.txt tests/apt.txt

root:
	@[ "$$(id -u)" = 0 ] || { echo "this needs root (network namespaces, libvirt, building images): sudo make $(MAKECMDGOALS)" >&2; exit 1; }

$(VENV)/bin/python: | apt-test
	$(PYTHON) -c 'import sys; sys.exit("bpa needs Python 3.11 or newer, this is " + sys.version) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.test: setup.cfg constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@

$(VENV)/.judges: setup.cfg constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,judges]'
	@touch $@ $(VENV)/.test

$(VENV)/.lab: setup.cfg constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$(LAB_EXTRAS)]'
	@touch $@ $(VENV)/.test

clean: ## remove what was built here
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
