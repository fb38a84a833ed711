"""The stand-in for google.colab does what its environment variables say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FAKES = Path(__file__).parent


def ask(folder, code, **env):
    """Run code with the stand-in, in a process of its own, and return what it prints or raises."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"from google.colab import *\n{code}"],
        cwd=folder, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(FAKES), **env},
        capture_output=True, text=True,
    )  # fmt: skip
    return (done.stdout or done.stderr).strip().splitlines()[-1]


def test_uploads_get_free_names_and_can_be_cancelled(tmp_path):
    film = tmp_path / "films" / "talk.mp4"
    film.parent.mkdir()
    film.write_bytes(b"film")
    chosen = os.pathsep.join([str(film), str(film)])
    said = ask(tmp_path, "print(files.upload())", COLAB_UPLOAD=chosen)
    assert said == "{'talk.mp4': b'film', 'talk (1).mp4': b'film'}"
    assert ask(tmp_path, "print(files.upload())", COLAB_UPLOAD="") == "{}"


def test_downloads_arrive_and_a_missing_file_is_refused(tmp_path):
    (tmp_path / "browser").mkdir()
    (tmp_path / "film.mp4").write_bytes(b"film")
    code = "files.download('film.mp4'); print('sent'); files.download('none.mp4')"
    ask(tmp_path, code, COLAB_DOWNLOADS=str(tmp_path / "browser"))
    assert (tmp_path / "browser" / "film.mp4").read_bytes() == b"film"
    assert "Cannot find file" in ask(tmp_path, "files.download('none.mp4')")


@pytest.mark.parametrize(
    ("code", "env", "said"),
    [
        ("files.upload()", {"COLAB_UPLOAD": "blocked"}, "MessageError: TypeError"),
        ("drive.mount('d')", {"COLAB_DRIVE": "refused"}, "MessageError: Error: credential"),
        ("drive.mount('d')", {"COLAB_DRIVE": "failed"}, "ValueError: mount failed"),
        ("drive.mount('d')", {"COLAB_DRIVE": "."}, "Mounted at d"),
        ("drive.mount('d')\ndrive.mount('d')", {"COLAB_DRIVE": ".."}, "Drive already mounted"),
        ("output.eval_js('1')", {}, "MessageError"),
        ("output.eval_js('1', ignore_result=True)\nprint('on')", {}, "on"),
        ("print(userdata.get('HF'))", {"COLAB_SECRETS": "HF=abc"}, "abc"),
        ("userdata.get('HF')", {}, "SecretNotFoundError"),
        ("userdata.get('HF')", {"COLAB_SECRETS": "refused"}, "NotebookAccessError"),
    ],
)
def test_it_answers_and_fails_as_it_is_told(tmp_path, code, env, said):
    assert said in ask(tmp_path, code, **env)


def test_it_keeps_a_log(tmp_path):
    ask(tmp_path, "files.upload()\noutput.clear()\nprint()\nprint('x')", COLAB_LOG="log")
    assert (tmp_path / "log").read_text().splitlines() == ["files.upload", "output.clear"]
