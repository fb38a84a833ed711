"""The recipe of a restoration: a file of TOML that gives the same result on another machine.

    restore("talk.mp4", "restored.mp4")                  # writes restored.mp4.recipe.toml too
    options = read_recipe("restored.mp4.recipe.toml")    # {"upscale": "animevideov3", ...}
    restore("other.mp4", "other_restored.mp4", plan=options)

A recipe is a table for each step of the plan, with the options of the command. What was left open
is written as it was decided for the film. A recipe may come from a stranger: it is short, it runs
nothing, and no path or link is taken from it. `recipe_text` has what is written.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

from helpers.catalog import table as catalog
from helpers.catalog.fetch import digest
from helpers.errors import RecipeError, StageError
from helpers.options import Option, dimensions, names, options_of
from helpers.runtime.names import beside, expand
from helpers.steps import STEPS
from helpers.video.codecs import CODECS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

VERSION = 1
"""The version of a recipe."""

LARGEST = 1 << 16
"""The most bytes of a recipe; one with every option has about 5000."""

LONGEST = 200
"""The most characters of a value, and the most values in a list."""

INFORMATION = ("film", "made")
"""The tables that are only read by people."""

MODEL_OPTIONS = ("upscale", "colorize", "interpolate")
"""The options that name models."""


class Recipe(dict[str, Any]):
    """The options that a recipe holds, as `Plan.of` takes them.

    Attributes:
        codec: the codec of the result.
        left_out: the options of the recipe that were left out, since another model was given.
    """

    codec: str = "h264"
    left_out: tuple[str, ...] = ()


def recipe_path(output: Path) -> Path:
    """Return the path of the recipe of a restored film."""
    return beside(output, ".recipe.toml")


def read_recipe(path: str | Path, **given: Any) -> Recipe:
    """Return the options of a recipe.

    Args:
        path: the file.
        given: options that are used instead of the recipe's, by their names.

    Raises:
        RecipeError: it is no recipe, or holds what is not allowed, or what must be given.
        ModelError: a model cannot be had here.
    """
    path = expand(path)
    tables = read_tables(path)
    found = Recipe(_read_options(path, tables))
    found.codec = _read_codec(path, tables.get("output", {}))
    found.update(given)
    # One given way to set the size or the rate replaces the other.
    for one, other in (("scale", "size"), ("fps", "factor")):
        for name, rival in ((one, other), (other, one)):
            if name in given and rival not in given:
                found.pop(rival, None)
    found.left_out = tuple(_forget_settings(found, given))
    _refuse_paths(path, found, given)
    _check_weights(path, tables.get("models", {}), found)
    return found


def read_tables(path: Path) -> dict[str, Any]:
    """Return the tables of a recipe, whose version and names are checked."""
    try:
        if path.exists() and not path.is_file():
            raise RecipeError(f"{path} is not a file. Give the file OUT.recipe.toml of a film.")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise RecipeError(f"{path} cannot be read ({error.strerror}). Check the path.") from error
    if len(data) > LARGEST:
        raise RecipeError(
            f"{path} has more than {LARGEST} bytes and is no recipe. Give the OUT.recipe.toml of a "
            "restored film."
        )
    try:
        tables = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise RecipeError(
            f"{path} is not a recipe, which is written in TOML ({str(error)[:LONGEST]}). Correct "
            "it, or give the OUT.recipe.toml of a restored film."
        ) from error
    _check_tables(path, tables)
    return tables


def _check_tables(path: Path, tables: dict[str, Any]) -> None:
    version = tables.pop("version", None)
    if type(version) is not int or version < 1:
        raise RecipeError(
            f"{path} is not a recipe: it has no line version = {VERSION}. Give the "
            "OUT.recipe.toml of a restored film."
        )
    if version > VERSION:
        raise RecipeError(
            f"{path} has version {version}, and this program reads up to {VERSION}. Update it."
        )
    allowed = (*INFORMATION, *STEPS, "output", "models")
    for name, table in tables.items():
        if name not in allowed:
            raise RecipeError(
                f"{path} has a table or value {name[:LONGEST]!r}. The tables are "
                f"{', '.join(allowed)}; correct or delete it."
            )
        if not isinstance(table, dict):
            raise RecipeError(f"{path}: {name} must be a table. Write [{name}] on its own line.")


def _read_options(path: Path, tables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of every option, converted and checked."""
    for step, kind in STEPS.items():
        known = {one.name: one for one in options_of(kind)}
        hints = get_type_hints(kind)
        for name, value in tables.get(step, {}).items():
            if name not in known:
                raise RecipeError(
                    f"{path}: [{step}] has no option {name[:LONGEST]!r}. Its options are "
                    f"{', '.join(known)}; correct or delete the line."
                )
            yield name, _convert(path, known[name], hints[known[name].field], value)


def _convert(path: Path, one: Option, hint: Any, value: Any) -> Any:
    """Return the value of an option, from what stands in the file."""
    wanted = _allowed_types(one, hint)
    many = list in wanted and isinstance(value, list)
    parts: list[Any] = value if many else [value]
    short = len(parts) <= LONGEST and all(len(str(part)) <= LONGEST for part in parts)
    # type(): True is no number.
    if not short or not parts or any(type(part) not in wanted for part in parts):
        words = " or ".join(WORDS[kind] for kind in wanted)
        raise RecipeError(
            f"{path}: {one.name} must be {words}, and is {str(value)[:40]!r}. Correct the line."
        )
    if any(isinstance(part, float) and not math.isfinite(part) for part in parts):
        raise RecipeError(f"{path}: {one.name} must be a finite number. Correct the line.")
    if one.read is None:
        return float(parts[0]) if float in wanted else value
    numeric = int in wanted
    # 1e999999999 would be computed for hours.
    if numeric and any(isinstance(part, str) and "e" in part.lower() for part in parts):
        raise RecipeError(
            f"{path}: {one.name} must be written without e. Write it like 24000/1001."
        )
    try:
        return one.read(",".join(map(str, parts)))
    except StageError as error:
        raise RecipeError(f"{path}: {one.name} is not right. {error}") from error


WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
}
"""The types of a value, for people."""


def _allowed_types(one: Option, hint: Any) -> tuple[type, ...]:
    """Return the types that the value of an option may have in the file."""
    kinds = get_args(hint) or (hint,)
    if one.read is names:
        return (str, list)
    if one.read in (dimensions, str):
        return (str,)
    if one.read is not None:
        return (int, float, str) if one.read.__name__ != "shares" else (int, float, str, list)
    if bool in kinds or int in kinds:
        return (bool,) if bool in kinds else (int,)
    return (int, float) if float in kinds else (str,)


def _read_codec(path: Path, table: Mapping[str, Any]) -> str:
    codec = table.get("codec", "h264")
    if set(table) - {"codec"} or codec not in tuple(CODECS):
        raise RecipeError(
            f"{path}: [output] may hold codec, one of {', '.join(CODECS)}, and nothing else. "
            "Correct it."
        )
    return codec


# --- what a recipe may not bring ----------------------------------------------------------------


def _forget_settings(found: Recipe, given: Mapping[str, Any]) -> Iterator[str]:
    """Leave out a step's other options where another model was given for it; yield their names."""
    for kind in STEPS.values():
        known = {one.field: one.name for one in options_of(kind)}
        model = known.pop("model", known.pop("method", None))
        if model in given:
            for name in known.values():
                # The size and the rate are wishes for the result and not settings of a model.
                if name not in (*given, "scale", "size", "fps", "factor") and found.pop(name, None):
                    yield name


def _refuse_paths(path: Path, found: Recipe, given: Mapping[str, Any]) -> None:
    """Raise RecipeError if a recipe names a file, which only the user may give."""
    from helpers.audio.methods import METHODS

    for name in (*MODEL_OPTIONS, "audio", "references"):
        value = () if name in given else found.get(name, ())
        for part in (value,) if isinstance(value, str) else value:
            known = METHODS if name == "audio" else [row.name for row in catalog.models(name)]
            if name == "references" or part not in (*known, "auto", "none"):
                raise RecipeError(
                    f"{path} needs {part!r} for {name}, which is a file of its author or a name "
                    f"that is not known here. Give your copy: --{name} PATH, or correct the line."
                )


def _check_weights(path: Path, weights: Mapping[str, Any], found: Recipe) -> None:
    """Raise RecipeError if a model here has other weights than the one of the recipe."""
    for option in MODEL_OPTIONS:
        value = found.get(option, ())
        for name in (value,) if isinstance(value, str) else value:
            wanted = weights.get(Path(name).name, "-")
            if name in ("auto", "none") or wanted == "-":
                continue
            here = _weights_here(name, option)
            if wanted not in here:
                raise RecipeError(
                    f"The weights of {name} are not those that {path} was made with (sha256 "
                    f"{str(here[0])[:12]}... here, {str(wanted)[:12]}... there). Get that file, "
                    "or delete the model's line under [models] to use the weights that are here."
                )


def _weights_here(name: str, role: str) -> list[str]:
    """Return the sha256 of a model's weights in each of the forms that it may have here."""
    model = catalog.get(name, role)
    own = catalog.recipe(name, role).get("weights", "-")
    forms = [[file for file in form if not file.name.endswith(".param")] for form in model.forms]
    checked = [form for form in forms if all(file.sha256 for file in form)]
    return [own, *("+".join(map(digest, form)) for form in checked)]
