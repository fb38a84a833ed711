"""The context of a run, which is passed on from its start to the last stage.

    run = RunContext(progress=True)
    for frame in clip.frames(0, 100, run): ...
    run.stopwatch.seconds, run.notes        # {"read": 0.2, "Upscale": 7.9}, [...]

Without one, `clip.frames()` makes its own: this machine, no progress bar, no project.

A panel that shows how far a run is, or has a button to stop it, is a `Watch`.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from helpers.errors import Stopped
from helpers.progress import bar
from helpers.runtime.machine import Runtime, runtime

if TYPE_CHECKING:
    from helpers.clip import Clip, Frame

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


class Watch(Protocol):
    """Is told how far a run is, and may stop it. All calls come from the thread of the run."""

    def begin(self, label: str, total: int, done: int) -> None:
        """Be told that a piece of work begins.

        Args:
            label: its name: that of a saved stage, "render", or that of a search, "find shots".
            total: how many frames it has.
            done: how many of these were finished by an earlier run.
        """
        ...

    def advance(self, label: str, count: int) -> None:
        """Be told that `count` more frames of a piece of work are finished."""
        ...

    def frame(self, number: int, clip_frame: Frame) -> None:
        """Be shown a frame that was written: its number in its clip, and the frame itself."""
        ...

    def stopped(self) -> bool:
        """Tell whether the run should stop. It is asked for every frame and must be quick."""
        ...


class Unwatched:
    """The `Watch` of a run that nobody watches."""

    def begin(self, label: str, total: int, done: int) -> None:
        """Do nothing."""

    def advance(self, label: str, count: int) -> None:
        """Do nothing."""

    def frame(self, number: int, clip_frame: Frame) -> None:
        """Do nothing."""

    def stopped(self) -> bool:
        """Never stop."""
        return False


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
        decided: the same as options of the command, with their values, for a recipe.
        keep: keeps the results of analyses of the whole film.
        watch: is told how far the run is, and may stop it.
        on_card: whether who reads the frames takes those whose pixels lie on a graphics card; see
            `Stage.on_card`. Others get arrays.
    """

    machine: Runtime = field(default_factory=runtime)
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    progress: bool = False
    notes: list[str] = field(default_factory=list)
    decided: dict[str, Any] = field(default_factory=dict)
    keep: Keep = _find_anew
    watch: Watch = field(default_factory=Unwatched)
    on_card: bool = False

    def bar(self, items: Iterable[T], total: int, label: str) -> Iterator[T]:
        """Yield items, tell the watch of them, and show a progress bar if `progress` is set.

        Raises:
            Stopped: the watch stops the run.
        """
        self.watch.begin(label, total, 0)
        for item in bar(items, total, label, self.progress):
            if self.watch.stopped():
                raise Stopped(
                    f"Stopped. {label.capitalize()!r} was not finished, and begins again the next "
                    "time. Everything that was finished before is kept."
                )
            yield item
            self.watch.advance(label, 1)
