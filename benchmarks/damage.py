"""How well damage is found and repaired, on clean films that were damaged with known overlays.

The overlays are those numbered 008 to 010 of every kind in shared/data/film_textures, which were
never trained on; the films were never trained on either.

    python benchmarks/damage.py
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from common import SHARED

from helpers import catalog
from helpers.clip import MemoryClip
from helpers.stages.damage import RemoveDamage
from helpers.video import open_video

FILMS = (
    ("carphone_pristine.mp4", (352, 288), 10),
    ("bikes_scene_cuts.mp4", (352, 192), 4),
    ("flower.mp4", (352, 192), 40),
)
"""File, size it is measured at, first frame."""

FRAMES = int(os.environ.get("SILK_PURSE_FRAMES", "16"))

HELD_OUT = ("008", "009", "010")

VISIBLE = 8
"""Grey levels from which on a change counts as damage."""

Images = list[np.ndarray]


def read(name: str, size: tuple[int, int], start: int) -> Images:
    """Return some frames of a film at a size."""
    clip = open_video(SHARED / "clips" / name)
    frames = clip.frames(start, start + FRAMES)
    how = cv2.INTER_AREA if clip.info.width > size[0] else cv2.INTER_CUBIC
    return [cv2.resize(frame.image, size, interpolation=how) for frame in frames]


def overlays() -> Images:
    """Return the shapes that are held out, as opacity 0..255."""
    paths = sorted((SHARED / "film_textures").rglob("*.png"))
    kept = [path for path in paths if path.stem[-3:] in HELD_OUT]
    return [cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., 3] for path in kept]


def damage(frames: Sequence[np.ndarray], seed: int) -> tuple[Images, Images]:
    """Lay one to three overlays on every frame, light or dark; return frames and masks."""
    dice, shapes = np.random.default_rng(seed), overlays()
    worn, masks = [], []
    for frame in frames:
        height, width = frame.shape[:2]
        made = frame.astype(np.float32)
        for _ in range(dice.integers(1, 4)):
            matrix = cv2.getRotationMatrix2D(
                (200, 200), dice.uniform(0, 360), dice.uniform(0.3, 0.9)
            )
            matrix[:, 2] += dice.uniform(0, 1, 2) * (width, height) - 200
            shape = shapes[dice.integers(len(shapes))].astype(np.float32) / 255
            alpha = cv2.warpAffine(shape, matrix, (width, height)) * dice.uniform(0.7, 1)
            level = dice.uniform(0, 40) if dice.random() < 0.5 else dice.uniform(215, 255)
            made += alpha[..., None] * (level - made)
        worn.append(np.rint(made).clip(0, 255).astype(np.uint8))
        masks.append(np.abs(worn[-1].astype(int) - frame).max(-1) > VISIBLE)
    return worn, masks


def plain_median(frames: Sequence[np.ndarray]) -> Images:
    """The usual recipe: the median of a frame and its two neighbours, warped along DIS flow."""
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    height, width = greys[0].shape
    grid = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    made = []
    for here in range(len(frames)):
        near = [n for n in (here - 1, here + 1) if 0 <= n < len(frames)]
        seen = [
            cv2.remap(
                frames[n], grid + search.calc(greys[here], greys[n], None), None,  # type: ignore
                cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
            )
            for n in near
        ]  # fmt: skip
        stack = np.stack([frames[here], *seen, *seen[: 2 - len(near)]])
        made.append(np.median(stack, 0).astype(np.uint8))
    return made


def staged(method: str) -> Callable[[Images], Images]:
    """Return a method that goes through the public stage."""

    def clean(frames: Images) -> Images:
        times = [Fraction(number, 25) for number in range(len(frames) + 1)]
        clip = MemoryClip(frames, times[:-1], times[-1])
        return [frame.image for frame in RemoveDamage(method)(clip)]

    return clean


def psnr(one: np.ndarray, two: np.ndarray, where: np.ndarray | None = None) -> float:
    """Return PSNR in dB, of all pixels or of some."""
    apart = np.square(one.astype(np.float64) - two)
    return float(
        10 * np.log10(255**2 / max((apart if where is None else apart[where]).mean(), 1e-4))
    )


def row(
    label: str, clean: Images, worn: Images, masks: Images, method: Callable[[Images], Images]
) -> tuple[str, Images]:
    """Measure a method on a film: a line of the table, and what it made."""
    begun = time.perf_counter()
    made = method(worn)
    spent = (time.perf_counter() - begun) / len(worn)
    truth, before, after, mask = (np.stack(x) for x in (clean, worn, made, masks))
    changed = (before != after).any(-1)
    hits = (changed & mask).sum()
    precision, recall = hits / max(changed.sum(), 1), hits / mask.sum()
    f1 = 2 * hits / max(changed.sum() + mask.sum(), 1)
    untouched = np.stack(method(clean))
    line = (
        f"| {label} | {psnr(before, truth, mask):.1f} | {psnr(after, truth, mask):.1f} | "
        f"{psnr(after, truth, ~mask):.1f} | {f1:.3f} ({precision:.2f}, {recall:.2f}) | "
        f"{100 * (untouched != truth).any(-1).mean():.3f} % | "
        f"{abs(after.mean() - truth.mean()):.2f} | {spent:.2f} |"
    )
    return line, made


def main(sheet: Path | None = None) -> str:
    """Return one row for each film and method; `sheet`: where to leave pictures of it."""
    if not (SHARED / "film_textures").is_dir():
        return "The films and the overlays are not here."
    methods = {"plain median of 3": plain_median}
    methods |= {
        model.name: staged(model.name) for model in catalog.models("clean") if model.present
    }
    rows = [
        "PSNR in dB inside the damage (before, after) and outside it; F1 (precision, recall) of "
        "the pixels that were changed; share of the pixels changed in the clean film; error of the "
        "mean brightness in grey levels; seconds a frame.",
        "",
        "| film, method | damaged | inside | outside | F1 | clean film | brightness | s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    pictures = []
    for name, size, start in FILMS:
        clean = read(name, size, start)
        worn, masks = damage(clean, seed=start)
        shown = [worn[6]]
        for label, method in methods.items():
            line, made = row(f"{name.split('_')[0]}, {label}", clean, worn, masks, method)
            rows.append(line)
            shown.append(made[6])
        pictures.append(np.hstack([*shown, clean[6]]))
    if sheet:
        for name, picture in zip(FILMS, pictures, strict=True):
            path = sheet / f"damage_{name[0].split('_')[0].removesuffix('.mp4')}.jpg"
            cv2.imwrite(str(path), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None) + "\n")
