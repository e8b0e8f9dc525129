# Everything from a clean clone with Python 3.11+ and make: `make demo`. Each target installs what it needs into .venv,
# from hash-locked files, once per change of those files.

SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
MESSAGES := $(wildcard sgportal/locale/*/LC_MESSAGES/*.po)
TEST_ARGS ?=
# On two cores four: three for what waits for processes of its own, half of the time, and one that computes meanwhile and
# yields to them (tests/scheduling.py).
WORKERS ?= 4
# The markers (pyproject.toml) of tests that need something installed, or their time.
HEAVY := slow or kubernetes or browser or redis or postgres or netns or kubectl or helm or promtool or containers
# What types and the deployment check are run against: settings such as a production has.
DEPLOYED := SECRET_KEY=0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ \
	DATABASE_URL=sqlite:///:memory: ALLOWED_HOSTS=portal.example CSRF_TRUSTED_ORIGINS=https://portal.example

# Every process that is started here, by tests hundreds, finds what it imports compiled, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help demo check collect test lint kube compiled crds image imagetest kustomize bench faults screenshots site wheel lock clean runtime develop messages

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: runtime messages ## everything in one process on http://127.0.0.1:8000 (PORT, DEMO_WORLD, DEMO_RESET=1)
	@exec $(PY) manage.py demo

test: develop messages $(if $(STRICT),compiled) ## the test suite; what is not installed is skipped and listed (STRICT=1: fails)
	@exec $(PY) -m pytest -q -n $(WORKERS) --dist loadgroup $(TEST_ARGS)

# Leaves the tests compiled, as pytest rewrites them.
collect: develop messages
	@$(PY) -m pytest -q --collect-only >/dev/null

check: develop messages ## the daily loop: rules, doors and documents, in memory, in about a minute; no services, no servers
	@exec $(PY) -m pytest -q -n 2 --hypothesis-profile=quick -m "not ($(HEAVY))" tests/core tests/house tests/access tests/api tests/dashboard tests/budgets/test_doors.py tests/test_actions.py $(TEST_ARGS)

lint: develop messages ## style, types, import contracts, migrations, deployment check
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/djhtml --tabwidth 2 --check templates
	@$(DEPLOYED) $(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(DEPLOYED) $(PY) manage.py makemigrations --check --dry-run
	@$(DEPLOYED) $(PY) manage.py check --deploy --fail-level WARNING

kube: develop ## compile the real control plane and the kubectls that the tests use and fetch helm (needs Go; once per machine and version)
	@$(PY) -m tests.kube.binaries
	@$(PY) -m tests.kube.kubectls
	@$(PY) -m tests.kube.helm.build
	@$(PY) -m tests.kube.promtool.build
	@$(PY) -m tests.kube.traefik.build
	@exec $(PY) -m tests.kube.coredns.build

# Where everything is wanted, a control plane that can be compiled is; where it cannot, who needs it says so.
compiled: develop
	@if command -v go >/dev/null; then $(PY) -m tests.kube.binaries >/dev/null; $(PY) -m tests.kube.kubectls >/dev/null; $(PY) -m tests.kube.helm.build >/dev/null; $(PY) -m tests.kube.promtool.build >/dev/null; $(PY) -m tests.kube.traefik.build >/dev/null; $(PY) -m tests.kube.coredns.build >/dev/null; fi

crds: runtime ## write deploy/crds.yaml anew from sgportal/cluster
	@$(DEPLOYED) $(PY) manage.py crds > deploy/crds.yaml

image: ## build the image with buildah (BASE=debian: on a base made of Debian's packages; needs root)
	@sh scripts/image.sh build

imagetest: develop messages compiled ## install the chart in a real control plane and run the processes of that image
	@sh scripts/image.sh test

kustomize: develop ## write deploy/kustomize anew from the chart (fetches helm; after a change of deploy/helm, deploy/crds.yaml or deploy/rbac.yaml)
	@exec $(PY) -m scripts.render_kustomize

bench: develop messages compiled ## ratios measured side by side; table on screen, JSON in bench/output/
	@exec $(PY) -m bench

faults: develop messages compiled ## the fault matrix on a real control plane (FAULTS=name,name: only these; REPORT=1: into docs/reliability)
	@exec $(PY) -m faults

screenshots: develop messages ## the pictures of the documents, docs/images, anew from the demo (needs Chromium)
	@$(PY) -m scripts.screenshots

site: develop messages ## the documents as a site of files, in build/site/html (English and Chinese; opens from a disk)
	@$(DEPLOYED) $(PY) -m scripts.site
	@for each in en zh; do $(VENV)/bin/uv run --quiet --no-project --python $(PY) --with-requirements requirements/site.txt sphinx-build --quiet -W --keep-going -D language=$$( [ $$each = zh ] && echo zh_CN || echo en ) build/site/$$each build/site/html/$$each || exit 1; done

wheel: develop ## a wheel with pages and translations, in dist/: `pip install` it, then `sgportal demo`
	@rm -rf build/lib; $(VENV)/bin/uv build --quiet --wheel --no-build-isolation --out-dir dist .; ls dist

lock: develop ## resolve the dependencies of pyproject.toml anew into the lock files
	@set -e; flags="--universal --generate-hashes --no-header --no-emit-index-url --quiet"; \
	$(VENV)/bin/uv pip compile pyproject.toml $$flags -o requirements/runtime.txt; \
	$(VENV)/bin/uv pip compile pyproject.toml --extra otel $$flags -o requirements/otel.txt; \
	$(VENV)/bin/uv pip compile pyproject.toml --extra otel --extra dev $$flags -o requirements/dev.txt; \
	version="$$($(VENV)/bin/uv --version | cut -d ' ' -f 2)"; \
	echo "uv==$$version" | $(VENV)/bin/uv pip compile - $$flags --no-annotate -o requirements/uv.txt; \
	grep -o '^cyclonedx-bom==[^ ]*' requirements/sbom.txt | $(VENV)/bin/uv pip compile - $$flags --no-annotate -o requirements/sbom.txt; \
	grep -oE '^(sphinx|myst-parser|furo|sphinx-copybutton)==[^ ]*' requirements/site.txt | $(VENV)/bin/uv pip compile - $$flags --no-annotate -o requirements/site.txt

clean: ## remove the environment, caches and built files (not the demo's state: DEMO_RESET=1 make demo)
	rm -rf $(VENV) build dist staticfiles bench/output faults/output .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -f .test-*.sqlite3* $(MESSAGES:.po=.mo)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first of these that runs and is recent enough; PYTHON=... names another.
define make_venv
	if [ ! -x $(PY) ]; then \
		for each in $(PYTHON) python3.11 python3 python3.12 python3.13 python3.14; do \
			"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && found="$$each" && break; \
		done; \
		if [ -z "$$found" ]; then \
			echo "sgportal needs Python 3.11 or newer; none was found as python3, python3.11, python3.12 or python3.13." >&2; \
			echo "Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
		fi; \
		echo "Making .venv with $$("$$found" --version)" >&2; \
		if ! "$$found" -m venv $(VENV); then \
			rm -rf $(VENV); \
			echo "$$found cannot make virtual environments (Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; \
		fi; \
	fi
endef

# $(1): the lock file. Installed again only where it, or the installer's, has changed.
define install
	set -e; found=; $(make_venv); \
	stamp=$(VENV)/.installed-$(notdir $(1)); want="$$(cat requirements/uv.txt $(1) | cksum)"; \
	if [ "$$(cat $$stamp 2>/dev/null)" != "$$want" ]; then \
		echo "Installing $(1)" >&2; \
		$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt; \
		$(VENV)/bin/uv pip install --quiet --python $(PY) --require-hashes -r $(1); \
		echo "$$want" > $$stamp; \
	fi
endef

runtime:
	@$(call install,requirements/runtime.txt)

develop:
	@$(call install,requirements/dev.txt)

messages: $(MESSAGES:.po=.mo)

%.mo: %.po
	@$(VENV)/bin/pybabel --quiet compile --input-file $< --output-file $@
