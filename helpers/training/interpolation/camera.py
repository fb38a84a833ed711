"""Degrade synthetic scenes as a camera and a codec would: focus, noise, resolution, blocks.

    finish = FilmFinish(np.random.default_rng(1))
    first, truth, last = finish.apply([first, truth, last])  # float32 in, uint8 out

The truth is degraded like the other two, since it is the frame between them in the same film. Only
noise, which cannot be predicted, is left out of it, unless all three are encoded as one film.
"""

from __future__ import annotations

import cv2
import numpy as np

from helpers.video.recode import quantiser_options, recode

CODECS = ("mpeg4", "libx264", "mpeg2video")
"""The codecs of old files, and a newer one that they were converted to."""


class FilmFinish:
    """The look of one film.

    Args:
        rng: the random numbers.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.focus = rng.uniform(0.3, 1.3) if rng.random() < 0.3 else 0.0
        self.sharpen = rng.uniform(0.2, 0.8) if rng.random() < 0.2 else 0.0
        self.grey = rng.random() < 0.08
        self.dark = rng.uniform(0.25, 0.7) if rng.random() < 0.12 else 1.0
        self.noise = np.exp(rng.uniform(np.log(0.5), np.log(9))) if rng.random() < 0.4 else 0.0
        self.softness = rng.uniform(0.2, 1.0)
        self.shrink = rng.uniform(1.3, 2.2) if rng.random() < 0.15 else 1.0
        self.kind = str(rng.choice(["none", "jpeg", "video"], p=[0.45, 0.25, 0.3]))

    def apply(self, pictures: list[np.ndarray]) -> list[np.ndarray]:
        """Apply the look to first, truth and last, (H, W, 3) float32 in 0..255; return uint8."""
        seen = [self._apply_camera(picture) for picture in pictures]
        noisy = [_to_uint8(one + self._grain(one.shape)) for one in seen]
        clean = _to_uint8(seen[1])
        if self.kind == "video":
            return self._apply_codec(noisy)
        if self.kind == "jpeg":
            quality = int(self.rng.integers(35, 96))
            return [_apply_jpeg(one, quality) for one in (noisy[0], clean, noisy[2])]
        return [noisy[0], clean, noisy[2]]

    def _apply_camera(self, picture: np.ndarray) -> np.ndarray:
        """Apply the lens and the resolution of the camera."""
        if self.grey:
            picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        picture = picture * np.float32(self.dark)
        if self.focus:
            picture = cv2.GaussianBlur(picture, (0, 0), self.focus)
        if self.shrink > 1:
            height, width = picture.shape[:2]
            small = [round(side / self.shrink) for side in (width, height)]
            less = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
            picture = cv2.resize(less, (width, height), interpolation=cv2.INTER_CUBIC)
        if self.sharpen:
            picture = picture + self.sharpen * (picture - cv2.GaussianBlur(picture, (0, 0), 1.0))
        return picture

    def _grain(self, shape: tuple[int, ...]) -> np.ndarray:
        if not self.noise:
            return np.zeros(shape, np.float32)
        planes = self.rng.normal(0, 1, shape).astype(np.float32)
        planes = 0.7 * planes[..., :1] + 0.5 * planes  # mostly in brightness
        planes = cv2.GaussianBlur(planes, (0, 0), self.softness)
        return planes * np.float32(self.noise / max(planes.std(), 1e-6))

    def _apply_codec(self, pictures: list[np.ndarray]) -> list[np.ndarray]:
        """Encode and decode the three as a film that begins with a copy of the first."""
        codec = str(self.rng.choice(CODECS))
        level = int(self.rng.integers(18, 37)) if codec == "libx264" else int(
            self.rng.integers(2, 12)
        )  # fmt: skip
        # Thanks to the copy, the first is predicted from an earlier frame as the others are.
        film = [pictures[0], *pictures]
        return recode(film, codec, quantiser_options(codec, level)).pictures[1:]


def _to_uint8(picture: np.ndarray) -> np.ndarray:
    return np.rint(picture).clip(0, 255).astype(np.uint8)


def _apply_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """Compress one picture as JPEG and decompress it."""
    data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
