"""Films that turn white at some moments, with a click at the same ones, and where both are found.

Both are found here by decoding, without the help of the package, which is tested with them.
"""

from __future__ import annotations

import wave
from functools import cache
from itertools import pairwise

import av
import numpy as np

from tests.support.films import ffmpeg, picture

RATE = 44_100
FPS = 25
SIZE = (80, 64)
FLASHES = (10, 40, 70, 95)
COUNT = 110


@cache
def flashing():
    """Make pictures that are white at FLASHES, and a matching sound of clicks, as raw bytes."""
    sound = np.random.default_rng(0).normal(0, 30, COUNT * RATE // FPS)
    burst = 20_000 * np.sin(np.arange(200) / 4) * np.exp(-np.arange(200) / 40)
    for flash in FLASHES:
        at = flash * RATE // FPS
        sound[at : at + len(burst)] += burst
    pictures = (
        picture(n, *SIZE) // 2 if n not in FLASHES else np.full_like(picture(n, *SIZE), 255)
        for n in range(COUNT)
    )
    return b"".join(map(bytes, pictures)), sound.astype("<i2").tobytes()


def write_source(folder, name, sound, picture_late=0.0, sound_late=0.0):
    pictures, sound_bytes = flashing()
    path = folder / name
    with wave.open(str(folder / "clicks.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(sound_bytes)
    codecs = {"avi": "mpeg4", "vob": "mpeg2video", "mpg": "mpeg2video"}
    codec = codecs.get(name[-3:], "libx264")  # AVI cannot time H.264 with B-frames
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "{}x{}".format(*SIZE), "-r", FPS)
    ffmpeg(
        *(*raw, "-itsoffset", picture_late, "-i", "-"),
        *("-itsoffset", sound_late, "-i", folder / "clicks.wav", "-map", "0:v", "-map", "1:a"),
        *(
            "-c:v",
            codec,
            "-bf",
            2 if codec == "mpeg2video" else 3,
            "-g",
            30,
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            sound,
            path,
        ),
        data=pictures,
    )
    return path


def flash_times(path):
    """Return when white pictures are shown."""
    with av.open(str(path)) as container:
        seen = [
            (frame.pts * frame.time_base, frame.to_ndarray(format="gray").mean())
            for frame in container.decode(video=0)
        ]
    return [float(time) for time, light in seen if light > 230]


def click_times(path):
    """Return when clicks are heard."""
    times, loud = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud.append(np.abs(frame.to_ndarray()[0].astype(float)))
            start = float(frame.pts * frame.time_base)
            times.append(start + np.arange(len(loud[-1])) / frame.sample_rate)
    times, loud = np.concatenate(times), np.concatenate(loud)
    peaks = times[loud > loud.max() / 2]
    return [peaks[0], *(b for a, b in pairwise(peaks) if b - a > 0.2)]
