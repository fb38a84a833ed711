"""The notebooks: laid out alike, clean, and running from an empty folder."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks"))

import address  # noqa: E402

from tests.support.films import encode, ffmpeg, texture  # noqa: E402
from tests.support.notebooks import QUICK  # noqa: E402

NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


RENDERED = {
    "00_end_to_end": "projects/talk_160x120_8fps/talk_160x120_8fps_restored.mp4",
    "07_render": "restored.mp4",
}
"""The films that notebooks write."""


def read(name):
    import nbformat  # which takes a second, and every worker imports this file

    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


@pytest.fixture(params=NAMES)
def notebook(request):
    return read(request.param)


@pytest.fixture
def run(tmp_path):
    """Runs a notebook in the test's folder, and returns it."""
    import run

    return lambda name, values: run.run(name, tmp_path, values)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def forms(notebook):
    """The cells that begin with the fields of a form."""
    return [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]


def test_every_notebook_has_its_test():
    assert set(QUICK) == set(NAMES)


def test_layout(notebook):
    first, setup = notebook.cells[:2]
    assert first.source.startswith("# ") and first.source.count("\n# ") == 0
    assert "colab-badge.svg" in first.source
    assert all(word in first.source for word in ("**In:**", "**Out:**", "**Time:**"))
    assert setup.source.startswith("# @title Setup")
    assert forms(notebook)
    assert re.search("## If it (looks|sounds) wrong", notebook.cells[-1].source)
    assert "**Next:**" in notebook.cells[-1].source


def test_set_up_is_the_same_everywhere():
    cells = set()
    for name in NAMES:
        cells.add(read(name).cells[1].source)
    assert len(cells) == 1


def test_cells_are_small_and_define_nothing(notebook):
    for cell in code_cells(notebook)[1:]:
        body = [line for line in cell.source.split("\n") if line.strip() and line[0] != "#"]
        most = 15 if "parameters" in cell.metadata.get("tags", []) else 12  # a form is no code
        assert len(body) <= most, cell.source
        defined = (ast.FunctionDef, ast.ClassDef, ast.Lambda)
        assert not any(isinstance(node, defined) for node in ast.walk(ast.parse(cell.source)))


def test_parameters_are_forms(notebook):
    for cell in forms(notebook):
        lines = cell.source.partition("\n\n")[0].split("\n")[1:]
        for said, field in zip(lines[::2], lines[1::2], strict=True):
            assert re.fullmatch(r"# @markdown [A-Za-z].+\.", said), said
            assert re.fullmatch(r"[A-Z_]+ = .+  # @param .+", field), field


def test_no_outputs_are_kept(notebook):
    assert "widgets" not in notebook.metadata
    for cell in code_cells(notebook):
        assert cell.outputs == [] and cell.execution_count is None


def test_models_in_the_forms_exist(notebook):
    from helpers import models

    known = {model.name for model in models()} | {"none", "auto", "recommended", ""}
    for line in "\n".join(cell.source for cell in code_cells(notebook)).split("\n"):
        if re.match(r"(COLORIZE|UPSCALE|INTERPOLATE|MODEL|WITH|TRY) = ", line):
            offered = line.split("@param ")[1].split(" {")[0]
            assert set(json.loads(offered)) <= known


WORDS = 350
"""The most words of the texts and forms of a step's notebook."""


@pytest.mark.parametrize("name", NAMES)
def test_there_is_little_to_read(name):
    texts = []
    for cell in read(name).cells:
        if cell.cell_type == "markdown":
            shown = re.sub(r"!?\[!\[.*", "", cell.source)  # the badge
            texts.append(re.sub(r"\]\([^)]*\)", "]", shown))  # where links lead to
        else:
            texts += re.findall(r"^# @(?:title|markdown) (.*)", cell.source, re.MULTILINE)
    assert len(re.findall(r"[\w'-]+", " ".join(texts))) <= WORDS


def test_links_between_notebooks_lead_somewhere(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for link in re.findall(r"\]\((\d\d_\w+)\.ipynb\)", cell.source):
                assert link in NAMES, link


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_runs_from_an_empty_folder(name, run, tmp_path):
    made = run(name, QUICK[name])
    shown = [out for cell in code_cells(made) for out in cell.outputs]
    assert not [out for out in shown if out.output_type == "error"]
    assert any("image/jpeg" in str(out.get("data")) for out in shown), "nothing to look at"
    if name in RENDERED:
        assert (tmp_path / RENDERED[name]).stat().st_size > 10_000


def said(notebook):
    """All text that a notebook printed or showed."""
    shown = [out for cell in code_cells(notebook) for out in cell.outputs]
    return "\n".join(
        str(out["text"] if out.output_type == "stream" else out["data"].get("text/plain", ""))
        for out in shown
    )


@pytest.mark.slow
def test_no_cell_shows_what_is_inside(run):
    """Some results were 29 lines of what objects are made of."""
    for name in ("02_clean", "05_interpolate", "07_render"):
        shown = [out for cell in code_cells(run(name, QUICK[name])) for out in cell.outputs]
        plain = [out["data"]["text/plain"] for out in shown if "data" in out]
        assert max(text.count("\n") for text in plain) < 20
        assert not re.search("Fraction\\(|array\\(|dataclass|object at 0x", " ".join(plain))


@pytest.mark.slow
def test_sound_of_a_silent_film_is_one_sentence(run, tmp_path):
    """It stopped with a traceback, and so did the cells after it."""
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x48:r=8:d=1", tmp_path / "silent.mp4")
    made = run("06_audio", {"SOURCE": repr(str(tmp_path / "silent.mp4"))})
    assert "This film has no sound. Go on with 07 Render, or set MUSIC." in said(made)
    assert not list(tmp_path.rglob("*_sound.mkv"))


@pytest.mark.slow
def test_a_clean_film_is_left_alone(run, tmp_path):
    """02 took the noise out of a film that it had just called clean; 05 made 75 of 25."""
    film = tmp_path / "clean.mp4"
    wide = texture(120, 260, blur=2)
    encode(film, [wide[:, 2 * n : 2 * n + 160] for n in range(50)], options={"crf": "8"})
    values = {"SOURCE": repr(str(film)), "PROJECT": repr(str(tmp_path / "project"))}
    assert "This notebook removes: nothing." in said(run("02_clean", values))
    assert "Nothing is coloured." in said(run("03_colorize", values))
    words = said(run("05_interpolate", values))
    assert "The film has 25 frames a second and is left alone." in words
    assert not list((tmp_path / "project").glob("0*"))


@pytest.mark.slow
def test_steps_hand_over_to_each_other(run, tmp_path):
    values = {"PROJECT": repr(str(tmp_path / "talk"))}
    run("01_extract", {**values, "STOP": "1"})
    run("04_upscale", {**values, "MODEL": '"bicubic"', "TRY": '"lanczos"'})
    run("05_interpolate", values)
    made = run("07_render", values)
    from helpers import open_video

    film = open_video(tmp_path / "restored.mp4")
    assert (film.info.size, len(film)) == ("640x480", 24)
    offset = next(c for c in code_cells(made) if "show_offset" in c.source).outputs[-1]
    assert "in step with the picture" in offset.data["text/plain"]


def test_one_address_everywhere():
    now = address.current()
    for path in address.files():
        text = path.read_text(encoding="utf-8")
        found = set(re.findall(r"colab\.research\.google\.com/github/([^/]+/[^/]+)/blob", text))
        found |= set(re.findall(r'ADDRESS, TAG = \\?"([^"\\]+)', text))
        found |= set(re.findall(r"https://github\.com/([^/\"]+/silk-purse)", text))
        assert found == {now}, path


def test_the_tag_is_the_version():
    from helpers import __version__

    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()
    for path in [ROOT / "README.md", *sorted(ROOT.glob("notebooks/*.ipynb"))]:
        tags = set(re.findall(r"/blob/([^/]+)/notebooks", path.read_text(encoding="utf-8")))
        assert tags == {f"v{__version__}"}, path


def test_address_is_written_everywhere_and_back(tmp_path, monkeypatch):
    import shutil

    for path in address.files():
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(exist_ok=True)
        shutil.copy(path, target)
    monkeypatch.setattr(address, "ROOT", tmp_path)
    old = address.current()
    assert len(address.rewrite("somebody/purse")) == len(address.files())
    assert address.current() == "somebody/purse"
    address.rewrite(old)
    for path in address.files():
        assert path.read_bytes() == (ROOT / path.relative_to(tmp_path)).read_bytes()
