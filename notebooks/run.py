"""Run a notebook from the first cell to the last, as a reader would, and keep what it shows.

    python notebooks/run.py 00_end_to_end --out out/demo --html end_to_end.html

The notebook runs in the folder `--out`, with nothing beside it. Values of its parameters cell are
replaced with `--set NAME=VALUE`, VALUE in Python.
"""

from __future__ import annotations

import argparse
import base64
import mimetypes
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parent


def run(
    name: str, folder: Path, values: dict[str, str] | None = None, timeout: int = 1200
) -> NotebookNode:
    """Run a notebook and return it with its outputs.

    Args:
        name: its file name without the ending.
        folder: where it runs; made if it is not there.
        values: replacements for its parameters, as Python source.
        timeout: seconds a cell may take.

    Raises:
        CellExecutionError: a cell failed; the message holds its traceback.
    """
    folder.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    if values:
        at = next(
            n for n, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", [])
        )
        lines = [f"{key} = {value}" for key, value in values.items()]
        notebook.cells.insert(at + 1, nbformat.v4.new_code_cell("\n".join(lines)))
    # The kernel is this interpreter, so that the notebook sees what is installed here.
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--IPKernelApp.log_level=40"],  # it warns of its own transport
        coalesce_streams=True,  # a progress bar leaves its last state only, as on the screen
    )
    client.execute()
    return notebook


def embedded(link: re.Match[str]) -> str:
    """Return a picture of the project as a data link: the page is looked at from elsewhere."""
    path = (NOTEBOOKS / link[0]).resolve()
    kind = mimetypes.guess_type(path.name)[0]
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def main() -> int:
    """Run one notebook from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", help="the notebook's file name without the ending")
    parser.add_argument("--out", type=Path, required=True, help="the folder it runs in")
    parser.add_argument("--html", default="", help="a page of that name is left in the folder")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    asked = parser.parse_args()
    begun = time.perf_counter()
    try:
        notebook = run(asked.name, asked.out, dict(pair.split("=", 1) for pair in asked.set))
    except CellExecutionError as error:
        sys.stderr.write(f"{asked.name} failed:\n{error}\n")
        return 1
    if asked.html:
        from nbconvert import HTMLExporter

        page, _ = HTMLExporter().from_notebook_node(notebook)
        page = re.sub(r'(?<=src=")\.\./docs/[^"]+(?=")', embedded, page)
        (asked.out / asked.html).write_text(page, encoding="utf-8")
    sys.stdout.write(f"{asked.name} ran in {time.perf_counter() - begun:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
