"""Decide which frames repeat an earlier one; the decisions can be changed by hand.

found = find_duplicates(clip)        # one pass over the film; nothing is removed yet
found                                # shows the cadence in words and a table of the shots
found.write_csv("duplicates.csv")    # change "drop" and "keep" in any editor
found = read_csv("duplicates.csv", clip)
found = review_duplicates("duplicates.csv", clip)    # all of this: what a person changed is kept
better = found.stage(retime="even")(clip)
"""

from __future__ import annotations

import html
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from pathlib import Path

from helpers.clip import Clip
from helpers.errors import StageError
from helpers.run import RunContext
from helpers.stages.duplicates.csv_table import (
    BY_HAND,
    Decision,
    OtherFilmError,
    read_table,
    write_table,
)
from helpers.stages.duplicates.describe import (
    describe_pattern,
    find_period,
    format_number,
    name_original,
)
from helpers.stages.duplicates.find import Repeats, find_decisions, first_frames
from helpers.stages.duplicates.stage import RemoveDuplicates

log = logging.getLogger("helpers")


@dataclass(frozen=True, eq=False, repr=False)
class Duplicates:
    """A decision for every frame of a film.

    Attributes:
        times: the start of every frame, in exact seconds.
        end: when the last frame ends.
        shots: the number of each shot's first frame.
        decisions: one for each frame.
    """

    times: tuple[Fraction, ...]
    end: Fraction
    shots: tuple[int, ...]
    decisions: tuple[Decision, ...]

    @property
    def dropped(self) -> tuple[int, ...]:
        """The numbers of the frames to remove."""
        return tuple(n for n, decision in enumerate(self.decisions) if not decision.keep)

    @property
    def doubtful(self) -> tuple[int, ...]:
        """The numbers of the frames that a person should check, the most doubtful first."""
        rows = [(abs(d.chance - 0.5), n) for n, d in enumerate(self.decisions) if d.doubtful]
        return tuple(number for _, number in sorted(rows))

    @property
    def by_hand(self) -> tuple[int, ...]:
        """The numbers of the frames that a person decided about."""
        return tuple(n for n, decision in enumerate(self.decisions) if decision.reason == BY_HAND)

    @property
    def kinds(self) -> Counter[int]:
        """How many dropped frames repeat a frame 1, 2, 3 ... back."""
        rows = enumerate(self.decisions)
        return Counter(n - d.repeats for n, d in rows if not d.keep and d.repeats is not None)

    @property
    def repeats(self) -> Repeats:
        """The times at which the frames to remove begin."""
        return Repeats(tuple(self.times[number] for number in self.dropped))

    def stage(self, retime: str = "keep") -> RemoveDuplicates:
        """Return the stage that removes the frames.

        Args:
            retime: "keep" or "even", as in `RemoveDuplicates`.
        """
        return RemoveDuplicates(self.repeats.dropped, retime)

    def changed(self, keep: tuple[int, ...] = (), drop: tuple[int, ...] = ()) -> Duplicates:
        """Return a copy with some decisions changed by hand.

        Args:
            keep, drop: numbers of frames to keep and to remove.

        Raises:
            StageError: there is no such frame, or it begins a shot and must be kept.
        """
        decisions = list(self.decisions)
        for numbers, keeps in ((keep, True), (drop, False)):
            for number in numbers:
                self._check(number, keeps)
                if decisions[number].keep != keeps:
                    decisions[number] = replace(decisions[number], keep=keeps, reason=BY_HAND)
        return replace(self, decisions=tuple(decisions))

    def _check(self, number: int, keeps: bool) -> None:
        if not 0 <= number < len(self.times):
            raise StageError(
                f"There is no frame {number}. The film has {len(self.times)} frames, "
                f"0 to {len(self.times) - 1}."
            )
        if not keeps and number in self.shots:
            raise StageError(
                f"Frame {number} cannot be dropped, because it begins a shot: the previous shot "
                "would be shown until the next frame. Keep it, and drop the frame after it instead."
            )

    def spans(self) -> Iterator[tuple[int, int]]:
        """Yield the half-open range of frame numbers of each shot."""
        return zip(self.shots, (*self.shots[1:], len(self.times)), strict=True)

    def cadences(self) -> list[str]:
        """Describe the repeated frames of each shot in words."""
        return [self._describe_cadence(start, stop) for start, stop in self.spans()]

    def _describe_cadence(self, start: int, stop: int) -> str:
        keeps = [decision.keep for decision in self.decisions[start:stop]]
        dropped, doubtful = keeps.count(False), sum(start <= n < stop for n in self.doubtful)
        end = self.times[stop] if stop < len(self.times) else self.end
        rate = len(keeps) / (end - self.times[start])
        if not dropped:
            words = "no repeats"
        elif period := find_period(keeps):
            new = period - round(period * dropped / len(keeps))
            words = (
                f"{format_number(rate * new / period)} of {format_number(rate)} frames per second "
                f"are new: {describe_pattern(keeps, period)}"
            )
        else:
            words = f"{dropped} of {len(keeps)} frames are repeats, in no regular order"
        return words + (f"; {doubtful} doubtful" if doubtful else "")

    def summary(self) -> str:
        """Describe the decisions in a sentence or two."""
        if not self.dropped:
            words = f"None of {len(self.times)} frames is a repeat."
        else:
            kinds = sorted(self.kinds.items())
            counts = ", ".join(f"{count} of {name_original(back)}" for back, count in kinds)
            words = f"{len(self.dropped)} of {len(self.times)} frames are repeats"
            words += f" ({counts})." if counts else "."
        if self.doubtful:
            some = len(self.doubtful)
            words += f" {some} {'is' if some == 1 else 'are'} doubtful, because little moves."
        if some := len(self.by_hand):
            words += f" {some} {'was' if some == 1 else 'were'} decided by hand."
        return words

    def __repr__(self) -> str:
        lines = [
            f"  shot {number}, from {float(self.times[start]):.2f} s: {words}"
            for number, (start, words) in enumerate(
                zip(self.shots, self.cadences(), strict=True), 1
            )
        ]
        return "\n".join([self.summary(), *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{number}</td><td>{float(self.times[start]):.2f}</td><td>{stop - start}</td>"
            f"<td style='text-align:left'>{html.escape(words)}</td></tr>"
            for number, ((start, stop), words) in enumerate(
                zip(self.spans(), self.cadences(), strict=True), 1
            )
        )
        head = "<tr><th>shot</th><th>from (s)</th><th>frames</th><th>repeated frames</th></tr>"
        return f"<p>{html.escape(self.summary())}</p><table>{head}{rows}</table>"

    def write_csv(self, path: str | Path) -> Path:
        """Write the decisions as a table for any editor or spreadsheet."""
        return write_table(path, self.times, self.shots, self.decisions)


def find_duplicates(clip: Clip, run: RunContext | None = None) -> Duplicates:
    """Find the frames that repeat an earlier one, in one pass over the film; see `find`.

    Args:
        clip: a film with its shots marked.
        run: the run that the search belongs to; a new one if not given.
    """
    shots, decisions = find_decisions(clip, run)
    return Duplicates(tuple(clip.times), clip.end, shots, decisions)


def review_duplicates(path: str | Path, clip: Clip, run: RunContext | None = None) -> Duplicates:
    """Return the decisions in a table if a person changed any; otherwise find them, and write it.

    Args:
        path: the table. One that was made for another film is renamed, with a note in the log.
        clip: a film with its shots marked.
        run: the run that the search belongs to; a new one if not given.

    Raises:
        StageError: a row that a person changed is not valid.
    """
    path = Path(path)
    if path.exists():
        try:
            known = read_csv(path, clip)
        except OtherFilmError as error:
            names = (path.with_name(f"{path.stem}_old{n}{path.suffix}") for n in count(1))
            aside = path.rename(next(name for name in names if not name.exists()))
            log.warning("%s It was kept as %s, and a new one was written.", error, aside.name)
        else:
            if known.by_hand:
                return known
    found = find_duplicates(clip, run)
    found.write_csv(path)
    return found


def read_csv(path: str | Path, clip: Clip) -> Duplicates:
    """Read decisions that `Duplicates.write_csv` wrote and a person changed.

    Args:
        path: the table, with commas, semicolons or tabs between its columns.
        clip: the film that it was made for.

    Raises:
        StageError: the table is for another film, or a row is not valid.
    """
    times = tuple(clip.times)
    decisions = read_table(path, times)
    found = Duplicates(times, clip.end, first_frames(clip), decisions)
    for number, decision in enumerate(decisions):
        found._check(number, decision.keep)
    return found
