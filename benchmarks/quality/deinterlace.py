"""How near deinterlaced pictures come to the true ones: PSNR of luma, per clip.

Progressive clips are woven into interlaced ones: the fields of a picture are from two successive
frames, so the true picture of the first field's moment is known.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import mean

import av
import cv2
import numpy as np

from benchmarks import datasets
from benchmarks.common import ROOT
from helpers import open_video

TUNED = {
    "clips/bikes_scene_cuts.mp4": (0, 0, 60),
    "clips/carphone_pristine.mp4": (0, 0, 60),
    "clips/webcam_asl_again.mkv": (0, 0, 50),
    "clips/oldfilm_friday_speech.mp4": (0, 0, 60),
    "clips/bigbuckbunny_720p.mp4": (0, 40, 30),
    "clips/oldfilm_abomb.mp4": (0, 140, 60),
    "clips/flower.mp4": (0, 0, 30),
    "clips/nasa_speech_multistream.mp4": (1, 0, 60),
}
"""The clips that the weights of `helpers.imaging.field_lines` were found on: the number of the
video stream, the first frame and the count of frames."""

HELD_OUT = {
    "clips/oldfilm_chaplin.mp4": (0, 0, 60),
    "clips/oldfilm_hydepark.mp4": (0, 0, 60),
    "clips/short_audio.mp4": (0, 0, 60),
    "clips/nasa_10bit_hdr.mp4": (0, 0, 60),
    "clips/carphone_distorted.mp4": (0, 0, 60),
    "clips/cartoon_314x273.gif": (0, 0, 30),
}
"""Clips that had no part in it."""

TIMED = ROOT / "sample_clips" / "film_24fps.mp4"
"""A film that is enlarged to the size of television, of which the time is measured."""

ORDERS = ("tff", "bff")
WAYS = ("bwdif", "on")


def read_luma(path: Path, stream: int, first: int, count: int) -> list[np.ndarray]:
    """Read frames as luma, (H, W) uint8, with even sides; an even number of them."""
    with av.open(str(path)) as film:
        frames = islice(film.decode(video=stream), first, first + count)
        luma = [frame.to_ndarray(format="gray") for frame in frames]
    height, width = (side // 2 * 2 for side in luma[0].shape)
    return [np.ascontiguousarray(a[:height, :width]) for a in luma[: len(luma) // 2 * 2]]


def weave(moments: Sequence[np.ndarray], order: str) -> list[np.ndarray]:
    """Weave pairs of moments into interlaced pictures; "tff" or "bff" names the first field."""
    own, frames = slice(int(order == "bff"), None, 2), []
    for early, late in zip(moments[::2], moments[1::2], strict=True):
        frame = late.copy()
        frame[own] = early[own]
        frames.append(frame)
    return frames


def write(path: Path, frames: Sequence[np.ndarray], layout: str = "gray") -> Path:
    """Write pictures without loss."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream("ffv1", rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.codec_context.color_range = 1 if layout == "rgb24" else 2  # grey as it is, 0 to 255
        stream.pix_fmt = "yuv420p" if layout == "rgb24" else layout
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, layout)
            frame.pts = number
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return path


def nearness(path: Path, order: str, way: str, moments: Sequence[np.ndarray]) -> float:
    """Return how near the deinterlaced pictures are to the moments of their first fields, in dB.

    Of the mean error: a still picture in a clip would otherwise decide alone.
    """
    clip = open_video(path, deinterlace=way)  # type: ignore[arg-type]
    clip = replace(clip, info=clip.info.replace(field_order=order))  # found or not, it is known
    errors = [
        np.square(frame.image[..., 0].astype(np.float64) - moment).mean()
        for frame, moment in zip(clip, moments[::2], strict=True)
    ]
    return float(10 * np.log10(255**2 / mean(errors)))


@contextmanager
def one_thread() -> Iterator[None]:
    """Let OpenCV work in one thread."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def seconds(folder: Path) -> dict[str, float]:
    """Return the seconds of CPU a picture of 720x576 in colour takes, for each way."""
    clip = open_video(TIMED)
    frames = [cv2.resize(frame.image, (720, 576)) for frame in clip.frames(0, 24)]
    path = write(folder / "timed.mkv", weave(frames, "tff"), "rgb24")
    found = {}
    with one_thread():
        for way in ("off", *WAYS):
            film = open_video(path, deinterlace=way)  # type: ignore[arg-type]
            list(film.frames(0, 4))
            begun = time.process_time()
            count = len(list(film))
            found[way] = (time.process_time() - begun) / count
    return {way: found[way] - found["off"] for way in WAYS}


def measure(path: Path, part: tuple[int, int, int], folder: Path) -> tuple[float, float]:
    """Return how near bwdif and this package are on a clip, the mean of both orders of fields."""
    moments = read_luma(path, *part)
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for order in ORDERS:
        woven = write(folder / f"{path.stem}_{order}.mkv", weave(moments, order))
        for way in WAYS:
            found[way].append(nearness(woven, order, way, moments))
    return mean(found["bwdif"]), mean(found["on"])


def main() -> str:
    """Return one row a clip, and the time."""
    files, left_out = datasets.gather(*TUNED, *HELD_OUT)
    rows = [
        "PSNR in dB of luma, of interlaced films that were woven from successive frames of",
        "progressive clips; the mean of both orders of fields.",
        "",
        "| clip | bwdif | along the motion | gain |",
        "|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for title, clips in (("tuned on", TUNED), ("held out", HELD_OUT)):
            here = {files[name]: part for name, part in clips.items() if name in files}
            found = {path.stem: measure(path, part, Path(folder)) for path, part in here.items()}
            gains = [own - quick for quick, own in found.values()]
            rows += [
                f"| {stem} | {quick:.2f} | {own:.2f} | {own - quick:+.2f} |"
                for stem, (quick, own) in found.items()
            ]
            rows.append(f"| **{title}**: mean, least | | | {mean(gains):+.2f}, {min(gains):+.2f} |")
        spent = seconds(Path(folder))
    rows += [
        "",
        "CPU seconds in one thread for a picture of 720x576, beyond reading and converting it:",
        f"{spent['bwdif']:.3f} by bwdif, {spent['on']:.3f} along the motion.",
    ]
    return "\n".join(rows + left_out)
