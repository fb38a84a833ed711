"""Try several choices on one's own film, and see which comes nearest to the truth.

    found = judge(clip, ["x4plus", "animevideov3", Upscale("animevideov3", strength=0.4)])
    found                       # a table, the nearest to the truth first
    found.sentence

Nobody has the truth of an old film. So moments of it are made worse in the way they already are,
each choice restores them, and the results are compared with what the moments were.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Any

import numpy as np

from helpers.catalog import table as catalog
from helpers.clip import Clip, Frame
from helpers.errors import StageError
from helpers.imaging.resample import cut_middle
from helpers.quality.degrade.base import Degradation, Worse
from helpers.quality.degrade.choose import choose_degradation
from helpers.quality.full_reference import compare_pictures
from helpers.quality.judgement import AS_IT_IS, Choice, Example, Judgement
from helpers.quality.vmaf import ABSENT, can_measure_vmaf, measure_vmaf
from helpers.run import RunContext
from helpers.stage import Stage
from helpers.stages.colorize.stage import Colorize
from helpers.stages.diagnosis import read_stretch
from helpers.stages.flicker.stage import Deflicker
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.upscale.stage import Upscale

MOMENTS = 12
"""Moments of a film that are tried, if there is time."""

FEWEST = 4
"""Fewer moments say too little, so they are tried even if that takes longer."""

PATIENCE = 150.0
"""Seconds after which no other moment is begun: all of it should take three minutes at the most."""

WINDOW = (320, 240)
"""Pixels of the middle of the picture that are tried at the most. A larger part takes longer and
says no more; colourings get the whole picture, since they look at all of it."""

_ROLES = {"upscale": Upscale, "interpolate": Interpolate, "colorize": Colorize}


def judge(
    clip: Clip,
    choices: Sequence[str | Stage] | Mapping[str, str | Stage],
    *,
    moments: int = MOMENTS,
    seconds: float = PATIENCE,
    run: RunContext | None = None,
) -> Judgement:
    """Find out which of several choices comes nearest to the truth on one's own film.

    Plain enlarging, or else doing nothing, is always among the choices.

    Args:
        clip: the film, best with its shots marked.
        choices: models by their names, or stages, all of one kind; by labels if it is a mapping.
        moments: how many moments are tried at the most.
        seconds: after so many seconds no other moment is begun, once there are four.
        run: the run that this belongs to.

    Raises:
        StageError: the choices are not of one kind, or the film does not allow a judgement.
        ModelError: a model is not here.
    """
    run = run or RunContext()
    stages = name_choices(choices)
    kind = next(type(stage) for stage in stages.values() if stage is not None)
    plain = _add_plain(stages, kind)
    worsening = choose_degradation(clip, [s for s in stages.values() if s is not None], run)
    # What a stage leaves open for the film is decided by the film, and not by its worse self.
    stages = {
        label: stage.analyse(clip, run) if isinstance(stage, Upscale) else stage
        for label, stage in stages.items()
    }
    tries = {label: _Try(label) for label in stages}
    begun, tried = time.perf_counter(), []
    window = None if kind is Colorize else WINDOW
    for frames in run.bar(_read_moments(clip, worsening, moments, run), moments, "moments"):
        frames = [_cut(frame, window) for frame in frames]
        at, worse = frames[len(frames) // 2].time, worsening.worsen(frames)
        for label, stage in stages.items():
            made, spent = _restore(worsening, stage, worse, run)
            tries[label].add(at, worse.settle(made), worse, spent)
        tried.append(at)
        if len(tried) >= FEWEST and time.perf_counter() - begun > seconds:
            break
    if not tried:
        raise StageError(
            f"No moment of this film is {worsening.length} frames long without a cut, so it cannot "
            "be judged by. Give a longer piece of it."
        )
    return _gather(clip, kind, worsening, tries, tuple(tried), plain)


# --- the choices ----------------------------------------------------------------------------------


def name_choices(
    choices: Sequence[str | Stage] | Mapping[str, str | Stage],
) -> dict[str, Stage | None]:
    """Return the stages that were given, by their labels."""
    if not choices:
        raise StageError("No choice was given. Give two or more models or stages.")
    if isinstance(choices, Mapping):
        return {label: _as_stage(choice) for label, choice in choices.items()}
    stages = [_as_stage(choice) for choice in choices]
    return {label_stage(stage): stage for stage in stages}


def _as_stage(choice: str | Stage) -> Stage:
    if isinstance(choice, Stage):
        return choice
    return _ROLES[catalog.role_of(choice)](choice)


def label_stage(stage: Stage) -> str:
    """Return a short name for a stage: its model, and whatever is not as by default."""
    words = []
    for one in fields(stage):
        value = getattr(stage, one.name)
        if one.name in ("model", "method"):
            words.insert(0, value if isinstance(value, str) else " + ".join(value))
        elif value not in (one.default, None) and one.name not in _NOT_SAID:
            words.append(_say_field(one.name, value))
    return ", ".join(words) or type(stage).__name__


_NOT_SAID = ("scale", "size", "fps", "factor")
"""Fields that are set for the trial."""


def _say_field(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"not {name}"
    return (
        f"{name} {float(value):g}"
        if isinstance(value, int | float | Fraction)
        else f"{name} {value}"
    )


def _add_plain(stages: dict[str, Stage | None], kind: type[Stage]) -> str:
    """Add the choice that does nothing special, if it is not there; return its label."""
    usual = Upscale("bicubic") if kind is Upscale else None
    label = label_stage(usual) if usual else AS_IT_IS
    stages.setdefault(label, usual)
    return label


# --- trying them ----------------------------------------------------------------------------------


@dataclass
class _Try:
    """What a choice made so far."""

    label: str
    values: list[dict[str, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    made: list[np.ndarray] = field(default_factory=list)
    truth: list[np.ndarray] = field(default_factory=list)

    def add(self, at: Fraction, made: list[np.ndarray], worse: Worse, seconds: float) -> None:
        """Compare what was made of a moment with the truth."""
        self.values.append(compare_pictures(made, worse.truth))
        self.seconds.append(seconds)
        middle = len(made) // 2
        self.examples.append(Example(at, made[middle], worse.truth[middle]))
        self.made += made
        self.truth += worse.truth


def _read_moments(
    clip: Clip, worsening: Degradation, count: int, run: RunContext
) -> Iterator[list]:
    """Yield consecutive frames of one shot from several moments, which soon cover the film."""
    length = min(worsening.length, len(clip))
    room = len(clip) - length
    count = max(min(count, len(clip) // length), 1)
    for number in _spread(count):
        first = round(room * (number + 0.5) / count)
        shot = read_stretch(clip, first, length, run).longest
        if len(shot) == worsening.length:
            yield list(shot)


def _cut(frame: Frame, window: tuple[int, int] | None) -> Frame:
    """Return the middle of a frame; all of it if no window is given."""
    return frame if window is None else replace(frame, pixels=cut_middle(frame.image, window))


def _spread(count: int) -> list[int]:
    """Return 0..count-1 in an order whose beginnings are spread evenly: 0, 6, 3, 9, 1, ..."""
    bits = max((count - 1).bit_length(), 1)
    order = [int(f"{number:0{bits}b}"[::-1], 2) for number in range(2**bits)]
    return [number for number in order if number < count]


def _restore(
    worsening: Degradation, stage: Stage | None, worse: Worse, run: RunContext
) -> tuple[list[np.ndarray], float]:
    """Return the pictures that a choice makes of a moment, and seconds for each pixel it read."""
    if stage is None:
        return [worse.clip.at(time).image for time in worse.times], 0.0
    quiet = RunContext(machine=run.machine)
    begun = time.perf_counter()
    result = worsening.fit(stage).on(worse.clip, quiet)
    first, last = min(worse.kept), max(worse.kept)
    frames = {first + n: f.image for n, f in enumerate(result.frames(first, last + 1, quiet))}
    return [frames[n] for n in worse.kept], (time.perf_counter() - begun) / _pixels(worse.clip)


def _pixels(clip: Clip) -> int:
    """Return the pixels of all frames."""
    return len(clip) * clip.info.width * clip.info.height


# --- the result -----------------------------------------------------------------------------------


def _gather(
    clip: Clip,
    kind: type[Stage],
    worsening: Degradation,
    tries: dict[str, _Try],
    tried: tuple[Fraction, ...],
    plain: str,
) -> Judgement:
    """Put what was found in order."""
    rate = _SCORES.get(kind, score)
    scores = {label: tuple(map(rate, one.values)) for label, one in tries.items()}
    found = [
        _describe(one, scores[label], np.subtract(scores[label], scores[plain]), _pixels(clip))
        for label, one in tries.items()
    ]
    found.sort(key=lambda choice: -choice.score)
    notes = () if can_measure_vmaf() else (ABSENT,)
    return Judgement(worsening.words, tried, tuple(found), plain, notes)


def _describe(one: _Try, scores: tuple[float, ...], gains: np.ndarray, pixels: int) -> Choice:
    names = [name for name in one.values[0] if all(name in row for row in one.values)]
    values = {name: tuple(row[name] for row in one.values) for name in names}
    rated = measure_vmaf(one.made, one.truth)
    if rated:
        each = np.reshape(rated, (len(one.values), -1)).mean(axis=1)
        values["vmaf"] = tuple(map(float, each))
    # The first moment loads the model.
    seconds = float(np.median(one.seconds[1:] or one.seconds)) * pixels
    best, worst = one.examples[int(np.argmax(gains))], one.examples[int(np.argmin(gains))]
    return Choice(one.label, values, scores, seconds, best, worst)


def score(values: dict[str, float]) -> float:
    """Return how near to the truth pictures are: SSIM in decibels, -10 log10(1 - SSIM).

    On four small films of known truth its ranking agreed best with the true one (Kendall's tau 0.71
    on average; 0.68 with PSNR, 0.63 with the mean of both).
    """
    return float(-10 * np.log10(max(1 - values["ssim"], 1e-6)))


_SCORES: dict[type[Stage], Callable[[dict[str, float]], float]] = {
    Colorize: lambda values: -values["colour"],  # the brightness is kept, so it says nothing
    Deflicker: lambda values: -abs(values["flicker"] - 1),
}
"""How near to the truth a result is, where the usual score does not tell."""
