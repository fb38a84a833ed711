"""How surely repeated frames are found: precision and recall on films with known insertions."""

from __future__ import annotations

import io
import random
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks import datasets
from benchmarks.common import as_clip
from helpers.stages.duplicates.decisions import find_duplicates
from helpers.stages.duplicates.features import reduced_luma
from helpers.stages.scenes.find import find_cuts
from helpers.video.reader import open_video

FILMS = (
    "clips/bikes_scene_cuts.mp4",
    "clips/bigbuckbunny_720p.mp4",
    "clips/carphone_pristine.mp4",
    "clips/cartoon_314x273.gif",
    "clips/flower.mp4",
    "clips/oldfilm_abomb.mp4",
    "clips/oldfilm_chaplin.mp4",
    "clips/oldfilm_friday_speech.mp4",
    "clips/oldfilm_hydepark.mp4",
    "clips/short_audio.mp4",
    "clips/webcam_asl_again.mkv",
)

WEAR: dict[str, dict[str, float | None]] = {
    "nothing": {},
    "CRF 23": {"crf": 23},
    "grain 4 before, CRF 23": {"before": 4, "crf": 23},
    "noise 3 after, CRF 18": {"after": 3, "crf": 18},
    "light x 0.08": {"light": 0.08},
    "light x 0.15, CRF 18": {"light": 0.15, "crf": 18},
    "CRF 30": {"crf": 30},
}
"""Noise of so many levels that repeats share (before) or do not (after), in 8 bits."""

MOST, WIDE = 120, 480
"""Frames of a film that are used, and the pixels to which a wider one is narrowed."""

Order = list[int]


def cadence(*shown: int) -> object:
    """Return an order in which frames are shown so many times by turns."""
    return lambda count, dice: [n for n in range(count) for _ in range(shown[n % len(shown)])]


def simple(count: int, dice: random.Random) -> Order:
    """Repeat one frame in eight, once or twice, at random."""
    return [
        n
        for n in range(count)
        for _ in range(1 + (n > 0 and dice.random() < 0.12) * dice.choice((1, 1, 2)))
    ]


def resampled(new: int, old: int) -> object:
    """Return an order with `new` frames in every `old`."""
    return lambda count, dice: [n * new // old for n in range(count * old // new)]


def through(back: int) -> object:
    """Return an order in which an earlier frame comes again now and then."""

    def order(count: int, dice: random.Random) -> Order:
        made: Order = []
        last = 0
        for n in range(count):
            made.append(n)
            if n - last > back + 3 and dice.random() < 0.2:
                made.append(n - back)
                last = n
        return made

    return order


ORDERS = {
    "no repeats": cadence(1),
    "simple": simple,
    "12 in 24": cadence(2),
    "16 in 24": cadence(2, 1),
    "18 in 25": resampled(18, 25),
    "24 in 30": cadence(2, 1, 1, 1),
    "3:2": cadence(3, 2),
    "through one": through(1),
    "through two": through(2),
}


def compressed(images: list[np.ndarray], crf: int) -> list[np.ndarray]:
    """Return pictures as x264 gives them back."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        options = {"crf": str(crf), "preset": "veryfast", "threads": "2"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def load(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """Return a film's pictures without the repeats it has, and the numbers at which shots begin.

    A repeat is told here by the mean difference alone, of pictures smoothed so that the grain of
    two copies does not hide them: below a fifth of both neighbours'.
    """
    import cv2

    clip = open_video(path, scan="packets")
    cuts = {clip.number_at(cut) for cut in find_cuts(clip)}
    images = [frame.image for frame in clip.frames(0, min(len(clip), MOST * 3 // 2))]
    height, width = images[0].shape[:2]
    scale = min(1.0, WIDE / width)
    size = int(width * scale) // 2 * 2, int(height * scale) // 2 * 2
    images = [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images]
    small = [cv2.GaussianBlur(reduced_luma(image), (0, 0), 1) for image in images]
    steps = [
        0.0,
        *(float(np.abs(b - a).mean()) for a, b in pairwise(small)),
        0.0,
    ]
    numbers = [0] + [
        n
        for n in range(1, len(images))
        if n in cuts
        or steps[n] > 0.2 * min((x for x in (steps[n - 1], steps[n + 1]) if x or n > 1), default=0)
    ]
    numbers = numbers[:MOST]
    return [images[n] for n in numbers], [numbers.index(n) for n in sorted(cuts) if n in numbers]


def worn(
    images: list[np.ndarray],
    order: Order,
    before: float = 0,
    after: float = 0,
    light: float = 1,
    crf: int | None = None,
) -> list[np.ndarray]:
    """Return a film in that order, with noise, in the dark, compressed."""
    dice = np.random.default_rng(1)
    shape = images[0].shape
    moments: dict[int, np.ndarray] = {}
    made = []
    for n in order:
        if n not in moments:
            moments[n] = images[n] * np.float32(light)
            moments[n] += before * dice.standard_normal(shape, np.float32)
            moments.pop(n - 12, None)
        picture = moments[n] + (after * dice.standard_normal(shape, np.float32) if after else 0)
        made.append(np.rint(picture.clip(0, 255)).astype(np.uint8))
    return made if crf is None else compressed(made, crf)


def measure(images: list[np.ndarray], shots: list[int], order: Order, wear: dict) -> np.ndarray:
    """Return how many repeats were rightly dropped, wrongly dropped, and not dropped."""
    made = worn(images, order, **wear)
    cuts = [next(p for p, n in enumerate(order) if n >= shot) for shot in shots]
    dropped = set(find_duplicates(as_clip(made, cuts=cuts)).dropped)
    begins = [max(shot for shot in shots if shot <= n) for n in order]
    true = {
        p
        for p, n in enumerate(order)
        if n in order[max(p - 6, 0) : p] and begins[p] == max(begins[: p + 1])
    }
    return np.array([len(dropped & true), len(dropped - true), len(true - dropped)])


def cell(counts: np.ndarray) -> str:
    """Return precision and recall; of a film without repeats, the frames that were lost."""
    right, wrong, missed = counts
    if not right + missed:
        return f"{wrong} lost"
    return f"{right / max(right + wrong, 1):.3f} / {right / (right + missed):.3f}"


def speed() -> str:
    """Return how quickly frames are measured, decoding aside."""
    from helpers.stages.duplicates.features import FeatureCollector

    dice, rows = np.random.default_rng(1), []
    for width, height in ((640, 480), (1920, 1080)):
        images = dice.integers(0, 256, (4, height, width, 3)).astype(np.uint8)
        likeness, begun, count = FeatureCollector(), time.perf_counter(), 40
        for n in range(count):
            likeness.add(images[n % 4])
        rows.append(f"{width}x{height}: {count / (time.perf_counter() - begun):.0f}")
    return f"Frames a second, decoding aside: {', '.join(rows)}."


def main() -> str:
    """Return precision / recall by what was inserted and by what was done to the film after."""
    films, left_out = datasets.gather(*FILMS)
    counts: dict[tuple[str, str], np.ndarray] = defaultdict(lambda: np.zeros(3, int))
    for turn, film in enumerate(FILMS):
        if film not in films:
            continue
        images, shots = load(films[film])
        for place, (name, order) in enumerate(ORDERS.items()):
            # Every order of every film, under three kinds of wear that go round.
            for offset in (0, 2, 4):
                wear = list(WEAR)[(turn + place + offset) % len(WEAR)]
                made = order(len(images), random.Random(turn))  # type: ignore[operator]
                counts[name, wear] += measure(images, shots, made, WEAR[wear])
    rows = [
        f"Precision / recall on {len(films)} films of at most {MOST} frames.",
        "",
        f"| | {' | '.join(WEAR)} | all |",
        "|---" * (len(WEAR) + 2) + "|",
    ]
    for name in ORDERS:
        cells = [cell(counts[name, wear]) for wear in WEAR]
        total = sum((counts[name, wear] for wear in WEAR), np.zeros(3, int))
        rows.append(f"| {name} | {' | '.join(cells)} | {cell(total)} |")
    return "\n".join([*rows, "", speed(), *left_out])
