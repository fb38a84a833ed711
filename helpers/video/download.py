"""Download a film from a direct link, or from a file that is shared on Google Drive.

    download("https://example.org/film.mp4", folder)
    download("https://drive.google.com/file/d/1x2y3z/view?usp=sharing", folder)

A page is never kept as a film. For a page of a video site the error names the program that gets the
film: the terms of these sites forbid a server to do it, and most of them refuse Colab anyway.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import redirect_stderr
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

from helpers.errors import VideoOpenError
from helpers.progress import bar, bar_stream
from helpers.runtime.names import cut_name, part_name
from helpers.runtime.storage import create
from helpers.video.open import open_container

SITES = (
    "archive.org", "bilibili.com", "bitchute.com", "dai.ly", "dailymotion.com", "facebook.com",
    "fb.watch", "instagram.com", "nicovideo.jp", "odysee.com", "ok.ru", "reddit.com", "rumble.com",
    "rutube.ru", "ted.com", "tiktok.com", "twitch.tv", "twitter.com", "vimeo.com", "vk.com",
    "x.com", "youtu.be", "youtube-nocookie.com", "youtube.com",
)  # fmt: skip
"""Sites whose pages show a film instead of giving it. Their subdomains count too."""

DRIVE = ("drive.google.com", "docs.google.com", "drive.usercontent.google.com")

PAGES = ("text/html", "application/xhtml+xml", "application/json", "application/pdf")
"""The content types of what is no film. Many servers send films as text or as nothing special."""

ENDINGS = (
    ".3gp", ".asf", ".avi", ".dv", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg",
    ".mts", ".mxf", ".ogv", ".rm", ".ts", ".vob", ".webm", ".wmv",
)  # fmt: skip
"""By what a film is known where only names are seen. A path may lead to one of any other name."""


def download(link: str, folder: Path) -> Path:
    """Download a film, unless it was downloaded before; it gets its name when it is complete.

    Raises:
        VideoOpenError: the link is none or leads to a page, the server reports an error, the
            connection breaks, or what comes is no film.
    """
    parts = _split(link)
    host = (parts.hostname or "").removeprefix("www.")
    if _is_site(host, parts.path):
        raise _site_refused(link)
    folder.mkdir(parents=True, exist_ok=True)
    if host in DRIVE:
        return _from_drive(link, _find_identity(link, parts), folder)
    return _from_web(link, folder)


def _split(link: str) -> SplitResult:
    """Return the parts of a link; all of them empty if it is none, which a download will say."""
    try:
        return urlsplit(link)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _is_site(host: str, path: str) -> bool:
    """Tell whether an address is a page of a video site."""
    if not any(host == site or host.endswith(f".{site}") for site in SITES):
        return False
    if host.endswith("archive.org"):  # the only one that also gives the files, by other paths
        return path.startswith(("/details/", "/embed/"))
    return Path(path).suffix.lower() not in ENDINGS


def _site_refused(link: str) -> VideoOpenError:
    """Return the error that a link is a page of a video site, with what to do at home."""
    # Nothing is left in the link that a shell would act upon between quotation marks.
    safe = quote(link, safe=":/?&=#+,;@*()[]~-._%", errors="replace")
    return VideoOpenError(
        f"{_shown(link)} is a page that shows a film, and not the film itself. On your own "
        "computer, the program yt-dlp gets the film with this line:\n"
        f'yt-dlp --no-playlist "{safe}"\n'
        "Then upload the file, or put it on your Drive, and give its path. Do this only if the "
        "film is yours, or if its licence or its owner allows you to copy it."
    )


def _shown(link: str) -> str:
    return " ".join(link.split())


def _from_web(link: str, folder: Path) -> Path:
    """Download from a direct link; see `download`."""
    import requests

    name = link.split("?")[0].split("#")[0].rsplit("/", 1)[-1]
    path = folder / _name_file(unquote(name), link)
    if path.is_file():
        return path
    part = part_name(path)
    try:
        _receive(link, part)
        return _keep(part, path, link)
    except (OSError, ValueError) as error:  # the errors of requests are OSErrors
        reason = _explain(error) if isinstance(error, requests.RequestException) else error
        raise VideoOpenError(
            f"{_shown(link)} could not be downloaded ({reason}). Check the link in a browser, or "
            "download the file yourself and give its path."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _name_file(name: str, key: str) -> str:
    """Return a name for a download: its own, and a hash of its address that tells it apart."""
    own = Path(re.sub(r"[^\w. -]", "_", name) or "film.mp4")
    ending = f"-{_mark(key)}{own.suffix[:16]}"
    return cut_name(own.stem.strip(". ") or "film", ending) + ending


def _mark(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()[:16]


def _keep(part: Path, path: Path, link: str) -> Path:
    """Give a complete download its name, and return that; raise VideoOpenError if it is no film."""
    try:
        open_container(part).close()
    except VideoOpenError as error:
        raise VideoOpenError(
            f"{_shown(link)} does not lead to a film: what came from there cannot be read as a "
            "video. Open the link in a browser, and copy the address of the file itself."
        ) from error
    os.replace(part, path)
    return path


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
        with create(part) as file, bar(None, size, "download", unit="B") as ticks:
            for block in answer.iter_content(1 << 20):
                file.write(block)
                ticks.update(len(block))
    found = part.stat().st_size
    if size and found != size:
        raise OSError(f"only {found} of {size} bytes arrived")


def _explain(error: Exception) -> str:
    """Return an error of requests in a few words."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server responded {response.status_code} {response.reason}"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()


def _find_identity(link: str, parts: SplitResult) -> str:
    """Return the identity of the file that a link to Google Drive names.

    Raises:
        VideoOpenError: it names no file, but perhaps a folder.
    """
    found = re.search(r"/d/([\w-]+)", parts.path)
    identity = found[1] if found else parse_qs(parts.query).get("id", [""])[0]
    if not identity or "/folders/" in parts.path:
        what = "a folder" if "/folders/" in parts.path else "a page"
        raise VideoOpenError(
            f"{_shown(link)} leads to {what} of Google Drive and not to a film. Right-click the "
            "film there, choose Share and then Copy link, and give that link."
        )
    return identity


def _from_drive(link: str, identity: str, folder: Path) -> Path:
    """Download a file that is shared on Google Drive, under the name that it has there."""
    key = f"gdrive:{identity}"
    for path in folder.glob(f"*-{_mark(key)}*"):
        return path
    part = part_name(folder / "drive")
    part.mkdir()
    try:
        made = _run_gdown(link, identity, part)
        return _keep(made, folder / _name_file(made.name, key), link)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _run_gdown(link: str, identity: str, folder: Path) -> Path:
    """Let gdown write a shared file into a folder; raise VideoOpenError if it cannot."""
    import gdown

    try:
        with redirect_stderr(bar_stream()):
            made = gdown.download(
                id=identity,
                output=f"{folder}{os.sep}",  # a folder: the file keeps its name
                log_messages={"start": "", "output": ""},
            )
    except Exception as error:  # it raises many kinds of errors, some undocumented
        raise _drive_refused(link, error) from error
    if made is None:  # as gdown 5 says that it failed
        raise _drive_refused(link, OSError("gdown got nothing"))
    return Path(str(made))


def _drive_refused(link: str, error: Exception) -> VideoOpenError:
    """Return the error that Google Drive did not give a file, with its reason in plain words."""
    said = " ".join(str(error).split())
    if re.search("quota|too many users", said, re.IGNORECASE):
        return VideoOpenError(
            f"Google Drive gives {_shown(link)} to nobody today: too many people have downloaded "
            "it. Wait a day, or make a copy of the file on your own Drive, tick MOUNT_DRIVE, and "
            "choose the copy."
        )
    if re.search("permission|public link|cannot retrieve|404", said, re.IGNORECASE):
        return VideoOpenError(
            f"Google Drive does not give {_shown(link)}: the file is not shared with everyone, or "
            'is not there any more. Choose Share on Drive, set "General access" to "Anyone with '
            'the link", and try again. If the Drive is yours, you can also tick MOUNT_DRIVE and '
            "choose the film from the list."
        )
    return VideoOpenError(
        f"{_shown(link)} could not be downloaded ({type(error).__name__}: {said[:120]}). Check the "
        "link in a browser, or download the file yourself and give its path."
    )
