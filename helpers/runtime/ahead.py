"""Import packages while other work is done, so that they are there when they are needed."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from importlib import import_module


def import_ahead(*names: str) -> None:
    """Import packages in a thread. Whoever needs one of them first waits for it, or gets its error.

    The thread is not a daemon: a program that ends while a library of C++ is loaded may crash.

    Args:
        names: their full names.
    """

    def work() -> None:
        for name in names:
            with suppress(ImportError):  # it is raised again where the package is needed
                import_module(name)

    if not sys.modules.keys() >= {*names}:
        threading.Thread(target=work, name="import ahead").start()
