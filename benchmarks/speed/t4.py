"""What a T4 with two virtual cores can be expected to do, on paper; writes docs/t4.md.

    python -m benchmarks.speed.t4

Operations and bytes of a frame are counted on the CPU; the card's rates are its data sheet's; the
shares of them that are reached are those measured on another card (RESULTS.md). Encoding is
measured here. No figure of this page was measured on a T4.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np

from benchmarks.common import ROOT, as_clip, machine
from benchmarks.speed.networks import networks
from benchmarks.speed.work import Work, count_work
from helpers import advice
from helpers.clip import Clip
from helpers.imaging.resample import resize
from helpers.run import RunContext
from helpers.runtime.machine import Runtime
from helpers.video.encoder import Encoder
from helpers.video.encoder_format import FormatConverter
from helpers.video.reader import open_video

PAGE = ROOT / "docs" / "t4.md"

MARK = "<!-- figures -->\n"
"""Stands before and after what this script writes."""

SIZES = {"480p": (480, 640), "720p": (720, 1280), "1080p": (1080, 1920)}

T4_TFLOPS, T4_GIGABYTES = 65.0, 320.0
"""Of a T4's data sheet: fp16 operations with tensor cores, and bytes of memory, a second."""

H200_TFLOPS = 989.0
"""The same of the card on which the shares were measured, without sparsity."""

MEASURED = {
    "animevideov3": (115.0, 261.4),
    "x4plus": (3.7, None),
    "RIFE 4.6": (190.6, None),
    "RIFE 4.25": (136.3, None),
}
"""Frames a second at 720p on an H200: as they are, and compiled (RESULTS.md). Only those of
animevideov3 are those of the network alone; the others contain ways to the card and back that have
become shorter since, so what is expected from them is too little."""

LIKE = {name: name for name in MEASURED} | {"general-x4v3": "animevideov3"}
"""Whose share of the rate each network gets: general-x4v3 is animevideov3 with twice the layers."""

CORES = 0.65
"""How many of the cores here two virtual cores are taken for: two threads of one core of a Xeon of
2.2 GHz, at half the speed of this one, do a quarter more than one."""

FILMS = ((240, 320, 5), (240, 320, 30), (480, 640, 5), (480, 640, 30), (480, 640, 90))
"""Height, width and minutes of films, at 24 frames a second, for which a model is recommended."""


@dataclass(frozen=True)
class Estimate:
    """A network at a size on a T4.

    Attributes:
        teraflops: operations of a frame, in millions of millions.
        gigabytes, fused_gigabytes: what a frame reads and writes as it is, and compiled at best.
        expected, compiled: frames a second with the shares that were measured; None if unmeasured.
    """

    teraflops: float
    gigabytes: float
    fused_gigabytes: float
    expected: float
    compiled: float | None

    @property
    def limit(self) -> float:
        """The frames a second that neither operations nor bytes allow more of."""
        return min(T4_TFLOPS / self.teraflops, T4_GIGABYTES / self.fused_gigabytes)


def count(name: str) -> tuple[Work, int]:
    """Return the work of a network for a small picture on the CPU, in fp32, and its pixels."""
    (network,) = [one for one in networks() if one.name == name]
    height, width = (128, 128) if name.startswith("RIFE") else (48, 64)
    work, frames = network.alone(network.build("cpu", "fp32"), height, width)
    assert frames == 1
    return count_work(work), height * width


def estimates(name: str) -> dict[str, Estimate]:
    """Return what to expect of a network, by size."""
    work, pixels = count(name)
    like, like_pixels = (work, pixels) if LIKE[name] == name else count(LIKE[name])
    area = SIZES["720p"][0] * SIZES["720p"][1] / like_pixels
    shares = [
        rate and rate * like.flops * area / 1e12 / H200_TFLOPS for rate in MEASURED[LIKE[name]]
    ]
    found = {}
    for title, (height, width) in SIZES.items():
        parts = height * width / pixels
        teraflops = work.flops * parts / 1e12
        plain, compiled = (share and T4_TFLOPS * share / teraflops for share in shares)
        assert plain is not None
        whole, fused = (each * parts / 2 / 1e9 for each in (work.bytes, work.fused_bytes))  # fp16
        found[title] = Estimate(teraflops, whole, fused, plain, compiled)
    return found


def network_rows() -> Iterator[str]:
    """Give the table of networks."""
    yield "| network | size | TFLOP a frame | GB as it is / fused | limit | expected | compiled |"
    yield "|---|---|---|---|---|---|---|"
    for name in sorted(LIKE):
        for title, found in estimates(name).items():
            compiled = "" if found.compiled is None else f"{found.compiled:.3g}"
            yield (
                f"| {name} | {title} | {found.teraflops:.3f} | {found.gigabytes:.2f} / "
                f"{found.fused_gigabytes:.2f} | {found.limit:.3g} | {found.expected:.3g} "
                f"| {compiled} |"
            )


def encoding(height: int, width: int, frames: int) -> tuple[float, float]:
    """Return the core seconds that a frame takes: to convert it to YUV, and with x264 in all."""
    source = open_video(ROOT / "sample_clips" / "film_24fps.mp4")
    clip = as_clip([resize(frame.image, width, height) for frame in source.frames(0, frames)], 24)
    with TemporaryDirectory() as folder:
        begun = time.process_time()
        with Encoder(Path(folder) / "film.mp4", clip, "h264") as encoder:
            for frame in clip.frames():
                encoder.write(frame)
        whole = (time.process_time() - begun) / frames
    converter = FormatConverter(width, height, "rgb24", "yuv420p", "bt709", "tv", threads=1)
    begun = time.process_time()
    for frame in clip.frames():
        converter.convert(frame.image)
    return (time.process_time() - begun) / frames, whole


def encoding_rows(frames: int = 24) -> Iterator[str]:
    """Give the table of encoding, and where two virtual cores are the wall."""
    light = estimates("animevideov3")
    yield (
        "| from, to | x264, core ms a frame | of it conversion to YUV | two virtual cores: x264 "
        "| ... the card encodes | animevideov3 |"
    )
    yield "|---|---|---|---|---|---|"
    for title, scale in (("480p", 1), ("480p", 2), ("480p", 4), ("720p", 2), ("720p", 3)):
        height, width = (scale * side for side in SIZES[title])
        converted, whole = encoding(height, width, frames)
        network = light[title]
        yield (
            f"| {title}, {width}x{height} | {1000 * whole:.0f} | {1000 * converted:.0f} "
            f"| {CORES / whole:.3g} | {CORES / converted:.3g} "
            f"| {network.expected:.3g} to {network.compiled:.3g} |"
        )


def advice_rows() -> Iterator[str]:
    """Give what `recommend` chooses on a T4 for films of some sizes and lengths."""
    yield "| film | recommended | what it says |"
    yield "|---|---|---|"
    known = {name: estimates(name)["480p"] for name in ("animevideov3", "x4plus")}

    def seconds(model: object, image: np.ndarray) -> float:
        parts = image.shape[0] * image.shape[1] / (480 * 640)
        return parts / known[model.name].expected  # type: ignore[attr-defined]

    run = RunContext(machine=Runtime(forced_device="cuda"))
    for height, width, minutes in FILMS:
        with mock.patch("helpers.advice.time_model", seconds):
            found = advice._advise_size(_still(height, width, minutes), False, run)
        model = found.options["upscale"] if found.needed else "none"
        yield f"| {width}x{height}, {minutes} minutes | {model} | {found.reason} |"


def _still(height: int, width: int, minutes: int) -> Clip:
    picture = np.full((height, width, 3), 99, np.uint8)
    return as_clip([picture] * (24 * 60 * minutes), 24)


def main() -> str:
    """Return the figures, and write them into the page."""
    rows = [
        *network_rows(), "",
        "Frames a second, and gigabytes of fp16. The limit is that of a T4's data sheet "
        f"({T4_TFLOPS:g} TFLOP and {T4_GIGABYTES:g} GB a second), with everything but convolutions "
        "done on the way. *Expected* are the shares of an H200's rate that were measured.", "",
        *encoding_rows(), "",
        "Frames a second in the last three columns. Conversion and x264 were measured on this "
        f"machine ({machine()}) in seconds of a core; two virtual cores are taken for {CORES:g} of "
        "them.", "",
        *advice_rows(), "",
    ]  # fmt: skip
    text = "\n".join(rows)
    page = PAGE.read_text(encoding="utf-8")
    page = re.sub(rf"{MARK}.*{MARK}", lambda _: f"{MARK}\n{text}\n{MARK}", page, flags=re.S)
    PAGE.write_text(page, encoding="utf-8")
    return text


if __name__ == "__main__":
    print(main())
