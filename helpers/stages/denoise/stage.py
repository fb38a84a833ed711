"""Remove noise and compression blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from helpers.catalog import table as catalog
from helpers.catalog.load import load_upscaler, place_pictures
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
"""The methods without weights, and how many frames on each side each of them uses."""

_QUIET = 0.4
"""A film with fewer grey levels of noise is left unchanged. Rounding to 8 bits alone adds 0.29; the
rest is a margin, chosen by trial."""


@dataclass(frozen=True)
class Denoise(Stage):
    """Remove noise or compression blocks from every frame.

    `sigma` is the amount of noise in the film, and a method removes about that much. `strength` is
    the share of the denoised picture in the result. To keep some grain, reduce the strength rather
    than sigma: a part of the grain is then kept everywhere, and faces do not look like wax.

    Attributes:
        model: the method, or a network of the catalogue with the role "denoise". "motion" averages
            neighbours along the motion and then denoises the average with "dct"; it is the best.
            "dct", "bm3d" and "nlmeans" use one frame at a time. "atadenoise" averages each pixel
            over time, for still pictures. "deblock" only smooths the edges of 8x8 blocks. "deblock"
            and networks do not use sigma.
        strength: the share of the denoised picture in the result, 0 (the input) to 1.
        sigma: standard deviation of the noise in each channel, in grey levels of 255; if None,
            `analyse` measures it on a few frames.
        alike: correlation of the noise between the three channels, 0 to 1; if None, `analyse`
            measures it too.

    Raises:
        StageError: there is no such method or network, or a number is out of range.
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
                raise StageError(
                    f"{error} The methods without weights are {', '.join(REACH)}."
                ) from None

    @property
    def on_card(self) -> bool:
        """Whether the pictures may lie on a graphics card: for a network's result by itself."""
        return self.model not in REACH and self.strength == 1

    @property
    def unknown(self) -> tuple[str, ...]:
        """The measures of the noise that the method uses and that are not known yet."""
        if self.model == "deblock" or self.model not in REACH or not self.strength:
            return ()
        return tuple(name for name in ("sigma", "alike") if getattr(self, name) is None)

    def analyse(self, clip: Clip, run: RunContext | None = None) -> Denoise:
        """Measure the noise of the clip, and return the stage with the fields that were None."""
        if not self.unknown:
            return self
        run = run or RunContext()
        noise = run.keep("Denoise", clip, Noise, lambda: find_noise(clip, run))
        return replace(self, **{name: getattr(noise, name) for name in self.unknown})

    @property
    def context(self) -> int:
        """The number of frames on each side that the method uses."""
        return REACH.get(self.model, 0)

    @property
    def is_identity(self) -> bool:
        """Whether the strength is 0, or the method uses sigma and there is hardly any noise."""
        told = self.model in REACH and self.model != "deblock"
        return super().is_identity or (told and (self.sigma or 0) < _QUIET)

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Denoise the frames, shot by shot."""
        if not self.context:
            batch = 1 if self.model in REACH else run.machine.batch
            return map_images(frames, lambda images: self._clean(images, run.machine), batch)
        return self._clean_shots(frames, set(times), run.machine)

    def _clean_shots(
        self, frames: Iterator[Frame], wanted: set[Fraction], machine: Runtime
    ) -> Iterator[Frame]:
        """Denoise each wanted frame with its neighbours in the shot."""
        for shot in split_shots(frames):
            for window, at in windowed(shot, self.context, self.context):
                if window[at].time in wanted:
                    image = self._clean_in_window([frame.image for frame in window], at, machine)
                    yield Frame(image, window[at].time)

    def _clean_in_window(self, images: list[np.ndarray], at: int, machine: Runtime) -> np.ndarray:
        reach, sigma, image = self.context, self.sigma or 0.0, images[at]
        if self.model == "atadenoise":
            # At the ends of a shot, its first and its last frame are repeated.
            before, after = reach - at, reach - (len(images) - 1 - at)
            images = [*images[:1] * before, *images, *images[-1:] * after]
            made = filters.atadenoise(images, reach, sigma)
        else:
            steady, left = average(images, at, sigma)
            made = _shrink(steady, sigma * left, self.alike or 0.0, image.dtype, machine)
        return blend(image, made, self.strength)

    def _clean(self, images: list[Any], machine: Runtime) -> list[Any]:
        """Denoise pictures, each by itself."""
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
            engine = load_upscaler(self.model, role="denoise", machine=machine)
            if self.on_card:
                return engine.upscale(place_pictures(engine, images))
            made = engine.upscale(images)
        return [blend(a, b, self.strength) for a, b in zip(images, made, strict=True)]

    def recipe(self) -> dict[str, Any]:
        """The fields, and the sha256 of a network's weights."""
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
    """Round float32 levels in 0..255 to a picture's type, dithered against banding in the sky."""
    return dither(levels * np.float32(scale_of(dtype)), dtype)
