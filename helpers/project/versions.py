"""The versions of a saved stage: one for each recipe and codec, in a folder of its own.

    04_upscale/             the first
    04_upscale@3fa9c1d2/    another, with the start of the hash of its recipe and codec

The newest version is the one of which a save ended last; `finished.json` holds when that was. Going
back to earlier settings finds what they made, and makes it the newest again.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from helpers.errors import ProjectError
from helpers.project.files import VERSION, SegmentRow
from helpers.project.manifest import FILE, Segment, StageManifest
from helpers.project.segments import read_done
from helpers.project.words import contents
from helpers.runtime.storage import read_json, retry, write_json

MARK = "finished.json"

HASHED = re.compile(r"(.+)@[0-9a-f]{8}")
"""The name of the folder of a version that is not the first of its stage."""

END_TO_END = "restored"
"""The stage that holds all steps at once."""

PREVIEW = "preview"
"""The stage that holds a few seconds to look at. No other step is made of it."""


@dataclass(frozen=True)
class FinishedFile:
    """`finished.json`: when a save of a version last ended, in seconds since 1970."""

    version: int
    at: Annotated[float, Meta(ge=0, le=1e11)]


@dataclass(frozen=True)
class Version:
    """A version of a saved stage.

    Attributes:
        folder: where it is.
        at: when a save of it last ended, in seconds since 1970; for a version that is not finished,
            when it was last worked on.
        settings: how it differs from the newest version of its stage, in words; of the newest, its
            steps.
    """

    folder: Path
    at: float
    manifest: StageManifest = field(repr=False, compare=False)
    segments: dict[str, SegmentRow] = field(repr=False, compare=False)
    settings: str = ""

    @classmethod
    def read(cls, folder: Path) -> Version:
        """Read what the files of a version say.

        Raises:
            ProjectError: a file is damaged.
        """
        manifest, done = StageManifest.read(folder), read_done(folder)
        version = cls(folder, 0, manifest, done)
        return cls(folder, _read_time(folder, version.is_finished), manifest, done)

    @property
    def name(self) -> str:
        """The name of its stage."""
        return stage_of(self.folder.name)

    @property
    def size(self) -> str:
        """The size of its pictures: "640x480"."""
        return self.manifest.info.size

    @property
    def frames(self) -> int:
        """How many frames it has when it is finished."""
        return len(self.manifest.pts)

    @property
    def done(self) -> int:
        """How many of its frames are finished."""
        return self.frames - sum(one.stop - one.start for one in self.missing)

    @property
    def missing(self) -> list[Segment]:
        """The segments that are not finished."""
        return [one for one in self.manifest.segments if one.file not in self.segments]

    @property
    def is_finished(self) -> bool:
        """Whether all of it is there."""
        return not self.missing

    @property
    def bytes(self) -> int:
        """The size of its finished segments."""
        return sum(row["bytes"] for row in self.segments.values())

    @property
    def when(self) -> str:
        """When it was made, on the clock of this machine."""
        return f"{datetime.fromtimestamp(self.at):%Y-%m-%d %H:%M}"

    def builds_on(self, other: Version) -> bool:
        """Tell whether it is the other version, with or without more steps."""
        begin = contents(other.manifest.recipe)
        return contents(self.manifest.recipe)[: len(begin)] == begin


def stage_of(folder: str) -> str:
    """Return the name of the stage that a version's folder belongs to."""
    hashed = HASHED.fullmatch(folder)
    return hashed[1] if hashed else folder


def check_name(name: str) -> None:
    """Raise ProjectError if a stage cannot have this name."""
    if not name or Path(name).name != name or name.startswith(".") or HASHED.fullmatch(name):
        raise ProjectError(
            f"{name!r} cannot be the name of a stage. Choose a name like '04_upscale'."
        )


def place_of(name: str) -> str:
    """Return a stage's place among the steps; an end-to-end film comes just before the render."""
    return "07" if name == END_TO_END else name


def list_folders(project: Path) -> list[Path]:
    """Return the folders of all versions, by the place of their stage."""
    folders = [path.parent for path in project.glob(f"*/{FILE}")]
    return sorted(folders, key=lambda path: (place_of(stage_of(path.name)), path.name))


def read_versions(project: Path, name: str | None = None) -> list[Version]:
    """Read the versions of a stage, or of all stages; the newest first.

    Args:
        name: a stage, or the folder of one version.
    """
    wanted = [one for one in list_folders(project) if name in (None, one.name, stage_of(one.name))]
    return sorted(map(Version.read, wanted), key=lambda one: (one.at, one.folder.name))[::-1]


def find_version(
    project: Path, name: str, recipe: list[dict[str, Any]], codecs: Container[str]
) -> Version | None:
    """Return the version of a stage with this recipe, saved with one of these codecs.

    It is the newest that is finished, or else the newest that is begun.
    """
    found = [one for one in read_versions(project, name) if one.manifest.is_made_of(recipe, codecs)]
    return next((one for one in found if one.is_finished), found[0] if found else None)


def new_folder(project: Path, name: str, recipe: list[dict[str, Any]], codec: str | None) -> Path:
    """Return the folder for a version that is not there yet.

    Args:
        codec: the codec that was asked for; None if it is still to be chosen.
    """
    if not (project / name / FILE).exists():
        return project / name
    text = json.dumps([contents(recipe), codec], sort_keys=True)
    return project / f"{name}@{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def mark_finished(folder: Path) -> None:
    """Note that a save of a version has ended, so that it is the newest of its project.

    A clock that was set back, or is too coarse, does not change the order.
    """
    found = (read_json(path, FinishedFile) for path in folder.parent.glob(f"*/{MARK}"))
    latest = max((one.at for one in found if one), default=0.0)
    write_json(folder / MARK, {"version": VERSION, "at": max(time.time(), latest + 0.001)})


def _read_time(folder: Path, finished: bool) -> float:
    """Return when a version was finished, or last worked on.

    Version 0.1.0 of this package did not note it; the time of its list of segments is the nearest.
    """
    mark = read_json(folder / MARK, FinishedFile) if finished else None
    if mark:
        return mark.at
    paths = [path for path in (folder / "done.json", folder / FILE) if path.exists()]
    return retry(folder.name, folder, lambda: paths[0].stat().st_mtime if paths else 0.0)
