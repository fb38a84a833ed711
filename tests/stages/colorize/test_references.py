"""A picture that a person coloured is given to the frame it was made from, or refused."""

import struct
import zlib
from fractions import Fraction

import pytest

from helpers.errors import StageError
from helpers.stages.colorize.reference_files import read_picture
from helpers.stages.colorize.references import Reference, describe_unreached, locate_references
from helpers.stages.colorize.stage import Colorize
from tests.support.clips import clip_of
from tests.support.color_films import in_grey, pan
from tests.support.faults import failing

# --- finding the frame ---------------------------------------------------------------------------


def test_a_picture_belongs_to_a_frame_by_number_time_name_or_likeness(picture):
    truth = clip_of(pan(16, step=6), cuts=(8,))
    clip = in_grey(truth)
    image = truth.images[11]
    path, named = picture(image), picture(image, "frame_000011.png")
    exported, timed = picture(image, "000011.png"), picture(image, "0.46s.png")
    for entry in ((path, 11), (path, 11 / 24), (path, "0.46"), named, exported, timed, path):
        (found,) = locate_references(clip, [entry])
        assert (found.time, found.begin, found.end) == (clip.times[11], clip.times[8], clip.end)
    assert locate_references(clip, [found]) == (found,)


@pytest.mark.parametrize(
    ("spoil", "when", "said"),
    [
        (lambda image: image, 2, "does not look like the frame at .* correlation"),
        (lambda image: image, 99, "no frame 99 .* frames 0 to 15"),
        (lambda image: image, 7.5, "is from 0.000 to 0.667 s"),
        (lambda image: image[:, :50], 11, "another aspect ratio"),
        (lambda image: image[..., 1:2].repeat(3, 2), 11, "no colours"),
        (lambda image: pan(1, seed=77)[0], None, "does not look like any frame"),
    ],
)
def test_a_picture_that_cannot_be_is_refused(picture, spoil, when, said):
    truth = clip_of(pan(8, seed=1) + pan(8, step=6), cuts=(8,))
    entry = (picture(spoil(truth.images[11])), when)
    with pytest.raises(StageError, match=said):
        locate_references(in_grey(truth), [entry])


def test_two_pictures_of_one_frame_and_files_that_are_none_are_refused(picture, tmp_path):
    truth = clip_of(pan(4))
    path = picture(truth.images[1])
    with pytest.raises(StageError, match="both belong to the frame"):
        locate_references(in_grey(truth), [(path, 1), (path, 1)])
    with pytest.raises(StageError, match="no picture"):
        locate_references(in_grey(truth), [str(tmp_path / "nothing.png")])
    (tmp_path / "words.png").write_text("words")
    with pytest.raises(StageError, match="cannot be read as a picture"):
        read_picture(str(tmp_path / "words.png"))
    with pytest.raises(StageError, match="path of a picture, or"):
        Colorize("tint", references=((path, 1, 2),))


def png(width, height):
    """The beginning of a PNG that announces a size."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = b"IEND"
    chunks = [head, b"IDAT" + zlib.compress(b"\0"), end]
    sealed = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(sealed)


@pytest.mark.parametrize("size", [(40_000, 25_000), (12_000, 7000), (2**31 - 1, 2**31 - 1)])
def test_a_gigapixel_is_refused_by_its_header(tmp_path, monkeypatch, size):
    path = tmp_path / "large.png"
    path.write_bytes(png(*size))
    monkeypatch.setattr("cv2.imdecode", failing(AssertionError("it was decoded")))
    with pytest.raises(StageError, match=r"large\.png is .*Save it in the film's size"):
        read_picture(str(path))


def test_what_lies_beyond_reach_is_said():
    clip = clip_of(pan(20), cuts=(10,))
    reference = Reference("-", clip.times[2], clip.times[0], clip.times[10])
    said = describe_unreached(clip, [reference], clip.times[3])
    assert said.startswith("70% of the frames are more than 0.125 s") and "50% are in shots" in said
    other = Reference("-", clip.times[12], clip.times[10], clip.end)
    assert describe_unreached(clip, [reference, other], Fraction(2)) == ""
