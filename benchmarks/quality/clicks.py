"""How many clicks are found that were added to speech and music, and how many where there are none.

A click counts as found if a sample within half a millisecond of its start is taken for one. What is
gained is by how many decibels the sound is nearer the truth after the repair.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy.ndimage import binary_dilation

from benchmarks import datasets
from helpers.audio.clicks import count_clicks, find_clicks, replace_clicks
from helpers.audio.reader import read_sound
from helpers.audio.track import resample

MUSIC = "clips/oldfilm_chaplin.mp4"
RATES = (16_000, 48_000)

PEAK = 0.5
"""Every recording is brought to this peak, full scale 1."""

SIZES = (0.1, 0.3)
"""Peaks of the clicks, give or take a third."""

OFTEN = 1.0
"""Clicks a second."""


def one_sample(rate: int, dice: np.random.Generator) -> np.ndarray:
    """Return a single wrong sample."""
    return np.ones(1)


def burst(rate: int, dice: np.random.Generator) -> np.ndarray:
    """Return half a millisecond of noise."""
    return dice.choice([-1, 1], size := rate // 2000) * dice.uniform(0.3, 1, size)


def ringing(rate: int, dice: np.random.Generator) -> np.ndarray:
    """Return a millisecond that dies away, as of a scratch."""
    time = np.arange(rate // 1000)
    return np.exp(-4 * time / len(time)) * np.cos(time * dice.uniform(0.3, 2.5))


KINDS: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "one sample": one_sample, "half a millisecond": burst, "a millisecond": ringing,
}  # fmt: skip


def main() -> str:
    """Measure, and return the tables in markdown."""
    files, left_out = datasets.gather("voicebank-p232", "voicebank-p287", MUSIC)
    speech = [path for name, path in files.items() if "/clean/" in name][::2]
    groups = {"speech": speech, "music": [path for name, path in files.items() if name == MUSIC]}
    lines = [
        f"Recordings of peak {PEAK}, {OFTEN:g} click a second. Each cell: the share of the clicks "
        "that is found, and by how much nearer the truth the repaired sound is.", "",
        "| sound | samples a second | found where there are none, a minute | clicks | "
        + " | ".join(f"peak {size}" for size in SIZES) + " |",
        "|---|---|---|---|" + "---|" * len(SIZES),
    ]  # fmt: skip
    for group, paths in groups.items():
        for rate in RATES:
            lines += _rows(group, [_read(path, rate) for path in paths], rate)
    return "\n".join([*lines, *left_out])


def _read(path: object, rate: int) -> np.ndarray:
    sound = read_sound(path)  # type: ignore[arg-type]
    samples = resample(np.asarray(sound.samples[:1]), sound.rate, rate)[0].astype(np.float64)
    return samples / np.abs(samples).max() * PEAK


def _rows(group: str, sounds: list[np.ndarray], rate: int) -> Iterator[str]:
    minutes = sum(map(len, sounds)) / rate / 60
    none = sum(count_clicks(find_clicks(one, rate)) for one in sounds) / minutes
    for name, make in KINDS.items():
        cells = []
        for size in SIZES:
            dice = np.random.default_rng(0)
            found = np.array([_measure(one, rate, make, size, dice) for one in sounds]).sum(0)
            share, gain = found[0] / found[1], 10 * math.log10(found[2] / found[3])
            cells.append(f"{share:.2f}, {gain:+.1f} dB")
        yield f"| {group} | {rate} | {none:.1f} | {name} | {' | '.join(cells)} |"


def _measure(
    truth: np.ndarray,
    rate: int,
    make: Callable[[int, np.random.Generator], np.ndarray],
    size: float,
    dice: np.random.Generator,
) -> tuple[float, float, float, float]:
    """Return how many clicks were found, and added; the energy of the error before, and after."""
    heard, edge = truth.copy(), rate // 10
    many = max(round(OFTEN * len(truth) / rate), 1)
    starts = dice.choice(np.arange(edge, len(truth) - edge, rate // 20), many, replace=False)
    for start in starts:
        click = make(rate, dice)
        click *= dice.choice([-1, 1]) * size * dice.uniform(2 / 3, 4 / 3) / np.abs(click).max()
        heard[start : start + len(click)] += click
    found = find_clicks(heard, rate)
    near = binary_dilation(found, iterations=rate // 2000)
    wrong = replace_clicks(heard, found, rate) - truth
    before, after = (float(np.square(one).sum()) for one in (heard - truth, wrong))
    return float(near[starts].sum()), float(many), before, after
