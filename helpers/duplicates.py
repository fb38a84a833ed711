"""Which frames of a film repeat an earlier one: found, explained, and changed by hand.

found = find_duplicates(clip)        # one pass over the film; decides, and drops nothing
found                                # the cadence in words, a table of the shots
found.write_csv("duplicates.csv")    # change "drop" and "keep" in any editor
found = read_csv("duplicates.csv", clip)
better = found.stage(retime="even")(clip)
"""

from __future__ import annotations

import csv
import html
import io
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from helpers.clip import Clip
from helpers.engines.cadence import PERIODS
from helpers.engines.likeness import Likeness, Measures
from helpers.engines.repeats import DOUBTFUL, Verdict, decide
from helpers.engines.steps import LONGEST, floor
from helpers.errors import StageError
from helpers.stage import prefetch
from helpers.stages.duplicates import RemoveDuplicates
from helpers.storage import write_whole
from helpers.writing import bar

COLUMNS = ("frame", "seconds", "shot", "decision", "repeats", "difference", "chance", "reason")
"""Of the CSV. Only `decision` is meant to be changed."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of a frame, and why.

    Attributes:
        keep: whether it stays.
        repeats: the number of the frame that it repeats, or may repeat.
        difference: from that frame, or else from the one before, where they differ most: levels of
            0..255, after the shot is stretched to full contrast. None at the start of a shot.
        chance: how surely it is a repeat, 0..1.
        reason: in words.
    """

    keep: bool
    repeats: int | None
    difference: float | None
    chance: float
    reason: str

    @property
    def doubtful(self) -> bool:
        """Whether a person had better look."""
        return self.chance >= DOUBTFUL and (self.keep or self.chance < 0.95)


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

    def stage(self, retime: str = "keep") -> RemoveDuplicates:
        """Return the stage that leaves the dropped frames out.

        Args:
            retime: "keep" or "even", as in `RemoveDuplicates`.
        """
        return RemoveDuplicates(tuple(self.times[number] for number in self.dropped), retime)

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
        text, path = io.StringIO(), Path(path)
        table = csv.writer(text, lineterminator="\n")
        table.writerow(COLUMNS)
        shot = 0
        for number, (time, decision) in enumerate(zip(self.times, self.decisions, strict=True)):
            shot += number in self.shots[shot : shot + 1]
            far = decision.difference
            row = [number, f"{float(time):.6f}", shot, "keep" if decision.keep else "drop"]
            row += ["" if decision.repeats is None else decision.repeats]
            row += ["" if far is None else f"{far:.2f}", f"{decision.chance:.3f}", decision.reason]
            table.writerow(row)
        write_whole(path, text.getvalue().encode())
        return path


def find_duplicates(clip: Clip, progress: bool = False) -> Duplicates:
    """Find the frames that repeat an earlier one, in one pass over the film.

    Frames are never compared across a cut, so the clip should know its shots, as that of
    `Project.source` does. Memory stays flat but for some 500 bytes a frame: thirty megabytes for a
    film of forty minutes.

    Args:
        progress: show a bar.
    """
    likeness = Likeness()
    with closing(prefetch(clip.frames())) as frames:
        for frame in bar(frames, len(clip), "find duplicates", progress):
            likeness.add(frame.image, frame.cut)
    measures, times = likeness.measures(), tuple(clip.times)
    shots = tuple(bisect_left(times, cut) for cut in clip.cuts)
    found = Duplicates(times, clip.end, shots, ())
    parts = [measures.part(start, stop) for start, stop in found.spans()]
    verdicts = [decide(part) for part in parts]
    # A film is mostly of one cadence: where it was found, it is believed elsewhere on less.
    expected = tuple({verdict.period for verdict in verdicts if verdict.period})
    if expected:
        pairs = zip(parts, verdicts, strict=True)
        verdicts = [
            verdict if verdict.period else decide(part, expected) for part, verdict in pairs
        ]
    rows = zip(shots, parts, verdicts, strict=True)
    return replace(found, decisions=tuple(row for each in rows for row in explain(*each)))


def explain(first: int, measures: Measures, verdict: Verdict) -> Iterator[Decision]:
    """Give the decisions for a shot that begins with frame `first`."""
    stretch = 255 / float(np.clip(np.median(measures.contrast), 4, 255))
    still = 2 * floor(measures.contrast)
    for place, (repeat, chance, back) in enumerate(
        zip(verdict.repeat, verdict.chance, verdict.back, strict=True)
    ):
        if place == 0:
            yield Decision(True, None, None, 0.0, "begins a shot")
            continue
        far = float(measures.distance[place, max(back, 1) - 1, 0])
        original = first + place - int(back) if back else None
        if repeat:
            reason = f"{kind(int(back))}, frame {original}"
            reason += ", in the cadence" if verdict.period and back == 1 else ""
        elif original is not None:
            reason = f"may repeat frame {original}, but too little tells it from motion"
        elif far < still:
            reason = "nothing moves"
        else:
            reason = "moves"
        yield Decision(not repeat, original, far * stretch, float(chance), reason)


def read_csv(path: str | Path, clip: Clip) -> Duplicates:
    """Read decisions back that `Duplicates.write_csv` wrote and a person changed.

    Args:
        path: the table; separated by commas, semicolons or tabs, whatever the spreadsheet made.
        clip: the film that it was made for.

    Raises:
        StageError: the table does not belong to the film, or a row cannot be understood.
    """
    rows = _rows(Path(path))
    if len(rows) != len(clip):
        raise StageError(
            f"{path} has {len(rows)} rows where the film has {len(clip)} frames; keep one row a "
            "frame, and change only the column 'decision'."
        )
    times = tuple(clip.times)
    shots = tuple(bisect_left(times, cut) for cut in clip.cuts)
    found = Duplicates(times, clip.end, shots, ())
    decisions = []
    for number, (row, time) in enumerate(zip(rows, times, strict=True)):
        try:
            decision = _decision(row, number, time)
        except ValueError as error:
            raise StageError(f"{path}, line {number + 2}: {error}") from None
        found._check(number, decision.keep)
        decisions.append(decision)
    return replace(found, decisions=tuple(decisions))


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StageError(f"{path} cannot be read as a table of duplicates: {error}.") from None
    head = text.split("\n", 1)[0]
    mark = max(",;\t", key=head.count)
    table = csv.DictReader(io.StringIO(text), delimiter=mark)
    missing = {"frame", "seconds", "decision"} - set(table.fieldnames or ())
    if missing:
        raise StageError(
            f"{path} has no column {' and '.join(sorted(missing))}; its first line has to be "
            f"{','.join(COLUMNS)}."
        )
    return [row for row in table if any(row.values())]


def _decision(row: dict[str, str], number: int, time: Fraction) -> Decision:
    """Return what a row says; raise ValueError with a sentence if it cannot be understood."""
    if (row["frame"] or "").strip() != str(number):
        raise ValueError(f"frame {number} is due here, and {row['frame']!r} was found.")
    if abs(_number(row, "seconds") - float(time)) > 0.002:
        raise ValueError(
            f"frame {number} starts at {float(time):.3f} s in this film, and at {row['seconds']} s "
            "in the table, which was made for another one."
        )
    word = (row["decision"] or "").strip().lower()
    if word not in ("keep", "drop"):
        raise ValueError(f"the decision is {row['decision']!r}; allowed are keep and drop.")
    repeats = (row.get("repeats") or "").strip()
    if repeats and not (repeats.isdigit() and int(repeats) < number):
        raise ValueError(f"it is said to repeat {repeats!r}, which is no frame before it.")
    return Decision(
        word == "keep",
        int(repeats) if repeats else None,
        _number(row, "difference") if (row.get("difference") or "").strip() else None,
        _number(row, "chance") if (row.get("chance") or "").strip() else 0.0,
        row.get("reason") or "by hand",
    )


def _number(row: dict[str, str], column: str) -> float:
    """Return a number, whichever mark the spreadsheet puts before its decimals."""
    try:
        return float((row[column] or "").strip().replace(",", "."))
    except ValueError:
        raise ValueError(f"{column} is {row[column]!r}, which is not a number.") from None


def period_of(keeps: list[bool]) -> int:
    """Return after how many frames the pattern of dropped frames begins again; 0 if it does not."""
    dropped = {number for number, keep in enumerate(keeps) if not keep}
    if len(dropped) < 3:
        return 0
    for period in PERIODS:
        followed = [number for number in dropped if number + period < len(keeps)]
        again = sum(number + period in dropped for number in followed)
        if 2.5 * period <= len(keeps) and again >= 0.95 * max(len(followed), 1):
            return period
    return 0


def pattern(keeps: list[bool], period: int) -> str:
    """Say how often frames are shown within a period: "shown 3 and 2 times by turns"."""
    start = len(keeps) // 2 - period // 2
    repeated = sum(not keep for keep in keeps[start : start + period])
    shown: list[int] = []
    for keep in keeps[max(start - LONGEST, 0) :]:
        if keep:
            shown.append(1)
        elif shown:
            shown[-1] += 1
    shown = shown[1 : 1 + max(period - repeated, 1)]
    if len(set(shown)) == 1 and shown[0] > 1:
        return f"every frame is shown {times_over(shown[0])}"
    if len(shown) > 4 or len(shown) < 2:
        return f"{repeated} in {period} {'is a repeat' if repeated == 1 else 'are repeats'}"
    first = ", ".join(map(times_over, sorted(shown, reverse=True)[:-1]))
    return f"frames are shown {first} and {times_over(min(shown))} by turns"


def times_over(count: int) -> str:
    """Return "once", "twice", "3 times"."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def kind(back: int) -> str:
    """Say what a repeat of the frame so far back is."""
    if back == 1:
        return "repeats the frame before"
    return f"repeats through {back - 1} other{'s' if back > 2 else ''}"


def as_number(value: Fraction | float) -> str:
    """Return a number with no more decimals than it needs: 24, 23.98."""
    return f"{float(value):.2f}".rstrip("0").rstrip(".")
