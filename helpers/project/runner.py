"""Make the segments of a stage: one is copied into the project while the next is computed."""

from __future__ import annotations

import hashlib
import json
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from helpers.clip import Clip
from helpers.errors import Stopped
from helpers.progress import bar
from helpers.project.files import SegmentRow
from helpers.project.glimpses import glimpses_file, save_glimpses
from helpers.project.manifest import Segment, StageManifest
from helpers.project.networks import usable_backends
from helpers.project.segments import read_done
from helpers.project.versions import stage_of
from helpers.run import RunContext
from helpers.runtime.lock import Heart
from helpers.runtime.machine import file_sha256, runtime
from helpers.runtime.storage import publish, refuse_link, retry, write_json
from helpers.stage import prefetch
from helpers.verify.promise import Glimpses
from helpers.video.encoder import Encoder, Timestamps

log = logging.getLogger("helpers")


class SegmentRunner:
    """Makes the missing segments of a stage; one is copied while the next is computed."""

    def __init__(
        self, folder: Path, clip: Clip, manifest: StageManifest, heart: Heart, run: RunContext
    ) -> None:
        self.folder, self.clip, self.manifest = folder, clip, manifest
        self.name = stage_of(folder.name)
        self.heart, self.run = heart, run
        self.done = read_done(folder)
        self.stamps, self.seen = Timestamps.of(clip), Glimpses(len(clip))
        self.waiting: Future[None] | None = None
        self.scratch = scratch_folder(folder, manifest)

    def make(self, missing: list[Segment]) -> None:
        """Make these segments, and list each in done.json when it is complete in the project.

        Raises:
            Stopped: the watch stopped the run; the finished segments are kept.
        """
        self._use_same_machine()
        total = sum(segment.stop - segment.start for segment in missing)
        retry("the scratch folder", self.scratch.parent, self._make_scratch)
        with (
            ThreadPoolExecutor(1) as self.pool,
            bar(None, total, self.name, self.run.progress) as self.ticks,
        ):
            for group in _group_segments([s for s in missing if not self._publish_finished(s)]):
                self._make_group(group)
            self._wait()

    def _use_same_machine(self) -> None:
        """Use as much memory and the same backends as when the stage was begun.

        So tiles have the same size, and networks round in the same way. On another kind of machine
        that is impossible, and the difference is logged.
        """
        begun, here = self.manifest.machine, self.run.machine
        if (here.device, here.precision) == (begun["device"], begun["precision"]):
            backends, notes = usable_backends(self.folder.name, begun, here.device)
            for note in notes:
                self.run.notes.append(note)
                log.warning("%s", note)
            same = replace(here, memory_limit=begun["memory"], backends=backends)
            self.run = replace(self.run, machine=same)
            return
        log.warning(
            "%s was begun on %s in %s and continues on %s in %s. The pictures differ by less than "
            "one grey level.",
            self.folder.name, begun["device"], begun["precision"], here.device, here.precision,
        )  # fmt: skip

    def _make_scratch(self) -> None:
        self.scratch.mkdir(parents=True, exist_ok=True)
        refuse_link(self.scratch)

    def _publish_finished(self, segment: Segment) -> bool:
        """Copy a segment that an earlier run finished but did not copy; false if there is none."""
        path = self.scratch / segment.file
        if not path.exists():
            return False
        log.info("%s was finished by an earlier run and is copied now", segment.file)
        self._commit(segment, path)
        self._advance(segment.stop - segment.start)
        return True

    def _make_group(self, group: list[Segment]) -> None:
        """Make consecutive segments in one pass, so that no frame is computed twice."""
        frames = prefetch(self.clip.frames(group[0].start, group[-1].stop, self.run))
        with closing(frames):
            for segment in group:
                path = self.scratch / segment.file
                part = path.with_suffix(".part.mkv")
                span = range(segment.start, segment.stop)
                with self._encoder(part, segment) as encoder:
                    for number, frame in zip(span, frames, strict=False):
                        self._stop_if_told()
                        encoder.write(frame)
                        self.seen.add(number, encoder.fit(frame.image))
                        self.heart.beat()
                        self._advance(1)
                        self.run.watch.frame(number, frame)
                save_glimpses(self.scratch, segment, self.seen)
                part.replace(path)
                self._wait()
                self.waiting = self.pool.submit(self._commit, segment, path)

    def _encoder(self, path: Path, segment: Segment) -> Encoder:
        """Return the encoder of a segment; all of a stage are encoded alike."""
        return Encoder(
            path, self.clip, self.manifest.codec, first=segment.start, last=segment.stop,
            whole=self.stamps, name=self.manifest.encoder,
        )  # fmt: skip

    def _advance(self, count: int) -> None:
        """Count frames that are finished."""
        self.ticks.update(count)
        self.run.watch.advance(self.name, count)

    def _stop_if_told(self) -> None:
        """Raise Stopped if the watch stops the run; what is finished gets into the project."""
        if not self.run.watch.stopped():
            return
        self._wait()
        kept = sum(s.stop - s.start for s in self.manifest.segments if s.file in self.done)
        raise Stopped(
            f"Stopped. {kept} of {len(self.clip)} frames of {self.name} are kept. Run it again to "
            "make the others."
        )

    def _commit(self, segment: Segment, path: Path) -> None:
        small = glimpses_file(self.scratch, segment)
        if small.exists():
            publish(small, glimpses_file(self.folder, segment))
        publish(path, self.folder / segment.file)
        self.done[segment.file] = SegmentRow(bytes=path.stat().st_size, sha256=file_sha256(path))
        write_json(self.folder / "done.json", self.done)
        path.unlink()
        small.unlink(missing_ok=True)

    def _wait(self) -> None:
        """Wait until the last segment is copied; if that failed, raise its error."""
        if self.waiting is not None:
            waiting, self.waiting = self.waiting, None
            waiting.result()


def scratch_folder(folder: Path, manifest: StageManifest) -> Path:
    """Return the folder on the local disk that holds a stage's segments until they are copied.

    Its name depends on the folder and the manifest, so that only the same stage finds it again.
    """
    whole = f"{folder.resolve()} {json.dumps(manifest.to_json())}"
    return runtime().scratch / f"silk-purse-{hashlib.sha256(whole.encode()).hexdigest()[:16]}"


def _group_segments(segments: list[Segment]) -> list[list[Segment]]:
    """Group segments that follow each other without a gap."""
    groups: list[list[Segment]] = []
    for segment in segments:
        if groups and groups[-1][-1].stop == segment.start:
            groups[-1].append(segment)
        else:
            groups.append([segment])
    return groups
