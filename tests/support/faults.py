"""What goes wrong on purpose."""

from __future__ import annotations


def failing(error: Exception):
    """A function that raises this, whatever it is called with."""

    def fail(*_, **__):
        raise error

    return fail
