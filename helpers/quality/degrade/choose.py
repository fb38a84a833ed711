"""Choose how a film is made worse for the stages that are to be judged.

    worsening = choose_degradation(clip, [Upscale("x4plus")], run)
    worse = worsening.worsen(list(clip.frames(100, 107)))
    worse.clip, worse.truth             # a smaller, compressed film, and what it was made of

There is one way for each kind of stage: a film is made smaller for `Upscale`, frames are left out
for `Interpolate`, colour is taken away for `Colorize`, noise or compression is added for `Denoise`,
the film's own dust for `RemoveDamage`, and its own flicker for `Deflicker`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from helpers.clip import Clip
from helpers.errors import StageError
from helpers.quality.degrade.base import Degradation
from helpers.quality.degrade.damage import choose_dustier, choose_flickering
from helpers.quality.degrade.detail import choose_noisier, choose_smaller
from helpers.quality.degrade.missing import choose_fewer, choose_grey
from helpers.run import RunContext
from helpers.stage import Stage
from helpers.stages.colorize.stage import Colorize
from helpers.stages.damage.stage import RemoveDamage
from helpers.stages.denoise.stage import Denoise
from helpers.stages.flicker.stage import Deflicker
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.upscale.stage import Upscale

_Chooser = Callable[[Clip, Sequence[Any], RunContext], Degradation]

KINDS: dict[type[Stage], _Chooser] = {
    Upscale: choose_smaller,
    Interpolate: choose_fewer,
    Colorize: choose_grey,
    Denoise: choose_noisier,
    RemoveDamage: choose_dustier,
    Deflicker: choose_flickering,
}
"""The stages that can be judged."""


def choose_degradation(clip: Clip, stages: Sequence[Stage], run: RunContext) -> Degradation:
    """Choose how a film is made worse for some stages of one kind.

    Raises:
        StageError: they are of several kinds, or of one that cannot be judged, or the film does not
            have what they remove or invent.
    """
    kinds = {type(stage) for stage in stages}
    if len(kinds) != 1 or not kinds <= set(KINDS):
        given = ", ".join(sorted(kind.__name__ for kind in kinds))
        known = ", ".join(kind.__name__ for kind in KINDS)
        raise StageError(
            f"Choices must be of one kind, but these were given: {given}. Give several of "
            f"{known}, or methods of cleaning sound."
        )
    return KINDS[kinds.pop()](clip, stages, run)
