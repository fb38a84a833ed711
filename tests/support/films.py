"""Small films for tests: pictures that carry their own number, and ways to put them into files."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from helpers.runtime.machine import runtime

WIDTH, HEIGHT = 160, 128

# How a codec is asked for, with a few key frames and B-frames where it has them.
H264 = ("-c:v", "libx264", "-bf", "3", "-g", "20")
MPEG2 = ("-c:v", "mpeg2video", "-bf", "2", "-g", "15", "-q:v", "3")
MPEG4 = ("-c:v", "mpeg4", "-bf", "2", "-q:v", "3")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-g", "30")


def ffmpeg(*arguments, data=None):
    """Run ffmpeg; fail with what it said."""
    command = [runtime().ffmpeg, "-y", "-loglevel", "error", *map(str, arguments)]
    done = subprocess.run(command, input=data or b"", capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-600:]


def picture(number, width=WIDTH, height=HEIGHT):
    """Draw a moving pattern under a row of ten bars that spell its number in binary."""
    y, x = np.mgrid[:height, :width]
    waves = [
        np.sin((x + 3 * number) / 17 + y / 23),
        np.sin((x - 2 * number) / 29 + y / 11),
        np.cos(y / 13 + number / 9),
    ]
    image = np.stack([128 + 80 * wave for wave in waves], -1).astype(np.uint8)
    for bit in range(10):
        left, right = bit * width // 10, (bit + 1) * width // 10
        image[: height // 4, left:right] = 230 if number >> bit & 1 else 20
    return image


def number_of(image):
    """Read the number off a picture, whatever its size and depth."""
    height, width = image.shape[:2]
    full = np.iinfo(image.dtype).max
    row = image[height // 12 : height // 6]
    means = [
        row[:, (3 * bit + 1) * width // 30 : (3 * bit + 2) * width // 30].mean()
        for bit in range(10)
    ]
    return sum(1 << bit for bit, mean in enumerate(means) if mean > full / 2)


def numbers(clip):
    return [number_of(frame.image) for frame in clip]


def film(path, *options, count=60, rate=25, width=WIDTH, height=HEIGHT, first=0):
    """Write a film of numbered pictures with ffmpeg; options are those of the output."""
    pictures = (picture(first + number, width, height) for number in range(count))
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", rate, "-i", "-"),
        *(*options, path),
        data=b"".join(image.tobytes() for image in pictures),
    )
    return Path(path)


def encode(path, frames, codec="libx264", rate=25, times=None, pixels=None, options=None, **tags):
    """Write frames with PyAV: arrays in RGB, or in the layout `pixels`; tags as codec fields."""
    layout = pixels or "rgb24"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        base = Fraction(1, 90_000) if times else Fraction(1, rate)
        shown = [av.VideoFrame.from_ndarray(np.ascontiguousarray(f), layout) for f in frames]
        stream.width, stream.height = shown[0].width, shown[0].height
        stream.pix_fmt = pixels or "yuv420p"
        stream.codec_context.time_base = stream.time_base = base
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        for number, frame in enumerate(shown):
            frame.pts = int(times[number] / base) if times else number
            frame.time_base = base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return Path(path)


def texture(height, width, seed=0, blur=1.5):
    """Make a random RGB picture with soft detail."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    smooth = cv2.GaussianBlur(noise, (0, 0), blur)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return np.rint(30 + 200 * smooth).astype(np.uint8)
