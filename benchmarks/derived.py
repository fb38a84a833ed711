"""Data that is not used as published, made here from what is published.

A derived file is known by its pictures: `pixels_sha256` is the same whatever encoder wrote it.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from benchmarks.common import ffmpeg
from helpers.catalog.fetch import File, fetch

HYDEPARK_FRAMES = 256


def pixels_sha256(path: Path) -> str:
    """Return the sha256 of all pictures of an image or video file as decoded, end to end."""
    import av

    digest = hashlib.sha256()
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            digest.update(frame.to_ndarray().tobytes())
    return digest.hexdigest()


def png_from_bmp(file: File, target: Path) -> None:
    """Save a picture that is published as BMP as PNG, which loses nothing.

    Raises:
        ModelError: the BMP could not be fetched.
    """
    import cv2

    url = file.urls[0]
    source = fetch(File(f"data/sources/{url.split('/')[-1]}", (url,)))
    cv2.imwrite(str(target), cv2.imread(str(source)))


def film_from_frames(file: File, target: Path) -> None:
    """Join the published frames of Hyde Park to a film of 25 frames a second, as H.264.

    x264 of 2022 and of 2025 make the same pictures of them, with these options.

    Raises:
        ModelError: a frame could not be fetched.
    """
    pattern = file.urls[0]
    name = pattern.split("/")[-1]
    for number in range(1, HYDEPARK_FRAMES + 1):
        frame = fetch(File(f"data/sources/hydepark/{name % number}", (pattern % number,)))
    x264 = ("-c:v", "libx264", "-preset", "slow", "-crf", "15", "-pix_fmt", "yuv420p")
    threads = ("-threads", "3")  # their number changes what x264 makes
    ffmpeg("-framerate", "25", "-i", frame.with_name(name), *x264, *threads, target)
    shutil.rmtree(frame.parent)
