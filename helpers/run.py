"""The context of a run, which is passed on from its start to the last stage.

    run = RunContext(progress=True)
    for frame in clip.frames(0, 100, run): ...
    run.stopwatch.seconds, run.notes        # {"read": 0.2, "Upscale": 7.9}, [...]

Without one, `clip.frames()` makes its own: this machine, no progress bar, no project.
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
    """Keeps the results of analyses of a whole film; `Project.keep` is one."""

    def __call__(self, name: str, clip: Clip, kind: type[T], find: Callable[[], T]) -> T:
        """Return the result for a clip that was kept before, or find it and keep it.

        Args:
            name: the name that it is kept under: that of the stage that needs it.
            clip: the clip that is analysed; another clip is analysed anew.
            kind: the dataclass of the result.
            find: analyses the clip.
        """
        ...


def _find_anew(name: str, clip: Clip, kind: type[T], find: Callable[[], T]) -> T:
    """Analyse the clip, and keep nothing; used without a project."""
    return find()


class Stopwatch:
    """Adds up seconds of work by name, from any thread.

    Attributes:
        seconds: seconds by the name of the stage; "read" is the film itself.
    """

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._adding = threading.Lock()

    def add(self, name: str, seconds: float) -> None:
        """Add seconds of work."""
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
        """Yield items, adding up the time it takes to get them."""
        while True:
            with self:
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item

    def take(self) -> float:
        """Return the seconds so far, and start again from 0."""
        seconds, self.seconds = self.seconds, 0.0
        return seconds


@dataclass(frozen=True, eq=False)
class RunContext:
    """One run: its machine, its times, its progress bars and its notes.

    Attributes:
        machine: the device that networks run on, and how much memory they may use.
        stopwatch: seconds spent, by stage.
        progress: whether progress bars are shown.
        notes: what was decided for the user, in sentences.
        keep: keeps the results of analyses of the whole film.
    """

    machine: Runtime = field(default_factory=runtime)
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    progress: bool = False
    notes: list[str] = field(default_factory=list)
    keep: Keep = _find_anew

    def bar(self, items: Iterable[T], total: int, label: str) -> Iterable[T]:
        """Yield items and show a progress bar, if `progress` is set."""
        return bar(items, total, label, self.progress)
