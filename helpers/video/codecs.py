"""The codecs that this package writes, one row each. A new codec needs a row here and a test."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from helpers.errors import VideoWriteError


@dataclass(frozen=True)
class Codec:
    """How a codec is written.

    Attributes:
        encoder: ffmpeg's name of the encoder.
        formats: the pixel formats for 8 bits a channel and for more.
        containers: the file endings that can hold it, the usual one first.
        options: the encoder's options; {quality} and {slices} are filled in.
    """

    encoder: str
    formats: tuple[str, str]
    containers: tuple[str, ...]
    options: dict[str, str]


CODECS = {
    "h264": Codec(
        "libx264", ("yuv420p", "yuv420p10le"), ("mp4", "mkv", "mov"),
        {"crf": "{quality}", "preset": "medium", "forced-idr": "1"},
    ),
    "h265": Codec(
        "libx265", ("yuv420p", "yuv420p10le"), ("mp4", "mkv", "mov"),
        {"crf": "{quality}", "preset": "medium", "forced-idr": "1",
         "x265-params": "log-level=error"},
    ),
    "ffv1": Codec(
        "ffv1", ("bgr0", "rgb48le"), ("mkv",),
        {"level": "3", "slices": "{slices}", "slicecrc": "1", "g": "1"},
    ),
    "prores": Codec(
        "prores_ks", ("yuv422p10le", "yuv422p10le"), ("mov", "mkv"),
        {"profile": "hq", "vendor": "apl0"},
    ),
    "near-lossless": Codec(
        "libx264", ("yuv444p", "yuv444p10le"), ("mkv", "mp4", "mov"),
        {"crf": "6", "preset": "veryfast", "g": "1"},
    ),
}  # fmt: skip
"""The codecs by name; "near-lossless" is for a project's segments."""

NVENC = {"libx264": "h264_nvenc", "libx265": "hevc_nvenc"}
"""The encoders of the same codecs on an NVIDIA card."""

NVENC_SIDES = {"h264_nvenc": (256, 4096), "hevc_nvenc": (256, 8192)}
"""The shortest and the longest side of a picture that they are given. The longest is NVIDIA's
(https://docs.nvidia.com/video-technologies/video-codec-sdk, NVENC Application Note). Their least
width and height differ from card to card, and from 33 to 145 pixels; below 256, for which
`Runtime.encodes` tries them, a CPU is fast enough."""

CONTAINERS = {"mp4": "mp4", "mkv": "matroska", "mov": "mov"}
"""ffmpeg's names of the containers, by file ending."""


def card_encoder(encoder: str, width: int, height: int) -> str | None:
    """Return the encoder of an NVIDIA card that can take an encoder's place for a size of picture.

    Args:
        encoder: ffmpeg's name of an encoder, like "libx264".
        width, height: pixels.

    Returns:
        Its name; None if there is none, or if it does not take pictures of this size.
    """
    name = NVENC.get(encoder)
    least, most = NVENC_SIDES.get(name or "", (0, 0))
    return name if name and least <= min(width, height) and max(width, height) <= most else None


def check_target(path: Path, codec: str) -> Codec:
    """Return the codec.

    Raises:
        VideoWriteError: there is no such codec, or a file of this name cannot hold it.
    """
    if codec not in CODECS:
        raise VideoWriteError(f"There is no codec {codec!r}. Choose one of {', '.join(CODECS)}.")
    if os.path.isdir(path):  # false for a name that no file can have
        raise VideoWriteError(f"{path} is a folder. Give the name of a file in it.")
    chosen = CODECS[codec]
    if path.suffix.lower().lstrip(".") not in chosen.containers:
        allowed = " or ".join(f".{ending}" for ending in chosen.containers)
        raise VideoWriteError(
            f"{codec} cannot be written to {path.name!r}. The file name must end in {allowed}."
        )
    return chosen
