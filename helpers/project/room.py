"""The room that a stage needs: in its project, which may be on a drive, and in scratch space."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.clip import Clip
from helpers.errors import StorageError
from helpers.project.manifest import Segment
from helpers.project.segments import LOSSLESS, SMALL
from helpers.project.words import format_bytes
from helpers.runtime.machine import runtime
from helpers.runtime.storage import retry

MARGIN = 1.2
"""Frames that were not tried may be larger than those that were."""


@dataclass(frozen=True)
class Room:
    """The room that is needed, and the room there is, in bytes.

    Attributes:
        folder: a folder on the disk of the project.
        scratch: the folder for work in progress, on this machine.
        need, free: on the disk of the project; what is needed, without MARGIN.
        scratch_need, scratch_free: on that of scratch.
        shared: whether both are on the same disk.
    """

    folder: Path
    scratch: Path
    need: int
    free: int
    scratch_need: int
    scratch_free: int
    shared: bool

    @classmethod
    def of(cls, folder: Path, lengths: Sequence[int], each: float) -> Room:
        """Measure the room for segments that are still to be made.

        Args:
            folder: the project, or the stage.
            lengths: the number of frames in each segment.
            each: bytes of a frame.
        """
        scratch = runtime().scratch
        retry("the scratch folder", scratch, lambda: scratch.mkdir(parents=True, exist_ok=True))
        # Scratch holds two segments: one is being made while another is being copied.
        needs = [int(sum(frames) * each) for frames in (lengths, sorted(lengths)[-2:])]
        free = [
            retry("the project", place, lambda place=place: shutil.disk_usage(place).free)
            for place in (folder, scratch)
        ]
        shared = _disk_of(folder) == _disk_of(scratch)
        return cls(folder, scratch, needs[0], free[0], needs[1], free[1], shared)

    @property
    def fits(self) -> bool:
        """Whether there is enough room on both disks, with MARGIN."""
        if self.shared and MARGIN * (self.need + self.scratch_need) > self.free:
            return False
        return MARGIN * self.need <= self.free and MARGIN * self.scratch_need <= self.scratch_free

    @property
    def words(self) -> str:
        """What is needed and what is there, in words."""
        if self.shared:
            return (
                f"{format_bytes(self.need)} in {self.folder} and {format_bytes(self.scratch_need)} "
                f"for work in progress in {self.scratch} (the same disk, with "
                f"{format_bytes(self.free)} free)"
            )
        return (
            f"{format_bytes(self.need)} in {self.folder} ({format_bytes(self.free)} free) and "
            f"{format_bytes(self.scratch_need)} for work in progress in {self.scratch} "
            f"({format_bytes(self.scratch_free)} free)"
        )


def _disk_of(folder: Path) -> int:
    """Return a number that is the same for all folders of a disk."""
    return os.stat(folder).st_dev


def check_space(
    name: str, folder: Path, clip: Clip, codec: str, each: float, missing: Sequence[Segment]
) -> None:
    """Raise StorageError if there is not enough room for the missing segments."""
    room = Room.of(folder, [one.stop - one.start for one in missing], each)
    if room.fits:
        return
    smaller = (
        f", a smaller scale, or codec={SMALL!r}" if codec == LOSSLESS else " or a smaller scale"
    )
    raise StorageError(
        f"{name} needs about {room.words}. That is not enough, for a fifth more than that should "
        f"be free. Free some space, or choose another folder{smaller}."
    )
