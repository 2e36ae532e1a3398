# All commands of development. `make` lists them.

# Default folder of the pictures: beside the checkout.
DATA ?= $(or $(LANDSCAPE_DATA),../shared/intel)
RUN ?= runs/intel
CONFIG ?= training/recipes/intel-scenes.json
BUNDLE ?= models/intel-scenes

# Checks that a Python can create environments. On Debian, ensurepip is in the package python3-venv.
USABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
# Without PYTHON, an existing environment keeps its Python. The path in PYTHON may contain blanks.
PYTHONS = $(if $(PYTHON),"$(PYTHON)",$(@D)/bin/python python3.13 python3.12 python3.11 python3)

DEV := .venv/.complete
DEMO := .venv-demo/.complete
AUDIT := .venv-audit/.complete
# The CDK app runs in .venv if there is one, otherwise in a small separate one.
INFRA := $(if $(wildcard .venv/.complete),.venv,.venv-infra)
INFRA_READY := $(INFRA)/.complete
INFRA_PATH := PATH="$(CURDIR)/$(INFRA)/bin:$$PATH"
CDK_LOCK := infra/cdk_cli/package-lock.json
CDK_FOLDER := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/landscape-classifier/aws-cdk-$(firstword $(shell cksum $(CDK_LOCK)))
CDK := $(INFRA_PATH) $(CDK_FOLDER)/node_modules/.bin/cdk
DEMO_REQUIREMENTS := lambda_api/requirements-serve.txt frontend/requirements.txt
PARTS := requirements-uv lambda_api/requirements lambda_api/requirements-serve frontend/requirements infra/requirements training/requirements
# Tools in separate environments, with their own versions.
TOOLS := requirements-audit tests/containers/sam/requirements tests/convert/tflite_runtime/requirements tests/deploy/ministack/requirements

# More workers than two cores: many tests wait for servers, containers or a browser. Each worker needs
# 1 GB of memory, of which 400 MB are shared.
PARALLEL := --numprocesses=3 --dist=loadfile --no-loadscope-reorder

LOCKS := requirements.txt $(PARTS:=.txt) $(TOOLS:=.txt)

.PHONY: help demo serve frontend setup test check lint format audit train convert bench bench-peers openapi schema lock clean \
	e2e app synth diff bootstrap deploy destroy cdk cost snapshot pin-images vulnerabilities sbom

help:  ## List the targets
	@awk -F ':.*  ## ' '/^[a-z0-9-]+:.*  ## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(DEMO)  ## Run the API and the page until Ctrl-C; other ports: API_PORT=8001 PAGE_PORT=8502
	@.venv-demo/bin/python -m scripts.demo

serve: $(DEMO)  ## Run only the API, with its log on the terminal
	@.venv-demo/bin/python -m scripts.demo api

frontend: $(DEMO)  ## Run only the page, with the API at API_URL (default: `make serve`)
	@.venv-demo/bin/python -m scripts.demo page

setup: $(DEV)  ## Create .venv, the environment for everything except the demo

test: $(DEV)  ## Run all tests that this machine can run; some of them: ARGS="-k handler"
	@.venv/bin/python -m pytest $(PARALLEL) $(ARGS)

check: lint  ## Lint, check types, and check the imports between the folders
	.venv/bin/python -m mypy
	.venv/bin/lint-imports

lint: $(DEV)  ## Check style, formatting, Dockerfiles and workflows
	.venv/bin/python -m ruff check
	.venv/bin/python -m ruff format --check
	$(if $(wildcard Dockerfile*),.venv/bin/hadolint $(wildcard Dockerfile*))
	.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml

format: $(DEV)  ## Format the code, and fix what can be fixed
	.venv/bin/python -m ruff check --fix
	.venv/bin/python -m ruff format

audit: $(DEV)  ## Find broken, duplicate, leaking and contradictory pictures in DATA
	.venv/bin/python -m training audit $(DATA) --out $(RUN)-audit

train: audit  ## Train RUN on DATA with CONFIG, without the pictures that the audit lists; options: ARGS="--epochs 3"
	.venv/bin/python -m training train $(DATA) $(RUN) --config $(CONFIG) --exclude $(RUN)-audit/audit.json $(ARGS)

convert: $(DEV)  ## Convert RUN to BUNDLE, and check its accuracy on DATA
	.venv/bin/python -m convert bundle $(RUN) --data $(DATA) --out $(BUNDLE) --replace \
		$(if $(wildcard $(CONFIG:.json=.md)),--history $(CONFIG:.json=.md)) $(ARGS)

bench: $(DEV)  ## Measure the service and the page; page: needs Chromium (six minutes)
	.venv/bin/python -m benchmarks.service $(ARGS)
	.venv/bin/python -m benchmarks.page

bench-peers: $(DEV)  ## Measure the service beside other servers, handlers and runtimes; needs wrk (an hour)
	.venv/bin/python -m benchmarks.peers $(ARGS)

openapi: $(DEV)  ## Update docs/openapi.json
	.venv/bin/python -m lambda_api openapi > docs/openapi.json

schema: $(DEV)  ## Update docs/manifest.schema.json
	.venv/bin/python -m lambda_api manifest-schema > docs/manifest.schema.json

e2e: $(DEV)  ## Test a deployment in an emulated AWS; needs docker, or podman and root
	@LANDSCAPE_REQUIRE_ALL=1 .venv/bin/python -m pytest tests/deploy --verbose $(ARGS)

app: $(INFRA_READY)  ## Run the CDK app, as `cdk` calls it
	@$(INFRA_PATH) python -m infra

synth: $(CDK_FOLDER)  ## Write the CloudFormation templates to cdk.out/
	@$(CDK) synth --quiet $(ARGS)

diff: $(CDK_FOLDER)  ## Show what `make deploy` would change in AWS
	@$(CDK) diff $(ARGS)

bootstrap: $(CDK_FOLDER)  ## Prepare the account for CDK, once per region
	@$(CDK) bootstrap $(ARGS)

deploy: $(CDK_FOLDER)  ## Build the images and deploy to AWS; another stage: ARGS="-c stage=prod"
	@$(INFRA_PATH) python -m infra check -- $(ARGS)
	@$(CDK) deploy --all $(ARGS)

destroy: $(CDK_FOLDER)  ## Remove the deployment from AWS
	@$(CDK) destroy --all $(ARGS)

cdk: $(CDK_FOLDER)  ## Run the CDK command line: ARGS="deploy --all"
	@$(CDK) $(ARGS)

cost: $(INFRA_READY)  ## Update docs/cost.md; or print the cost of another load: ARGS="--requests 1e7"
	@$(INFRA_PATH) python -m infra cost $(ARGS) $(if $(ARGS),,> docs/cost.md.new && mv docs/cost.md.new docs/cost.md)

snapshot: $(DEV)  ## Update tests/infra/snapshots after an intended change
	UPDATE_SNAPSHOTS=1 .venv/bin/python -m pytest -q tests/infra/test_snapshot.py

lock: $(DEV)  ## Pin the packages of all requirements.in files in requirements.txt
	@lock() { .venv/bin/uv pip compile --universal --python-version 3.11 --fork-strategy fewest \
		--generate-hashes --no-emit-index-url --no-strip-extras --custom-compile-command "make lock" -q "$$@"; }; \
	lock requirements.in -o requirements.txt && \
	for part in $(PARTS); do lock $$part.in -c requirements.txt -o $$part.txt || exit; done && \
	for tool in $(TOOLS); do lock $$tool.in -o $$tool.txt || exit; done

pin-images:  ## Pin the base images to their newest digests; needs docker and a network
	@for base in $$(sed -nE 's/^FROM ([^@ ]+).*/\1/p' .github/bases/Dockerfile); do \
		digest=$$(docker buildx imagetools inspect "$$base" --format '{{.Manifest.Digest}}') || exit; \
		for file in .github/bases/Dockerfile Dockerfile.lambda Dockerfile-streamlit; do \
			sed -E "s,^((FROM |ARG BASE=)$$base)(@sha256:[0-9a-f]+)?,\1@$$digest," $$file > $$file.new && mv $$file.new $$file || exit; \
		done; \
	done

vulnerabilities: $(AUDIT)  ## Check all pinned packages for known vulnerabilities
	@for lock in $(LOCKS); do echo "$$lock"; \
		.venv-audit/bin/pip-audit --disable-pip --require-hashes --progress-spinner=off --requirement $$lock || failed=1; \
	done; exit $${failed:-0}

sbom: $(AUDIT)  ## Write a CycloneDX bill of materials for every lock to sbom/
	@mkdir -p sbom
	@for lock in $(LOCKS); do \
		.venv-audit/bin/cyclonedx-py requirements --output-reproducible $$lock -o sbom/$$(echo $${lock%.txt} | tr / -).json || exit; \
	done

clean:  ## Remove environments and caches; keeps .env and runs/
	rm -rf .venv .venv-audit .venv-demo .venv-infra .venv-peers .venv*.setup-lock cdk.out logs sbom .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(DEV): requirements.txt FORCE
	$(environment)

$(DEMO): $(DEMO_REQUIREMENTS) FORCE
	$(environment)

$(AUDIT): requirements-audit.txt FORCE
	$(environment)

.venv-infra/.complete: infra/requirements.txt FORCE
	$(environment)

FORCE:  # scripts/environment.py checks itself whether the environment is up to date

# Installed beside its final path and then moved, because another make may do the same.
$(CDK_FOLDER): | $(INFRA_READY)
	@echo >&2 "Installing the CDK command line in $@"
	@mkdir -p $(@D) && new=$$(mktemp -d $@.XXXXXX) && cp $(CDK_LOCK) $(dir $(CDK_LOCK))package.json $$new && \
		$(INFRA_PATH) npm ci --silent --no-audit --no-fund --fetch-retries=1 --prefix $$new && \
		if test -e $@; then rm -rf $$new; else mv $$new $@; fi || \
		{ rm -rf $$new; echo >&2 "error: npm could not install the CDK command line. Check the network and the\
		disk space, then run the same command again"; exit 1; }

define environment
	@for python in $(PYTHONS); do \
		"$$python" -c '$(USABLE)' 2>/dev/null && exec "$$python" scripts/environment.py $(@D) $(filter-out FORCE,$^); \
	done; $(if $(PYTHON),echo >&2 "error: PYTHON=$(PYTHON) cannot be used: $$("$(PYTHON)" --version 2>&1 | head -n 1)";) \
	echo >&2 "error: no usable Python found. Install Python 3.11 to 3.13 with venv (on Debian and Ubuntu: apt-get install\
	python3-venv), or set PYTHON=/path/to/python"; exit 1
endef
