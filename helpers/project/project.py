"""The folder that remembers: every stage in segments, so that a lost connection costs minutes.

    project = Project("drive/talk")
    clip = project.source("talk.mp4")                 # shots are found once and kept
    large = project.save(Upscale()(clip), "04_upscale")
    ... the connection is lost; the same cells are run again, and go on at the first missing segment
    project.status()

A stage's folder holds `stage.json` (what it is: recipe, timeline, where it is cut into segments),
`done.json` (which segments are whole, with their sha256) and the segments, FFV1 in Matroska.
"""

from __future__ import annotations

import hashlib
import html
import json
import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from helpers.clip import Clip, ClipInfo
from helpers.errors import ProjectError, SilkPurseError, VideoIndexError
from helpers.project.manifest import VERSION, StageManifest, begin
from helpers.project.runner import SegmentRunner, check_space, scratch_folder
from helpers.project.segments import SavedClip, missing_segments, read_done
from helpers.run import RunContext
from helpers.runtime.machine import file_sha256
from helpers.runtime.storage import lock, read_json, retried, write_json, write_whole
from helpers.stage import exact, plain
from helpers.stages.scenes.find import find_cuts
from helpers.stages.scenes.stage import MarkShots
from helpers.video.index import Index
from helpers.video.reader import VideoClip, open_video
from helpers.video.writer import Written, write_video

if TYPE_CHECKING:
    from helpers.audio.track import Sound
    from helpers.video.mux import NewTrack

log = logging.getLogger("helpers")

T = TypeVar("T")


class Project:
    """A folder with everything that was made of one film.

    Args:
        folder: made if it is not there; on a mounted drive it outlasts the machine.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise ProjectError(
                f"{folder} is a file; a project needs a folder. Choose another name."
            )
        retried("the project", self.folder, lambda: self.folder.mkdir(parents=True, exist_ok=True))

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
        """Open the film with its shots marked; what had to be searched for is kept.

        Args:
            path: the video file; the one this project began with, if not given.
            progress: show a bar while its shots are looked for.
            run: what the looking belongs to; one of its own if not given.
            options: those of `open_video`; those it was opened with before, if none are given.

        Raises:
            VideoOpenError: the file cannot be read.
        """
        path = Path(path) if path is not None else self.film
        kept = read_json(self.folder / "source.json")
        if not path.exists() or path.is_dir():
            open_video(path)  # says what is wrong
        key = {"sha256": file_sha256(path), "options": {k: str(v) for k, v in options.items()}}
        if not isinstance(kept, dict) or kept.get("version") != VERSION:
            kept = {"key": {}}
        if not options and kept["key"].get("sha256") == key["sha256"]:
            key = kept["key"]
        if kept["key"] == key:
            clip = _unpack_source(path, kept)
            if kept["path"] != str(path.resolve()):  # the film has moved
                write_json(self.folder / "source.json", {**kept, "path": str(path.resolve())})
        else:
            clip, cuts = _search(path, options, run or RunContext(progress=progress))
            kept = {"version": VERSION, "key": key, "path": str(path.resolve())}
            kept |= {"cuts": [str(cut) for cut in cuts], **_pack_source(clip)}
            write_json(self.folder / "source.json", kept)
        return MarkShots(tuple(Fraction(cut) for cut in kept["cuts"]))(clip)

    @property
    def film(self) -> Path:
        """The file this project began with.

        Raises:
            ProjectError: it has not begun yet.
        """
        kept = read_json(self.folder / "source.json")
        if not isinstance(kept, dict) or "path" not in kept:
            raise ProjectError(f"{self.folder} has no film yet. Open one: project.source(FILE).")
        return Path(kept["path"])

    def names(self) -> list[str]:
        """Return the names of the stages that were begun, in order."""
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
        """Make a clip and keep it, segment by segment; what is there already is not made again.

        Args:
            name: the stage's folder: its number and name, like "04_upscale".
            codec: "ffv1" (lossless) or "near-lossless" (H.264 4:4:4, a fifth of the size).
            segment: about how many seconds of film a segment holds.
            progress: show a bar.
            run: what the work belongs to; one of its own if not given.

        Raises:
            RecipeMismatchError: the stage was begun with another recipe, source or weight file.
            ProjectLockedError: another run is writing it.
            StorageError: there is not enough room, or the drive went away.
        """
        if not name or Path(name).name != name or name.startswith("."):
            raise ProjectError(f"{name!r} cannot be a stage's name; take one like '04_upscale'.")
        if codec not in ("ffv1", "near-lossless"):
            raise ProjectError(f"Segments cannot be {codec}; allowed are ffv1 and near-lossless.")
        length = exact(segment)
        if length <= 0:
            raise ProjectError(f"Segments of {segment} seconds were asked for; allowed is above 0.")
        folder = self.folder / name
        retried(name, self.folder, lambda: folder.mkdir(exist_ok=True))
        with lock(folder) as heart:
            run = run or self.context(progress)
            manifest = begin(folder, clip, codec, length, run.machine)
            missing = missing_segments(folder, manifest.segments)
            if missing:
                check_space(folder, clip, codec, missing)
                SegmentRunner(folder, clip, manifest, heart, run).make(missing)
            shutil.rmtree(scratch_folder(folder, manifest), ignore_errors=True)
        return self.load(name)

    def load(self, name: str) -> SavedClip:
        """Return a stage that was saved.

        Raises:
            ProjectError: there is no such stage, or it is not finished.
        """
        folder = self._folder(name)
        manifest, done = StageManifest.read(folder), read_done(folder)
        segments = manifest.segments
        there = sum(segment.file in done for segment in segments)
        if there < len(segments):
            raise ProjectError(
                f"{name} is not finished: {there} of {len(segments)} segments are there. Run it "
                "again; it goes on at the first missing one."
            )
        return SavedClip.of(folder, manifest)

    def _folder(self, name: str) -> Path:
        """Return a stage's folder, or say which stages there are."""
        names = self.names()
        if name not in names:
            told = ", ".join(names) or "none"
            raise ProjectError(f"{self.folder} has no stage {name!r}; there are: {told}.")
        return self.folder / name

    def _finished(self, name: str) -> bool:
        done = read_done(self.folder / name)
        return all(s.file in done for s in StageManifest.read(self.folder / name).segments)

    def latest(self, before: str | None = None) -> SavedClip:
        """Return the last finished stage, or the last one that comes before a name.

        Raises:
            ProjectError: nothing is finished yet.
        """
        for name in reversed(self.names()):
            if before is None or name < before:
                if self._finished(name):
                    return self.load(name)
                log.warning("%s is not finished and is passed over; run it again first.", name)
        where = f" before {before}" if before else ""
        raise ProjectError(
            f"{self.folder} has no finished stage{where}. Run an earlier step first."
        )

    def before(self, name: str, source: str | Path | None = None) -> Clip:
        """Return what a step begins with: the last finished stage before it, or the film itself.

        Args:
            name: the step, like "04_upscale".
            source: the film, if this project has none yet.
        """
        with suppress(ProjectError):
            return self.latest(before=name)
        return self.source(source)

    def context(self, progress: bool = True) -> RunContext:
        """Return what a run is handed on, which keeps in this project what stages find."""
        return RunContext(progress=progress, keep=self.kept)

    def kept(self, name: str, clip: Clip, kind: type[T], find: Callable[[], T]) -> T:
        """Return what was found by looking at a whole clip, and is kept from then on.

        Args:
            name: of the stage that it was found for; one of a name is kept.
            clip: what it was found for; for any other it is found anew.
            kind: the dataclass that holds it. An entry that lacks a field of it, or whose values do
                not fit, was written by another version of this package: it is found anew.
            find: finds it.
        """
        path = self.folder / "found.json"
        found = read_json(path)
        found = found if isinstance(found, dict) else {}
        about = hashlib.sha256(json.dumps(clip.recipe(), sort_keys=True).encode()).hexdigest()
        entry = found.get(name, {})
        if entry.get("about") == about and entry.get("version") == VERSION:
            known = _unpack_found(kind, entry.get("fields"))
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
    ) -> Written:
        """Write a clip to a video file, in step with the film's sound and all that goes with it.

        Args:
            sound: tracks that take the place of the film's own; what 06_audio kept in this
                project, if not given.
            keep_sound: keep the film's own as well.
        """
        if sound is None:
            sound = self.cleaned_sound()
        film = self.source(progress=progress)
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
            progress=progress,
        )

    def cleaned_sound(self) -> tuple[Sound, ...]:
        """Return the tracks that 06_audio kept in this project; none if it did not run."""
        from helpers.audio import Cleaned

        folder = self.folder / "06_audio"
        return Cleaned.load(folder).tracks if (folder / "sound.json").exists() else ()

    def status(self) -> Status:
        """Return a table of what was begun and what is finished."""
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
            folder: made if it is not there. Choose one on the local disk: thousands of files on
                Google Drive make it fall over.
        """
        import cv2

        clip = self.load(clip) if isinstance(clip, str) else clip
        start, stop = clip.span(start, stop)
        folder = Path(folder)
        retried("the frames", folder, lambda: folder.mkdir(parents=True, exist_ok=True))
        table = ["file,seconds,exact"]
        with closing(clip.frames(start, stop)) as frames:
            for number, frame in enumerate(frames, start):
                path = folder / f"{number:06d}.png"
                image = cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
                write_whole(path, cv2.imencode(".png", image)[1].tobytes())
                table.append(f"{path.name},{float(frame.time):.6f},{frame.time}")
        write_whole(folder / "times.csv", ("\n".join(table) + "\n").encode())
        return folder

    def remove(self, name: str) -> None:
        """Delete a stage and its segments."""
        folder = self._folder(name)
        with lock(folder):
            # First what makes it a stage, so that a half-removed one is never taken for whole.
            for file in ("done.json", "stage.json"):
                retried(name, folder, lambda path=folder / file: path.unlink(missing_ok=True))
        retried(name, folder, lambda: shutil.rmtree(folder))


@dataclass(frozen=True)
class StageStatus:
    """One stage: its picture size, how many of its frames are done, and the room it takes."""

    name: str
    size: str
    done: int
    frames: int
    bytes: int


@dataclass(frozen=True)
class Status:
    """What a project holds; shows itself as a table."""

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
            f"<tr><td>{html.escape(row.name)}</td><td>{row.size}</td>"
            f"<td>{row.done} of {row.frames}</td><td>{row.bytes / 1e6:.1f}</td></tr>"
            for row in self.stages
        )
        return f"<p>{html.escape(self.folder)}</p><table>{head}{rows}</table>"


def _unpack_found(kind: type[T], values: Any) -> T | None:
    """Return what was found before, or None if it cannot be told from what was written down."""
    names = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(values, dict) or not names <= values.keys():
        return None
    try:
        return kind(**{name: values[name] for name in names})
    except (TypeError, ValueError, SilkPurseError):
        return None


def _search(
    path: Path, options: dict[str, Any], run: RunContext
) -> tuple[VideoClip, tuple[Fraction, ...]]:
    """Open a film and find its shots. That reads every frame, so it also proves the index: where
    the decoder gives other frames than a large file's index promises, its answer wins."""
    clip = open_video(path, **options)
    try:
        return clip, find_cuts(clip, run)
    except VideoIndexError as error:
        log.warning("%s It is read again from the first frame to the last.", error)
        clip = open_video(path, **{**options, "scan": "decode"})
        return clip, find_cuts(clip, run)


def _pack_source(clip: VideoClip) -> dict[str, Any]:
    index = clip.index
    return {
        "info": clip.info.to_json(),
        "index": {
            "pts": index.pts,
            "keys": index.keys,
            "time_base": str(index.time_base),
            "end": str(index.end),
            "counted": index.counted,
            "damaged": index.damaged,
            "notes": index.notes,
        },
        "stream": clip.stream,
        "bwdif": clip.bwdif,
        "rotation": clip.rotation,
        "notes": clip.notes,
    }


def _unpack_source(path: Path, kept: dict[str, Any]) -> VideoClip:
    values = kept["index"]
    index = Index(
        tuple(values["pts"]),
        tuple(values["keys"]),
        Fraction(values["time_base"]),
        Fraction(values["end"]),
        values["counted"],
        values["damaged"],
        tuple(values["notes"]),
    )
    return VideoClip(
        path=path,
        info=ClipInfo.from_json(kept["info"]),
        times=tuple(pts * index.time_base for pts in index.pts),
        end=index.end,
        index=index,
        stream=kept["stream"],
        bwdif=kept["bwdif"],
        rotation=kept["rotation"],
        notes=tuple(kept["notes"]),
    )
