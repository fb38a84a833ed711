"""Import a package without another that it hardly needs; that is imported when it is used.

with postpone("torchvision.transforms.functional"):
    import spandrel

spandrel imports torchvision for two of its forty networks, and torchvision imports the compiler of
PyTorch: that takes twenty times as long as spandrel itself. scipy.signal imports scipy.stats for
one function, which takes two fifths of its time.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

_changing = threading.RLock()


@contextmanager
def postpone(module: str) -> Iterator[None]:
    """Let a module, and a package that it is in, stand back while others are imported.

    What these import from it is found when it is called, or asked for an attribute. What is
    imported already is not postponed.

    Args:
        module: its full name.
    """
    parts = module.split(".")
    with _changing:
        for count in range(1, len(parts) + 1):
            name = ".".join(parts[:count])
            sys.modules.setdefault(name, _StandIn(name))
        try:
            yield
        finally:
            _remove(parts[0])


def _remove(package: str) -> None:
    """Remove what stands in for a package and its modules."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == package and isinstance(module, _StandIn):
            del sys.modules[name]


class _StandIn(ModuleType):
    """Stands in for a module that is not imported yet."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks for
            raise AttributeError(name)
        return _Later(self.__name__, name)


class _Later:
    """Something in a module that is imported when this is used."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def _find(self) -> Any:
        with _changing:
            _remove(self._module.partition(".")[0])
            return getattr(import_module(self._module), self._name)

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._find()(*given, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._find(), name)
