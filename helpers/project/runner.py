"""Making the segments of a stage: one is written away while the next is computed."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from helpers.clip import Clip, MemoryClip
from helpers.errors import StorageError
from helpers.progress import bar
from helpers.project.manifest import Segment, StageManifest
from helpers.project.segments import read_done
from helpers.run import RunContext
from helpers.runtime.machine import file_sha256, runtime
from helpers.runtime.storage import Heart, publish, retried, write_json
from helpers.stage import StagedClip, prefetch
from helpers.video.writer import Encoder

log = logging.getLogger("helpers")


class SegmentRunner:
    """Makes the missing segments of a stage, writing one away while the next is computed."""

    def __init__(
        self, folder: Path, clip: Clip, manifest: StageManifest, heart: Heart, run: RunContext
    ) -> None:
        self.folder, self.clip, self.manifest = folder, clip, manifest
        self.heart, self.run = heart, run
        self.done = read_done(folder)
        self.waiting: Future[None] | None = None
        self.scratch = scratch_folder(folder, manifest)

    def make(self, missing: list[Segment]) -> None:
        """Make these segments and note each as done when it is whole on the drive."""
        self._take_up()
        total = sum(segment.stop - segment.start for segment in missing)
        retried("the scratch folder", self.scratch.parent, self._make_scratch)
        with (
            ThreadPoolExecutor(1) as self.pool,
            bar(None, total, self.folder.name, self.run.progress) as self.ticks,
        ):
            for group in runs([segment for segment in missing if not self._found(segment)]):
                self._make_run(group)
            self._settle()

    def _take_up(self) -> None:
        """Go on with the memory that the stage was begun with, so that the same tiles are cut; say
        so if this is another kind of machine."""
        begun, here = self.manifest.machine, self.run.machine
        if (here.device, here.precision) == (begun["device"], begun["precision"]):
            self.run = replace(self.run, machine=replace(here, memory_limit=begun["memory"]))
            return
        log.warning(
            "%s was begun on %s in %s and goes on on %s in %s: the pictures differ by less "
            "than a grey level.",
            self.folder.name, begun["device"], begun["precision"], here.device, here.precision,
        )  # fmt: skip

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

    def _make_run(self, group: list[Segment]) -> None:
        """Make segments that follow each other in one pass, so that nothing is computed twice."""
        frames = prefetch(self.clip.frames(group[0].start, group[-1].stop, self.run))
        with closing(frames):
            for segment in group:
                path = self.scratch / segment.file
                part = path.with_suffix(".part.mkv")
                span = (segment.start, segment.stop)
                with Encoder(part, self.clip, self.manifest.codec, 17, *span) as encoder:
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


def scratch_folder(folder: Path, manifest: StageManifest) -> Path:
    """Return where a stage's segments are on the local disk until they are written away.

    Named by what the stage is, so that it is found again, and never by another stage.
    """
    whole = f"{folder.resolve()} {json.dumps(manifest.to_json())}"
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
    from helpers.imaging.resample import resize

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
