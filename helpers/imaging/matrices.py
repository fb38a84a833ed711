"""The matrices that luma and chroma are made with, and which one an untagged picture has.

Without OpenCV: a film is probed with no more than this.
"""

from __future__ import annotations

WEIGHTS = {
    "bt709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
    "bt2020c": (0.2627, 0.0593),
}
"""The weights of red and blue in luma, by ffmpeg's names of the matrices; the rest is green's."""


def choose_matrix(matrix: str | None, width: int, height: int) -> str:
    """Return the name of the matrix for a picture's luma.

    Args:
        matrix: the tag of its film. If it is None, or a name not in WEIGHTS such as "gbr", the
            matrix is chosen by the size, as players do.
        width, height: the size of the picture in pixels.
    """
    return matrix if matrix in WEIGHTS else guess_matrix(width, height)


def guess_matrix(width: int, height: int) -> str:
    """Guess the matrix of an untagged picture by its size, as players do.

    Returns:
        "bt709" for high definition, "smpte170m" (BT.601) for smaller pictures.
    """
    return "bt709" if width >= 1280 or height > SD_LINES else "smpte170m"


SD_LINES = 608
"""The most lines of a picture of standard definition: 576, and 32 that tapes keep above them."""
