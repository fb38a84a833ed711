"""The progress bar of the whole package."""

from __future__ import annotations

import sys
from typing import TextIO


def bar(items, total: int, label: str, show: bool = True, unit: str = "frame"):  # noqa: ANN001, ANN201
    """Wrap an iterator in a progress bar; without an iterator, return a bar to update by hand.

    Args:
        total: how many there will be; 0 if nobody knows.
        unit: what is counted. Bytes, "B", are shown as kB and MB, and their rate as MB/s.
    """
    from tqdm import tqdm

    return tqdm(
        items,
        total=total,
        desc=label,
        unit=unit,
        unit_scale=unit == "B",
        ascii=True,
        mininterval=1,
        disable=not show,
        file=bar_stream(),
    )


def in_notebook() -> bool:
    """Tell whether this runs in a notebook's kernel."""
    return "ipykernel" in sys.modules


def bar_stream() -> TextIO:
    """Return where progress is written: a notebook shows stderr as if it were an error."""
    return sys.stdout if in_notebook() else sys.stderr
