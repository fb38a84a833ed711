"""Copy the set-up cell of 00_end_to_end into every other notebook.

    make setup-cell

The cell is the same everywhere, because a notebook that is opened alone has nothing but itself. To
change it, edit it in 00_end_to_end and run this.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).resolve().parent


def read(path: Path) -> dict[str, Any]:
    """Return a notebook as JSON values."""
    return json.loads(path.read_text(encoding="utf-8"))


def copy_everywhere(folder: Path) -> list[Path]:
    """Write the set-up cell of a folder's first notebook into the others; return those changed."""
    first, *others = sorted(folder.glob("*.ipynb"))
    cell, changed = read(first)["cells"][1], []
    for path in others:
        notebook = read(path)
        if notebook["cells"][1] != cell:
            notebook["cells"][1] = cell
            text = json.dumps(notebook, indent=1, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")
            changed.append(path)
    return changed


def main() -> int:
    """Copy the cell, and name the notebooks that changed."""
    for path in copy_everywhere(NOTEBOOKS):
        sys.stdout.write(f"{path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
