"""Fields of a stage that are also options of the command, declared once.

    scale: Fraction | None = option(None, "How many times larger each side becomes.", read=number)

The command turns `options_of(Upscale)` into `--scale`, with its help and its default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any

from helpers.errors import StageError


@dataclass(frozen=True)
class Option:
    """An option of the command.

    Attributes:
        field: the name of the field that it sets.
        name: its name in the command; the field's name unless declared otherwise.
        default: its default value.
        help: a sentence for `--help`.
        read: converts the text that was typed; if None, typer converts it to the field's type.
        metavar: the placeholder for the value in `--help`.
    """

    field: str
    name: str
    default: Any
    help: str
    read: Callable[[str], Any] | None = None
    metavar: str | None = None


def option(
    default: Any,
    help: str,
    *,
    name: str | None = None,
    read: Callable[[str], Any] | None = None,
    metavar: str | None = None,
) -> Any:
    """Declare a dataclass field that is also an option of the command; see `Option`."""
    return field(
        default=default,
        metadata={"option": {"name": name, "help": help, "read": read, "metavar": metavar}},
    )


def options_of(kind: type) -> Iterator[Option]:
    """Yield the options that a dataclass declares, in the order of its fields."""
    for one in fields(kind):
        if declared := one.metadata.get("option"):
            values = {**declared, "name": declared["name"] or one.name}
            yield Option(field=one.name, default=one.default, **values)


# --- converting what was typed --------------------------------------------------------------------


def seconds(text: str) -> Fraction:
    """Read a time in seconds (12.5) or as h:mm:ss (1:02:03.5)."""
    try:
        parts = [Fraction(part) for part in text.split(":")]
        if not 1 <= len(parts) <= 3 or any(part < 0 for part in parts):
            raise ValueError
    except (ValueError, ZeroDivisionError):
        raise StageError(
            f"{text!r} is not a time. Write it in seconds (12.5) or as h:mm:ss (1:02:03.5)."
        ) from None
    total = Fraction(0)
    for part in parts:
        total = total * 60 + part
    return total


def number(text: str) -> Fraction:
    """Read a number above 0 that may be a fraction: 2, 1.5, 24000/1001."""
    try:
        value = Fraction(text)
        if value <= 0:
            raise ValueError
    except (ValueError, ZeroDivisionError):
        raise StageError(
            f"{text!r} is not a number above 0. Write it like 2, 1.5 or 24000/1001."
        ) from None
    return value


def share(text: str) -> Fraction:
    """Read a number of 0 or more."""
    return Fraction(0) if text.strip() in ("0", "0.0") else number(text)


def shares(text: str) -> tuple[Fraction, ...]:
    """Read numbers of 0 or more, separated by commas."""
    return tuple(map(share, text.split(",")))


def dimensions(text: str) -> tuple[int, int]:
    """Read a size: 1280x720."""
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise StageError(f"{text!r} is not a size. Write it like 1280x720.")
    return int(width), int(height)


def names(text: str) -> str | tuple[str, ...]:
    """Read one name, or several separated by commas."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    return found[0] if len(found) == 1 else found or "none"
