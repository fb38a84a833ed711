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
import math
import shutil
import tempfile
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from helpers.clip import Clip, ClipInfo, Frame
from helpers.errors import (
    ProjectError,
    RecipeMismatchError,
    SegmentError,
    StorageError,
)
from helpers.index import Index, make_index
from helpers.runtime import file_sha256, runtime, use
from helpers.shots import MarkShots, find_cuts
from helpers.stage import StagedClip, exact, prefetch
from helpers.storage import (
    Heart,
    damaged,
    fingerprint,
    lock,
    publish,
    read_json,
    retried,
    write_json,
    write_whole,
)
from helpers.video import VideoClip, open_video
from helpers.writing import CODECS, Encoder, bar, output_colour

log = logging.getLogger("helpers")

VERSION = 1


@dataclass(frozen=True)
class Segment:
    """A run of frames in a file of its own: half-open frame numbers of the whole clip."""

    number: int
    start: int
    stop: int

    @property
    def file(self) -> str:
        """Its name: six digits, so that names sort."""
        return f"{self.number:06d}.mkv"


@dataclass(frozen=True, eq=False, repr=False)
class SavedClip(Clip):
    """A stage that was saved; its times come from the project, exactly, and not from the files."""

    folder: Path
    info: ClipInfo
    times: Sequence[Fraction]
    end: Fraction
    cuts: Sequence[Fraction]
    segments: Sequence[Segment]
    codec: str
    made: list[dict[str, Any]] = field(repr=False)

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.folder.name

    def frames(self, start: int = 0, stop: int | None = None) -> Generator[Frame, None, None]:
        """Give a half-open range of frames, from as few segments as hold it."""
        start, stop = self.span(start, stop)
        done = read_done(self.folder)
        cuts = set(self.cuts)
        for segment in self.segments:
            first, last = max(segment.start, start), min(segment.stop, stop)
            if first >= last:
                continue
            check_segment(self.folder, segment, done)
            picture = segment_clip(self.folder / segment.file, self.info, self.codec)
            with closing(picture.frames(first - segment.start, last - segment.start)) as frames:
                for number, frame in enumerate(frames, first):
                    time = self.times[number]
                    yield Frame(frame.image, time, time in cuts)

    def recipe(self) -> list[dict[str, Any]]:
        """What it was made of; saving changes nothing, so it adds nothing."""
        return self.made


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

    def source(self, path: str | Path, *, progress: bool = True, **options: Any) -> Clip:
        """Open the film with its shots marked; what had to be searched for is kept.

        Args:
            path: the video file.
            options: those of `open_video`.

        Raises:
            VideoOpenError: the file cannot be read.
        """
        path = Path(path)
        kept = read_json(self.folder / "source.json")
        if not path.exists() or path.is_dir():
            open_video(path)  # says what is wrong
        key = {"sha256": file_sha256(path), "options": {k: str(v) for k, v in options.items()}}
        if not isinstance(kept, dict):
            kept = {}
        if kept.get("version") == VERSION and kept.get("key") == key:
            clip = _unpack_source(path, kept)
        else:
            clip = open_video(path, **{"scan": "decode", **options})
            cuts = find_cuts(clip, progress)
            kept = {"version": VERSION, "key": key, "cuts": [str(cut) for cut in cuts]}
            write_json(self.folder / "source.json", {**kept, **_pack_source(clip)})
        return MarkShots(tuple(Fraction(cut) for cut in kept["cuts"]))(clip)

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
    ) -> SavedClip:
        """Make a clip and keep it, segment by segment; what is there already is not made again.

        Args:
            name: the stage's folder: its number and name, like "04_upscale".
            codec: "ffv1" (lossless) or "near-lossless" (H.264 4:4:4, a fifth of the size).
            segment: about how many seconds of film a segment holds.

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
            stage = begin(folder, clip, codec, length)
            missing = missing_segments(folder, _segments(stage))
            if missing:
                check_space(folder, clip, codec, missing)
                _Run(folder, clip, stage, heart, progress).make(missing)
            shutil.rmtree(scratch_folder(folder, stage), ignore_errors=True)
        return self.load(name)

    def load(self, name: str) -> SavedClip:
        """Return a stage that was saved.

        Raises:
            ProjectError: there is no such stage, or it is not finished.
        """
        folder = self._folder(name)
        stage, done = read_stage(folder), read_done(folder)
        segments = _segments(stage)
        there = sum(segment.file in done for segment in segments)
        if there < len(segments):
            raise ProjectError(
                f"{name} is not finished: {there} of {len(segments)} segments are there. Run it "
                "again; it goes on at the first missing one."
            )
        return _saved(folder, stage)

    def _folder(self, name: str) -> Path:
        """Return a stage's folder, or say which stages there are."""
        names = self.names()
        if name not in names:
            told = ", ".join(names) or "none"
            raise ProjectError(f"{self.folder} has no stage {name!r}; there are: {told}.")
        return self.folder / name

    def _finished(self, name: str) -> bool:
        done = read_done(self.folder / name)
        return all(s.file in done for s in _segments(read_stage(self.folder / name)))

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

    def status(self) -> Status:
        """Return a table of what was begun and what is finished."""
        rows = []
        for name in self.names():
            stage, done = read_stage(self.folder / name), read_done(self.folder / name)
            info = ClipInfo.from_json(stage["info"])
            frames = sum(s.stop - s.start for s in _segments(stage) if s.file in done)
            rows.append(
                StageStatus(
                    name,
                    info.size,
                    frames,
                    len(stage["pts"]),
                    sum(row["bytes"] for row in done.values()),
                )
            )
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


# --- what a stage's folder says -----------------------------------------------------------------


def begin(folder: Path, clip: Clip, codec: str, length: Fraction) -> dict[str, Any]:
    """Read what a stage is, or write it down if it is new; refuse if it is something else."""
    recipe = clip.recipe()
    if read_json(folder / "stage.json") is not None:
        stage = read_stage(folder)
        difference = recipe_difference(stage["recipe"], recipe)
        if difference is None and stage["codec"] != codec:
            difference = (f"codec {stage['codec']}", f"codec {codec}")
        if difference is not None:
            raise RecipeMismatchError(
                f"{folder.name} was made with {difference[0]}, and now {difference[1]} is asked "
                f"for; they are never mixed. Save under another name, or project.remove("
                f"{folder.name!r}) first."
            )
        return stage
    # Segments of a stage that is not there any more are not those of this one.
    retried(folder.name, folder, lambda: (folder / "done.json").unlink(missing_ok=True))
    units, pts = exact_units(clip.times)
    machine = runtime()
    stage = {
        "version": VERSION,
        "recipe": recipe,
        "codec": codec,
        "info": clip.info.to_json(),
        "first": str(clip.times[0]),
        "units": units,
        "pts": pts,
        "end": str(clip.end),
        "cuts": [str(cut) for cut in clip.cuts],
        "segments": [[s.start, s.stop] for s in plan(clip, length)],
        # With the same memory a network cuts the same tiles, so that a resumed run gives the
        # same bits as an unbroken one.
        "machine": {
            "device": machine.device,
            "precision": machine.precision,
            "memory": machine.free_memory(),
        },
    }
    write_json(folder / "stage.json", stage)
    return stage


def recipe_difference(
    old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> tuple[str, str] | None:
    """Return the first difference of two recipes, in words, old and new; None if there is none."""
    for step in range(max(len(old), len(new))):
        before = old[step] if step < len(old) else {}
        after = new[step] if step < len(new) else {}
        if _content(before) == _content(after):
            continue
        titles = [str(r.get("stage") or r.get("source") or "nothing more") for r in (before, after)]
        if before.get("stage") != after.get("stage"):
            return titles[0], titles[1]
        keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        told = [
            f"{title} ({', '.join(f'{key} {_short(row.get(key))}' for key in keys)})"
            for title, row in zip(titles, (before, after), strict=True)
        ]
        return told[0], told[1]
    return None


def _content(row: dict[str, Any]) -> dict[str, Any]:
    """Leave out a film's name where its sha256 is known: a renamed file is the same film."""
    return {k: v for k, v in row.items() if k != "source"} if "sha256" in row else row


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:16] + "..."


def exact_units(times: Sequence[Fraction]) -> tuple[int, list[int]]:
    """Return units a second, and the times since the first as whole numbers of them."""
    spans = [time - times[0] for time in times]
    units = math.lcm(*(span.denominator for span in spans))
    return units, [int(span * units) for span in spans]


def plan(clip: Clip, length: Fraction) -> list[Segment]:
    """Cut a timeline into segments of about `length` seconds, at shot cuts where one is near."""
    times, edges = clip.times, [0]
    begins = set(clip.cuts)
    cuts = [number for number, time in enumerate(times) if time in begins]
    while True:
        begun = times[edges[-1]]
        if clip.end - begun <= length * Fraction(3, 2):
            break
        near = [
            c
            for c in cuts
            if length * Fraction(2, 3) <= times[c] - begun <= length * Fraction(4, 3)
        ]
        if near:
            edge = min(near, key=lambda number: abs(times[number] - begun - length))
        else:
            edge = clip.number_at(begun + length)
        edge = max(edge, edges[-1] + 1)
        if edge >= len(times):
            break
        edges.append(edge)
    edges.append(len(times))
    return [Segment(n, *pair) for n, pair in enumerate(pairwise(edges))]


def _segments(stage: dict[str, Any]) -> list[Segment]:
    return [Segment(n, *pair) for n, pair in enumerate(stage["segments"])]


def _saved(folder: Path, stage: dict[str, Any]) -> SavedClip:
    first, units = Fraction(stage["first"]), stage["units"]
    return SavedClip(
        folder=folder,
        info=ClipInfo.from_json(stage["info"]),
        times=tuple(first + Fraction(pts, units) for pts in stage["pts"]),
        end=Fraction(stage["end"]),
        cuts=tuple(Fraction(cut) for cut in stage["cuts"]),
        segments=_segments(stage),
        codec=stage["codec"],
        made=stage["recipe"],
    )


STAGE_KEYS = {"version", "recipe", "codec", "info", "first", "units", "pts", "end", "cuts",
              "segments", "machine"}  # fmt: skip


def read_stage(folder: Path) -> dict[str, Any]:
    """Return what a stage is.

    Raises:
        ProjectError: its description is damaged, or of another version of this package.
    """
    path = folder / "stage.json"
    stage = read_json(path)
    if not isinstance(stage, dict) or "version" not in stage:
        raise damaged(path, "it does not describe a stage")
    if stage["version"] != VERSION:
        raise ProjectError(
            f"{folder.name} was begun by another version of this package (its files are of version "
            f"{stage['version']}, here {VERSION}). Finish it there, or project.remove("
            f"{folder.name!r}) and make it again."
        )
    if missing := STAGE_KEYS - stage.keys():
        raise damaged(path, f"it lacks {', '.join(sorted(missing))}")
    return stage


def read_done(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what is known of each finished segment, by file name."""
    done = read_json(folder / "done.json")
    if done is not None and not isinstance(done, dict):
        raise damaged(folder / "done.json", "it does not list segments")
    return done or {}


def check_segment(folder: Path, segment: Segment, done: dict[str, dict[str, Any]]) -> None:
    """Raise SegmentError unless a segment's file is the one that was written."""
    row = done.get(segment.file)
    file = fingerprint(folder / segment.file) if row else None
    if row and file == row:
        return
    found = "is damaged (its sha256 is not the one noted)" if file else "is missing"
    raise SegmentError(
        f"Segment {segment.file} of {folder.name} {found}. Run the same save again: only that "
        "segment is made again."
    )


def missing_segments(folder: Path, segments: list[Segment]) -> list[Segment]:
    """Return the segments that are not there whole; damaged ones are struck off the list."""
    done, missing = read_done(folder), []
    for segment in segments:
        try:
            check_segment(folder, segment, done)
        except SegmentError as error:
            missing.append(segment)
            if done.pop(segment.file, None) is not None:
                log.warning("%s", error)
                write_json(folder / "done.json", done)
    return missing


def segment_clip(path: Path, info: ClipInfo, codec: str) -> VideoClip:
    """Open a segment as a clip of its own; only its pictures are of use."""
    index = make_index(path, None, "packets")
    pixels = CODECS[codec].formats[info.depth > 8]
    info = info.replace(colour=output_colour(info, pixels), field_order="progressive")
    times = tuple(pts * index.time_base for pts in index.pts)
    return VideoClip(path, info, times, index.end, index)


# --- making it ----------------------------------------------------------------------------------


class _Run:
    """Makes the missing segments of a stage, writing one away while the next is computed."""

    def __init__(
        self, folder: Path, clip: Clip, stage: dict[str, Any], heart: Heart, progress: bool
    ) -> None:
        self.folder, self.clip, self.stage = folder, clip, stage
        self.heart, self.progress = heart, progress
        self.done = read_done(folder)
        self.waiting: Future[None] | None = None
        self.scratch = scratch_folder(folder, stage)

    def make(self, missing: list[Segment]) -> None:
        machine, before = self.stage["machine"], runtime()
        if (before.device, before.precision) == (machine["device"], machine["precision"]):
            use(replace(before, memory_limit=machine["memory"]))
        else:
            log.warning(
                "%s was begun on %s in %s and goes on on %s in %s: the pictures differ by less "
                "than a grey level.",
                self.folder.name, machine["device"], machine["precision"],
                before.device, before.precision,
            )  # fmt: skip
        total = sum(segment.stop - segment.start for segment in missing)
        retried("the scratch folder", self.scratch.parent, self._make_scratch)
        try:
            with (
                ThreadPoolExecutor(1) as self.pool,
                bar(None, total, self.folder.name, self.progress) as self.ticks,
            ):
                for run in runs([segment for segment in missing if not self._found(segment)]):
                    self._make_run(run)
                self._settle()
        finally:
            use(before)

    def _make_scratch(self) -> None:
        self.scratch.mkdir(parents=True, exist_ok=True)

    def _found(self, segment: Segment) -> bool:
        """Use a segment that an earlier run on this machine finished and could not write away."""
        path = self.scratch / segment.file
        if not path.exists():
            return False
        log.info("%s was finished before and is written away now", segment.file)
        self._commit(segment, path)
        self.ticks.update(segment.stop - segment.start)
        return True

    def _make_run(self, run: list[Segment]) -> None:
        """Make segments that follow each other in one pass, so that nothing is computed twice."""
        frames = prefetch(self.clip.frames(run[0].start, run[-1].stop))
        with closing(frames):
            for segment in run:
                path = self.scratch / segment.file
                part = path.with_suffix(".part.mkv")
                span = (segment.start, segment.stop)
                with Encoder(part, self.clip, self.stage["codec"], 17, *span) as encoder:
                    for _ in range(*span):
                        encoder.write(next(frames))
                        self.heart.beat()
                        self.ticks.update()
                part.replace(path)
                self._settle()
                self.waiting = self.pool.submit(self._commit, segment, path)

    def _commit(self, segment: Segment, path: Path) -> None:
        publish(path, self.folder / segment.file)
        row = {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
        self.done[segment.file] = row
        write_json(self.folder / "done.json", self.done)
        path.unlink()

    def _settle(self) -> None:
        """Wait until the last segment is written away; its failure is raised here."""
        if self.waiting is not None:
            waiting, self.waiting = self.waiting, None
            waiting.result()


def scratch_folder(folder: Path, stage: dict[str, Any]) -> Path:
    """Return where a stage's segments are on the local disk until they are written away.

    Named by what the stage is, so that it is found again, and never by another stage.
    """
    whole = f"{folder.resolve()} {json.dumps(stage)}"
    return runtime().scratch / f"silk-purse-{hashlib.sha256(whole.encode()).hexdigest()[:16]}"


def runs(segments: list[Segment]) -> list[list[Segment]]:
    """Group segments that follow each other without a gap."""
    groups: list[list[Segment]] = []
    for segment in segments:
        if groups and groups[-1][-1].stop == segment.start:
            groups[-1].append(segment)
        else:
            groups.append([segment])
    return groups


def check_space(folder: Path, clip: Clip, codec: str, missing: list[Segment]) -> None:
    """Raise StorageError if the missing segments will not fit."""
    scratch = runtime().scratch
    retried("the scratch folder", scratch, lambda: scratch.mkdir(parents=True, exist_ok=True))
    lengths = sorted(segment.stop - segment.start for segment in missing)
    each = frame_bytes(clip, codec) * 1.2
    # On scratch one segment is made while another waits to be written away.
    for place, frames in ((folder, sum(lengths)), (scratch, sum(lengths[-2:]))):
        need = int(frames * each)
        free = retried("the project", place, lambda place=place: shutil.disk_usage(place).free)
        if need > free:
            raise StorageError(
                f"{folder.name} will take about {need / 1e9:.2f} GB ({frames} frames of "
                f"{clip.info.size}) in {place}, which has {free / 1e9:.2f} GB free. Make room, "
                "choose another folder, a smaller scale, or codec='near-lossless' (a fifth of the "
                "size)."
            )


def frame_bytes(clip: Clip, codec: str, samples: int = 3) -> float:
    """Estimate how many bytes a saved frame takes: source frames, enlarged plainly and encoded."""
    from helpers.clip import MemoryClip
    from helpers.engines.resize import resize

    root = clip
    while isinstance(root, StagedClip):
        root = root.source
    picks = [root[len(root) * (2 * k + 1) // (2 * samples)].image for k in range(samples)]
    images = [resize(image, clip.info.width, clip.info.height, "bicubic") for image in picks]
    sample = MemoryClip(images, [Fraction(k) for k in range(samples)], Fraction(samples))
    with tempfile.TemporaryDirectory(dir=runtime().scratch) as scratch:
        path = Path(scratch) / "sample.mkv"
        with Encoder(path, sample, codec) as encoder:
            for frame in sample.frames():
                encoder.write(frame)
        return path.stat().st_size / samples


# --- what is kept of the source -----------------------------------------------------------------


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
