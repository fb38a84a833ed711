"""A save that is killed: a film of six segments, and a program that saves it and kills itself.

    python -m tests.support.killed PROJECT SCRATCH [WHERE WHEN COUNT]

With the last three, it dies before or after the COUNT-th renaming to a name that ends in WHERE.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from helpers.clip import Frame, MemoryClip
from helpers.project.project import Project
from helpers.runtime.machine import runtime
from helpers.stage import Stage
from tests.support.law import same, varying_clip
from tests.support.machine import use
from tests.support.paths import REPO

PACE = 0.004
"""Seconds that the program takes for a frame."""

made: list[Fraction] = []
"""The times of the frames that were made in this process."""


@dataclass(frozen=True)
class Slowly(Stage):
    """Inverts pictures, slowly in the program, and notes which."""

    def process(self, frames, times, run):
        for frame in frames:
            made.append(frame.time)
            if __name__ == "__main__":
                time.sleep(PACE)
            yield Frame(~frame.image, frame.time)


def film(width=24, height=18):
    """72 frames in six seconds, six segments."""
    clip = varying_clip(72, width, height, cuts=(), still=True)
    times = [Fraction(number, 12) for number in range(73)]
    return Slowly()(MemoryClip(clip.images, times[:-1], times[-1]))


def save(folder, clip=None):
    return Project(folder).save(clip or film(), "01_test", segment=1, progress=False)


def start(folder, *death):
    """Start the program, with this process's scratch folder."""
    use(forced_device="cpu", forced_precision="fp32")
    words = [str(folder), str(runtime().scratch), *map(str, death)]
    command = [sys.executable, "-m", "tests.support.killed", *words]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=REPO)


def survivors(folder):
    """The segments that need not be made again: noted as done, or finished on local scratch."""
    done = folder / "01_test" / "done.json"
    noted = set(json.loads(done.read_text())) if done.exists() else set()
    found = runtime().scratch.glob("silk-purse-*/*.mkv")
    return noted | {path.name for path in found if ".part." not in path.name}


def finish(folder, unbroken):
    """Run to the end; check every frame, and that only what was lost is made again."""
    kept = survivors(folder)
    saved = save(folder)
    lost = [segment for segment in saved.segments if segment.file not in kept]
    again = [saved.times[n] for s in lost for n in range(s.start, s.stop)]
    # If the stage had not been begun, a few frames were tried first.
    assert made[len(made) - len(again) :] == again and (made == again or not kept)
    assert same(list(saved), unbroken)
    assert not list(folder.rglob("*.part*")) and not list(runtime().scratch.glob("silk-*"))
    return len(saved.segments) - len(lost)


# --- the program -------------------------------------------------------------------------------


def arm(where, when, count):
    """Kill this process around the count-th time that a file is renamed to a name in `where`."""
    rename, left = os.replace, [int(count)]

    def armed(source, target, *args, **options):
        hit = str(target).endswith(where)
        left[0] -= hit
        if hit and left[0] == 0 and when == "before":
            die()
        rename(source, target, *args, **options)
        if hit and left[0] == 0:
            die()

    os.replace = armed


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder, scratch, *death):
    use(scratch=Path(scratch), forced_device="cpu", forced_precision="fp32")
    if death:
        arm(*death)
    save(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
