# make demo    restore a sample clip in a notebook, and look at the result
# make test    lint, types and tests
# make test-fast    the quick tests, in a minute

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
TESTS := $(BIN)/python -m pytest --numprocesses auto --dist worksteal

.PHONY: setup demo test test-fast lint docs structure clips benchmark models address clean

# Set-up, the one place. Some packages are installed without what they ask for: see
# colab_requirements.txt.
$(READY): pyproject.toml colab_requirements.txt
	@echo "Setting up $(VENV): about 6 GB, once."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable '.[dev,docs]'
	$(BIN)/python -m pip install --quiet --no-deps --requirement colab_requirements.txt
	@touch $@

setup: $(READY)

demo: $(READY)
	@rm -rf out/demo
	@$(BIN)/python notebooks/run.py 00_end_to_end --out out/demo --html end_to_end.html
	@$(BIN)/python -m helpers report out/demo/restored.mp4
	@echo "look at  out/demo/restored.mp4"
	@echo "         out/demo/before_after.png"
	@echo "         out/demo/end_to_end.html"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

test: lint
	$(TESTS)

# What is quick and needs nothing beside the repository: to be run while one works.
test-fast: $(READY)
	$(TESTS) -m "not slow and not data"

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
	$(BIN)/python benchmarks/run.py

models: $(READY)
	@$(BIN)/python -m helpers models --into README.md

address: $(READY)
	@$(BIN)/python notebooks/address.py $(REPO)

clean:
	rm -rf out build *.egg-info .pytest_cache .ruff_cache
