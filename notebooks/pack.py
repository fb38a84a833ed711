"""Write out/silk-purse.zip: the notebooks and everything that they need, to be carried elsewhere.

    make zip

The zip holds files that git tracks, as they are in the working tree, and nothing else. The same
files give the same zip.
"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PACKED = re.compile(
    r"notebooks/\w+\.ipynb|(helpers|sample_clips)/.+"
    r"|README\.md|LICENSE|pyproject\.toml|environment\.yml|requirements\.lock|colab_requirements\.txt"
)
"""What is packed, beside the pictures that it shows."""

WHAT_TO_DO = """
On Google Colab: unzip it here. Open https://colab.research.google.com, choose File > Upload
notebook, and choose notebooks/00_end_to_end.ipynb. Its first cell asks for a file: choose the zip.

To keep it on your Drive: put the unzipped folder silk-purse into My Drive, open a notebook there,
and tick MOUNT_DRIVE in its first cell.

On another machine: unzip it there, run `pip install ".[notebook]"` in the folder, and open a
notebook with `jupyter lab`.
"""


def tracked(root: Path) -> list[str]:
    """Return the files that git tracks in a repository, as paths from its root, sorted."""
    git = ["git", "ls-files", "-z"]
    done = subprocess.run(git, cwd=root, check=True, capture_output=True, text=True)
    return sorted(name for name in done.stdout.split("\0") if name and (root / name).is_file())


def choose(root: Path) -> list[str]:
    """Return the files to pack, and with them the pictures that notebooks and README show."""
    names = tracked(root)
    chosen = {name for name in names if PACKED.fullmatch(name)}
    pages = (root / name for name in chosen if name.endswith((".ipynb", ".md")))
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    shown = set(re.findall(r"docs/[\w./-]+\.(?:jpg|png|svg|gif)", text))
    return sorted(chosen | shown.intersection(names))


def pack(root: Path, target: Path) -> None:
    """Write the zip, in which everything is in one folder, silk-purse."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in choose(root):
            # A date of its own would make every zip another one.
            entry = zipfile.ZipInfo(f"silk-purse/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            entry.create_system = 3  # Unix, wherever it is made
            archive.writestr(entry, (root / name).read_bytes())


def main() -> int:
    """Write the zip and say what to do with it."""
    target = ROOT / "out" / "silk-purse.zip"
    try:
        pack(ROOT, target)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(
            f"The zip could not be made ({error}). It is made from a clone, and needs git.\n"
        )
        return 1
    size = target.stat().st_size / 1e6
    sys.stdout.write(f"{target.relative_to(ROOT)} is written, {size:.1f} MB.\n{WHAT_TO_DO}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
