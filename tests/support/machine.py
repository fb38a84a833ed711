"""A machine of a test's own."""

from dataclasses import replace
from typing import Any

from helpers.runtime import machine


def use(**changes: Any) -> None:
    """Change the runtime of what follows; the fixture of every test puts it back."""
    machine._current = replace(machine.runtime(), **changes)
