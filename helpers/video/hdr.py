"""The static metadata of high dynamic range: read from a picture, and written for an encoder."""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import TYPE_CHECKING

from helpers.clip import HdrMetadata
from helpers.video.side_data import read_side_data

if TYPE_CHECKING:
    import av

DISPLAY = struct.Struct("=22i")
"""libavutil's AVMasteringDisplayMetadata: ten rationals (x and y of red, green, blue and white,
lowest and highest luminance) and two flags (whether colours and luminances are known)."""

LIGHT = struct.Struct("=2I")
"""libavutil's AVContentLightMetadata: MaxCLL and MaxFALL."""

CHROMATICITY, LUMINANCE = 50_000, 10_000
"""Units in 1, and in a candela per square metre."""

PARAMETERS = {
    "libx265": ("x265-params", "master-display={display}", "max-cll={light}"),
    "libx264": ("x264-params", "mastering-display={display}", "cll={light}"),
}
"""How an encoder is told: the name of its option, and what is put into it."""


def read_hdr(frame: av.VideoFrame) -> HdrMetadata | None:
    """Return what a picture states about its light; None if nothing."""
    display = read_side_data(frame, "MASTERING_DISPLAY_METADATA")
    light = read_side_data(frame, "CONTENT_LIGHT_LEVEL")
    levels = LIGHT.unpack(light[: LIGHT.size]) if light else (0, 0)
    found = HdrMetadata(
        _read_display(display) if display else None,
        levels if any(levels) else None,  # 0 means that a level is not known
    )
    return None if found == HdrMetadata() else found


def _read_display(data: bytes) -> tuple[int, ...] | None:
    """Return the mastering display of side data; None if a part of it is not known."""
    *numbers, colours, luminances = DISPLAY.unpack(data[: DISPLAY.size])
    if not (colours and luminances and all(numbers[1::2])):
        return None
    values = [Fraction(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
    red, green, blue, white = (values[at : at + 2] for at in range(0, 8, 2))
    lowest, highest = values[8:]
    points = [round(v * CHROMATICITY) for v in (*green, *blue, *red, *white)]
    return (*points, round(highest * LUMINANCE), round(lowest * LUMINANCE))


def hdr_options(hdr: HdrMetadata | None, encoder: str) -> dict[str, str]:
    """Return the options that make an encoder write the metadata, as far as it can."""
    if hdr is None or encoder not in PARAMETERS:
        return {}
    option, display, light = PARAMETERS[encoder]
    parts = []
    if hdr.display:
        points = "G({},{})B({},{})R({},{})WP({},{})L({},{})".format(*hdr.display)
        parts.append(display.format(display=points))
    if hdr.light:
        parts.append(light.format(light="{},{}".format(*hdr.light)))
    return {option: ":".join(parts)}


def add_options(options: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    """Return an encoder's options with more of them; lists of parameters are joined."""
    joined = {key: f"{options[key]}:{value}" for key, value in more.items() if key in options}
    return {**options, **more, **joined}


def note_lost_hdr(hdr: HdrMetadata | None, encoder: str) -> list[str]:
    """Return a note if an encoder cannot write the metadata."""
    if hdr is None or encoder in PARAMETERS:
        return []
    return [
        "the film's mastering display and light levels (HDR metadata) cannot be written by "
        f"{encoder} and are left out; h264 and h265 keep them"
    ]
