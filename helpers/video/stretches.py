"""Find what the pictures of a film made for television are, stretch by stretch.

Parts of one film may be telecined, others interlaced video, and others progressive. Every picture
is looked at: whether it is combed, whether taking its second field from the picture before mends
that, and whether it then shows what the one before showed. The stretches are those that explain
this best, with the fewest changes from one to another (Viterbi's method).

    telecined, "3:2"      A/A  B/B  B/C* C/D* D/D      * combed, mended by the field before
    telecined, "2:3:3:2"  A/A  B/B  B/C* C/C  D/D
    interlaced video      combed wherever something moves, and nothing mends it
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np

from helpers.video.telecine import COMBED, CYCLE, roughness

if TYPE_CHECKING:
    import av

Kind = Literal["film", "video", "progressive"]


@dataclass(frozen=True)
class Stretch:
    """Pictures of one kind, up to where the next stretch begins.

    Attributes:
        first: the number of the first one.
        kind: "film" is telecined, "video" interlaced.
        phase: of telecined ones: those whose number leaves this remainder when it is divided by
            five show a frame for the second time.
    """

    first: int
    kind: Kind
    phase: int = 0


@dataclass(frozen=True)
class Traits:
    """What is seen of each picture, (N,).

    Attributes:
        combed: fields of two moments are woven; bool.
        mended: with its second field from the picture before it is smoother, and not combed; bool.
        new: 0 where it then shows what the picture before shows, up to 1 where it surely does not.
        moving: the pictures around it differ from each other; bool.
        cut: a shot begins; bool.
    """

    combed: np.ndarray
    mended: np.ndarray
    new: np.ndarray
    moving: np.ndarray
    cut: np.ndarray


SIDE = 16
"""Pixels per side of the blocks that are compared."""

SMOOTHER = 0.98
"""A picture is mended if its lines then differ from those around by so much less. By trial."""

STILL = 1.5
"""Grey levels: a block that changes by less may be a repeat with noise. By trial."""

CUT = 20
"""Grey levels by which pictures of two shots differ in the mean. By trial."""


def look_at(pictures: Iterable[av.VideoFrame]) -> tuple[Traits, str]:
    """Look at every picture of a film; return what is seen, and which field comes first.

    That is "tff" or "bff": with the wrong one, no picture is mended.
    """
    rows = {"tff": [], "bff": []}
    before: np.ndarray | None = None
    shown: dict[str, np.ndarray | None] = {"tff": None, "bff": None}
    for picture in pictures:
        luma = picture.to_ndarray(format="gray")
        combed, rough = _combing(luma) > COMBED, roughness(luma)
        for order, found in rows.items():
            best, mended = luma, False
            if before is not None:
                woven = before.copy()
                own = slice(int(order == "bff"), None, 2)
                woven[own] = luma[own]
                if roughness(woven) < SMOOTHER * rough and _combing(woven) <= COMBED:
                    best, mended = woven, True
            found.append((combed, mended, *_change(shown[order], best)))
            shown[order] = best
        before = luma
    order = max(rows, key=lambda order: sum(row[1] for row in rows[order]))
    combed, mended, change, mean = (np.array(column) for column in zip(*rows[order], strict=True))
    new, moving = _newness(change)
    return Traits(combed, mended, new, moving, mean > CUT), order


def _combing(luma: np.ndarray) -> float:
    """Return the share of blocks that are combed, as `measure_combing` does, but quicker."""
    import cv2

    rows, columns = (luma.shape[0] - 2) // SIDE, luma.shape[1] // SIDE
    if not rows or not columns:
        return 0.0
    part = luma[: rows * SIDE + 2, : columns * SIDE]
    near, far = cv2.absdiff(part[:-2], part[1:-1]), cv2.absdiff(part[:-2], part[2:])
    size = columns, rows
    blocks = [
        cv2.resize(a.astype(np.float32), size, interpolation=cv2.INTER_AREA) for a in (near, far)
    ]
    return float(((blocks[0] > 1.3 * blocks[1]) & (blocks[0] > 6)).mean())


def _change(before: np.ndarray | None, luma: np.ndarray) -> tuple[float, float]:
    """Return how much the block that changes most differs from the picture before, and the mean."""
    import cv2

    if before is None:
        return float("inf"), 0.0
    size = max(luma.shape[1] // SIDE, 1), max(luma.shape[0] // SIDE, 1)
    apart = cv2.absdiff(before, luma).astype(np.float32)
    blocks = cv2.resize(apart, size, interpolation=cv2.INTER_AREA)
    return float(blocks.max()), float(blocks.mean())


def _newness(change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how surely each picture shows something new, and whether those around do.

    A repeat changes by 0.4 of what the pictures around do, or less; noise makes it more. By trial.
    """
    change = np.where(np.isfinite(change), change, 255.0)
    padded = np.pad(change, 2, mode="edge")
    around = np.sort([padded[:-4], padded[1:-3], padded[3:-1], padded[4:]], axis=0)[1:3].mean(
        axis=0
    )
    new = np.clip((change / np.maximum(around, 0.1) - 0.4) / 0.5, 0, 1)
    return np.where(change < STILL, 0, new), around > 2 * STILL


# --- the stretches that explain it best -----------------------------------------------------------

CHANGE, CHANGE_AT_CUT = 4.0, 1.5
"""What a change of stretch costs: as much as one or two pictures that do not fit. By trial."""

STATES: tuple[tuple[Kind, int], ...] = (
    ("progressive", 0),
    ("video", 0),
    *(("film", phase) for phase in range(CYCLE)),
)


def find_stretches(traits: Traits) -> tuple[Stretch, ...]:
    """Return the stretches that explain best what is seen."""
    cost = np.stack([_misfit(traits, kind, phase) for kind, phase in STATES], axis=1)
    best, came = np.zeros(len(STATES)), np.zeros(cost.shape, int)
    for number, row in enumerate(cost):
        change = CHANGE_AT_CUT if traits.cut[number] else CHANGE
        other = int(best.argmin())
        stay = best <= best[other] + change
        came[number] = np.where(stay, np.arange(len(STATES)), other)
        best = np.where(stay, best, best[other] + change) + row
    state, path = int(best.argmin()), []
    for row in came[::-1]:
        path.append(state)
        state = int(row[state])
    path.reverse()
    begins = [n for n, s in enumerate(path) if n == 0 or s != path[n - 1]]
    return tuple(Stretch(n, *STATES[path[n]]) for n in begins)


def _misfit(traits: Traits, kind: Kind, phase: int) -> np.ndarray:
    """Return how badly each picture fits a kind, (N,) float. By trial.

    The worst is a picture that would be lost though it shows something new.
    """
    combed, mended, new = traits.combed, traits.mended, traits.new
    torn = combed & ~mended
    if kind == "progressive":
        # Where nothing moves, a film goes on with its cycle.
        repeat = np.where(traits.moving, 1.0, 0.05) * (new == 0)
        return 3.0 * combed + 1.5 * (mended & ~combed) + repeat
    if kind == "video":
        return np.where(torn, 0, np.where(mended, 1.0, 0.3 + 0.3 * new))
    place = (np.arange(len(combed)) - phase) % CYCLE
    lost = 4.0 * new + np.where(mended, 0, 0.02)
    second = np.where(torn, 2.0, np.where(mended, 0, 0.2))
    other = np.where(combed, 2.0, np.where(mended, 1.0, 0))
    return np.where(place == 0, lost, np.where(place == 1, second, other))


# --- what is made of them -------------------------------------------------------------------------


LATE = (Fraction(0), Fraction(-1, 2), Fraction(-1, 4), Fraction(0), Fraction(1, 4))
"""By how much of a picture's time a frame of a film is shown later than its picture, by the place
in the cycle, of which place 0 is left out. So A, B, C and D, at 3, 4, 1 and 2, are spaced evenly.
"""


def kept_pictures(
    stretches: Sequence[Stretch], times: Sequence[Fraction], end: Fraction
) -> Iterator[tuple[int, Kind, Fraction]]:
    """Yield the number of the picture of each frame, its kind, and when the frame is shown.

    Args:
        times: when the pictures are shown, in seconds.
        end: when the last one stops being shown.

    The frames of a telecined stretch are spaced evenly, five pictures to four frames, wherever in
    a cycle it begins and ends. All others keep the times of their pictures.
    """
    for stretch, stop in _spans(stretches, len(times)):
        for number in range(stretch.first, stop):
            place = (number - stretch.phase) % CYCLE
            if stretch.kind == "film" and place == 0 and number > stretch.first:
                continue
            yield number, stretch.kind, _start(number, place, stretch, times, end)


def _spans(stretches: Sequence[Stretch], count: int) -> Iterator[tuple[Stretch, int]]:
    """Yield each stretch, and the number of the first picture after it."""
    bounds = [*(stretch.first for stretch in stretches), count]
    yield from zip(stretches, bounds[1:], strict=True)


def _start(
    number: int, place: int, stretch: Stretch, times: Sequence[Fraction], end: Fraction
) -> Fraction:
    """Return when the frame that is made of a picture is shown."""
    if stretch.kind != "film" or number == stretch.first:
        return times[number]
    late, first = LATE[place], number - (place - 3) % CYCLE  # of its cycle: A
    last = first + CYCLE
    if stretch.first <= first and last <= len(times):
        # From the whole cycle, because timestamps are rounded to milliseconds in many files.
        until = times[last] if last < len(times) else end
        return times[first] + (number - first + late) / CYCLE * (until - times[first])
    following = times[number + 1] if number + 1 < len(times) else end
    return times[number] + late * (following - times[number])


def describe_stretches(stretches: Sequence[Stretch], times: Sequence[Fraction]) -> list[str]:
    """Say how much of a film is what, if it is not all telecined."""
    counts = dict.fromkeys(NAMES, 0)
    for stretch, stop in _spans(stretches, len(times)):
        counts[stretch.kind] += stop - stretch.first
    if counts["film"] == len(times):
        return []
    parts = [f"{count} {NAMES[kind]}" for kind, count in counts.items() if count]
    return [f"of {len(times)} pictures, {', '.join(parts)}"]


NAMES: dict[Kind, str] = {
    "film": "are those of a telecined film",
    "video": "are interlaced video and were deinterlaced",
    "progressive": "are progressive and were left as they are",
}
"""What is said of the pictures of each kind."""
