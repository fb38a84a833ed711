"""Films that are saved, by a stage that notes which frames it made."""

from dataclasses import dataclass
from fractions import Fraction

import pytest

from helpers.clip import Frame
from helpers.project.project import Project
from helpers.project.runner import SegmentRunner
from helpers.stage import Stage
from tests.support.law import varying_clip

HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Counting(Stage):
    """Inverts pictures and counts them."""

    depth: int = 8

    def process(self, frames, times, run):
        for frame in frames:
            made.append(frame.time)
            yield Frame(~frame.image, frame.time)


made: list[Fraction] = []


def save(folder, clip, name="01_test", **options):
    return Project(folder).save(clip, name, **{"segment": HALF, "progress": False, **options})


def film(**options):
    return Counting()(varying_clip(count=16, **options))


def one_line(error):
    """Check that an error is one sentence for a person, and return it."""
    text = str(error.value)
    assert "\n" not in text and "Errno" not in text and text.endswith((".", ")"))
    return text


# --- looking ------------------------------------------------------------------------------------


class BreakError(Exception):
    """What stops a run in these tests."""


def break_off(monkeypatch, folder, clip, after, name="01_test"):
    """Run a save that fails after some segments."""
    commit, count = SegmentRunner._commit, []

    def limited(self, segment, path):
        if len(count) == after:
            raise BreakError
        count.append(segment)
        commit(self, segment, path)

    with monkeypatch.context() as patch, pytest.raises(BreakError):
        patch.setattr(SegmentRunner, "_commit", limited)
        save(folder, clip, name)
