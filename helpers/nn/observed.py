"""Observe which networks are run, and on what. Without PyTorch, for films without a network.

with observe() as seen:
    ...                     # make a few frames
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from helpers.nn.backends import Runner


@dataclass
class Seen:
    """What was seen of a network: its last inputs, and how often it was run."""

    inputs: tuple[Any, ...]
    calls: int = 0


_observers: list[dict[Runner, Seen]] = []
_lock = threading.Lock()


@contextmanager
def observe() -> Iterator[dict[Runner, Seen]]:
    """Observe the networks that are run in any thread, until the block ends."""
    seen: dict[Runner, Seen] = {}
    with _lock:
        _observers.append(seen)
    try:
        yield seen
    finally:
        with _lock:
            _observers[:] = [one for one in _observers if one is not seen]


def tell_observers(runner: Runner, inputs: tuple[Any, ...]) -> None:
    """Tell those who observe that a network is run on these inputs."""
    if not _observers:
        return
    with _lock:
        for seen in _observers:
            entry = seen.setdefault(runner, Seen(inputs))
            entry.inputs, entry.calls = inputs, entry.calls + 1
