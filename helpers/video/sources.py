"""Find a film: by a path, a link, an upload, or the sample that every notebook begins with.

find_film("")                                   # the sample talk
find_film("/content/drive/MyDrive/talk.mp4")    # a file
find_film("https://example.org/film.mp4")       # downloaded once, and kept
find_film("upload")                             # a file dialog, on Colab
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import unquote

from helpers.errors import VideoOpenError
from helpers.progress import bar
from helpers.runtime.machine import runtime, upload
from helpers.runtime.names import cut_name, expand, part_name
from helpers.runtime.storage import create
from helpers.video.open import open_container

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
    if re.match(r"https?://", where, re.IGNORECASE):
        return download(where, runtime().scratch)
    path = expand(where)
    if not os.path.exists(path) and runtime().drive is not None:
        path = Path(runtime().drive or ".") / where  # a path on the user's Drive
    if not os.path.exists(path):
        raise VideoOpenError(
            f"There is no file {where}. Give a path or a link (https://...), or leave it empty to "
            "use the sample. For a file on Google Drive, tick MOUNT_DRIVE in the first cell."
        )
    return path


def download(link: str, folder: Path) -> Path:
    """Download a film, unless it was downloaded before; it gets its name when it is complete.

    Raises:
        VideoOpenError: the link is none, the server reports an error, the connection breaks, or
            what comes is no film.
    """
    import requests

    path, shown = folder / _name_of(link), " ".join(link.split())
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    part = part_name(path)
    try:
        _receive(link, part)
        open_container(part).close()
        os.replace(part, path)
    except VideoOpenError as error:
        raise VideoOpenError(
            f"{shown} does not lead to a film: what came from there cannot be read as a video. "
            "Open the link in a browser, and copy the address of the file itself."
        ) from error
    except (OSError, ValueError) as error:  # the errors of requests are OSErrors
        reason = _explain(error) if isinstance(error, requests.RequestException) else error
        raise VideoOpenError(
            f"{shown} could not be downloaded ({reason}). Check the link in a browser, or download "
            "the file yourself and give its path."
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return path


def _name_of(link: str) -> str:
    """Return a name for a link's file: the link's own, and a hash that tells links apart."""
    name = link.split("?")[0].split("#")[0].rsplit("/", 1)[-1]
    own = Path(re.sub(r"[^\w. -]", "_", unquote(name)) or "film.mp4")
    ending = f"-{hashlib.sha256(link.encode(errors='replace')).hexdigest()[:16]}{own.suffix[:16]}"
    return cut_name(own.stem.strip(". ") or "film", ending) + ending


def _receive(link: str, part: Path) -> None:
    """Write what a link leads to into a new file.

    Raises:
        OSError: it does not come, or not all of it, or it is a page.
        ValueError: the link is none.
    """
    import requests

    headers = {"User-Agent": "silk-purse", "Accept-Encoding": "identity"}
    with requests.get(link, headers=headers, stream=True, timeout=60) as answer:
        answer.raise_for_status()
        kind = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if kind in PAGES:
            raise OSError(f"it is a page and not a film, {kind}")
        length = answer.headers.get("Content-Length", "")
        size = int(length) if length.isdecimal() else 0
        with create(part) as file, bar(None, size, "download") as ticks:
            for block in answer.iter_content(1 << 20):
                file.write(block)
                ticks.update(len(block))
    found = part.stat().st_size
    if size and found != size:
        raise OSError(f"only {found} of {size} bytes arrived")


PAGES = ("text/html", "application/xhtml+xml", "application/json", "application/pdf")
"""The content types of what is no film. Many servers send films as text or as nothing special."""


def _explain(error: Exception) -> str:
    """Return an error of requests in a few words."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server responded {response.status_code} {response.reason}"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()


def project_folder(film: Path) -> Path:
    """Return the default project folder of a film: on Drive if it is mounted, otherwise here."""
    drive = runtime().drive
    base = drive / "silk-purse" if drive else Path.cwd() / "projects"
    return base / film.stem
