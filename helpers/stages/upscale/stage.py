"""Enlarge the picture."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import chain, islice
from typing import Any, ClassVar

import numpy as np

from helpers.catalog import table as catalog
from helpers.catalog.load import (
    VideoEnlarger,
    load_upscaler,
    load_video_upscaler,
    native_scale,
    place_pictures,
)
from helpers.clip import Clip, ClipInfo, Frame, Pixels
from helpers.errors import StageError
from helpers.options import dimensions, names, number, option, share, shares
from helpers.run import RunContext
from helpers.runtime.machine import Runtime
from helpers.stage import Stage, exact, map_images, split_shots, windowed
from helpers.stages.upscale.consistency import hold_to_source
from helpers.stages.upscale.find import suggest
from helpers.stages.upscale.frame_blocks import block_window, map_blocks
from helpers.stages.upscale.steady import REACH, Seen, average, look

_Enlarge = Callable[[list[Any]], list[Any]]
"""A function that enlarges pictures of one size, (H, W, 3) uint8 or uint16, on a card or not."""

_LARGEST = 16384
"""The largest side in pixels, the limit of H.264 and H.265."""


@dataclass(frozen=True, eq=False)
class _Pair:
    """A frame of the film as `steady` sees it, and what was made of it."""

    seen: Seen
    made: np.ndarray
    time: Fraction
    cut: bool

    @classmethod
    def of(cls, source: Frame, made: np.ndarray) -> _Pair:
        return cls(look(source.image), made, source.time, source.cut)


@dataclass(frozen=True)
class Upscale(Stage):
    """Enlarge every frame with a model, then resize it to the exact size.

    What a network shifts in brightness and colour is corrected: the low frequencies of the result
    are those of the film (`consistency`). With a strength below 1, the result is nearer to the
    truth and softer; steadied, it flickers less (`steady`). Both are for small and compressed
    films; see `find.suggest`. Drawn and clean films look best with the network as it is.

    Several models may be combined: either the results of all of them are blended in every frame, or
    the models alternate from frame to frame, and a later interpolation smooths the difference. A
    recurrent model cannot be combined; it works on fixed blocks of frames (see `frame_blocks`).

    Attributes:
        model: a model of the catalogue with the role "upscale", the path or link of a user's own
            weights, or several of these.
        scale: how many times larger each side becomes, up to 32. If neither `scale` nor `size` is
            given, it is that of the (first) model, or 4 if the model has none.
        size: the exact (width, height) instead. The aspect ratio of the displayed picture is kept
            by changing the sample aspect ratio.
        denoise: for general-x4v3, from 0 (keep the grain) to 1 (remove all noise).
        blend: the weight of each of several models; equal weights if not given. Only their ratios
            matter.
        alternate: let several models alternate instead.
        strength: the share of the network in what it changes: 0 is plain enlarging ("true"), 1 all
            of it ("crisp"). If None, it is 1, unless `analyse` or `on` chooses it for the film.
        steady: whether each picture is averaged with its neighbours along the motion. If None, it
            is not, unless it is chosen for the film.

    Raises:
        StageError: the fields contradict each other, or a value is not allowed.
    """

    heavy: ClassVar[bool] = True

    role: ClassVar[str] = "upscale"

    model: str | tuple[str, ...] = option(
        "x4plus",
        "The model that enlarges, the path or link of your own, several, or none.",
        name="upscale",
        read=names,
        metavar="MODEL[,MODEL]",
    )
    scale: Fraction | None = option(
        None,
        "How many times larger; by default as the model, within 3840x2160.",
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
        None, "The weight of each of several models.", read=shares, metavar="W,W"
    )
    alternate: bool = option(False, "Let several models alternate from frame to frame instead.")
    strength: Fraction | None = option(
        None,
        "From 0 (true: plain enlarging) to 1 (crisp: all that the network invents); chosen for the "
        "film by default.",
        read=share,
        metavar="NUMBER",
    )
    steady: bool | None = option(
        None,
        "Average each picture along the motion, against flicker; chosen for the film by default.",
    )

    def __post_init__(self) -> None:
        self._make_exact("scale", "denoise", "strength")
        self._check_ranges(strength=(0, 1))
        if not isinstance(self.model, str):
            object.__setattr__(self, "model", tuple(self.model))
        rows = [catalog.get(name, "upscale") for name in self.models]
        self._check_size()
        self._check_models(rows)

    def _check_size(self) -> None:
        if self.scale is not None and self.size is not None:
            raise StageError("Both a scale and a size were given; give only one of them.")
        if self.scale is not None and not 0 < self.scale <= 32:
            raise StageError(
                f"The scale must be greater than 0 and at most 32; {float(self.scale):g} was given."
            )
        if self.size is not None and not all(1 <= side <= _LARGEST for side in self.size):
            raise StageError(
                f"Both sides of the size must be from 1 to {_LARGEST}; {self.size} was given."
            )

    def _check_models(self, rows: list[catalog.Model]) -> None:
        count = len(rows)
        if not count:
            raise StageError("No model was given for upscaling; give at least one.")
        if count > 1 and (recurrent := [row.name for row in rows if row.recurrent]):
            raise StageError(
                f"{recurrent[0]} processes many frames together and cannot be combined with other "
                "models. Give it alone."
            )
        if self.denoise is not None:
            if not 0 <= self.denoise <= 1:
                raise StageError(
                    f"The denoise strength must be from 0 to 1; {float(self.denoise):g} was given."
                )
            if not any(catalog.has_denoise(row) for row in rows):
                names = ", ".join(filter(None, map(str, self.models)))
                raise StageError(
                    f"{names} has no denoise strength; only general-x4v3 has. Leave it out, or "
                    "denoise in an earlier step."
                )
        if self.blend is not None:
            object.__setattr__(self, "blend", tuple(exact(share) for share in self.blend))
            if len(self.blend) != count or min(self.blend) < 0 or not sum(self.blend):
                raise StageError(
                    f"The weights {[float(share) for share in self.blend]} were given for {count} "
                    "models. Give one weight for each model, none below 0, and not all 0."
                )
        if self.strength is not None and self.is_plain:
            raise StageError(
                f"{rows[0].name} has no network, so there is nothing whose strength could be set. "
                "Leave strength out, or choose a network."
            )
        if self.steady and any(row.recurrent for row in rows):
            raise StageError(
                f"{rows[0].name} uses the neighbours of every frame already. Leave steady out."
            )
        if (self.alternate or self.blend is not None) and count < 2:
            raise StageError(
                "blend and alternate need several models, but only one was given. Give more "
                "models, or leave blend and alternate out."
            )
        if self.alternate and self.blend is not None:
            raise StageError("Models can be blended or alternate; give only one of the two.")

    @property
    def models(self) -> tuple[str, ...]:
        """The models, as a tuple."""
        return (self.model,) if isinstance(self.model, str) else self.model

    @property
    def on_card(self) -> bool:
        """Whether the pictures may lie on a card; a recurrent model and `steady` take arrays."""
        return not self.recurrent and not self.steady

    @property
    def is_identity(self) -> bool:
        """Never: with a strength of 0 the picture is enlarged as well."""
        return False

    @property
    def context(self) -> int:
        """The neighbours that a picture is averaged with."""
        return REACH if self.steady else 0

    @property
    def is_plain(self) -> bool:
        """Whether no network is used."""
        return all(catalog.get(name, "upscale").plain for name in self.models)

    @property
    def recurrent(self) -> bool:
        """Whether the model processes many frames together."""
        return catalog.get(self.models[0], "upscale").recurrent

    def target(self, width: int, height: int) -> tuple[int, int]:
        """Return the size, (width, height), of the result for a frame of width x height.

        Raises:
            StageError: it would be larger than 16384 pixels a side.
        """
        if self.size is not None:
            return self.size
        scale = Fraction(self.scale or native_scale(self.models[0]) or 4)
        # Half a pixel is always rounded up, not to the even number, as users expect.
        new = tuple(max(math.floor(side * scale + Fraction(1, 2)), 1) for side in (width, height))
        if max(new) > _LARGEST:
            raise StageError(
                f"{width}x{height} enlarged {float(scale):g} times is {new[0]}x{new[1]}, but a "
                f"side may have at most {_LARGEST} pixels. Choose a smaller scale."
            )
        return new  # type: ignore[return-value]

    def analyse(self, clip: Clip, run: RunContext | None = None) -> Upscale:
        """Choose strength and steadiness for a film, if they were left open; see `find.suggest`.

        What was chosen, and why, is added to the run's notes. A recurrent model is left as it is,
        since it sees the neighbours of every frame by itself.
        """
        chosen = self.strength is not None and self.steady is not None
        if chosen or self.is_plain or self.recurrent:
            return self
        run = run or RunContext()
        found = suggest(clip)
        if self.strength is None and found.strength < 1:
            run.notes.append(
                f"The network was used with a strength of {float(found.strength):g}. "
                f"{found.reason} --strength 1 gives the crispest picture."
            )
        return replace(
            self,
            strength=found.strength if self.strength is None else self.strength,
            steady=found.steady if self.steady is None else self.steady,
        )

    def info(self, source: Clip) -> ClipInfo:
        """The source's, with the new size, and a new sample aspect ratio if the shape changed."""
        old = source.info
        width, height = self.target(old.width, old.height)
        sar = old.sar * Fraction(old.width * height, old.height * width)
        if abs(sar / old.sar - 1) < Fraction(1, 100):
            sar = old.sar  # a difference that is due to rounding to whole pixels
        times = old.enlarged * min(Fraction(width, old.width), Fraction(height, old.height))
        return old.replace(
            width=width,
            height=height,
            sar=sar.limit_denominator(1000),
            enlarged=max(times, Fraction(1)),
        )

    def window(self, source: Clip, start: int, stop: int) -> tuple[int, int]:
        """The same frames; for a recurrent model, whole blocks and their context."""
        if self.recurrent:
            return block_window(start, stop, len(source))
        return super().window(source, start, stop)

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Enlarge in batches; a repeated picture is computed only once."""
        return self.process_from(0, frames, times, run)

    def process_from(
        self, start: int, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Enlarge the frames from number `start` on, which determines turns and blocks."""
        if self.recurrent:
            engine = load_video_upscaler(self.models[0], run.machine)
            enlarge = partial(self._enlarge_sequence, engine)
            return map_blocks(start, start + len(times), frames, enlarge)
        begun = max(start - self.context, 0)
        if not self.steady:
            return self._enlarge_frames(begun, frames, run.machine)
        steadied = self._steady_frames(begun, frames, run.machine)
        return (frame for frame in steadied if times[0] <= frame.time <= times[-1])

    def _steady_frames(
        self, start: int, frames: Iterator[Frame], machine: Runtime
    ) -> Iterator[Frame]:
        """Enlarge frames, and average each with its neighbours in its shot."""
        sources: deque[Frame] = deque()

        def noted() -> Iterator[Frame]:
            for frame in frames:
                sources.append(frame)
                yield frame

        enlarged = self._enlarge_frames(start, noted(), machine)
        pairs = (_Pair.of(sources.popleft(), frame.image) for frame in enlarged)
        for shot in split_shots(pairs):
            for window, at in windowed(shot, REACH, REACH):
                seen, made = [one.seen for one in window], [one.made for one in window]
                yield Frame(average(seen, made, at), window[at].time)

    def _enlarge_frames(
        self, start: int, frames: Iterator[Frame], machine: Runtime
    ) -> Iterator[Frame]:
        """Enlarge frames, each by itself, in batches that suit their size."""
        # Looked up once: tiles and batches then stay the same, and no frame waits for the answer.
        machine = replace(machine, memory_limit=machine.free_memory())
        names = self.models if self.strength != 0 else ("bicubic",)
        engines = [self._load_engine(name, machine) for name in names]
        enlargers = [partial(self._enlarge, engine) for engine in engines]
        first = next(frames)
        batch = machine.batch
        for engine in engines:
            if batch > 1 and hasattr(engine, "choose_batch"):
                batch = engine.choose_batch(first.pixels.shape, batch)
        frames = chain([first], frames)
        if self.alternate and len(enlargers) > 1:
            yield from self._alternate(start, frames, enlargers, batch)
        else:
            yield from map_images(frames, partial(self._blend, enlargers), batch)

    def _alternate(
        self, start: int, frames: Iterator[Frame], enlargers: Sequence[_Enlarge], batch: int
    ) -> Iterator[Frame]:
        """Let the models alternate by the number of the frame; each has its own batches."""
        count = len(enlargers)
        while group := list(islice(frames, count * batch)):
            made: dict[int, Pixels] = {}
            for turn, enlarge in enumerate(enlargers):
                mine = range((turn - start) % count, len(group), count)
                images = [group[number].pixels for number in mine]
                full = images + images[-1:] * (batch - len(images))
                made.update(zip(mine, enlarge(full) if images else (), strict=False))
            yield from (Frame(made[number], frame.time) for number, frame in enumerate(group))

    def _enlarge_sequence(
        self, engine: VideoEnlarger, images: list[np.ndarray], keep: range
    ) -> Iterator[np.ndarray]:
        """Enlarge the pictures of a sequence whose numbers are in `keep`, to the exact size."""
        from helpers.imaging.resample import resize

        height, width = images[0].shape[:2]
        size = self.target(width, height)
        made = (resize(image, *size) for image in engine.upscale_sequence(images, keep))
        return map(self._hold, made, islice(images, keep.start, keep.stop))

    def _blend(self, enlargers: Sequence[_Enlarge], images: list[Any]) -> list[Any]:
        """Enlarge pictures of one size, (H, W, 3) uint8 or uint16, and blend several models."""
        from helpers.imaging.luma import round_to

        if len(enlargers) == 1:
            return enlargers[0](images)
        shares = self.blend or (Fraction(1),) * len(enlargers)
        total: list[Any] = [np.float32(0)] * len(images)
        for enlarge, weight in zip(enlargers, shares, strict=True):
            if weight:
                part = np.float32(weight / sum(shares))
                made = map(np.asarray, enlarge(images))
                total = [sum_ + part * image for sum_, image in zip(total, made, strict=True)]
        return [round_to(image, images[0].dtype) for image in total]

    def _load_engine(self, name: str, machine: Runtime) -> Any:
        strength = self.denoise if catalog.has_denoise(catalog.get(name, "upscale")) else None
        return load_upscaler(name, strength, machine=machine)

    def _enlarge(self, engine: Any, images: list[Any]) -> list[Any]:
        """Enlarge pictures with one model, to the exact size, on its card if it has one."""
        height, width = images[0].shape[:2]
        size = self.target(width, height)
        images = place_pictures(engine, images)
        if not engine.scale:  # plain resampling, to any size
            return engine.upscale(images, size)
        fitted = [_fit(image, *size) for image in engine.upscale(images)]
        return [self._hold(*pair) for pair in zip(fitted, images, strict=True)]

    def _hold(self, made: Any, source: Any) -> Any:
        """Make what a network made consistent with the film, and blend it with plain enlarging."""
        return hold_to_source(made, source, 1.0 if self.strength is None else float(self.strength))

    def recipe(self) -> dict[str, Any]:
        """The fields, and the sha256 of the weights."""
        found = [catalog.recipe(name, "upscale") for name in self.models]
        values = {**super().recipe(), **found[0]}
        # Projects of version 0.1 have neither field, and plain enlarging is as it was. What
        # networks made then was not held to the source, so that it is not continued.
        for name in ("strength", "steady"):
            if values[name] is None:
                del values[name]
        if not self.is_plain:
            values["consistent"] = True
        if len(found) > 1:  # a user's own file is recorded by its name, without its folder
            names = zip(found, self.models, strict=True)
            values["model"] = [row.get("model", name) for row, name in names]
            values["weights"] = [row.get("weights", "-") for row in found]
        return values


def _fit(pixels: Any, width: int, height: int) -> Any:
    """Resize a picture where it lies: an array, or on a graphics card."""
    if isinstance(pixels, np.ndarray):
        from helpers.imaging.resample import resize

        return resize(pixels, width, height)
    from helpers.nn.resample import resize_on_card

    return resize_on_card(pixels, width, height)
