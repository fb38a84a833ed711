"""Compress pictures as a film, and decode it again, to have its compression in known pictures.

compression = measure_compression("talk.mp4")        # mpeg4, 0.06 bits for each pixel
worse = compress_alike(pictures, compression)        # as hard
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.plane import VideoPlane

from helpers.video.open import open_container, pick_stream

_ENCODERS = {
    "h264": ("libx264", 18, 50),
    "hevc": ("libx265", 18, 50),
    "vp8": ("libvpx", 4, 63),
    "vp9": ("libvpx-vp9", 10, 63),
    "mjpeg": ("mjpeg", 2, 31),
    "mpeg1video": ("mpeg2video", 2, 31),  # it allows few frame rates
    "mpeg2video": ("mpeg2video", 2, 31),
    "h263": ("h263p", 2, 31),
    "flv1": ("flv", 2, 31),
    "msmpeg4v2": ("msmpeg4v2", 2, 31),
    "msmpeg4v3": ("msmpeg4", 2, 31),
    "wmv1": ("wmv1", 2, 31),
    "wmv2": ("wmv2", 2, 31),
}
"""For a decoder's name, an encoder of the same kind, and its lowest and highest quantiser."""

_OTHER = ("mpeg4", 2, 31)
"""What stands in for all other codecs: the same blocks of 8 pixels and the same prediction."""

_VISIBLE = 1.0
"""From so many bits for each pixel on, compression is not visible."""

_PACKETS = 500
"""Packets that are read to measure how hard a film is compressed."""


@dataclass(frozen=True)
class Compression:
    """How hard a film is compressed.

    Attributes:
        codec: the decoder's name in ffmpeg, "h264".
        bits: for each pixel of a picture that is not a key frame; of a key frame if all are.
    """

    codec: str
    bits: float

    @property
    def visible(self) -> bool:
        """Whether it is so hard that it can be seen."""
        return self.bits < _VISIBLE


@dataclass(frozen=True)
class Recoded:
    """What became of pictures.

    Attributes:
        pictures: (H, W, 3) uint8 RGB, as many as there were.
        sizes: bytes of each encoded picture, in the order of the file.
    """

    pictures: list[np.ndarray]
    sizes: list[int]


def measure_compression(path: str | Path, stream: int | None = None) -> Compression | None:
    """Measure how hard a film is compressed, by the packets in its middle.

    Returns:
        None if the file does not tell.
    """
    keys, others = [], []
    with open_container(Path(path)) as container:
        video = pick_stream(container, stream)
        context = video.codec_context
        if container.duration:
            container.seek(container.duration // 2 + (container.start_time or 0))
        for packet in islice(container.demux(video), _PACKETS):
            if packet.size:
                (keys if packet.is_keyframe else others).append(packet.size)
        sizes, pixels = others or keys, context.width * context.height
        name = context.codec.name
    return (
        Compression(_plain_name(name), 8 * float(np.mean(sizes)) / pixels)
        if sizes and pixels
        else None
    )


def _plain_name(decoder: str) -> str:
    """Return the name of a codec: some are decoded by a library that has another name."""
    for name in ("vp8", "vp9", "av1"):
        if name in decoder:
            return name
    return decoder


def compress_alike(
    pictures: Sequence[np.ndarray], wanted: Compression, quantiser: float | None = None
) -> tuple[list[np.ndarray], float]:
    """Compress pictures as hard as a film is.

    Args:
        pictures: consecutive ones, (H, W, 3) uint8 RGB, of one size with even sides.
        wanted: the film's compression.
        quantiser: that of an earlier call; searched for if None.

    Returns:
        The pictures as they are decoded, and the quantiser.
    """
    encoder, low, high = _ENCODERS.get(wanted.codec, _OTHER)
    pixels = pictures[0].shape[0] * pictures[0].shape[1]
    if quantiser is None:
        for _ in range(5):
            middle = (low + high) / 2
            sizes = recode(pictures, encoder, quantiser_options(encoder, middle)).sizes
            bits = 8 * float(np.mean(sizes[1:] if wanted.codec != "mjpeg" else sizes)) / pixels
            low, high = (middle, high) if bits > wanted.bits else (low, middle)
        quantiser = (low + high) / 2
    return recode(pictures, encoder, quantiser_options(encoder, quantiser)).pictures, quantiser


def quantiser_options(encoder: str, quantiser: float) -> dict[str, str]:
    """Return the options that encode with a constant quantiser, or rate factor, and no B-frames.

    FFmpeg's own encoders ignore `global_quality` where they are called as a library: they take the
    quantiser from each frame. So it is held between two equal limits.
    """
    if encoder == "libx264":
        crf = f"{quantiser:.1f}"
        return {"crf": crf, "preset": "veryfast", "g": "250", "bf": "0", "threads": "1"}
    if encoder == "libx265":
        settings = "log-level=error:pools=none:bframes=0:keyint=250"
        return {"crf": f"{quantiser:.1f}", "preset": "veryfast", "x265-params": settings}
    held = {"qmin": f"{quantiser:.0f}", "qmax": f"{quantiser:.0f}", "g": "250"}
    if encoder.startswith("libvpx"):
        return {**held, "crf": held["qmin"], "deadline": "good", "cpu-used": "5"}
    return {**held, "bf": "0"}


def recode(
    pictures: Sequence[np.ndarray], encoder: str, options: dict[str, str], rate: int = 0
) -> Recoded:
    """Encode pictures as a film of 10 frames a second, with chroma at half size, and decode it.

    Args:
        pictures: (H, W, 3) uint8 RGB, with even sides.
        encoder: an encoder of FFmpeg.
        options: its options.
        rate: bits a second; 0 if the options say it.

    Returns:
        As many pictures. A frame that the encoder dropped is the one before it again.
    """
    height, width = pictures[0].shape[:2]
    file = io.BytesIO()
    sizes: list[int] = []
    with av.open(
        file, "w", format="nut" if "vp" in encoder or "265" in encoder else "avi"
    ) as container:
        stream = container.add_stream(encoder, rate=10)
        stream.width, stream.height = width, height  # type: ignore[union-attr]
        stream.pix_fmt = "yuvj420p" if encoder == "mjpeg" else "yuv420p"  # type: ignore[union-attr]
        stream.options = options
        if rate:
            stream.bit_rate = rate
        frames = [_as_frame(one, n, stream.pix_fmt) for n, one in enumerate(pictures)]  # type: ignore[union-attr]
        for frame in [*frames, None]:
            packets = stream.encode(frame)  # type: ignore[union-attr]
            sizes += [packet.size for packet in packets]
            container.mux(packets)
    file.seek(0)
    made: list[np.ndarray] = []
    with av.open(file) as container:
        for frame in container.decode(video=0):
            planes = np.concatenate([_plane(one) for one in frame.planes])
            made.append(cv2.cvtColor(planes.reshape(-1, width), cv2.COLOR_YUV2RGB_I420))
    return Recoded(made + [made[-1]] * (len(pictures) - len(made)), sizes)


def _as_frame(picture: np.ndarray, number: int, layout: str) -> av.VideoFrame:
    """Return a picture as a frame of the encoder."""
    # FFmpeg's own quick conversion would shift all colours by up to a level.
    planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420)
    frame = av.VideoFrame.from_ndarray(planes, format=layout)
    frame.pts = number
    return frame


def _plane(plane: VideoPlane) -> np.ndarray:
    """Return the bytes of a plane without what fills its lines up, (H * W,) uint8."""
    lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[arg-type]
    return lines[: plane.height, : plane.width].ravel()
