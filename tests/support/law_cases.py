"""What obeys the law only once something is in its place: weights, pictures, a film of its own.

Each case puts that into a folder and yields clips that stages made; `tests/test_law.py` does the
rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from helpers.clip import Clip
from helpers.stages.colorize import temporal
from helpers.stages.colorize.stage import Colorize
from helpers.stages.denoise.stage import Denoise
from helpers.stages.duplicates.decisions import find_duplicates
from helpers.stages.flicker.stage import Deflicker
from helpers.stages.interpolate.rife_network import VERSIONS
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.upscale import basicvsr, frame_blocks
from helpers.stages.upscale.stage import Upscale
from helpers.video.reader import open_video
from tests.support import cadences
from tests.support.basicvsr_states import generated_basicvsr
from tests.support.clips import clip_of
from tests.support.color_films import Knowing, in_grey, pan
from tests.support.compact_states import compact_state
from tests.support.film_states import generated_film
from tests.support.law import varying_clip
from tests.support.paths import data_path
from tests.support.rife_states import generated_state
from tests.support.small_video_states import generated_small_video
from tests.support.weights import put

DTYPES = (np.uint8, np.uint16)


def a_long_film_without_flicker(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Clip]:
    """Longer than what a frame's light is compared with."""
    for stage in (Deflicker(), Deflicker(0.5, hold=0, local=True)):
        for dtype in DTYPES:
            yield stage(varying_clip(60, 32, 24, dtype=dtype, cuts=(5, 48)))


def a_cadence_made_even(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Clip]:
    clip = cadences.film(cadences.cadence(3, 2), fps=60)
    yield Interpolate("flow", factor=2)(find_duplicates(clip).stage("even")(clip))


def a_network_of_ones_own(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Clip]:
    for scale in (1, 2):
        torch.save({"params": compact_state(scale, width=16)}, folder / f"x{scale}.pth")
    for dtype in DTYPES:
        yield Denoise(str(folder / "x1.pth"), 0.5).on(varying_clip(dtype=dtype))
        yield Upscale(str(folder / "x2.pth"))(varying_clip(dtype=dtype))


def rife(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Clip]:
    for version in VERSIONS:
        put(patch, folder, f"rife-{version}", generated_state(version))
        yield Interpolate(f"rife-{version}", fps=Fraction(30))(varying_clip(7, cuts=(4,)))


def film(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Clip]:
    """In half precision, as published."""
    state = {name: tensor.half() for name, tensor in generated_film().items()}
    put(patch, folder, "film", state, ending=".safetensors")
    yield Interpolate("film", factor=2)(varying_clip(5, cuts=(3,)))


def realbasicvsr(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Clip]:
    """In blocks that are short, so that a short film has several."""
    patch.setattr(frame_blocks, "BLOCK", 3)
    patch.setattr(frame_blocks, "CONTEXT", 1)
    patch.setattr(basicvsr, "SMALLEST", 16)
    state = {f"generator_ema.{name}": tensor for name, tensor in generated_basicvsr().items()}
    put(patch, folder, "realbasicvsr", {"meta": {}, "state_dict": state})
    for count, cuts, dtype in ((1, (), np.uint8), (11, (4, 6, 7), np.uint8), (5, (), np.uint16)):
        yield Upscale("realbasicvsr")(varying_clip(count, 20, 16, dtype, cuts=cuts))


def small_video(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Clip]:
    """In blocks that are short, so that a short film has several."""
    patch.setattr(frame_blocks, "BLOCK", 3)
    put(patch, folder, "small-video-x4", generated_small_video(), ending=".safetensors")
    for count, cuts, dtype in ((1, (), np.uint8), (13, (4, 6, 7), np.uint8), (5, (), np.uint16)):
        film = varying_clip(count, 40, 36, dtype, cuts=cuts)
        yield Upscale("small-video-x4", scale=Fraction(2))(film)


def colours_of_a_model(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Clip]:
    """One that gives every frame another tint, and a frame that jumps."""
    for count, cuts, steady, jump in ((14, (6,), 3, None), (15, (4, 5), 4, 9)):
        truth = clip_of(pan(count), cuts)
        engine = Knowing(truth, sigma=0.05, jump=jump)
        patch.setattr(temporal, "load_colorizer", lambda *_, engine=engine: engine)
        yield Colorize("siggraph17", steady=steady).on(in_grey(truth))


def colours_of_a_person(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Clip]:
    """Three frames are coloured; some of the others are out of their reach."""
    truth = clip_of(pan(24), cuts=(15,))
    for number in (2, 9, 20):
        cv2.imwrite(str(folder / f"{number:06d}.png"), truth.images[number][..., ::-1])
    references = tuple((str(folder / f"{number:06d}.png"), number) for number in (2, 9, 20))
    yield Colorize("tint", references=references, reach="0.2", steady=2).on(in_grey(truth))


def a_real_film_that_is_toned(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Clip]:
    source = open_video(data_path("clips/oldfilm_whitezombie_truncated.mp4"))
    stage = Colorize("tint", steady=2).analyse(source)
    yield stage(clip_of([frame.image for frame in source.frames(0, 8)]))


SLOW = (a_cadence_made_even, rife, film)
CASES = (
    a_long_film_without_flicker, a_network_of_ones_own, realbasicvsr, small_video,
    colours_of_a_model, colours_of_a_person,
    *(pytest.param(case, marks=pytest.mark.slow) for case in SLOW),
    pytest.param(a_real_film_that_is_toned, marks=pytest.mark.data),
)  # fmt: skip
