"""Write the recipe of a restoration; see `recipe`."""

from __future__ import annotations

import json
import platform
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import fields
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from helpers.catalog import table as catalog
from helpers.options import Option, options_of
from helpers.runtime.storage import write_atomically
from helpers.steps import NONE, STEPS

HEAD = """\
# The recipe of a restoration by Silk Purse. To do the same again, or to another film:
#
#     silk-purse restore IN -o OUT --recipe THIS_FILE
#
# Every value may be changed by hand. On the machine under [made] the result is the same to the last
# bit. Another version, processor, graphics card or precision may round differently.
"""


def write_recipe(
    path: Path,
    steps: Mapping[str, Any],
    decided: Mapping[str, Any],
    *,
    codec: str,
    film: tuple[str, str],
    models: Mapping[str, str],
    machine: Mapping[str, str],
) -> None:
    """Write the recipe of a restoration.

    Args:
        path: the file; it gets its name when it is complete.
        steps: the steps of the plan by name; None where one is left out.
        decided: the options that were left open, as they were decided for the film.
        codec: that of the result.
        film: the name of the file, and its sha256.
        models: the names of the models, and the sha256 of their weights; "-" if there are none.
        machine: "device" and "precision".
    """
    made = {
        "silk-purse": _version_of("silk-purse"),
        "python": platform.python_version(),
        "torch": _version_of("torch"),
        "device": machine.get("device", ""),
        "precision": machine.get("precision", ""),
    }
    tables = [
        f"{HEAD}\nversion = 1",
        _table("film", dict(zip(("name", "sha256"), film, strict=True)), "for information only"),
        *(_step(name, kind, steps[name], decided) for name, kind in STEPS.items()),
        _table("output", {"codec": codec}),
        _table("models", _with_weights(models), "the sha256 of their weights, which is checked"),
        _table("made", made, "for information only"),
    ]
    write_atomically(path, ("\n\n".join(filter(None, tables)) + "\n").encode())


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _with_weights(models: Mapping[str, str]) -> dict[str, str]:
    """Return the models that have weights."""
    return {Path(name).name: weights for name, weights in models.items() if weights != "-"}


def _table(name: str, values: Mapping[str, Any], comment: str = "") -> str:
    """Return a table; "" if it is empty."""
    lines = [f"{_key(key)} = {_value(value)}" for key, value in values.items()]
    head = f"[{name}]  # {comment}" if comment else f"[{name}]"
    return "\n".join([head, *lines]) if lines else ""


def _step(name: str, kind: type, step: Any, decided: Mapping[str, Any]) -> str:
    """Return the table of a step, with the help of each option; "" if all of it is open."""
    options = list(options_of(kind))
    values = {one.name: None if step is None else getattr(step, one.field) for one in options}
    values |= {one.name: decided[one.name] for one in options if one.name in decided}
    leaves_out = next((one.name for one in options if one.field == "model"), None)
    if leaves_out and values[leaves_out] in (None, NONE):
        values = {leaves_out: NONE}
    elif step is None:  # decided, though it was left out
        values = {name: value for name, value in values.items() if value is not None}
    lines = [*_unsaid(step, options)]
    for one in options:
        value = values.get(one.name)
        if value not in (None, ()):
            lines += [*_comment(one.help), *_option(one, value)]
    return "\n".join([f"[{name}]", *lines]) if lines else ""


def _unsaid(step: Any, options: list[Option]) -> Iterator[str]:
    """Say which fields were set in Python that the command has no option for."""
    known = {one.field for one in options}
    for one in fields(step) if step is not None else ():
        value = getattr(step, one.name)
        if one.name not in known and one.default != value:
            yield from _comment(f"Not in this recipe: {one.name}={value}, which was set in Python.")


def _option(one: Option, value: Any) -> Iterator[str]:
    """Yield the lines of an option. A file is named without its folder, and must be given."""
    if one.name == "references":
        first = Path(str(value[0][0]))
        folder = first if first.is_dir() or (len(value) == 1 and not first.suffix) else first.parent
        value, files = folder.name, True
    elif one.name == "size":
        value, files = "x".join(map(str, value)), False
    else:
        value, files = _without_folder(one, value)
    if files:
        flag = one.name.replace("_", "-")
        yield f"# A file of your own: give it with --{flag} PATH."
    yield f"{one.name} = {_value(value)}"


def _without_folder(one: Option, value: Any) -> tuple[Any, bool]:
    """Return the value of an option without folders and links, and whether it names a file."""
    if one.name not in ("upscale", "audio"):
        return value, False
    parts = (value,) if isinstance(value, str) else value
    short = tuple(_short_name(one.name, part) for part in parts)
    own = any(_is_file(one.name, part) for part in parts)
    return (short[0] if isinstance(value, str) else short), own


def _is_file(option: str, name: str) -> bool:
    if option == "audio":
        from helpers.audio.methods import METHODS

        return name not in (*METHODS, NONE)
    return name not in (NONE, *(row.name for row in catalog.models(option)))


def _short_name(option: str, name: str) -> str:
    return Path(name).name if _is_file(option, name) else name


# --- TOML ---------------------------------------------------------------------------------------


def _comment(text: str) -> list[str]:
    """Return a text as lines of comment."""
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return textwrap.wrap(text, 98, initial_indent="# ", subsequent_indent="# ")


def _key(name: str) -> str:
    plain = name.replace("-", "").replace("_", "")
    return name if plain.isascii() and plain.isalnum() else _value(name)


def _value(value: Any) -> str:
    """Return a value in TOML. A fraction that is no short decimal is a text: "24000/1001"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return str(value.numerator)
        short = f"{float(value):.10f}".rstrip("0")
        return short if Fraction(short) == value else f'"{value}"'
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
