"""The one kind of progress bar there is."""

from __future__ import annotations

import sys


def bar(items, total: int, label: str, show: bool = True):  # noqa: ANN001, ANN201
    """Wrap an iterator in the one kind of progress bar there is."""
    from tqdm import tqdm

    # A notebook shows what goes to stderr as if it were a fault.
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
