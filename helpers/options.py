"""A stage's fields as options of the command: declared once, beside the field.

    scale: Fraction | None = option(None, "How many times larger each side becomes.", read=number)

The command reads `options_of(Upscale)` and makes `--scale` of it, with its help and its default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any

from helpers.errors import StageError


@dataclass(frozen=True)
class Option:
    """How a field is called and read in the command.

    Attributes:
        field: the field it sets.
        name: what it is called; the field's own name if not said otherwise.
        default: what it is where it is not given.
        help: a sentence for `--help`.
        read: makes a value of what was typed; the field's type does if None.
        metavar: what stands for the value in `--help`.
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
    """Declare a dataclass field that is an option of the command, too; see `Option`."""
    return field(
        default=default,
        metadata={"option": {"name": name, "help": help, "read": read, "metavar": metavar}},
    )


def options_of(kind: type) -> Iterator[Option]:
    """Give the options that a dataclass declares, in the order of its fields."""
    for one in fields(kind):
        if said := one.metadata.get("option"):
            yield Option(one.name, said["name"] or one.name, one.default, *_rest(said))


def _rest(said: dict[str, Any]) -> tuple[Any, ...]:
    return said["help"], said["read"], said["metavar"]


# --- reading what a person types ------------------------------------------------------------------


def seconds(text: str) -> Fraction:
    """Read a time: seconds (12.5) or a clock (1:02:03.5)."""
    try:
        parts = [Fraction(part) for part in text.split(":")]
        if not 1 <= len(parts) <= 3 or any(part < 0 for part in parts):
            raise ValueError
    except (ValueError, ZeroDivisionError):
        raise StageError(
            f"{text!r} is not a time; write seconds (12.5) or a clock (1:02:03.5)."
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
        raise StageError(f"{text!r} is not a number above 0, like 2, 1.5 or 24000/1001.") from None
    return value


def share(text: str) -> Fraction:
    """Read a number of 0 or more."""
    return Fraction(0) if text.strip() in ("0", "0.0") else number(text)


def shares(text: str) -> tuple[Fraction, ...]:
    """Read numbers of 0 or more, between commas."""
    return tuple(map(share, text.split(",")))


def dimensions(text: str) -> tuple[int, int]:
    """Read a size: 1280x720."""
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise StageError(f"{text!r} is not a size like 1280x720.")
    return int(width), int(height)


def names(text: str) -> str | tuple[str, ...]:
    """Read one name, or several between commas."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    return found[0] if len(found) == 1 else found or "none"
