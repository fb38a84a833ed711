"""The player: the whole film where the server gives it, and a copy that every browser plays."""

import io
import json
import re
from fractions import Fraction

import av
import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.show import player as show
from helpers.show import served
from helpers.show.player import play
from helpers.show.still import STRIP
from helpers.video.writer import write_video
from tests.support.films import ffmpeg
from tests.support.paths import REPO
from tests.support.views import clip, embedded, markup, noise, static

TALK = REPO / "sample_clips" / "talk_160x120_8fps.mp4"


def streams(data):
    """Open an MP4 as a browser would have to, and decode it all."""
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(io.BytesIO(data)) as file:
        video = file.streams.video[0].codec_context
        assert (video.name, video.profile, video.pix_fmt) == ("h264", "High", "yuv420p")
        frames = list(file.decode(video=0))
        return frames, [stream.codec_context.name for stream in file.streams]


def test_play_a_clip_of_any_kind(tmp_path):
    view = play(clip(81, 61, sar=2, dtype=np.uint16), start=0.3, seconds=0.5)
    (data,) = embedded(view, "video/mp4")
    frames, kinds = streams(data)
    assert len(data) <= show.VIDEO_CAP and kinds == ["h264"]
    assert [(f.width, f.height) for f in frames] == [(162, 60)] * 4
    assert frames[0].to_ndarray(format="rgb24").mean() == pytest.approx(60, abs=4)
    assert repr(view) == "film 81x61, 0.25 to 0.75 s"


def test_play_makes_large_films_small():
    (data,) = embedded(play(clip(1000, 40, count=2), width=333), "video/mp4")
    assert {(f.width, f.height) for f in streams(data)[0]} == {(332, 12)}


def test_play_a_file_with_its_sound(tmp_path):
    odd = tmp_path / "a & <b>.mp4"
    odd.write_bytes(TALK.read_bytes())
    view = play(str(odd), start=1, seconds=1)
    (data,) = embedded(view, "video/mp4")
    frames, kinds = streams(data)
    assert len(frames) == 8 and kinds == ["h264", "aac"]
    assert "a &amp; &lt;b&gt;.mp4 160x120, 1.00 to 2.00 s" in markup(view)
    with av.open(io.BytesIO(data)) as file:
        sound = file.streams.audio[0]
        assert float(sound.duration * sound.time_base) == pytest.approx(1, abs=0.1)
    muted = play(odd, seconds=0.5, sound=False)
    assert streams(embedded(muted, "video/mp4")[0])[1] == ["h264"]


def test_play_a_silent_file(tmp_path):
    write_video(clip(), tmp_path / "silent.mp4")
    (data,) = embedded(play(tmp_path / "silent.mp4"), "video/mp4")
    assert len(streams(data)[0]) == 8


def test_notes_on_the_copy_are_not_logged(tmp_path, caplog):
    """A red box named preview.mp4, a file that nobody had asked for."""
    ffmpeg("-i", TALK, "-c:v", "copy", "-c:a", "pcm_s16le", tmp_path / "film.mkv")
    play(tmp_path / "film.mkv", seconds=1)
    assert not caplog.records


def test_play_lowers_quality_until_it_fits(monkeypatch):
    images = [noise(320, 240), noise(320, 240)[::-1]]
    film = MemoryClip(images, [Fraction(0), Fraction(1, 8)], Fraction(1, 4))
    full = len(embedded(play(film), "video/mp4")[0])
    monkeypatch.setattr(show, "VIDEO_CAP", full - 1)
    (data,) = embedded(play(film), "video/mp4")
    assert len(data) < full and len(streams(data)[0]) == 2


def test_play_shows_a_poster_if_nothing_fits(monkeypatch):
    monkeypatch.setattr(show, "VIDEO_CAP", 10)
    view = play(TALK, seconds=0.25)
    assert str(TALK) in repr(view)
    assert static(view)[0].shape == (480 + STRIP, 640, 3)


def serve(monkeypatch, tmp_path, root):
    """Make it look as if a Jupyter server had started this process."""
    monkeypatch.setenv("JPY_PARENT_PID", "123")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    note = {"root_dir": str(root), "base_url": "/user/ann/"}
    (tmp_path / "jpserver-123.json").write_text(json.dumps(note))


def sources(view):
    return re.findall(r'<source src="([^"]{1,60})', markup(view))


def test_play_all_of_a_file_that_the_server_reaches(tmp_path, monkeypatch):
    serve(monkeypatch, tmp_path, tmp_path)
    film = tmp_path / "my films" / "talk 1.mp4"
    film.parent.mkdir()
    film.write_bytes(TALK.read_bytes())
    view = play(film, seconds=1)
    assert "all 5.00 s of it, from the file" in repr(view)
    # The copy is there as well, for a page that is opened elsewhere: browsers try one by one.
    first, second = sources(view)
    assert first == "/user/ann/files/my%20films/talk%201.mp4"
    assert second.startswith("data:video/mp4")
    assert sources(play(film, seconds=1, start=2))[0].endswith("talk%201.mp4#t=2")


@pytest.mark.parametrize("name", ["../talk.mp4", ".hidden/talk.mp4"])
def test_a_file_that_the_server_does_not_reach_is_copied(name, tmp_path, monkeypatch):
    root = tmp_path / "root"
    root.mkdir()
    serve(monkeypatch, tmp_path, root)
    film = root / name
    film.parent.mkdir(exist_ok=True)
    film.write_bytes(TALK.read_bytes())
    view = play(film, seconds=1)
    assert len(sources(view)) == 1
    assert "as a copy: the page cannot reach the file. Open" in repr(view)


@pytest.mark.parametrize(("codec", "ending", "words"), [
    ("ffv1", "mkv", "FFV1"), ("prores", "mov", "ProRes"), ("h265", "mp4", "H.265"),
    ("h264", "mkv", ".mkv"),
])  # fmt: skip
def test_what_browsers_do_not_play_is_copied(codec, ending, words, tmp_path, monkeypatch):
    serve(monkeypatch, tmp_path, tmp_path)
    file = tmp_path / f"film.{ending}"
    write_video(clip(64, 48), file, codec=codec, check=False)
    view = play(file, seconds=0.5)
    assert len(sources(view)) == 1
    assert f"as a copy: browsers do not play {words}. Open {file} in a player" in repr(view)


def test_on_colab_a_copy_is_played(tmp_path, monkeypatch):
    monkeypatch.setattr(served, "on_colab", lambda: True)
    assert "as a copy: on Colab a page cannot reach files. Download" in repr(play(TALK, seconds=1))


def test_a_damaged_note_of_the_server_is_no_server(tmp_path, monkeypatch):
    serve(monkeypatch, tmp_path, tmp_path)
    (tmp_path / "jpserver-123.json").write_text("[]")
    assert served.file_url(tmp_path / "a.mp4") is None
