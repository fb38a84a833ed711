"""Is every picture there, at its time, upright, in its colours, and that of its moment?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from helpers.clip import ColourTags
from helpers.verify import compare
from helpers.verify.contents import Contents, Stream
from helpers.verify.ffmpeg import Look, read_pictures
from helpers.verify.film import PIXELS, SAME, Film, find_nearest
from helpers.verify.promise import LENGTH, RUNS, SIDE, Promise, choose_moments, spread_runs
from helpers.verify.tolerances import SAME as ENCODED
from helpers.verify.tolerances import TINY, tolerance_of
from helpers.verify.verdict import Check


@dataclass(frozen=True)
class Seen:
    """The pictures of a result, and which of the promised ones each is.

    Attributes:
        look: what ffmpeg decoded.
        numbers: the number of each picture of `look` among those of the promise.
        whole: whether everything was decoded.
    """

    look: Look
    numbers: np.ndarray
    whole: bool


def check_frames(stream: Stream, promise: Promise) -> Check:
    """Count the pictures that a player shows, and compare their times with the promised ones."""
    wanted = np.array([float(time) for time in promise.times])
    wanted -= wanted[0]
    shown = stream.times - (stream.times[0] if len(stream.times) else 0)
    values = {"frames": len(shown), "seconds": round(stream.end - float(stream.times[0]), 4)}
    if len(shown) != len(wanted):
        at = _first_difference(shown, wanted)
        return Check("frames", "wrong", (
            f"the file shows {len(shown)} pictures where there should be {len(wanted)}; the first "
            f"difference is at {at:.3f} s"
        ), values)  # fmt: skip
    late = np.abs(shown - wanted)
    length = float(promise.end) - float(promise.times[0])
    values["largest_error_ms"] = round(float(late.max()) * 1000, 3)
    if late.max() > SAME:
        at = wanted[int(np.argmax(late > SAME))]
        return Check("frames", "wrong", (
            f"the picture at {at:.3f} s is shown at another time; the largest difference is "
            f"{late.max() * 1000:.1f} ms"
        ), values)  # fmt: skip
    last = length - wanted[-1]
    if stream.durations[-1] and abs(values["seconds"] - length) > max(0.1, 0.75 * last):
        return Check("frames", "wrong", (
            f"the picture lasts {values['seconds']:.3f} s where it should last {length:.3f} s"
        ), values)  # fmt: skip
    words = f"{len(shown)} pictures, each within {late.max() * 1000:.1f} ms"
    return Check("frames", "right", words, values)


def _first_difference(shown: np.ndarray, wanted: np.ndarray) -> float:
    """Return the time in seconds at which two timelines begin to differ."""
    count = min(len(shown), len(wanted))
    apart = np.flatnonzero(np.abs(shown[:count] - wanted[:count]) > SAME)
    return float(wanted[apart[0]] if len(apart) else wanted[min(count, len(wanted) - 1)])


def look_at(contents: Contents, stream: Stream, promise: Promise, seconds: float) -> Seen:
    """Decode a result: all of it if that takes less than `seconds`, otherwise some runs."""
    begin = stream.times[0] - float(promise.times[0])
    times = np.array([float(time) for time in promise.times]) + begin
    width, height = stream.size
    runs = choose_moments(len(times))
    affordable = seconds * PIXELS / max(width * height, 1)
    if len(times) <= affordable:
        look = read_pictures(contents.path, stream.number, SIDE)
        return Seen(look, find_nearest(times, look.times), True)
    # From one key frame to the next is far. Four runs at the least are looked at in any case.
    apart = np.diff(np.append(np.flatnonzero(stream.keys), len(times)))
    each = float(np.median(apart)) / 2 + LENGTH
    count = int(np.clip(affordable / each, 4, RUNS))
    if len(runs) == 1:
        runs = spread_runs(len(times))
    chosen = [runs[round(n)] for n in np.linspace(0, len(runs) - 1, count)]
    looks = [_look_at_run(contents, stream, times, run) for run in chosen]
    look = Look(
        np.concatenate([one.pictures for one in looks]),
        np.concatenate([one.times for one in looks]),
        np.concatenate([one.shapes for one in looks]),
    )
    return Seen(look, find_nearest(times, look.times), False)


def _look_at_run(contents: Contents, stream: Stream, times: np.ndarray, run: range) -> Look:
    half = float(np.median(np.diff(times))) / 2
    stretch = (times[run[0]] - half, times[run[-1]] + half)
    return read_pictures(contents.path, stream.number, SIDE, stretch, contents.zero)


def check_encoded(seen: Seen, stream: Stream, promise: Promise) -> Check:
    """Compare the result's pictures with what its encoder was given."""
    given = promise.given.pictures if promise.given else {}
    pairs = [(at, n) for at, n in enumerate(seen.numbers.tolist()) if n in given]
    if not pairs:
        return Check("encoded", "unknown", "what the encoder was given is not known any more")
    made = seen.look.pictures[[at for at, _ in pairs]]
    numbers = [n for _, n in pairs]
    truth = np.stack([given[n] for n in numbers])
    times = [float(promise.times[n]) for n in numbers]
    allowed = _allow(ENCODED, stream.size)
    return compare_pictures("encoded", made, truth, numbers, times, allowed)


def _allow(allowed: compare.Tolerance, size: tuple[int, int]) -> compare.Tolerance:
    """Return how far pictures of a size may differ."""
    return allowed | TINY if min(size) < 32 else allowed


def check_film(seen: Seen, promise: Promise, film: Film, seconds: float) -> list[Check]:
    """Compare the result's pictures with the film's, which ffmpeg decodes by itself."""
    times = np.array([float(time) for time in promise.times])
    numbers, apart = film.numbers_at(times[seen.numbers])
    close = np.flatnonzero(apart < NEAR)
    if not len(close):
        close = np.argsort(apart)[:RUNS]
    wanted = [(at, int(numbers[at])) for at in close.tolist()]
    found = _compare_with_film(seen, promise, film, wanted, seconds)
    if found.verdict == "wrong" and not film.careful:
        film.careful = True  # before anything is accused
        found = _compare_with_film(seen, promise, film, wanted, seconds)
    checks = [_check_count(film)] if promise.film is not None else []
    return [*checks, found]


def _compare_with_film(
    seen: Seen,
    promise: Promise,
    film: Film,
    wanted: list[tuple[int, int]],
    seconds: float,
) -> Check:
    """Compare pictures of the result with those of the film.

    Args:
        wanted: their numbers in `seen`, and in the film.
    """
    film.look([number for _, number in wanted], seconds)
    pairs = [(at, number) for at, number in wanted if number in film.pictures]
    if len(pairs) < len(wanted) / 2:
        words = "ffmpeg finds the film's pictures at other times, so they could not be compared"
        return Check("picture", "unknown", words)
    made = seen.look.pictures[[at for at, _ in pairs]]
    truth = np.stack([_fit(film, number, seen.look.shapes[at]) for at, number in pairs])
    shown = [float(promise.times[seen.numbers[at]]) for at, _ in pairs]
    order = [number for _, number in pairs]
    allowed = _allow(tolerance_of(promise.steps), film.picture.size)
    return compare_pictures("picture", made, truth, order, shown, allowed)


def _fit(film: Film, number: int, shape: float) -> np.ndarray:
    """Return a picture of a film; if the film's shape changes, with bars that fit it into one."""
    picture = film.pictures[number]
    if film.shape or not film.shapes[number]:
        return picture
    ratio = film.shapes[number] / shape
    width, height = round(SIDE * min(ratio, 1)), round(SIDE * min(1 / ratio, 1))
    fitted = np.zeros_like(picture)
    left, top = (SIDE - width) // 2, (SIDE - height) // 2
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    fitted[top : top + height, left : left + width] = small
    return fitted


NEAR = 0.02
"""Parts of a picture's length. A picture so near to one of the film's shows the same moment."""


def _check_count(film: Film) -> Check:
    """Compare how many pictures ffmpeg finds in the film with how many the result is made from."""
    ours, theirs = len(film.times), film.count
    values: dict[str, float] = {"read": ours, "ffmpeg": theirs}
    if ours < MOST * theirs:
        return Check("film", "wrong", (
            f"the film has {theirs} pictures, but only {ours} of them were read"
        ), values)  # fmt: skip
    return Check("film", "right", f"{ours} of the film's {theirs} pictures were read", values)


MOST = 0.85
"""The least share of a film's pictures that must be read. Pictures that share a time may be left
out, one in ten in the worst film at hand."""


def compare_pictures(
    name: str,
    made: np.ndarray,
    truth: np.ndarray,
    numbers: Sequence[int],
    times: Sequence[float],
    allowed: compare.Tolerance,
) -> Check:
    """Compare pictures of a result with those that they should show.

    Args:
        made, truth: (N, S, S, 3) uint8 RGB.
        numbers: the numbers of `truth` in its film; where they follow each other, so do moments.
        times: when each picture of the result is shown, in seconds.
    """
    grey = compare.to_grey(made), compare.to_grey(truth)
    structure = compare.measure_structure(*grey)
    light, colour = compare.measure_light(made, truth), compare.measure_colour(made, truth)
    values = {
        "pictures": len(made),
        "structure": round(float(np.median(structure)), 4),
        "worst_structure": round(float(structure.min()), 4),
        "light": round(float(np.median(light)), 2),
        "colour": round(float(np.median(colour)), 2),
    }
    some = np.unique(np.linspace(0, len(made) - 1, ENOUGH).round().astype(int))
    found = [
        *_find_fault(made[some], truth[some], allowed),
        *_find_order(grey, numbers, times, allowed),
    ]
    if not found:
        found = list(_find_differences(structure, light, colour, times, allowed))
    if found:
        return Check(name, "wrong", ", and ".join(found), values)
    words = (
        f"{len(made)} pictures compared: structure {values['structure']:.3f} of 1, light within "
        f"{values['light']:.1f} and colour within {values['colour']:.1f} of 255"
    )
    return Check(name, "right", words, values)


ENOUGH = 120
"""Pictures that show how all others lie and what has become of their colours."""


def _find_fault(made: np.ndarray, truth: np.ndarray, allowed: compare.Tolerance) -> Iterator[str]:
    """Yield what is wrong with the pictures, as far as it has a name."""
    grey = compare.to_grey(made), compare.to_grey(truth)
    if turn := compare.find_turn(*grey):
        yield f"the picture is {turn}"
    if allowed.edges and (crop := compare.find_crop(*grey)):
        yield crop
    if fault := compare.find_colour_fault(made, truth, allowed):
        yield fault


def _find_order(
    grey: tuple[np.ndarray, np.ndarray],
    numbers: Sequence[int],
    times: Sequence[float],
    allowed: compare.Tolerance,
) -> Iterator[str]:
    """Yield what is wrong with the order of the pictures, in words."""
    starts = [0, *(n + 1 for n, (a, b) in enumerate(pairwise(numbers)) if b != a + 1), len(numbers)]
    misplaced = []
    for start, stop in pairwise(starts):
        made, truth = (side[start:stop] for side in grey)
        if frozen := compare.find_frozen(made, truth, STILL):
            first, last = (times[start + n] for n in frozen)
            yield f"the picture stands still from {first:.3f} s to {last:.3f} s"
            return
        if allowed.exact:
            misplaced += [(start + n, late) for n, late in compare.find_misplaced(made, truth)]
    if len(misplaced) > 1:
        at, late = misplaced[0]
        yield (
            f"{len(misplaced)} pictures show another moment; the one at {times[at]:.3f} s shows "
            f"what comes {abs(late)} {'later' if late > 0 else 'earlier'}"
        )


STILL = 6
"""Pictures that must stand still one after the other to be called frozen."""


def _find_differences(
    structure: np.ndarray,
    light: np.ndarray,
    colour: np.ndarray,
    times: Sequence[float],
    allowed: compare.Tolerance,
) -> Iterator[str]:
    """Yield what differs by more than the steps may change, in words."""
    worst, lightest, strongest = int(structure.argmin()), int(light.argmax()), int(colour.argmax())
    if np.median(structure) < allowed.structure or structure[worst] < allowed.worst:
        yield (
            f"the picture is not that of the film: structure {np.median(structure):.2f}, and "
            f"{structure[worst]:.2f} at {times[worst]:.3f} s, where 1 is the same and "
            f"{allowed.structure:.2f} is expected"
        )
    if light[lightest] > allowed.light:
        yield (
            f"the brightness differs by {light[lightest]:.0f} levels of 255 at "
            f"{times[lightest]:.3f} s, where {allowed.light:.0f} are expected"
        )
    if colour[strongest] > allowed.colour:
        yield (
            f"the colour differs by {colour[strongest]:.0f} levels of 255 at "
            f"{times[strongest]:.3f} s, where {allowed.colour:.0f} are expected"
        )


def check_shape(seen: Seen, stream: Stream, promise: Promise, film: Film | None) -> Check:
    """Compare the shape of the picture on the screen with the promised one and with the film's."""
    shape, smallest = float(seen.look.shapes[0]), min(stream.size)
    slack = 0.01 + 1.5 / max(smallest, 1)  # an odd side is filled up by a row or a column
    values = {"shape": round(shape, 4)}
    wanted = {"it should be": promise.shape, "the film's is": film.shape if film else None}
    if promise.size and promise.size != stream.size:
        return Check("shape", "wrong", (
            f"the picture is {stream.size[0]}x{stream.size[1]} where it should be "
            f"{promise.size[0]}x{promise.size[1]}"
        ), values)  # fmt: skip
    for words, other in wanted.items():
        if other and abs(shape / float(other) - 1) > slack:
            return Check("shape", "wrong", (
                f"the picture is {shape:.3f} times as wide as it is high; {words} "
                f"{float(other):.3f}"
            ), values)  # fmt: skip
    return Check("shape", "right", f"{stream.size[0]}x{stream.size[1]}, {shape:.3f} wide", values)


def check_tags(stream: Stream, colour: ColourTags) -> Check:
    """Compare the colour tags of the file with the promised ones."""
    tagged = next((tag for tag in stream.colour if tag in ("tv", "pc")), None)
    if stream.matrix and colour.matrix and stream.matrix != colour.matrix:
        words = f"the colour matrix is tagged {stream.matrix}, not {colour.matrix}"
        return Check("tags", "wrong", words)
    if tagged and colour.range and tagged != colour.range:
        return Check("tags", "wrong", f"the range is tagged {tagged}, not {colour.range}")
    if colour.matrix and colour.matrix != "gbr" and not stream.matrix:
        words = f"the colour matrix {colour.matrix} is not tagged in the file"
        return Check("tags", "note", words)
    return Check("tags", "right", f"{stream.matrix or 'none'}, {tagged or 'no range'}")
