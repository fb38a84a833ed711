"""Make the picture larger."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from helpers.catalog import table as catalog
from helpers.catalog.load import (
    VideoEnlarger,
    load_upscaler,
    load_video_upscaler,
    native_scale,
)
from helpers.clip import Clip, ClipInfo, Frame
from helpers.errors import StageError
from helpers.options import dimensions, names, number, option, share, shares
from helpers.run import RunContext
from helpers.runtime.machine import Runtime
from helpers.stage import Stage, exact, map_images
from helpers.stages.upscale.frame_blocks import block_window, map_blocks

_Enlarge = Callable[[list[np.ndarray]], list[np.ndarray]]
"""Makes larger pictures of pictures of one size, (H, W, 3) uint8 or uint16, one for one."""

_LARGEST = 16384
"""Pixels a side: the limit of H.264 and H.265."""


@dataclass(frozen=True)
class Upscale(Stage):
    """Enlarge every frame with a model, then resize it exactly to what was asked for.

    Several models may share the work: blended, every frame is made by all of them and mixed;
    alternating, they take frames in turn, and interpolation afterwards smooths the difference. A
    recurrent model works alone, on fixed blocks of frames (see `blocks`).

    Attributes:
        model: a name from the catalogue with the role "upscale", the path or link of a user's own
            weights, or several of these.
        scale: how many times larger each side becomes; the (first) model's own if neither is
            given, 4 for a model that has none.
        size: exact (width, height) instead; the shape of the picture on the screen is kept by its
            sample aspect ratio.
        denoise: for general-x4v3, from 0 (keep the grain) to 1 (take off all noise).
        blend: the weight of each of several models; equal if not given. Only ratios count.
        alternate: let several models take frames in turn instead.
    """

    heavy: ClassVar[bool] = True

    role: ClassVar[str] = "upscale"

    model: str | tuple[str, ...] = option(
        "x4plus",
        "A model to enlarge with, the path or link of your own, several, or none.",
        name="upscale",
        read=names,
        metavar="MODEL[,MODEL]",
    )
    scale: Fraction | None = option(
        None,
        "How many times larger; by default as the model does, within 3840x2160.",
        read=number,
        metavar="NUMBER",
    )
    size: tuple[int, int] | None = option(
        None, "The exact size instead.", read=dimensions, metavar="WxH"
    )
    denoise: Fraction | None = option(
        None,
        "For general-x4v3: 0 keeps the grain, 1 removes all of it.",
        read=share,
        metavar="NUMBER",
    )
    blend: tuple[Fraction, ...] | None = option(
        None, "How much of each of several models.", read=shares, metavar="W,W"
    )
    alternate: bool = option(False, "Let several models take turns, frame by frame, instead.")

    def __post_init__(self) -> None:
        self._make_exact("scale", "denoise")
        if not isinstance(self.model, str):
            object.__setattr__(self, "model", tuple(self.model))
        rows = [catalog.get(name, "upscale") for name in self.models]
        self._check_size()
        self._check_models(rows)

    def _check_size(self) -> None:
        if self.scale is not None and self.size is not None:
            raise StageError("Both a scale and a size were given; give one of the two.")
        if self.scale is not None and not 0 < self.scale <= 32:
            raise StageError(
                f"A scale of {float(self.scale):g} was asked for; allowed is up to 32."
            )
        if self.size is not None and not all(1 <= side <= _LARGEST for side in self.size):
            raise StageError(f"A size of {self.size} was asked for; allowed is 1 to {_LARGEST}.")

    def _check_models(self, rows: list[catalog.Model]) -> None:
        count = len(rows)
        if not count:
            raise StageError("No model was given to upscale with; give at least one.")
        if count > 1 and (recurrent := [row.name for row in rows if row.recurrent]):
            raise StageError(
                f"{recurrent[0]} looks at many frames at once and cannot share them with other "
                "models; give it alone."
            )
        if self.denoise is not None:
            if not 0 <= self.denoise <= 1:
                raise StageError(
                    f"A denoise strength of {float(self.denoise):g} was asked for; allowed is 0 "
                    "to 1."
                )
            if not any(catalog.has_denoise(row) for row in rows):
                names = ", ".join(filter(None, map(str, self.models)))
                raise StageError(
                    f"{names} takes no denoise strength; general-x4v3 does. Leave it out, or "
                    "denoise in a step before."
                )
        if self.blend is not None:
            object.__setattr__(self, "blend", tuple(exact(share) for share in self.blend))
            if len(self.blend) != count or min(self.blend) < 0 or not sum(self.blend):
                raise StageError(
                    f"The weights {[float(share) for share in self.blend]} were given for {count} "
                    "models; give one for each, none below 0 and not all 0."
                )
        if (self.alternate or self.blend is not None) and count < 2:
            raise StageError("Only several models can be blended or take turns; one was given.")
        if self.alternate and self.blend is not None:
            raise StageError("Models can be blended or take turns, not both; give one of the two.")

    @property
    def models(self) -> tuple[str, ...]:
        """The models, one or several."""
        return (self.model,) if isinstance(self.model, str) else self.model

    @property
    def recurrent(self) -> bool:
        """Whether the model looks at many frames at once."""
        return catalog.get(self.models[0], "upscale").recurrent

    def target(self, width: int, height: int) -> tuple[int, int]:
        """Return the size that a frame of width x height becomes."""
        if self.size is not None:
            return self.size
        scale = Fraction(self.scale or native_scale(self.models[0]) or 4)
        # Half a pixel is rounded up, never to the even neighbour, so that scales add up.
        new = tuple(max(math.floor(side * scale + Fraction(1, 2)), 1) for side in (width, height))
        if max(new) > _LARGEST:
            raise StageError(
                f"{width}x{height} times {float(scale):g} is {new[0]}x{new[1]}; allowed is up to "
                f"{_LARGEST} a side. Choose a smaller scale."
            )
        return new  # type: ignore[return-value]

    def info(self, source: Clip) -> ClipInfo:
        """The source's, larger; its pixels reshaped only if the picture's shape changed."""
        old = source.info
        width, height = self.target(old.width, old.height)
        sar = old.sar * Fraction(old.width * height, old.height * width)
        if abs(sar / old.sar - 1) < Fraction(1, 100):
            sar = old.sar  # rounding to whole pixels is no change of shape
        return old.replace(width=width, height=height, sar=sar.limit_denominator(1000))

    def window(self, source: Clip, start: int, stop: int) -> tuple[int, int]:
        """The same frames; for a recurrent model whole blocks and what lies around them."""
        if self.recurrent:
            return block_window(start, stop, len(source))
        return super().window(source, start, stop)

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Enlarge in batches; a picture that repeats is computed once."""
        return self.process_from(0, frames, times, run)

    def process_from(
        self, start: int, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Enlarge the frames from number `start` on: turns and blocks are counted by it."""
        if self.recurrent:
            engine = load_video_upscaler(self.models[0], run.machine)
            enlarge = partial(self._enlarge_sequence, engine)
            return map_blocks(start, start + len(times), frames, enlarge)
        enlargers = [self._load_enlarger(name, run.machine) for name in self.models]
        if self.alternate:
            return self._alternate(start, frames, enlargers, run.machine.batch)
        return map_images(frames, partial(self._blend, enlargers), run.machine.batch)

    def _alternate(
        self, start: int, frames: Iterator[Frame], enlargers: Sequence[_Enlarge], batch: int
    ) -> Iterator[Frame]:
        """Let every model make the frames whose number is its turn, in batches of its own."""
        count = len(enlargers)
        while group := list(islice(frames, count * batch)):
            made: dict[int, np.ndarray] = {}
            for turn, enlarge in enumerate(enlargers):
                mine = range((turn - start) % count, len(group), count)
                images = [group[number].image for number in mine]
                full = images + images[-1:] * (batch - len(images))
                made.update(zip(mine, enlarge(full) if images else (), strict=False))
            yield from (Frame(made[number], frame.time) for number, frame in enumerate(group))

    def _enlarge_sequence(
        self, engine: VideoEnlarger, images: list[np.ndarray], keep: range
    ) -> Iterator[np.ndarray]:
        """Enlarge those of a sequence of pictures whose numbers are in `keep`."""
        from helpers.imaging.resample import resize

        height, width = images[0].shape[:2]
        size = self.target(width, height)
        return (resize(image, *size) for image in engine.upscale_sequence(images, keep))

    def _blend(self, enlargers: Sequence[_Enlarge], images: list[np.ndarray]) -> list[np.ndarray]:
        """Enlarge pictures of one size, (H, W, 3) uint8 or uint16, blending several models."""
        from helpers.imaging.luma import round_to

        if len(enlargers) == 1:
            return enlargers[0](images)
        shares = self.blend or (Fraction(1),) * len(enlargers)
        total: list[Any] = [np.float32(0)] * len(images)
        for enlarge, weight in zip(enlargers, shares, strict=True):
            if weight:
                part = np.float32(weight / sum(shares))
                total = [
                    sum_ + part * image for sum_, image in zip(total, enlarge(images), strict=True)
                ]
        return [round_to(image, images[0].dtype) for image in total]

    def _load_enlarger(self, name: str, machine: Runtime) -> _Enlarge:
        """Return what enlarges pictures with one model, to the exact size."""
        from helpers.imaging.resample import resize

        strength = self.denoise if catalog.has_denoise(catalog.get(name, "upscale")) else None
        engine: Any = load_upscaler(name, strength, machine=machine)

        def enlarge(images: list[np.ndarray]) -> list[np.ndarray]:
            height, width = images[0].shape[:2]
            size = self.target(width, height)
            if not engine.scale:  # it makes any size itself
                return engine.upscale(images, size)
            return [resize(image, *size) for image in engine.upscale(images)]

        return enlarge

    def recipe(self) -> dict[str, Any]:
        """The fields, and the weights by their sha256."""
        found = [catalog.recipe(name, "upscale") for name in self.models]
        values = {**super().recipe(), **found[0]}
        if len(found) > 1:  # a user's own goes by its name, wherever it lies
            names = zip(found, self.models, strict=True)
            values["model"] = [row.get("model", name) for row, name in names]
            values["weights"] = [row.get("weights", "-") for row in found]
        return values
