"""Try a clip on a few frames: how long each step takes, and how large the saved frames are.

    trial = try_frames(clip, ("ffv1", "near-lossless"))
    trial.seconds, trial.steps, trial.bytes    # for one frame of the result

The frames are those that the whole run will make, from several places of the film, and they are
saved as they will be saved. Nothing is guessed from the film as it was.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from helpers.clip import Clip, Frame
from helpers.errors import Stopped
from helpers.project.segments import CODECS, segment_clip
from helpers.run import RunContext, Stopwatch
from helpers.runtime.machine import runtime
from helpers.runtime.storage import retry
from helpers.stage import StagedClip, prefetch
from helpers.verify.promise import film_of
from helpers.video.encoder import Encoder, Timestamps

BUDGET = 5.0
"""Seconds after which no further place of a film is tried. Where the frames of one place would take
longer, only one frame is made."""

PART = 0.1
"""The part of a film that is tried at the most, if it has more than one place of frames."""

PLACES = (Fraction(1, 2), Fraction(1, 6), Fraction(5, 6), Fraction(1, 3), Fraction(2, 3))
"""Where a film is tried, as parts of its length."""

SAMPLES = 4
"""How many frames that follow each other are tried at a place."""

MOST = 256 * 2**20
"""Bytes of frames that are held at a time, uncompressed."""


@dataclass(frozen=True)
class Trial:
    """What one frame of a clip takes, on the average.

    Attributes:
        steps: seconds by the name of the step: "read" is the film, others are stages.
        bytes: the size of a saved frame, by codec.
        saving: seconds to encode it, by codec.
        reading: seconds to read a frame from a segment, by codec; 0 for other codecs.
        encoders: the name of the encoder, by codec.
        made: how many frames were made, also those that were not timed.
    """

    steps: dict[str, float]
    bytes: dict[str, float]
    saving: dict[str, float]
    reading: dict[str, float]
    encoders: dict[str, str] = field(default_factory=dict)
    made: int = 0

    @property
    def seconds(self) -> float:
        """Seconds to make a frame; saving it is not included."""
        return sum(self.steps.values())


@dataclass(frozen=True)
class _Sample:
    """What was measured at one place: seconds, not yet divided by the frames."""

    frames: int
    steps: Counter[str]
    bytes: Counter[str]
    saving: Counter[str]
    reading: Counter[str]

    @property
    def seconds(self) -> float:
        return sum(self.steps.values()) + sum(self.saving.values())


def try_frames(
    clip: Clip,
    codecs: Sequence[str],
    run: RunContext | None = None,
    samples: int = SAMPLES,
    places: int = len(PLACES),
) -> Trial:
    """Make and save a few frames of a clip.

    One frame is made before, which loads the networks and is not counted, unless it takes so long
    that loading them does not matter.

    Args:
        codecs: names in `codecs.CODECS` to encode the frames with.
        run: the run whose machine is used.
        samples: how many frames are made at each place.
        places: at how many places of the film, at the most; with 0, only that first frame is made.

    Raises:
        Stopped: the watch of the run stopped it.
    """
    run = run or RunContext()
    scratch = runtime().scratch
    retry("the scratch folder", scratch, lambda: scratch.mkdir(parents=True, exist_ok=True))
    reading, stamps = _time_reading(film_of(clip)), Timestamps.of(clip)
    first = _measure(clip, len(clip) // 2, 1, codecs, run, reading, stamps)
    found = [first]
    if places and first.seconds * samples < BUDGET:
        found.clear()
        for place in PLACES[:places]:
            start = min(int(len(clip) * place), max(len(clip) - samples, 0))
            found.append(_measure(clip, start, samples, codecs, run, reading, stamps))
            enough = sum(sample.frames for sample in found) > PART * len(clip)
            if enough or sum(sample.seconds for sample in found) > BUDGET:
                break
    frames = sum(sample.frames for sample in found)

    def mean(counters: Iterator[Counter[str]]) -> dict[str, float]:
        total: Counter[str] = sum(counters, Counter())
        return {name: value / frames for name, value in total.items()}

    return Trial(
        mean(sample.steps for sample in found),
        mean(sample.bytes for sample in found),
        mean(sample.saving for sample in found),
        mean(sample.reading for sample in found),
        {codec: Encoder(scratch / "trial.mkv", clip, codec, last=1).name for codec in codecs},
        frames if first in found else frames + first.frames,
    )


def _measure(
    clip: Clip,
    start: int,
    count: int,
    codecs: Sequence[str],
    run: RunContext,
    reading: float,
    stamps: Timestamps,
) -> _Sample:
    """Make some frames, and save them with each codec.

    Args:
        reading: seconds to read a frame of the film. What reading takes in the trial itself is not
            used, because most of it is the way from the nearest key frame.
        stamps: those of the whole clip.
    """
    if run.watch.stopped():
        raise Stopped("Stopped. Nothing had been made yet.")
    start, stop = _widen(clip, start, min(start + count, len(clip)))
    run = replace(run, stopwatch=Stopwatch())
    begun = time.perf_counter()
    with closing(prefetch(clip.frames(start, stop, run))) as source:
        frames = list(source)
    wall = time.perf_counter() - begun
    steps = _extrapolate(clip, start, stop, run.stopwatch.seconds, wall, reading)
    sizes: Counter[str] = Counter()
    saving: Counter[str] = Counter()
    again: Counter[str] = Counter()
    for codec in codecs:
        cost = _encode(clip, start, frames, codec, stamps)
        sizes[codec], saving[codec], again[codec] = cost  # type: ignore[assignment]
    return _Sample(len(frames), steps, sizes, saving, again)


def _extrapolate(
    clip: Clip, start: int, stop: int, spent: Counter[str], wall: float, reading: float
) -> Counter[str]:
    """Return the seconds that the steps take for start..stop-1 if the whole clip is made.

    A step that sees neighbours made more frames here than these need in the long run. Steps that
    work at the same time take less than their sum.
    """
    made, whole = Counter(), Counter()
    for name, first, last, length in _ranges(clip, start, stop):
        made[name] += last - first
        whole[name] += length
    read = spent.get("read", 0.0) if isinstance(clip, StagedClip) else wall
    busy = sum(value for name, value in spent.items() if name != "read")
    overlap = min(max(wall - read, 0) / busy, 1) if busy else 1
    share = (stop - start) / len(clip)
    steps: Counter[str] = Counter()
    steps["read"] = reading * whole["read"] * share  # type: ignore[assignment]
    for name, value in spent.items():
        if name != "read":
            steps[name] = value * overlap * whole[name] / max(made[name], 1) * share  # type: ignore[assignment]
    return steps


def _ranges(clip: Clip, start: int, stop: int) -> Iterator[tuple[str, int, int, int]]:
    """Yield each step of a clip with the frames that it makes for start..stop-1, and its length."""
    while isinstance(clip, StagedClip):
        yield type(clip.stage).__name__, start, stop, len(clip)
        if not clip.stage.is_identity:
            start, stop = clip.stage.window(clip.source, start, stop)
        clip = clip.source
    yield "read", start, stop, len(clip)


def _widen(clip: Clip, start: int, stop: int) -> tuple[int, int]:
    """Return a range with the frames beside it that need no other frames of the film.

    A network that works on blocks of frames makes all of a block for one of its frames.
    """
    info = clip.info
    most = max(MOST // (info.width * info.height * 3 * np.dtype(info.dtype).itemsize), 1)

    def window(start: int, stop: int) -> tuple[int, int]:
        *_, (_, first, last, _) = _ranges(clip, start, stop)
        return first, last

    needed = window(start, stop)
    while stop < len(clip) and stop - start < most and window(start, stop + 1) == needed:
        stop += 1
    while start > 0 and stop - start < most and window(start - 1, stop) == needed:
        start -= 1
    return start, stop


def _time_reading(film: Clip, count: int = 16) -> float:
    """Return the seconds that it takes to read a frame of a film after the one before it."""
    middle = max(len(film) // 2 - count, 0)
    with closing(film.frames(middle, min(middle + count + 1, len(film)))) as frames:
        next(frames)
        begun = time.perf_counter()
        read = sum(1 for _ in frames)
    return (time.perf_counter() - begun) / max(read, 1)


def _encode(
    clip: Clip, start: int, frames: list[Frame], codec: str, stamps: Timestamps
) -> tuple[int, float, float]:
    """Save frames of a clip as a segment.

    Returns:
        The bytes, the seconds, and the seconds to read them again if they are in a segment.
    """
    with tempfile.TemporaryDirectory(dir=runtime().scratch) as scratch:
        path, begun = Path(scratch) / "sample.mkv", time.perf_counter()
        stop = start + len(frames)
        with Encoder(path, clip, codec, first=start, last=stop, whole=stamps) as encoder:
            for frame in frames:
                encoder.write(frame)
        saved = time.perf_counter()
        if codec in CODECS:
            list(segment_clip(path, clip.info, codec).frames())
        return path.stat().st_size, saved - begun, time.perf_counter() - saved
