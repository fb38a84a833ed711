"""Where a timeline is cut, and descriptions that are damaged."""

import json
import time
from fractions import Fraction

import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.errors import (
    ProjectError,
)
from helpers.project.manifest import cut_timeline
from helpers.project.project import Project
from tests.support.law import same, varying_clip
from tests.support.saves import HALF, film, one_line, save


def test_segments_are_cut_at_shots_where_one_is_near():
    images = [np.zeros((2, 2, 3), np.uint8)] * 400
    times = [Fraction(n, 10) for n in range(401)]
    clip = MemoryClip(images, times[:-1], times[-1], [times[n] for n in (70, 92, 230, 310)])
    assert [segment.start for segment in cut_timeline(clip, Fraction(10))] == [0, 92, 192, 310]


def test_every_frame_is_in_one_segment_however_they_are_spaced():
    for seed in range(20):
        clip = varying_clip(count=14, width=2, height=2, seed=seed)
        for length in (Fraction(1, 100), HALF, Fraction(100)):
            segments = cut_timeline(clip, length)
            frames = [n for segment in segments for n in range(segment.start, segment.stop)]
            assert frames == list(range(14))
            assert all(segment.start < segment.stop for segment in segments)


def test_a_long_film_of_many_shots_is_cut_quickly():
    images = [np.zeros((2, 2, 3), np.uint8)] * 20_000
    times = [Fraction(n, 25) for n in range(20_001)]
    clip = MemoryClip(images, times[:-1], times[-1], times[:-1:20])
    begun = time.process_time()
    cut_timeline(clip, Fraction(10))
    assert time.process_time() - begun < 2


def test_ten_thousand_shots_are_cut_as_quickly_as_one():
    """They took two minutes, in silence."""
    images = [np.zeros((2, 2, 3), np.uint8)] * 20_000
    times = [Fraction(n, 24) for n in range(20_001)]
    clip = MemoryClip(images, times[:-1], times[-1], times[:-1:2])
    begun = time.process_time()
    segments = cut_timeline(clip, Fraction(1))
    assert time.process_time() - begun < 2
    assert {(s.stop - s.start) for s in segments[:-1]} == {24}


@pytest.mark.parametrize("file", ["stage.json", "done.json"])
@pytest.mark.parametrize("data", [b"", b'{"version": 1,', b"[1]", b"\xff\xfe\0", b"\0" * 99])
def test_a_damaged_description_is_one_clear_sentence(tmp_path, file, data):
    folder = save(tmp_path, film()).folder
    (folder / file).write_bytes(data)
    for look in (lambda: save(tmp_path, film()), lambda: Project(tmp_path).load("01_test")):
        with pytest.raises(ProjectError, match=f"{file} is damaged.*Delete it") as error:
            look()
        one_line(error)


@pytest.mark.parametrize("file", ["stage.json", "done.json"])
def test_deleting_a_damaged_description_helps_as_promised(tmp_path, file):
    saved = save(tmp_path, film())
    (saved.folder / file).unlink()
    assert same(list(save(tmp_path, film())), list(film()))


def test_segments_without_a_description_are_never_taken_for_another_stage(tmp_path):
    folder = save(tmp_path, film()).folder
    (folder / "stage.json").unlink()  # as a removal that was killed leaves it
    other = varying_clip(count=16)
    assert same(list(save(tmp_path, other)), list(other))


def test_a_stage_of_another_version_is_refused(tmp_path):
    path = save(tmp_path, film()).folder / "stage.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 99}))
    with pytest.raises(ProjectError, match=r"another version.*99"):
        save(tmp_path, film())
