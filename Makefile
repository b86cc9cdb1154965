# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The one front of the project. Everything is installed below .venv and build/, and HOME is there too, so that nothing
# of yours is read or touched. `make test` as root on Debian also installs the programs that the test hosts run.

.DEFAULT_GOAL := help
.PHONY: help env stage static check oldest test demo lab docs bench changelog clean

OUTER_PATH ?= $(PATH)
export OUTER_PATH
export PATH := $(CURDIR)/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME := $(CURDIR)/build/home
export ANSIBLE_HOME := $(HOME)/.ansible
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.stage
export LC_ALL := C.UTF-8
# Whoever wants no bytecode has all of it made anew by each of some thousand processes.
unexport PYTHONDONTWRITEBYTECODE

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## /  make \1 \t/p' $(MAKEFILE_LIST) | expand -t 20

env: .venv/ready stage ## Python environment in .venv (a minute the first time)

.venv/ready: requirements.txt requirements-dev.txt constraints.txt tools/env.sh
	@PATH="$(OUTER_PATH)" sh tools/env.sh .venv

stage: ## The checkout as ansible_collections/ucops/recovery below .stage
	@mkdir -p .stage/ansible_collections/ucops build/home
	@ln -sfn ../../.. .stage/ansible_collections/ucops/recovery

static: env ## Static checks only
	@python tools/run.py static

check: env build/age-vectors ## Most static checks and unit tests, with samples: under two minutes
	@python tools/run.py check

oldest: env build/age-vectors ## The unit tests on Python 3.9 with the oldest libraries that are allowed
	@python tools/run.py oldest

test: env ## Everything; as root on Debian with real sshd, Kamailio, databases and phones
	@sh tools/packages.sh tests/lab/packages.txt
	@$(MAKE) --no-print-directory build/age-vectors build/vm/initramfs
	@python tools/run.py test

build/age-vectors: tests/fetch_age_vectors.py
	@sh tools/npm.sh python tests/fetch_age_vectors.py || echo "age vectors could not be fetched: their tests will be skipped"

build/vm/initramfs: tests/lab/vm/build.sh tests/lab/vm/init.sh
	@sh tests/lab/vm/build.sh build/vm || echo "no kernel for a virtual machine: its tests will be skipped"

demo: env ## A small fleet on loopback: backup, change, difference, restore, verify. No root
	@python demo/run.py

lab: env ## Test hosts for trying by hand (root): two PBXs, a backup host, a controller
	@sh tools/packages.sh tests/lab/packages.txt
	@PYTHONPATH=tests python -m lab

docs: env ## The module reference as HTML in build/docs
	@sh tools/docs.sh

bench: env ## Measure the store against restic, borg and tar|zstd|age, and a fleet against Ansible, ssh and paramiko
	@sh tools/packages.sh benchmarks/packages.txt
	@python benchmarks/repository.py
	@python benchmarks/fleet.py

changelog: env ## Turn the fragments into the release that galaxy.yml names
	@antsibull-changelog release --update-existing --reload-plugins --refresh-plugins allow-removal --refresh-fragments without-archives

clean: ## Remove everything that make made
	rm -rf .venv .stage build .ansible .mypy_cache .pytest_cache .ruff_cache tests/output
