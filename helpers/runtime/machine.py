"""This machine: what it has and what works here. This is the only file that imports google.colab.

    runtime = start(drive=True)      # once, in a notebook's first cell
    runtime.device, runtime.precision, runtime.free_memory()

Settings that change only the speed of a run belong here and never in a stage.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache, wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from helpers.runtime.notebook import begin_logging, show_errors_in_boxes

log = logging.getLogger("helpers")

GIB = 1024**3

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Runtime:
    """This machine.

    Attributes:
        drive: the folder of the user's Google Drive, if it is mounted.
        scratch: a folder on the local disk for work in progress.
        cache: a folder for downloaded models; on Drive if it is mounted, so that they are kept.
        forced_device, forced_precision: used instead of those that are found.
        memory_limit: bytes that a network may use, instead of a part of the free memory.
        backends: how the networks of models are run, by the names of the models; see
            `nn.backends`. Others are run as usual ("eager").
        forced_backend: how all networks are run for which it is possible, instead.
        user_ffmpeg: the user's own ffmpeg binary.
    """

    drive: Path | None = None
    scratch: Path = field(default_factory=lambda: Path(os.environ.get("TMPDIR", "/tmp")))
    cache: Path = field(default_factory=lambda: _default_cache())
    forced_device: str | None = None
    forced_precision: str | None = None
    memory_limit: int | None = None
    backends: Mapping[str, str] = field(default_factory=dict)
    forced_backend: str | None = field(
        default_factory=lambda: os.environ.get("SILK_PURSE_BACKEND") or None
    )
    user_ffmpeg: Path | None = None

    @cached_property
    def device(self) -> str:
        """Where networks run: "cuda", "mps" or "cpu"."""
        import torch

        if self.forced_device:
            return self.forced_device
        if torch.cuda.is_available() and torch.cuda.get_device_capability() >= (7, 0):
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"

    @cached_property
    def precision(self) -> str:
        """The precision of networks: "fp16" on CUDA, "bf16" on a CPU that has it, or "fp32"."""
        if self.forced_precision:
            return self.forced_precision
        if self.device == "cuda":
            return "fp16"
        return "bf16" if self.device == "cpu" and cpu_has_bf16() else "fp32"

    @property
    def batch(self) -> int:
        """The most frames that a network processes at once. A CPU gains nothing from several."""
        return 4 if self.device == "cuda" else 1

    def free_memory(self) -> int:
        """Return how many bytes a network may use now."""
        if self.memory_limit is not None:
            return self.memory_limit
        if self.device == "cuda":
            import torch

            # What this process has been given and does not use is free, too.
            kept = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
            return int((torch.cuda.mem_get_info()[0] + kept) * 0.7)
        # On a CPU small tiles are as fast as large ones, so more memory brings no gain.
        return min(available_memory() // 2, GIB)

    def backend(self, model: str) -> str:
        """Return how the network of a model is run: "eager", or one of `nn.backends.BACKENDS`."""
        return self.forced_backend or self.backends.get(model, "eager")

    @cached_property
    def ffmpeg(self) -> str:
        """The ffmpeg binary: the user's own, the system's, or the one of imageio-ffmpeg."""
        own = self.user_ffmpeg or os.environ.get("SILK_PURSE_FFMPEG")
        if own:
            if not os.access(own, os.X_OK):
                from helpers.errors import VideoWriteError

                raise VideoWriteError(
                    f"SILK_PURSE_FFMPEG is set to {own}, which is not a program that can be run. "
                    "Correct or unset it."
                )
            return str(own)
        import shutil

        system = shutil.which("ffmpeg")
        if system:
            return system
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()

    def encodes(self, encoder: str) -> bool:
        """Tell whether an encoder of the GPU works, by encoding one frame."""
        return self.device == "cuda" and _encodes_one_frame(encoder)


@lru_cache
def _encodes_one_frame(encoder: str) -> bool:
    """Encode one grey frame with an encoder and tell whether it worked."""
    import av
    import numpy as np

    try:
        context = av.CodecContext.create(encoder, "w")
        context.width, context.height, context.pix_fmt = 256, 256, "yuv420p"  # type: ignore[attr-defined]
        context.time_base = Fraction(1, 25)
        grey = av.VideoFrame.from_ndarray(np.full((384, 256), 128, np.uint8), format="yuv420p")
        grey.pts = 0
        return bool([*context.encode(grey), *context.encode(None)])  # type: ignore[attr-defined]
    except (av.error.FFmpegError, ValueError, OSError) as error:
        log.info("%s does not work here: %s", encoder, error)
        return False


def available_memory() -> int:
    """Return the bytes of memory that this process can still use, also in a container."""
    try:
        info = Path("/proc/meminfo").read_text()
        free = int(info.split("MemAvailable:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        return 4 * GIB
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        return min(free, int(limit) - used) if limit.isdigit() else free
    except (OSError, ValueError):
        return free


@lru_cache
def cpu_has_bf16() -> bool:
    """Tell whether the CPU multiplies bfloat16 in hardware."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16"))


def _default_cache() -> Path:
    """Return the user's folder for downloaded models."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("SILK_PURSE_CACHE") or Path(base) / "silk-purse")


def on_colab() -> bool:
    """Tell whether this is a Google Colab runtime."""
    return "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ


def mount_drive() -> Path | None:
    """Mount Google Drive on Colab and return its folder; log the reason and return None if not."""
    try:
        from google.colab import drive  # type: ignore[import-not-found]
    except ImportError:
        log.warning("Google Drive can only be mounted on Google Colab; it is not used here.")
        return None
    folder = Path("/content/drive/MyDrive")
    if os.path.isdir(folder):  # mounted already; to mount it again would print a message about it
        return folder
    try:
        drive.mount(str(folder.parent))
    except Exception as error:  # Colab raises errors of many types here
        log.warning("Google Drive was not mounted (%s); work is saved on this machine.", error)
        return None
    return folder


def upload(folder: Path) -> list[Path]:
    """Ask for files in Colab's dialog, save them in an empty folder and return their paths.

    Raises:
        VideoOpenError: this is not Colab, the dialog failed, or nothing was chosen.
    """
    from helpers.errors import VideoOpenError

    try:
        from google.colab import files  # type: ignore[import-not-found]
    except ImportError as error:
        raise VideoOpenError(
            "Files can be uploaded on Google Colab only. Give the path of the file instead."
        ) from error
    before = Path.cwd()
    os.chdir(folder)  # Colab saves there, and adds a number to a name that is taken
    try:
        files.upload()  # what it returns are the files' contents, which are not kept in memory
    except Exception as error:  # Colab raises errors of many types here
        raise VideoOpenError(
            f"The upload failed ({str(error) or type(error).__name__}). Open the list of files at "
            "the left (the folder sign), drag the film into it, and give its path: /content/NAME."
        ) from error
    finally:
        os.chdir(before)
    if chosen := sorted(path for path in folder.iterdir() if path.is_file()):
        return chosen
    raise VideoOpenError("No file was chosen. Try again, or give a path or a link.")


def download_file(path: Path) -> None:
    """Send a file to the user's computer through the browser, on Colab.

    Raises:
        StorageError: this is not Colab, or the file cannot be sent.
    """
    from helpers.errors import StorageError

    try:
        from google.colab import files  # type: ignore[import-not-found]

        files.download(str(path))
    except Exception as error:  # Colab raises errors of many types here
        raise StorageError(
            f"{path.name} could not be downloaded ({error}). Open the list of files at the left "
            f"(the folder sign), or your Drive, and take it from there: {path}."
        ) from error


_current: Runtime | None = None


def start(drive: bool = False) -> Runtime:
    """Examine this machine, and use it as the runtime from now on.

    Args:
        drive: mount Google Drive if this is Colab, and keep projects and models on it.
    """
    global _current
    begin_logging()
    show_errors_in_boxes()
    folder = mount_drive() if drive else None
    cache = folder / "silk-purse" / "models" if folder else _default_cache()
    scratch = Path("/content/scratch") if on_colab() else Path(os.environ.get("TMPDIR", "/tmp"))
    scratch.mkdir(parents=True, exist_ok=True)
    _current = Runtime(drive=folder, cache=cache, scratch=scratch)
    return _current


def runtime() -> Runtime:
    """Return the runtime that `start` made, or one with default settings."""
    global _current
    if _current is None:
        _current = Runtime()
    return _current


def machine_name() -> str:
    """Return the processor's name, for reports."""
    import platform

    try:
        info = Path("/proc/cpuinfo").read_text()
        return info.split("model name")[1].split(":", 1)[1].split("\n")[0].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def once_per_file(work: Callable[Concatenate[Path, P], T]) -> Callable[Concatenate[Path, P], T]:
    """Make a function remember what it found in a file, until the file changes.

    Args:
        work: its first argument is the file; the others can be hashed.
    """

    @lru_cache(maxsize=256)
    def remember(path: Path, size: int, changed: int, *rest: P.args, **named: P.kwargs) -> T:
        return work(path, *rest, **named)

    @wraps(work)
    def find(path: Path, /, *rest: P.args, **named: P.kwargs) -> T:
        state = path.stat()
        # Not resolved: that asks for every folder above, and a drive may take long to answer.
        return remember(path.absolute(), state.st_size, state.st_mtime_ns, *rest, **named)

    return find


@once_per_file
def file_sha256(path: Path) -> str:
    """Return the sha256 of a file; it is computed again only if the file changes."""
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
