"""The law, held by every stage and every clip: a range by itself is that range of the whole.

A new stage is added to STAGES, and nowhere else; one of a cleaner not even there. What needs
weights or pictures is in tests/support/law_cases.py.
"""

import importlib
import json
import pickle
import pkgutil
from dataclasses import dataclass, replace
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import helpers
from helpers.catalog import table as catalog
from helpers.clip import Frame, MemoryClip
from helpers.errors import StageError
from helpers.nn.backends import BACKENDS, find_obstacle
from helpers.nn.observed import observe
from helpers.project.project import Project
from helpers.retime import ConstantRate, Trim
from helpers.runtime import machine as runtime
from helpers.show.player import Preview
from helpers.stage import Stage
from helpers.stages.cleaners import CLEANERS
from helpers.stages.colorize.stage import Colorize
from helpers.stages.damage.stage import RemoveDamage
from helpers.stages.denoise.stage import REACH, Denoise
from helpers.stages.duplicates.stage import RemoveDuplicates
from helpers.stages.finish.stage import Finish
from helpers.stages.flicker.stage import Deflicker
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.scenes.stage import MarkShots
from helpers.stages.stabilize.stage import Stabilize
from helpers.stages.upscale.stage import Upscale
from helpers.video.reader import open_video
from tests.support.films import encode
from tests.support.interlaced import drifting, woven
from tests.support.law import assert_law, assert_true, same, varying_clip
from tests.support.law_cases import CASES, a_network_of_ones_own, rife
from tests.support.paths import FILM, TALK
from tests.support.worn_films import worn_clip

TIMES = varying_clip().times
SHAKE = tuple(
    tuple((TIMES[n], float(n % 3), -0.5 * (n % 2), 0.002) for n in shot)
    for shot in (range(5), range(5, 12))
)

STAGES = [
    Trim(Fraction(1, 3), Fraction(3, 2)),
    ConstantRate(Fraction(24000, 1001)),
    ConstantRate(Fraction(3)),
    MarkShots((Fraction(1), Fraction(3, 2))),
    Interpolate("flow", factor=3),
    Interpolate("flow", fps=Fraction(24000, 1001)),
    Interpolate("flow", fps=Fraction(4)),
    Interpolate("flow", factor=3, enlarged=Fraction(4)),
    Upscale("bicubic", scale=Fraction(3, 2)),
    Upscale("lanczos", size=(31, 17)),
    Upscale("animevideov3"),
    Upscale("animevideov3", scale=Fraction(2)),
    Upscale("animevideov3", size=(50, 30)),
    Upscale("animevideov3", scale=Fraction(2), strength=Fraction(1, 2), steady=True),
    Upscale("animevideov3", strength=Fraction(0), steady=True),
    Upscale(("lanczos", "bilinear"), scale=Fraction(3, 2), alternate=True, steady=True),
    Upscale(("animevideov3", "lanczos"), blend=(Fraction(2), Fraction(1))),
    Upscale(("lanczos", "bilinear", "bicubic"), scale=Fraction(2), alternate=True),
    RemoveDuplicates(tuple(TIMES[n] for n in (1, 2, 5, 7, 11)), "keep"),
    RemoveDuplicates(tuple(TIMES[n] for n in (1, 2, 5, 7, 11)), "even"),
    RemoveDuplicates(TIMES[5:9], "even"),  # a whole shot
    RemoveDamage("median"),
    RemoveDamage("median", radius=1),
    RemoveDamage("median", radius=1, strength=0.5, lines=False),
    RemoveDamage("learned"),
    RemoveDamage("learned", radius=1),
    Deflicker(),
    Deflicker(0),
    Deflicker(0.5, hold=0.0, local=True),
    Stabilize(SHAKE),
    Stabilize(SHAKE, border="crop"),
    Stabilize(SHAKE, border="fill"),
    Stabilize((((Fraction(5, 3), 0.0, 0.0, 0.0), (Fraction(3), 2.0, -1.0, 0.01)),)),
    *(Denoise(model, 0.7, 8.0, 0.3) for model in REACH),
    Denoise(sigma=8.0, alike=1.0),
    Finish(),
    Finish(0.5, levels=((Fraction(0), 20.0, 180.0), (Fraction(1), 0.0, 90.0))),
    Finish(0.5, 1.0, 2.0, 5.0, 2.5, 3, ((Fraction(0), 20.0, 180.0), (Fraction(1), 0.0, 90.0))),
    Colorize("tint", force=True),
    Colorize("tint", steady=2, strength=0.5, tone="cyanotype", neutralise=False, force=True),
    Colorize("tint", steady=0, matrix="bt709", coloured=((Fraction(0), Fraction(3, 2)),)),
    Preview(16, 12),
]
LISTED = {type(stage) for stage in STAGES}
STAGES += [stage for cleaner in CLEANERS for stage in cleaner.stages if type(stage) not in LISTED]


def title(stage):
    words = [type(stage).__name__, *(str(v) for v in vars(stage).values() if v)]
    return "-".join(word if len(word) < 60 else "..." for word in words)


@pytest.fixture(params=STAGES, ids=title)
def stage(request):
    role = {Upscale: "upscale", Interpolate: "interpolate"}.get(type(request.param))
    names = getattr(request.param, "models", [getattr(request.param, "model", "")])
    if role and not all(catalog.get(name, role).present for name in names):
        pytest.skip(f"the weights of {', '.join(names)} are not installed")
    return request.param


def test_every_stage_is_in_the_list():
    for module in pkgutil.walk_packages(helpers.__path__, "helpers."):
        importlib.import_module(module.name)
    found, ahead = set(), [Stage]
    while ahead:
        kinds = ahead.pop().__subclasses__()
        found.update(kind for kind in kinds if kind.__module__.startswith("helpers."))
        ahead += kinds
    assert found == {type(stage) for stage in STAGES}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("film", [varying_clip, worn_clip])
def test_a_range_is_that_range_of_the_whole(stage, film, dtype):
    clip = stage.on(film(dtype=dtype))
    assert_true(clip, assert_law(clip))


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (33, 17)], ids=str)
def test_a_film_of_any_size_will_do(stage, size):
    clip = stage.on(varying_clip(12, *size))
    middle = len(clip) // 2
    assert_true(clip, assert_law(clip, [(0, 1), (middle, middle + 1), (middle, len(clip))]))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_what_has_weights_or_a_film_of_its_own_obeys_the_law(case, tmp_path, monkeypatch):
    for clip in case(tmp_path, monkeypatch):
        assert_true(clip, assert_law(clip))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "backend"),
    [*((a_network_of_ones_own, backend) for backend in BACKENDS), (rife, "winograd")],
    ids=lambda given: getattr(given, "__name__", given),
)
def test_a_network_obeys_the_law_in_whatever_way_it_is_run(
    case, backend, tmp_path, monkeypatch, machine, caplog
):
    if obstacle := find_obstacle(backend, "cpu"):
        pytest.skip(obstacle)
    monkeypatch.setattr(runtime, "_current", replace(machine, forced_backend=backend))
    with observe() as seen:
        for clip in case(tmp_path, monkeypatch):
            assert_true(clip, assert_law(clip))
    assert {run.backend for run in seen} == {backend}
    assert "cannot be run" not in caplog.text


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_clip_in_memory_obeys_the_law(dtype):
    clip = varying_clip(dtype=dtype)
    assert_true(clip, assert_law(clip))


def test_a_film_of_one_frame_will_do(stage):
    source = MemoryClip([varying_clip()[0].image], [Fraction(13, 10)], Fraction(3, 2))
    clip = stage.on(source)
    assert_true(clip, list(clip))


def test_the_source_is_left_as_it_was(stage):
    source = varying_clip()
    before = [image.copy() for image in source.images]
    list(stage.on(source))
    assert all(map(np.array_equal, before, source.images))


def test_it_pickles_and_gives_the_same(stage):
    clip = stage.on(varying_clip())
    first = list(clip.frames(0, 4))
    again = pickle.loads(pickle.dumps(clip))
    assert same(list(again.frames(0, 4)), first)
    assert (again.recipe(), again.info, again.cuts) == (clip.recipe(), clip.info, clip.cuts)


def test_the_number_of_threads_changes_nothing(stage):
    """Tests run in one thread, films do not."""
    clip = stage.on(worn_clip(width=96, height=72))
    alone = list(clip.frames(0, 2))
    try:
        torch.set_num_threads(3)
        cv2.setNumThreads(3)
        assert same(list(clip.frames(0, 2)), alone)
    finally:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)


def test_its_recipe_survives_json_and_names_every_field(stage):
    recipe = stage.recipe()
    assert json.loads(json.dumps(recipe)) == recipe == stage.recipe()
    left_out = {name for name, value in vars(stage).items() if value is None}
    assert {"stage", *vars(stage)} - left_out <= recipe.keys()


@pytest.mark.parametrize("path", [TALK, FILM], ids=lambda path: path.stem)
def test_a_video_obeys_the_law(path):
    clip = open_video(path)
    size = len(clip)
    ranges = [(0, 1), (1, 5), (size // 2, size // 2 + 3), (size - 2, size), (7, 7)]
    assert_true(clip, assert_law(clip, ranges))
    assert same(list(pickle.loads(pickle.dumps(clip)).frames(3, 5)), list(clip.frames(3, 5)))


@pytest.mark.parametrize("way", ["bwdif", "on"])
def test_a_deinterlaced_video_obeys_the_law_in_any_number_of_threads(tmp_path, way):
    pictures = woven(drifting(24, 96, 128), "tff")
    clip = open_video(encode(tmp_path / "a.mkv", pictures, codec="ffv1"), deinterlace=way)
    whole = assert_law(clip, [(0, 1), (1, 5), (6, 7), (10, 12)])
    try:
        cv2.setNumThreads(3)
        assert same(list(clip.frames(4, 7)), whole[4:7])
    finally:
        cv2.setNumThreads(1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_saved_clip_obeys_the_law_and_is_what_was_saved(tmp_path, dtype):
    source = varying_clip(dtype=dtype)
    saved = Project(tmp_path).save(source, "01_film", segment=Fraction(1, 2), progress=False)
    whole = assert_law(saved)
    assert len(saved.segments) > 2
    assert_true(saved, whole)
    assert same(whole, list(source))
    assert same(list(pickle.loads(pickle.dumps(saved))), whole)


# --- chains -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Thin(Stage):
    """Drops every third frame."""

    def _kept(self, source):
        return [number for number in range(len(source)) if number % 3 != 1]

    def times(self, source):
        return tuple(source.times[number] for number in self._kept(source))

    def window(self, source, start, stop):
        kept = self._kept(source)
        return kept[start], kept[stop - 1] + 1

    def process(self, frames, times, run):
        wanted = set(times)
        return (frame for frame in frames if frame.time in wanted)


@dataclass(frozen=True)
class Median(Stage):
    """Takes the median of a picture and its two neighbours."""

    @property
    def context(self):
        return 1

    def process(self, frames, times, run):
        seen = list(frames)
        for number, frame in enumerate(seen):
            if frame.time in times:
                images = [near.image for near in seen[max(number - 1, 0) : number + 2]]
                yield Frame(np.median(images, 0).astype(frame.image.dtype), frame.time)


RATES = st.sampled_from(
    [Fraction(24000, 1001), Fraction(5), Fraction(8), Fraction(30), Fraction(7, 3)]
)
CHAIN = st.lists(
    st.one_of(
        st.builds(Trim, st.fractions(0, 2, max_denominator=30), st.none()),
        st.builds(Trim, st.none(), st.fractions(1, 4, max_denominator=30)),
        st.builds(ConstantRate, RATES),
        st.builds(
            MarkShots, st.lists(st.fractions(0, 4, max_denominator=9), max_size=3).map(tuple)
        ),
        st.builds(Interpolate, st.just("flow"), st.none(), st.integers(1, 3)),
        st.builds(Interpolate, st.just("flow"), RATES),
        st.builds(Upscale, st.just("bicubic"), st.sampled_from([Fraction(1, 2), Fraction(5, 4)])),
        st.just(Thin()),
        st.just(Median()),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data(), chain=CHAIN, seed=st.integers(0, 99), count=st.integers(1, 14))
def test_chains_obey_the_law(data, chain, seed, count):
    clip = varying_clip(count, 16, 16, cuts=(3, 4, 9), seed=seed)
    for step in chain:
        clip = step(clip)
    try:
        size = len(clip)
    except StageError:  # nothing lies in the stretch that was trimmed to
        assume(False)
    assume(size <= 150)
    ends = [
        sorted((data.draw(st.integers(0, size)), data.draw(st.integers(0, size)))) for _ in "ab"
    ]
    single = data.draw(st.integers(0, size - 1))
    whole = assert_law(clip, [(a, b) for a, b in ends] + [(single, single + 1)])
    assert_true(clip, whole)
