"""What was asked of this module, one line a call, for the tests to read."""

import os
from pathlib import Path


def note(call):
    """Write down that a function was called."""
    if path := os.environ.get("COLAB_LOG"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(call + "\n")
