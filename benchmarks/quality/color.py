"""How near colours come to the true ones, how steady they are, and how far references carry.

Colour pictures and films are made grey, coloured again and compared: the mean CIEDE2000 and the
PSNR of Cb and Cr. Where a model would be needed that is not here, one that knows the truth but for
an error of each frame's own stands in its place: what is measured then is the stage around it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from unittest.mock import patch

import cv2
import numpy as np

from benchmarks import datasets
from benchmarks.common import as_clip, psnr, read_picture
from helpers import models
from helpers.clip import Clip, MemoryClip
from helpers.imaging.color_matrix import chroma_of, luma_of
from helpers.stages.colorize import temporal as colouring
from helpers.stages.colorize.find import chroma_flicker
from helpers.stages.colorize.stage import Colorize
from helpers.video.reader import open_video

MATRIX = "smpte170m"

PHOTOGRAPHS = ("kodak", "bsds500")


@dataclass(frozen=True)
class Film:
    """A stretch of real footage.

    Attributes:
        first, count: which of its frames.
        cuts: frames at which shots begin, counted from the file's first.
        references: frames whose true colours are given as references, likewise.
    """

    file: str
    first: int
    count: int
    cuts: tuple[int, ...] = ()
    references: tuple[int, ...] = ()


STEADY = (
    Film("carphone_pristine.mp4", 0, 30),
    Film("bikes_scene_cuts.mp4", 15, 30, (30,)),
    Film("bikes_scene_cuts.mp4", 125, 30, (137,)),
    Film("flower.mp4", 40, 30),
    Film("bigbuckbunny_720p.mp4", 0, 30),
    Film("webcam_asl_again.mkv", 20, 30),
    Film("nasa_speech_multistream.mp4", 0, 30),
    Film("short_audio.mp4", 0, 30),
)
CARRIED = (
    Film("carphone_pristine.mp4", 0, 120, (), (0, 40, 80, 119)),
    Film("carphone_pristine.mp4", 0, 120, (), (60,)),
    Film("flower.mp4", 0, 120, (), (0, 40, 80, 119)),
    Film("bikes_scene_cuts.mp4", 0, 242, (30, 76, 137, 187), (0, 38, 76, 116, 156, 187, 227)),
    Film("bigbuckbunny_720p.mp4", 0, 120, (), (20, 60, 100)),
    Film("webcam_asl_again.mkv", 0, 77, (), (0, 40)),
)


def footage(films: Sequence[Film]) -> tuple[list[tuple[Film, MemoryClip]], list[str]]:
    """Read those stretches of footage that are to be had, and say what was left out."""
    found, left_out = datasets.gather(*dict.fromkeys(f"clips/{film.file}" for film in films))
    paths = {path.name: path for path in found.values()}
    here = [film for film in films if film.file in paths]
    return [(film, frames_of(film, paths[film.file])) for film in here], left_out


def frames_of(film: Film, path: Path, longest: int = 400) -> MemoryClip:
    """Read a stretch of footage, at most `longest` pixels wide."""
    clip = open_video(path)
    images = []
    for frame in clip.frames(film.first, film.first + film.count):
        image = frame.image
        share = min(longest / max(image.shape), 1)
        if share < 1:
            image = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        images.append(image)
    return as_clip(images, cuts=[cut - film.first for cut in film.cuts])


def in_grey(image: np.ndarray) -> np.ndarray:
    """Return a picture without its colours."""
    return cv2.merge([np.rint(luma_of(image, MATRIX) * 255).astype(np.uint8)] * 3)


def grey_film(clip: MemoryClip) -> MemoryClip:
    """Return a film without its colours."""
    return MemoryClip([in_grey(image) for image in clip.images], clip.times, clip.end, clip.cuts)


def difference(made: Sequence[np.ndarray], truth: Sequence[np.ndarray], step: int = 1) -> float:
    """Return the mean CIEDE2000, at half size, of every `step`-th picture."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    pairs = list(zip(made, truth, strict=True))[::step]
    return mean(
        float(deltaE_ciede2000(rgb2lab(one[::2, ::2]), rgb2lab(other[::2, ::2])).mean())
        for one, other in pairs
    )


def chroma_psnr(made: np.ndarray, truth: np.ndarray) -> float:
    """Return the PSNR of Cb and Cr in dB."""
    return psnr(255 * chroma_of(truth, MATRIX), 255 * chroma_of(made, MATRIX))


def usable() -> list[str]:
    """Name the colorizers that can run here."""
    return [row.name for row in models("colorize") if row.present]


def coloured_pictures() -> list[str]:
    """Return a table of every engine that can run, on photographs."""
    files, left_out = datasets.gather(*PHOTOGRAPHS)
    truth = [read_picture(path) for path in files.values()]
    rows = [
        f"{len(truth)} photographs (Kodak; every fifth of BSDS500's test set) made grey.",
        "",
        "| engine | CIEDE2000 | chroma PSNR, dB | s a picture |",
        "|---|---|---|---|",
    ]
    for name in ["grey", *usable()]:
        begun = time.perf_counter()
        if name == "grey":
            made = [in_grey(image) for image in truth]
        else:
            stage = Colorize(name, steady=0, matrix=MATRIX, force=True)
            made = [stage.on(as_clip([in_grey(image)]))[0].image for image in truth]
        spent = (time.perf_counter() - begun) / len(truth)
        signal = mean(chroma_psnr(a, b) for a, b in zip(made, truth, strict=True))
        rows.append(f"| {name} | {difference(made, truth):.2f} | {signal:.2f} | {spent:.2f} |")
    return rows + left_out


class Knowing:
    """Stands for a model: knows the truth, but tints every frame at random."""

    render_factor = 24

    def __init__(self, truth: MemoryClip, grey: MemoryClip, sigma: float) -> None:
        dice = np.random.default_rng(1)
        self.known = {}
        for image, plane in zip(truth.images, grey.images, strict=True):
            tinted = image.astype(np.float32) / 255 + dice.normal(0, sigma, 3).astype(np.float32)
            self.known[luma_of(plane[..., 0], MATRIX).tobytes()] = tinted

    def colours(self, luma: list[np.ndarray], render_factor: int) -> list[np.ndarray]:
        """Return what is known of grey pictures."""
        side = (16 * render_factor, 16 * render_factor)
        return [cv2.resize(self.known[plane.tobytes()], side) for plane in luma]


def images_of(clip: Clip) -> list[np.ndarray]:
    """Compute all pictures of a clip."""
    return [frame.image for frame in clip]


def steadied() -> list[str]:
    """Return a table of flicker before and after steadying."""
    rows = [
        "True colours with a random tint of each frame's own (a deviation of 0.06 of the range in "
        "each of red, green and blue), before and after steadying over 5 frames to either side. "
        "Flicker: mean difference of a and b along the motion.",
        "",
        "| film | flicker, raw | steadied | cut by | CIEDE2000, raw | steadied | without a tint "
        "| steadied | s a frame |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    films, left_out = footage(STEADY)
    for film, truth in films:
        grey = grey_film(truth)
        made, spent = {}, 0.0
        for sigma in (0.06, 0.0):
            model = Knowing(truth, grey, sigma)
            with patch.object(colouring, "load_colorizer", lambda *_, model=model: model):
                for around in (0, 5):
                    stage = Colorize("siggraph17", steady=around, matrix=MATRIX, force=True)
                    begun = time.perf_counter()
                    images = images_of(stage.on(grey))
                    spent = (time.perf_counter() - begun) / len(images)
                    made[sigma, around] = images
        flicker = [
            chroma_flicker(
                MemoryClip(made[0.06, around], truth.times, truth.end, truth.cuts), 1, 99
            ).level
            for around in (0, 5)
        ]
        errors = [difference(images, truth.images, 3) for images in made.values()]
        cells = [f"{value:.2f}" for value in errors]
        rows.append(
            f"| {film.file}, frame {film.first} on | {flicker[0]:.2f} | {flicker[1]:.2f} "
            f"| {1 - flicker[1] / flicker[0]:.0%} | {' | '.join(cells)} | {spent:.2f} |"
        )
    return rows + left_out


def carried() -> list[str]:
    """Return a table of how near colours come that were carried from some true frames."""
    rows = [
        "Films made grey, and some of their frames given in their true colours; no model. "
        "Mean CIEDE2000 of every fourth frame.",
        "",
        "| film | frames given | grey | sepia | from the frames given | s a frame |",
        "|---|---|---|---|---|---|",
    ]
    films, left_out = footage(CARRIED)
    for film, truth in films:
        grey = grey_film(truth)
        with tempfile.TemporaryDirectory() as folder:
            references = []
            for number in film.references:
                path = Path(folder) / f"{number - film.first:06d}.png"
                picture = cv2.cvtColor(truth.images[number - film.first], cv2.COLOR_RGB2BGR)
                cv2.imwrite(str(path), picture)
                references.append(str(path))
            stage = Colorize("tint", references=tuple(references), matrix=MATRIX, force=True)
            begun = time.perf_counter()
            made = images_of(stage.on(grey))
            spent = (time.perf_counter() - begun) / len(made)
        sepia = images_of(Colorize("tint", steady=0, matrix=MATRIX, force=True).on(grey))
        errors = [difference(images, truth.images, 4) for images in (grey.images, sepia, made)]
        rows.append(
            f"| {film.file} | {len(film.references)} of {len(made)} "
            f"| {' | '.join(f'{value:.2f}' for value in errors)} | {spent:.2f} |"
        )
    return rows + left_out


def main() -> str:
    """Return the three tables."""
    parts = [coloured_pictures(), steadied(), carried()]
    return "\n\n".join("\n".join(part) for part in parts)
