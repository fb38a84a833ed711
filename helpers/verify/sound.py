"""Is the sound in step with the picture, everywhere? Is it the film's, and all of it?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from helpers.verify.contents import Contents, Stream
from helpers.verify.ffmpeg import RATE, read_sound
from helpers.verify.film import Film
from helpers.verify.promise import Promise, SoundTrack
from helpers.verify.verdict import Check

TOO_LATE = 40.0
"""Milliseconds between sound and picture that people notice (ITU-R BT.1359 names 45)."""

ALIKE = 0.3
"""The correlation from which two sounds are the same one. Sound and what cleaning made of it had
0.40 at the least (150 stretches of ten seconds, nine methods), two different sounds 0.19 at the
most (stretches of one to ten seconds)."""

ALIKE_COPY = 0.7
"""The same for sound that is copied or encoded anew: 0.9 at the least."""

AUDIBLE = 1e-3
"""Root mean square, of 1, below which a stretch of sound says nothing."""

STRETCH, LEAST = 10.0, 1.0
"""Seconds of sound that are compared at a place: in a long film, and at the least."""

MOST = 12
"""The most places at which a track is compared."""

TRACKS = 4
"""How many tracks are listened to; the others are only counted."""

REACH = RATE
"""Samples by which sound is searched for, either way: a second."""

SAME = RATE // 100
"""Samples that count as no shift where several shifts are equally good, as in a steady tone."""


def align(seen: np.ndarray, made: np.ndarray) -> tuple[float, float]:
    """Return by how many milliseconds one sound is later than another, and how alike they are.

    Args:
        seen, made: stretches of the film's sound and of the result's, (N,) float32 at RATE.

    Returns:
        The shift, and the correlation there, from 0 to 1.
    """
    reach, same = min(REACH, len(seen) - 1) * FINE, SAME * FINE
    match = _correlate(np.diff(seen), np.diff(made), reach)  # high tones place it best
    plain = _correlate(seen - seen.mean(), made - made.mean(), reach)
    if plain.max() > EQUAL > match.max():
        match = plain  # a sound so deep and quiet that its high tones are only rounding
    best, first = int(match.argmax()), max(reach - same, 0)
    near = first + int(match[first : reach + same + 1].argmax())
    best = near if match[near] > 0.9 * match[best] else best
    return (best - reach) * 1000 / (RATE * FINE), float(match[best])


def _correlate(a: np.ndarray, b: np.ndarray, reach: int) -> np.ndarray:
    """Return how alike two sounds are, 0 to 1, with the second `reach` steps earlier to later."""
    size = 1 << (2 * len(a)).bit_length()
    cross = np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size))
    match = np.fft.irfft(cross, size * FINE) * FINE
    match = np.concatenate([match[len(match) - reach :], match[: reach + 1]])
    return np.abs(match) / max(float(np.sqrt((a @ a) * (b @ b))), 1e-9)


EQUAL = 0.9
"""Correlation of two sounds that are the same but for rounding. Two films with the same hum and
hardly anything else would reach it, too."""

FINE = 4
"""Into how many parts the time between two samples is cut, for sound that lies between them."""


@dataclass(frozen=True)
class Pair:
    """A track of the result and what it should sound like.

    Attributes:
        made: its number among the result's sound tracks.
        seen: the number of the film's track that it comes from; None if there is none.
        new: the track that replaces it; None if it is copied.
    """

    made: int
    seen: int | None
    new: SoundTrack | None = None


def pair_tracks(made: int, seen: Sequence[int], promise: Promise) -> list[Pair] | None:
    """Return what each of the result's `made` tracks should be; None if their number is wrong.

    Args:
        seen: the numbers of the film's tracks that the result should have.
    """
    wanted: list[tuple[int | None, SoundTrack | None]] = []
    if promise.sound is None:  # a replaced track stands before its original; added ones come first
        twice = 1 + (made == 2 * len(seen))
        wanted = [(number, None) for number in seen for _ in range(twice)]
        wanted = [(None, None)] * (made - len(wanted)) + wanted
    for number in seen if promise.sound is not None else ():
        mine = [new for new in promise.sound or () if new.track == number]
        wanted += [(number, new) for new in mine]
        if not mine or promise.keep_sound:
            wanted.append((number, None))
    wanted = [(None, new) for new in promise.sound or () if new.track not in seen] + wanted
    if len(wanted) != made:
        return None
    return [Pair(at, number, new) for at, (number, new) in enumerate(wanted)]


@dataclass(frozen=True)
class Place:
    """A stretch of sound: when it begins in the result and in the film, and its length, seconds."""

    made: float
    seen: float
    seconds: float


def choose_places(film: Film, promise: Promise, zero: float) -> list[Place]:
    """Return where sound is compared: the beginning, the middle, the end, and around every break.

    Args:
        zero: when the result's first picture is shown, in seconds on its file's clock.
    """
    times = np.array([float(time) for time in [*promise.times, promise.end]])
    numbers = np.clip(np.searchsorted(film.times, times + 1e-4, "right") - 1, 0, None)
    shift = film.places[numbers] + (times - film.times[numbers]) - times
    known = ~np.isnan(shift)
    times, shift = times[known], shift[known]
    places: list[Place] = []
    for first, last in _steady(shift):
        start, stop = times[first], times[last]
        # The stretches of a short film overlap: the less is heard, the less it says.
        seconds = min(STRETCH, max((stop - start) / 3, LEAST), stop - start)
        count = int(np.clip((stop - start) / STRETCH, 3, 5)) if seconds > 0.1 else 0
        for at in np.linspace(start, stop - seconds, count):
            late = float(np.median(shift[first : last + 1]))
            places.append(Place(at - times[0] + zero, at + late, seconds))
    if len(places) > MOST:
        places = [places[round(n)] for n in np.linspace(0, len(places) - 1, MOST)]
    return places


BREAK = 0.04
"""Seconds by which a clock must jump between two pictures to be treated as a break."""


def _steady(shift: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield first and last number of every stretch in which the film's clock does not jump."""
    if len(shift) < 2:
        return
    # A single picture that is out of its place is no break.
    smooth = np.array([np.median(shift[max(n - 4, 0) : n + 5]) for n in range(len(shift))])
    breaks = np.flatnonzero(np.abs(np.diff(smooth)) > BREAK) + 1
    edges = [0, *breaks.tolist(), len(shift)]
    yield from ((a, b - 1) for a, b in pairwise(edges) if b - a > 1)


def check_sound(
    made: Contents, seen: Contents, film: Film, promise: Promise, pairs: Sequence[Pair]
) -> list[Check]:
    """Compare every track with what it should sound like, and its place with the picture's."""
    zero = float(made.picture().times[0])
    places = choose_places(film, promise, zero)
    checks = []
    for pair in pairs[:TRACKS]:
        stream = made.of("audio")[pair.made]
        if pair.seen is not None:
            source = seen.of("audio")[pair.seen]
            checks += _check_track(made, stream, pair, places, seen, source, promise, film)
        elif pair.new is not None:
            checks += _check_new(made, stream, pair, promise, zero)
    return checks


def _check_track(
    made: Contents, stream: Stream, pair: Pair, places: Sequence[Place],
    seen: Contents, source: Stream, promise: Promise, film: Film,
) -> list[Check]:  # fmt: skip
    name = f"sound {pair.made + 1}"
    if stream.channels and source.channels and stream.channels != source.channels:
        noted = _told(promise, "channel")
        return [Check(name, "right" if noted else "wrong", (
            f"sound track {pair.made + 1} has {stream.channels} channels and the film's "
            f"{source.channels}"
        ))]  # fmt: skip
    if missing := _missing(stream, source, promise, film):
        return [Check(name, "wrong", missing)]
    found = []
    named = source.named and stream.named
    parts = [() if named else (max(one.channels, 1),) for one in (source, stream)]
    for place in places:
        length = place.seconds
        truth = read_sound(seen.path, pair.seen or 0, place.seen, length, seen.zero, *parts[0])
        heard = read_sound(made.path, pair.made, place.made, length, made.zero, *parts[1])
        found.append((place, truth, heard))
    # Cleaning may take all sound away that is noise, so that what is left is like nothing. Where a
    # clock jumps, sound and picture need not jump at the same instant.
    copied = pair.new is None and not any(note.startswith("sound:") for note in promise.notes)
    copied = copied and film.regular
    return [_judge(name, found, copied)]


def _missing(stream: Stream, source: Stream, promise: Promise, film: Film) -> str:
    """Say how much of a track is missing, if any is."""
    lasts, lengths = float(_lengths(stream).sum()), _lengths(source)
    expected = float(lengths.sum())
    if promise.trimmed or len(promise.times) < 2:
        start, stop = (float(time) + film.shift for time in (promise.times[0], promise.end))
        inside = (source.times + source.durations > start) & (source.times < stop)
        expected = float(lengths[inside].sum())
    if expected - lasts > max(0.5, 0.03 * expected):
        return f"{expected - lasts:.1f} s of {expected:.1f} s of the sound are missing"
    return ""


def _lengths(stream: Stream) -> np.ndarray:
    """Return how many seconds each packet sounds; where a clock jumps, a file may say hours."""
    usual = float(np.median(stream.durations)) if len(stream.durations) else 0.0
    return np.minimum(stream.durations, 10 * usual)


def _check_new(
    made: Contents, stream: Stream, pair: Pair, promise: Promise, zero: float
) -> list[Check]:
    """Compare a track that was added to the film with the samples that it was made of."""
    begin, length = float(promise.times[0]), float(promise.end - promise.times[0])  # type: ignore[operator]
    assert pair.new is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "new.wav")
        pair.new.save(path)
        seconds = min(STRETCH, length)
        count = int(np.clip(length / STRETCH, 1, 3))
        found = []
        for at in np.linspace(0, length - seconds, count):
            place = Place(at + zero, at + begin - float(pair.new.start), seconds)
            truth = read_sound(path, 0, place.seen, seconds, 0.0)
            found.append(
                (place, truth, read_sound(made.path, pair.made, place.made, seconds, made.zero))
            )
    return [_judge(f"sound {pair.made + 1}", found, True)]


def _judge(name: str, found: Sequence[tuple[Place, np.ndarray, np.ndarray]], copied: bool) -> Check:
    """Say whether a track is right, from its stretches and those that they should be like.

    Args:
        copied: whether every stretch must be like the film's, and not only most of them.
    """
    heard = [(place, truth, made) for place, truth, made in found if _loud(truth) > AUDIBLE]
    if not heard:
        return Check(name, "right", "silent where it was listened to, as it should be")
    if all(_loud(made) < AUDIBLE / 100 for _, _, made in heard):
        return Check(name, "wrong", "the sound is silent, but the film's is not")
    measured = [(place, *align(truth, made)) for place, truth, made in heard]
    values = {f"at_{place.made:.1f}_s": round(shift, 2) for place, shift, _ in measured}
    values |= {f"alike_{place.made:.1f}_s": round(alike, 3) for place, _, alike in measured}
    strange = [place for place, _, alike in measured if alike < (ALIKE_COPY if copied else ALIKE)]
    alike = [one for one in measured if one[0] not in strange]
    place, shift, _ = max(alike, key=lambda one: abs(one[1]), default=(None, 0.0, 0.0))
    if place and abs(shift) > TOO_LATE:
        words = f"the sound is {abs(shift):.0f} ms too {'late' if shift > 0 else 'early'}"
        return Check(name, "wrong", f"{words} at {place.made:.1f} s", values)
    if 2 * len(strange) > len(measured) or (copied and strange):
        words = f"the sound at {strange[0].made:.1f} s is not that of the film"
        return Check(name, "wrong", words, values)
    return Check(name, "right", f"within {abs(shift):.1f} ms at {len(alike)} places", values)


def _loud(samples: np.ndarray) -> float:
    return float(np.sqrt(np.square(samples).mean())) if len(samples) else 0.0


def _told(promise: Promise, word: str) -> bool:
    return any(word in note for note in promise.notes)
