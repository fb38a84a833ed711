"""What a trial found: which choice comes nearest to the truth, and how sure that is."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.stats import t as student

from helpers.catalog.table import align_columns
from helpers.project.words import format_duration, format_moment
from helpers.quality.full_reference import MEASURES, Measure

SOUND_MEASURES = {
    "si_sdr": Measure("SI-SDR", "dB", "how far the sound is from the truth", "high", 2),
    "stoi": Measure("STOI", "", "how well speech can be understood", "high", 3),
}

AS_IT_IS = "as it is"
"""The label of doing nothing."""

ALL_MEASURES = {**MEASURES, **SOUND_MEASURES}


@dataclass(frozen=True, eq=False)
class Example:
    """One moment as a choice made it.

    Attributes:
        time: of the film, in seconds.
        made, truth: (H, W, 3) RGB.
    """

    time: Fraction
    made: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True, eq=False)
class Choice:
    """What was found for one choice.

    Attributes:
        label: its name.
        values: for each measure, its value at every moment.
        scores: how near to the truth it came at every moment; more is better.
        seconds: how long the whole film would take on this machine.
        best, worst: the moments where it gains most and least beside the plain choice; None for
            sound.
    """

    label: str
    values: dict[str, tuple[float, ...]]
    scores: tuple[float, ...]
    seconds: float
    best: Example | None = field(default=None, repr=False)
    worst: Example | None = field(default=None, repr=False)

    @property
    def score(self) -> float:
        """The mean score."""
        return float(np.mean(self.scores))

    def mean(self, measure: str) -> float:
        """Return the mean of a measure over the moments."""
        return float(np.mean(self.values[measure]))

    def spread(self, measure: str) -> float:
        """Return half the width of the 95 % interval of the mean of a measure."""
        return half_interval(self.values[measure])


def half_interval(values: Sequence[float]) -> float:
    """Return half the 95 % interval of a mean (Student's t); infinite for one value."""
    if len(values) < 2:
        return float("inf")
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    return float(student.ppf(0.975, len(values) - 1)) * error


@dataclass(frozen=True, eq=False)
class Judgement:
    """How near to the truth several choices came.

    Attributes:
        words: how the film was made worse, in a sentence.
        moments: the times in the film that were tried, in seconds.
        choices: what was found, the nearest to the truth first.
        plain: the label of the choice that does nothing special.
        notes: what could not be measured.
        what: what was made worse: the film, or its sound.
    """

    words: str
    moments: tuple[Fraction, ...]
    choices: tuple[Choice, ...]
    plain: str
    notes: tuple[str, ...] = ()
    what: str = "film"

    @property
    def best(self) -> Choice:
        """The choice that comes nearest to the truth."""
        return self.choices[0]

    def __getitem__(self, label: str) -> Choice:
        return {choice.label: choice for choice in self.choices}[label]

    def is_as_good(self, label: str) -> bool:
        """Tell whether a choice cannot be told from the best one by these moments."""
        away = np.subtract(self.best.scores, self[label].scores)
        return float(away.mean()) <= half_interval(tuple(away))

    @property
    def wins(self) -> dict[str, int]:
        """At how many moments each choice is the nearest."""
        table = np.array([choice.scores for choice in self.choices])
        first = table.argmax(axis=0)
        return {one.label: int(np.sum(first == n)) for n, one in enumerate(self.choices)}

    @property
    def sentence(self) -> str:
        """The result in a sentence or two."""
        count, best = len(self.moments), self.best.label
        if len(self.choices) == 1:
            return f"{best} was tried on {count} moments."
        equal = [c.label for c in self.choices[1:] if self.is_as_good(c.label)]
        won = self.wins[best]
        said = f"{best} comes nearest to the truth, and is the nearest at {won} of {count} moments."
        if equal:
            said += f" {_join(equal)} cannot be told from it by these moments."
        if self.plain not in (best, *equal):
            said += self._say_plain()
        return said

    def _say_plain(self) -> str:
        """Say where the plain choice is as good as the best."""
        pairs = zip(self.moments, self[self.plain].scores, self.best.scores, strict=True)
        times = [float(time) for time, plain, best in pairs if plain >= best]
        if not times:
            return f" {self.plain} is further from it at every moment."
        shown = _join([format_moment(time) for time in sorted(times)[:4]])
        more = " and elsewhere" if len(times) > 4 else ""
        return f" {self.plain} is as good at {shown}{more}."

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that were taken, in the order in which they are shown."""
        return tuple(name for name in ALL_MEASURES if name in self.choices[0].values)

    def to_json(self) -> dict[str, Any]:
        """Return what was found as JSON-able values, without pictures."""
        return {
            "words": self.words,
            "sentence": self.sentence,
            "moments": [float(time) for time in self.moments],
            "plain": self.plain,
            "notes": list(self.notes),
            "choices": [
                {
                    "label": one.label,
                    "seconds": round(one.seconds, 1),
                    "score": round(one.score, 4),
                    "as_good_as_the_best": self.is_as_good(one.label),
                    "nearest_at": self.wins[one.label],
                    "measures": {name: self._describe(one, name) for name in self.measures},
                }
                for one in self.choices
            ],
        }

    @staticmethod
    def _describe(one: Choice, name: str) -> dict[str, Any]:
        measure, half = ALL_MEASURES[name], one.spread(name)
        return {
            "title": measure.title,
            "unit": measure.unit,
            "meaning": measure.meaning,
            "mean": round(one.mean(name), 5),
            "interval": round(half, 5) if np.isfinite(half) else None,
        }

    def _rows(self) -> list[list[str]]:
        head = ["", "nearest at", *map(_head, self.measures), "whole film"]
        rows = [head]
        for one in self.choices:
            mark = " *" if one is not self.best and self.is_as_good(one.label) else ""
            cells = [f"{one.label}{mark}", f"{self.wins[one.label]} of {len(self.moments)}"]
            for name in self.measures:
                digits = ALL_MEASURES[name].digits
                half = one.spread(name)
                more = f" ±{half:.{digits}f}" if np.isfinite(half) else ""
                cells.append(f"{one.mean(name):.{digits}f}{more}")
            rows.append([*cells, format_duration(one.seconds)])
        return rows

    def __repr__(self) -> str:
        lines = align_columns(self._rows())
        return "\n".join([self.sentence, "", *lines, "", *self._footnotes()])

    def _repr_html_(self) -> str:
        head, *rows = self._rows()
        titles = ["", "at how many moments it is the nearest to the truth"]
        titles += [ALL_MEASURES[name].meaning for name in self.measures]
        titles += ["how long the whole film takes on this machine"]
        cells = "".join(
            f"<th title='{html.escape(title)}'>{html.escape(cell)}</th>"
            for cell, title in zip(head, titles, strict=True)
        )
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self._footnotes())
        said = html.escape(self.sentence)
        return f"<p><b>{said}</b></p><table><tr>{cells}</tr>{body}</table>{notes}"

    def _footnotes(self) -> list[str]:
        how = f"The {self.what} was {self.words}, and what it was before is the truth."
        sure = "± is the 95 % interval of the mean over the moments."
        equal = any(self.is_as_good(one.label) for one in self.choices[1:])
        star = ["* cannot be told from the first by these moments."] if equal else []
        return [how, sure, *star, *self.notes]


def _head(name: str) -> str:
    measure = ALL_MEASURES[name]
    return f"{measure.title}, {measure.unit}" if measure.unit else measure.title


def _join(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
