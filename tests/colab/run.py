"""Open notebooks as on Colab, in each of the three ways, and run them.

    make colab-like                                      # 00, 02 and 06
    build/colab/bin/python tests/colab/run.py 04_upscale --ways zip

The interpreter belongs to an environment laid out like Colab's (preinstalled.txt), with an old
ffmpeg on its PATH. In it, google.colab is the stand-in of this folder. Every notebook gets a
/content of its own. The badge's repository is on this machine instead of on GitHub. The packages
that the set-up cell installs are kept for one way, so the second notebook must find them.

Two things differ from Colab. The folder /content belongs to the machine, so another one is written
into the copies of the set-up cell and of helpers/runtime/machine.py. And there is no browser.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
import zipfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO), str(REPO / "notebooks")]

import nbformat  # noqa: E402
import pack  # noqa: E402
import run as runner  # noqa: E402
from nbclient.exceptions import CellExecutionError  # noqa: E402

from tests.support.notebooks import QUICK  # noqa: E402
from tests.support.setup_cell import FAKES, adapted, put_repository  # noqa: E402

NOTEBOOKS = ("00_end_to_end", "02_clean", "06_audio")

WAYS = {"badge": [], "drive": ["drive.mount"], "zip": ["files.upload"]}
"""What the set-up cell asks of Colab, in each way of opening a notebook."""


class Session:
    """A fresh machine of Colab, on which one notebook is opened.

    Args:
        folder: a new folder; it gets /content, the user's Drive, and whatever else a way needs.
        packages: the folder into which pip installs.
        way: how the notebook is opened, one of `WAYS`.
    """

    def __init__(self, folder: Path, packages: Path, way: str) -> None:
        self.folder, self.way, self.content = folder, way, folder / "content"
        for new in (self.content, folder / "drive", packages):
            new.mkdir(parents=True, exist_ok=True)
        copy = self.copy_project(folder / "original")
        self.env = self.environment(packages, put_repository(folder / "github", copy))
        pack.pack(copy, folder / "silk-purse.zip")
        if way == "drive":
            with zipfile.ZipFile(folder / "silk-purse.zip") as archive:
                archive.extractall(folder / "drive")
            (folder / "drive" / "silk-purse").rename(folder / "drive" / "silk-purse (1)")

    def copy_project(self, target: Path) -> Path:
        """Copy what git tracks, with this session's folder instead of /content."""
        for name in pack.tracked(REPO):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPO / name, target / name)
        machine = target / "helpers" / "runtime" / "machine.py"
        machine.write_text(machine.read_text().replace('"/content/', f'"{self.content}/'))
        return target

    def environment(self, packages: Path, github: dict[str, str]) -> dict[str, str]:
        """Return the environment variables of the kernel."""
        return {
            "COLAB_UPLOAD": str(self.folder / "silk-purse.zip"),
            "COLAB_DRIVE": str(self.folder / "drive"),
            **os.environ,  # in which COLAB_UPLOAD and COLAB_DRIVE may be set, to try failures
            **github,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(packages), str(FAKES)]),
            "PIP_TARGET": str(packages),
            "SILK_PURSE_CACHE": str(self.folder / "cache"),  # not the films and models used here
            "COLAB_LOG": str(self.folder / "calls"),
        }

    def open(self, name: str) -> nbformat.NotebookNode:
        """Return a notebook as it stands in the browser, set to something quick."""
        notebook = nbformat.read(REPO / "notebooks" / f"{name}.ipynb", as_version=4)
        address = {"address": "somebody/silk-purse"} if self.way == "badge" else {}
        notebook.cells[1].source = adapted(self.content, drive=self.way == "drive", **address)
        forms = "\n".join(cell.source for cell in notebook.cells)
        there = re.findall(r"^(\w+) = .*# @param", forms, re.MULTILINE)
        quick = {key: value for key, value in QUICK.get(name, {}).items() if key in there}
        runner.replace_parameters(notebook, quick)
        return notebook

    def run(self, name: str) -> nbformat.NotebookNode:
        """Run a notebook from the first cell to the last."""
        notebook = self.open(name)
        try:
            runner.execute(notebook, self.content, extensions=["google.colab"], env=self.env)
        finally:
            nbformat.write(notebook, self.folder / f"{name}.ipynb")
        return notebook

    def calls(self) -> list[str]:
        """Return what was asked of Colab, without the arguments."""
        path = self.folder / "calls"
        return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def find_faults(notebook: nbformat.NotebookNode, session: Session, installs: bool) -> list[str]:
    """Return what is wrong with the outputs of a notebook that has run to its end.

    Args:
        notebook: after its run.
        session: the one in which it ran.
        installs: whether packages had to be installed.
    """
    faults = []
    shown = str(notebook.cells[1].outputs)
    asked = [call for call in session.calls() if call in ("drive.mount", "files.upload")]
    if asked != WAYS[session.way]:
        faults.append(f"the notebook asked for {asked} instead of {WAYS[session.way]}")
    if ("Installing" in shown) != installs:
        faults.append(f"packages were {'not ' * installs}installed")
    if "libnvidia" in shown or "Vulkan driver" in shown:
        faults.append("it advises to install a driver")
    return faults


def run_ways(notebooks: list[str], ways: list[str], folder: Path) -> int:
    """Run notebooks in several ways, say how each went, and return how many failed."""
    failed = 0
    for way in ways:
        for number, name in enumerate(notebooks):
            begun = time.perf_counter()
            session = Session(folder / way / name, folder / way / "packages", way)
            try:
                faults = find_faults(session.run(name), session, installs=number == 0)
            except CellExecutionError as error:
                faults = [str(error)]
            failed += bool(faults)
            said = "; ".join(faults) or "good"
            print(f"{way:6}{name:16}{time.perf_counter() - begun:5.0f} s  {said}", flush=True)
    return failed


def main() -> int:
    """Take notebooks and ways from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="*", default=NOTEBOOKS, help="names without the ending")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--keep", type=Path, help="a new folder that is kept, to look into it")
    options = parser.parse_args()
    if options.keep:
        return bool(run_ways(options.notebooks, options.ways, options.keep.resolve()))
    with tempfile.TemporaryDirectory() as folder:
        return bool(run_ways(options.notebooks, options.ways, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
