"""Which frames of a film repeat an earlier one: found, explained, and changed by hand.

found = find_duplicates(clip)        # one pass over the film; decides, and drops nothing
found                                # the cadence in words, a table of the shots
found.write_csv("duplicates.csv")    # change "drop" and "keep" in any editor
found = read_csv("duplicates.csv", clip)
better = found.stage(retime="even")(clip)
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from helpers.clip import Clip
from helpers.errors import StageError
from helpers.run import RunContext
from helpers.stages.duplicates.csv_table import Decision, read_table, write_table
from helpers.stages.duplicates.describe import as_number, kind, pattern, period_of
from helpers.stages.duplicates.find import Repeats, find_decisions, first_frames
from helpers.stages.duplicates.stage import RemoveDuplicates


@dataclass(frozen=True, eq=False, repr=False)
class Duplicates:
    """A decision for every frame of a film.

    Attributes:
        times: the start of every frame, in exact seconds.
        end: when the last one ends.
        shots: the number of each shot's first frame.
        decisions: one a frame.
    """

    times: tuple[Fraction, ...]
    end: Fraction
    shots: tuple[int, ...]
    decisions: tuple[Decision, ...]

    @property
    def dropped(self) -> tuple[int, ...]:
        """The numbers of the frames to leave out."""
        return tuple(n for n, decision in enumerate(self.decisions) if not decision.keep)

    @property
    def doubtful(self) -> tuple[int, ...]:
        """The numbers of the frames that a person had better look at, the most doubtful first."""
        rows = [(abs(d.chance - 0.5), n) for n, d in enumerate(self.decisions) if d.doubtful]
        return tuple(number for _, number in sorted(rows))

    @property
    def kinds(self) -> Counter[int]:
        """How many dropped frames repeat a frame 1, 2, 3 ... back."""
        rows = enumerate(self.decisions)
        return Counter(n - d.repeats for n, d in rows if not d.keep and d.repeats is not None)

    @property
    def repeats(self) -> Repeats:
        """When the frames to leave out start: all that the stage has to know."""
        return Repeats(tuple(self.times[number] for number in self.dropped))

    def stage(self, retime: str = "keep") -> RemoveDuplicates:
        """Return the stage that leaves the dropped frames out.

        Args:
            retime: "keep" or "even", as in `RemoveDuplicates`.
        """
        return RemoveDuplicates(self.repeats.dropped, retime)

    def changed(self, keep: tuple[int, ...] = (), drop: tuple[int, ...] = ()) -> Duplicates:
        """Return a copy with some frames decided by hand.

        Raises:
            StageError: there is no such frame, or it begins a shot and has to stay.
        """
        decisions = list(self.decisions)
        for numbers, keeps in ((keep, True), (drop, False)):
            for number in numbers:
                self._check(number, keeps)
                if decisions[number].keep != keeps:
                    decisions[number] = replace(decisions[number], keep=keeps, reason="by hand")
        return replace(self, decisions=tuple(decisions))

    def _check(self, number: int, keeps: bool) -> None:
        if not 0 <= number < len(self.times):
            raise StageError(f"There is no frame {number}; the film has {len(self.times)}.")
        if not keeps and number in self.shots:
            raise StageError(
                f"Frame {number} cannot be dropped: it begins a shot, and until the next frame the "
                "shot before would be shown. Keep it, and drop the one after it."
            )

    def spans(self) -> Iterator[tuple[int, int]]:
        """Give the numbers of each shot's first frame and of the one after its last."""
        return zip(self.shots, (*self.shots[1:], len(self.times)), strict=True)

    def cadences(self) -> list[str]:
        """Say in words what repeats in each shot."""
        return [self._cadence(start, stop) for start, stop in self.spans()]

    def _cadence(self, start: int, stop: int) -> str:
        keeps = [decision.keep for decision in self.decisions[start:stop]]
        dropped, doubtful = keeps.count(False), sum(start <= n < stop for n in self.doubtful)
        end = self.times[stop] if stop < len(self.times) else self.end
        rate = len(keeps) / (end - self.times[start])
        if not dropped:
            said = "no repeats"
        elif period := period_of(keeps):
            new = period - round(period * dropped / len(keeps))
            said = (
                f"{as_number(rate * new / period)} new frames in {as_number(rate)} a second: "
                f"{pattern(keeps, period)}"
            )
        else:
            said = f"{dropped} of {len(keeps)} frames are repeats, in no regular order"
        return said + (f"; {doubtful} doubtful" if doubtful else "")

    def summary(self) -> str:
        """Say in a sentence or two what was found."""
        if not self.dropped:
            said = f"None of {len(self.times)} frames is a repeat."
        else:
            kinds = ", ".join(f"{count} {kind(back)}" for back, count in sorted(self.kinds.items()))
            said = f"{len(self.dropped)} of {len(self.times)} frames are repeats"
            said += f" ({kinds})." if kinds else "."
        if self.doubtful:
            count = len(self.doubtful)
            said += f" {count} {'is' if count == 1 else 'are'} doubtful: too little moves to tell."
        return said

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
        head = "<tr><th>shot</th><th>from, s</th><th>frames</th><th>what repeats</th></tr>"
        return f"<p>{html.escape(self.summary())}</p><table>{head}{rows}</table>"

    def write_csv(self, path: str | Path) -> Path:
        """Write the decisions as a table that any editor or spreadsheet opens."""
        return write_table(path, self.times, self.shots, self.decisions)


def find_duplicates(clip: Clip, run: RunContext | None = None) -> Duplicates:
    """Find the frames that repeat an earlier one, in one pass over the film; see `find`.

    Args:
        clip: a film that knows its shots.
        run: what it belongs to, with a bar if that says so.
    """
    shots, decisions = find_decisions(clip, run)
    return Duplicates(tuple(clip.times), clip.end, shots, decisions)


def read_csv(path: str | Path, clip: Clip) -> Duplicates:
    """Read decisions back that `Duplicates.write_csv` wrote and a person changed.

    Args:
        path: the table; separated by commas, semicolons or tabs, whatever the spreadsheet made.
        clip: the film that it was made for.

    Raises:
        StageError: the table does not belong to the film, or a row cannot be understood.
    """
    times = tuple(clip.times)
    decisions = read_table(path, times)
    found = Duplicates(times, clip.end, first_frames(clip), decisions)
    for number, decision in enumerate(decisions):
        found._check(number, decision.keep)
    return found
