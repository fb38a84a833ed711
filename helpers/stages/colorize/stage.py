"""Colour a black-and-white film, with steady colours."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

from helpers.catalog import table as catalog
from helpers.clip import Clip, ClipInfo, Frame
from helpers.errors import StageError
from helpers.imaging.matrices import WEIGHTS, choose_matrix
from helpers.options import names, option
from helpers.run import RunContext
from helpers.runtime.machine import Runtime, file_sha256
from helpers.stage import Stage, plain, split_shots
from helpers.stages.colorize.find import Colours, clip_matrix, find_colours
from helpers.stages.colorize.reference_colors import (
    carry_references,
    color_by_references,
    composite_references,
    match_references,
    reference_window,
)
from helpers.stages.colorize.references import (
    Reference,
    describe_unreached,
    locate_references,
    parse_entry,
)
from helpers.stages.colorize.temporal import (
    Palette,
    choose_model,
    keep_neighbours,
    merge_colors,
    paint_frames,
    prepare_frames,
    steady_frames,
)
from helpers.stages.colorize.tint import TONES

log = logging.getLogger("helpers")

_FACTORS = (7, 60)
"""The smallest and the largest render factor."""

_FARTHEST = 20
"""The largest reach of a reference in seconds; so much of the film is kept in memory."""

_WIDEST = 15
"""The largest number of frames on each side over which colours are averaged."""


@dataclass(frozen=True)
class Colorize(Stage):
    """Colour every frame, and keep its luma exactly.

    The model gets the frame stretched to a small square, and only the colours of its result are
    used. So no detail is lost, and a large film takes no longer than a small one. The colours are
    averaged along the motion within each shot. They are the model's guess, not the true colours.

    Attributes:
        model: a model of the catalogue with the role "colorize"; or two, whose colours are blended:
            the steadier one first, which the second may change by at most a tenth of the range; or
            "auto", the best that is available.
        mix: the share of the second model, 0 to 1.
        render_factor: the side of the square divided by 16, 7 to 60; 0 is the model's default. With
            a larger one, smaller objects are coloured; with a smaller one, colours are steadier and
            more vivid.
        saturation: the factor of the saturation, 0 to 3.
        strength: the share of the coloured picture in the result, 0 (the input) to 1.
        steady: the number of frames on each side over which colours are averaged, 0 to 15.
        tone: for "tint": sepia, warm, selenium, cyanotype, moonlight or amber.
        neutralise: remove a tint, such as sepia, first. Otherwise it is added to the new colours.
        force: also colour what is in colour already.
        matrix: ffmpeg's name of the matrix of luma; if None, that of the clip.
        coloured: spans of time, (begin, end) in seconds, that are in colour already and are not
            changed; if None, `analyse` finds them.
        references: frames that you coloured: a folder of pictures, paths of pictures, or (path,
            when) with the number of a frame (int) or a time in seconds. `analyse` finds their
            frames; see `references`. Their colours follow the motion through their shots; where
            they cannot be tracked, the model's colours are used. With "tint", a shot with a
            reference gets all its colours from references.
        reach: how far before and after a reference its colours are tracked, in seconds, up to 20.

    Raises:
        StageError: a value is not allowed.
    """

    heavy: ClassVar[bool] = True

    role: ClassVar[str] = "colorize"

    model: str | tuple[str, ...] = option(
        "auto",
        "The model that colours a black-and-white film, two that are blended, auto, or none.",
        name="colorize",
        read=names,
        metavar="MODEL[,MODEL]",
    )
    mix: float = 0.5
    render_factor: int = option(
        0,
        "The side of the square that the model colours, divided by 16; 0 is the model's default.",
    )
    saturation: float = option(1.0, "How strong the colours are, 0 to 3.")
    strength: float = 1.0
    steady: int = 5
    tone: str = option("sepia", "For the model tint: sepia, cyanotype and others.")
    neutralise: bool = True
    force: bool = option(False, "Colour the film even if it is in colour already.", name="recolor")
    matrix: str | None = None
    coloured: tuple[tuple[Fraction, Fraction], ...] | None = None
    references: tuple[Any, ...] = option(
        (),
        "A folder of frames that you coloured; their colours are used for the frames around them.",
        read=str,
        metavar="FOLDER",
    )
    reach: Fraction = Fraction(2)

    def __post_init__(self) -> None:
        if not isinstance(self.model, str):
            object.__setattr__(self, "model", tuple(self.model))
        self._check_models()
        self._make_exact("reach")
        self._check_numbers()
        given = self.references
        entries = (given,) if isinstance(given, str | Path) else given
        object.__setattr__(self, "references", tuple(map(parse_entry, entries)))
        for word, value, known in (
            ("tone", self.tone, TONES),
            ("matrix", self.matrix, (*WEIGHTS, None)),
        ):
            if value not in known:
                names = ", ".join(filter(None, known))
                raise StageError(f"There is no {word} {value!r}. Choose from {names}.")
        if self.coloured is not None:
            spans = tuple((Fraction(begin), Fraction(end)) for begin, end in self.coloured)
            object.__setattr__(self, "coloured", spans)

    def _check_models(self) -> None:
        for name in self.models:
            if name != "auto":
                catalog.get(name, "colorize")
        if not 1 <= len(self.models) <= 2:
            raise StageError(
                f"{len(self.models)} models were given for colouring; give one or two."
            )
        if len(self.models) == 2 and "tint" in self.models:
            raise StageError("tint cannot be blended with another model; give it alone.")

    def _check_numbers(self) -> None:
        self._check_ranges(strength=(0, 1), mix=(0, 1), saturation=(0, 3), steady=(0, _WIDEST))
        least, largest = _FACTORS
        if self.render_factor and not least <= self.render_factor <= largest:
            raise StageError(
                f"The render factor must be from {least} to {largest}, or 0 for the model's "
                f"default; {self.render_factor} was given."
            )
        if not 0 < self.reach <= _FARTHEST:
            raise StageError(
                f"The reach must be greater than 0 and at most {_FARTHEST} s; "
                f"{float(self.reach):g} s was given."
            )

    @property
    def models(self) -> tuple[str, ...]:
        """The models, as a tuple."""
        return (self.model,) if isinstance(self.model, str) else self.model

    @property
    def unknown(self) -> tuple[str, ...]:
        """The fields that `analyse` must find: the shots in colour, the frames of references."""
        coloured = self.coloured is None and not self.force
        located = all(isinstance(entry, Reference) for entry in self.references)
        return ("coloured",) * coloured + ("references",) * (not located)

    def __call__(self, clip: Clip) -> Clip:
        """Return the coloured clip; fields that do not need an analysis are filled in."""
        changes: dict[str, Any] = {}
        if self.model == "auto":
            changes["model"] = choose_model()
        if self.matrix is None:
            changes["matrix"] = clip_matrix(clip.info)
        if self.coloured is None and self.force:
            changes["coloured"] = ()
        return Stage.__call__(replace(self, **changes) if changes else self, clip)

    def colours(self, clip: Clip, run: RunContext | None = None) -> Colours:
        """Return the colours of a clip; they are found once for every project."""
        run = run or RunContext()
        return run.keep("Colorize", clip, Colours, lambda: find_colours(clip))

    def analyse(self, clip: Clip, run: RunContext | None = None) -> Colorize:
        """Find the shots in colour and the frames of references, and return the stage with them.

        Raises:
            StageError: most of the clip is in colour already; or see `locate_references`.
        """
        changes: dict[str, Any] = {}
        if self.coloured is None and not self.force:
            changes["coloured"] = self._find_coloured(self.colours(clip, run))
        if not all(isinstance(entry, Reference) for entry in self.references):
            changes["references"] = found = locate_references(clip, self.references)
            if said := describe_unreached(clip, found, self.reach):
                log.warning(said)
        return replace(self, **changes)

    def _find_coloured(self, found: Colours) -> tuple[tuple[Fraction, Fraction], ...]:
        """Return the spans of a clip that are in colour already; warn of them, or of a tint.

        Raises:
            StageError: most of the clip is in colour.
        """
        if found.kind == "colour":
            raise StageError(
                f"{found.words} Use force=True to colour it nevertheless, in addition to its own "
                "colours."
            )
        if found.coloured:
            log.warning("%s They are left unchanged; force=True colours them too.", found.words)
        elif found.kind == "tinted" and not self.neutralise:
            log.warning("%s neutralise=True removes the tint first.", found.words)
        return found.coloured

    def info(self, source: Clip) -> ClipInfo:
        """The source's, no longer grey if anything is coloured."""
        return source.info.replace(grey=source.info.grey and not self.strength * self.saturation)

    @property
    def context(self) -> int:
        """The number of frames on each side over which colours are averaged."""
        return self.steady

    def window(self, source: Clip, start: int, stop: int) -> tuple[int, int]:
        """The frames, the neighbours for averaging, and the frames up to references in reach."""
        start, stop = super().window(source, start, stop)
        return reference_window(source, self.references, self.reach, start, stop)

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Colour the frames, shot by shot."""
        wanted = set(times)
        for shot in split_shots(frames):
            yield from self._color_shot(shot, wanted, run.machine)

    def _color_shot(
        self, frames: Iterator[Frame], wanted: set[Fraction], machine: Runtime
    ) -> Iterator[Frame]:
        """Colour the wanted frames of one shot, or of the part of it that is read."""
        first = next(frames)
        if any(begin <= first.time < end for begin, end in self.coloured or ()):
            yield from (frame for frame in chain([first], frames) if frame.time in wanted)
            return
        matrix = self.matrix or choose_matrix(None, *first.image.shape[1::-1])
        palette = Palette(self.models, self.mix, self.render_factor, self.tone, matrix, machine)
        painted = prepare_frames(chain([first], frames), wanted, matrix, self.force)
        references = [r for r in self.references if r.begin <= first.time < r.end]
        painted = keep_neighbours(
            carry_references(painted, references, self.reach, matrix), self.steady
        )
        painted = match_references(painted, references, matrix)
        if references and self.models == ("tint",):
            painted = color_by_references(painted, references, matrix)
        else:
            painted = composite_references(paint_frames(painted, palette))
        for one in steady_frames(painted, self.steady):
            chosen = self.saturation, self.strength, self.neutralise
            yield Frame(one.image if one.kept else merge_colors(one, matrix, *chosen), one.time)

    def recipe(self) -> dict[str, Any]:
        """The fields, and the sha256 of the weights."""
        values = {**super().recipe(), "references": plain(self._name_by_content())}
        if self.model == "auto":
            return values
        weights = [catalog.recipe(name, "colorize").get("weights", "-") for name in self.models]
        return {**values, "weights": weights[0] if isinstance(self.model, str) else weights}

    def _name_by_content(self) -> list[tuple[Any, ...]]:
        """Return the references with the sha256 of each picture instead of its path."""
        return [(file_sha256(Path(path)), *when) for path, *when in self.references]
