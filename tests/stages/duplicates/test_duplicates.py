"""Repeated frames: found, explained, changed by hand, left out."""

import csv
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from helpers.clip import Clip, MemoryClip
from helpers.errors import StageError
from helpers.show.cleaning import show_doubtful, show_duplicates
from helpers.stages.duplicates.bimodal import apart
from helpers.stages.duplicates.decide import decide
from helpers.stages.duplicates.describe import period_of
from helpers.stages.duplicates.features import Likeness
from helpers.stages.duplicates.find import Duplicates, find_duplicates, read_csv
from helpers.stages.duplicates.stage import RemoveDuplicates
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.retime import Trim
from helpers.video.reader import open_video
from tests.support.law import assert_law, assert_true, varying_clip
from tests.support.paths import FILM, TALK, data_path

COUNT = 48


def scene(number: float, seed: int = 0, width: int = 160, height: int = 120) -> np.ndarray:
    """A picture of a film in motion: a slow pan over texture, and a ball that moves by itself."""
    noise = np.random.default_rng(seed).normal(size=(height + 40, width + 40)).astype(np.float32)
    texture = cv2.GaussianBlur(noise, (0, 0), 3)
    grey = 110 + 60 * texture / texture.std()
    across, down = 4 + 0.6 * number + 3 * np.sin(number / 5), 8 + 2 * np.cos(number / 7)
    shift = np.array([[1, 0, -across], [0, 1, -down]], np.float32)
    picture = cv2.warpAffine(grey, shift, (width, height), borderMode=cv2.BORDER_REFLECT)
    place = (
        int(width * (0.5 + 0.3 * np.sin(number / 6))),
        int(height * (0.5 + 0.3 * np.cos(number / 6))),
    )
    cv2.circle(picture, place, 9, 230.0, -1, lineType=cv2.LINE_AA)
    return np.repeat(picture.clip(0, 255)[..., None], 3, 2)


def film(
    order: list[int],
    before: float = 0,
    after: float = 0,
    light: float = 1,
    crf: int | None = None,
    fps: int = 24,
    cut: int | None = None,
    dtype: type = np.uint8,
) -> MemoryClip:
    """A film that shows the scene's moments in this order.

    Args:
        before, after: noise that repeats share, and that they do not.
        light: by which the picture is multiplied.
        crf: compress it with H.264.
        cut: the moment at which another shot begins.
    """
    dice = np.random.default_rng(1)
    moments = {
        n: scene(n, seed=int(cut is not None and n >= cut)) * light
        + before * dice.standard_normal((120, 160, 3))
        for n in sorted(set(order))
    }
    images = [moments[n] + after * dice.standard_normal((120, 160, 3)) for n in order]
    scale = 257 if dtype == np.uint16 else 1
    whole = [np.rint(image.clip(0, 255) * scale).astype(dtype) for image in images]
    whole = whole if crf is None else compressed(whole, crf)
    times = [Fraction(n, fps) for n in range(len(order) + 1)]
    cuts = [] if cut is None else [times[order.index(cut)]]
    return MemoryClip(whole, times[:-1], times[-1], cuts)


def compressed(images: list[np.ndarray], crf: int) -> list[np.ndarray]:
    """The pictures as H.264 gives them back."""
    coder = av.CodecContext.create("libx264", "w")
    coder.width, coder.height, coder.pix_fmt = images[0].shape[1], images[0].shape[0], "yuv420p"
    coder.time_base, coder.options = Fraction(1, 24), {"crf": str(crf), "preset": "veryfast"}
    packets = []
    for number, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p")
        frame.pts = number
        packets += coder.encode(frame)
    packets += coder.encode(None)
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    return [frame.to_ndarray(format="rgb24") for frame in frames]


def cadence(*shown: int) -> list[int]:
    """Moments in order, each shown so many times by turns."""
    return [n for n in range(COUNT) for _ in range(shown[n % len(shown)])]


def resampled(new: int, old: int) -> list[int]:
    """`new` moments in every `old` frames, as evenly as whole frames allow."""
    return [n * new // old for n in range(COUNT * old // new)]


def inserted(back: int, every: int = 9) -> list[int]:
    """Moments in order, now and then an earlier one again."""
    order: list[int] = []
    for n in range(COUNT):
        order.append(n)
        if n % every == every - 1:
            order.append(n - back)
    return order


def reversed_order() -> list[int]:
    """A B C B A D, now and then."""
    order: list[int] = []
    for n in range(COUNT):
        order += [n, n - 1, n - 2] if n % 12 == 11 else [n]
    return order


def repeats(order: list[int]) -> tuple[int, ...]:
    """The numbers of the frames that show what was shown before."""
    return tuple(n for n, moment in enumerate(order) if moment in order[max(n - 6, 0) : n])


ORDERS = {
    "none": list(range(COUNT)),
    "simple": inserted(0),
    "12 in 24": cadence(2),
    "8 in 24": cadence(3),
    "16 in 24": cadence(2, 1),
    "18 in 24": cadence(2, 1, 1),
    "18 in 25": resampled(18, 25),
    "24 in 30": cadence(2, 1, 1, 1),
    "3:2": cadence(3, 2),
    "through one": inserted(1),
    "through two": inserted(2),
    "reversed": reversed_order(),
}
WEAR = {
    "clean": {},
    "grainy, compressed": {"before": 4, "crf": 23},
    "noisy copies": {"after": 3},
    "noisy copies, compressed": {"after": 2, "crf": 20},
    "dark": {"light": 0.08},
}


@pytest.mark.parametrize("wear", WEAR.values(), ids=WEAR.keys())
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_repeats_are_found_and_nothing_else(order, wear):
    assert find_duplicates(film(order, **wear)).dropped == repeats(order)


@pytest.mark.data
@pytest.mark.parametrize("name", ["carphone_pristine.mp4", "bikes_scene_cuts.mp4", "flower.mp4"])
def test_nothing_is_dropped_from_a_film_without_repeats(name):
    assert find_duplicates(open_video(data_path(f"clips/{name}"), scan="packets")).dropped == ()


def test_the_cadence_of_a_worn_film_is_found():
    found = find_duplicates(open_video(FILM))
    assert found.dropped == tuple(range(1, 108, 2))
    assert found.kinds == {1: 54}
    assert "12 new frames in 24 a second: every frame is shown twice" in repr(found)
    assert find_duplicates(open_video(TALK)).dropped == ()


@pytest.mark.parametrize("noise", [0, 3])
def test_a_still_does_not_collapse(noise):
    order = [*range(20), *[20] * 30, *range(21, 40)]
    found = find_duplicates(film(order, after=noise))
    assert found.dropped == ()
    assert find_duplicates(film([0] * 40, after=noise)).dropped == ()


def flickering(clip: MemoryClip, depth: float = 0.06, fade: float = 0) -> MemoryClip:
    """The film with a light that changes from frame to frame, and fades."""
    dice = np.random.default_rng(2)
    light = (1 + depth * dice.standard_normal(len(clip))) * np.linspace(1, 1 - fade, len(clip))
    images = [
        np.rint((image * gain).clip(0, 255)).astype(np.uint8)
        for image, gain in zip(clip.images, light, strict=True)
    ]
    return MemoryClip(images, clip.times, clip.end, clip.cuts)


@pytest.mark.parametrize("name", ["none", "simple", "12 in 24", "3:2", "through one"])
def test_a_light_that_changes_hides_no_repeat_and_makes_none(name):
    for clip in (flickering(film(ORDERS[name])), flickering(film(ORDERS[name]), 0, 0.6)):
        assert find_duplicates(clip).dropped == repeats(ORDERS[name])


@pytest.mark.parametrize("noise", [0, 2])
def test_flicker_does_not_make_a_still_collapse(noise):
    assert find_duplicates(flickering(film([0] * 40, after=noise, light=0.6))).dropped == ()


def test_a_camera_that_shakes_repeats_hardly_anything():
    dice = np.random.default_rng(4)
    shaken = [number + 0.3 * float(dice.standard_normal()) for number in range(60)]
    # A step that shake makes a quarter as long as those around it is taken for a repeat.
    assert len(find_duplicates(film(shaken, after=1)).dropped) <= 1


def groups(low_share: float, wobble: float = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, lowness and progress of 80 steps, every eighth of which is low and covers so much."""
    dice = np.random.default_rng(5)
    low = np.arange(80) % 8 == 7
    lowness = np.where(low, 4.0, 0.0) + 0.6 * dice.standard_normal(80)
    share = np.where(low, low_share + wobble * (-1) ** (np.arange(80) // 8), 1 / 3)
    way = 20 + 5 * dice.random(80)
    return 2 * lowness - 6, lowness, np.stack([share * way, way, way / 4], axis=1)


def test_a_shot_shows_what_its_repeats_are_like():
    chance = apart(*groups(0.01))
    assert chance is not None
    assert (np.flatnonzero(chance > 0.8) == np.arange(7, 80, 8)).all()


@pytest.mark.parametrize(
    "steps",
    [
        groups(0.2),  # low, and they go on: the film pauses
        groups(0.0, wobble=0.15),  # to and fro: the camera shakes
        tuple(part[:10] for part in groups(0.01)),  # too short to show anything
    ],
    ids=["pause", "shake", "short"],
)
def test_low_steps_that_go_somewhere_are_no_repeats(steps):
    assert apart(*steps) is None


def test_what_cannot_be_compared_does_not_spoil_the_rest():
    likeness = Likeness()
    for number, frame in enumerate(film(cadence(2)).frames()):
        likeness.add(frame.image, new_shot=number in (0, 41))
    with np.errstate(invalid="raise", divide="raise"):
        verdict = decide(likeness.measures())
    assert np.isfinite(verdict.chance).all()
    assert not verdict.repeat[41]
    assert verdict.repeat[1:40:2].all()


def test_a_shot_is_never_compared_with_the_one_before():
    clip = film(cadence(2), cut=20)
    found = find_duplicates(clip)
    assert found.dropped == repeats(cadence(2))
    assert found.shots == (0, 40)
    assert found.decisions[40].difference is None
    assert "begins a shot" in found.decisions[40].reason


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_film_of_a_few_frames_will_do(count):
    found = find_duplicates(film(list(range(count))))
    assert found.dropped == ()
    assert len(found.decisions) == count


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (33, 3)])
def test_tiny_frames_will_do(size):
    assert len(find_duplicates(varying_clip(width=size[0], height=size[1])).decisions) == 12


def test_sixteen_bits_and_uneven_times_are_searched_too():
    clip = film(cadence(2), dtype=np.uint16)
    times = [Fraction(n, 24) + Fraction(n // 5, 7) for n in range(len(clip) + 1)]
    uneven = MemoryClip(clip.images, times[:-1], times[-1])
    assert find_duplicates(uneven).dropped == repeats(cadence(2))


def test_the_cadence_is_said_in_words():
    said = {name: find_duplicates(film(order)).cadences()[0] for name, order in ORDERS.items()}
    assert said["none"] == "no repeats"
    assert said["12 in 24"] == "12 new frames in 24 a second: every frame is shown twice"
    assert said["16 in 24"].startswith("16 new frames in 24 a second: frames are shown twice and")
    assert "shown 3 times and twice by turns" in said["3:2"]
    assert said["18 in 25"].startswith("17.28 new frames in 24 a second")
    assert "through 1 other" in find_duplicates(film(ORDERS["through one"])).summary()


def test_a_period_is_one_only_if_it_goes_on():
    assert period_of([True, False] * 20) == 2
    assert period_of([True] * 40) == 0
    dice = np.random.default_rng(3)
    assert period_of(list(dice.random(80) > 0.2)) == 0


# --- by hand ------------------------------------------------------------------------------------


@pytest.fixture
def clip() -> Clip:
    return film(inserted(0), cut=24)


@pytest.fixture
def found(clip) -> Duplicates:
    return find_duplicates(clip)


def edit(path, line, old, new):
    lines = path.read_text().split("\n")
    assert old in lines[line]
    lines[line] = lines[line].replace(old, new)
    path.write_text("\n".join(lines))


def test_decisions_go_to_a_table_and_back(tmp_path, clip, found):
    again = read_csv(found.write_csv(tmp_path / "table.csv"), clip)
    assert again.dropped == found.dropped
    assert again.shots == found.shots
    assert [d.reason for d in again.decisions] == [d.reason for d in found.decisions]
    assert again.stage() == found.stage()


def test_a_changed_decision_is_read_back(tmp_path, clip, found):
    path = found.write_csv(tmp_path / "table.csv")
    first = found.dropped[0]
    edit(path, first + 1, "drop", " KEEP")
    edit(path, 4, "keep", "drop")
    assert read_csv(path, clip).dropped == (3, *found.dropped[1:])
    assert found.changed(keep=(first,), drop=(3,)).dropped == (3, *found.dropped[1:])


def test_a_spreadsheet_with_its_own_marks_is_understood(tmp_path, clip, found):
    path = found.write_csv(tmp_path / "table.csv")
    rows = list(csv.reader(path.open()))
    text = "\n".join(";".join(cell.replace(".", ",") for cell in row) for row in rows)
    path.write_text("\ufeff" + text + "\n\n", encoding="utf-8")
    assert read_csv(path, clip).dropped == found.dropped


@pytest.mark.parametrize(
    ("line", "old", "new", "said"),
    [
        (0, "decision", "verdict", "no column decision"),
        (3, "keep", "maybe", "allowed are keep and drop"),
        (3, "2,", "9,", "frame 2 is due here"),
        (3, "0.083333", "0.5", "made for another one"),
        (3, "0.083333", "early", "not a number"),
        (1, "keep", "drop", "begins a shot"),
    ],
)
def test_a_table_that_is_wrong_is_refused_plainly(tmp_path, clip, found, line, old, new, said):
    path = found.write_csv(tmp_path / "table.csv")
    edit(path, line, old, new)
    with pytest.raises(StageError, match=said):
        read_csv(path, clip)


def test_a_table_of_another_film_is_refused(tmp_path, found):
    path = found.write_csv(tmp_path / "table.csv")
    with pytest.raises(StageError, match="one row a frame"):
        read_csv(path, varying_clip())
    with pytest.raises(StageError, match="cannot be read"):
        read_csv(tmp_path / "absent.csv", varying_clip())


def test_frames_that_are_not_there_cannot_be_changed(found):
    with pytest.raises(StageError, match="no frame 999"):
        found.changed(drop=(999,))


# --- the stage ----------------------------------------------------------------------------------


def some(clip: Clip, retime: str) -> RemoveDuplicates:
    """A stage that drops frames at the start, in the middle and at the end of shots."""
    return RemoveDuplicates(tuple(clip.times[n] for n in (1, 2, 5, 7, 11)), retime)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("retime", ["keep", "even"])
def test_it_obeys_the_law(retime, dtype):
    source = varying_clip(dtype=dtype)
    result = some(source, retime)(source)
    whole = assert_law(result, [(a, b) for a in range(8) for b in range(a, 8)])
    assert_true(result, whole)
    kept = [n for n in range(12) if n not in (1, 2, 5, 7, 11)]
    assert all(np.array_equal(f.image, source.images[n]) for f, n in zip(whole, kept, strict=True))
    assert result.end == source.end


def test_kept_frames_keep_their_times():
    source = varying_clip()
    result = some(source, "keep")(source)
    assert list(result.times) == [source.times[n] for n in (0, 3, 4, 6, 8, 9, 10)]


def test_even_frames_are_spread_over_their_own_shot():
    source = varying_clip()  # shots begin at 0, 5 and 9
    result = some(source, "even")(source)
    begins = [source.times[n] for n in (0, 5, 9)] + [source.end]
    for first, count, shot in ((0, 3, 0), (3, 2, 1), (5, 2, 2)):
        begin, end = begins[shot : shot + 2]
        steps = [begin + (end - begin) * n / count for n in range(count)]
        assert list(result.times[first : first + count]) == steps
    assert result.cuts == tuple(begins[:3])


def test_a_cadence_becomes_even_motion():
    clip = film(cadence(3, 2), fps=60)
    result = find_duplicates(clip).stage("even")(clip)
    assert result.info.fps == 24
    assert {b - a for a, b in zip(result.times, result.times[1:], strict=False)} == {
        Fraction(1, 24)
    }
    assert_law(Interpolate("flow", factor=2)(result), [(0, 3), (20, 24)])


def test_nothing_to_drop_changes_nothing():
    source = varying_clip()
    for retime in ("keep", "even"):
        assert RemoveDuplicates((), retime)(source).times is source.times


def test_decisions_stay_true_after_a_trim():
    source = varying_clip()
    part = Trim(source.times[4])(source)
    assert list(some(source, "keep")(part).times) == [source.times[n] for n in (4, 6, 8, 9, 10)]


def test_a_shot_may_vanish_whole():
    source = varying_clip()
    stage = RemoveDuplicates(tuple(source.times[5:9]), "even")
    result = stage(source)
    assert_true(result, assert_law(result))
    assert result.cuts == (source.times[0], source.times[9])


def test_what_cannot_be_dropped_is_refused():
    source = varying_clip()
    with pytest.raises(StageError, match="keep and even"):
        RemoveDuplicates((), "smooth")
    with pytest.raises(StageError, match="made for another film"):
        _ = RemoveDuplicates((source.times[3] + Fraction(1, 1000),))(source).times
    with pytest.raises(StageError, match="at least one has to stay"):
        _ = RemoveDuplicates(tuple(source.times))(source).times


def test_the_recipe_names_the_frames_by_their_sha256():
    source = varying_clip()
    recipe = some(source, "even").recipe()
    assert recipe["dropped"].startswith("5 frames, sha256 ")
    assert (
        recipe
        != RemoveDuplicates(tuple(source.times[n] for n in (1, 2, 5, 7, 10)), "even").recipe()
    )
    assert repr(some(source, "even")) == "RemoveDuplicates(5 frames, retime='even')"


# --- looking ------------------------------------------------------------------------------------


def test_the_chart_and_the_doubtful_frames_can_be_looked_at(tmp_path, clip, found):
    view = show_duplicates(found, path=tmp_path / "chart.png")
    assert "image/png" in view.outputs[0]
    assert cv2.imread(str(tmp_path / "chart.png")).shape[1] == 1200
    assert "Frames 24 to 35 of" in repr(show_duplicates(found, start=1, stop=1.5))
    with pytest.raises(StageError, match="No frame starts between"):
        show_duplicates(found, start=90)
    assert "No frame is doubtful" in repr(show_doubtful(found, clip))


def test_doubtful_frames_are_shown_beside_what_they_may_repeat(clip, found):
    from dataclasses import replace

    rows = list(found.decisions)
    rows[6] = replace(rows[6], repeats=5, chance=0.5)
    view = show_doubtful(replace(found, decisions=tuple(rows)), clip)
    assert "frame 5" in repr(view)
    assert "frame 6" in repr(view)
    with pytest.raises(StageError, match="made for"):
        show_doubtful(found, varying_clip())
