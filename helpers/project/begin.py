"""Begin a stage: try a few frames, and choose how it is saved and where it is cut."""

from __future__ import annotations

import logging
import shutil
from fractions import Fraction
from pathlib import Path

from helpers.clip import Clip
from helpers.project.manifest import StageManifest, write_stage
from helpers.project.networks import try_fast_frames
from helpers.project.segments import CODECS, LOSSLESS, SMALL, read_done
from helpers.project.trial import Trial, try_frames
from helpers.project.versions import stage_of
from helpers.project.words import format_bytes
from helpers.run import RunContext
from helpers.runtime.storage import retry

log = logging.getLogger("helpers")

SHARE = 0.5
"""The part of a project's free space that lossless segments may take without being asked for: the
other half is for the steps that follow, and for the film."""

SHORT = 600
"""A film of fewer frames is saved in segments of one second."""

AT_RISK = 300.0
"""Seconds of work that may be lost when a run is interrupted: what a segment may take."""


def begin_stage(
    folder: Path, clip: Clip, codec: str | None, length: Fraction | None, run: RunContext
) -> StageManifest:
    """Try a clip on a few frames, and write the description of the stage that will hold it.

    Args:
        folder: the stage.
        codec: one of CODECS; chosen by the room there is if None, with a note if not lossless.
        length: seconds of a segment; chosen by the time they take if None.
    """
    trial, backends = try_fast_frames(clip, (codec,) if codec else CODECS, run)
    if codec is None:
        codec, note = choose_codec(stage_of(folder.name), len(clip), folder.parent, trial)
        if note:
            run.notes.append(note)
            log.warning("%s", note)
    length = length or segment_length(clip, trial.seconds)
    manifest = StageManifest.of(
        clip, codec, length, run.machine, trial.bytes[codec], trial.encoders[codec], backends
    )
    write_stage(folder, manifest)
    return manifest


def choose_codec(name: str, frames: int, folder: Path, trial: Trial) -> tuple[str, str | None]:
    """Choose how a stage is saved: lossless if there is plenty of room, or else near-lossless.

    Args:
        folder: the project.
        trial: of all CODECS.

    Returns:
        The codec, and a note for the user if it is not lossless.
    """
    need = frames * trial.bytes[LOSSLESS]
    free = retry("the project", folder, lambda: shutil.disk_usage(folder).free)
    if need <= SHARE * free:
        return LOSSLESS, None
    return SMALL, (
        f"{name} is saved near-lossless, in about {format_bytes(frames * trial.bytes[SMALL])}. "
        f"Without any loss it would take {format_bytes(need)}; {folder} has {format_bytes(free)} "
        "free, and the steps that follow and the film need room as well."
    )


def segment_length(clip: Clip, each: float) -> Fraction:
    """Choose how many seconds of film a segment holds.

    One for a short film and ten for a long one, or less if these take longer than AT_RISK.

    Args:
        each: seconds that a frame takes.
    """
    if len(clip) < SHORT:
        return Fraction(1)
    length = round(Fraction(AT_RISK / max(each, 0.001)) / clip.info.fps)
    return Fraction(min(max(length, 1), 10))


def frame_bytes(folder: Path, manifest: StageManifest, clip: Clip, run: RunContext) -> float:
    """Return the size of a saved frame: of those that are finished, or of the trial."""
    done = read_done(folder)
    frames = sum(one.stop - one.start for one in manifest.segments if one.file in done)
    if frames:
        return sum(row["bytes"] for row in done.values()) / frames
    # Version 0.1.0 of this package did not note it.
    return manifest.frame_bytes or try_frames(clip, (manifest.codec,), run).bytes[manifest.codec]
