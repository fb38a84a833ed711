"""What a run will cost, measured on this machine with this film.

estimate(Upscale()(clip))      # makes a few frames and does the sums
"""

from __future__ import annotations

import html
import shutil
import time
from dataclasses import dataclass

from helpers.clip import Clip
from helpers.making import frame_bytes
from helpers.runtime import runtime


@dataclass(frozen=True)
class Estimate:
    """What a run will cost.

    Attributes:
        frames: how many will be made.
        each: seconds for one of them.
        bytes: of disk for the saved stage.
        free: bytes free where scratch files go.
    """

    frames: int
    each: float
    bytes: int
    free: int
    size: str

    @property
    def seconds(self) -> float:
        """Seconds for all of them."""
        return self.frames * self.each

    def __repr__(self) -> str:
        return (
            f"{self.frames} frames of {self.size} at {self.each:.2f} s each: about "
            f"{spoken(self.seconds)} on {runtime().device}, and {self.bytes / 1e9:.2f} GB of disk "
            f"({self.free / 1e9:.0f} GB free). It may be interrupted at any time and goes on."
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>"


def spoken(seconds: float) -> str:
    """Say a length of time as a person would."""
    if seconds < 90:
        return "a second" if seconds < 1.5 else f"{seconds:.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def estimate(clip: Clip, codec: str = "ffv1", samples: int = 4) -> Estimate:
    """Make a few frames from the middle of a clip and work out what all of them cost.

    The first one is made twice, because it also loads the network.
    """
    middle = len(clip) // 2
    clip[middle]
    stop = min(middle + samples, len(clip))
    begun = time.perf_counter()
    count = sum(1 for _ in clip.frames(middle, stop))
    each = (time.perf_counter() - begun) / max(count, 1)
    free = shutil.disk_usage(runtime().scratch).free
    need = int(len(clip) * frame_bytes(clip, codec))
    return Estimate(len(clip), each, need, free, clip.info.size)
