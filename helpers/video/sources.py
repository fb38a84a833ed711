"""Find a film: by a path, a link, an upload, or the sample that every notebook begins with.

find_film("")                                   # the sample talk
find_film("/content/drive/MyDrive/talk.mp4")    # a file
find_film("https://example.org/film.mp4")       # downloaded once, and kept
find_film("upload")                             # a file dialog, on Colab
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from helpers.errors import VideoOpenError
from helpers.runtime.machine import runtime, upload

SAMPLES = tuple(folder / "sample_clips" for folder in Path(__file__).resolve().parents[1:3])
"""Where the sample clips are: inside the installed package, or beside it in the repository."""


def sample(name: str = "talk") -> Path:
    """Return the path of a sample clip by the first word of its name: "talk" or "film".

    Raises:
        VideoOpenError: there is none of that name; with the names that there are.
    """
    clips = [path for folder in SAMPLES for path in sorted(folder.glob("*.mp4"))]
    for path in clips:
        if path.name.startswith(name):
            return path
    names = ", ".join(path.name.split("_")[0] for path in clips) or "none at all"
    raise VideoOpenError(
        f"There is no sample clip {name!r}; there are {names}. Name one of them, or give the path "
        "of a film of your own."
    )


def find_film(where: str) -> Path:
    """Return a film as a file on this machine.

    Args:
        where: "" for the sample, a path, a http(s) link, or "upload" for a file dialog on Colab.

    Raises:
        VideoOpenError: there is no such file, or it cannot be downloaded or uploaded.
    """
    where = where.strip()
    if not where:
        return sample()
    if where == "upload":
        return upload()
    if where.startswith(("http://", "https://")):
        return download(where, runtime().scratch)
    path = Path(where).expanduser()
    if not path.exists() and runtime().drive is not None:
        path = Path(runtime().drive or ".") / where  # a path on the user's Drive
    if not path.exists():
        raise VideoOpenError(
            f"There is no file {where}. Give a path or a link (https://...), or leave it empty to "
            "use the sample. For a file on Google Drive, tick MOUNT_DRIVE in the first cell."
        )
    return path


def download(link: str, folder: Path) -> Path:
    """Download a film, unless it was downloaded before; it gets its name when it is complete.

    Raises:
        VideoOpenError: the server reports an error, or the connection breaks.
    """
    from helpers.progress import bar

    path = folder / (Path(unquote(urlsplit(link).path)).name or "film.mp4")
    if path.exists():
        return path
    part = path.with_name(path.name + ".part")
    try:
        request = Request(link, headers={"User-Agent": "silk-purse"})
        with urlopen(request, timeout=60) as answer, part.open("wb") as file:
            size = int(answer.headers.get("Content-Length") or 0)
            with bar(None, size, "download") as ticks:
                while block := answer.read(1 << 20):
                    file.write(block)
                    ticks.update(len(block))
        if size and part.stat().st_size != size:
            raise OSError(f"only {part.stat().st_size} of {size} bytes arrived")
        os.replace(part, path)
    except OSError as error:  # urllib's errors are OSErrors
        part.unlink(missing_ok=True)
        raise VideoOpenError(
            f"{link} could not be downloaded ({error}). Check the link in a browser, or download "
            "the file yourself and give its path."
        ) from error
    return path


def project_folder(film: Path) -> Path:
    """Return the default project folder of a film: on Drive if it is mounted, otherwise here."""
    drive = runtime().drive
    base = drive / "silk-purse" if drive else Path.cwd() / "projects"
    return base / film.stem
