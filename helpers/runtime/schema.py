"""Read JSON by a schema: what does not fit is refused, with the place and the reason.

@dataclass
class Row:
    bytes: Whole
    sha256: Sha256

decode_json(b'{"bytes": -1, "sha256": ""}', Row)   # ValueError: Expected `int` >= 0 - at `$.bytes`
"""

from __future__ import annotations

import json
import re
from fractions import Fraction
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")

Whole = Annotated[int, Meta(ge=0)]
"""A number of bytes, frames or the like."""

Positive = Annotated[int, Meta(ge=1)]

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]

FRACTION = re.compile(r"-?[0-9]{1,400}(/[1-9][0-9]{0,399})?")
"""A fraction as text. The limit is far above what a film needs, and keeps arithmetic quick."""


def decode_json(data: bytes, kind: type[T]) -> T:
    """Return what JSON says, as a value of a type; a Fraction is written as text.

    Raises:
        ValueError: it is not JSON, or does not fit the type; in words.
    """
    try:
        return convert(json.loads(data, parse_constant=_refuse_constant), kind)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def convert(values: Any, kind: type[T]) -> T:
    """Return JSON values as a value of a type; see `decode_json`.

    Raises:
        ValueError: they do not fit the type; in words.
    """
    try:
        return msgspec.convert(values, kind, dec_hook=_decode_other)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def encode(value: Any) -> Any:
    """Return a value as JSON values, without any loss, for `convert`."""
    return msgspec.to_builtins(value, enc_hook=str)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _decode_other(kind: type, value: Any) -> Any:
    """Return a value of a type that JSON does not have."""
    if kind is not Fraction:
        raise NotImplementedError(kind)
    text = str(value)
    if not FRACTION.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a fraction")
    return Fraction(text)
