"""How stages compose, read ahead and batch."""

import threading
import time
import traceback
import weakref
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest

from helpers.clip import Frame, MemoryClip
from helpers.errors import StageError
from helpers.stage import Stage, exact, map_images, prefetch, snap, split_shots, windowed
from tests.support.law import same, varying_clip


class Numbers:
    """A generator of 0..count-1 that remembers what was read of it and whether it was closed."""

    def __init__(self, count, error=None):
        self.read, self.closed = 0, False
        self.items = self._items(count, error)

    def _items(self, count, error):
        try:
            for number in range(count):
                self.read += 1
                yield number
            if error:
                raise error
        finally:
            self.closed = True


def readers():
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


def read_after_a_while(numbers, expected):
    """Wait until so many were read, and then whether more are."""
    limit = time.monotonic() + 10
    while numbers.read < expected and time.monotonic() < limit:
        time.sleep(0.001)
    time.sleep(0.03)
    return numbers.read


# --- reading ahead ------------------------------------------------------------------------------


def test_items_come_in_order():
    assert list(prefetch(iter(range(100)))) == list(range(100))


@pytest.mark.parametrize("ahead", [1, 3])
def test_no_more_is_read_ahead_than_was_said(ahead):
    numbers = Numbers(20)
    with closing(prefetch(numbers.items, ahead)) as items:
        for asked in (1, 2, 3):
            next(items)
            assert read_after_a_while(numbers, asked + ahead) == asked + ahead


def test_nothing_is_read_before_it_is_asked_for():
    numbers = Numbers(5)
    items = prefetch(numbers.items)
    assert (numbers.read, readers()) == (0, [])
    items.close()


def test_an_exception_arrives_with_its_type_and_where_it_came_from():
    numbers = Numbers(2, KeyError("lost"))
    got = []
    with pytest.raises(KeyError, match="lost") as caught:
        for item in prefetch(numbers.items):
            got.append(item)
    assert got == [0, 1]
    assert any(line.name == "_items" for line in traceback.extract_tb(caught.tb))
    assert not readers()


def test_used_up_it_leaves_no_thread():
    numbers = Numbers(5)
    list(prefetch(numbers.items))
    assert numbers.closed and not readers()


def test_closed_early_it_closes_its_source_and_leaves_no_thread():
    numbers = Numbers(1000)
    items = prefetch(numbers.items)
    next(items)
    items.close()
    assert numbers.closed and not readers()


def test_thrown_into_it_closes_its_source_and_leaves_no_thread():
    numbers = Numbers(1000)
    items = prefetch(numbers.items)
    next(items)
    with pytest.raises(KeyboardInterrupt):
        items.throw(KeyboardInterrupt())
    assert numbers.closed and not readers()


def test_forgotten_it_leaves_no_thread():
    numbers = Numbers(1000)
    next(prefetch(numbers.items))
    assert numbers.closed and not readers()


def test_one_reads_ahead_of_another():
    numbers = Numbers(1000)
    items = prefetch(prefetch(numbers.items))
    assert [next(items) for _ in range(5)] == [0, 1, 2, 3, 4]
    items.close()
    assert numbers.closed and not readers()


# --- windows ------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [0, 1, 3, 9])
@pytest.mark.parametrize("after", [0, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 4, 20])
def test_every_item_is_given_among_its_neighbours(count, before, after):
    items = list(range(count))
    expected = [(items[max(n - before, 0) : n + after + 1], min(n, before)) for n in range(count)]
    assert list(windowed(iter(items), before, after)) == expected


def test_a_window_reads_no_farther_than_it_reaches():
    numbers = Numbers(100)
    for asked, (window, at) in enumerate(windowed(numbers.items, 2, 3)):
        assert window[at] == asked
        assert numbers.read == min(asked + 4, 100)


def test_a_window_holds_no_more_than_it_shows():
    alive = weakref.WeakSet()

    class Picture:
        def __init__(self):
            alive.add(self)

    for window, _ in windowed((Picture() for _ in range(30)), 2, 3):
        assert len(alive) == len(window) <= 6


def test_a_window_never_crosses_a_cut():
    clip = varying_clip(cuts=(5, 6))
    seen = [
        [frame.time for frame in window]
        for shot in split_shots(clip.frames(1, 9))
        for window, _ in windowed(shot, 1, 1)
    ]
    numbers = [[1, 2], [1, 2, 3], [2, 3, 4], [3, 4], [5], [6, 7], [6, 7, 8], [7, 8]]
    assert seen == [[clip.times[number] for number in window] for window in numbers]


# --- batches ------------------------------------------------------------------------------------


class Doubler:
    """Computes 2 x and remembers what it was given."""

    def __init__(self):
        self.shapes, self.seen = [], []

    def __call__(self, images):
        self.shapes.append((len(images), images[0].shape))
        self.seen += [int(image[0, 0, 0]) for image in images]
        return [image * 2 for image in images]


def frames_of(levels):
    return [Frame(np.full((2, 3, 3), v, np.uint8), Fraction(n, 7)) for n, v in enumerate(levels)]


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("levels", [[], [1], [1, 1], [1, 2, 3, 4, 5], [1, 1, 2, 2, 2, 3, 1, 1, 4]])
def test_every_frame_comes_once_in_order_with_its_time(levels, batch):
    given = frames_of(levels)
    made = list(map_images(iter(given), Doubler(), batch))
    assert same(made, [Frame(frame.image * 2, frame.time) for frame in given])


def test_every_batch_has_the_same_shape():
    doubler = Doubler()
    list(map_images(iter(frames_of([1, 2, 3, 4, 5, 5, 6])), doubler, 4))
    assert set(doubler.shapes) == {(4, (2, 3, 3))}


@pytest.mark.parametrize("batch", [1, 2])
def test_a_repeated_picture_is_computed_once(batch):
    doubler = Doubler()
    list(map_images(iter(frames_of([1, 1, 1, 2, 2, 3, 3, 3, 4])), doubler, batch))
    assert doubler.seen == [1, 2, 3, 4]


# --- composing ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Passing(Stage):
    """Passes frames on, with a fault on request."""

    fault: str = ""
    heavy: ClassVar[bool] = True

    def process(self, frames, times, run):
        for number, frame in enumerate(frames):
            if self.fault == "too few" and number == 3:
                return
            if self.fault == "raises" and number == 3:
                raise ZeroDivisionError("in the stage")
            image = frame.image[:-1] if self.fault == "smaller" else frame.image
            image = image.astype(np.uint16) if self.fault == "deeper" else image
            yield Frame(image, frame.time + (self.fault == "late"))


@dataclass(frozen=True)
class Faulty(Passing):
    """Must not be asked for anything at strength 0."""

    fault: str = "raises"
    strength: float = 1.0

    def __post_init__(self):
        self._check_ranges(strength=(0, 1))

    @property
    def context(self):
        return 3


def test_without_strength_the_source_is_passed_on_and_no_more_of_it_is_read():
    asked = []

    class Asked(MemoryClip):
        def frames(self, start=0, stop=None, run=None):
            asked.append((start, stop))
            return super().frames(start, stop, run)

    clip = varying_clip()
    source = Asked(clip.images, clip.times, clip.end, clip.cuts)
    assert same(list(Faulty(strength=0)(source)), list(clip))
    assert same(list(Faulty(strength=0)(source).frames(4, 6)), list(clip.frames(4, 6)))
    assert asked == [(0, 12), (4, 6)]
    with pytest.raises(ZeroDivisionError):
        list(Faulty(strength=0.1)(source))


def test_a_stage_sees_the_neighbours_it_asks_for():
    clip = varying_clip()
    assert [Faulty().window(clip, *span) for span in ((0, 1), (5, 6), (11, 12))] == [
        (0, 4), (2, 9), (8, 12),
    ]  # fmt: skip


@pytest.mark.parametrize("strength", [-0.1, 1.01, float("nan")])
def test_a_value_out_of_range_is_refused(strength):
    with pytest.raises(StageError, match=r"Faulty cannot use strength=.*must be from 0 to 1\."):
        Faulty(strength=strength)


@pytest.mark.parametrize("fault", ["too few", "late", "smaller", "deeper"])
def test_a_stage_that_breaks_its_promise_is_named(fault):
    with pytest.raises(StageError, match=r"Passing returned .* was expected"):
        list(Passing(fault)(varying_clip()))


def test_a_fault_in_a_stage_arrives_as_it_is():
    with pytest.raises(ZeroDivisionError, match="in the stage"):
        list(Passing()(Passing("raises")(varying_clip())))
    assert not readers()


def test_a_clip_left_half_read_leaves_no_thread():
    frames = Passing()(Passing()(varying_clip())).frames()
    next(frames)
    frames.close()
    assert not readers()


def test_an_empty_range_reads_nothing():
    assert list(Passing("raises")(varying_clip()).frames(4, 4)) == []


def test_cuts_move_to_the_next_frame_that_is_there():
    times = [Fraction(n) for n in (0, 2, 4, 6)]
    cuts = [Fraction(n) for n in (0, 1, 2, 5, 7)]
    assert snap(cuts, times) == (0, 2, 6)


def test_numbers_are_kept_as_a_person_writes_them():
    given = (24, 23.976, "24000/1001", 0.1, Fraction(1, 3))
    assert [str(exact(value)) for value in given] == ["24", "2997/125", "24000/1001", "1/10", "1/3"]
    for wrong in ("fast", float("nan"), "1/0"):
        with pytest.raises(StageError, match="not a number"):
            exact(wrong)
