"""Does `judge` rank models as the truth does? On small films whose truth is known.

    python -m benchmarks.quality.judge            # all of it; half an hour on two quiet cores

Each film is judged as a user would judge it, who has no truth: it is made worse, and restored. Then
every choice enlarges the film itself, and is compared with the real truth. Kendall's tau is 1 if
all pairs of choices are in the same order, and -1 if all are reversed. A second value leaves out
the pairs that the truth itself cannot tell apart: those that differ by less than 0.1 dB.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from itertools import combinations

import numpy as np

from benchmarks.common import UnavailableError, left_out
from benchmarks.quality.small_video import CASES, make_case
from helpers import Upscale
from helpers.quality.full_reference import compare_pictures
from helpers.quality.judge import judge, score

CHOICES = {
    "bilinear": Upscale("bilinear"),
    "bicubic": Upscale("bicubic"),
    "small-video-x4": Upscale("small-video-x4"),
    "animevideov3, 0.4, steady": Upscale("animevideov3", strength=Fraction(2, 5), steady=True),
    "animevideov3": Upscale("animevideov3", strength=1, steady=False),
    "x4plus, 0.4, steady": Upscale("x4plus", strength=Fraction(2, 5), steady=True),
    "x4plus": Upscale("x4plus", strength=1, steady=False),
}
"""What is compared: more and less sharp, true and inventive."""

FILMS = (0, 2, 4, 6, 7, 8, 10, 12)
"""The cases of `small_video` that are judged: the sample talk and seven shared clips."""

SEEN = range(10, 13)
"""The frames that are compared with the real truth."""

ALIKE = 0.1
"""Decibels: a smaller difference of scores is no difference that anybody can see."""


def main() -> str:
    """Return the table."""
    rows = [
        "| film | tau | of pairs that differ | nearest to the truth | judged first | loss, dB |",
        "|---|---|---|---|---|---|",
    ]
    found, missing = [], []
    for number in FILMS:
        case = CASES[number]
        try:
            truth, small = make_case(case)
        except UnavailableError as error:
            missing += left_out(case.label, error)
            continue
        right = {label: _rate(stage, small, truth) for label, stage in CHOICES.items()}
        made = {one.label: one.score for one in judge(small, CHOICES).choices}
        both, plain = (kendall(right, made, least) for least in (ALIKE, 0.0))
        found.append((plain, both))
        best, first = max(right, key=right.__getitem__), max(made, key=made.__getitem__)
        loss = right[best] - right[first]
        rows.append(f"| {case.label} | {plain:.2f} | {both:.2f} | {best} | {first} | {loss:.2f} |")
        print(rows[-1], file=sys.stderr, flush=True)
    plain, both = np.mean(found, axis=0)
    rows.append(f"| **mean** | {plain:.2f} | {both:.2f} | | | |")
    return "\n".join([*rows, *missing])


def _rate(stage: Upscale, small, truth: list[np.ndarray]) -> float:  # noqa: ANN001 - a clip
    """Return how near to the real truth a choice comes."""
    height, width = truth[0].shape[:2]
    clip = Upscale(stage.model, size=(width, height), strength=stage.strength, steady=stage.steady)(
        small
    )
    made = [frame.image for frame in clip.frames(SEEN.start, SEEN.stop)]
    return score(compare_pictures(made, [truth[number] for number in SEEN]))


def kendall(right: dict[str, float], made: dict[str, float], least: float) -> float:
    """Return Kendall's tau of two scores, over the pairs that differ by more than `least`."""
    signs = [
        np.sign(right[a] - right[b]) * np.sign(made[a] - made[b])
        for a, b in combinations(right, 2)
        if abs(right[a] - right[b]) > least
    ]
    return float(np.mean(signs)) if signs else 1.0


if __name__ == "__main__":
    sys.stdout.write(main() + "\n")
