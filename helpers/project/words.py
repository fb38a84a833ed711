"""How a project says things: sizes of files, moments of a film, and how two recipes differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

Recipe = Sequence[dict[str, Any]]
"""What a clip is made of; see `Clip.recipe`."""

LONGEST = 40
"""Longer values, like what was found in every frame of a film, are not said."""


def format_bytes(count: float) -> str:
    """Return a size as a person says it: "12 kB", "3.4 MB", "1.2 GB"."""
    if count < 1e6:
        return f"{count / 1e3:.0f} kB"
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"


def format_duration(seconds: float) -> str:
    """Return a length of time in words: "45 seconds", "10 minutes", "2.5 hours"."""
    if seconds < 90:
        return "1 second" if seconds < 1.5 else f"{seconds:.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def format_moment(seconds: float) -> str:
    """Return a moment of a film as players show it: "0:05", "1:02:03", or "0:02.5"."""
    tenths = round(float(seconds) * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    begin = f"{hours}:{minutes:02}" if hours else str(minutes)
    return f"{begin}:{rest // 10:02}" + (f".{rest % 10}" if rest % 10 else "")


def contents(recipe: Recipe) -> list[dict[str, Any]]:
    """Return what counts in a recipe when two are compared.

    Not the name of a film whose sha256 is known, since it may be renamed, and no fields that are
    not given, since an earlier version of this package may not have had them.
    """
    return [
        {
            key: value
            for key, value in row.items()
            if value is not None and (key != "source" or "sha256" not in row)
        }
        for row in recipe
    ]


def describe_steps(recipe: Recipe) -> str:
    """Return the steps of a recipe in words: "Trim, Upscale"."""
    steps = [str(row["stage"]) for row in recipe if "stage" in row and row["stage"] != "MarkShots"]
    return ", ".join(steps) or "the film as it is"


def describe_difference(recipe: Recipe, other: Recipe) -> str:
    """Return in words what a recipe has that another has not: "Upscale with scale 2, not 4"."""
    one, two = contents(recipe), contents(other)
    matcher = SequenceMatcher(None, [_title(row) for row in two], [_title(row) for row in one])
    words: list[str] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            for before, after in zip(two[a:b], one[c:d], strict=True):
                words += _describe_change(after, before)
        else:
            words += [f"with {_title(row)}" for row in one[c:d]]
            words += [f"without {_title(row)}" for row in two[a:b]]
    return "; ".join(words)


def _title(row: dict[str, Any]) -> str:
    return str(row.get("stage", "the film"))


def _describe_change(row: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    """Yield what differs between two rows of the same stage, or between two films."""
    keys = [key for key in {**other, **row} if row.get(key) != other.get(key)]
    if keys and "stage" not in row:
        yield "another film"
        return
    for key in keys:
        new, old = _say(row.get(key)), _say(other.get(key))
        said = f"{key} {new}, not {old}" if max(map(len, (new, old))) <= LONGEST else f"other {key}"
        yield f"{_title(row)} with {said}"


def _say(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_say, value)) or "none"
    return "none" if value is None else str(value)
