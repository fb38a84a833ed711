"""The frames of a film that was telecined for television are found, and put together again."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from helpers import diagnose, open_video
from helpers.errors import VideoOpenError
from helpers.plan import Plan, restore
from helpers.project.project import Project
from helpers.project.verification import verify_files
from helpers.video.telecine import measure_combing
from tests.support.films import encode, ffmpeg, texture
from tests.support.ranges import assert_ranges_equal_the_whole

LOSSLESS = ("-c:v", "ffv1", "-g", "10")
DVD = ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-q:v", "3", "-g", "15", "-bf", "2")
FILM = Fraction(24000, 1001)


def moving(count, height=240, width=320):
    """Move a window over a picture, now faster and now slower, and at times not at all."""
    wide, at, frames = texture(height, width + 6 * count), 0, []
    for number in range(count):
        frames.append(wide[:, at : at + width])
        at += (3, 1, 0, 6)[number // 20 % 4]
    return frames


def film(folder, count=120, pixels="yuv420p"):
    """Write a film of 24000/1001 frames a second, losslessly."""
    frames = [np.ascontiguousarray(image) for image in moving(count)]
    path = encode(folder / "film.mkv", frames, codec="ffv1", rate=FILM, options={})
    ffmpeg("-i", path, "-pix_fmt", pixels, *LOSSLESS, folder / f"{pixels}.mkv")
    return folder / f"{pixels}.mkv"


def telecined(path, source, first="top", pattern="23", codec=LOSSLESS):
    ffmpeg("-i", source, "-vf", f"telecine={first}:{pattern}", *codec, path)
    return path


@pytest.mark.parametrize(
    ("first", "pattern", "pixels"),
    [
        ("top", "23", "yuv420p"),
        ("bottom", "23", "yuv420p"),
        ("top", "32", "yuv422p10le"),
    ],
)
def test_the_frames_of_a_film_come_back_exactly(tmp_path, first, pattern, pixels):
    source = film(tmp_path, pixels=pixels)
    path = telecined(tmp_path / "tv.mkv", source, first, pattern)
    assert open_video(path).info.telecined
    truth, clip = open_video(source), open_video(path, deinterlace="telecine")
    assert abs(len(clip) - len(truth)) <= 1
    # Where nothing moves, any of the pictures may be the one that is dropped.
    same = sum(np.array_equal(a.image, b.image) for a, b in zip(clip, truth, strict=False))
    assert same >= len(truth) - 1
    steps = np.diff([float(time) for time in clip.times[: len(clip) // 4 * 4]])
    # The first frame begins with the first picture, wherever in its cycle that is.
    assert np.abs(steps[1:] - float(1 / FILM)).max() < 0.001
    assert abs(steps[0] - float(1 / FILM)) < 0.01
    assert abs(float(clip.end - open_video(path).end)) < 1e-9


def test_a_range_of_a_film_equals_the_whole(tmp_path):
    path = telecined(tmp_path / "tv.mkv", film(tmp_path, count=53))
    clip = open_video(path, deinterlace="telecine")
    last = len(clip)
    assert_ranges_equal_the_whole(
        clip, [(0, 1), (3, 5), (7, 8), (8, 12), (13, 30), (last - 3, last), (last - 1, last)]
    )


def test_a_compressed_film_comes_back_as_well_as_it_was_stored(tmp_path):
    source = film(tmp_path)
    path = telecined(tmp_path / "tv.mpg", source, codec=DVD)
    clip = open_video(path, deinterlace="telecine")
    assert clip.telecine and not clip.bwdif
    truth = [frame.image.astype(float) for frame in open_video(source)]
    found = [frame.image.astype(float) for frame in clip]
    for number, image in list(enumerate(truth))[5:-5]:
        error = min(np.mean((image - other) ** 2) for other in found[number - 1 : number + 2])
        assert 10 * np.log10(255**2 / error) > 30


def test_after_an_edit_nothing_stays_combed(tmp_path):
    whole = telecined(tmp_path / "tv.mkv", film(tmp_path))
    kept = "select='not(between(n,47,59)+between(n,101,108))',setpts=N*1001/30000/TB"
    ffmpeg("-i", whole, "-vf", kept, *LOSSLESS, tmp_path / "edited.mkv")
    clip = open_video(tmp_path / "edited.mkv", deinterlace="telecine")
    combs = [measure_combing(frame.image[..., 1]) for frame in clip]
    assert max(combs) <= 0.01


def woven(folder, rate):
    """Write interlaced video: every field shows another moment."""
    moments = moving(160)
    frames = [moment.copy() for moment in moments[::2]]
    for frame, late in zip(frames, moments[1::2], strict=True):
        frame[1::2] = late[1::2]
    return encode(folder / "video.mkv", frames, codec="ffv1", rate=rate)


def test_what_was_not_telecined_is_not_taken_for_it(tmp_path):
    video = woven(tmp_path, Fraction(30_000, 1001))
    ffmpeg("-i", video, "-r", "25", *LOSSLESS, tmp_path / "pal.mkv")
    for path in (video, tmp_path / "pal.mkv", film(tmp_path)):
        assert not open_video(path).info.telecined


def test_another_rate_cannot_be_telecined(tmp_path):
    with pytest.raises(VideoOpenError, match=r"29\.97 pictures a second"):
        open_video(film(tmp_path, count=30), deinterlace="telecine")


def test_it_is_done_on_request_even_if_nothing_is_seen(tmp_path):
    path = encode(tmp_path / "still.mkv", [texture(240, 320)] * 60, rate=Fraction(30_000, 1001))
    clip = open_video(path, deinterlace="telecine")
    assert len(clip) == len(list(clip)) == 48
    assert "check the result" in clip.notes[-1]


def test_a_way_that_is_none_is_refused(tmp_path):
    with pytest.raises(VideoOpenError, match="auto, on, bwdif, off, telecine"):
        open_video(film(tmp_path, count=3), deinterlace="ivtc")


def test_the_diagnosis_finds_it_and_says_what_to_do(tmp_path):
    clip = open_video(telecined(tmp_path / "tv.mkv", film(tmp_path)))
    assert clip.bwdif  # on request only
    assert any("--deinterlace telecine" in note for note in clip.notes)
    fault = diagnose(clip)["telecine"]
    assert fault.needed and "telecine" in fault.sentence
    own = open_video(clip.path, deinterlace="telecine")
    assert "telecine" not in [fault.name for fault in diagnose(own).faults]


def test_a_telecined_film_is_restored_and_its_project_keeps_how(tmp_path):
    path = telecined(tmp_path / "tv.mkv", film(tmp_path))
    plan = Plan.of(deinterlace="telecine", upscale="none", interpolate="none")
    report = restore(path, tmp_path / "out.mp4", plan=plan, project=tmp_path / "p", progress=False)
    assert report.result.frames == len(open_video(path, deinterlace="telecine"))
    again = Project(tmp_path / "p").source(path)
    assert again.source.telecine and len(again) == report.result.frames
    assert verify_files(tmp_path / "out.mp4", path).good
