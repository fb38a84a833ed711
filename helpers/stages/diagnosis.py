"""Examine a few stretches of a film to find what is wrong with it.

Every cleaner measures its own fault; see `cleaners.CLEANERS`. This file has what they share: the
sampled frames, and the diagnosis, which a notebook shows as a table.

    found = diagnose(clip)                  # some seconds
    found["flicker"].amount, found.words    # 3.2, ("It flickers by 3.2 grey levels ...", ...)
    found.advice                            # ("flicker", "noise")
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from helpers.clip import Clip, Frame
from helpers.imaging.luma import small_brightness
from helpers.run import RunContext
from helpers.stage import prefetch


@dataclass(frozen=True, eq=False)
class Stretch:
    """Some consecutive frames, and their shots.

    Attributes:
        frames: the frames, in order.
        shots: the same frames by shots, which are found even if the clip's cuts are not marked.
    """

    frames: Sequence[Frame]
    shots: Sequence[Sequence[Frame]]

    @property
    def longest(self) -> Sequence[Frame]:
        """The longest shot."""
        return max(self.shots, key=len)

    @property
    def middle(self) -> tuple[np.ndarray, np.ndarray | None]:
        """A picture from the middle of the longest shot, and the next one, if there is one."""
        shot = self.longest
        at = len(shot) // 2
        return shot[at].image, shot[at + 1].image if len(shot) > 2 else None


@dataclass(frozen=True, eq=False)
class FilmSamples:
    """The frames in which every cleaner measures its fault.

    Attributes:
        film: the whole clip.
        clip: the clip without its repeated frames, if these were searched for; else the film.
        stretches: some stretches of `clip`, evenly spread.
        run: the run that the diagnosis belongs to.
    """

    film: Clip
    clip: Clip
    stretches: Sequence[Stretch]
    run: RunContext

    @cached_property
    def shots(self) -> list[Sequence[Frame]]:
        """The shots of all stretches."""
        return [shot for stretch in self.stretches for shot in stretch.shots]

    def typical(self, values: Sequence[float]) -> float:
        """Return the typical value for the film, given a value for each of `shots`.

        This is the median, weighted by the number of frames: a fault is in most of the film, while
        a dissolve or a blow to the camera is in one stretch.
        """
        weights = [len(shot) for shot in self.shots]
        order = np.argsort(values, kind="stable")
        upto = np.searchsorted(np.cumsum(np.array(weights)[order]), sum(weights) / 2)
        return round(float(values[order[upto]]), 2)


class Measurement(Protocol):
    """The measurement of a cleaner: a frozen dataclass with what its sentence needs."""

    @property
    def amount(self) -> float:
        """The amount of the fault, which is compared with the cleaner's threshold."""
        ...


@dataclass(frozen=True)
class Fault:
    """The result for one fault.

    Attributes:
        name: the name of the fault and of its cleaner.
        measured: the measurement.
        needed: whether the amount is large enough to be visible.
        advised: whether "auto" removes the fault without asking a person.
        sentence: the result in words.
    """

    name: str
    measured: Any
    needed: bool
    advised: bool
    sentence: str

    @property
    def amount(self) -> float:
        """The amount of the fault, in the cleaner's own unit."""
        return self.measured.amount


@dataclass(frozen=True)
class Diagnosis:
    """The results for all faults, in the order in which the cleaners are used.

    Attributes:
        frames: number of frames that were examined.
        faults: one for each cleaner that was used.
    """

    frames: int
    faults: tuple[Fault, ...]

    def __getitem__(self, name: str) -> Fault:
        return {fault.name: fault for fault in self.faults}[name]

    @property
    def words(self) -> tuple[str, ...]:
        """One sentence for each result; visible faults first."""
        return tuple(f.sentence for f in sorted(self.faults, key=lambda fault: not fault.needed))

    @property
    def advice(self) -> tuple[str, ...]:
        """The cleaners that the film needs, in the order in which they are used."""
        names = tuple(fault.name for fault in self.faults if fault.needed and fault.advised)
        # Where there are blocks, the measured noise is the pattern of the blocks.
        return tuple(name for name in names if name != "noise" or "blocks" not in names)

    @property
    def decision(self) -> str:
        """What "auto" does about it, in a sentence."""
        if not self.advice:
            return "No fault was found that needs cleaning, so nothing was cleaned."
        return f"The film was cleaned of {', '.join(self.advice)}."

    def __repr__(self) -> str:
        return "\n".join(self.words)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{'&#9679;' if fault.needed else '&#9675;'}</td>"
            f"<td style='text-align:left'>{html.escape(fault.sentence)}</td>"
            f"<td>{fault.name if fault.needed else ''}</td></tr>"
            for fault in self.faults
        )
        head = "<tr><th></th><th>what was found</th><th>cleaner</th></tr>"
        note = f"<p>Measured on {self.frames} frames, spread over the film.</p>"
        return f"<table>{head}{rows}</table>{note}"


def read_stretches(clip: Clip, run: RunContext, count: int = 4, length: int = 25) -> list[Stretch]:
    """Read some stretches of a clip.

    Args:
        clip: a film with its shots marked.
        count: number of stretches, evenly spread.
        length: frames in each.
    """
    length = min(length, len(clip))
    room = len(clip) - length
    count = max(min(count, len(clip) // length), 1)
    parts = [(n + 0.5) / count for n in range(count)] if count > 1 else [0.5]
    return [read_stretch(clip, round(room * part), length, run) for part in parts]


def read_stretch(clip: Clip, first: int, length: int, run: RunContext) -> Stretch:
    """Read up to `length` consecutive frames, and find the shots in them."""
    stop = min(first + length, len(clip))
    with closing(prefetch(clip.frames(first, stop, run))) as frames:
        seen = list(frames)
    shots: list[list[Frame]] = []
    for frame in seen:
        if frame.cut or not shots or not _same_shot(shots[-1][-1].image, frame.image):
            shots.append([])
        shots[-1].append(frame)
    return Stretch(seen, shots)


def _same_shot(one: np.ndarray, two: np.ndarray) -> bool:
    """Tell whether two frames are of the same shot, for a film whose shots are not marked."""
    a, b = (small_brightness(image, 32).ravel() for image in (one, two))
    spread = float(a.std() * b.std())
    return spread < 1 or float(np.mean((a - a.mean()) * (b - b.mean()))) > 0.4 * spread


def smooth_curve(values: np.ndarray, reach: int = 6) -> np.ndarray:
    """Smooth values, (n, k), over time: each becomes that of a line fitted to its neighbours.

    Flicker and shake are measured as deviations from this curve, since a slow change is not flicker
    and a pan is not shake.
    """
    made = np.empty_like(values)
    for at in range(len(values)):
        first, last = max(at - reach, 0), min(at + reach + 1, len(values))
        ahead = np.arange(first, last) - at
        if len(ahead) < 4:
            made[at] = values[first:last].mean(axis=0)
        else:
            made[at] = np.polyfit(ahead, values[first:last], 1)[-1]
    return made
