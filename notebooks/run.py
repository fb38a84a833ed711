"""Run a notebook from the first cell to the last, and save its outputs as a web page.

    python notebooks/run.py 00_end_to_end --out out/demo --html end_to_end.html

The notebook runs in the folder `--out`. `--set NAME=VALUE` replaces the value of a field of its
forms; VALUE is Python source.
"""

from __future__ import annotations

import argparse
import base64
import mimetypes
import os
import re
import sys
import time
from collections.abc import Sequence
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
        folder: the folder it runs in; created if it does not exist.
        values: replacements for fields of its forms, as Python source.
        timeout: the most seconds a cell may take.

    Raises:
        CellExecutionError: a cell failed; the message includes its traceback.
    """
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    replace_parameters(notebook, values or {})
    execute(notebook, folder, timeout)
    return notebook


def replace_parameters(notebook: NotebookNode, values: dict[str, str]) -> None:
    """Give fields of a notebook's forms other values.

    Args:
        values: Python source, by the names of the fields.

    Raises:
        KeyError: no form has the field.
    """
    for field, value in values.items():
        line = re.compile(rf"^{field} = .*?(?=  # @param)", re.MULTILINE)
        cell = next((c for c in notebook.cells if line.search(c.source)), None)
        if cell is None:
            raise KeyError(f"The notebook has no field {field}.")
        cell.source = line.sub(lambda _, text=f"{field} = {value}": text, cell.source)


def execute(
    notebook: NotebookNode,
    folder: Path,
    timeout: int = 1200,
    extensions: Sequence[str] = (),
    env: dict[str, str] | None = None,
) -> None:
    """Run a notebook's cells and keep their outputs in it.

    Args:
        notebook: it is changed.
        folder: the folder it runs in; created if it does not exist.
        timeout: the most seconds a cell may take.
        extensions: modules that IPython loads first.
        env: the environment variables of the kernel, if not those of this process.

    Raises:
        CellExecutionError: a cell failed; the message includes its traceback.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # The kernel is this interpreter, so that the notebook uses the packages installed here.
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=[
            "--IPKernelApp.log_level=40",  # hides a warning about its own transport
            *(f"--IPKernelApp.extra_extensions={name}" for name in extensions),
        ],
        coalesce_streams=True,  # only the last state of a progress bar is kept, as on the screen
    )
    client.execute(env=env or dict(os.environ))


def drop_widgets(notebook: NotebookNode) -> None:
    """Leave the words of panels, which a page without a kernel shows instead of them."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)


def embed_picture(link: re.Match[str]) -> str:
    """Return a picture of the project as a data link, so that the page works in any folder."""
    path = (NOTEBOOKS / link[0]).resolve()
    kind = mimetypes.guess_type(path.name)[0]
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def main() -> int:
    """Run one notebook from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", help="the notebook's file name without the ending")
    parser.add_argument("--out", type=Path, required=True, help="the folder it runs in")
    parser.add_argument("--html", default="", help="the name of a page to write into that folder")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter to replace"
    )
    options = parser.parse_args()
    begun = time.perf_counter()
    try:
        notebook = run(options.name, options.out, dict(pair.split("=", 1) for pair in options.set))
    except CellExecutionError as error:
        sys.stderr.write(f"The notebook {options.name} failed:\n{error}\n")
        return 1
    if options.html:
        from nbconvert import HTMLExporter

        drop_widgets(notebook)
        page, _ = HTMLExporter().from_notebook_node(notebook)
        page = re.sub(r'(?<=src=")\.\./docs/[^"]+(?=")', embed_picture, page)
        (options.out / options.html).write_text(page, encoding="utf-8")
    sys.stdout.write(f"{options.name} took {time.perf_counter() - begun:.0f} s.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
