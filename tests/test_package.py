"""How the package holds together: who imports whom, and how quickly."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.support.paths import REPO, TALK

PACKAGE = REPO / "helpers"
# A folder's own file counts where there is more in it than what the folder is.
FILES = [
    p for p in sorted(PACKAGE.rglob("*.py")) if p.stem != "__init__" or "import" in p.read_text()
]

ROOMS = sorted(
    folder for folder in (PACKAGE / "stages").iterdir() if (folder / "stage.py").exists()
)

KNOW_CLIPS = {
    "stage",
    "find",
    "decisions",
    "temporal",
    "references",
    "reference_colors",
    "frame_blocks",
}
"""Files of a room that may know what a clip is; all others see pictures, and times at most."""


def module(path: Path) -> str:
    """The name of a module within the package: "stages.upscale"."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "__init__"


MODULES = {module(file) for file in FILES}


def typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


@cache
def imports(path: Path, inside: bool = True) -> set[str]:
    """What a file imports, but for typing; with `inside`, within its functions too."""
    found: set[str] = set()
    ahead: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while ahead:
        node = ahead.pop()
        if typing_only(node) or (not inside and isinstance(node, ast.FunctionDef)):
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {f"helpers.{name}" for name in MODULES}
            found |= names if names <= modules else {node.module or "", *names}
        ahead += ast.iter_child_nodes(node)
    return found


def ours(path: Path, inside: bool = True) -> set[str]:
    """Which modules of the package a file imports."""
    names = {name.removeprefix("helpers.") for name in imports(path, inside)}
    return names & MODULES


def users(package: str) -> set[str]:
    """The modules that import a package from outside, anywhere in them."""
    found = set()
    for path in FILES:
        if any(name == package or name.startswith(package + ".") for name in imports(path)):
            found.add(module(path))
    return found


def folder(name: str) -> set[str]:
    """The modules in a folder of the package."""
    return {module(path) for path in (PACKAGE / name).rglob("*.py")}


def test_the_core_knows_nothing_of_what_is_built_on_it():
    assert ours(PACKAGE / "clip.py") == {"errors"}
    assert ours(PACKAGE / "stage.py") == {"clip", "errors", "run"}
    assert ours(PACKAGE / "run.py") == {"errors", "progress", "runtime.machine"}
    assert ours(PACKAGE / "options.py") == {"errors"}
    assert ours(PACKAGE / "errors.py") == set()
    assert ours(PACKAGE / "progress.py") == set()
    assert ours(PACKAGE / "runtime" / "machine.py") <= {"errors", "runtime.notebook"}
    assert ours(PACKAGE / "runtime" / "names.py") == set()
    assert ours(PACKAGE / "runtime" / "schema.py") == set()
    storage = {"errors", "runtime.machine", "runtime.names", "runtime.schema"}
    assert ours(PACKAGE / "runtime" / "storage.py") == storage


@pytest.mark.parametrize("name", ["imaging", "nn"])
def test_what_all_stages_share_knows_only_pictures(name):
    for path in (PACKAGE / name).glob("*.py"):
        assert ours(path) <= {"errors", *folder(name)}, path


def test_the_catalogue_knows_no_stage():
    for path in (PACKAGE / "catalog").glob("*.py"):
        below = {"errors", "progress", "runtime.machine", *folder("nn")}
        assert ours(path) <= below | folder("catalog"), path


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_only_a_few_files_of_a_room_know_clips(room):
    for path in room.rglob("*.py"):
        if path.stem not in KNOW_CLIPS:
            assert not ours(path) & {"clip", "stage"}, path


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_stands_by_itself(room):
    below = {
        *("clip", "errors", "options", "progress", "run", "stage"),
        *("catalog.fetch", "catalog.load", "catalog.registry", "catalog.table"),
        *("runtime.machine", "runtime.postpone", "runtime.storage"),
        *("stages.diagnosis", "retime"),
    }
    allowed = below | folder("imaging") | folder("nn") | folder(f"stages/{room.name}")
    for path in room.rglob("*.py"):
        assert ours(path) <= allowed, path


def test_no_module_imports_one_that_imports_it():
    graph = {module(path): ours(path, inside=False) for path in FILES}
    while free := {name for name, needs in graph.items() if not needs & graph.keys()}:
        graph = {name: needs for name, needs in graph.items() if name not in free}
    assert graph == {}, "these import each other in a circle"


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("matplotlib", {"show.still", "show.cleaning", "show.sound"}),
        ("google", {"runtime.machine"}),
        (
            "av",
            folder("video")
            | {
                "project.report",
                "runtime.machine",
                "health",
                "audio.reader",
                "stages.denoise.ffmpeg_filters",
                "training.interpolation.camera",
            },
        ),
        ("ffmpeg", {"video.mux", "audio"}),
    ],
)
def test_a_library_is_used_in_its_place_only(package, allowed):
    assert users(package) <= allowed


def test_importing_the_package_is_quick_and_brings_nothing_heavy():
    script = "import sys, time, helpers; print(time.process_time(), *sys.modules)"
    seconds: list[float] = []
    for _ in range(3):
        spent, *loaded = _run(script).split()
        seconds.append(float(spent))
    assert not {*loaded} & {"torch", "cv2", "av", "numpy", "matplotlib"}
    assert min(seconds) < 0.3


HEAVY = {"av", "cv2", "matplotlib", "numpy", "pooch", "rich", "scenedetect", "scipy", "torch"}
"""What takes long to import; `rich` draws the tables of `--help`."""


@pytest.mark.parametrize(
    ("words", "heavy", "own"),
    [
        (["--help"], {"rich"}, {"errors", "runtime", "video"}),
        (["models"], set(), {"catalog", "errors", "nn", "progress", "runtime", "video"}),
        (
            ["probe", str(TALK)],
            {"av", "numpy"},
            {"clip", "errors", "imaging", "progress", "runtime", "video"},
        ),
    ],
    ids=lambda case: case[0] if isinstance(case, list) else "",
)
def test_a_command_brings_only_what_it_needs(words, heavy, own):
    script = (
        f"import sys; sys.argv[1:] = {words}\n"
        "from helpers.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print(*sys.modules)"
    )
    loaded = {name for name in _run(script).splitlines()[-1].split() if name != "helpers"}
    assert loaded & HEAVY <= heavy
    ours = {name.split(".")[1] for name in loaded if name.startswith("helpers.")}
    assert ours - {"__main__"} <= own


def _run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPO
    )
    return done.stdout


@pytest.mark.slow
def test_every_name_that_is_offered_is_there():
    _run("import helpers\nfor name in helpers.__all__: getattr(helpers, name)")


def test_an_unknown_name_is_answered_plainly():
    import helpers

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        helpers.nothing  # noqa: B018
