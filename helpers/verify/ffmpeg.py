"""The ffmpeg program, as the second pair of eyes: what is in a file, its pictures, its sound.

Nothing here uses PyAV or this package's readers, so that a fault of theirs is not repeated. Only
the `ffmpeg` program is needed, of version 4 or newer; `ffprobe` is not.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from helpers.errors import SilkPurseError
from helpers.runtime.machine import once_per_file, runtime


class UncheckableError(SilkPurseError):
    """A film cannot be looked at: the ffmpeg program cannot read it."""


@lru_cache
def program() -> str:
    """Return the ffmpeg binary that looks: the user's own, or that of imageio-ffmpeg, or any.

    What comes with imageio-ffmpeg is newer than most systems' and is not what wrote the film if the
    system has an ffmpeg, so it is preferred here.
    """
    own = runtime().user_ffmpeg or os.environ.get("SILK_PURSE_FFMPEG")
    if not own:
        import imageio_ffmpeg

        with suppress(RuntimeError):  # the package came without a binary
            return imageio_ffmpeg.get_ffmpeg_exe()
    return runtime().ffmpeg


@lru_cache
def keep_timestamps(binary: str) -> tuple[str, str]:
    """Return the option for writing every frame once: it was renamed in 5.1, and lost later."""
    found = subprocess.run([binary, "-hide_banner", "-h", "long"], capture_output=True)
    return ("-fps_mode" if b"-fps_mode" in found.stdout else "-vsync", "passthrough")


def run_ffmpeg(path: Path, before: Sequence[str], after: Sequence[str]) -> tuple[bytes, str]:
    """Run ffmpeg on a file; return what it wrote to stdout and to stderr.

    A damaged film is read as far as possible; what is missing then is for the caller to see.

    Args:
        before, after: the arguments before and after the input.
    """
    with tempfile.TemporaryFile() as log:
        done = subprocess.run(
            _command(path, before, after),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        words = _read_log(log)
    return done.stdout, words


def stream_ffmpeg(
    path: Path, before: Sequence[str], after: Sequence[str], size: int
) -> Iterator[tuple[bytes, str]]:
    """Run ffmpeg on a file; yield its output in pieces of `size` bytes, and its log at the end.

    ffmpeg is ended when the caller stops reading. The last item is (b"", log).
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            _command(path, before, after), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=log,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            while len(piece := process.stdout.read(size)) == size:
                yield piece, ""
            process.wait()
            yield b"", _read_log(log)
        finally:
            process.stdout.close()
            process.kill()
            process.wait()


def _command(path: Path, before: Sequence[str], after: Sequence[str]) -> list[str]:
    start = [program(), "-hide_banner", "-nostats", "-nostdin", "-loglevel", "info", "-copyts"]
    return [*start, *before, "-i", f"file:{path}", *after]


def _read_log(log: tempfile._TemporaryFileWrapper | object) -> str:
    log.seek(0)  # type: ignore[attr-defined]
    return log.read().decode(errors="replace")  # type: ignore[attr-defined]


DAMAGE = re.compile(
    r"corrupt|conceal|damaged|overread|invalid data|error while decoding|error submitting|"
    r"decoding error|missing picture|missing reference|exceeds containing|truncated",
    re.IGNORECASE,
)
"""What ffmpeg writes about packets that cannot be decoded as they should be."""


@once_per_file
def is_damaged(path: Path) -> bool:
    """Decode all pictures and sounds of a file, and tell whether ffmpeg finds damage."""
    after = ["-map", "0:v?", "-map", "0:a?", "-f", "null", "-"]
    _, log = run_ffmpeg(path, ("-loglevel", "warning"), after)
    return DAMAGE.search(log) is not None


def last_line(words: str) -> str:
    """Return the last line of a log, which usually says what went wrong."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason was given"


SHOWN = re.compile(r"\] n: *\d+ pts: *(-?\d+|NOPTS) ")
SHAPE = re.compile(r" sar:(\d+)/([1-9]\d*) s:")
TIME_BASE = re.compile(r"config in time_base: (\d+)/(\d+)")


@dataclass(frozen=True)
class Look:
    """What was seen of a film.

    Attributes:
        pictures: (N, side, side, 3) uint8 RGB, upright as a player shows them.
        times: when each decoded picture is shown, (M,) float64 seconds on the file's clock.
        shapes: the width of each divided by its height, on the screen, (M,) float64.
    """

    pictures: np.ndarray
    times: np.ndarray
    shapes: np.ndarray


def picture_times(log: str) -> np.ndarray:
    """Return the time of every picture that the filter `showinfo` wrote down, (N,) float64 seconds.

    A picture without a timestamp is NaN.
    """
    base = TIME_BASE.search(log)
    unit = int(base[1]) / int(base[2]) if base else 1.0
    stamps = [np.nan if text == "NOPTS" else int(text) for text in SHOWN.findall(log)]
    return np.array(stamps, np.float64) * unit


def read_pictures(
    path: Path,
    stream: int,
    side: int,
    stretch: tuple[float, float] | None = None,
    zero: float = 0.0,
    early: float = 1.0,
    matrix: str | None = None,
    wanted: set[int] | None = None,
    careful: bool = False,
) -> Look:
    """Decode pictures, upright as a player shows them, and shrink each to a small square.

    What is transparent is shown over black.

    Args:
        stream: the stream's number in the file.
        side: pixels of the square's side.
        stretch: from and to when, in seconds on the file's clock. If not given, everything is
            decoded from the beginning, without any seeking.
        zero: the file's start on its clock, in seconds.
        early: how many seconds before a stretch to seek to. Some demuxers land a little late; in
            a transport stream, ffmpeg may land between two key frames.
        matrix: the colour matrix of a film that does not name one, in swscale's words.
        wanted: keep only the pictures of these numbers.
        careful: convert whole pictures to RGB and shrink them then, which is slow. Shrunk first,
            colours that RGB does not hold are mixed with others instead of being cut.
    """
    before, filters = [], []
    if stretch:
        before = _seek(stretch[0] - early - zero)
        filters.append(f"trim=start={stretch[0]:.6f}:end={stretch[1]:.6f}")
    given = f":in_color_matrix={matrix}" if matrix else ""
    flags = "accurate_rnd+full_chroma_int"
    filters += [f"scale=flags={flags}{given}:out_range=pc", "format=rgba"] if careful else []
    scale = f"scale={side}:{side}:flags=area+{flags}{'' if careful else given}:out_range=pc"
    # In a square picture, the sample aspect ratio that follows is the shape of the whole.
    filters += ["setsar=sar='if(sar,sar,1)':max=65535", scale, "format=rgba", "showinfo"]
    mode = keep_timestamps(program())
    after = ["-map", f"0:{stream}", "-an", "-sn", "-vf", ",".join(filters), *mode]
    after += ["-f", "rawvideo", "pipe:1"]
    kept, log, count = [], "", 0
    with closing(stream_ffmpeg(path, before, after, side * side * 4)) as pieces:  # type: ignore[type-var]
        for piece, words in pieces:
            log = words or log
            if piece and (wanted is None or count in wanted):
                kept.append(_over_black(np.frombuffer(piece, np.uint8).reshape(side, side, 4)))
            count += bool(piece)
    pictures = np.stack(kept) if kept else np.zeros((0, side, side, 3), np.uint8)
    shapes = [int(width) / int(height) for width, height in SHAPE.findall(log)]
    return Look(pictures, picture_times(log), np.array(shapes))


def names_matrix(path: Path, stream: int) -> bool:
    """Decode the first picture of a stream, and tell whether it names its colour matrix.

    Some codecs, such as VP8, always do, although their containers do not.
    """
    after = ["-map", f"0:{stream}", "-frames:v", "1", "-vf", "showinfo", "-f", "null", "-"]
    _, log = run_ffmpeg(path, (), after)
    found = re.search(r" color_space:(\w+)", log)
    return found is not None and found[1] not in ("unknown", "unspecified")


def _over_black(picture: np.ndarray) -> np.ndarray:
    """Return (H, W, 4) uint8 RGB with transparency as (H, W, 3) uint8 over black."""
    colour, opaque = picture[..., :3], picture[..., 3:]
    if opaque.min() == 255:
        return colour
    return (colour.astype(np.uint16) * opaque // 255).astype(np.uint8)


def _seek(seconds: float) -> list[str]:
    """Return ffmpeg's options for starting so late; none at the beginning of the film.

    Seeking to 0 is not the same as not seeking: it may lose the first packet of sound.
    """
    return ["-ss", f"{seconds:.6f}"] if seconds > 0 else []


RATE = 8000
"""Samples a second at which sound is compared; one is an eighth of a millisecond."""


def read_sound(
    path: Path, track: int, start: float, seconds: float, zero: float, equal: int = 0
) -> np.ndarray:
    """Decode a stretch of a sound track, (N,) float32 mono at RATE; silence where there is none.

    Args:
        track: its number among the file's sound tracks, from 0.
        start: in seconds on the file's clock.
        zero: the file's start on its clock, in seconds.
        equal: how many channels are mixed into one in equal parts; 0 if they are mixed by their
            places in the layout.
    """
    count = round(seconds * RATE)
    parts = "+".join(f"{1 / equal:.6f}*c{number}" for number in range(equal))
    mix = f"pan=mono|c0={parts}" if equal else "aformat=channel_layouts=mono"
    # Two steps, since `first_pts` counts samples of the rate that comes in. Gaps are filled; times
    # that are rounded to milliseconds are no gaps.
    filters = (
        f"atrim=start={start:.6f}:end={start + seconds:.6f},{mix},aresample={RATE},"
        f"aresample=async=1:min_comp=0.02:min_hard_comp=0.02:first_pts={round(start * RATE)}"
    )
    before = _seek(start - zero - 2)
    after = ["-map", f"0:a:{track}", "-vn", "-sn", "-af", filters, "-f", "f32le", "pipe:1"]
    raw, _ = run_ffmpeg(path, before, after)
    samples = np.nan_to_num(np.frombuffer(raw[: len(raw) // 4 * 4], "<f4"))[:count]
    return np.pad(samples, (0, count - len(samples)))
