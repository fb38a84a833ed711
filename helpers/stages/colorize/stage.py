"""Give a grey film colours, and keep them steady."""

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
from helpers.imaging.color_matrix import WEIGHTS, choose_matrix
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
"""The least and the largest render factor."""

_FARTHEST = 20
"""Seconds that a reference may reach; so much film is held until the next one is read."""

_WIDEST = 15
"""Frames to either side over which colours may be steadied."""


@dataclass(frozen=True)
class Colorize(Stage):
    """Colour every frame, with its brightness kept to the last level.

    A model sees the frame stretched to a small square; only the colours of what it makes are used,
    so no detail is lost, and a large film costs no more than a small one. The colours are steadied
    along the motion within each shot. They are invented: nobody knows what they were.

    Attributes:
        model: a name from the catalogue with the role "colorize"; two names, whose colours are
            mixed, the first being the steadier one, which the second may not leave by more than a
            tenth; or "auto": see BEST.
        mix: the share of the second model, 0 to 1.
        render_factor: a sixteenth of the side of the square, 7 to 60; 0 is each model's own. Larger
            finds the colours of smaller things, smaller is steadier and bolder.
        saturation: how strong the colours are, 0 to 3.
        strength: how much of the change is made, 0 (the input) to 1.
        steady: over how many frames to either side colours are averaged, 0 (not) to 15.
        tone: for "tint": sepia, warm, selenium, cyanotype, moonlight or amber.
        neutralise: take a tint, a sepia say, off first. Otherwise it lies over the new colours.
        force: colour it even where it is in colour already.
        matrix: by which luma is counted, by ffmpeg's name; that of the clip if None.
        coloured: stretches of time, (begin, end) in seconds, that are in colour already and stay as
            they are; `analyse` looks for them if None.
        references: frames that you coloured: a folder of pictures, paths of them, or (path, when)
            with a frame's number (int) or seconds; see `references`. `analyse` finds the frames
            that they are of. Their colours go along with the motion
            through their shot, and fade to the model's where they cannot be followed. With "tint",
            a shot that has a reference gets all its colours from it.
        reach: seconds before and after a reference up to which it is followed.

    Raises:
        StageError: a value is not allowed; or, when it is analysed, the clip is in colour already.
    """

    heavy: ClassVar[bool] = True

    role: ClassVar[str] = "colorize"

    model: str | tuple[str, ...] = option(
        "auto",
        "A model to colour a black-and-white film with, two that are mixed, auto, or none.",
        name="colorize",
        read=names,
        metavar="MODEL[,MODEL]",
    )
    mix: float = 0.5
    render_factor: int = option(
        0,
        "The side of the square that a colour model sees, divided by 16; 0 is the model's own.",
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
        "A folder of frames that you coloured; their colours spread.",
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
                raise StageError(f"There is no {word} {value!r}; allowed are {names}.")
        if self.coloured is not None:
            spans = tuple((Fraction(begin), Fraction(end)) for begin, end in self.coloured)
            object.__setattr__(self, "coloured", spans)

    def _check_models(self) -> None:
        for name in self.models:
            if name != "auto":
                catalog.get(name, "colorize")
        if not 1 <= len(self.models) <= 2:
            raise StageError(
                f"{len(self.models)} models were given to colorize with; give one or two."
            )
        if len(self.models) == 2 and "tint" in self.models:
            raise StageError("tint invents no colours that could be mixed; give it alone.")

    def _check_numbers(self) -> None:
        self._check_ranges(strength=(0, 1), mix=(0, 1), saturation=(0, 3), steady=(0, _WIDEST))
        least, largest = _FACTORS
        if self.render_factor and not least <= self.render_factor <= largest:
            raise StageError(
                f"A render factor of {self.render_factor} was asked for; allowed is {least} to "
                f"{largest}, or 0 for the model's own."
            )
        if not 0 < self.reach <= _FARTHEST:
            raise StageError(
                f"A reach of {float(self.reach):g} s was asked for; allowed is up to {_FARTHEST} s."
            )

    @property
    def models(self) -> tuple[str, ...]:
        """The models, one or two."""
        return (self.model,) if isinstance(self.model, str) else self.model

    @property
    def unknown(self) -> tuple[str, ...]:
        """What has yet to be looked for: shots in colour, and the frames references are of."""
        coloured = self.coloured is None and not self.force
        located = all(isinstance(entry, Reference) for entry in self.references)
        return ("coloured",) * coloured + ("references",) * (not located)

    def __call__(self, clip: Clip) -> Clip:
        """Return the coloured clip; what follows from the clip's facts alone is filled in now."""
        changes: dict[str, Any] = {}
        if self.model == "auto":
            changes["model"] = choose_model()
        if self.matrix is None:
            changes["matrix"] = clip_matrix(clip.info)
        if self.coloured is None and self.force:
            changes["coloured"] = ()
        return Stage.__call__(replace(self, **changes) if changes else self, clip)

    def colours(self, clip: Clip, run: RunContext | None = None) -> Colours:
        """Return what is known of a clip's colours; looked for once for every project."""
        run = run or RunContext()
        return run.keep("Colorize", clip, Colours, lambda: find_colours(clip))

    def analyse(self, clip: Clip, run: RunContext | None = None) -> Colorize:
        """Return the stage with the shots that are in colour, and the frames references are of."""
        changes: dict[str, Any] = {}
        if self.coloured is None and not self.force:
            changes["coloured"] = self._find_coloured(self.colours(clip, run))
        if not all(isinstance(entry, Reference) for entry in self.references):
            changes["references"] = found = locate_references(clip, self.references)
            if said := describe_unreached(clip, found, self.reach):
                log.warning(said)
        return replace(self, **changes)

    def _find_coloured(self, found: Colours) -> tuple[tuple[Fraction, Fraction], ...]:
        """Return what of a clip is in colour already; most of it must not be."""
        if found.kind == "colour":
            raise StageError(
                f"{found.words} To colour it nevertheless, over the colours it has, use force=True."
            )
        if found.coloured:
            log.warning("%s They stay as they are; force=True colours them too.", found.words)
        elif found.kind == "tinted" and not self.neutralise:
            log.warning("%s neutralise=True takes that off first.", found.words)
        return found.coloured

    def info(self, source: Clip) -> ClipInfo:
        """The source's, which is no longer grey."""
        return source.info.replace(grey=source.info.grey and not self.strength * self.saturation)

    @property
    def context(self) -> int:
        """The neighbours that colours are steadied with."""
        return self.steady

    def window(self, source: Clip, start: int, stop: int) -> tuple[int, int]:
        """The frames, the neighbours they are steadied with, and the references in reach."""
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
        """Colour the wanted frames of one shot, or what of it is read."""
        first = next(frames)
        if any(begin <= first.time < end for begin, end in self.coloured or ()):
            yield from (frame for frame in chain([first], frames) if frame.time in wanted)
            return
        matrix = self.matrix or choose_matrix(None, *first.image.shape[1::-1])
        palette = Palette(self.models, self.mix, self.render_factor, self.tone, matrix, machine)
        seen = prepare_frames(chain([first], frames), wanted, matrix, self.force)
        references = [r for r in self.references if r.begin <= first.time < r.end]
        seen = keep_neighbours(carry_references(seen, references, self.reach, matrix), self.steady)
        seen = match_references(seen, references, matrix)
        if references and self.models == ("tint",):
            seen = color_by_references(seen, references, matrix)
        else:
            seen = composite_references(paint_frames(seen, palette))
        for one in steady_frames(seen, self.steady):
            chosen = self.saturation, self.strength, self.neutralise
            yield Frame(one.image if one.kept else merge_colors(one, matrix, *chosen), one.time)

    def recipe(self) -> dict[str, Any]:
        """The fields, and the weights by their sha256."""
        values = {**super().recipe(), "references": plain(self._name_by_content())}
        if self.model == "auto":
            return values
        weights = [catalog.recipe(name, "colorize").get("weights", "-") for name in self.models]
        return {**values, "weights": weights[0] if isinstance(self.model, str) else weights}

    def _name_by_content(self) -> list[tuple[Any, ...]]:
        """Return the references with their pictures named by what is in them."""
        return [(file_sha256(Path(path)), *when) for path, *when in self.references]
