"""Compare a result that was written earlier with its film: the command `verify`.

found = verify_files(Path("restored.mp4"), Path("tape.mp4"))
print(found.summary())
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from helpers.clip import Clip
from helpers.errors import ProjectError
from helpers.project.report import Report, report_path
from helpers.retime import Trim
from helpers.verify.contents import read_contents
from helpers.verify.promise import Promise, steps_of, times_of
from helpers.verify.result import verify
from helpers.verify.verdict import Verification
from helpers.video.reader import Deinterlace, VideoClip, open_video

RETIMED = {"Interpolate", "ConstantRate", "RemoveDuplicates"}
"""The stages that change when pictures are shown."""


def verify_files(output: Path, source: Path, seconds: float = 60.0) -> Verification:
    """Compare a result with the film that it was made from.

    The report beside the result tells which steps made it. Without a report, only coarse
    differences of the picture are found, for nobody knows what was meant to change.

    Args:
        seconds: about how long this may take.

    Raises:
        SilkPurseError: one of the two cannot be read.
    """
    try:
        report = Report.read(report_path(output))
    except ProjectError:
        report = None
    film = open_video(source, deinterlace=_read_deinterlace(report))
    return verify(output, _read_promise(output, film, report), source, seconds)


def _read_deinterlace(report: Report | None) -> Deinterlace:
    """Return how the film was read for a result."""
    row = next((row for row in report.recipe if "source" in row), None) if report else None
    if row is None:
        return "auto"
    if row.get("telecine"):
        return "telecine"
    if row.get("bwdif"):
        return "on" if row.get("motion") else "bwdif"
    return "off"


def _read_promise(output: Path, film: VideoClip, report: Report | None) -> Promise:
    """Return what a file must be, from its report and its film."""
    recipe = report.recipe if report else []
    steps = None
    if report:
        steps = (*steps_of(film), *(row["stage"] for row in recipe if "stage" in row))
    trim = next((row for row in recipe if row.get("stage") == "Trim"), {})
    start, stop = (Fraction(trim[key]) if trim.get(key) else None for key in ("start", "stop"))
    clip = Trim(start, stop)(film)
    times = clip.times
    if steps is None or RETIMED & set(steps):
        times = _read_times(output, clip, report.result.frames if report else None)
    return Promise(
        times=times,
        end=clip.end,
        steps=steps,
        film=times_of(film),
        stream=film.stream,
        trimmed=bool(trim),
        sound=None,
        notes=tuple(report.notes) if report else (),
    )


def _read_times(output: Path, clip: Clip, frames: int | None) -> list[float] | list[Fraction]:
    """Return the times that a result with other times than its film's should have.

    They are those in its file, if these are as many as the report says. Without a report, they must
    hold every time of the film.

    Args:
        frames: how many pictures the report names.
    """
    own = read_contents(output).picture().times
    own = own - own[:1] + float(clip.times[0])
    if frames is None:
        gaps = [np.abs(own - float(time)).min(initial=np.inf) for time in clip.times]
        return own.tolist() if max(gaps) < 0.002 else list(clip.times)
    if len(own) == frames:
        return own.tolist()
    length = float(clip.duration)
    return [float(clip.times[0]) + length * number / frames for number in range(frames)]
