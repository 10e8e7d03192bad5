# The only commands there are; CI and the README call these.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# Extra arguments for pip when it fetches torch. A Linux machine without a GPU can name PyTorch's CPU wheel index here
# (`make install TORCH_ARGS="--index-url ..."`, see its install page) and save about 3 GB; macOS and Windows wheels are CPU already.
TORCH_ARGS ?=
TORCH := "torch>=2.9,<2.14"

.PHONY: install run test e2e check fix docs traces sweep bench chromium clean

install: $(VENV)/.installed

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	$(PY) -m pip install -q --disable-pip-version-check $(TORCH_ARGS) $(TORCH)
	$(PY) -m pip install -q --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.test-installed: tests/requirements.txt $(VENV)/.installed
	$(PY) -m pip install -q --disable-pip-version-check -r tests/requirements.txt
	@touch $@

run: install                        ## open the page on 127.0.0.1:7860; flags of app.py in ARGS="..."
	$(PY) app.py $(ARGS)

# A worker per core, one thread each.
test: $(VENV)/.test-installed       ## the tests that need no browser
	OMP_NUM_THREADS=1 $(PY) -m pytest -n auto -m "not browser"

# In one process, so that the tests share a page and a Chromium (xdist's loadgroup would do that too, but sets node ids
# in a way that pytest 9.2 no longer reads).
e2e: $(VENV)/.test-installed chromium  ## the tests that drive the page in a headless Chromium
	OMP_NUM_THREADS=1 $(PY) -m pytest -m browser

check: $(VENV)/.test-installed      ## lint and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright

fix: $(VENV)/.test-installed
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs: install                       ## rewrite docs/methods.md from the registry
	$(PY) -m app methods --markdown > docs/methods.md

traces: install                     ## record assets/traces anew with the bundled models
	$(PY) -m bench record

sweep: install                      ## make the sweep that ships again, and compare the two (about half an hour on two cores)
	@mkdir -p bench/results
	$(PY) -m app sweep assets/sweeps/bundled.yaml --out bench/results/bundled.parquet --check assets/sweeps/bundled.parquet

bench: $(VENV)/.test-installed
	$(PY) -m bench methods

# Debian's Chromium where we may install it, otherwise Playwright's own.
chromium: $(VENV)/.test-installed
	@if command -v chromium chromium-browser google-chrome >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	else $(VENV)/bin/playwright install chromium; fi

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache
