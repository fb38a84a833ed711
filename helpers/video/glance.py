"""Look at a film without reading it: its size, its length and one picture from its middle."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.video.convert import Conversion
from helpers.video.decode import decode, decode_from
from helpers.video.open import no_frames, open_container, pick_stream
from helpers.video.orientation import Orientation

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream


@dataclass(frozen=True, eq=False)
class Glance:
    """What is seen of a film at once.

    Attributes:
        bytes: the size of the file.
        seconds: its length as the file states it; None if it does not.
        fps: its frames a second as the file states them; None if it does not.
        sar: the width of a pixel divided by its height.
        image: a key frame near the middle, upright, (H, W, 3) RGB uint8.
    """

    bytes: int
    seconds: float | None
    fps: float | None
    sar: Fraction
    image: np.ndarray


def glance(path: Path) -> Glance:
    """Look at a film; it takes the time to decode one frame.

    Raises:
        VideoOpenError: it is no film, or no frame of it can be decoded.
    """
    with open_container(path) as container:
        stream = pick_stream(container)
        seconds = container.duration / 1_000_000 if container.duration else None
        frame = _middle_frame(container, stream, seconds or 0.0) or _first_frame(path)
        if frame is None:
            raise no_frames(container, stream)
        fps = float(stream.average_rate) if stream.average_rate else None
        sar = Fraction(stream.sample_aspect_ratio or 1)
    orientation = Orientation.of(frame)
    conversion = Conversion(frame.width, frame.height, sar, orientation=orientation)
    image = next(conversion.images([frame]))
    turned = orientation.rotation % 180
    return Glance(path.stat().st_size, seconds, fps, 1 / sar if turned else sar, image)


def _middle_frame(
    container: InputContainer, stream: VideoStream, seconds: float
) -> av.VideoFrame | None:
    """Decode the key frame before the middle; None if ffmpeg cannot seek there."""
    pts = (stream.start_time or 0) + int(seconds / 2 / (stream.time_base or 1))
    with suppress(OSError), closing(decode_from(container, stream, pts, threads=False)) as frames:
        return next(frames, None)
    return None


def _first_frame(path: Path) -> av.VideoFrame | None:
    """Decode the first frame of a film; None if none can be decoded."""
    with open_container(path) as container:
        frames = decode(container, pick_stream(container), threads=False)
        with closing(frames):
            return next(frames, None)
