"""Measurements over time as inline SVG: before and after, without any plotting library.

draw_plot(Plot("sharpness", "dB", times, before, after))
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

WIDE, HIGH = 640, 160
"""The size of a plot, in its own units."""

LEFT, BELOW, ABOVE = 64, 22, 10
"""Room for the numbers at the left and below, and above the curves."""

POINTS = 400
"""The most points of a curve: more than a phone has columns."""


@dataclass(frozen=True)
class Plot:
    """Something that was measured over time.

    Attributes:
        name, unit: what was measured, and in what.
        times: in seconds.
        before, after: its values; NaN, or None, where it could not be measured.
        cuts: when shots begin, in seconds.
    """

    name: str
    unit: str
    times: Sequence[float]
    before: Sequence[float | None]
    after: Sequence[float | None]
    cuts: Sequence[float] = ()


def read_plots(measures: Any) -> list[Plot]:
    """Return the plots in the measures of a report; those that are not whole are left out.

    Args:
        measures: what `Measures.to_json` wrote; anything else has no plots.
    """
    if not isinstance(measures, dict):
        return []
    rows, times = measures.get("courses"), measures.get("moments")
    rows = list(rows) if isinstance(rows, list) else []
    changed = measures.get("changed")
    if isinstance(changed, list):
        title = "how much of the picture was changed"
        rows.append(
            {"title": title, "unit": "share", "before": [None] * len(changed), "after": changed}
        )
    found = (_read_plot(row, times, measures.get("cuts", ())) for row in rows)
    return [plot for plot in found if plot is not None]


def _read_plot(row: Any, moments: Any, shots: Any) -> Plot | None:
    try:
        name, unit = str(row["title"]), str(row["unit"])
        times = [float(value) for value in moments]
        cuts = [value for value in map(float, shots) if times[0] < value < times[-1]]
        before, after = ([_number(value) for value in row[side]] for side in ("before", "after"))
    except (IndexError, KeyError, TypeError, ValueError):
        return None
    whole = len(times) == len(before) == len(after) > 1 and all(map(math.isfinite, times))
    return Plot(name, unit, times, before, after, cuts) if whole else None


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(float(value)) else float(value)


def draw_plot(plot: Plot) -> str:
    """Return a plot as SVG; its colours are those of the classes "before" and "after"."""
    known = [v for side in (plot.before, plot.after) for v in side if v is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    low = 0.0 if low > 0 else low  # so that a small difference looks small
    first, last = min(plot.times), max(plot.times)
    room = (high - low) or 1.0

    def place(time: float, value: float) -> str:
        x = LEFT + (time - first) / ((last - first) or 1.0) * (WIDE - LEFT)
        y = ABOVE + (high - value) / room * (HIGH - ABOVE - BELOW)
        return f"{x:.1f},{y:.1f}"

    curves = "".join(
        f'<polyline class="{side}" points="{" ".join(place(*point) for point in run)}"/>'
        for side, values in (("before", plot.before), ("after", plot.after))
        for run in _split(plot.times, values)
    )
    shots = "".join(
        f"M{place(cut, high).split(',')[0]} {ABOVE}V{HIGH - BELOW}" for cut in plot.cuts
    )
    title = html.escape(f"{plot.name}, {plot.unit}" if plot.unit else plot.name)
    bottom = HIGH - BELOW
    return (
        f'<figure class="plot"><figcaption>{title}</figcaption><svg viewBox="0 0 {WIDE} {HIGH}" '
        f'role="img" aria-label="{title}, before and after"><path d="M{LEFT} {ABOVE}V{bottom}'
        f'H{WIDE}"/><path class="shots" d="{shots}"/>{curves}'
        f'<text x="{LEFT - 6}" y="{ABOVE + 4}" class="end">{high:.3g}</text>'
        f'<text x="{LEFT - 6}" y="{bottom}" class="end">{low:.3g}</text>'
        f'<text x="{LEFT}" y="{HIGH - 5}">{first:.4g} s</text>'
        f'<text x="{WIDE}" y="{HIGH - 5}" class="end">{last:.4g} s</text></svg></figure>'
    )


def _split(
    times: Sequence[float], values: Sequence[float | None]
) -> Iterator[list[tuple[float, float]]]:
    """Yield the points of every run of known values, of all at most POINTS."""
    step = math.ceil(len(times) / POINTS)
    run: list[tuple[float, float]] = []
    for time, value in zip(times[::step], values[::step], strict=True):
        if value is not None and math.isfinite(value):
            run.append((time, value))
        elif run:
            yield run
            run = []
    if run:
        yield run
