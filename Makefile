# Everything a person types here.  `make demo` needs Python 3.11 and a package index, nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

# Dozens of processes start in a demo or a run of tests: each would compile every library anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3.11
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
# One stamp a lock: a development environment holds all that the demo needs, and is never reduced.
DEMO_STAMP := $(VENV)/.demo-$(shell sha256sum requirements.lock | cut -c1-16)
DEV_STAMP := $(VENV)/.dev-$(shell sha256sum requirements-dev.lock | cut -c1-16)
READY := $(if $(wildcard $(DEV_STAMP)),$(DEV_STAMP),$(DEMO_STAMP))
SOURCES := apps stratford tests deploy benchmarks manage.py

.PHONY: help demo demo-reset test lint format types contracts checks security unit schema sbom lock clean

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/uv:
	@python=$$(command -v $(PYTHON) || command -v python3 || true)
	if [ -z "$$python" ] || ! "$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
	  echo "Stratford needs Python 3.11; $${python:-no python} is not it. Set PYTHON=/path/to/python3.11." >&2
	  exit 1
	fi
	"$$python" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)

$(DEMO_STAMP): | $(BIN)/uv
	$(BIN)/python deploy/uv.py pip sync --python $(BIN)/python --require-hashes requirements.lock
	rm -f $(VENV)/.demo-* $(VENV)/.dev-*
	touch $@

$(DEV_STAMP): | $(BIN)/uv
	$(BIN)/python deploy/uv.py pip sync --python $(BIN)/python --require-hashes requirements-dev.lock
	rm -f $(VENV)/.demo-* $(VENV)/.dev-*
	touch $@

demo: $(READY)  ## Start everything here until Ctrl-C (PORT=8000)
	@exec $(BIN)/python manage.py demo

demo-reset: $(READY)  ## Delete the demo's data
	@$(BIN)/python -c 'from stratford import embedded; embedded.reset(embedded.var_folder())'
	echo "The demo's data is deleted."

test: lint types contracts checks security unit  ## Everything that CI asks

lint: $(DEV_STAMP)  ## Style and mistakes (ruff)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

format: $(DEV_STAMP)  ## Write the house style
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

types: $(DEV_STAMP)  ## Types (mypy, strict)
	$(BIN)/mypy $(SOURCES)

contracts: $(DEV_STAMP)  ## Who may import whom (import-linter)
	$(BIN)/lint-imports

checks: $(DEV_STAMP)  ## Migrations are complete, docs/openapi.yaml is current; a deployment's settings are safe
	@folder=$$(mktemp -d /tmp/stratford-XXXXXX); chmod 755 "$$folder"; trap 'rm -rf "$$folder"' EXIT
	STRATFORD_VAR="$$folder" $(BIN)/python manage.py makemigrations --check --dry-run
	STRATFORD_VAR="$$folder" $(BIN)/python manage.py spectacular --validate --fail-on-warn --file "$$folder/openapi.yaml"
	diff -u docs/openapi.yaml "$$folder/openapi.yaml" || { echo "docs/openapi.yaml is old; run make schema." >&2; exit 1; }
	tls='sslmode=verify-full&sslrootcert=/certificates/app/ca.crt'
	DATABASE_URL="postgres://app@db.example/stratford?$$tls" TIMESCALE_URL="postgres://app@ts.example/timescale?$$tls" \
	CLAMD_URL=unix:///run/clamav/clamd.sock REDIS_URL=rediss://redis.example/0 MONGO_URL='mongodb://mongo.example/stratford?tls=true' \
	EMAIL_URL=smtp+tls://mail.example:587 PUBLIC_URL=https://stratford.example ALLOWED_HOSTS=stratford.example \
	DJANGO_SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))') \
	$(BIN)/python manage.py check --deploy --fail-level WARNING

security: $(DEV_STAMP)  ## Mistakes in our code (bandit), known weaknesses in others' (pip-audit)
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml apps stratford deploy manage.py
	$(BIN)/python deploy/audit.py $(if $(AUDIT_REQUIRED),--required)

sbom: $(DEV_STAMP)  ## Write what the image contains to sbom.cdx.json (CycloneDX)
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --of JSON -o sbom.cdx.json requirements.lock

unit: $(DEV_STAMP)  ## Tests with coverage, end to end included
	$(BIN)/python -m pytest -n 2 --cov=apps --cov-report=term:skip-covered --cov-fail-under=90

schema: $(DEV_STAMP)  ## Write the API's description to docs/openapi.yaml
	@folder=$$(mktemp -d /tmp/stratford-XXXXXX); chmod 755 "$$folder"; trap 'rm -rf "$$folder"' EXIT
	STRATFORD_VAR="$$folder" $(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

lock: $(DEV_STAMP)  ## Recompile both locks (hashes, no addresses)
	common=(--python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header)
	$(BIN)/python deploy/uv.py pip compile "$${common[@]}" pyproject.toml -o requirements.lock
	$(BIN)/python deploy/uv.py pip compile "$${common[@]}" --group dev pyproject.toml -o requirements-dev.lock

clean:  ## Delete what tools left (not the data in var/, not the environment)
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov schemathesis-report
	find apps stratford tests deploy -name __pycache__ -type d -prune -exec rm -rf {} +
