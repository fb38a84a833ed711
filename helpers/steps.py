"""The type of every step of a plan, which declares its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from helpers.options import names, option
from helpers.retime import Trim
from helpers.stages.cleaners import NAMES, check_cleaners
from helpers.stages.colorize.stage import Colorize
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.upscale.stage import Upscale
from helpers.video.reader import Deinterlace

NONE = "none"
"""The value that leaves a step out."""


@dataclass(frozen=True)
class Reading:
    """How the film is read.

    Attributes:
        deinterlace: see `open_video`; if None, as its project read it the last time, or "auto".
    """

    deinterlace: Deinterlace | None = option(
        None,
        "auto deinterlaces interlaced pictures along the motion, on all of them; bwdif is quick "
        "and further from the truth; telecine gets the frames of a film back that was telecined "
        "for television.",
    )

    @property
    def options(self) -> dict[str, Any]:
        """The options for `Project.source`."""
        return {} if self.deinterlace is None else {"deinterlace": self.deinterlace}


@dataclass(frozen=True)
class Cleaning:
    """The faults that a film is cleaned of; see `cleaners.CLEANERS`."""

    names: str | tuple[str, ...] = option(
        NONE,
        f"auto, none, or a comma-separated list of {', '.join(NAMES)}.",
        name="clean", read=names, metavar="CLEANER[,CLEANER]",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_cleaners(self.names)


@dataclass(frozen=True)
class SoundChoice:
    """What is done with a film's sound.

    Attributes:
        method: a method of cleaning it, a file that replaces it (music, if the film is silent), or
            "none".
        strength: 0 to 1; the default of the method if None.
        keep: whether the original sound is kept as a second track.
    """

    method: str = option(
        NONE,
        "How to clean the sound (talk, film and others), or a file that replaces it.",
        name="audio", metavar="METHOD",
    )  # fmt: skip
    strength: float | None = option(
        None, "0 to 1; each method has its own default.", name="audio_strength"
    )
    keep: bool = option(False, "Keep the original sound as a second track.", name="keep_audio")

    def __post_init__(self) -> None:
        if self.method != NONE:
            from helpers.audio import sound_file
            from helpers.audio.methods import check_method

            if sound_file(self.method) is None:
                check_method(self.method, self.strength)


STEPS: dict[str, type] = {
    "trim": Trim,
    "cleaning": Cleaning,
    "colorize": Colorize,
    "upscale": Upscale,
    "interpolate": Interpolate,
    "sound": SoundChoice,
    "reading": Reading,
}
"""The type of each field of a plan; together they declare the options of the command."""
