"""Stages that hand pictures on where they lie: on a card that is pretended, beside arrays."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from helpers.clip import Frame
from helpers.nn import card
from helpers.nn.card import PixelsOnCard, to_bits
from helpers.run import RunContext
from helpers.stage import Stage, fetch_ahead
from helpers.stages.denoise.stage import Denoise
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.upscale.stage import Upscale
from tests.support.card import pretended
from tests.support.compact_states import compact_state
from tests.support.law import assert_law, assert_true, varying_clip
from tests.support.rife_states import generated_state
from tests.support.weights import put

DTYPES = (np.uint8, np.uint16)


@pytest.fixture
def weights(tmp_path, monkeypatch):
    put(monkeypatch, tmp_path, "rife-4.6", generated_state("4.6"))
    torch.save({"params": compact_state(2)}, tmp_path / "x2.pth")
    return str(tmp_path / "x2.pth")


def chain(model, dtype, count=7):
    source = varying_clip(count, 24, 18, dtype, cuts=(4,))
    return Interpolate("rife-4.6", factor=2)(Upscale(model, size=(40, 30))(source))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_chain_on_a_card_gives_what_arrays_give(weights, dtype):
    clip = chain(weights, dtype)
    expected = list(clip.frames())
    with pretended():
        made = assert_law(clip, [(0, 1), (3, 9), (5, 6), (13, 14)])
        assert_true(clip, made)
    unit = np.iinfo(dtype).max // 255
    for one, other in zip(made, expected, strict=True):
        assert (one.time, one.cut) == (other.time, other.cut)
        assert np.abs(one.image.astype(int) - other.image).max() <= unit


def test_pictures_stay_on_the_card_between_stages_and_leave_it_once(weights, monkeypatch):
    crossed = {"there": 0, "back": 0}
    upload, fetch = card.upload, PixelsOnCard.fetch

    def counted_upload(image, device):
        crossed["there"] += 1
        return upload(image, device)

    def counted_fetch(self):
        crossed["back"] += self._image is None
        fetch(self)

    monkeypatch.setattr(card, "upload", counted_upload)
    monkeypatch.setattr(PixelsOnCard, "fetch", counted_fetch)
    source = varying_clip(5, 24, 18, cuts=(), still=True)
    clip = Interpolate("rife-4.6", factor=2)(Upscale(weights)(source))
    with pretended(batch=1):
        made = list(clip.frames())
    assert len(made) == 10 and crossed["there"] == len(source)
    # The last frame is repeated until the end.
    assert crossed["back"] == 9
    assert all(isinstance(frame.pixels, np.ndarray) for frame in made)


@pytest.mark.parametrize("then", [Interpolate("flow", factor=2), Denoise("dct", 0.5, 8.0, 0.3)])
def test_a_stage_without_a_network_gets_arrays(weights, then):
    clip = then(Upscale(weights)(varying_clip(6)))
    expected = [frame.image for frame in clip.frames()]
    with pretended():
        made = [frame.image for frame in clip.frames()]
    # The same but for rounding.
    apart = [np.abs(one.astype(int) - other) for one, other in zip(made, expected, strict=True)]
    assert all(one.mean() < 0.5 for one in apart)


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_a_network_that_denoises_hands_its_pictures_on(tmp_path, weights, strength):
    torch.save({"params": compact_state(1)}, tmp_path / "x1.pth")
    clean = Denoise(str(tmp_path / "x1.pth"), strength)
    clip = Upscale(weights)(clean(varying_clip(6)))
    expected = [frame.image for frame in clip.frames()]
    assert clean.on_card == (strength == 1)
    with pretended():
        made = [frame.image for frame in assert_law(clip)]
    for pair in zip(made, expected, strict=True):
        assert np.abs(np.subtract(*pair, dtype=int)).max() <= 1


def test_models_that_are_blended_or_alternate_may_use_a_card(weights):
    source = varying_clip(6)
    for options in ({"blend": (Fraction(1), Fraction(2))}, {"alternate": True}):
        clip = Upscale((weights, "lanczos"), scale=Fraction(2), **options)(source)
        expected = [frame.image for frame in clip.frames()]
        with pretended(batch=3):
            assert_law(clip)
            made = [frame.image for frame in clip.frames()]
        for pair in zip(made, expected, strict=True):
            assert np.abs(np.subtract(*pair, dtype=int)).max() <= 1


def test_tiles_are_cut_on_the_card(weights):
    from helpers.catalog.load import load_upscaler

    engine = load_upscaler(weights)
    image = varying_clip(1, 90, 70)[0].image
    whole = engine.upscale([image])[0]
    engine.memory = lambda: int(engine.bytes_per_pixel() * 1600)
    with pretended():
        (there,) = engine.upscale(card.place([image], "cpu"))
    assert isinstance(there, PixelsOnCard) and np.array_equal(np.asarray(there), whole)


def test_a_small_picture_is_given_in_batches_and_a_large_one_by_itself(weights):
    from helpers.catalog.load import load_upscaler

    engine = load_upscaler(weights)
    engine.memory = lambda: 1 << 34
    assert engine.choose_batch((120, 160, 3), 4) == 4
    assert engine.choose_batch((1080, 1920, 3), 4) == 1
    engine.memory = lambda: int(engine.bytes_per_pixel() * 120 * 160 * 2.5)
    assert engine.choose_batch((120, 160, 3), 4) == 2
    engine.memory = lambda: 1
    assert engine.choose_batch((120, 160, 3), 4) == 1


class Coming(PixelsOnCard):
    """Notes when it is asked for, and when it is waited for."""

    def __init__(self, image, log):
        super().__init__(to_bits(image))
        self.log = log

    def fetch(self):
        if self._image is None:
            self.log.append("asked")
        super().fetch()

    def __array__(self, dtype=None, copy=None):
        self.log.append("waited")
        return super().__array__(dtype, copy)


def test_a_picture_comes_back_while_the_next_are_made():
    log, image = [], np.zeros((4, 4, 3), np.uint8)

    def make():
        for number in range(5):
            log.append("made")
            yield Frame(Coming(image, log), Fraction(number))

    frames = fetch_ahead(make(), ahead=2)
    next(frames)
    assert log == [*["made", "asked"] * 3, "waited"]
    next(frames)
    assert log[7:] == ["made", "asked", "waited"]
    assert [frame.time for frame in frames] == [2, 3, 4]


def test_arrays_are_passed_on_at_once():
    image = np.zeros((4, 4, 3), np.uint8)
    seen = []

    def make():
        for number in range(3):
            seen.append(number)
            yield Frame(image, Fraction(number))

    assert next(fetch_ahead(make())).image is image
    assert seen == [0]


def test_who_reads_frames_gets_arrays_unless_it_takes_others(weights):
    clip = Upscale(weights)(varying_clip(3))
    with pretended():
        (frame,) = clip.frames(0, 1)
        (there,) = clip.frames(0, 1, RunContext(on_card=True))
    assert isinstance(frame.pixels, np.ndarray)
    assert isinstance(there.pixels, PixelsOnCard) and np.array_equal(there.image, frame.image)


def test_the_stages_that_take_pictures_on_a_card():
    kinds = (Upscale("animevideov3"), Interpolate("rife-4.6"), Interpolate("flow"), Stage())
    assert [stage.on_card for stage in kinds] == [True, True, False, False]
