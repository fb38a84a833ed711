"""The colour tags of pictures: what a file states, what is guessed, and how swscale calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from helpers.clip import ColourTags
from helpers.imaging.matrices import guess_matrix

if TYPE_CHECKING:
    import av
    from av.video.codeccontext import VideoCodecContext

UNSPECIFIED = 2
"""The code point that means that a property is not stated."""

PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film",
    9: "bt2020", 11: "smpte431", 12: "smpte432",
}  # fmt: skip
TRANSFERS = {
    1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear",
    13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67",
}  # fmt: skip
MATRICES = {
    0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m",
    9: "bt2020nc", 10: "bt2020c",
}  # fmt: skip
"""ISO/IEC 23091-2 code points and ffmpeg's names for them; 2 (unspecified) is left out."""

RESERVED = {0, 3}
"""The code points that mean nothing; ProRes writes 0 for "unspecified"."""

HIGHEST = 22
"""The largest code point of any of the three properties."""

UNSUPPORTED = {
    8: "YCgCo", 11: "Y'D'zD'x", 12: "chromaticity-derived", 13: "chromaticity-derived",
    14: "ICtCp", 15: "IPT-C2", 16: "YCgCo-R", 17: "YCgCo-R",
}  # fmt: skip
"""The matrices by which swscale cannot convert."""

SWSCALE_MATRIX = {
    "bt2020nc": "bt2020",
    "bt2020c": "bt2020",
    "bt470bg": "bt601",
    "smpte170m": "bt601",
}
"""swscale's names of the matrices, where they differ from the usual ones."""


def has_rgb(frame: av.VideoFrame) -> bool:
    """Tell whether a picture is stored as red, green and blue, not as luma and chroma."""
    return frame.format.is_rgb or frame.format.has_palette


def has_alpha(frame: av.VideoFrame) -> bool:
    """Tell whether a picture can be transparent."""
    return frame.format.has_palette or any(c.is_alpha for c in frame.format.components)


def bits_of(frame: av.VideoFrame) -> int:
    """Return the bits of a channel, at most 16."""
    return min(max(c.bits for c in frame.format.components), 16)


def read_colour_tags(frame: av.VideoFrame) -> ColourTags:
    """Read the colour tags of a picture; guess an untagged matrix from its size."""
    primaries = PRIMARIES.get(int(frame.color_primaries))
    transfer = TRANSFERS.get(int(frame.color_trc))
    if has_rgb(frame):
        return ColourTags(primaries, transfer, "gbr", "pc")
    matrix = MATRICES.get(int(frame.colorspace))
    if matrix is None or matrix == "gbr":
        matrix = guess_matrix(frame.width, frame.height)
    full = "pc" if frame.format.name.startswith("yuvj") else "tv"
    span = {1: "tv", 2: "pc"}.get(int(frame.color_range), full)
    return ColourTags(primaries, transfer, matrix, span)


def note_unsupported_matrix(frame: av.VideoFrame) -> list[str]:
    """Return a note if a picture's matrix cannot be converted, and another one is taken for it."""
    name = None if has_rgb(frame) else UNSUPPORTED.get(int(frame.colorspace))
    if name is None:
        return []
    taken = read_colour_tags(frame).matrix
    return [
        f"the colours are stored as {name}, which is not supported; they are read as {taken}, so "
        "they come out wrong"
    ]


def clear_reserved_tags(frame: av.VideoFrame) -> None:
    """Set tags that mean nothing to "unspecified"; ffmpeg's filters refuse them."""
    luma = not has_rgb(frame)
    for name in ("color_primaries", "color_trc", "colorspace"):
        code = int(getattr(frame, name))
        meaningless = code in RESERVED or code > HIGHEST
        if meaningless and (luma or name != "colorspace"):
            setattr(frame, name, UNSPECIFIED)


STATE = ("color_primaries", "color_trc", "colorspace", "color_range")
"""A decoder's own colour tags, which it gives to the pictures."""


KEEPING = {"h264", "mpeg2video"}
"""The decoders that keep the tags of an earlier part of a film for one that states none. They read
them again at each key frame; others do so only where a part begins."""


def colour_state(context: VideoCodecContext) -> tuple[int, ...]:
    """Return the colour tags that a decoder gives to pictures that state none."""
    return tuple(getattr(context, name) for name in STATE)


def set_colour_state(context: VideoCodecContext, tags: tuple[int, ...]) -> None:
    """Set the colour tags that a decoder gives to pictures that state none, if it keeps them."""
    if context.name not in KEEPING:
        return
    for name, tag in zip(STATE, tags, strict=True):
        setattr(context, name, tag)


def code_point(names: dict[int, str], name: str | None) -> int:
    """Return the code point of a tag's name, or 2, "unspecified"."""
    return next((number for number, known in names.items() if known == name), UNSPECIFIED)


SWSCALE_WHITE = 255 * 256
"""The value that swscale gives to white when it converts luma and chroma to 16-bit RGB."""


def to_full_scale(image: np.ndarray) -> np.ndarray:
    """Stretch swscale's 0..65280 to 0..65535."""
    image = np.minimum(image, SWSCALE_WHITE)
    return image + (image >> 8)


def from_full_scale(image: np.ndarray) -> np.ndarray:
    """Undo `to_full_scale`."""
    return image - (image >> 8) + ((image & 255) < (image >> 8))
