"""Measure how the package is put together, from its imports alone.

    python docs/structure.py                          # this checkout
    python docs/structure.py 832da0e .                # a git revision and this checkout, compared
    python docs/structure.py 832da0e . --into docs/design.md

A **room** is what stands directly in a folder: each Python file, and each subfolder that holds
Python, with all that is in it. An **arrow** leads from one room to another that it imports; several
imports between the same two rooms are one arrow. A **floor** is a step of the longest chain of
arrows. A **circle** is a group of rooms each of which can be reached from every other; for the
floors, a circle counts as one room. Imports inside functions count, because a reader has to follow
them too; imports under TYPE_CHECKING do not.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

REPO = Path(__file__).resolve().parent.parent
PACKAGE = "helpers"

MARK = "<!-- structure -->\n"
"""Stands before and after the figures in a page that holds them."""

Graph = dict[str, set[str]]
"""For every room (or file) the names of those that it imports."""


@dataclass(frozen=True)
class Checkout:
    """The Python files of the package, as a folder or a git revision has them.

    Attributes:
        title: what it is called in a table.
        files: the text of every file by its path within the package, like "retime.py".
    """

    title: str
    files: dict[PurePosixPath, str]

    @cached_property
    def imports(self) -> Graph:
        """For every module the modules that it imports anywhere but for typing."""
        return self._imports(inside=True)

    @cached_property
    def imports_at_start(self) -> Graph:
        """The same without what is imported inside functions."""
        return self._imports(inside=False)

    def _imports(self, inside: bool) -> Graph:
        modules = {module_name(path): text for path, text in self.files.items()}
        return {
            name: set(imported(ast.parse(text), modules, inside)) - {name}
            for name, text in modules.items()
        }

    def rooms(self, folder: str = "") -> Graph:
        """Return the rooms that stand directly in a folder of the package, and their arrows."""
        homes = {}
        for path in self.files:
            if not folder or path.is_relative_to(folder):
                homes[module_name(path)] = path.relative_to(folder).parts[0].removesuffix(".py")
        graph: Graph = {room: set() for room in homes.values()}
        for name, room in homes.items():
            graph[room] |= {homes[found] for found in self.imports[name] if found in homes}
        return {room: found - {room} for room, found in graph.items()}

    def largest_folder(self) -> str:
        """Return how many files stand in the fullest folder, and which that is."""
        folders = [path.parent for path in self.files]
        fullest = max(folders, key=folders.count)
        return f"{folders.count(fullest)} ({PurePosixPath(PACKAGE) / fullest}/)"


def read_checkout(where: str) -> Checkout:
    """Read the package from a folder that holds it, or from a git revision of this repository."""
    if Path(where).is_dir():
        root = Path(where) / PACKAGE
        paths = sorted(root.rglob("*.py"))
        found = {path.relative_to(root): path.read_text(encoding="utf-8") for path in paths}
        title = "this checkout" if Path(where).resolve() == REPO else where
    else:
        names = _git("ls-tree", "-r", "--name-only", where, f"{PACKAGE}/").split()
        python = [PurePosixPath(name) for name in names if name.endswith(".py")]
        found = {path.relative_to(PACKAGE): _git("show", f"{where}:{path}") for path in python}
        title = f"revision {where}"
    if not found:
        raise SystemExit(f"There is no Python package {PACKAGE}/ in {where}; name a checkout.")
    return Checkout(title, {PurePosixPath(path): text for path, text in found.items()})


def _git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(REPO), *words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def module_name(path: PurePosixPath) -> str:
    """Return how a file of the package is imported: "helpers.retime"."""
    parts = [PACKAGE, *path.with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST, modules: Container[str], inside: bool) -> Iterator[str]:
    """Give the modules of the package that a file imports, but for typing."""
    ahead = [tree]
    while ahead:
        node = ahead.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            ahead += node.orelse
            continue
        if not inside and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                # `from helpers.catalog import table` names a module, or a name within one.
                found = (f"{node.module}.{alias.name}", str(node.module))
                yield from [name for name in found if name in modules][:1]
        ahead += ast.iter_child_nodes(node)


def reachable(graph: Graph, start: str) -> set[str]:
    """Return everything that arrows lead to from a room, over any number of them."""
    found: set[str] = set()
    ahead = [start]
    while ahead:
        new = graph[ahead.pop()] - found
        found |= new
        ahead += new
    return found


def circles(graph: Graph) -> list[set[str]]:
    """Return the groups of rooms that can reach each other."""
    below = {room: reachable(graph, room) for room in graph}
    groups = {
        frozenset(other for other in below[room] if room in below[other])
        for room in graph
        if room in below[room]
    }
    return sorted(map(set, groups), key=sorted)


def floors(graph: Graph) -> list[list[str]]:
    """Return the rooms by floor, the lowest first: each one above all that it imports."""
    below = {room: reachable(graph, room) for room in graph}
    # What imports a room that imports it stands on the same floor: a circle has one height.
    strictly = {room: {x for x in below[room] if room not in below[x]} for room in graph}
    height: dict[str, int] = {}
    for room in sorted(graph, key=lambda room: len(strictly[room])):
        height[room] = 1 + max((height[x] for x in strictly[room]), default=0)
    return [sorted(r for r in graph if height[r] == n) for n in sorted(set(height.values()))]


def compare(checkouts: Sequence[Checkout]) -> str:
    """Return the figures of checkouts as a Markdown table, one column each."""
    rows = [("", *(checkout.title for checkout in checkouts))]
    for folder in ("", "stages"):
        home = f"`{PurePosixPath(PACKAGE) / folder}/`"
        graphs = [checkout.rooms(folder) for checkout in checkouts]
        rows += [
            (f"rooms of {home}", *(str(len(graph)) for graph in graphs)),
            ("arrows between them", *(str(sum(map(len, graph.values()))) for graph in graphs)),
            ("floors", *(str(len(floors(graph))) for graph in graphs)),
            ("circles", *(_circles(graph) for graph in graphs)),
        ]
    files = [checkout.imports for checkout in checkouts]
    rows += [
        ("files", *(str(len(graph)) for graph in files)),
        ("arrows between files", *(str(sum(map(len, graph.values()))) for graph in files)),
        ("circles of files", *(_circles(graph) for graph in files)),
        ("... at import time", *(_circles(checkout.imports_at_start) for checkout in checkouts)),
        ("most files in one folder", *(checkout.largest_folder() for checkout in checkouts)),
    ]
    rows.insert(1, ("---",) * len(rows[0]))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _circles(graph: Graph) -> str:
    found = circles(graph)
    words = "; ".join(", ".join(sorted(circle)) for circle in found)
    return f"{len(found)} ({words})" if 0 < len(words) < 100 else str(len(found))


def draw(checkout: Checkout, folder: str = "") -> str:
    """Return the rooms of a folder floor by floor, the highest first, and what each imports."""
    graph = checkout.rooms(folder)
    lines = [f"{PurePosixPath(PACKAGE) / folder}/ of {checkout.title}"]
    for number, rooms in reversed(list(enumerate(floors(graph), start=1))):
        for at, room in enumerate(rooms):
            floor = f"{number:>3}  " if at == 0 else "     "
            lines.append(f"{floor}{room:<14} {' '.join(sorted(graph[room]))}".rstrip())
    return "\n".join(lines)


def report(checkouts: Sequence[Checkout]) -> str:
    """Return the table of all checkouts and the drawing of the last."""
    last = checkouts[-1]
    drawings = f"{draw(last)}\n\n{draw(last, 'stages')}"
    return f"{compare(checkouts)}\n\n```text\n{drawings}\n```\n"


def write_into(page: Path, text: str) -> None:
    """Write the report between the marks of a page."""
    before, _, after = page.read_text(encoding="utf-8").split(MARK)
    page.write_text(f"{before}{MARK}\n{text}\n{MARK}{after}", encoding="utf-8")


def main() -> None:
    """Take checkouts from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkouts", nargs="*", default=["."], help="folders or git revisions")
    parser.add_argument("--into", type=Path, help="a page with marks to write the report into")
    asked = parser.parse_args()
    text = report([read_checkout(where) for where in asked.checkouts])
    if asked.into:
        write_into(asked.into, text)
    else:
        print(text)


if __name__ == "__main__":
    main()
