"""Dust, hairs and scratches go, everything else stays to the last bit; and the network trains."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from helpers.catalog import table as catalog
from helpers.errors import ModelError, OutOfMemoryError, StageError
from helpers.stages.damage import alignment, scratches
from helpers.stages.damage.frame_repair import Seen
from helpers.stages.damage.network import Cleaner, CleanerNet, features
from helpers.stages.damage.network_input import (
    AGAIN,
    ASTRAY,
    DUST,
    EVIDENCE,
    HERE,
    PICTURES,
    SIDES,
    UNMOVED,
    WITNESSES,
)
from helpers.stages.damage.pipeline import FilmCleaning
from helpers.stages.damage.stage import RemoveDamage
from helpers.stages.damage.temporal_outliers import credible, find_dust
from helpers.training.cleaner.film_statistics import study
from helpers.training.cleaner.overlays import read_overlays
from helpers.training.cleaner.pool import MIRRORED, Pool
from helpers.training.cleaner.samples import MASK, PLANES, TRUTH, Maker
from helpers.training.cleaner.scenes import Scene
from helpers.training.cleaner.train import train_cleaner, write_weights
from helpers.training.loop import Recipe, Trainer, find_rate
from helpers.video.reader import open_video
from tests.support.clips import clip_of
from tests.support.law import assert_law, assert_true, varying_clip
from tests.support.paths import data_path
from tests.support.worn_films import damage_left, dusty, panning

METHODS = [row.name for row in catalog.models("clean")]

TINY = Recipe(
    steps=4, batch=2, sizes=((32, 0.5), (48, 0.5)), widths=(8, 8, 8), depths=(1, 1, 1),
    held_out=2, every=2, features="gradient",
)  # fmt: skip


@pytest.fixture(params=METHODS)
def method(request):
    if not catalog.get(request.param, "clean").present:
        pytest.skip(f"the weights of {request.param} are not here")
    return request.param


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_specks_of_both_polarities_go_and_the_rest_stays(method, dtype):
    clean = panning(dtype=dtype)
    worn, mask = dusty(clean)
    made = RemoveDamage(method)(clip_of(worn))[4].image
    assert made.dtype == dtype
    assert damage_left(made, clean[4], mask) < 0.1 * damage_left(worn[4], clean[4], mask)
    near = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    assert np.array_equal(made[~near], worn[4][~near])
    for number in (2, 3, 5, 6):  # a speck is not carried to the frames around it
        assert np.array_equal(RemoveDamage(method)(clip_of(worn))[number].image, clean[number])


def test_a_clean_film_is_left_as_it_is(method):
    images = panning(6)
    for frame, image in zip(RemoveDamage(method)(clip_of(images)), images, strict=True):
        assert np.array_equal(frame.image, image)


@pytest.mark.data
def test_brightness_is_kept(method):
    path = data_path("clips/oldfilm_hydepark.mp4")
    source = open_video(path)
    for before, after in zip(
        source.frames(40, 42), RemoveDamage(method)(source).frames(40, 42), strict=True
    ):
        assert abs(before.image.mean() - after.image.mean()) < 0.5


def test_a_grey_film_stays_grey(method):
    clean = [np.repeat(image[..., :1], 3, 2) for image in panning()]
    made = RemoveDamage(method)(clip_of(dusty(clean)[0]))[4].image
    assert (made == made[..., :1]).all() and not np.array_equal(made, dusty(clean)[0][4])


def test_strength_blends_with_the_input():
    worn, _ = dusty(panning())
    none, half, whole = (
        RemoveDamage("median", strength=strength)(clip_of(worn))[4].image
        for strength in (0, 0.5, 1)
    )
    assert np.array_equal(none, worn[4])
    middle = (worn[4].astype(float) + whole) / 2
    assert np.abs(half - middle).max() <= 0.5


@pytest.mark.parametrize("radius", [1, 2])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_range_is_that_range_of_the_whole(method, radius, dtype):
    images = [image for seed in (1, 2) for image in panning(7, 40, 36, dtype=dtype, seed=seed)]
    images = [worn for n, worn in enumerate(images)]
    images[3], images[8] = dusty(images, 3)[0][3], dusty(images, 8)[0][8]
    clip = RemoveDamage(method, radius=radius)(clip_of(images, cuts=(7,)))
    assert_true(clip, assert_law(clip, [(0, 1), (3, 4), (6, 8), (5, 12), (13, 14)]))


def test_nothing_is_seen_across_a_cut():
    """A shot gives the same whatever stands before and after it."""
    shot, other = panning(5, seed=1), panning(4, seed=2)
    worn, _ = dusty(shot, 0)
    alone = [frame.image for frame in RemoveDamage("median")(clip_of(worn))]
    joined = clip_of([*other, *worn, *other], cuts=(4, 9))
    between = [frame.image for frame in RemoveDamage("median")(joined).frames(4, 9)]
    assert all(map(np.array_equal, alone, between))


@pytest.mark.parametrize("number", [0, 8])
def test_the_ends_of_a_shot_are_cleaned_from_one_side(method, number):
    clean = panning()
    worn, mask = dusty(clean, number)
    made = RemoveDamage(method)(clip_of(worn))[number].image
    assert damage_left(made, clean[number], mask) < 0.25 * damage_left(
        worn[number], clean[number], mask
    )


def test_a_speck_on_a_repeated_picture_goes_from_both():
    clean = panning(10)
    clean[5] = clean[4]
    worn, mask = dusty(clean, 4)
    worn[5] = worn[4]
    for number in (4, 5):
        made = RemoveDamage("median")(clip_of(worn))[number].image
        assert damage_left(made, clean[4], mask) < 0.2 * damage_left(worn[4], clean[4], mask)


def test_a_ball_that_flies_by_is_no_dust():
    images = panning(9, speed=0)
    thrown = [
        cv2.circle(image.copy(), (10 + 9 * n, 30), 2, (250, 250, 250), -1, cv2.LINE_AA)
        for n, image in enumerate(images)
    ]
    made = RemoveDamage("median", lines=False)(clip_of(thrown))[4].image
    assert damage_left(made, thrown[4], np.ones((64, 96), bool)) < 0.05


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (33, 7), (61, 47)])
@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_any_size_and_any_length_will_do(size, count):
    clip = RemoveDamage("median")(varying_clip(count, *size, cuts=()))
    assert_true(clip, list(clip))


def test_values_it_cannot_use_are_refused():
    for wrong in ({"strength": 1.5}, {"radius": 3}, {"method": "median", "weights": "x"}):
        with pytest.raises(StageError, match="allowed"):
            RemoveDamage(**wrong)
    with pytest.raises(ModelError, match="median"):
        RemoveDamage("magic")


# --- lines --------------------------------------------------------------------------------------


def lined(images, place=40.0, drift=0.4, level=235, opacity=0.7):
    """Draw a scratch of two pixels that drifts."""
    worn, masks = [], []
    for number, image in enumerate(images):
        across = np.abs(np.arange(image.shape[1]) - (place + drift * number))
        alpha = (np.clip(1.5 - across, 0, 1) * opacity)[None, :, None]
        worn.append(np.rint(image * (1 - alpha) + level * alpha).astype(np.uint8))
        masks.append((worn[-1] != image).any(-1))
    return worn, masks


@pytest.mark.parametrize("level", [235, 5])
def test_a_line_that_stays_goes(level):
    clean = panning(9, 160, 120)
    worn, masks = lined(clean, level=level)
    made = RemoveDamage("median")(clip_of(worn))[4].image
    assert damage_left(made, clean[4], masks[4]) < 0.35 * damage_left(worn[4], clean[4], masks[4])
    near = cv2.dilate(masks[4].astype(np.uint8), np.ones((1, 7), np.uint8)).astype(bool)
    assert np.array_equal(made[~near], worn[4][~near])
    left = RemoveDamage("median", lines=False)(clip_of(worn))[4].image
    assert damage_left(left, clean[4], masks[4]) > 2 * damage_left(made, clean[4], masks[4])


def test_a_post_in_the_picture_is_no_scratch():
    images = panning(9, 160, 120, speed=2)
    for number, image in enumerate(images):
        image[:, 100 - 2 * number : 102 - 2 * number] = 20
    made = RemoveDamage("median")(clip_of(images))[4].image
    assert np.array_equal(made, images[4])


def weaving(count, steps, post=None):
    """Show a picture through a gate it weaves in by whole pixels; a post stands in it if asked."""
    wide = panning(1, 200, 120)[0]
    if post is not None:
        wide[:, post : post + 2] = 20
    return [wide[:, 20 + steps[n] : 180 + steps[n]].copy() for n in range(count)]


WEAVE = (0, 1, 1, 0, -1, 0, 0, 1, 0, 0, -1, -1, 0)


def test_a_line_stays_in_every_frame_of_a_film_that_weaves():
    clean = weaving(13, WEAVE)
    worn, masks = lined(clean, place=70, drift=0.15)
    made = [frame.image for frame in RemoveDamage("median")(clip_of(worn)).frames()]
    for one, other, truth, mask in zip(made, worn, clean, masks, strict=True):
        assert damage_left(one, truth, mask) < 0.5 * damage_left(other, truth, mask)


def test_a_post_that_weaves_with_the_picture_is_no_scratch():
    images = weaving(13, WEAVE, post=90)
    for number, frame in enumerate(RemoveDamage("median")(clip_of(images)).frames()):
        assert np.array_equal(frame.image, images[number]), number


def test_a_line_goes_on_where_it_fades_and_ends_where_it_ends():
    shares = np.array([0, 0.2, 0.6, 0.9, 0.2, 0.15, 0.2, 0.05, 0, 0.2, 0, 0])
    assert np.flatnonzero(scratches._present(shares)).tolist() == [1, 2, 3, 4, 5]


def test_the_edge_of_a_picture_is_no_line():
    image = np.zeros((120, 160), np.float32)
    image[:, 40:120] = 150
    image[:, 40] = image[:, 119] = 170  # sharpened
    assert scratches.find_marks(image) == []


def test_bridging_joins_what_is_left_and_right():
    image = np.tile(np.arange(20, dtype=np.float32), (6, 1))
    mask = np.zeros((6, 20), bool)
    mask[:, 8:11] = mask[:, 0] = True
    spoiled = np.where(mask, 99, image)
    filled = scratches.bridge(spoiled, mask)
    assert np.allclose(filled[2:4, 8:11], image[2:4, 8:11], atol=0.01)
    assert filled[3, 0] == 1


# --- the parts ----------------------------------------------------------------------------------


def test_flicker_between_frames_is_matched_not_repaired():
    here = panning(1)[0].astype(np.float32)[..., 0]
    assert np.allclose(here, here - 9 + alignment.offset(here, here - 9), atol=0.01)
    seen = [one + alignment.offset(here, one) for one in (here - 9, here + 7)]
    assert not find_dust(here, seen, (-1, 1)).any()


def test_damage_is_believed_only_where_the_witnesses_show_its_surroundings():
    noise = np.random.default_rng(1).normal(size=(64, 64)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    seen = 100 + 40 * smooth / smooth.std()
    mask = np.zeros((64, 64), bool)
    mask[30:34, 30:34] = True
    here = np.where(mask, seen + 20, seen)
    assert np.array_equal(credible(mask, here, [seen, seen], one_sided=False), mask)
    assert np.array_equal(credible(mask, here, [seen, seen], one_sided=True), mask)
    for shift in (9, -9):  # brought to the wrong place
        elsewhere = [np.roll(seen, shift, 1)] * 2
        assert not credible(mask, here, elsewhere, one_sided=False).any()
    weak = np.where(mask, seen + 8, seen)  # one side never saw what has just come into view
    assert credible(mask, weak, [seen, seen], one_sided=False).any()
    assert not credible(mask, weak, [seen, seen], one_sided=True).any()


def test_nothing_is_damaged_where_nothing_is_found():
    here, mask = np.full((5, 5), 9, np.float32), np.zeros((5, 5), bool)
    assert not credible(mask, here, [here, here], one_sided=False).any()


@pytest.mark.parametrize("column", [1, 94])
def test_specks_at_the_edge_of_a_moving_picture_go(method, column):
    clean = panning(speed=1)
    worn = clean[4].copy()
    worn[28:34, column - 1 : column + 2] = 0
    mask = (worn != clean[4]).any(-1)
    made = RemoveDamage(method, lines=False)(clip_of([*clean[:4], worn, *clean[5:]]))[4].image
    assert damage_left(made, clean[4], mask) < 0.25 * damage_left(worn, clean[4], mask)


def shown(images, number=4):
    """Return what the network is shown of one of some pictures."""
    window = [Seen(image, n == 0, True) for n, image in enumerate(images)]
    work = FilmCleaning(None, 2, lines=False, reach=6).prepared(window, number)
    assert work is not None
    return work.evidence()


def test_the_network_is_shown_what_is_known():
    clean = panning()
    worn, mask = dusty(clean)
    planes = shown(worn)
    assert planes.shape == (EVIDENCE, 64, 96) and planes.dtype == np.float32
    luma = alignment.luma(worn[4]) / 255
    assert np.array_equal(planes[HERE], luma)
    middle = (slice(8, -8), slice(12, -12))
    truth = alignment.luma(clean[4])[middle] / 255
    for aligned in (*planes[WITNESSES], *shown(clean)[AGAIN]):
        assert np.abs(aligned[middle] - truth).mean() < 0.01
    before = alignment.luma(worn[3]) / 255
    assert np.abs(planes[UNMOVED][0] - before).mean() < 0.01
    assert planes[DUST][mask].mean() > 0.9 and planes[DUST][~mask].mean() < 0.01
    assert shown(clean)[ASTRAY][:, 8:-8, 12:-12].max() < 0.1 and planes[ASTRAY].max() <= 1
    assert planes[SIDES].all() and not shown(worn, 0)[SIDES].any()


def test_the_network_gives_a_mixture_and_no_more():
    cleaner = Cleaner(CleanerNet((8, 8, 8), (1, 1, 1)).state_dict())
    planes = np.random.default_rng(1).random((EVIDENCE, 37, 51)).astype(np.float32)
    verdict = cleaner.judge(planes)
    assert verdict.mask.shape == (37, 51) and 0 <= verdict.mask.min() <= verdict.mask.max() <= 1
    assert np.allclose(verdict.weights.sum(0), 1, atol=1e-5)


def test_tiles_give_what_the_whole_gives():
    torch.manual_seed(1)
    network = CleanerNet((8, 8, 8), (1, 1, 1))
    torch.nn.init.normal_(network.last.weight, std=0.05)
    planes = np.random.default_rng(1).random((EVIDENCE, 200, 260)).astype(np.float32)
    whole = Cleaner(network.state_dict()).judge(planes)
    tiled = Cleaner(network.state_dict(), memory=lambda: 1 << 24).judge(planes)
    assert np.abs(whole.mask - tiled.mask).max() < 0.01


def test_without_memory_tiles_shrink_and_then_it_is_said(monkeypatch):
    cleaner = Cleaner(CleanerNet((8, 8, 8), (1, 1, 1)).state_dict())
    planes, run, seen = np.zeros((EVIDENCE, 300, 300), np.float32), cleaner._run, []

    def scarce(piece, limit=20_000):
        seen.append(piece[0].size)
        if piece[0].size > limit:
            raise MemoryError
        return run(piece)

    monkeypatch.setattr(cleaner, "_run", lambda piece: scarce(piece, 40_000))
    assert cleaner.judge(planes).mask.shape == (300, 300)
    monkeypatch.setattr(cleaner, "_run", lambda piece: scarce(piece, 10))
    with pytest.raises(OutOfMemoryError, match="No frame was lost"):
        cleaner.judge(planes)
    assert max(seen) > min(seen)


def test_other_weights_are_refused():
    with pytest.raises(ModelError, match="train-cleaner"):
        Cleaner({"conv.weight": torch.zeros(1)})


def test_what_the_network_sees_does_not_depend_on_brightness():
    planes = torch.rand(1, EVIDENCE, 16, 16) / 2
    lighter = planes.clone()
    lighter[:, PICTURES] += 0.25
    apart = features(lighter) - features(planes)
    assert np.allclose(apart[:, 1:], 0, atol=1e-5)


# --- training -----------------------------------------------------------------------------------


def small_maker(size=48):
    noise = np.random.default_rng(1).normal(size=(200, 200)).astype(np.float32)
    picture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    overlay = cv2.circle(np.zeros((60, 60), np.uint8), (30, 30), 12, 255, -1)
    return Maker([picture.astype(np.uint8)], [overlay], size)


@pytest.fixture
def pool(tmp_path):
    pool = Pool(tmp_path / "pool", 6, 48)
    pool.fill(small_maker())
    return pool


def test_samples_are_what_they_are_said_to_be():
    maker = small_maker()
    samples = [maker.sample(seed) for seed in range(6)]
    assert np.array_equal(samples[3], maker.sample(3))
    assert {sample.shape for sample in samples} == {(PLANES, 48, 48)}
    changes = [np.abs(sample[HERE].astype(int) - sample[TRUTH]) for sample in samples]
    apart = np.concatenate([c[s[MASK] > 0] for c, s in zip(changes, samples, strict=True)])
    alike = np.concatenate([c[s[MASK] == 0] for c, s in zip(changes, samples, strict=True)])
    assert apart.mean() > 4 * alike.mean()


@pytest.mark.parametrize("shape", [(64, 300), (300, 64), (70, 70)])
def test_scenes_are_made_of_pictures_of_any_shape(shape):
    picture = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    for seed in range(40):
        frame = Scene([picture], np.random.default_rng(seed), 96).at(0.5)
        assert frame.shape == (96, 96) and 0 <= frame.min() <= frame.max() <= 255.5


def test_what_is_before_a_frame_and_what_is_after_it_change_places():
    assert sorted(MIRRORED) == list(range(DUST))
    planes = shown(panning())
    backwards = shown(panning()[::-1])
    for one, other in zip(planes[MIRRORED][UNMOVED], backwards[UNMOVED], strict=True):
        assert np.abs(one - other).max() < 0.02


def test_a_pool_goes_on_where_it_stopped(tmp_path):
    class StopError(Exception):
        pass

    def stop(done):
        if done == 3:
            raise StopError

    pool = Pool(tmp_path, 20, 48)
    with pytest.raises(StopError):
        pool.fill(small_maker(), progress=stop)
    Pool(tmp_path, 20, 48).fill(small_maker())
    assert np.array_equal(Pool(tmp_path, 20, 48).samples[19], small_maker().sample(19))
    with pytest.raises(ModelError, match="another folder"):
        Pool(tmp_path, 21, 48)


def test_a_training_that_was_broken_off_ends_as_one_that_was_not(pool, tmp_path):
    whole = Trainer(pool, tmp_path / "whole", TINY)
    whole.run()
    Trainer(pool, tmp_path / "parts", TINY).run(upto=2)
    parts = Trainer(pool, tmp_path / "parts", TINY)
    assert parts.step == 2
    parts.run()
    assert all(torch.equal(a, parts.state()[name]) for name, a in whole.state().items())
    assert [row["step"] for row in parts.history["train"]] == [1, 2, 3, 4]
    with pytest.raises(ModelError, match="another recipe"):
        Trainer(pool, tmp_path / "parts", Recipe())


def test_the_rate_finder_leaves_the_network_as_it_was(pool, tmp_path):
    trainer = Trainer(pool, tmp_path / "rate", TINY)
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    rate, curve = find_rate(trainer, steps=8)
    assert 1e-6 < rate < 0.1 and len(curve) > 1
    assert all(torch.equal(before[n], v) for n, v in trainer.network.state_dict().items())


def test_training_gives_weights_that_the_stage_takes(tmp_path):
    folder = tmp_path / "overlays"
    folder.mkdir()
    cv2.imwrite(str(folder / "dirt.png"), np.pad(np.full((20, 20), 220, np.uint8), 20))
    assert read_overlays(folder)[0].max() == 255
    own = clip_of(dusty(panning(6, 128, 112))[0])
    made = train_cleaner(
        tmp_path / "own.safetensors", overlays=folder, clip=own, samples=4, size=48, recipe=TINY,
        progress=False, pictures=_pictures(tmp_path),
    )  # fmt: skip
    assert made.curves.ndim == made.sheet.ndim == 3 and "f1" in made.numbers
    assert made.path.stat().st_size < 2_000_000
    clip = RemoveDamage("learned", weights=str(made.path))(clip_of(panning(5)))
    assert_true(clip, list(clip))
    again = tmp_path / "again.safetensors"
    write_weights(CleanerNet().state_dict(), again)
    assert again.stat().st_size < 2_000_000
    assert (
        RemoveDamage("learned", weights=str(again)).recipe()["weights"]
        != (clip.recipe()[-1]["weights"])
    )


def _pictures(folder):
    path = folder / "pictures"
    path.mkdir()
    cv2.imwrite(str(path / "a.png"), panning(1, 200, 180)[0])
    return path


def test_a_film_gives_its_grain_and_its_damage():
    images = panning(5, 160, 140, speed=0)
    dice = np.random.default_rng(1)
    grainy = [
        np.rint((i + dice.normal(0, 4, i.shape[:2])[..., None]).clip(0, 255)).astype(np.uint8)
        for i in images
    ]
    grains, overlays = study(clip_of(dusty(grainy, 2)[0]))
    assert grains and 2.5 < np.mean([piece.std() for piece in grains]) < 5
    assert len(overlays) == 2
    with pytest.raises(ModelError, match="3 are needed"):
        study(clip_of(images[:2]))
