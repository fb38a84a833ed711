"""A project folder: it saves every stage in segments, so that a lost connection costs minutes.

    project = Project("drive/talk")
    clip = project.source("talk.mp4")                 # shots are found once and kept
    large = project.save(Upscale()(clip), "04_upscale")
    ... if the connection is lost, run the same cells again: they continue at the first missing
    segment
    project.status()

A stage may be saved with other settings as often as one likes: each version has a folder of its own
(see `versions`). It holds `stage.json` (its recipe, its timeline, and its division into segments),
`done.json` (the finished segments, with their sha256), the segments, and `finished.json`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Container, Sequence
from contextlib import closing
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from helpers.clip import Clip
from helpers.errors import ProjectError, SilkPurseError
from helpers.project.begin import begin_stage, frame_bytes
from helpers.project.choice import (
    describe_versions,
    find_latest,
    find_old,
    remove_empty,
    remove_version,
)
from helpers.project.files import VERSION, FoundRow
from helpers.project.film import open_film, read_film
from helpers.project.manifest import read_begun
from helpers.project.room import check_space
from helpers.project.runner import SegmentRunner, scratch_folder
from helpers.project.segments import CODECS, LOSSLESS, SavedClip, missing_segments
from helpers.project.status import Removed, Status, Versions
from helpers.project.versions import (
    Version,
    check_name,
    find_version,
    list_folders,
    mark_finished,
    new_folder,
    read_versions,
    stage_of,
)
from helpers.run import RunContext, Unwatched, Watch
from helpers.runtime.lock import lock
from helpers.runtime.schema import convert
from helpers.runtime.storage import read_json, refuse_link, retry, write_atomically, write_json
from helpers.stage import exact, plain
from helpers.video.codecs import CODECS as ALL_CODECS
from helpers.video.writer import Written, write_video

if TYPE_CHECKING:
    from helpers.audio.track import Sound
    from helpers.video.mux import NewTrack

log = logging.getLogger("helpers")

T = TypeVar("T")


RESULTS = 4
"""So many results of an analysis are kept, the newest."""


class Project:
    """A folder with everything that was made from one film.

    Args:
        folder: created if it does not exist. On a mounted drive it outlasts the machine.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if os.path.exists(folder) and not self.folder.is_dir():
            raise ProjectError(
                f"{folder} is a file, but a project needs a folder. Choose another name."
            )
        retry("the project", self.folder, lambda: self.folder.mkdir(parents=True, exist_ok=True))

    def __repr__(self) -> str:
        return f"Project({str(self.folder)!r}, stages: {', '.join(self.names()) or 'none'})"

    def source(
        self,
        path: str | Path | None = None,
        *,
        progress: bool = True,
        run: RunContext | None = None,
        **options: Any,
    ) -> Clip:
        """Open the film with its shots marked. Its shots are searched for once and then kept.

        Args:
            path: the video file; if not given, the one that this project began with.
            progress: show a progress bar during the search.
            run: the run that the search belongs to; a new one if not given.
            options: those of `open_video`; if none are given, those of the last time.

        Raises:
            VideoOpenError: the file cannot be read.
        """
        path = Path(path) if path is not None else self.film
        return open_film(self.folder, path, options, run or RunContext(progress=progress))

    @property
    def film(self) -> Path:
        """The video file that this project began with.

        Raises:
            ProjectError: the project has no film yet.
        """
        kept = read_film(self.folder)
        if kept is None:
            raise ProjectError(
                f"{self.folder} has no film yet. Open one with project.source(FILE)."
            )
        return Path(kept.path)

    def names(self) -> list[str]:
        """Return the names of all stages, finished or not, in order."""
        return list(dict.fromkeys(stage_of(path.name) for path in list_folders(self.folder)))

    def save(
        self,
        clip: Clip,
        name: str,
        *,
        codec: str | None = None,
        segment: Fraction | float | None = None,
        progress: bool = True,
        run: RunContext | None = None,
    ) -> SavedClip:
        """Compute a clip and save it, segment by segment; finished segments are not made again.

        What was saved under this name with other settings, of another film or with another codec
        stays beside it. Saving it again with earlier settings takes what they made.

        Args:
            name: the stage: its number and name, like "04_upscale".
            codec: "ffv1" (lossless) or "near-lossless" (H.264 4:4:4, a fifth of the size). If not
                given, that of the version that is continued; for a new one, ffv1 if that takes no
                more than half of the free space, and otherwise near-lossless, with a note. For a
                clip that only has to be rendered, any codec of `write_video`: `render` then joins
                the segments.
            segment: the approximate length of a segment, in seconds of film. If not given, one
                second of a short film and up to ten of a long one, so that an interruption costs a
                few minutes.
            progress: show a progress bar.
            run: the run that the work belongs to; a new one if not given.

        Raises:
            Stopped: the watch of the run stopped it; finished segments are kept.
            ProjectLockedError: another run is writing the stage.
            StorageError: there is not enough disk space, or the drive is no longer available.
        """
        check_name(name)
        if codec not in (None, *ALL_CODECS):
            raise ProjectError(
                f"Segments cannot be saved as {codec!r}. Choose ffv1 or near-lossless, or, if they "
                f"are only rendered, one of {', '.join(ALL_CODECS)}."
            )
        codecs = (codec,) if codec else CODECS
        length = None if segment is None else exact(segment)
        if length is not None and length <= 0:
            raise ProjectError(f"A segment must be longer than 0 seconds; {segment} was given.")
        found = find_version(self.folder, name, clip.recipe(), codecs)
        folder = found.folder if found else new_folder(self.folder, name, clip.recipe(), codec)
        refuse_link(folder)
        retry(name, self.folder, lambda: folder.mkdir(exist_ok=True))
        with lock(folder) as heart:
            run = run or self.context(progress)
            manifest = read_begun(folder, clip, codecs)
            manifest = manifest or begin_stage(folder, clip, codec, length, run)
            missing = missing_segments(folder, manifest.segments)
            left = sum(segment.stop - segment.start for segment in missing)
            run.watch.begin(name, len(clip), len(clip) - left)
            if missing:
                each = frame_bytes(folder, manifest, clip, run)
                check_space(name, folder, clip, manifest.codec, each, missing)
                SegmentRunner(folder, clip, manifest, heart, run).make(missing)
            shutil.rmtree(scratch_folder(folder, manifest), ignore_errors=True)
            mark_finished(folder)
        return SavedClip.of(folder, manifest)

    def load(self, name: str) -> SavedClip:
        """Return the newest finished version of a saved stage.

        Args:
            name: the stage, like "04_upscale"; or the folder of one of its versions.

        Raises:
            ProjectError: there is no such stage, or it is not finished.
        """
        found = self.versions(name).rows
        finished = next((version for version in found if version.is_finished), None)
        if finished is None:
            raise ProjectError(
                f"{name} is not finished: {found[0].done} of {found[0].frames} frames are done. "
                "Run it again; it continues at the first missing segment."
            )
        return SavedClip.of(finished.folder, finished.manifest)

    def find(self, clip: Clip, name: str, codecs: Container[str] = ALL_CODECS) -> Version | None:
        """Return the version of a stage that holds a clip, finished or only begun; or None.

        Args:
            codecs: it is saved with one of these.
        """
        return find_version(self.folder, name, clip.recipe(), codecs)

    def versions(self, name: str) -> Versions:
        """Return the versions of a stage as a table, the newest first.

        Raises:
            ProjectError: there is no such stage.
        """
        found = read_versions(self.folder, name)
        if not found:
            raise self._missing(name)
        return Versions(describe_versions(found))

    def _missing(self, name: str) -> ProjectError:
        """Return the error that there is no such stage."""
        stages = ", ".join(self.names()) or "none"
        return ProjectError(f"{self.folder} has no stage {name!r}. Its stages: {stages}.")

    def latest(self, before: str | None = None) -> SavedClip:
        """Return what the last save made, with all later steps that were made of it.

        So a step that was run again with other settings is used from then on, and what later steps
        made of its earlier version is not; going back to the earlier settings brings it back. The
        end-to-end film counts as a step just before the render, and a preview never counts.

        Args:
            before: consider only the steps that come before this one.

        Raises:
            ProjectError: nothing is finished yet.
        """
        last = find_latest(read_versions(self.folder), before)
        if last is None:
            where = f" before {before}" if before else ""
            raise ProjectError(
                f"{self.folder} has no finished stage{where}. Run an earlier step first."
            )
        return SavedClip.of(last.folder, last.manifest)

    def before(self, name: str, source: str | Path | None = None) -> Clip:
        """Return the input of a step: what `latest` finds before it, or else the film itself.

        Args:
            name: the step, like "04_upscale".
            source: the film, if this project has none yet.
        """
        last = find_latest(read_versions(self.folder), name)
        return SavedClip.of(last.folder, last.manifest) if last else self.source(source)

    def context(self, progress: bool = True, watch: Watch | None = None) -> RunContext:
        """Return the context of a run that keeps the results of analyses in this project."""
        return RunContext(progress=progress, keep=self.keep, watch=watch or Unwatched())

    def keep(self, name: str, clip: Clip, kind: type[T], find: Callable[[], T]) -> T:
        """Return the result of an analysis of a whole clip; analyse it only if it is not kept yet.

        Args:
            name: the stage that the result is for.
            clip: the clip that is analysed. The results of a few clips are kept for each name, so
                that a preview does not push out the result of the whole film.
            kind: the dataclass of the result. A result that lacks a field, or has a value that is
                not allowed, was written by another version of this package and is replaced.
            find: analyses the clip.
        """
        path = self.folder / "found.json"
        found = read_json(path, Any)  # type: ignore[arg-type]
        found = found if isinstance(found, dict) else {}
        about = hashlib.sha256(json.dumps(clip.recipe(), sort_keys=True).encode()).hexdigest()
        key = f"{name}@{about[:16]}"
        # Version 0.1.0 kept one result for each name.
        known = _unpack_found(kind, found.get(key, found.get(name)), about)
        if known is not None:
            return known
        fresh = find()
        values = {f.name: plain(getattr(fresh, f.name)) for f in fields(fresh)}  # type: ignore[arg-type]
        found[key] = {"about": about, "version": VERSION, "fields": values}
        same = [kept for kept in found if kept.partition("@")[0] == name]
        for old in same[:-RESULTS]:
            del found[old]
        write_json(path, found)
        return fresh

    def render(
        self,
        clip: Clip,
        output: str | Path,
        *,
        codec: str = "h264",
        sound: Sequence[NewTrack] | None = None,
        keep_sound: bool = False,
        progress: bool = True,
        watch: Watch | None = None,
    ) -> Written:
        """Write a clip to a video file, in sync with the film's sound, subtitles and chapters.

        Args:
            sound: tracks that replace the film's own; if not given, those that the notebook
                06_audio saved in this project.
            keep_sound: keep the film's own tracks as well.
            watch: is told how far the work is, and may stop it.
        """
        if sound is None:
            sound = self.cleaned_sound()
        film = self.source(run=self.context(progress, watch))
        trimmed = clip.times[0] > film.times[0] or clip.end < film.end
        saved_as = clip.codec if isinstance(clip, SavedClip) else LOSSLESS
        written = write_video(
            clip,
            output,
            codec=codec,
            source=self.film,
            start=clip.times[0] if trimmed else None,
            stop=clip.end if trimmed else None,
            sound=sound,
            keep_sound=keep_sound,
            film=film,
            parts=clip.parts if isinstance(clip, SavedClip) and saved_as == codec else None,
            progress=progress,
            watch=watch,
        )
        if saved_as in (codec, *CODECS):
            return written
        return replace(written, notes=(*written.notes, (
            f"the frames were saved as {saved_as} and are encoded a second time here, which loses "
            "a little; restore the film with keep=\"lossless\" to avoid that"
        )))  # fmt: skip

    def cleaned_sound(self) -> tuple[Sound, ...]:
        """Return the tracks that 06_audio saved in this project; none if it was not run."""
        from helpers.audio import Cleaned

        folder = self.folder / "06_audio"
        return Cleaned.load(folder).tracks if (folder / "sound.json").exists() else ()

    def status(self) -> Status:
        """Return a table of the stages, how much of each is finished, and what could be deleted."""
        rows = [version for name in self.names() for version in self.versions(name).rows]
        old = sum(version.bytes for version in self._find_old())
        return Status(str(self.folder), tuple(rows), old)

    def export_frames(
        self, clip: Clip | str, folder: str | Path, start: int = 0, stop: int | None = None
    ) -> Path:
        """Write frames as PNG files for other tools, with their exact times in times.csv.

        Args:
            clip: a clip, or the name of a saved stage.
            folder: created if it does not exist. Choose one on the local disk: Google Drive becomes
                unreliable with thousands of files.
        """
        import cv2

        clip = self.load(clip) if isinstance(clip, str) else clip
        start, stop = clip.span(start, stop)
        folder = Path(folder)
        retry("the frames", folder, lambda: folder.mkdir(parents=True, exist_ok=True))
        table = ["file,seconds,exact"]
        with closing(clip.frames(start, stop)) as frames:
            for number, frame in enumerate(frames, start):
                path = folder / f"{number:06d}.png"
                image = cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
                write_atomically(path, cv2.imencode(".png", image)[1].tobytes())
                table.append(f"{path.name},{float(frame.time):.6f},{frame.time}")
        write_atomically(folder / "times.csv", ("\n".join(table) + "\n").encode())
        return folder

    def remove(self, name: str) -> Removed:
        """Delete a stage: all of its versions, with their segments.

        Args:
            name: the stage; or the folder of one of its versions, of which only that is deleted.
        """
        found = [f for f in list_folders(self.folder) if name in (f.name, stage_of(f.name))]
        if not found:
            raise self._missing(name)
        return Removed(len(found), sum(map(remove_version, found)))

    def remove_old(self) -> Removed:
        """Delete all versions but the newest of every stage, and say how many bytes that freed.

        A version that was begun after the newest finished one is kept too.
        """
        old = self._find_old()
        return Removed(len(old), sum(remove_version(version.folder) for version in old))

    def _find_old(self) -> list[Version]:
        """Return the versions that `remove_old` deletes."""
        return [old for name in self.names() for old in find_old(read_versions(self.folder, name))]

    def discard(self) -> None:
        """Delete everything that this project wrote, and its folder if that is all."""
        for name in self.names():
            self.remove(name)
        for path in (self.folder / "found.json", self.folder / "source.json"):
            retry("the project", self.folder, lambda path=path: path.unlink(missing_ok=True))
        remove_empty(self.folder)


def _unpack_found(kind: type[T], entry: Any, about: str) -> T | None:
    """Return a result that was kept about a clip, or None if it does not fit."""
    try:
        row = convert(entry, FoundRow)
        if (row.about, row.version) != (about, VERSION):
            return None
        return kind(**{f.name: row.fields[f.name] for f in fields(kind)})  # type: ignore[arg-type]
    except (SilkPurseError, *UNFIT):
        return None


UNFIT = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)
"""What a dataclass may raise that is given something else than it expects."""
