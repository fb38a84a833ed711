"""The catalogue: its rows are true, and a model that cannot be had is answered with another."""

import hashlib
import re
from pathlib import Path

import pytest

from helpers.catalog import fetch
from helpers.catalog import load as loading
from helpers.catalog import table as catalog
from helpers.catalog.registry import ROLES
from helpers.catalog.table import MODELS, get, models
from helpers.errors import ModelError
from helpers.nn.ncnn_weights import ncnn_state
from tests.support.compact_states import compact_state
from tests.support.law import one_picture
from tests.support.machine import use
from tests.support.paths import REPO

FILES = [file for model in MODELS for form in model.forms for file in form]


@pytest.fixture
def nothing(tmp_path, monkeypatch):
    """A machine without a network, on which nothing was fetched or installed."""
    monkeypatch.setattr(fetch, "_installed", lambda *_: None)

    def refuse(url, *_):
        raise fetch.DownloadError("no network")

    monkeypatch.setattr(fetch, "_download_once", refuse)
    use(cache=tmp_path, scratch=tmp_path)
    return tmp_path


# --- the rows -----------------------------------------------------------------------------------


def test_names_are_unique_and_roles_known():
    names = [model.name for model in MODELS]
    assert len(set(names)) == len(names)
    assert {model.role for model in MODELS} == set(ROLES)


def test_every_role_has_a_model_that_needs_no_weights_or_no_engine_yet():
    for role in ("upscale", "interpolate"):
        assert any(not model.forms for model in models(role))


UNCHECKED = {model.name for model in MODELS if not model.checked}


def test_models_without_a_published_checksum_are_marked_and_asked_about(nothing):
    assert {"ai-forever-x8", "realesrnet-x4plus"} == UNCHECKED
    for name in UNCHECKED:
        model = get(name, "upscale")
        assert "no published checksum" in catalog._describe_row(model)[6]
        for use_it in (
            lambda model=model: catalog.get_files(model),
            lambda name=name: catalog.recipe(name, "upscale"),
        ):
            with pytest.raises(ModelError, match=rf"If you trust https.*fetch --trust {name}"):
                use_it()


def test_a_model_that_was_trusted_once_must_stay_as_it_was(nothing):
    model = get("realesrnet-x4plus", "upscale")
    (path,) = (nothing / file.name for file in model.forms[0])
    path.write_bytes(b"weights")
    assert catalog.trust_model(model.name) == [path]
    assert catalog.get_files(model) == [path]
    path.write_bytes(b"other weights")
    with pytest.raises(ModelError, match="its sha256 is"):
        catalog.get_files(model)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_says_where_it_is_and_what_it_weighs(file):
    assert file.urls and all(
        re.match(r"(https://|gdrive:|pip:|shipped:)\S+$", url) for url in file.urls
    )
    assert re.fullmatch(r"[0-9a-f]{64}|", file.sha256)
    assert file.sha256 or file.name in ("ai-forever_RealESRGAN_x8.pth", "RealESRNet_x4plus.pth")
    assert file.bytes == 0 or file.bytes > 1000


def test_a_name_in_the_cache_means_one_file():
    by_name = {}
    for file in FILES:
        assert by_name.setdefault(file.name, file) == file


def test_what_may_not_be_sold_is_marked_and_no_default():
    from helpers.plan import Plan

    assert not get("liveaction-span", "upscale").commercial
    assert all(model.commercial for model in MODELS if "-NC" not in model.licence)
    plan = Plan()
    for stage in (plan.upscale, plan.interpolate):
        assert all(get(name, stage.role).commercial for name in stage.models)


@pytest.mark.parametrize(
    ("name", "tensors", "sha256"),
    [
        ("x4plus", 702, "3910cc3c738ce0f924c094ecf1fb648cf934500118a02c1197216b0af80060f9"),
        ("x4plus-anime", 192, "f67a31e68cc8c8d1dbb2174edde7317a4463764e9dd27d29109ad4513feb1c92"),
        ("animevideov3", 53, "6f53acecbc5bc013f23054c5054abab84aff6d449315699e175d16f8802c9d2a"),
    ],
)
def test_the_bundled_weights_are_those_of_every_version(name, tensors, sha256):
    """Of two packages that carry them, with different .param files, this is what both give."""
    weights, param = catalog.get_files(get(name, "upscale"))
    state, found = ncnn_state(param, weights), hashlib.sha256()
    for key, tensor in state.items():
        found.update(key.encode() + tensor.numpy().tobytes())
    assert (len(state), found.hexdigest()) == (tensors, sha256)


def test_the_readme_holds_the_table():
    text = (REPO / "README.md").read_text(encoding="utf-8")
    found = text.split(catalog.MARK)[1]
    assert found == models().markdown() + "\n", "run `make models`"


# --- asking for one -----------------------------------------------------------------------------


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(ModelError, match=r"no upscale model 'x5plus'.*animevideov3"):
        get("x5plus", "upscale")


def test_a_model_of_another_role_is_refused():
    with pytest.raises(ModelError, match=r"no interpolate model .*Choose one of flow, rife"):
        get("x4plus", "interpolate")


def test_the_first_form_that_is_here_is_used(nothing):
    model = get("x4plus", "upscale")
    assert model.form == model.forms[0] and not model.present
    (nothing / "RealESRGAN_x4plus.pth").write_bytes(b"weights")
    assert model.form == model.forms[1] and model.present


def test_without_a_network_it_names_the_file_the_folder_and_another_model(nothing):
    with pytest.raises(ModelError) as error:
        loading.load_upscaler("general-x4v3")
    said = str(error.value)
    assert "realesr-general-x4v3.pth (4.9 MB)" in said and str(nothing) in said
    assert "https://github.com/xinntao/Real-ESRGAN/releases" in said
    assert "Or use small-video-x4, which is available now: tiny, hard compressed" in said
    with pytest.raises(ModelError, match="Or use flow, which is available now"):
        loading.load_interpolator("rife-4.25")


def test_the_nearest_is_a_network_where_there_is_one(monkeypatch):
    monkeypatch.setattr(
        fetch, "_download_once", lambda *_: (_ for _ in ()).throw(fetch.DownloadError("off"))
    )
    with pytest.raises(ModelError, match="Or use x4plus, which is available now"):
        catalog.get_files(get("ai-forever-x4", "upscale"))


def test_damaged_weights_are_refused(nothing):
    (nothing / "RealESRGAN_x2plus.pth").write_bytes(b"\0" * 67061725)
    with pytest.raises(ModelError, match=r"is damaged: its sha256.*Delete it"):
        loading.load_upscaler("x2plus")


def test_a_recipe_names_weights_by_their_content():
    sha256 = get("x2plus", "upscale").forms[0][0].sha256
    assert catalog.recipe("x2plus", "upscale") == {"weights": sha256}
    assert catalog.recipe("bicubic", "upscale") == {}
    both = catalog.recipe("general-x4v3", "upscale")["weights"].split("+")
    assert [len(part) for part in both] == [64, 64]


def test_the_table_shows_itself():
    page = models("upscale")._repr_html_()
    assert "x4plus" in page and "BSD-3-Clause" in page and "flow" not in page


@pytest.fixture
def own(tmp_path):
    import torch

    path = tmp_path / "my model.pth"
    torch.save({"params": compact_state()}, path)
    return path


def test_a_users_own_model_runs_and_is_described(own):
    import numpy as np

    from helpers import Upscale

    stage = Upscale(str(own))
    assert stage.target(20, 10) == (40, 20)
    made = stage(one_picture(np.full((10, 20, 3), 99, np.uint8)))[0].image
    assert made.shape == (20, 40, 3)
    said = repr(loading.describe(str(own)))
    for fact in ("Compact", "x2", "with 5 pixels of overlap", str(own), "your own"):
        assert fact in said
    assert stage.recipe()["model"] == "my model.pth" and len(stage.recipe()["weights"]) == 64


def test_a_model_for_grey_pictures_keeps_the_colours(tmp_path):
    import numpy as np
    import torch

    path = tmp_path / "grey.pth"
    torch.save({"params_ema": compact_state(channels=1)}, path)
    image = np.zeros((12, 14, 3), np.uint16) + np.array([60000, 9000, 3000], np.uint16)
    made = loading.load_upscaler(str(path)).upscale([image])[0]
    assert made.shape == (24, 28, 3) and made.dtype == np.uint16
    assert (made[..., 0].astype(int) - made[..., 2]).min() > 40000


def test_a_link_is_fetched(own, monkeypatch, nothing):
    monkeypatch.setattr(
        fetch, "_download_once", lambda url, file, part: part.write_bytes(own.read_bytes())
    )
    link = "https://huggingface.co/someone/net/blob/main/net.pth?download=true"
    assert loading.native_scale(link) == 2
    assert list((nothing / "own").glob("*-net.pth"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"not weights", "cannot be read as weights"), (b"", "cannot be read as weights")],
)
def test_what_is_no_file_of_weights_is_refused(tmp_path, content, reason):
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    for name in (path, path.rename(path.with_suffix(".safetensors"))):
        Path(name).write_bytes(content)
        with pytest.raises(ModelError, match=reason):
            loading.load_upscaler(str(name))


def test_a_pickle_that_would_run_something_is_refused(tmp_path):
    import os
    import pickle

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'ran'}",)

    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps({"params": Evil()}))
    with pytest.raises(ModelError, match="contains only tensors"):
        loading.load_upscaler(str(path))
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_without_weights_is_refused(tmp_path):
    import torch

    path = tmp_path / "net.pth"
    torch.save({"epoch": 3, "loss": 0.1}, path)
    with pytest.raises(ModelError, match=r"does not contain weights.* dict with epoch, loss"):
        loading.load_upscaler(str(path))


def test_weights_that_do_not_fit_their_network_are_refused(tmp_path):
    import torch

    state = compact_state()
    state["body.0.bias"] = torch.zeros(5)
    path = tmp_path / "net.pth"
    torch.save(state, path)
    with pytest.raises(ModelError, match="do not fit it"):
        loading.load_upscaler(str(path))


def test_a_path_that_is_not_there_is_refused():
    with pytest.raises(ModelError, match=r"There is no file nowhere/net\.pth"):
        get("nowhere/net.pth", "upscale")
    with pytest.raises(ModelError, match="is not a file of weights"):
        get("https://example.org/net.zip", "upscale")
