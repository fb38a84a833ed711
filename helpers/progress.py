"""The progress bar of the whole package."""

from __future__ import annotations

import sys


def bar(items, total: int, label: str, show: bool = True):  # noqa: ANN001, ANN201
    """Wrap an iterator in a progress bar; without an iterator, return a bar to update by hand."""
    from tqdm import tqdm

    # A notebook shows stderr as if it were an error.
    out = sys.stdout if "ipykernel" in sys.modules else sys.stderr
    return tqdm(
        items,
        total=total,
        desc=label,
        unit="frame",
        ascii=True,
        mininterval=1,
        disable=not show,
        file=out,
    )
