"""Pictures on a card, on one that is pretended: the CPU takes the same way, without streams."""

import pickle
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from helpers.clip import Frame, same_pixels
from helpers.nn import card
from helpers.nn.card import PixelsOnCard, place, to_array, to_bits, upload
from helpers.nn.tensors import to_images, to_pixels, to_tensor
from tests.support.card import pretended

DTYPES = (np.uint8, np.uint16)


class Lane:
    """A stream that notes what it is told."""

    def __init__(self, name, log):
        self.name, self.log = name, log

    def wait_stream(self, other):
        self.log.append(f"{self.name} waits for {other.name}")


class Arrival:
    """An event that notes when it is recorded and waited for."""

    def __init__(self, log, blocking):
        assert blocking
        self.log = log

    def record(self, lane):
        self.log.append(f"recorded on {lane.name}")

    def synchronize(self):
        self.log.append("waited")


class Bits(torch.Tensor):
    """Bits that seem to lie on a card."""

    device = torch.device("cuda", 0)

    def record_stream(self, lane):
        self.log.append(f"used on {lane.name}")

    def to(self, *where, non_blocking=False):
        assert where[0].type == "cuda" and non_blocking
        return self


@pytest.fixture
def lanes(monkeypatch):
    """What streams and events are told; memory that is not pinned takes the place of pinned."""
    log = []
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Lane("computing", log))
    monkeypatch.setattr(torch.cuda, "stream", lambda lane: nullcontext())
    monkeypatch.setattr(torch.cuda, "Event", lambda blocking: Arrival(log, blocking))
    monkeypatch.setattr(card, "_lane", lambda device, way: Lane(way, log))
    return log


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_picture_comes_back_on_a_lane_of_its_own(lanes, monkeypatch, dtype):
    monkeypatch.setattr(card, "_pinned", lambda bits: torch.empty(bits.shape, dtype=bits.dtype))
    image = picture(dtype)
    bits = to_bits(image).as_subclass(Bits)
    bits.log = lanes
    there = PixelsOnCard(bits)
    there.fetch()
    there.fetch()
    begun = ["down waits for computing", "recorded on down", "used on down"]
    assert lanes == begun
    assert np.array_equal(np.asarray(there), image)
    assert np.asarray(there) is np.asarray(there)
    assert lanes == [*begun, "waited"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_picture_is_sent_on_a_lane_of_its_own(lanes, monkeypatch, dtype):
    image = picture(dtype)

    def pinned(bits):
        memory = torch.empty(bits.shape, dtype=bits.dtype).as_subclass(Bits)
        memory.log = lanes
        return memory

    monkeypatch.setattr(card, "_pinned", pinned)
    there = upload(image, "cuda")
    assert lanes == ["computing waits for up", "used on computing"]
    assert np.asarray(there) is image
    assert np.array_equal(to_array(there.bits.as_subclass(torch.Tensor)), image)


def picture(dtype=np.uint8, height=5, width=7, seed=0):
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, top + 1, (height, width, 3)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_picture_comes_back_as_it_went(dtype):
    image = picture(dtype)
    there = PixelsOnCard(upload(image, "cpu").bits)
    assert there.shape == image.shape and there.dtype == image.dtype
    there.fetch()
    assert np.array_equal(np.asarray(there), image)
    assert np.asarray(there) is np.asarray(there)  # it is brought once


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_part_of_a_picture_and_one_that_must_not_be_written_can_be_sent(dtype):
    image = picture(dtype)
    image.flags.writeable = False
    for part in (image, image[1:4, ::2], image[::-1]):
        assert np.array_equal(to_array(to_bits(part)), part)


@pytest.mark.parametrize("dtype", DTYPES)
def test_all_levels_survive_as_a_tensor(dtype):
    top = np.iinfo(dtype).max
    image = np.arange(top + 1, dtype=dtype).repeat(3).reshape(1, -1, 3)
    batch = to_tensor([image], "cpu", torch.float32)
    assert float(batch.min()) == 0 and float(batch.max()) == 1
    assert np.array_equal(to_images(batch, np.dtype(dtype))[0], image)
    (there,) = to_pixels(batch, upload(image, "cpu"))
    assert isinstance(there, PixelsOnCard) and np.array_equal(np.asarray(there), image)


def test_only_a_card_keeps_pictures():
    image = picture()
    assert place([image], "cpu")[0] is image
    with pretended():
        (there,) = place([image], "cpu")
        assert place([there], "cpu")[0] is there
    assert place([there], "cpu")[0] is image  # it never left


def test_equality_is_known_without_waiting():
    one, other = picture(), picture()
    sent, again = upload(one, "cpu"), upload(other, "cpu")
    assert same_pixels(one, other) and same_pixels(sent, again) and same_pixels(sent, other)
    assert not same_pixels(sent, upload(picture(seed=1), "cpu"))
    made = PixelsOnCard(sent.bits)
    assert same_pixels(made, made) and not same_pixels(made, PixelsOnCard(sent.bits))


def test_a_frame_gives_its_picture_as_an_array_wherever_it_lies():
    image = picture()
    frame = Frame(PixelsOnCard(to_bits(image)), 0)
    assert np.array_equal(frame.image, image) and "7x5 uint8" in repr(frame)
    sent = pickle.loads(pickle.dumps(frame))
    assert isinstance(sent.pixels, np.ndarray) and np.array_equal(sent.image, image)
