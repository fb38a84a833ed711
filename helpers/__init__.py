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

from helpers.runtime.cores import share_cores

if TYPE_CHECKING:
    from helpers.advice import recommend as recommend
    from helpers.audio import clean_audio as clean_audio
    from helpers.audio import replace_sound as replace_sound
    from helpers.batch.run import restore_all as restore_all
    from helpers.catalog.load import describe as describe
    from helpers.catalog.table import models as models
    from helpers.catalog.table import trust_model as trust_model
    from helpers.estimates import costs as costs
    from helpers.estimates import estimate as estimate
    from helpers.health import doctor as doctor
    from helpers.panels.blind import blind as blind
    from helpers.panels.choose import choose_film as choose_film
    from helpers.panels.job import Job as Job
    from helpers.panels.models import choose_model as choose_model
    from helpers.plan import Plan as Plan
    from helpers.plan import restore as restore
    from helpers.project.folder import project_folder as project_folder
    from helpers.project.project import Project as Project
    from helpers.quality.judge import judge as judge
    from helpers.quality.sound import judge_sound as judge_sound
    from helpers.recipe import read_recipe as read_recipe
    from helpers.retime import ConstantRate as ConstantRate
    from helpers.retime import Trim as Trim
    from helpers.runtime.machine import start as start
    from helpers.runtime.names import free_name as free_name
    from helpers.sharing.page import share as share
    from helpers.sharing.side_by_side import sidebyside as sidebyside
    from helpers.show.cleaning import show_diagnosis as show_diagnosis
    from helpers.show.cleaning import show_doubtful as show_doubtful
    from helpers.show.cleaning import show_duplicates as show_duplicates
    from helpers.show.color import frames_to_colour as frames_to_colour
    from helpers.show.color import sweep_colours as sweep_colours
    from helpers.show.compare import compare as compare
    from helpers.show.compare import sheet as sheet
    from helpers.show.judged import show_judged as show_judged
    from helpers.show.player import play as play
    from helpers.stages.cleaners import choose_cleaners as choose_cleaners
    from helpers.stages.cleaners import diagnose as diagnose
    from helpers.stages.cleaners import examine as examine
    from helpers.stages.colorize.find import chroma_flicker as chroma_flicker
    from helpers.stages.colorize.find import find_colours as find_colours
    from helpers.stages.colorize.references import find_references as find_references
    from helpers.stages.colorize.stage import Colorize as Colorize
    from helpers.stages.damage.stage import RemoveDamage as RemoveDamage
    from helpers.stages.denoise.stage import Denoise as Denoise
    from helpers.stages.duplicates.decisions import find_duplicates as find_duplicates
    from helpers.stages.duplicates.decisions import read_csv as read_csv
    from helpers.stages.duplicates.decisions import review_duplicates as review_duplicates
    from helpers.stages.duplicates.stage import RemoveDuplicates as RemoveDuplicates
    from helpers.stages.finish.stage import Finish as Finish
    from helpers.stages.flicker.stage import Deflicker as Deflicker
    from helpers.stages.interpolate.stage import Interpolate as Interpolate
    from helpers.stages.stabilize.stage import Stabilize as Stabilize
    from helpers.stages.upscale.stage import Upscale as Upscale
    from helpers.video.reader import open_video as open_video
    from helpers.video.sources import find_film as find_film
    from helpers.video.sources import sample as sample
    from helpers.video.writer import write_video as write_video

__version__ = "0.1.0"

_HOMES = {
    "Colorize": "stages.colorize.stage",
    "ConstantRate": "retime",
    "Deflicker": "stages.flicker.stage",
    "Denoise": "stages.denoise.stage",
    "Finish": "stages.finish.stage",
    "Interpolate": "stages.interpolate.stage",
    "Job": "panels.job",
    "Plan": "plan",
    "Project": "project.project",
    "RemoveDamage": "stages.damage.stage",
    "RemoveDuplicates": "stages.duplicates.stage",
    "Stabilize": "stages.stabilize.stage",
    "Trim": "retime",
    "Upscale": "stages.upscale.stage",
    "blind": "panels.blind",
    "choose_film": "panels.choose",
    "choose_model": "panels.models",
    "choose_cleaners": "stages.cleaners",
    "chroma_flicker": "stages.colorize.find",
    "clean_audio": "audio",
    "compare": "show.compare",
    "costs": "estimates",
    "describe": "catalog.load",
    "diagnose": "stages.cleaners",
    "doctor": "health",
    "estimate": "estimates",
    "examine": "stages.cleaners",
    "find_colours": "stages.colorize.find",
    "find_duplicates": "stages.duplicates.decisions",
    "find_film": "video.sources",
    "find_references": "stages.colorize.references",
    "frames_to_colour": "show.color",
    "free_name": "runtime.names",
    "judge": "quality.judge",
    "judge_sound": "quality.sound",
    "models": "catalog.table",
    "open_video": "video.reader",
    "play": "show.player",
    "project_folder": "project.folder",
    "read_csv": "stages.duplicates.decisions",
    "read_recipe": "recipe",
    "recommend": "advice",
    "replace_sound": "audio",
    "restore": "plan",
    "restore_all": "batch.run",
    "review_duplicates": "stages.duplicates.decisions",
    "sample": "video.sources",
    "share": "sharing.page",
    "sheet": "show.compare",
    "show_diagnosis": "show.cleaning",
    "show_judged": "show.judged",
    "show_doubtful": "show.cleaning",
    "show_duplicates": "show.cleaning",
    "sidebyside": "sharing.side_by_side",
    "start": "runtime.machine",
    "sweep_colours": "show.color",
    "trust_model": "catalog.table",
    "write_video": "video.writer",
}

__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]

share_cores()  # before PyTorch and OpenCV are imported


def __getattr__(name: str) -> object:
    """Import a name from its home when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'helpers' has no attribute {name!r}")
    value = getattr(import_module(f"helpers.{_HOMES[name]}"), name)
    globals()[name] = value  # also where a submodule has the same name, as `restore` has
    return value


def __dir__() -> list[str]:
    return __all__
