"""Take out noise and compression blocks, and leave what was filmed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from helpers.catalog import table as catalog
from helpers.catalog.load import load_upscaler
from helpers.clip import Clip, Frame
from helpers.errors import StageError
from helpers.imaging.luma import blend, dither, scale_of
from helpers.imaging.noise import Noise
from helpers.run import RunContext
from helpers.runtime.machine import Runtime
from helpers.stage import Stage, map_images, split_shots, windowed
from helpers.stages.denoise import ffmpeg_filters as filters
from helpers.stages.denoise.find import find_noise
from helpers.stages.denoise.motion_compensated import average

REACH = {"motion": 2, "dct": 0, "bm3d": 0, "nlmeans": 0, "atadenoise": 4, "deblock": 0}
"""The methods without weights, and how many frames to either side each looks at."""

_QUIET = 0.4
"""Grey levels of noise below which a film is left as it is. Rounding to 8 bits alone leaves 0.29;
the rest is a margin, chosen by trial."""


@dataclass(frozen=True)
class Denoise(Stage):
    """Clean every frame, some methods with the help of its neighbours in the shot.

    Two knobs: `sigma` says how much noise there is, and a method takes out about that much;
    `strength` says how much of the method's work is used. To keep some grain, lower the strength
    and leave sigma alone: a part of the grain then stays, and nothing turns to wax.

    Attributes:
        model: "motion" (neighbours averaged along their motion, then bm3d on what is left: the
            best), "bm3d" (within the picture), "nlmeans", "atadenoise" (the same pixel over time:
            for pictures that stand still), "deblock" (8x8 blocks only), or the name of a network
            from the catalogue with the role "denoise". "deblock" and networks heed no sigma.
        strength: how much of the result is used, 0 (the input) to 1.
        sigma: standard deviation of the noise in each channel, in grey levels of 255; `analyse`
            measures it in a few frames if None.
        alike: how alike the noise is in the three channels, 0 to 1; measured with it if None.
    """

    heavy: ClassVar[bool] = True

    model: str = "motion"
    strength: float = 1.0
    sigma: float | None = None
    alike: float | None = None

    def __post_init__(self) -> None:
        self._check_ranges(strength=(0, 1), sigma=(0, 100), alike=(0, 1))
        if self.model not in REACH:
            try:
                catalog.get(self.model, "denoise")
            except Exception as error:
                raise StageError(f"{error} Without weights there are {', '.join(REACH)}.") from None

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the method heeds of the film's noise, until it was measured."""
        if self.model == "deblock" or self.model not in REACH or not self.strength:
            return ()
        return tuple(name for name in ("sigma", "alike") if getattr(self, name) is None)

    def analyse(self, clip: Clip, run: RunContext | None = None) -> Denoise:
        """Return the stage with the noise of the clip, as far as it was left open."""
        if not self.unknown:
            return self
        run = run or RunContext()
        noise = run.keep("Denoise", clip, Noise, lambda: find_noise(clip, run))
        return replace(self, **{name: getattr(noise, name) for name in self.unknown})

    @property
    def context(self) -> int:
        """As many neighbours as the method looks at."""
        return REACH.get(self.model, 0)

    @property
    def is_identity(self) -> bool:
        """Whether there is next to no noise for a method that is told how much, or no strength."""
        told = self.model in REACH and self.model != "deblock"
        return super().is_identity or (told and (self.sigma or 0) < _QUIET)

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Clean the frames, shot by shot."""
        if not self.context:
            batch = 1 if self.model in REACH else run.machine.batch
            return map_images(frames, lambda images: self._clean(images, run.machine), batch)
        return self._clean_shots(frames, set(times), run.machine)

    def _clean_shots(
        self, frames: Iterator[Frame], wanted: set[Fraction], machine: Runtime
    ) -> Iterator[Frame]:
        """Clean each frame in the midst of its neighbours."""
        for shot in split_shots(frames):
            for window, at in windowed(shot, self.context, self.context):
                if window[at].time in wanted:
                    image = self._clean_in_window([frame.image for frame in window], at, machine)
                    yield Frame(image, window[at].time)

    def _clean_in_window(self, images: list[np.ndarray], at: int, machine: Runtime) -> np.ndarray:
        reach, sigma, image = self.context, self.sigma or 0.0, images[at]
        if self.model == "atadenoise":
            # Beyond the shot its first and its last frame go on.
            before, after = reach - at, reach - (len(images) - 1 - at)
            images = [*images[:1] * before, *images, *images[-1:] * after]
            made = filters.atadenoise(images, reach, sigma)
        else:
            steady, left = average(images, at, sigma)
            made = _shrink(steady, sigma * left, self.alike or 0.0, image.dtype, machine)
        return blend(image, made, self.strength)

    def _clean(self, images: list[np.ndarray], machine: Runtime) -> list[np.ndarray]:
        """Clean pictures each by itself."""
        sigma, alike = self.sigma or 0.0, self.alike or 0.0
        methods: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "bm3d": lambda image: _round(filters.bm3d(image, sigma, alike), image.dtype),
            "dct": lambda image: _shrink(
                image.astype(np.float32) / np.float32(scale_of(image.dtype)),
                sigma,
                alike,
                image.dtype,
                machine,
            ),
            "nlmeans": lambda image: filters.nlmeans(image, sigma),
            "deblock": filters.deblock,
        }
        if self.model in methods:
            made = [methods[self.model](image) for image in images]
        else:
            made = load_upscaler(self.model, role="denoise", machine=machine).upscale(images)
        return [blend(a, b, self.strength) for a, b in zip(images, made, strict=True)]

    def recipe(self) -> dict[str, Any]:
        """The fields, and a network's weights by their sha256."""
        weights = {} if self.model in REACH else catalog.recipe(self.model, "denoise")
        return {**super().recipe(), **weights}


def _shrink(
    levels: np.ndarray,
    sigma: float | np.ndarray,
    alike: float,
    dtype: np.dtype,
    machine: Runtime,
) -> np.ndarray:
    from helpers.stages.denoise.dct import shrink

    return _round(shrink(levels, sigma, alike, machine.device), dtype)


def _round(levels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Round float32 levels in 0..255 to a picture's type; a cleaned 8-bit sky shows no bands."""
    return dither(levels * np.float32(scale_of(dtype)), dtype)
