"""Find where the pictures of a film change midway: their size, pixel format, colours or shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.video.colour import colour_state, set_colour_state
from helpers.video.convert import SAME_SHAPE, Look
from helpers.video.decode import decode
from helpers.video.index import Index
from helpers.video.open import open_container, pick_stream

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

VISITS = 48
"""So many key frames of a film are looked at, and more where two of them differ."""

REACH = 300
"""So many frames after the place that was sought, a key frame must be found."""

HDR = {"smpte2084", "arib-std-b67"}
"""The transfer curves of high dynamic range."""

SHOWN = 4
"""So many changes are described one by one."""


@dataclass(frozen=True)
class Run:
    """Pictures of one look, from a frame number on."""

    first: int
    look: Look


def find_runs(path: Path, wanted: int | None, index: Index) -> list[Run]:
    """Return the runs of pictures of one look, in order; the first begins at frame 0.

    Pictures change at key frames, so a number of these are looked at; a change that lasts for less
    than a fiftieth of a film may be missed. A joined film without usable timestamps, in which one
    cannot seek, is read whole.
    """
    from av.format import Flags

    with open_container(path) as container:
        stream = pick_stream(container, wanted)
        looks = _Looks(stream)
        joined = index.counted and container.format.flags & Flags.ts_discont.value
        found = list(islice(_read(container, stream, looks), None if joined else 1))
        if not index.counted:
            found += _visit(container, stream, index, looks, found)
    runs: list[Run] = []
    for run in found:
        if not runs or run.look != runs[-1].look:
            runs.append(run)
    return runs


class _Looks:
    """Knows the aspect ratio of a stream's pictures, which PyAV does not show on the frame itself.

    A decoder with one thread shows that of the key frame that it read last.
    """

    def __init__(self, stream: VideoStream) -> None:
        self.stream = stream
        self.tags = colour_state(stream.codec_context)
        self.stated = stream.sample_aspect_ratio
        self.first: Fraction | None = None

    def of(self, frame: av.VideoFrame) -> Look:
        """Return the look of a key frame that was just decoded."""
        own = Fraction(self.stream.codec_context.sample_aspect_ratio or 0)
        self.first = own if self.first is None else self.first
        # What the container states holds until the pictures themselves begin to state another one.
        same = own in (0, self.first)
        return Look.of(frame, Fraction((self.stated if same else own) or self.first or 1))


def _read(container: InputContainer, stream: VideoStream, looks: _Looks) -> Iterator[Run]:
    """Yield the look of every key frame, from the beginning on."""
    with closing(decode(container, stream, threads=False, changing=True)) as frames:
        for number, frame in enumerate(frames):
            if frame.key_frame or number == 0:
                yield Run(number, looks.of(frame))


def _visit(
    container: InputContainer,
    stream: VideoStream,
    index: Index,
    looks: _Looks,
    found: Sequence[Run],
) -> Iterator[Run]:
    """Yield every change after what was found between two of some key frames, in order."""

    def look(key: int) -> Look | None:
        return _look_at(container, stream, index.pts[index.keys[key]], looks)

    last = len(index.keys) - 1
    chosen = sorted({last * n // (VISITS - 1) for n in range(1, VISITS)}) if last > 0 else []
    seen = [(0, run.look) for run in found]
    seen += [(key, here) for key in chosen if key > 0 and (here := look(key)) is not None]
    for (low, before), (high, after) in pairwise(seen):
        for key, here in _bisect(look, low, before, high, after):
            yield Run(index.keys[key], here)


def _bisect(
    look: Callable[[int], Look | None], low: int, before: Look, high: int, after: Look
) -> Iterator[tuple[int, Look]]:
    """Yield the key frames between two others at which the look changes, and their looks."""
    while before != after:
        same, other, found = low, high, after
        while other - same > 1:
            middle = (same + other) // 2
            here = look(middle) or before
            if here == before:
                same = middle
            else:
                other, found = middle, here
        yield other, found
        low, before = other, found


def _look_at(
    container: InputContainer, stream: VideoStream, pts: int, looks: _Looks
) -> Look | None:
    """Return the look of the key frame with this timestamp; None if seeking does not find it."""
    try:
        container.seek(pts, stream=stream, backward=True)
    except OSError:  # ffmpeg cannot seek in this file
        return None
    set_colour_state(stream.codec_context, looks.tags)
    # In a transport stream, ffmpeg may go back to the key frame before.
    with closing(decode(container, stream, threads=False, changing=True)) as frames:
        near = (frame for frame in islice(frames, REACH) if frame.pts is not None)
        found = next((frame for frame in near if frame.pts >= pts), None)
    return looks.of(found) if found is not None and found.pts == pts else None


def main_look(runs: Sequence[Run], times: Sequence[Fraction], end: Fraction) -> Look:
    """Return the look that most of a film has; of two, the one with more pixels."""
    seconds: dict[Look, Fraction] = {}
    starts = [times[run.first] for run in runs]
    for run, start, stop in zip(runs, starts, [*starts[1:], end], strict=True):
        seconds[run.look] = seconds.get(run.look, Fraction(0)) + stop - start
    return max(seconds, key=lambda look: (round(seconds[look], 1), look.width * look.height))


def describe_changes(runs: Sequence[Run], times: Sequence[Fraction], main: Look) -> list[str]:
    """Return notes on when the pictures change, to what, and what is done about it."""
    lines = []
    for before, after in pairwise(runs):
        at = float(times[after.first] - times[0])
        old, new = _difference(before.look, after.look)
        lines += [f"at {at:.2f} s from {', '.join(old)} to {', '.join(new)}"] if old else []
    if not lines:
        return []
    more = f", and {len(lines) - SHOWN} times more" if len(lines) > SHOWN else ""
    done = "each picture is converted by its own colour tags"
    looks = {run.look for run in runs}
    if any((look.width, look.height) != (main.width, main.height) for look in looks):
        done += f" and scaled to {main.width}x{main.height}"
    if any(abs(look.shape / main.shape - 1) >= SAME_SHAPE for look in looks):
        done += "; where the shape differs, black bars fill the rest"
    if 0 < sum(look.colour.transfer in HDR for look in looks) < len(looks):
        done += "; brightness is not converted between high and standard dynamic range"
    return [f"the pictures change {', '.join(lines[:SHOWN])}{more}; {done}"]


def _difference(one: Look, two: Look) -> tuple[list[str], list[str]]:
    """Return in words what differs between two looks, as it is in each."""
    a, b = _words(one), _words(two)
    differ = [(old, new) for old, new in zip(a, b, strict=True) if old and new and old != new]
    return [old for old, _ in differ], [new for _, new in differ]


def _words(look: Look) -> list[str | None]:
    """Describe a look; None where nothing is stated."""
    colour = look.colour
    return [
        f"{look.width}x{look.height}",
        f"{float(look.shape):.3g}:1",
        look.format,
        colour.matrix,
        f"range {colour.range}",
        colour.transfer and f"transfer {colour.transfer}",
        colour.primaries and f"primaries {colour.primaries}",
    ]
