"""What the cleaner of damage does to clean films, and what it finds in damaged ones.

    python -m benchmarks.quality.clean_film                    # everything: two minutes
    python -m benchmarks.quality.clean_film --method median towers "bikes, rain"

Clean films are modern ones, and drawn ones whose things look like damage (`drawn_films`); nothing
in them should be changed. Damaged films are clean ones with known damage: overlays that were not
trained on (`damage`), and what is drawn over them (`drawn_damage`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks import datasets
from benchmarks.common import UnavailableError, as_clip, psnr
from benchmarks.quality import damage
from benchmarks.quality.drawn_damage import DAMAGES
from benchmarks.quality.drawn_films import FRAMES, SCENES
from helpers.stages.damage.stage import RemoveDamage
from helpers.video.reader import open_video

Images = list[np.ndarray]

MODERN = {
    "bunny": ("clips/bigbuckbunny_720p.mp4", 20),
    "bikes": ("clips/bikes_scene_cuts.mp4", 4),
    "bikes, second shot": ("clips/bikes_scene_cuts.mp4", 140),
    "carphone": ("clips/carphone_pristine.mp4", 4),
    "flower": ("clips/flower.mp4", 40),
    "webcam": ("clips/webcam_asl_again.mkv", 10),
    "nasa": ("clips/nasa_vfr.mp4", 0),
    "aeroplane": ("clips/short_audio.mp4", 60),
}
"""Clean films, and their first frames; each is within one shot."""

WORN = ("bikes", "carphone", "flower")
"""The films that are damaged."""

WIDEST = 256
"""Films are reduced to so many pixels in width."""

RING = 2
"""The ring around the damage, in pixels, in which what a repair leaves is measured."""


@dataclass(frozen=True)
class Untouched:
    """What was done to a clean film.

    Attributes:
        film: its name.
        changed: the share of the pixels that was changed, 0 to 1.
        worst: the PSNR of the worst frame against the film, in dB.
    """

    film: str
    changed: float
    worst: float


@dataclass(frozen=True)
class Repaired:
    """What was done to a damaged film.

    Attributes:
        film: its name, and the kind of damage.
        before, inside, outside: PSNR in dB within the damage before and after, and outside of it.
        precision, recall: of the pixels that were changed, 0 to 1.
        false: the share of all pixels that was changed more than `RING` pixels from any damage.
        ring: the mean error in a ring around the damage, in grey levels.
        left: the share of the damaged pixels that are still wrong by half of the damage.
    """

    film: str
    before: float
    inside: float
    outside: float
    precision: float
    recall: float
    false: float
    ring: float
    left: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-9)


def read(name: str) -> Images:
    """Return 24 frames of a modern film, at most `WIDEST` pixels wide."""
    file, start = MODERN[name]
    clip = open_video(datasets.fetch(file)[file])
    frames = [frame.image for frame in clip.frames(start, min(start + FRAMES, len(clip)))]
    height, width = frames[0].shape[:2]
    if width <= WIDEST:
        return frames
    size = WIDEST, round(height * WIDEST / width)
    return [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]


def clean_films() -> Iterator[tuple[str, Images]]:
    """Yield the clean films: those that were drawn, then those that can be had."""
    for name, draw in SCENES.items():
        yield name, draw()
    for name in MODERN:
        try:
            yield name, read(name)
        except UnavailableError:
            continue


def worn_films() -> Iterator[tuple[str, Images, Images, Images]]:
    """Yield the name, the clean frames, the damaged ones and the masks of each damaged film."""
    for name in WORN:
        try:
            frames = read(name)
        except UnavailableError:
            continue
        heavy, sparse = damage.SETTINGS
        for setting in (heavy, sparse) if name == "carphone" else (sparse,):
            worn, visible, _ = damage.damage(frames, 41, setting)
            yield f"{name}, {setting.name}", frames, worn, visible
        for kind, lay_on in DAMAGES.items():
            yield f"{name}, {kind}", frames, *lay_on(frames)


def clean(frames: Sequence[np.ndarray], method: str) -> np.ndarray:
    """Return what the public stage makes of frames, (frames, H, W, 3)."""
    return np.stack([frame.image for frame in RemoveDamage(method)(as_clip(frames))])


def measure_clean(name: str, frames: Sequence[np.ndarray], method: str) -> Untouched:
    """Measure what is done to a clean film."""
    made = clean(frames, method)
    truth = np.stack(frames)
    worst = min(psnr(one, other) for one, other in zip(truth, made, strict=True))
    return Untouched(name, float((truth != made).any(-1).mean()), worst)


def measure_worn(
    name: str, truth: Sequence[np.ndarray], worn: Sequence[np.ndarray],
    masks: Sequence[np.ndarray], method: str,
) -> Repaired:  # fmt: skip
    """Measure how a damaged film is repaired."""
    made, before, whole, mask = clean(worn, method), *map(np.stack, (worn, truth, masks))
    changed = (made != before).any(-1)
    around = np.ones((2 * RING + 1, 2 * RING + 1), np.uint8)
    near = np.stack([cv2.dilate(one.astype(np.uint8), around) > 0 for one in mask])
    error = np.abs(made.astype(int) - whole).mean(-1)
    damaged = np.abs(before.astype(int) - whole).mean(-1)
    hits = float((changed & mask).sum())
    return Repaired(
        name,
        psnr(whole, before, mask),
        psnr(whole, made, mask),
        psnr(whole, made, ~mask),
        hits / max(changed.sum(), 1),
        hits / max(mask.sum(), 1),
        float((changed & ~near).mean()),
        float(error[near & ~mask].mean()),
        float((error > damaged / 2)[mask].mean()),
    )


def rows(method: str = "auto", names: Sequence[str] = ()) -> list[Untouched | Repaired]:
    """Measure all films, or those whose name contains one of `names`, and return the results."""

    def wanted(name: str) -> bool:
        return not names or any(part in name for part in names)

    found: list[Untouched | Repaired] = []
    found += [measure_clean(n, frames, method) for n, frames in clean_films() if wanted(n)]
    found += [measure_worn(n, *film, method) for n, *film in worn_films() if wanted(n)]
    return found


def line(row: Untouched | Repaired) -> str:
    """Return the line of a table for a result."""
    if isinstance(row, Untouched):
        return f"| {row.film} | {row.changed:.4%} | {row.worst:.1f} |"
    return (
        f"| {row.film} | {row.before:.1f} | {row.inside:.2f} | {row.outside:.1f} | {row.f1:.3f} "
        f"({row.precision:.2f}, {row.recall:.3f}) | {row.false:.4%} | {row.ring:.2f} | "
        f"{row.left:.1%} |"
    )


def tables(found: Sequence[Untouched | Repaired]) -> str:
    """Return the two tables, of clean films and of damaged ones."""
    clean_rows = [line(row) for row in found if isinstance(row, Untouched)]
    worn_rows = [line(row) for row in found if isinstance(row, Repaired)]
    first = ["| clean film | pixels changed | worst frame, dB |", "|---" * 3 + "|", *clean_rows]
    head = "damaged film | damaged | inside | outside | F1 | false | ring | left"
    second = [f"| {head} |", "|---" * 8 + "|", *worn_rows]
    parts = [part for part, some in ((first, clean_rows), (second, worn_rows)) if some]
    return "\n\n".join("\n".join(part) for part in parts)


def main() -> str:
    """Return the tables of the method that "auto" stands for."""
    return tables(rows())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="auto")
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    print(tables(rows(given.method, given.names)))
