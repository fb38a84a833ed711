# make demo    restore a sample clip in a notebook, and look at the result
# make test    lint, types and tests
# make test-fast    the quick tests, in a minute
# make zip     out/silk-purse.zip, to take the notebooks to Colab or to another machine

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
READY := $(VENV)/ready
TESTS := $(BIN)/python -m pytest --numprocesses auto --dist worksteal

.PHONY: setup lock demo test test-fast colab-like lint docs structure clips benchmark models address \
	setup-cell zip clean

# Installs exactly the files that requirements.lock names, on every machine.
$(READY): pyproject.toml requirements.lock
	@echo "Setting up $(VENV): about 7 GB, once."
	$(PYTHON) -m venv $(VENV)
	@PYTHONWARNINGS=ignore $(PIP) install --quiet --require-hashes --requirement requirements.lock \
		2> $(VENV)/pip.log; code=$$?; cat $(VENV)/pip.log >&2; \
	if grep -q "DO NOT MATCH THE HASHES" $(VENV)/pip.log; then echo "$$WRONG_HASH" >&2; fi; exit $$code
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

define WRONG_HASH

A downloaded package is not the file that requirements.lock names. Usually the download was damaged
and pip has kept it in its cache. Empty the cache and try again:

    $(BIN)/python -m pip cache purge && make setup

If the message comes again, do not install the package: the place it comes from serves another file.
endef
export WRONG_HASH

# Writes requirements.lock anew from pyproject.toml. Versions that are locked already stay;
# `make lock UPGRADE=--upgrade` takes the newest ones. CONTRIBUTING.md has the whole recipe.
lock: $(READY)
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal \
		--python-version 3.10 --all-extras --generate-hashes --no-annotate $(UPGRADE) \
		--output-file requirements.lock pyproject.toml

setup: $(READY)

RESTORED := out/demo/projects/talk_160x120_8fps/talk_160x120_8fps_restored.mp4

demo: $(READY)
	@rm -rf out/demo
	@$(BIN)/python notebooks/run.py 00_end_to_end --out out/demo --html end_to_end.html \
		--set SOURCE='"sample"' --set AT_ONCE=True
	@$(BIN)/python -m helpers report $(RESTORED)
	@echo "look at  out/demo/end_to_end.html"
	@echo "         $(RESTORED)"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

test: lint
	$(TESTS)

# What is quick and needs nothing beside the repository: to be run while one works.
test-fast: $(READY)
	$(TESTS) -m "not slow and not data"

# Runs notebooks in an environment laid out like Colab's, opened in each of the three ways. Its
# ffmpeg is the 4.2 of an old package, because no package has Colab's 4.4.
COLAB ?= build/colab
PYTHON313 ?= python3.13
COLAB_PIP = $(COLAB)/bin/python -m pip --disable-pip-version-check install --quiet

$(COLAB)/ready: tests/colab/preinstalled.txt
	@echo "Setting up $(COLAB), laid out like Colab: about 6 GB, once."
	$(PYTHON313) -m venv --clear $(COLAB)
	$(COLAB_PIP) opencv-contrib-python==4.14.0.94  # first, so that the others overwrite it in part
	$(COLAB_PIP) --requirement tests/colab/preinstalled.txt
	$(COLAB_PIP) --no-deps --target $(COLAB)/ffmpeg imageio-ffmpeg==0.5.1
	ln -s $(abspath $(COLAB))/ffmpeg/imageio_ffmpeg/binaries/ffmpeg-* $(COLAB)/bin/ffmpeg
	@touch $@

# The variable hides a warning of Jupyter's debugger.
colab-like: export PYDEVD_DISABLE_FILE_VALIDATION = 1
colab-like: $(COLAB)/ready
	$(COLAB)/bin/python -m pytest --noconftest tests/test_setup_cell.py
	$(COLAB)/bin/python tests/colab/run.py

# The documentation as a site; a warning is an error. (MkDocs 1 is meant: what 2 will be does not
# concern us.)
docs: $(READY)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "look at  out/docs/index.html"

# How the package is put together, before every effect had a room of its own and now.
structure:
	@$(PYTHON) docs/structure.py 832da0e . --into docs/design.md

clips: $(READY)
	$(BIN)/python sample_clips/make.py

benchmark: $(READY)
	$(BIN)/python -m benchmarks.run

models: $(READY)
	@$(BIN)/python -m helpers models --into README.md

address: $(READY)
	@$(BIN)/python notebooks/address.py $(REPO)

setup-cell:
	@$(PYTHON) notebooks/setup_cell.py

zip:
	@$(PYTHON) notebooks/pack.py

clean:
	rm -rf out build *.egg-info .pytest_cache .ruff_cache
