"""Every network on a graphics card beside itself on the CPU; needs CUDA.

The weights are generated, the same as in the tests, but for the cleaner, whose own are here, and
those of Real-ESRGAN that are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import cv2
import numpy as np

from benchmarks.common import ROOT, timed
from benchmarks.speed.gpu import require_cuda, shown, state_of
from helpers.catalog.table import get, get_files
from helpers.nn.weight_files import read_state
from helpers.runtime.machine import runtime
from helpers.video.reader import open_video


class Case(NamedTuple):
    """A network and what it is given."""

    name: str
    build: Callable[[str, str], Any]
    """Given the device and the precision."""
    run: Callable[[Any], list[np.ndarray]]
    """Given the network."""


def film() -> list[np.ndarray]:
    """Return eight frames of the sample film, 240x320."""
    clip = open_video(ROOT / "sample_clips" / "film_24fps.mp4")
    return [frame.image for frame in clip.frames(20, 28)]


def cases() -> list[Case]:
    """Return every network with what it is given."""
    frames = film()
    return [*upscaling(frames), *between(frames), *colouring(frames[0]), cleaning(frames)]


def upscaling(frames: list[np.ndarray]) -> list[Case]:
    """Return the networks that enlarge."""
    import torch

    from helpers.stages.upscale.basicvsr import VideoUpscaler
    from helpers.stages.upscale.spandrel_network import Upscaler
    from tests.support.basicvsr_states import generated_basicvsr

    torch.manual_seed(1)
    light, heavy = state_of("animevideov3"), state_of("x4plus")
    recurrent = generated_basicvsr()
    small, memory = [frame[:96, :128] for frame in frames[:4]], runtime().free_memory
    return [
        Case(
            "animevideov3", lambda *how: Upscaler(light, *how, memory), lambda n: n.upscale(small)
        ),
        Case("x4plus", lambda *how: Upscaler(heavy, *how, memory), lambda n: n.upscale(small[:1])),
        Case(
            "RealBasicVSR",
            lambda *how: VideoUpscaler(recurrent, *how, memory),
            lambda n: n.upscale_sequence(small),
        ),
    ]


def between(frames: list[np.ndarray]) -> list[Case]:
    """Return the networks that draw what lies between two frames."""
    from helpers.stages.interpolate.film import FilmInterpolator
    from helpers.stages.interpolate.rife import RifeInterpolator
    from tests.support.film_states import generated_film
    from tests.support.rife_states import generated_state

    old, new, film = generated_state("4.6"), generated_state("4.25"), generated_film()

    def draw(network: Any) -> list[np.ndarray]:
        return network.between(frames[0], frames[4], [0.5])

    return [
        Case("RIFE 4.6", lambda *how: RifeInterpolator(old, "4.6", *how), draw),
        Case("RIFE 4.25", lambda *how: RifeInterpolator(new, "4.25", *how), draw),
        Case("FILM", lambda *how: FilmInterpolator(film, *how), draw),
    ]


def colouring(frame: np.ndarray) -> list[Case]:
    """Return the networks that colour."""
    from helpers.stages.colorize.ddcolor import DDColor
    from helpers.stages.colorize.deoldify import Deoldify
    from helpers.stages.colorize.zhang import Zhang
    from tests.support.ddcolor_states import generated_ddcolor
    from tests.support.deoldify_states import generated_deoldify
    from tests.support.zhang_states import generated_zhang

    luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) / np.float32(255)
    states = generated_deoldify(True), generated_ddcolor(), generated_zhang("siggraph17")

    def colour(network: Any) -> list[np.ndarray]:
        return [255 * square for square in network.colours([luma], 14)]

    return [
        Case("DeOldify", lambda *how: Deoldify(states[0], *how), colour),
        Case("DDColor", lambda *how: DDColor(states[1], *how), colour),
        Case("SIGGRAPH17", lambda *how: Zhang(states[2], *how), colour),
    ]


def cleaning(frames: list[np.ndarray]) -> Case:
    """Return the cleaner, on what it is shown of a frame: its mask, white where there is damage."""
    from helpers.stages.damage.frame_repair import ShotFrame
    from helpers.stages.damage.network import Cleaner
    from helpers.stages.damage.pipeline import FilmCleaning

    window = [ShotFrame(image) for image in frames]
    repair = FilmCleaning(None, 2, True).prepare(window, 4)
    assert repair is not None
    planes = repair.evidence()
    shipped = read_state(get_files(get("learned", "clean")))
    return Case(
        "the cleaner",
        lambda *how: Cleaner(shipped, *how),
        lambda network: [255 * network.judge(planes).mask],
    )


def rms(apart: np.ndarray) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.square(apart).mean()))


def main() -> str:
    """Return the table."""
    import torch

    require_cuda()

    rows = [
        f"{torch.cuda.get_device_name(0)}. Root mean square of the difference from fp32 on the "
        "CPU, in grey levels of 255, and seconds, with what is brought to the card and back.",
        "",
        "| network | fp32 apart | fp16 apart | fp16, seconds | CPU fp32, seconds |",
        "|---" * 5 + "|",
    ]
    for case in cases():
        slow, exact, quick = (
            case.build(*how) for how in (("cpu", "fp32"), ("cuda", "fp32"), ("cuda", "fp16"))
        )
        truth = np.array(case.run(slow), np.float32)
        made = [np.array(case.run(network), np.float32) for network in (exact, quick)]
        cells = [f"{rms(pictures - truth):.3f}" for pictures in made]
        cells += [f"{timed(partial(case.run, quick)):.3f}"]
        cells += [f"{timed(partial(case.run, slow), 1):.2f}"]
        rows.append(shown(f"| {case.name} | {' | '.join(cells)} |"))
    return "\n".join(rows)
