"""Parameters of which some are tried with every edit and all with `make test`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pytest


def kinds(every: Iterable[str], quick: Collection[str]) -> list:
    """Parameters for `every` kind; all but the `quick` ones are marked slow."""
    return [pytest.param(kind, marks=() if kind in quick else pytest.mark.slow) for kind in every]
