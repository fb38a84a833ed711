"""Killed at any moment, a run goes on; nothing is lost or faked."""

import random
import signal
import time

import numpy as np
import pytest

from helpers.runtime.machine import runtime
from tests.support.killed import PACE, film, finish, start


@pytest.fixture(scope="module")
def unbroken():
    return list(film())


# --- killed -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "when", "count", "least"),
    [
        ("stage.json", "before", 1, 0),
        ("stage.json", "after", 1, 0),
        ("01_test/000000.mkv", "before", 1, 1),
        ("01_test/000002.mkv", "before", 1, 3),
        ("01_test/000002.mkv", "after", 1, 3),
        ("done.json", "before", 1, 1),
        ("done.json", "before", 3, 3),
        ("done.json", "after", 3, 3),
        ("done.json", "after", 6, 6),
        ("/000003.mkv", "before", 1, 3),  # on scratch
        ("/000003.mkv", "after", 1, 4),
    ],
)
def test_killed_around_a_rename_it_goes_on(tmp_path, unbroken, where, when, count, least):
    process = start(tmp_path, where, when, count)
    assert process.wait(60) == -signal.SIGKILL, process.stderr.read()  # type: ignore[union-attr]
    assert finish(tmp_path, unbroken) >= least


@pytest.mark.slow
def test_killed_again_and_again_at_any_moment_it_gets_to_the_end(tmp_path, unbroken):
    dice, killed = random.Random(7), 0
    for _ in range(5):
        process = start(tmp_path)
        begun = tmp_path / "01_test" / ".lock"
        while process.poll() is None and not (begun.exists() and begun.read_text()):
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 12 * PACE * 3))
        process.kill()
        killed += process.wait() == -signal.SIGKILL
    assert killed
    finish(tmp_path, unbroken)


@pytest.mark.slow
def test_killed_in_the_middle_of_a_segment_only_that_one_is_made_again(tmp_path, unbroken):
    process = start(tmp_path)
    while not list(runtime().scratch.glob("silk-purse-*/000003.part.mkv")):
        assert process.poll() is None
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert finish(tmp_path, unbroken) >= 3


def test_pictures_are_really_changed_by_the_stage(unbroken):
    assert not np.array_equal(unbroken[0].image, film().source[0].image)  # type: ignore[attr-defined]
