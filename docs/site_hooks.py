"""What the site is built from besides the pages of this folder; MkDocs calls these functions.

- The API reference: one page per room of the package, written by mkdocstrings from the docstrings.
- Pages that stand elsewhere in the repository, like CONTRIBUTING.md.
- Links to files that are not part of the site lead to the repository.
- Docstrings may describe several arguments at once ("width, height: pixels"); see `JoinedNames`.
"""

from __future__ import annotations

import ast
import posixpath
import re
from pathlib import Path

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "helpers"

PAGES = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/RESULTS.md": "benchmarks.md",
}
"""Pages of the site that are files elsewhere in the repository."""

CORE = "What everything else speaks of, and the job as a whole."
"""What is in the files that stand directly in the package."""

TABLE = "<!-- models -->"
"""Stands around the table of models in the README, and where a page wants that table."""

LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s#]+)(#[^)\s]*)?\)")


def rooms() -> dict[str, list[Path]]:
    """Return the files that each page of the reference describes, by the page's name."""
    found = {"core": sorted(PACKAGE.glob("[!_]*.py"))}
    for folder in sorted(PACKAGE.iterdir()):
        if folder.name != "stages" and (folder / "__init__.py").exists():
            found[folder.name] = sorted(folder.rglob("*.py"))
    found["stages"] = sorted((PACKAGE / "stages").glob("*.py"))
    for folder in sorted((PACKAGE / "stages").iterdir()):
        if (folder / "__init__.py").exists():
            found[f"stages/{folder.name}"] = sorted(folder.rglob("*.py"))
    return found


def module_name(path: Path) -> str:
    """Return how a file of the package is imported: "helpers.retime"."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def on_config(config: MkDocsConfig) -> None:
    """Put the pages of the reference into the navigation."""
    assert config.nav is not None
    listed = [{name: f"reference/{name}.md"} for name in rooms()]
    place = next(n for n, entry in enumerate(config.nav) if "API reference" in entry)
    config.nav[place] = {"API reference": ["reference/index.md", *listed]}


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages that are written here."""
    for name, paths in rooms().items():
        parts = [f"# {name}", *(f"::: {module_name(path)}" for path in paths)]
        page = File.generated(config, f"reference/{name}.md", content="\n\n".join(parts))
        files.append(page)
    for source, target in PAGES.items():
        page = File.generated(config, target, abs_src_path=str(ROOT / source))
        files.append(page)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in the table of models, and turn links of the repository into links of the site."""
    sources = {target: source for source, target in PAGES.items()}
    source = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def link(found: re.Match[str]) -> str:
        target = _site_link(source, page.file.src_uri, found[1], config.extra["repository"])
        return f"]({target}{found[2] or ''})"

    if TABLE in markdown:
        models = (ROOT / "README.md").read_text(encoding="utf-8").split(TABLE)[1]
        markdown = markdown.replace(TABLE, models)
    if page.file.src_uri == "reference/index.md":
        markdown += _contents()
    return LINK.sub(link, markdown)


def _contents() -> str:
    """Return the table of the reference: each page, and what its folder says of itself."""
    lines = ["", "| Page | What is in it |", "| --- | --- |"]
    for name, paths in rooms().items():
        first = next((path for path in paths if path.stem == "__init__"), None)
        said = ast.get_docstring(ast.parse(first.read_text(encoding="utf-8"))) if first else CORE
        assert said, f"{first} does not say what is in it"
        lines.append(f"| [`{name}`]({name}.md) | {said.splitlines()[0]} |")
    return "\n".join(lines)


def _site_link(source: str, page: str, target: str, repository: str) -> str:
    """Return where a link of a file of the repository leads on the site."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if path in PAGES or path.startswith("docs/"):
        inside = PAGES.get(path, path.removeprefix("docs/"))
        return posixpath.relpath(inside, posixpath.dirname(page) or ".")
    return f"{repository}/blob/main/{path}"


JOINED = re.compile(r"^( +)(\w+(?:, \w+)+): (.+(?:\n\1 +.+)*)", re.MULTILINE)
"""One entry of a docstring for several names, with the lines that continue it."""


class JoinedNames(griffe.Extension):
    """Gives every argument or attribute an entry of its own, so that its type is shown beside it.

    A name that the function does not have is then reported, and the build fails.
    """

    def on_instance(self, *, obj: griffe.Object, **_: object) -> None:
        """Rewrite the docstring of anything that has one."""
        if obj.docstring:
            obj.docstring.value = JOINED.sub(_separate, obj.docstring.value)


def _separate(found: re.Match[str]) -> str:
    indent, names, text = found.groups()
    return "\n".join(f"{indent}{name}: {text}" for name in names.split(", "))
