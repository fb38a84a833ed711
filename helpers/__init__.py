"""Silk Purse: restore old, small, noisy or damaged video.

    from helpers import Project, Upscale, start

    start()
    project = Project("talk.project")
    clip = project.source("talk.mp4")
    large = project.save(Upscale(model="x4plus")(clip), "04_upscale")

These are the names a notebook uses, and nothing else; each is imported when it is first needed, so
that `import helpers` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from helpers.audio import clean_audio as clean_audio
    from helpers.audio import replace_sound as replace_sound
    from helpers.catalog import models as models
    from helpers.cleaning import examine as examine
    from helpers.colour import chroma_flicker as chroma_flicker
    from helpers.colour import find_colours as find_colours
    from helpers.diagnosis import diagnose as diagnose
    from helpers.duplicates import find_duplicates as find_duplicates
    from helpers.duplicates import read_csv as read_csv
    from helpers.health import doctor as doctor
    from helpers.levels import find_levels as find_levels
    from helpers.loading import describe as describe
    from helpers.noise import find_noise as find_noise
    from helpers.plan import Plan as Plan
    from helpers.plan import restore as restore
    from helpers.planner import costs as costs
    from helpers.planner import estimate as estimate
    from helpers.project import Project as Project
    from helpers.references import find_references as find_references
    from helpers.runtime import start as start
    from helpers.shake import find_shake as find_shake
    from helpers.show import compare as compare
    from helpers.show import play as play
    from helpers.show import sheet as sheet
    from helpers.show_clean import show_diagnosis as show_diagnosis
    from helpers.show_clean import show_doubtful as show_doubtful
    from helpers.show_clean import show_duplicates as show_duplicates
    from helpers.show_colour import frames_to_colour as frames_to_colour
    from helpers.show_colour import sweep_colours as sweep_colours
    from helpers.sources import find_film as find_film
    from helpers.sources import project_folder as project_folder
    from helpers.sources import sample as sample
    from helpers.stages.colorize import Colorize as Colorize
    from helpers.stages.damage import RemoveDamage as RemoveDamage
    from helpers.stages.deflicker import Deflicker as Deflicker
    from helpers.stages.denoise import Denoise as Denoise
    from helpers.stages.duplicates import RemoveDuplicates as RemoveDuplicates
    from helpers.stages.finish import Finish as Finish
    from helpers.stages.interpolate import Interpolate as Interpolate
    from helpers.stages.retime import ConstantRate as ConstantRate
    from helpers.stages.retime import Trim as Trim
    from helpers.stages.stabilize import Stabilize as Stabilize
    from helpers.stages.upscale import Upscale as Upscale
    from helpers.video import open_video as open_video
    from helpers.writing import write_video as write_video

__version__ = "0.1.0"

_HOMES = {
    "Colorize": "stages.colorize",
    "ConstantRate": "stages.retime",
    "Deflicker": "stages.deflicker",
    "Denoise": "stages.denoise",
    "Finish": "stages.finish",
    "Interpolate": "stages.interpolate",
    "Plan": "plan",
    "Project": "project",
    "RemoveDamage": "stages.damage",
    "RemoveDuplicates": "stages.duplicates",
    "Stabilize": "stages.stabilize",
    "Trim": "stages.retime",
    "Upscale": "stages.upscale",
    "chroma_flicker": "colour",
    "clean_audio": "audio",
    "compare": "show",
    "costs": "planner",
    "describe": "loading",
    "diagnose": "diagnosis",
    "doctor": "health",
    "estimate": "planner",
    "examine": "cleaning",
    "find_colours": "colour",
    "find_duplicates": "duplicates",
    "find_film": "sources",
    "find_levels": "levels",
    "find_noise": "noise",
    "find_references": "references",
    "find_shake": "shake",
    "frames_to_colour": "show_colour",
    "models": "catalog",
    "open_video": "video",
    "play": "show",
    "project_folder": "sources",
    "read_csv": "duplicates",
    "replace_sound": "audio",
    "restore": "plan",
    "sample": "sources",
    "sheet": "show",
    "show_diagnosis": "show_clean",
    "show_doubtful": "show_clean",
    "show_duplicates": "show_clean",
    "start": "runtime",
    "sweep_colours": "show_colour",
    "write_video": "writing",
}

__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    """Import a name from its home when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'helpers' has no attribute {name!r}")
    value = getattr(import_module(f"helpers.{_HOMES[name]}"), name)
    globals()[name] = value  # also where a submodule has the same name, as `restore` has
    return value


def __dir__() -> list[str]:
    return __all__
