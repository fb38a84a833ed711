"""What is to be done to a film of a batch: options as they are typed, a recipe, or what it needs.

Wish.read("--upscale bicubic --scale 2")
Wish.read("--recommended --upscale none")
Wish.read("--recipe talk.mp4.recipe.toml")
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints

from helpers.errors import StageError
from helpers.options import Option
from helpers.plan import Plan, plan_options
from helpers.recipe import Recipe, read_recipe
from helpers.steps import STEPS


@dataclass(frozen=True)
class Wish:
    """What is to be done to a film.

    Attributes:
        given: options of `Plan.of`, which come before everything else.
        recipe: the file of a recipe.
        recommended: whether what the film needs is done.
    """

    given: dict[str, Any] = field(default_factory=dict)
    recipe: Path | None = None
    recommended: bool = False

    @classmethod
    def read(cls, text: str) -> Wish:
        """Read options as they are typed after `restore IN -o OUT`.

        Raises:
            StageError: there is no such option, or its value is not allowed.
        """
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise StageError(f"{text!r} are no options ({error}). Close the quotation.") from None
        given, recipe, recommended = {}, None, False
        while words:
            flag, equals, value = words.pop(0).partition("=")
            if flag == "--recommended":
                recommended = True
                continue
            if not equals and not _is_switch(flag):
                value = words.pop(0) if words else ""
            if flag == "--recipe":
                recipe = Path(value)
            else:
                name, given[name] = _read_option(flag, value)
        if recipe and recommended:
            raise StageError(
                f"{text!r} has --recipe and --recommended, and each says what to do. Keep one."
            )
        return cls(given, recipe, recommended)

    def choose(self, recommended: str) -> Recipe:
        """Return the options and the codec for a film.

        Args:
            recommended: the options that are recommended for it, as they are typed.

        Raises:
            StageError, RecipeError: the options or the recipe cannot be followed.
        """
        if self.recipe:
            chosen = read_recipe(self.recipe, **self.given)
        else:
            needed = Wish.read(recommended).given if self.recommended else {}
            chosen = Recipe({**needed, **self.given})
        Plan.of(**chosen)  # which checks the values
        return chosen


def _options() -> dict[str, tuple[Option, Any]]:
    """Return every option and the type of its value, by its flag."""
    return {
        f"--{one.name.replace('_', '-')}": (one, get_type_hints(STEPS[step])[one.field])
        for step, one in plan_options()
    }


def _types(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) or (hint,)


def _is_switch(flag: str) -> bool:
    """Tell whether a flag is given without a value."""
    known = _options()
    return any(
        name in known and bool in _types(known[name][1])
        for name in (flag, f"--{flag.removeprefix('--no-')}")
    )


def _read_option(flag: str, text: str) -> tuple[str, Any]:
    """Return the name of an option, and its value from what was typed."""
    known = _options()
    if flag not in known and flag.startswith("--no-") and _is_switch(flag):
        return known[f"--{flag.removeprefix('--no-')}"][0].name, False
    if flag not in known:
        allowed = ", ".join(("--recommended", "--recipe", *known))
        raise StageError(f"There is no option {flag!r} for a film of a batch, only {allowed}.")
    one, hint = known[flag]
    if bool in _types(hint):
        return one.name, True
    if not text:
        raise StageError(f"{flag} has no value. {one.help}")
    if one.read:
        return one.name, one.read(text)
    kind = next((kind for kind in (int, float) if kind in _types(hint)), str)
    try:
        return one.name, kind(text)
    except ValueError:
        raise StageError(f"{flag} must be a number, and is {text!r}. {one.help}") from None


def as_typed(options: dict[str, Any]) -> str:
    """Return options of a recommendation as they are typed."""
    words = []
    for name, value in options.items():
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        words += [f"--{name.replace('_', '-')}", shlex.quote(text)]
    return " ".join(words)
