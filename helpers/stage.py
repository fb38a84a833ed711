"""The interface of every step: a stage takes a clip and returns a clip.

    class Brighten(Stage):
        amount: int
        def process(self, frames, times, run): ...

    brighter = Brighten(amount=10)(clip)      # nothing is computed yet
    brighter[100]                             # one frame is

The law: a range read by itself is bit-identical to the same range of the whole. Resuming,
previewing and random access depend on it, and one test checks it for every stage.
"""

from __future__ import annotations

import queue
import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar, Protocol, TypeVar

from helpers.clip import Clip, ClipInfo, Frame, Pixels, same_pixels
from helpers.errors import StageError
from helpers.run import Lap, RunContext, Stopwatch

T = TypeVar("T")


@dataclass(frozen=True)
class Stage:
    """A step of a restoration. Subclasses are frozen dataclasses of what changes the *result*.

    What changes only the speed (device, precision, tile, batch) belongs to the Runtime.

    A field named `strength` is the share of the change that is made. With 0, the source's frames
    are passed on unchanged, without calling `process`.

    Attributes:
        heavy: whether a thread should read ahead while this stage works.
    """

    heavy: ClassVar[bool] = False

    @property
    def context(self) -> int:
        """How many neighbours on each side the result of a frame depends on."""
        return 0

    @property
    def on_card(self) -> bool:
        """Whether `process` takes frames whose pixels lie on a graphics card; others get arrays."""
        return False

    @property
    def is_identity(self) -> bool:
        """Whether the result equals the source; `process` is then not called."""
        return getattr(self, "strength", 1) == 0

    def _make_exact(self, *names: str) -> None:
        """Convert these fields to fractions, so that equal values compare as equal."""
        for name in names:
            if getattr(self, name) is not None:
                object.__setattr__(self, name, exact(getattr(self, name)))

    def _check_ranges(self, **ranges: tuple[float, float]) -> None:
        """Raise StageError unless each of these fields is None or within its range."""
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise StageError(
                    f"{type(self).__name__} cannot use {name}={value}. "
                    f"It must be from {least} to {most}."
                )

    def info(self, source: Clip) -> ClipInfo:
        """Return the properties that all frames of the result share."""
        return source.info

    def times(self, source: Clip) -> Sequence[Fraction]:
        """Return the timeline of the result."""
        return source.times

    def end(self, source: Clip) -> Fraction:
        """Return when the last frame of the result stops being shown."""
        return source.end

    def cuts(self, source: Clip) -> Sequence[Fraction]:
        """Return when the shots of the result begin: at the first frame at or after each cut."""
        times = self.times(source)
        return source.cuts if times is source.times else snap(source.cuts, times)

    def window(self, source: Clip, start: int, stop: int) -> tuple[int, int]:
        """Return the half-open range of source frames that the result's start..stop-1 need."""
        return max(start - self.context, 0), min(stop + self.context, len(source))

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Make the result's frames at `times` from the source frames of their window.

        Args:
            frames: the source frames of the window, in order.
            times: when the frames to be made are shown.
            run: the machine to work on, and the notes.

        Yields:
            A frame for each of `times`. Its `cut` need not be set; `StagedClip` sets it according
            to `cuts`.
        """
        raise NotImplementedError

    def process_from(
        self, start: int, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Call `process` for the result's frames from number `start` on.

        Only stages whose result depends on the number of a frame override this.
        """
        return self.process(frames, times, run)

    def recipe(self) -> dict[str, Any]:
        """Return what this stage does as JSON-able values; weight files by their sha256."""
        values = {field.name: plain(getattr(self, field.name)) for field in fields(self)}
        return {"stage": type(self).__name__, **values}

    @property
    def unknown(self) -> tuple[str, ...]:
        """The fields that `analyse` must fill in."""
        return ()

    def analyse(self, clip: Clip, run: RunContext | None = None) -> Stage:
        """Return this stage with the fields filled in that depend on the whole clip.

        By default this is the stage itself. Only this method may read frames that nobody has asked
        for. Results are kept by `run.keep`.
        """
        return self

    def __call__(self, clip: Clip) -> Clip:
        """Apply the stage to a clip and return the new clip. No frame is read.

        Raises:
            StageError: a field depends on the whole clip; see `analyse` and `on`.
        """
        if self.unknown:
            name = type(self).__name__
            raise StageError(
                f"{name} must analyse the clip first, to find {' and '.join(self.unknown)}. Use "
                f"{name}(...).on(clip), which analyses it, or give the value."
            )
        return StagedClip(self, clip)

    def on(self, clip: Clip, run: RunContext | None = None) -> Clip:
        """Analyse a clip as far as necessary, apply the stage to it and return the new clip.

        Args:
            run: keeps the results of the analysis; see `Project.context`.
        """
        return self.analyse(clip, run)(clip)


@dataclass(frozen=True, eq=False, repr=False)
class StagedClip(Clip):
    """A stage applied to a source clip. It has no other state, so it can be pickled."""

    stage: Stage
    source: Clip

    @cached_property
    def info(self) -> ClipInfo:  # type: ignore[override]
        """The properties that all frames share."""
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
        """Yield a half-open range of frames, reading only the source frames that they need."""
        start, stop = self.span(start, stop)
        if start == stop:
            return
        run = run or RunContext()
        times, cuts = self.times[start:stop], set(self.cuts)
        source = self._read_source(start, stop, run)
        waited, worked = Lap(), Lap()
        made = seen = waited.watch(source)
        if not self.stage.is_identity:
            made = self.stage.process_from(start, seen, times, run)
            made = made if run.on_card else fetch_ahead(made)
        with closing(source), closing(made):  # type: ignore[type-var]
            for time in times:
                with worked:
                    frame = next(made, None)
                self._add_times(waited, worked, run.stopwatch)
                yield self._check(frame, time, time in cuts)

    def _read_source(self, start: int, stop: int, run: RunContext) -> Generator[Frame, None, None]:
        """Yield the source frames that the result's start..stop-1 need."""
        if self.stage.is_identity:
            return self.source.frames(start, stop, run)
        if run.on_card != self.stage.on_card:
            run = replace(run, on_card=self.stage.on_card)
        source = self.source.frames(*self.stage.window(self.source, start, stop), run)
        return prefetch(source) if self.stage.heavy else source

    def _check(self, frame: Frame | None, time: Fraction, cut: bool) -> Frame:
        """Return a frame with its cut marked; raise StageError if it is not as announced."""
        info = self.info
        expected = (time, (info.height, info.width, 3), info.dtype)
        if frame is None or (frame.time, frame.pixels.shape, frame.pixels.dtype) != expected:
            raise StageError(
                f"{type(self.stage).__name__} returned {frame}, but a frame of {info.size} in "
                f"{info.dtype.__name__} at {time} s was expected. This is a bug in the stage; "
                "please report it."
            )
        return frame if frame.cut == cut else Frame(frame.pixels, time, cut)

    def _add_times(self, waited: Lap, worked: Lap, stopwatch: Stopwatch) -> None:
        """Add the stage's own seconds, and those of reading if the source is the film itself."""
        waiting, working = waited.take(), worked.take()
        stopwatch.add(type(self.stage).__name__, working - waiting)
        if not isinstance(self.source, StagedClip):
            stopwatch.add("read", waiting)

    def recipe(self) -> list[dict[str, Any]]:
        """Return the recipe of the source, followed by that of this stage."""
        return [*self.source.recipe(), self.stage.recipe()]

    def __getstate__(self) -> dict[str, Any]:
        # Cached properties are left out: they are quick to compute and large to send.
        return {"stage": self.stage, "source": self.source}


def prefetch(source: Iterator[T], ahead: int = 3) -> Generator[T, None, None]:
    """Read `source` in a thread, at most `ahead` items before they are needed.

    An exception in the thread is raised here. However this generator ends (exhausted, closed, by an
    exception), the source is closed and the thread has ended when it returns.
    """
    items: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
    room = threading.Semaphore(ahead - 1)  # how many more items may be read
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
        except BaseException as error:  # any error is passed to the caller
            items.put((False, error))

    def receive() -> Generator[T, None, None]:
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

    return receive()


def fetch_ahead(made: Iterator[Frame], ahead: int = 4) -> Generator[Frame, None, None]:
    """Yield frames as arrays; those on a graphics card arrive while later ones are computed.

    Frames that are arrays already are passed on at once.

    Args:
        made: the frames, in order; it is closed with this generator.
        ahead: how many frames are begun before the first is waited for: a batch.
    """
    coming: deque[Frame] = deque()
    with closing(made):  # type: ignore[type-var]
        for frame in made:
            fetch = getattr(getattr(frame, "pixels", None), "fetch", None)
            if fetch is None and not coming:
                yield frame
                continue
            if fetch is not None:
                fetch()
            coming.append(frame)
            if len(coming) > ahead:
                yield _as_array(coming.popleft())
        while coming:
            yield _as_array(coming.popleft())


def _as_array(frame: Frame) -> Frame:
    """Return a frame whose pixels are an array; nothing then holds the memory on the card."""
    return Frame(frame.image, frame.time, frame.cut)


def map_images(
    frames: Iterator[Frame],
    compute: Callable[[list[Any]], list[Any]],
    batch: int = 1,
) -> Iterator[Frame]:
    """Apply `compute` to the pixels of frames, in batches; a repeated picture is computed once.

    Every call of `compute` gets exactly `batch` images (the last batch is filled up with copies). A
    network may round differently for another shape, and the result of a frame must not depend on
    its neighbours.

    Args:
        frames: the frames, in order.
        compute: takes a list of pixels, arrays unless the stage is `on_card`, and returns as many.
        batch: images in a call.
    """
    # Distinct images that are not computed yet, and the times at which each is shown.
    waiting: list[tuple[Pixels, list[Fraction]]] = []
    last: tuple[Pixels, Pixels] | None = None  # the last image computed, and its result

    def flush() -> Iterator[Frame]:
        nonlocal last
        images = [image for image, _ in waiting]
        results = compute(images + images[-1:] * (batch - len(images)))
        for (_, showing), result in zip(waiting, results, strict=False):
            yield from (Frame(result, time) for time in showing)
        last = images[-1], results[len(images) - 1]
        waiting.clear()

    for frame in frames:
        if waiting and same_pixels(waiting[-1][0], frame.pixels):
            waiting[-1][1].append(frame.time)
        elif not waiting and last and same_pixels(last[0], frame.pixels):
            yield Frame(last[1], frame.time)
        else:
            waiting.append((frame.pixels, [frame.time]))
            if len(waiting) == batch:
                yield from flush()
    if waiting:
        yield from flush()


class _InShots(Protocol):
    """A frame, or what stands for one: it knows whether a shot begins with it."""

    @property
    def cut(self) -> bool: ...


InShots = TypeVar("InShots", bound=_InShots)


def split_shots(frames: Iterator[InShots]) -> Iterator[Iterator[InShots]]:
    """Split frames into shots. Each shot must be read to its end before the next is taken."""
    ahead = next(frames, None)

    def shot(first: InShots) -> Iterator[InShots]:
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
    """Yield every item with its neighbours, up to `before` and `after` of them.

    Nothing is read before it is needed, and only one window is held. For windows that do not cross
    cuts, call it for each shot of `split_shots`.

    Args:
        items: the frames of a shot, or a value for each of them.
        before, after: number of neighbours; at the ends there are fewer.

    Yields:
        The window, in order, and the position of the item in it.
    """
    source = iter(items)
    window, at = list(islice(source, after + 1)), 0
    while at < len(window):
        yield window, at
        passed = int(at == before)  # 1 if the first is too far from the next item
        window = [*window[passed:], *islice(source, 1)]
        at += 1 - passed


def plain(value: Any) -> Any:
    """Convert a field's value to a JSON-able value, without any loss."""
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def exact(value: Fraction | float | str) -> Fraction:
    """Convert a number to the fraction that its decimals stand for: 23.976 becomes 2997/125.

    Raises:
        StageError: it is not a number.
    """
    try:
        return value if isinstance(value, Fraction) else Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise StageError(
            f"{value!r} is not a number. Write it like 24, 1.5 or '24000/1001'."
        ) from None


def snap(cuts: Sequence[Fraction], times: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """Return the first of `times` at or after every cut, without duplicates."""
    last = times[-1]
    return tuple(sorted({times[bisect_left(times, cut)] for cut in cuts if cut <= last}))
