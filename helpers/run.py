"""What a run is handed on, from whoever starts it down to the last stage.

    run = RunContext(progress=True)
    for frame in clip.frames(0, 100, run): ...
    run.stopwatch.seconds, run.notes        # {"read": 0.2, "Upscale": 7.9}, [...]

Without one, `clip.frames()` makes its own: this machine, no bar, nothing kept.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Protocol, TypeVar

from helpers.progress import bar
from helpers.runtime.machine import Runtime, runtime

if TYPE_CHECKING:
    from helpers.clip import Clip

T = TypeVar("T")


class Keep(Protocol):
    """Where what was found by looking at a whole film is kept; `Project.kept` is one."""

    def __call__(self, name: str, clip: Clip, kind: type[T], find: Callable[[], T]) -> T:
        """Return what was found for a clip before, or find it and keep it.

        Args:
            name: under which it is kept: that of the stage it is for.
            clip: what it was found for; for any other it is found anew.
            kind: the dataclass that holds it.
            find: finds it.
        """
        ...


def find_anew(name: str, clip: Clip, kind: type[T], find: Callable[[], T]) -> T:
    """Find it: where there is no project to keep it."""
    return find()


class Stopwatch:
    """Adds up seconds of work by name, from any thread.

    Attributes:
        seconds: by the name of the stage that spent them; "read" is the film itself.
    """

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._adding = threading.Lock()

    def add(self, name: str, seconds: float) -> None:
        """Book seconds of work."""
        with self._adding:
            self.seconds[name] += seconds  # type: ignore[assignment]


class Lap:
    """Adds up the seconds of `with` blocks, or of waiting for an iterator."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._begun = perf_counter()

    def __exit__(self, *error: object) -> None:
        self.seconds += perf_counter() - self._begun

    def watch(self, items: Iterator[T]) -> Iterator[T]:
        """Pass items on, adding up the time it takes to get them."""
        while True:
            with self:
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item

    def take(self) -> float:
        """Return the seconds so far and begin again."""
        seconds, self.seconds = self.seconds, 0.0
        return seconds


@dataclass(frozen=True, eq=False)
class RunContext:
    """One run: where it happens, how long it takes, and what is said about it.

    Attributes:
        machine: what networks run on, and how much memory they may use.
        stopwatch: seconds spent, by stage.
        progress: whether bars are shown.
        notes: what was decided for the user, in sentences.
        keep: where what was found by looking at the whole film is kept.
    """

    machine: Runtime = field(default_factory=runtime)
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    progress: bool = False
    notes: list[str] = field(default_factory=list)
    keep: Keep = find_anew

    def bar(self, items: Iterable[T], total: int, label: str) -> Iterable[T]:
        """Pass items on under a progress bar, if bars are shown."""
        return bar(items, total, label, self.progress)
