"""The errors that a person can do something about.

Each message is a sentence or two: what happened, what was found, what is allowed, what to do next.
The command prints it and exits with code 2; a notebook shows it under the cell.
"""

from __future__ import annotations

from pathlib import Path


class SilkPurseError(Exception):
    """Base of every error this package raises on purpose."""


class SetUpError(SilkPurseError):
    """What the notebooks need cannot be installed. A notebook shows the message alone."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return [str(self)]


class VideoOpenError(SilkPurseError):
    """The file cannot be read as a video."""


class VideoIndexError(SilkPurseError):
    """The decoder did not return the frames that the file's packets announce."""


class VideoWriteError(SilkPurseError):
    """The video cannot be written as asked."""


class VerificationError(SilkPurseError):
    """A film was written, but it differs from what it should be.

    Attributes:
        found: what is wrong, in words.
        kept: the file, which was kept under a temporary name so that it can be looked at.
    """

    def __init__(self, found: str, kept: Path) -> None:
        super().__init__(found, kept)
        self.found, self.kept = found, kept

    def __str__(self) -> str:
        return (
            f"The film was made, but it is not right: {self.found}. It was kept as {self.kept}, so "
            "that you can look at it. Please report this, with a piece of the source if you can, "
            "since it is a fault of this program or of one that it uses."
        )


class Stopped(SilkPurseError):  # noqa: N818 (somebody wished it; it is no error)
    """The person who watches a run has stopped it; the message says what is kept."""


class StageError(SilkPurseError, ValueError):
    """A stage was given a value that is not allowed, or broke the law of stages."""


class RecipeError(SilkPurseError):
    """A file is no recipe of a restoration, or cannot be followed here."""


class ModelError(SilkPurseError):
    """A model is unknown, missing, damaged or of the wrong kind."""


class OutOfMemoryError(SilkPurseError):
    """Even the smallest tile does not fit in memory."""


class ProjectError(SilkPurseError):
    """The project folder cannot be used as asked."""


class ProjectLockedError(ProjectError):
    """Another run is writing the same stage."""


class SegmentError(ProjectError):
    """A saved segment is missing or damaged."""


class StorageError(ProjectError):
    """The disk is full, or the drive is no longer available; finished work was kept."""
