"""A machine of a test's own."""

from helpers.runtime import machine
from helpers.runtime.machine import Runtime


def use(new: Runtime) -> None:
    """Make `new` the runtime of what follows; the fixture of every test puts it back."""
    machine._current = new
