"""Write the repository's address into everything that names it: badges, set-up cells, the site.

    make address REPO=owner/name

The address stands in pyproject.toml; until its owner writes it, it is OWNER/silk-purse, and the
notebooks fetch nothing from there.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = re.compile(r'Repository = "https://github\.com/([^"]+)"')
UNKNOWN = "OWNER/silk-purse"


def files() -> list[Path]:
    """Return every file that names the address."""
    pages = ("pyproject.toml", "README.md", "mkdocs.yml", "docs/getting-started.md")
    return [*(ROOT / page for page in pages), *sorted(ROOT.glob("notebooks/*.ipynb"))]


def current() -> str:
    """Return the address as pyproject.toml has it."""
    found = KEPT.search((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert found, "pyproject.toml has lost its line `Repository = ...`"
    return found[1]


def rewrite(new: str) -> list[Path]:
    """Replace the address everywhere and return the files that changed."""
    old, changed = current(), []
    for path in files():
        text = path.read_text(encoding="utf-8")
        fresh = text.replace(old, new)
        if path.suffix == ".ipynb":
            json.loads(fresh)  # a notebook that cannot be read is never written
        if fresh != text:
            path.write_text(fresh, encoding="utf-8")
            changed.append(path)
    return changed


def main() -> int:
    """Take the new address from the command line."""
    new = sys.argv[1] if len(sys.argv) == 2 else ""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", new):
        sys.stderr.write(f"{new!r} is not an address; write make address REPO=owner/name\n")
        return 2
    for path in rewrite(new):
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
