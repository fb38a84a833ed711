"""How well damage is found and repaired, on clean films that were damaged with known overlays.

The overlays are those numbered 008 to 010 of every kind. Neither they nor the films were trained
on. Two settings: heavy damage of all kinds, stains over up to half of a frame among them; and
sparse damage as film mostly has it. Pictures of both are left in out/benchmarks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks import datasets
from benchmarks.common import ROOT, as_clip, dis_flow, psnr, warped
from helpers.catalog import table as catalog
from helpers.stages.damage.stage import RemoveDamage
from helpers.training.cleaner.overlays import blend
from helpers.video.reader import open_video

FILMS = {"clips/carphone_pristine.mp4": 10, "clips/bikes_scene_cuts.mp4": 4, "clips/flower.mp4": 40}
"""Files, and their first frames."""

SMALL, TALL = (352, 192), (352, 288)

FRAMES = 16

DRAWS = 3
"""How many times each film is damaged, each time anew: one stroke more or less is chance."""

ENDS = 2
"""Frames at the ends of a shot, which have neighbours on one side or but one on the other."""

HELD_OUT = ("008", "009", "010")

VISIBLE = 8
"""Grey levels from which on a change counts as damage."""

OPAQUE = 0.1
"""Opacity from which on an overlay counts as damage, however little it changes the picture."""

Images = list[np.ndarray]

Damaged = tuple[Images, Images, Images]
"""Frames, where they have visibly changed, where something was laid on."""


@dataclass(frozen=True)
class Setting:
    """How films are damaged.

    Attributes:
        name: what it is called in the table.
        sizes: of the films, in their order.
        kinds: folders of overlays; all if none are named.
        most: overlays on a frame.
        modes: how they are laid on.
        whole: whether they are as opaque as drawn, pure black or white; else a little less.
    """

    name: str
    sizes: tuple[tuple[int, int], ...]
    kinds: tuple[str, ...] = ()
    most: int = 3
    modes: tuple[str, ...] = ("opaque",)
    whole: bool = False


SETTINGS = (
    Setting("heavy", (TALL, SMALL, SMALL)),
    Setting(
        "sparse", (SMALL, SMALL, SMALL),
        ("dirt", "hair", "hair-short", "lint", "scratches", "spots"), 2,
        ("soft light", "screen or multiply", "opaque"), whole=True,
    ),
)  # fmt: skip


def read(path: Path, size: tuple[int, int], start: int) -> Images:
    """Return some frames of a film at a size."""
    clip = open_video(path)
    frames = clip.frames(start, start + FRAMES)
    how = cv2.INTER_AREA if clip.info.width > size[0] else cv2.INTER_CUBIC
    return [cv2.resize(frame.image, size, interpolation=how) for frame in frames]


def overlays(kinds: Sequence[str]) -> Images:
    """Return the shapes that are held out, as opacity 0..255."""
    paths = datasets.fetch("film-textures").values()
    kept = [path for path in paths if path.stem[-3:] in HELD_OUT]
    kept = [path for path in kept if not kinds or path.parent.name in kinds]
    return [cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., 3] for path in kept]


def damage(frames: Sequence[np.ndarray], seed: int, setting: Setting) -> Damaged:
    """Lay overlays on every frame, light or dark.

    Returns:
        The frames; where they have visibly changed; where something was laid on.
    """
    dice, shapes = np.random.default_rng(seed), overlays(setting.kinds)
    worn, visible, opaque = [], [], []
    for frame in frames:
        height, width = frame.shape[:2]
        made, whole = frame.astype(np.float32), np.zeros((height, width), np.float32)
        for _ in range(dice.integers(1, setting.most + 1)):
            alpha = placed(shapes[dice.integers(len(shapes))], dice, (width, height))
            alpha *= 1 if setting.whole else dice.uniform(0.7, 1)
            made = laid_on(made, alpha, dice, setting)
            whole = np.maximum(whole, alpha)
        worn.append(np.rint(made).clip(0, 255).astype(np.uint8))
        visible.append(np.abs(worn[-1].astype(int) - frame).max(-1) > VISIBLE)
        opaque.append(whole > OPAQUE)
    return worn, visible, opaque


def placed(shape: np.ndarray, dice: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Put a shape somewhere, at any angle, at a third to nine tenths of its size."""
    matrix = cv2.getRotationMatrix2D((200, 200), dice.uniform(0, 360), dice.uniform(0.3, 0.9))
    matrix[:, 2] += dice.uniform(0, 1, 2) * size - 200
    return cv2.warpAffine(shape.astype(np.float32) / 255, matrix, size)


def laid_on(
    frame: np.ndarray, alpha: np.ndarray, dice: np.random.Generator, setting: Setting
) -> np.ndarray:
    """Lay a dark or light shape on a float32 frame."""
    dark = bool(dice.random() < 0.5)
    level = dice.uniform(0, 40) if dark else dice.uniform(215, 255)
    level = (0 if dark else 255) if setting.whole else level
    mode = setting.modes[dice.integers(len(setting.modes))]
    if mode == "screen or multiply":
        mode = "multiply" if dark else "screen"
    return blend(frame, alpha[..., None], level, mode)


def plain_median(frames: Sequence[np.ndarray]) -> Images:
    """The usual recipe: the median of a frame and its two neighbours, warped along DIS flow."""
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    made = []
    for here in range(len(frames)):
        near = [n for n in (here - 1, here + 1) if 0 <= n < len(frames)]
        seen = [warped(frames[n], dis_flow(greys[here], greys[n])) for n in near]
        stack = np.stack([frames[here], *seen, *seen[: 2 - len(near)]])
        made.append(np.median(stack, 0).astype(np.uint8))
    return made


def staged(method: str) -> Callable[[Images], Images]:
    """Return a method that goes through the public stage."""

    def clean(frames: Images) -> Images:
        return [frame.image for frame in RemoveDamage(method)(as_clip(frames))]

    return clean


def f1(changed: np.ndarray, mask: np.ndarray) -> str:
    """Return how well the pixels that were changed are those of a mask, for the table."""
    hits = (changed & mask).sum()
    precision, recall = hits / max(changed.sum(), 1), hits / max(mask.sum(), 1)
    both = 2 * hits / max(changed.sum() + mask.sum(), 1)
    return f"{both:.3f} ({precision:.2f}, {recall:.2f})"


def row(
    label: str, clean: Images, draws: Sequence[Damaged], method: Callable[[Images], Images]
) -> tuple[str, Images]:
    """Measure a method on a film: a line of the table, and what it made of the first draw."""
    begun = time.perf_counter()
    results = [method(worn) for worn, _, _ in draws]
    spent = (time.perf_counter() - begun) / (len(draws) * len(clean))
    before, mask, opaque = (
        np.stack([np.stack(x) for x in part]) for part in zip(*draws, strict=True)
    )
    after = np.stack([np.stack(made) for made in results])
    truth = np.broadcast_to(np.stack(clean), after.shape)
    changed = (before != after).any(-1)
    untouched = np.stack(method(clean))
    amid = slice(None), slice(ENDS, -ENDS)
    cells = [
        label,
        f"{psnr(truth, before, mask):.1f}",
        f"{psnr(truth, after, mask):.1f}",
        f"{psnr(truth, after, ~mask):.1f}",
        f1(changed, mask),
        f"{psnr(truth[amid], after[amid], mask[amid]):.1f}",
        f"{psnr(truth[amid], after[amid], ~mask[amid]):.1f}",
        f1(changed[amid], mask[amid]),
        f1(changed, opaque),
        f"{100 * (untouched != truth[0]).any(-1).mean():.3f} %",
        f"{abs(after.mean() - truth.mean()):.2f}",
        f"{spent:.2f}",
    ]
    return f"| {' | '.join(cells)} |", results[0]


def table(
    setting: Setting, films: dict[str, Path], methods: dict[str, Callable[[Images], Images]]
) -> list[str]:
    """Measure all films in a setting: the lines of its table; leave a picture of each film."""
    head = (
        f"{setting.name}: film, method | damaged | inside | outside | F1 | inside, amid | "
        "outside, amid | F1, amid | F1 overlays | clean film | brightness | s"
    )
    rows = [f"| {head} |", "|---" * 12 + "|"]
    for (name, start), size in zip(FILMS.items(), setting.sizes, strict=True):
        if name not in films:
            continue
        film = Path(name).stem.split("_")[0]
        clean = read(films[name], size, start)
        draws = [damage(clean, start + 1000 * draw, setting) for draw in range(DRAWS)]
        shown = [draws[0][0][6]]
        for label, method in methods.items():
            line, made = row(f"{film}, {label}", clean, draws, method)
            rows.append(line)
            shown.append(made[6])
        show(f"damage_{setting.name}_{film}.jpg", np.hstack([*shown, clean[6]]))
    return rows


def show(name: str, picture: np.ndarray) -> None:
    """Leave an RGB picture for a person to look at."""
    folder = ROOT / "out" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / name), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])


def main() -> str:
    """Return one table for each setting."""
    films, left_out = datasets.gather(*FILMS)
    methods = {"plain median of 3": plain_median}
    methods |= {
        model.name: staged(model.name) for model in catalog.models("clean") if model.present
    }
    rows = [
        f"{DRAWS} draws of damage over {FRAMES} frames of each film. PSNR in dB inside the damage "
        "(before, after) and outside it, where damage is what changed a pixel by more than "
        f"{VISIBLE} levels; F1 (precision, recall) of the pixels that were changed; the same amid "
        f"the shot, without its first and last {ENDS} frames; F1 where damage is what an overlay "
        f"covers with an opacity above {OPAQUE}; share of the pixels changed in the clean film; "
        "error of the mean brightness in grey levels; seconds a frame.",
    ]
    for setting in SETTINGS:
        rows += ["", *table(setting, films, methods)]
    return "\n".join(rows + left_out)
