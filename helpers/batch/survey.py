"""Look at the films of a batch: what each is, what is wrong with it, what its restoration costs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from helpers.advice import Recommendation, recommend
from helpers.batch.table import Row
from helpers.batch.wishes import Wish, as_typed
from helpers.clip import Clip
from helpers.errors import ProjectError, RecipeError, SilkPurseError
from helpers.estimates import estimate
from helpers.plan import NONE, Plan, check_paths
from helpers.project.project import Project
from helpers.project.report import Report, report_path
from helpers.project.words import contents, describe_steps
from helpers.recipe import Recipe, read_tables, recipe_path
from helpers.run import RunContext
from helpers.runtime.names import beside
from helpers.stages.cleaners import NAMES
from helpers.video.open import check_film


def project_of(output: Path) -> Path:
    """Return the folder of the project that a film of a batch is restored in."""
    return beside(output, ".project")


def wish_for(row: Row, default: Wish) -> Recipe:
    """Return the options and the codec for a film: those of its row, or the default.

    Raises:
        StageError, RecipeError: they cannot be followed.
    """
    wish = Wish.read(row.options) if row.options.strip() else default
    return wish.choose(row.recommended)


def survey(row: Row, output: Path, default: Wish) -> Row:
    """Look at a film, and fill in its row. What is found is kept in its project.

    Args:
        output: its result.
        default: what is done where the row has no options.
    """
    film = Path(row.film)
    try:
        check_paths(film, output)
        check_film(film)
        project = Project(project_of(output))
        run = project.context(progress=False)
        clip = project.source(film, run=run)
        row = _describe(row, recommend(clip, film, run), default)
        return row if row.skipped else _cost(row, film, project, default, run)
    except SilkPurseError as error:
        return replace(row, kind="", wrong=" ".join(str(error).split()))


def _describe(row: Row, found: Recommendation, default: Wish) -> Row:
    """Fill in what a film is, and what it needs. One that needs nothing is left out."""
    needed = [step for step in found.steps if step.needed]
    wrong = [step for step in needed if step.name in (*NAMES, "telecine", "audio")]
    row = replace(
        row,
        kind=found.kind,
        wrong=" ".join(step.reason for step in wrong) or "nothing",
        todo=", ".join(step.title.lower() for step in needed) or "nothing",
        recommended=as_typed(found.options()),
    )
    left_out = not needed and default.recommended and not row.options.strip()
    return replace(row, skip="yes") if left_out and not row.skip.strip() else row


def _cost(row: Row, film: Path, project: Project, default: Wish, run: RunContext) -> Row:
    """Make a few frames, and fill in what a film will take."""
    chosen = wish_for(row, default)
    plan = Plan.of(**chosen)
    plan.fetch_models()
    wanted = _apply(plan, film, project, run)
    sound = plan.sound.method if plan.sound.method != NONE else None
    found = estimate(wanted, project, codec=chosen.codec, sound=sound, render=chosen.codec)
    as_recommended = default.recommended and not row.options.strip()
    return replace(
        row,
        todo=row.todo if as_recommended else describe_steps(wanted.recipe()),
        minutes=f"{found.seconds / 60:.1f}",
        megabytes=f"{(found.room.need + found.film) / 1e6:.1f}",
    )


def _apply(plan: Plan, film: Path, project: Project, run: RunContext) -> Clip:
    """Return the restored film; what was found of it before is not searched for again."""
    return plan.apply(project.source(film, run=run, **plan.reading.options), run)


def is_finished(film: Path, output: Path, chosen: Recipe) -> bool:
    """Tell whether a result is there that was made from the same film in the same way.

    The content of the film, every step and the weights of every model are compared with the report,
    and the sound and the codec with the recipe.
    """
    if not (output.is_file() and report_path(output).is_file() and recipe_path(output).is_file()):
        return False
    plan = Plan.of(**chosen)
    try:
        made = Report.read(report_path(output))
        tables = read_tables(recipe_path(output))
    except (ProjectError, RecipeError):
        return False  # one of them is damaged
    if not _same_output(tables, plan, chosen.codec):
        return False
    project = Project(project_of(output))
    wanted = _apply(plan, film, project, project.context(progress=False))
    return contents(json.loads(json.dumps(wanted.recipe()))) == contents(made.recipe)


def _same_output(tables: dict[str, Any], plan: Plan, codec: str) -> bool:
    """Tell whether the tables of a recipe have the sound of a plan, and a codec."""
    sound, output = tables.get("sound", {}), tables.get("output", {})
    choice = plan.sound
    method = choice.method if choice.method == NONE else Path(choice.method).name
    wanted = {"audio": method, "audio_strength": choice.strength, "keep_audio": choice.keep}
    said = {"audio": NONE, "audio_strength": None, "keep_audio": False} | sound
    return said == wanted and output.get("codec", "h264") == codec
