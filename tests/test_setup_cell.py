"""The notebooks' first cell: it finds or fetches the helpers wherever a notebook was opened."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from helpers import __version__
from tests.support import setup_cell
from tests.support.paths import REPO
from tests.support.setup_cell import calls, put_copy, put_repository, put_zip, run

sys.path.insert(0, str(REPO / "notebooks"))

import setup_cell as copying


@pytest.fixture
def content(tmp_path):
    """A folder that stands for Colab's /content."""
    folder = tmp_path / "content"
    folder.mkdir()
    return folder


def home(done) -> Path:
    """The folder in which the cell found the helpers."""
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip().splitlines()[-1].removeprefix("at ")).resolve().parents[1]


def refusal(done) -> str:
    """The one sentence with which the cell stopped."""
    assert done.returncode, done.stdout
    name, said = done.stderr.strip().splitlines()[-1].split(": ", 1)
    assert name.endswith("SetUpError")
    return said


@pytest.mark.parametrize("inside", [".", "notebooks", "notebooks/more"])
@pytest.mark.parametrize("colab", [False, True])
def test_beside_the_notebook(content, inside, colab):
    copy = put_copy(content / "somewhere")
    (copy / inside).mkdir(parents=True, exist_ok=True)
    assert home(run(copy / inside, colab=colab)) == copy and not calls(copy / inside)


@pytest.mark.parametrize(
    "name",
    ["silk-purse", "silk-purse (1)", "Copy of silk-purse", "Kopie von silk-purse (2)",
     "silk-purse/silk-purse", "silk-purse-0.1.0/silk-purse-0.1.0", "Copy of silk-purse/silk-purse"],
)  # fmt: skip
def test_a_copy_on_drive(content, tmp_path, name):
    copy = put_copy(tmp_path / "drive" / name)
    done = run(content, drive=True, env={"COLAB_DRIVE": str(tmp_path / "drive")})
    assert home(done) == copy
    assert calls(content) == [f"drive.mount {content}/drive"]


def test_the_copy_with_the_plain_name_comes_first(content, tmp_path):
    for name in ("Copy of silk-purse", "silk-purse (1)", "silk-purse"):
        put_copy(tmp_path / "drive" / name)
    done = run(content, drive=True, env={"COLAB_DRIVE": str(tmp_path / "drive")})
    assert home(done).name == "silk-purse"


def test_an_older_copy_is_passed_over(content, tmp_path):
    put_copy(tmp_path / "drive" / "silk-purse", version="0.0.9")
    newer = put_copy(tmp_path / "drive" / "silk-purse (1)")
    done = run(content, drive=True, env={"COLAB_DRIVE": str(tmp_path / "drive")})
    assert home(done) == newer


def test_an_older_copy_alone_is_not_enough(content):
    put_copy(content, version="0.0.9")
    assert f"of version v{__version__}, is not here" in refusal(run(content, colab=False))


def test_older_helpers_that_are_loaded_already_are_named(content, tmp_path):
    older, _ = put_copy(tmp_path / "older", version="0.0.9"), put_copy(content)
    done = run(content, before=f"import sys; sys.path.insert(0, {str(older)!r}); import helpers")
    assert f"Other helpers are loaded already, from {older}" in refusal(done)


def test_drive_is_left_alone_unless_it_is_ticked(content, tmp_path):
    put_copy(tmp_path / "drive" / "silk-purse")
    refusal(run(content, env={"COLAB_DRIVE": str(tmp_path / "drive")}))
    assert calls(content) == ["files.upload"]


@pytest.mark.parametrize(
    ("how", "said"), [("refused", "credential propagation was unsuccessful"), ("failed", "failed")]
)
def test_a_drive_that_is_not_mounted_stops_with_a_sentence(content, how, said):
    sentence = refusal(run(content, drive=True, env={"COLAB_DRIVE": how}))
    assert said in sentence and "untick MOUNT_DRIVE" in sentence


@pytest.mark.parametrize("colab", [False, True])
def test_a_clone(content, tmp_path, colab):
    github = put_repository(tmp_path / "github", put_copy(tmp_path / "original"))
    done = run(content, colab=colab, address="somebody/silk-purse", env=github)
    assert home(done) == content / "silk-purse" and not calls(content)


def test_a_clone_is_used_again(content, tmp_path):
    github = put_repository(tmp_path / "github", put_copy(tmp_path / "original"))
    home(run(content, address="somebody/silk-purse", env=github))
    nowhere = setup_cell.instead_of_github(tmp_path / "gone")
    assert home(run(content, address="somebody/silk-purse", env=nowhere)) == content / "silk-purse"


@pytest.fixture
def private(tmp_path):
    """Variables that send git to a server which asks everybody for a password, as GitHub does."""
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Guard(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="GitHub"')
            self.end_headers()

        def log_message(self, *_): ...

    server = HTTPServer(("127.0.0.1", 0), Guard)
    Thread(target=server.serve_forever, daemon=True).start()
    yield {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.http://127.0.0.1:{server.server_port}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
        "no_proxy": "127.0.0.1",
    }
    server.shutdown()
    server.server_close()


def test_a_private_repository_says_what_to_do_and_the_zip_is_offered(content, tmp_path, private):
    zipped = put_zip(tmp_path / "silk-purse.zip")
    done = run(content, address="somebody/silk-purse", env={**private, "COLAB_UPLOAD": str(zipped)})
    assert home(done) == content / "silk-purse" / "silk-purse"
    assert "terminal prompts disabled" in done.stdout and "make it public" in done.stdout
    assert calls(content) == ["files.upload"]


@pytest.mark.parametrize("fault", ["no such repository", "no such tag", "no git"])
def test_a_clone_that_fails_elsewhere_stops_with_a_sentence(content, tmp_path, fault):
    tag = "v9" if fault == "no such tag" else None
    env = put_repository(tmp_path / "github", put_copy(tmp_path / "original"), tag)
    if fault == "no git":
        env["PATH"] = str(tmp_path)
    who = "nobody" if fault == "no such repository" else "somebody"
    done = run(content, colab=False, address=f"{who}/silk-purse", env=env)
    assert "open the notebook inside the folder" in refusal(done)
    assert f"https://github.com/{who}/silk-purse could not be copied" in done.stdout


@pytest.mark.parametrize("top", ["silk-purse/", "silk-purse-main/", ""])
def test_an_uploaded_zip(content, tmp_path, top):
    zipped = put_zip(tmp_path / "silk-purse.zip", top)
    done = run(content, env={"COLAB_UPLOAD": str(zipped)})
    assert home(done) in (content / "silk-purse", content / "silk-purse" / top.rstrip("/"))
    again = run(content, env={"COLAB_UPLOAD": str(zipped)})
    assert home(again) == home(done) and calls(content) == ["files.upload"]


@pytest.mark.skipif(not (REPO / ".git").exists(), reason="a zip is made from a clone")
def test_the_zip_that_we_make(content, tmp_path):
    import pack

    pack.pack(REPO, tmp_path / "silk-purse.zip")
    done = run(content, env={"COLAB_UPLOAD": str(tmp_path / "silk-purse.zip")})
    assert home(done) == content / "silk-purse" / "silk-purse"


def test_a_cancelled_upload_stops_with_a_sentence(content):
    sentence = refusal(run(content, env={"COLAB_UPLOAD": ""}))
    assert "upload silk-purse.zip" in sentence and "tick MOUNT_DRIVE" in sentence


def test_a_browser_that_refuses_to_upload_stops_with_a_sentence(content):
    assert "_uploadFiles" in refusal(run(content, env={"COLAB_UPLOAD": "blocked"}))


@pytest.mark.parametrize("fault", ["another zip", "no zip", "cut off"])
def test_a_wrong_zip_stops_with_a_sentence_and_the_next_is_taken(content, tmp_path, fault):
    wrong = tmp_path / "silk-purse.zip"
    if fault == "another zip":
        with zipfile.ZipFile(wrong, "w") as archive:
            archive.writestr("holiday.jpg", b"picture")
    else:
        whole = put_zip(wrong).read_bytes()
        wrong.write_bytes(whole[: len(whole) // 2] if fault == "cut off" else b"a film")
    sentence = refusal(run(content, env={"COLAB_UPLOAD": str(wrong)}))
    assert sentence.startswith("The upload failed") and "Run this cell again" in sentence
    right = put_zip(tmp_path / "right.zip")
    done = run(content, env={"COLAB_UPLOAD": str(right)})
    assert home(done) == content / "silk-purse" / "silk-purse"


def test_a_zip_writes_nothing_outside_of_its_folder(content, tmp_path):
    zipped = put_zip(tmp_path / "silk-purse.zip")
    with zipfile.ZipFile(zipped, "a") as archive:
        archive.writestr("../../outside.txt", b"")
        archive.writestr(str(tmp_path / "absolute.txt"), b"")
    home(run(content, env={"COLAB_UPLOAD": str(zipped)}))
    assert not [*tmp_path.glob("*.txt")] and not [*content.glob("*.txt")]


def test_without_helpers_it_says_what_to_do_elsewhere(content):
    """A notebook that came alone must not send anybody to an account that is not its owner's."""
    assert "inside the folder" in refusal(run(content, colab=False))


@pytest.fixture(params=["module", "package", "folder"])
def stranger(request, content):
    """A folder with helpers that are not ours, as a notebook's folder may well have."""
    if request.param == "module":
        (content / "helpers.py").write_text("def start(): ...\n")
    else:
        (content / "helpers" / "catalog").mkdir(parents=True)
        (content / "helpers" / "catalog" / "table.py").write_text("ROWS = 3\n")
    if request.param == "package":
        (content / "helpers" / "__init__.py").write_text("def start(): ...\n")
    return content


def test_a_strangers_helpers_are_not_taken_for_ours(stranger):
    refusal(run(stranger, colab=False))


@pytest.mark.parametrize("where", ["installed", "beside"])
def test_ours_are_found_behind_a_strangers_helpers(stranger, where):
    path = [stranger, REPO] if where == "installed" else []
    if where == "beside":
        (stranger / "silk-purse").symlink_to(REPO)
    assert home(run(stranger, colab=False, path=path)) == REPO


def test_a_strangers_helpers_that_are_loaded_already_are_named(stranger):
    put_copy(stranger / "silk-purse")
    sentence = refusal(run(stranger, colab=False, before="import helpers"))
    assert "Other helpers are loaded already" in sentence
    assert str(stranger) in sentence and "Restart the session" in sentence


def test_a_second_run_does_nothing_twice(content, tmp_path):
    (tmp_path / "drive").mkdir()
    zipped = put_zip(tmp_path / "silk-purse.zip")
    env = {"COLAB_DRIVE": str(tmp_path / "drive"), "COLAB_UPLOAD": str(zipped)}
    count = "print(sys.path.count(str(home)))\n" + setup_cell.PRINT
    done = run(content, drive=True, times=2, after=count, env=env)
    assert home(done) == content / "silk-purse" / "silk-purse"
    assert calls(content) == [f"drive.mount {content}/drive", "files.upload"]
    assert done.stdout.splitlines()[-2] == "1"


def test_a_notebook_shows_the_sentence_and_no_traceback(content):
    pytest.importorskip("IPython", reason="IPython is not installed")
    code = (
        "import google.colab\nfrom IPython.core.interactiveshell import InteractiveShell\n"
        f"InteractiveShell.instance().run_cell({setup_cell.adapted(content, drive=True)!r})"
    )
    env = {**os.environ, "PYTHONPATH": str(setup_cell.FAKES), "COLAB_DRIVE": "refused"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=content, env=env, capture_output=True, text=True
    )
    assert done.stdout.startswith("Google Drive was not mounted"), done.stdout
    assert "Traceback" not in done.stdout and not done.stderr


def test_the_tag_is_the_version():
    assert f'"v{__version__}"' in setup_cell.source()


def test_the_cell_is_copied_into_every_other_notebook(tmp_path):
    import shutil

    for path in (REPO / "notebooks").glob("0*.ipynb"):
        shutil.copy(path, tmp_path)
    assert copying.copy_everywhere(tmp_path) == []
    first = tmp_path / "00_end_to_end.ipynb"
    first.write_text(first.read_text().replace("# before any other helpers", "# first"))
    assert len(copying.copy_everywhere(tmp_path)) == len([*tmp_path.iterdir()]) - 1
    first.write_bytes((REPO / "notebooks" / first.name).read_bytes())
    copying.copy_everywhere(tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (REPO / "notebooks" / path.name).read_bytes()
