"""What comes with a decoded picture beside its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import av


def read_side_data(frame: av.VideoFrame, kind: str) -> bytes | None:
    """Return side data of a picture by its name in PyAV; None if there is none of it.

    PyAV reads all of a picture's side data at once, and refuses if there is a kind among them that
    it does not know, as in films with several views. Then there is none.
    """
    try:
        found = frame.side_data.get(kind)
    except ValueError:
        return None
    return None if found is None else bytes(found)
