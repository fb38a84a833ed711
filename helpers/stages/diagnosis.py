"""Looking at a few stretches of a film to tell what is wrong with it.

Every cleaner measures its own fault; see `cleaners.CLEANERS`. Here is what they share: the frames
that are looked at, and the answer, which shows itself in a notebook.

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
    """Some frames that follow each other, and where their shots begin.

    Attributes:
        frames: in order.
        shots: the same, shot by shot, even if nobody has marked the cuts.
    """

    frames: Sequence[Frame]
    shots: Sequence[Sequence[Frame]]

    @property
    def middle(self) -> tuple[np.ndarray, np.ndarray | None]:
        """A picture from the middle of the longest shot, and the next one, if there is one."""
        shot = max(self.shots, key=len)
        at = len(shot) // 2
        return shot[at].image, shot[at + 1].image if len(shot) > 2 else None


@dataclass(frozen=True, eq=False)
class Look:
    """What every cleaner is given to find its fault in.

    Attributes:
        film: the clip as it is.
        clip: the clip without its repeated frames, if these were looked for; else the film.
        stretches: some places of `clip`, spread evenly.
        run: what the looking belongs to.
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
        """Return what most of the film has of a fault, given a value for each of `shots`.

        The median, each shot weighing as much as it has frames: a fault is in most of the film,
        while a dissolve or a blow to the camera is in one stretch.
        """
        weights = [len(shot) for shot in self.shots]
        order = np.argsort(values, kind="stable")
        upto = np.searchsorted(np.cumsum(np.array(weights)[order]), sum(weights) / 2)
        return round(float(values[order[upto]]), 2)


class Measured(Protocol):
    """What a cleaner measured; a frozen dataclass with whatever its sentence needs."""

    @property
    def amount(self) -> float:
        """How much of the fault there is: compared with the cleaner's threshold."""
        ...


@dataclass(frozen=True)
class Fault:
    """What was found of one fault.

    Attributes:
        name: of the fault and of its cleaner.
        measured: what was measured; its `amount` decides.
        needed: whether there is so much of it that it shows.
        advised: whether a film that has it is cleaned of it without asking a person.
        sentence: the same in words.
    """

    name: str
    measured: Any
    needed: bool
    advised: bool
    sentence: str

    @property
    def amount(self) -> float:
        """How much of it there is, in the cleaner's own unit."""
        return self.measured.amount


@dataclass(frozen=True)
class Diagnosis:
    """What was found, fault by fault, in the order in which the cleaners are used.

    Attributes:
        frames: how many were looked at.
        faults: one for each cleaner that looked.
    """

    frames: int
    faults: tuple[Fault, ...]

    def __getitem__(self, name: str) -> Fault:
        return {fault.name: fault for fault in self.faults}[name]

    @property
    def words(self) -> tuple[str, ...]:
        """What is the matter, one sentence each; faults first."""
        return tuple(f.sentence for f in sorted(self.faults, key=lambda fault: not fault.needed))

    @property
    def advice(self) -> tuple[str, ...]:
        """The cleaners that the film needs, in the order in which they are to be used."""
        names = tuple(fault.name for fault in self.faults if fault.needed and fault.advised)
        # Noise is measured on the blocks' own pattern where there are blocks.
        return tuple(name for name in names if name != "noise" or "blocks" not in names)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{'&#9679;' if fault.needed else '&#9675;'}</td>"
            f"<td style='text-align:left'>{html.escape(fault.sentence)}</td>"
            f"<td>{fault.name if fault.needed else ''}</td></tr>"
            for fault in self.faults
        )
        head = "<tr><th></th><th>what was found</th><th>cleaner</th></tr>"
        note = f"<p>From {self.frames} frames, spread over the film.</p>"
        return f"<table>{head}{rows}</table>{note}"


def read_stretches(clip: Clip, run: RunContext, count: int = 4, length: int = 25) -> list[Stretch]:
    """Read some stretches of a clip.

    Args:
        clip: a film that knows its shots.
        count: how many places are looked at, spread evenly.
        length: frames of each.
    """
    length = min(length, len(clip))
    room = len(clip) - length
    count = max(min(count, len(clip) // length), 1)
    parts = [(n + 0.5) / count for n in range(count)] if count > 1 else [0.5]
    return [_read(clip, round(room * part), length, run) for part in parts]


def _read(clip: Clip, first: int, length: int, run: RunContext) -> Stretch:
    with closing(prefetch(clip.frames(first, first + length, run))) as frames:
        seen = list(frames)
    shots: list[list[Frame]] = []
    for frame in seen:
        if frame.cut or not shots or not _alike(shots[-1][-1].image, frame.image):
            shots.append([])
        shots[-1].append(frame)
    return Stretch(seen, shots)


def _alike(one: np.ndarray, two: np.ndarray) -> bool:
    """Tell whether two frames are of one shot, for a film whose shots nobody has looked for."""
    a, b = (small_brightness(image, 32).ravel() for image in (one, two))
    spread = float(a.std() * b.std())
    return spread < 1 or float(np.mean((a - a.mean()) * (b - b.mean()))) > 0.4 * spread


def smooth_course(values: np.ndarray, reach: int = 6) -> np.ndarray:
    """Return values (n, k) with every one replaced by the straight line through its neighbours.

    A slow change is no flicker, and a pan no shake: both are measured against a smooth course.
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
