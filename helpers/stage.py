"""The one shape of every step: a clip goes in, a clip comes out.

    class Brighten(Stage):
        amount: int
        def process(self, frames, times, run): ...

    brighter = Brighten(amount=10)(clip)      # nothing is computed yet
    brighter[100]                             # one frame is

The law: a range read by itself is bit-identical to the same range of the whole. Resuming,
previewing and random access rest on it, and one contract test holds every stage to it.
"""

from __future__ import annotations

import queue
import threading
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar, TypeVar

import numpy as np

from helpers.clip import Clip, ClipInfo, Frame
from helpers.errors import StageError
from helpers.run import Lap, RunContext, Stopwatch

T = TypeVar("T")


@dataclass(frozen=True)
class Stage:
    """A step of restoration. Subclasses are frozen dataclasses of what changes the *result*.

    What changes only the speed (device, precision, tile, batch) belongs to the Runtime.

    A field named `strength` says how much of the change is made: 0 is the source as it is, whose
    frames are then passed on without asking the stage.

    Attributes:
        heavy: whether the work is worth a thread of its own reading ahead for it.
    """

    heavy: ClassVar[bool] = False

    @property
    def context(self) -> int:
        """How many neighbours on each side a frame's result depends on."""
        return 0

    @property
    def is_identity(self) -> bool:
        """Whether the result is the source, frame for frame; none is then put through `process`."""
        return getattr(self, "strength", 1) == 0

    def _exactly(self, *names: str) -> None:
        """Keep these fields as exact numbers, however they were given, so that equal is equal."""
        for name in names:
            if getattr(self, name) is not None:
                object.__setattr__(self, name, exact(getattr(self, name)))

    def _within(self, **ranges: tuple[float, float]) -> None:
        """Raise StageError unless these fields, where they are given, lie in these ranges."""
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise StageError(
                    f"{type(self).__name__} was given {name}={value}; allowed is {least} to {most}."
                )

    def info(self, source: Clip) -> ClipInfo:
        """What will be true of every frame of the result."""
        return source.info

    def times(self, source: Clip) -> Sequence[Fraction]:
        """The result's timeline."""
        return source.times

    def end(self, source: Clip) -> Fraction:
        """When the result's last frame stops being shown."""
        return source.end

    def cuts(self, source: Clip) -> Sequence[Fraction]:
        """When the result's shots begin: its first frame at or after each of the source's cuts."""
        times = self.times(source)
        return source.cuts if times is source.times else snap(source.cuts, times)

    def window(self, source: Clip, start: int, stop: int) -> tuple[int, int]:
        """Which source frames, half-open, must be seen to make the result's start..stop-1."""
        return max(start - self.context, 0), min(stop + self.context, len(source))

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Make the result's frames at `times` from the source frames of their window.

        Args:
            frames: the source frames of the window, in order.
            times: when the frames to be made are shown.
            run: the machine to work on, and where to note what was decided.

        Yields:
            A frame for each of `times`. Its `cut` need not be set: whoever reads the clip finds it
            as `cuts` says.
        """
        raise NotImplementedError

    def process_from(
        self, start: int, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Do `process` for the result's frames from number `start` on.

        Only a stage whose result depends on a frame's number overrides this.
        """
        return self.process(frames, times, run)

    def recipe(self) -> dict[str, Any]:
        """Say in JSON-able words what this stage does; weight files by their sha256."""
        values = {field.name: plain(getattr(self, field.name)) for field in fields(self)}
        return {"stage": type(self).__name__, **values}

    @property
    def unknown(self) -> tuple[str, ...]:
        """The fields that `analyse` has yet to fill in."""
        return ()

    def analyse(self, clip: Clip, run: RunContext | None = None) -> Stage:
        """Return this stage with everything filled in that must be known of the whole clip.

        The stage itself by default. Only here are frames read before somebody asks for them; what
        is found is kept where `run` says.
        """
        return self

    def __call__(self, clip: Clip) -> Clip:
        """Return the clip that this stage makes of `clip`. No frame is read.

        Raises:
            StageError: something about the clip is not known yet; see `analyse` and `on`.
        """
        if self.unknown:
            name = type(self).__name__
            raise StageError(
                f"{name} was put on a clip before it has looked at it: {', '.join(self.unknown)} "
                f"{'is' if len(self.unknown) == 1 else 'are'} not known. Use {name}(...).on(clip), "
                "which looks first, or give the value."
            )
        return StagedClip(self, clip)

    def on(self, clip: Clip, run: RunContext | None = None) -> Clip:
        """Look at a clip as far as it takes, and return what this stage makes of it.

        Args:
            run: where what is found is kept; `Project.context` gives one that remembers.
        """
        return self.analyse(clip, run)(clip)


@dataclass(frozen=True, eq=False, repr=False)
class StagedClip(Clip):
    """What a stage makes of a source; a stage and a clip, nothing else, so it pickles."""

    stage: Stage
    source: Clip

    @cached_property
    def info(self) -> ClipInfo:  # type: ignore[override]
        """What is true of every frame."""
        return self.stage.info(self.source)

    @cached_property
    def times(self) -> Sequence[Fraction]:  # type: ignore[override]
        """The start of every frame, in exact seconds."""
        return self.stage.times(self.source)

    @cached_property
    def end(self) -> Fraction:  # type: ignore[override]
        """When the last frame stops being shown."""
        return self.stage.end(self.source)

    @cached_property
    def cuts(self) -> Sequence[Fraction]:  # type: ignore[override]
        """When shots begin."""
        return self.stage.cuts(self.source)

    def frames(
        self, start: int = 0, stop: int | None = None, run: RunContext | None = None
    ) -> Generator[Frame, None, None]:
        """Give a half-open range of frames, reading of the source only what they need."""
        start, stop = self.span(start, stop)
        if start == stop:
            return
        run = run or RunContext()
        times, cuts = self.times[start:stop], set(self.cuts)
        source = self._needed(start, stop, run)
        waited, worked = Lap(), Lap()
        made = seen = waited.watch(source)
        if not self.stage.is_identity:
            made = self.stage.process_from(start, seen, times, run)
        with closing(source), closing(made):  # type: ignore[type-var]
            for time in times:
                with worked:
                    frame = next(made, None)
                self._count(waited, worked, run.stopwatch)
                yield self._checked(frame, time, time in cuts)

    def _needed(self, start: int, stop: int, run: RunContext) -> Generator[Frame, None, None]:
        """Give the source frames that the result's start..stop-1 are made from."""
        if self.stage.is_identity:
            return self.source.frames(start, stop, run)
        source = self.source.frames(*self.stage.window(self.source, start, stop), run)
        return prefetch(source) if self.stage.heavy else source

    def _checked(self, frame: Frame | None, time: Fraction, cut: bool) -> Frame:
        """Return a frame with its cut marked; raise StageError if it is not what was promised."""
        info = self.info
        due = (time, (info.height, info.width, 3), info.dtype)
        if frame is None or (frame.time, frame.image.shape, frame.image.dtype) != due:
            raise StageError(
                f"{type(self.stage).__name__} gave {frame} where a frame of {info.size} in "
                f"{info.dtype.__name__} at {time} s was due; this is a fault of the stage, please "
                "report it."
            )
        return frame if frame.cut == cut else Frame(frame.image, time, cut)

    def _count(self, waited: Lap, worked: Lap, stopwatch: Stopwatch) -> None:
        """Book the stage's own seconds, and its source's if that is the film itself."""
        waiting, working = waited.take(), worked.take()
        stopwatch.add(type(self.stage).__name__, working - waiting)
        if not isinstance(self.source, StagedClip):
            stopwatch.add("read", waiting)

    def recipe(self) -> list[dict[str, Any]]:
        """The source's recipe and this stage's."""
        return [*self.source.recipe(), self.stage.recipe()]

    def __getstate__(self) -> dict[str, Any]:
        # What is derived is left behind: it is quick to make again and long to send.
        return {"stage": self.stage, "source": self.source}


def prefetch(source: Iterator[T], ahead: int = 3) -> Generator[T, None, None]:
    """Read `source` in a thread of its own, at most `ahead` items before they are asked for.

    An exception in the thread is raised here, and however this generator ends (used up, closed,
    thrown into), the source is closed and the thread has ended when it returns.
    """
    items: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
    room = threading.Semaphore(ahead - 1)  # how many more may be read before one is asked for
    stopped = threading.Event()

    def read() -> None:
        try:
            with closing(source) if hasattr(source, "close") else nullcontext():  # type: ignore[type-var]
                for item in source:
                    items.put((True, item))
                    room.acquire()
                    if stopped.is_set():
                        return
            items.put((False, None))
        except BaseException as error:  # handed to the caller, whatever it is
            items.put((False, error))

    def give() -> Generator[T, None, None]:
        thread = threading.Thread(target=read, name="prefetch", daemon=True)
        thread.start()
        try:
            while True:
                more, item = items.get()
                if more:
                    room.release()
                    yield item
                elif item is None:
                    return
                else:
                    raise item
        finally:
            stopped.set()
            room.release()
            thread.join()

    return give()


def map_images(
    frames: Iterator[Frame],
    compute: Callable[[list[np.ndarray]], list[np.ndarray]],
    batch: int = 1,
) -> Iterator[Frame]:
    """Put every frame's image through `compute`, in batches; a repeated image is computed once.

    Every call of `compute` gets exactly `batch` images (the last batch is filled up with copies),
    because a network may round differently for another shape, and a frame's result must not
    depend on its neighbours.

    Args:
        frames: the frames, in order.
        compute: makes a list of images from a list of images, one for one.
        batch: images a call.
    """
    # Distinct images not computed yet, and the times at which each is shown.
    waiting: list[tuple[np.ndarray, list[Fraction]]] = []
    last: tuple[np.ndarray, np.ndarray] | None = None  # the last image computed, and its result

    def flush() -> Iterator[Frame]:
        nonlocal last
        images = [image for image, _ in waiting]
        results = compute(images + images[-1:] * (batch - len(images)))
        for (_, showing), result in zip(waiting, results, strict=False):
            yield from (Frame(result, time) for time in showing)
        last = images[-1], results[len(images) - 1]
        waiting.clear()

    for frame in frames:
        if waiting and np.array_equal(waiting[-1][0], frame.image):
            waiting[-1][1].append(frame.time)
        elif not waiting and last and np.array_equal(last[0], frame.image):
            yield Frame(last[1], frame.time)
        else:
            waiting.append((frame.image, [frame.time]))
            if len(waiting) == batch:
                yield from flush()
    if waiting:
        yield from flush()


def shots(frames: Iterator[Frame]) -> Iterator[Iterator[Frame]]:
    """Cut a run of frames where shots begin; each is to be used up before the next is taken."""
    ahead = next(frames, None)

    def shot(first: Frame) -> Iterator[Frame]:
        nonlocal ahead
        ahead = None
        yield first
        for frame in frames:
            if frame.cut:
                ahead = frame
                return
            yield frame

    while ahead is not None:
        yield shot(ahead)


def windowed(items: Iterable[T], before: int, after: int) -> Iterator[tuple[list[T], int]]:
    """Give every item of a run with its neighbours: up to so many before it and after it.

    Nothing is read before it is needed, and no more than a window is held. To keep the frames of
    different shots apart, window each of `shots` by itself.

    Args:
        items: the frames of a shot, or what is known of each of them.
        before, after: how many neighbours, at the ends of the run as many as there are.

    Yields:
        The window, in order, and the place of the item in it.
    """
    source = iter(items)
    window, at = list(islice(source, after + 1)), 0
    while at < len(window):
        yield window, at
        passed = int(at == before)  # whether the first is too far from the next item
        window = [*window[passed:], *islice(source, 1)]
        at += 1 - passed


def plain(value: Any) -> Any:
    """Turn a field's value into JSON-able words, exactly."""
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def exact(value: Fraction | float | str) -> Fraction:
    """Turn a number as a person writes it into an exact one: 23.976 becomes 2997/125.

    Raises:
        StageError: it is not a number.
    """
    try:
        return value if isinstance(value, Fraction) else Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise StageError(
            f"{value!r} is not a number; allowed are numbers like 24, 1.5 or '24000/1001'."
        ) from None


def snap(cuts: Sequence[Fraction], times: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """Return, for every cut, the first of `times` at or after it; each once."""
    last = times[-1]
    return tuple(sorted({times[bisect_left(times, cut)] for cut in cuts if cut <= last}))
