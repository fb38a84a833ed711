"""What is wrong with a film, in words and numbers, from a few stretches of it.

found = diagnose(clip)      # some seconds; shows itself in a notebook
found.flicker, found.words  # 3.2, ("It flickers by 3.2 grey levels ...", ...)
found.advice                # ("deflicker", "denoise")
"""

from __future__ import annotations

import html
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from helpers.clip import Clip, Frame
from helpers.imaging.luma import small_brightness
from helpers.imaging.noise import Noise, blockiness, measure_noise
from helpers.stage import prefetch
from helpers.stages.flicker.exposure import Seen, compare_light, look
from helpers.stages.stabilize.tracking import Tracker

FLICKERS, SHAKES, NOISY, BLOCKY = 1.0, 0.001, 1.5, 1.7
"""From where on a film has a fault: grey levels of flicker, shake in parts of the width, grey
levels of noise, and how much more pixels differ across the edges of blocks than elsewhere."""

DULL = 170.0
"""Grey levels between black and white below which a film is called dull."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes:
        frames: how many were looked at.
        flicker: how far the light of things strays from its course, in grey levels of 255, as a
            standard deviation. What drives in or out of the picture does not count.
        shake: how far the background strays from a smooth path, in pixels.
        noise: deviation of the noise in each channel, in grey levels.
        alike: how alike the noise is in the three channels, 0 to 1.
        blocks: how much more pixels differ across the edges of 8x8 blocks than elsewhere; 1: none.
        black, white: the levels that nearly all of the film lies between.
        brightness: the mean luma of every frame looked at, stretch by stretch, for plots.
        courses: what the light of things did in them, in grey levels.
        sways: how far right and down the background lay from its smooth path, in pixels.
        duplicates: part of the frames that repeat another; None where nobody looked.
        damage: part of the picture that dust and scratches cover; None where nobody looked.
    """

    frames: int
    flicker: float
    shake: float
    noise: float
    alike: float
    blocks: float
    black: float
    white: float
    width: int
    brightness: tuple[tuple[float, ...], ...] = ()
    courses: tuple[tuple[float, ...], ...] = ()
    sways: tuple[tuple[tuple[float, float], ...], ...] = ()
    duplicates: float | None = None
    damage: float | None = None

    @property
    def faults(self) -> tuple[tuple[str, bool, str], ...]:
        """For each thing that was looked for: the cleaner, whether it is needed, and a sentence."""
        shaky, range_ = self.shake > SHAKES * self.width, self.white - self.black
        found = [
            (
                "deflicker",
                self.flicker > FLICKERS,
                f"It flickers by {self.flicker:.1f} grey levels."
                if self.flicker > FLICKERS
                else f"It does not flicker ({self.flicker:.1f} grey levels).",
            ),
            (
                "stabilize",
                shaky,
                f"It shakes by {self.shake:.1f} pixels."
                if shaky
                else f"It stands still ({self.shake:.2f} pixels of shake).",
            ),
            (
                "denoise",
                self.noise > NOISY,
                f"It is noisy: {self.noise:.1f} grey levels"
                + (", of light alone." if self.alike > 0.6 else ", in colours too.")
                if self.noise > NOISY
                else f"It has little noise ({self.noise:.1f} grey levels).",
            ),
            (
                "deblock",
                self.blocks > BLOCKY,
                f"Compression blocks show: their edges stand out {self.blocks:.1f} times."
                if self.blocks > BLOCKY
                else f"No compression blocks show ({self.blocks:.1f}).",
            ),
            (
                "levels",
                range_ < DULL,
                f"It is dull: it uses the greys from {self.black:.0f} to {self.white:.0f} only."
                if range_ < DULL
                else f"Its greys go from {self.black:.0f} to {self.white:.0f}.",
            ),
        ]
        if self.damage is not None:
            hurt = self.damage > 0.0002
            words = f"Dust and scratches cover {self.damage:.2%} of the picture."
            # After the light is steady: a frame that is darker as a whole is no dust.
            found.insert(1, ("damage", hurt, words))
        if self.duplicates is not None:
            many = self.duplicates > 0.02
            words = f"{self.duplicates:.0%} of its frames repeat another."
            found.insert(0, ("duplicates", many, words))
        return tuple(found)

    @property
    def words(self) -> tuple[str, ...]:
        """What is the matter, one sentence each; faults first."""
        return tuple(words for _, _, words in sorted(self.faults, key=lambda fault: not fault[1]))

    @property
    def advice(self) -> tuple[str, ...]:
        """The cleaners that the film needs, in the order in which they are to be used.

        Shake and greys are told of but not advised: holding a picture still costs its edges, and a
        scene may be meant to be dim, so a person decides.
        """
        for_people = ("stabilize", "levels")
        return tuple(name for name, needed, _ in self.faults if needed and name not in for_people)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{'&#9679;' if needed else '&#9675;'}</td><td style='text-align:left'>"
            f"{html.escape(words)}</td><td>{name if needed else ''}</td></tr>"
            for name, needed, words in self.faults
        )
        head = "<tr><th></th><th>what was found</th><th>cleaner</th></tr>"
        note = f"<p>From {self.frames} frames, spread over the film.</p>"
        return f"<table>{head}{rows}</table>{note}"


def diagnose(clip: Clip, stretches: int = 4, length: int = 25) -> Diagnosis:
    """Look at some stretches of a film and say what is wrong with it.

    Args:
        clip: a film that knows its shots.
        stretches: how many places are looked at, spread evenly.
        length: frames of each.
    """
    length = min(length, len(clip))
    room = len(clip) - length
    count = max(min(stretches, len(clip) // length), 1)
    parts = [(n + 0.5) / count for n in range(count)] if count > 1 else [0.5]
    looks = [_look_at(clip, round(room * part), length) for part in parts]
    shots = [shot for look_ in looks for shot in look_.shots]
    weights = [len(shot.brightness) for shot in shots]

    def overall(values: list[float]) -> float:
        # A fault is in most of the film; a dissolve or a blow to the camera is in one stretch.
        order = np.argsort(values, kind="stable")
        upto = np.searchsorted(np.cumsum(np.array(weights)[order]), sum(weights) / 2)
        return values[order[upto]]

    noise = np.median([look_.noise for look_ in looks], axis=0)
    return Diagnosis(
        frames=sum(weights),
        flicker=round(overall([shot.flicker for shot in shots]), 2),
        shake=round(overall([shot.shake for shot in shots]), 2),
        noise=round(float(noise[0]), 2),
        alike=round(float(noise[1]), 2),
        blocks=round(float(np.median([look_.blocks for look_ in looks])), 2),
        black=round(float(np.median([look_.range[0] for look_ in looks])), 1),
        white=round(float(np.median([look_.range[1] for look_ in looks])), 1),
        width=clip.info.width,
        brightness=tuple(shot.brightness for shot in shots),
        courses=tuple(shot.course for shot in shots),
        sways=tuple(shot.sway for shot in shots),
    )


@dataclass(frozen=True)
class _Shot:
    """What was measured of the frames of one shot within a stretch."""

    flicker: float
    shake: float
    brightness: tuple[float, ...]
    course: tuple[float, ...]
    sway: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class _Look:
    """What was measured of a stretch."""

    shots: list[_Shot]
    noise: Noise
    blocks: float
    range: tuple[float, float]


def _look_at(clip: Clip, first: int, length: int) -> _Look:
    with closing(prefetch(clip.frames(first, first + length))) as frames:
        seen = list(frames)
    shots: list[list[Frame]] = []
    for frame in seen:
        if frame.cut or not shots or not _alike(shots[-1][-1].image, frame.image):
            shots.append([])
        shots[-1].append(frame)
    middle = max(shots, key=len)
    image = middle[len(middle) // 2].image
    following = middle[len(middle) // 2 + 1].image if len(middle) > 2 else None
    measured = [_measure(shot) for shot in shots]
    lumas = [look(frame.image).luma for frame in seen[:: max(length // 5, 1)]]
    black, white = np.percentile(np.concatenate([luma.ravel() for luma in lumas]), (0.5, 99.5))
    noise = measure_noise(image, following)
    return _Look(measured, noise, blockiness(image), (float(black), float(white)))


def _alike(one: np.ndarray, two: np.ndarray) -> bool:
    """Tell whether two frames are of one shot, for a film whose shots nobody has looked for."""
    a, b = (small_brightness(image, 32).ravel() for image in (one, two))
    spread = float(a.std() * b.std())
    return spread < 1 or float(np.mean((a - a.mean()) * (b - b.mean()))) > 0.4 * spread


def _measure(shot: list[Frame]) -> _Shot:
    """Follow the light and the background of some frames of one shot."""
    notes: list[Seen] = [look(frame.image) for frame in shot]
    changes = [compare_light(a, b) for a, b in pairwise(notes)]
    steps = [float(c.levels @ note.shares) for c, note in zip(changes, notes[1:], strict=True)]
    course = np.concatenate([[0.0], np.cumsum(steps)])
    tracker = Tracker()
    path = np.cumsum([tracker.follow(frame.image)[:2] for frame in shot], axis=0)
    # A slow change is no flicker, and a pan no shake: both are measured against a smooth course.
    light = course - _smooth(course[:, None])[:, 0]
    sway = path - _smooth(path)
    return _Shot(
        flicker=float(np.std(light)),
        shake=float(np.sqrt((sway**2).sum(axis=1).mean())),
        brightness=tuple(round(note.mean, 2) for note in notes),
        course=tuple(round(float(value), 2) for value in course),
        sway=tuple((round(float(x), 3), round(float(y), 3)) for x, y in sway),
    )


def _smooth(values: np.ndarray, reach: int = 6) -> np.ndarray:
    """Return values (n, k) with every one replaced by the straight line through its neighbours."""
    made = np.empty_like(values)
    for at in range(len(values)):
        first, last = max(at - reach, 0), min(at + reach + 1, len(values))
        ahead = np.arange(first, last) - at
        if len(ahead) < 4:
            made[at] = values[first:last].mean(axis=0)
        else:
            made[at] = np.polyfit(ahead, values[first:last], 1)[-1]
    return made
