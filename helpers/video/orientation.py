"""How a stored picture is turned and mirrored to be upright, read from its display matrix."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.video.side_data import read_side_data

if TYPE_CHECKING:
    import av

MATRIX = struct.Struct("=9i")
"""A display matrix: nine whole numbers, as libavutil keeps them."""

CLEAR = 1.0
"""Degrees. A picture that is turned by so little more or less than a right angle is not noted."""


@dataclass(frozen=True)
class Orientation:
    """What makes a stored picture upright; one of eight.

    Attributes:
        rotation: degrees counter-clockwise: 0, 90, 180 or 270.
        mirrored: whether it is mirrored left to right before it is turned.
        askew: by how many degrees its matrix differs from that.
    """

    rotation: int = 0
    mirrored: bool = False
    askew: float = field(default=0.0, compare=False)

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Orientation:
        """Read the orientation of a decoded picture."""
        matrix = read_side_data(frame, "DISPLAYMATRIX")
        if matrix is None:
            return cls(round(frame.rotation / 90) * 90 % 360)
        a, b, _, c, d, *_ = MATRIX.unpack(matrix[: MATRIX.size])
        return cls.of_matrix(a, b, c, d)

    @classmethod
    def of_matrix(cls, a: int, b: int, c: int, d: int) -> Orientation:
        """Return the orientation of a matrix that shows the stored point (x, y) at (ax+cy, bx+dy).

        As in files, y points down. A matrix without an inverse says nothing.
        """
        if a * d == b * c:
            return cls()
        mirrored = a * d < b * c
        if mirrored:
            a, b = -a, -b
        # In a matrix that only turns, a equals d and b equals -c; their sums even out a scale.
        turned = -math.degrees(math.atan2(b - c, a + d))
        right = round(turned / 90) * 90
        return cls(right % 360, mirrored, turned - right)

    @property
    def upright(self) -> bool:
        """Whether a picture needs no change."""
        return not self.rotation and not self.mirrored

    @property
    def note(self) -> list[str]:
        """A note if the picture is turned by an angle that is not a right one."""
        if abs(self.askew) <= CLEAR:
            return []
        return [
            f"the file turns its picture by {self.rotation + self.askew:.0f} degrees "
            f"counter-clockwise; only right angles are supported, so it is turned by "
            f"{self.rotation}"
        ]

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Return a picture, (H, W, ...), upright."""
        if self.mirrored:
            image = image[:, ::-1]
        return np.ascontiguousarray(np.rot90(image, self.rotation // 90))


def orientation_of(path: Path, video: int = 0) -> Orientation:
    """Read the orientation of the first picture of a file's video stream."""
    import av

    with av.open(f"file:{path}", metadata_errors="replace") as container:
        try:
            frame = next(container.decode(container.streams.video[video]))
        except (StopIteration, av.error.FFmpegError):
            return Orientation()
        return Orientation.of(frame)
