"""Keep small copies of what an encoder was given, to hold the finished film against them.

A segment may have been made in an earlier run. Its copies are a strip of pictures beside it,
`000000.png`. They are a help and no more: without them the film is compared with its source alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from helpers.project.manifest import Segment
from helpers.runtime.storage import refuse_link, retry, write_atomically
from helpers.verify.promise import SIDE, Glimpses


def glimpses_file(folder: Path, segment: Segment) -> Path:
    """Return the file for the copies of a segment's pictures."""
    return folder / f"{Path(segment.file).stem}.png"


def save_glimpses(folder: Path, segment: Segment, seen: Glimpses) -> None:
    """Write the copies of a segment's pictures, and forget them; nothing if none is compared."""
    numbers = _wanted(segment, seen)
    if not numbers:
        return
    strip = cv2.cvtColor(np.hstack([seen.pictures.pop(n) for n in numbers]), cv2.COLOR_RGB2BGR)
    write_atomically(glimpses_file(folder, segment), cv2.imencode(".png", strip)[1].tobytes())


def load_glimpses(folder: Path, segments: Sequence[Segment], count: int) -> Glimpses:
    """Read the copies of all segments that have them.

    Args:
        count: how many frames the clip has.
    """
    seen = Glimpses(count)
    for segment in segments:
        path = glimpses_file(folder, segment)
        numbers = _wanted(segment, seen)
        if not numbers or not path.exists():
            continue
        refuse_link(path)
        data = retry(path.name, folder, lambda path=path: path.read_bytes())
        strip = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        if strip is not None and strip.shape == (SIDE, SIDE * len(numbers), 3):
            pictures = np.hsplit(cv2.cvtColor(strip, cv2.COLOR_BGR2RGB), len(numbers))
            seen.pictures |= dict(zip(numbers, pictures, strict=True))
    return seen


def _wanted(segment: Segment, seen: Glimpses) -> list[int]:
    """Return the numbers of a segment's frames that are compared."""
    return [number for number in range(segment.start, segment.stop) if number in seen.numbers]
