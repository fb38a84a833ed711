"""The story of a restored film, in plain sentences from its report, and what in it is invented.

tell(report)                # about ten sentences
say_invented(report)        # which parts of the result nobody filmed
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from helpers.catalog import table as catalog
from helpers.errors import ModelError
from helpers.project.report import Report
from helpers.project.words import format_duration, format_moment

DONE = {
    "RemoveDuplicates": "repeated frames were left out",
    "Deflicker": "flicker was evened out",
    "RemoveDamage": "dust and scratches were removed",
    "Stabilize": "the shake was steadied",
    "Denoise": "noise was reduced",
    "Finish": "sharpness and grain were adjusted",
    "Colorize": "colour was added",
    "Upscale": "the picture was enlarged",
    "Interpolate": "frames were added in between",
    "ConstantRate": "the frame rate was made constant",
}
"""What each stage did, for a person; stages that are not here change no picture."""

ROLES = {
    "Upscale": "upscale",
    "Interpolate": "interpolate",
    "Colorize": "colorize",
    "Denoise": "denoise",
    "RemoveDamage": "clean",
}
"""The roles of stages that have models."""

PACKAGES = ("numpy", "torch", "opencv-python-headless", "av", "imageio-ffmpeg", "spandrel")
"""The packages that most of a result depends on."""

NOTES = 3
"""So many notes belong to the story; the others stand below it."""


def tell(report: Report) -> list[str]:
    """Return about ten sentences: what the film was, what was done, what it is now."""
    film, made = report.source, report.result
    wrong = [check["found"] for check in report.checks if check["verdict"] == "wrong"]
    lines = [f"The film {Path(film.file).name} was {_describe(film)}."]
    if report.stretch:
        begin, end = map(format_moment, report.stretch)
        lines.append(f"Its part from {begin} to {end} was restored.")
    lines += [
        _say_done(report.recipe),
        f"The result {Path(made.file).name} is {_describe(made)}, {made.frames} frames.",
    ]
    if report.seconds.get("all"):
        lines.append(f"The work took {format_duration(report.seconds['all'])}{_say_where(report)}.")
    if report.checks:
        lines += wrong or ["Picture, timing and sound were compared with the film and are right."]
    if report.sound_offset_ms is not None:
        lines.append(f"The sound is in step within {abs(report.sound_offset_ms):.1f} ms.")
    return [*lines, *report.notes[:NOTES]]


def _describe(side: Any) -> str:
    """Describe the source or the result."""
    return f"{side.size} at {side.fps:.4g} frames a second, {side.seconds:.2f} s long"


def _say_where(report: Report) -> str:
    device = report.machine.get("device")
    return f" on {device.upper() if device == 'cpu' else device}" if device else ""


def _say_done(recipe: list[dict[str, Any]]) -> str:
    """Say what was done, in order."""
    done = []
    for step in recipe:
        what, models = DONE.get(step.get("stage", "")), names_of(step)
        if what:
            done.append(f"{what} ({' and '.join(models)})" if models else what)
    return (
        f"This was done, in this order: {'; '.join(done)}." if done else "No picture was changed."
    )


def names_of(step: dict[str, Any]) -> list[str]:
    """Return the names of the models of a step of a recipe."""
    model = step.get("model")
    return [str(one) for one in (model if isinstance(model, list) else [model]) if one]


def say_invented(report: Report) -> list[str]:
    """Return in sentences what in the result nobody filmed."""
    said = [line for step in report.recipe for line in _say_step(step, report)]
    if report.seconds.get("audio"):
        said.append("The sound was cleaned: what was taken for noise is gone from it.")
    return said or ["Nothing. No step makes up frames, colours or detail."]


def _say_step(step: dict[str, Any], report: Report) -> list[str]:
    """Return what a step invents; nothing for most."""
    stage = step.get("stage")
    if stage == "Interpolate":
        return [
            f"Frames: the result has {report.result.fps:.4g} a second, the film "
            f"{report.source.fps:.4g}. Those in between are computed from their neighbours, and "
            "how things move in them is a guess."
        ]
    if stage == "Colorize":
        if step.get("references"):
            return ["Colours: a person coloured some frames, and these were carried to the others."]
        if step.get("model"):
            return ["Colours: they are plausible, but the film does not say what they were."]
        return ["The tint was chosen by a person."]
    if stage == "Upscale":
        return [_say_enlarged(step)]
    if stage == "RemoveDamage":
        return ["Where damage was found, the picture is filled in from what is around it."]
    if stage == "Finish" and step.get("grain"):
        return ["The grain, or some of it, was added."]
    return []


def _say_enlarged(step: dict[str, Any]) -> str:
    """Say how far the detail of an enlarged picture is to be believed."""
    rows = [find_model(name, "upscale") for name in names_of(step)]
    if rows and all(row and row.plain for row in rows):
        return "Detail: nothing. The enlargement is plain arithmetic and adds none."
    share = step.get("strength")
    part = f" A share of {share} of what it proposed was taken." if share not in (None, "1") else ""
    return (
        "Detail: a network added what is plausible, such as hair, skin and letters. It may be "
        f"wrong; read nothing from it that the film does not show.{part}"
    )


def find_model(name: str, role: str) -> catalog.Model | None:
    """Return the row of a model; None if this version does not know it, or it is a user's own."""
    try:
        return next((row for row in catalog.models(role) if row.name == name), None)
    except ModelError:
        return None


@dataclass(frozen=True)
class Used:
    """A model that was used, the sha256 of its weights ("-" for none), and their licence."""

    name: str
    weights: str
    licence: str


def list_models(report: Report) -> list[Used]:
    """Return the models of a report."""
    roles = {
        name: ROLES[step["stage"]]
        for step in report.recipe
        if step.get("stage") in ROLES
        for name in names_of(step)
    }
    rows = {name: find_model(name, roles.get(name, "upscale")) for name in report.models}
    return [
        Used(name, weights, _say_licence(row, weights))
        for (name, weights), row in zip(report.models.items(), rows.values(), strict=True)
    ]


def _say_licence(row: catalog.Model | None, weights: str) -> str:
    if weights == "-":
        return "no weights"
    return row.licence if row else "not known"


def list_versions() -> dict[str, str]:
    """Return the versions of Silk Purse and of the packages that it uses, on this machine."""
    # The package is loaded, or this would not run.
    found = {"silk-purse": str(sys.modules["helpers"].__version__)}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def list_steps(report: Report) -> list[tuple[str, str]]:
    """Return every step of the recipe with its settings, in words of at most 300 characters."""
    steps = []
    for row in report.recipe:
        name = str(row.get("stage", row.get("source", "film")))
        told = [
            f"{key} {_plain(value)}"
            for key, value in row.items()
            if key not in ("stage", "source", "weights") and value not in (None, False, [], "")
        ]
        words = ", ".join(told)
        steps.append((name, words if len(words) <= 300 else f"{words[:299]}…"))
    return steps


def _plain(value: Any) -> str:
    return " ".join(map(_plain, value)) if isinstance(value, list) else str(value)
