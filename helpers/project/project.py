"""A project folder: it saves every stage in segments, so that a lost connection costs minutes.

    project = Project("drive/talk")
    clip = project.source("talk.mp4")                 # shots are found once and kept
    large = project.save(Upscale()(clip), "04_upscale")
    ... if the connection is lost, run the same cells again: they continue at the first missing
    segment
    project.status()

A stage's folder holds `stage.json` (its recipe, its timeline, and its division into segments),
`done.json` (the finished segments, with their sha256) and the segments, FFV1 in Matroska.
"""

from __future__ import annotations

import hashlib
import html
import json
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from helpers.clip import Clip
from helpers.errors import ProjectError, SilkPurseError, VideoIndexError
from helpers.project.files import VERSION, FoundRow, SourceFile, SourceKey, Versioned
from helpers.project.manifest import StageManifest, open_stage
from helpers.project.runner import SegmentRunner, check_space, scratch_folder
from helpers.project.segments import SavedClip, missing_segments, read_done
from helpers.run import RunContext, Unwatched, Watch
from helpers.runtime.lock import lock
from helpers.runtime.machine import file_sha256
from helpers.runtime.schema import convert, encode
from helpers.runtime.storage import read_json, refuse_link, retry, write_atomically, write_json
from helpers.stage import exact, plain
from helpers.stages.scenes.find import find_cuts
from helpers.stages.scenes.stage import MarkShots
from helpers.video.open import open_container, start_of
from helpers.video.reader import VideoClip, open_video
from helpers.video.writer import Written, write_video

if TYPE_CHECKING:
    from helpers.audio.track import Sound
    from helpers.video.mux import NewTrack

log = logging.getLogger("helpers")

T = TypeVar("T")


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
        kept = self._read_source()
        if not os.path.isfile(path):
            open_video(path)  # raises an error that says what is wrong
        texts = {name: str(value) for name, value in options.items()}
        key = SourceKey(sha256=file_sha256(path), options=texts)
        if kept is None or not _is_same_film(kept.key, key) or not _counts_from_start(kept, path):
            clip, cuts = _find_shots(path, options, run or RunContext(progress=progress))
            self._write_source(_pack_source(clip, key, cuts))
            return MarkShots(cuts)(clip)
        if kept.path != str(path.resolve()):  # the film was moved
            self._write_source(replace(kept, path=str(path.resolve())))
        return MarkShots(kept.cuts)(_unpack_source(path, kept))

    def _read_source(self) -> SourceFile | None:
        """Return what is known of the film; None if nothing, or another version wrote it."""
        file = self.folder / "source.json"
        version = read_json(file, Versioned)
        if version is None or version.version != VERSION:
            return None
        return read_json(file, SourceFile)

    def _write_source(self, source: SourceFile) -> None:
        write_json(self.folder / "source.json", encode(source))

    @property
    def film(self) -> Path:
        """The video file that this project began with.

        Raises:
            ProjectError: the project has no film yet.
        """
        kept = self._read_source()
        if kept is None:
            raise ProjectError(
                f"{self.folder} has no film yet. Open one with project.source(FILE)."
            )
        return Path(kept.path)

    def names(self) -> list[str]:
        """Return the names of all stages, finished or not, in order."""
        found = self.folder.glob("*/stage.json")
        return sorted(path.parent.name for path in found)

    def save(
        self,
        clip: Clip,
        name: str,
        *,
        codec: str = "ffv1",
        segment: Fraction | float = 10,
        progress: bool = True,
        run: RunContext | None = None,
    ) -> SavedClip:
        """Compute a clip and save it, segment by segment; finished segments are not made again.

        Args:
            name: the stage's folder: its number and name, like "04_upscale".
            codec: "ffv1" (lossless) or "near-lossless" (H.264 4:4:4, a fifth of the size).
            segment: the approximate length of a segment, in seconds of film.
            progress: show a progress bar.
            run: the run that the work belongs to; a new one if not given.

        Raises:
            RecipeMismatchError: the stage was begun with another recipe, source or weight file.
            ProjectLockedError: another run is writing the stage.
            StorageError: there is not enough disk space, or the drive is no longer available.
        """
        if not name or Path(name).name != name or name.startswith("."):
            raise ProjectError(
                f"{name!r} cannot be the name of a stage. Choose a name like '04_upscale'."
            )
        if codec not in ("ffv1", "near-lossless"):
            raise ProjectError(
                f"Segments cannot be saved as {codec!r}. Choose ffv1 or near-lossless."
            )
        length = exact(segment)
        if length <= 0:
            raise ProjectError(f"A segment must be longer than 0 seconds; {segment} was given.")
        folder = self.folder / name
        refuse_link(folder)
        retry(name, self.folder, lambda: folder.mkdir(exist_ok=True))
        with lock(folder) as heart:
            run = run or self.context(progress)
            manifest = open_stage(folder, clip, codec, length, run.machine)
            missing = missing_segments(folder, manifest.segments)
            left = sum(segment.stop - segment.start for segment in missing)
            run.watch.begin(name, len(clip), len(clip) - left)
            if missing:
                check_space(folder, clip, codec, missing)
                SegmentRunner(folder, clip, manifest, heart, run).make(missing)
            shutil.rmtree(scratch_folder(folder, manifest), ignore_errors=True)
        return self.load(name)

    def load(self, name: str) -> SavedClip:
        """Return a saved stage.

        Raises:
            ProjectError: there is no such stage, or it is not finished.
        """
        folder = self._folder(name)
        manifest, done = StageManifest.read(folder), read_done(folder)
        segments = manifest.segments
        there = sum(segment.file in done for segment in segments)
        if there < len(segments):
            raise ProjectError(
                f"{name} is not finished: {there} of {len(segments)} segments are done. Run it "
                "again; it continues at the first missing segment."
            )
        return SavedClip.of(folder, manifest)

    def _folder(self, name: str) -> Path:
        """Return a stage's folder; raise ProjectError if there is no such stage."""
        names = self.names()
        if name not in names:
            stages = ", ".join(names) or "none"
            raise ProjectError(f"{self.folder} has no stage {name!r}. Its stages: {stages}.")
        return self.folder / name

    def _is_finished(self, name: str) -> bool:
        done = read_done(self.folder / name)
        return all(s.file in done for s in StageManifest.read(self.folder / name).segments)

    def latest(self, before: str | None = None) -> SavedClip:
        """Return the last finished stage, or the last one that comes before a name.

        Raises:
            ProjectError: nothing is finished yet.
        """
        for name in reversed(self.names()):
            if before is None or name < before:
                if self._is_finished(name):
                    return self.load(name)
                log.warning("%s is not finished and is skipped. Run it again to finish it.", name)
        where = f" before {before}" if before else ""
        raise ProjectError(
            f"{self.folder} has no finished stage{where}. Run an earlier step first."
        )

    def before(self, name: str, source: str | Path | None = None) -> Clip:
        """Return the input of a step: the last finished stage before it, or the film itself.

        Args:
            name: the step, like "04_upscale".
            source: the film, if this project has none yet.
        """
        with suppress(ProjectError):
            return self.latest(before=name)
        return self.source(source)

    def context(self, progress: bool = True, watch: Watch | None = None) -> RunContext:
        """Return the context of a run that keeps the results of analyses in this project."""
        return RunContext(progress=progress, keep=self.keep, watch=watch or Unwatched())

    def keep(self, name: str, clip: Clip, kind: type[T], find: Callable[[], T]) -> T:
        """Return the result of an analysis of a whole clip; analyse it only if it is not kept yet.

        Args:
            name: the stage that the result is for. One result is kept for each name.
            clip: the clip that is analysed. The result of another clip is replaced.
            kind: the dataclass of the result. A result that lacks a field, or has a value that is
                not allowed, was written by another version of this package and is replaced.
            find: analyses the clip.
        """
        path = self.folder / "found.json"
        found = read_json(path, Any)  # type: ignore[arg-type]
        found = found if isinstance(found, dict) else {}
        about = hashlib.sha256(json.dumps(clip.recipe(), sort_keys=True).encode()).hexdigest()
        known = _unpack_found(kind, found.get(name), about)
        if known is not None:
            return known
        fresh = find()
        values = {f.name: plain(getattr(fresh, f.name)) for f in fields(fresh)}  # type: ignore[arg-type]
        found[name] = {"about": about, "version": VERSION, "fields": values}
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
        return write_video(
            clip,
            output,
            codec=codec,
            source=self.film,
            start=clip.times[0] if trimmed else None,
            stop=clip.end if trimmed else None,
            sound=sound,
            keep_sound=keep_sound,
            film=film,
            progress=progress,
            watch=watch,
        )

    def cleaned_sound(self) -> tuple[Sound, ...]:
        """Return the tracks that 06_audio saved in this project; none if it was not run."""
        from helpers.audio import Cleaned

        folder = self.folder / "06_audio"
        return Cleaned.load(folder).tracks if (folder / "sound.json").exists() else ()

    def status(self) -> Status:
        """Return a table of the stages and how much of each is finished."""
        rows = []
        for name in self.names():
            manifest, done = StageManifest.read(self.folder / name), read_done(self.folder / name)
            frames = sum(s.stop - s.start for s in manifest.segments if s.file in done)
            size = sum(row["bytes"] for row in done.values())
            rows.append(StageStatus(name, manifest.info.size, frames, len(manifest.pts), size))
        return Status(str(self.folder), tuple(rows))

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

    def remove(self, name: str) -> None:
        """Delete a stage and its segments."""
        folder = self._folder(name)
        refuse_link(folder)
        with lock(folder):
            # These two first, so that a stage that is only partly removed never looks complete.
            segments = sorted(path for path in folder.glob("*.mkv") if path.stem.isdigit())
            for path in (folder / "done.json", folder / "stage.json", *segments, folder / ".lock"):
                retry(name, folder, lambda path=path: path.unlink(missing_ok=True))
        _remove_empty(folder)

    def discard(self) -> None:
        """Delete everything that this project wrote, and its folder if that is all."""
        for name in self.names():
            self.remove(name)
        for path in (self.folder / "found.json", self.folder / "source.json"):
            retry("the project", self.folder, lambda path=path: path.unlink(missing_ok=True))
        _remove_empty(self.folder)


def _remove_empty(folder: Path) -> None:
    """Remove a folder, unless somebody else put something into it."""
    try:
        folder.rmdir()
    except OSError:
        log.warning("%s was kept, for there are other files in it.", folder)


@dataclass(frozen=True)
class StageStatus:
    """One stage: its picture size, how many of its frames are done, and its size on the disk."""

    name: str
    size: str
    done: int
    frames: int
    bytes: int


@dataclass(frozen=True)
class Status:
    """The stages of a project, shown as a table."""

    folder: str
    stages: tuple[StageStatus, ...]

    def __repr__(self) -> str:
        lines = [self.folder]
        for row in self.stages:
            part = f"{row.done}/{row.frames} frames"
            lines.append(f"  {row.name:<18} {row.size:>10} {part:>20} {row.bytes / 1e6:>9.1f} MB")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "<tr><th>stage</th><th>size</th><th>frames done</th><th>MB</th></tr>"
        rows = "".join(
            f"<tr><td>{html.escape(row.name)}</td><td>{html.escape(row.size)}</td>"
            f"<td>{row.done} of {row.frames}</td><td>{row.bytes / 1e6:.1f}</td></tr>"
            for row in self.stages
        )
        return f"<p>{html.escape(self.folder)}</p><table>{head}{rows}</table>"


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


def _is_same_film(kept: SourceKey, wanted: SourceKey) -> bool:
    """Tell whether a film is the one that is kept; without options it is opened as it was."""
    return kept["sha256"] == wanted["sha256"] and wanted["options"] in ({}, kept["options"])


def _counts_from_start(kept: SourceFile, path: Path) -> bool:
    """Tell whether times count from the start of the film; in version 0.1.0, from the file's 0."""
    with open_container(path) as container:
        return kept.index.zero == start_of(container)


def _find_shots(
    path: Path, options: dict[str, Any], run: RunContext
) -> tuple[VideoClip, tuple[Fraction, ...]]:
    """Open a film and find its shots.

    That reads every frame, so it also checks the index: if the decoder gives other frames than a
    large file's packets, the film is opened again with the decoder's timeline.
    """
    clip = open_video(path, **options)
    try:
        return clip, find_cuts(clip, run)
    except VideoIndexError as error:
        log.warning("%s This is done now: the whole film is decoded once.", error)
        clip = open_video(path, **{**options, "scan": "decode"})
        return clip, find_cuts(clip, run)


def _pack_source(clip: VideoClip, key: SourceKey, cuts: tuple[Fraction, ...]) -> SourceFile:
    own = {name: getattr(clip, name) for name in KEPT}
    return SourceFile(VERSION, key, str(clip.path.resolve()), cuts, **own)


def _unpack_source(path: Path, kept: SourceFile) -> VideoClip:
    own = {name: getattr(kept, name) for name in KEPT}
    return VideoClip(path=path, **own)


KEPT = {f.name for f in fields(VideoClip)} & {f.name for f in fields(SourceFile)} - {"path"}
"""What is known of a film that its file in a project keeps as it is."""
