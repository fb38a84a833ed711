"""Sound, subtitles, chapters and titles of the source are carried over, or missed in words."""

from __future__ import annotations

import av
import pytest

from helpers import open_video, write_video
from tests.support.films import H264, ffmpeg, film
from tests.support.rich_films import SUBTITLES, rich, streams

CARRIED = [
    # source, its sounds and subtitles; result, its sounds and subtitles; what the notes say
    ("a.mp4", ("aac", "libmp3lame"), "mov_text", "b.mp4", ("aac", "mp3"), "mov_text", ""),
    (
        "a.mkv",
        ("aac", "libmp3lame"),
        "srt",
        "b.mp4",
        ("aac", "mp3"),
        "mov_text",
        "subtitle track 1",
    ),
    ("a.mkv", ("pcm_s16le", "libvorbis"), "ass", "b.mp4", ("aac", "aac"), "mov_text", "(vorbis)"),
    ("a.mkv", ("pcm_s16le", "libvorbis"), "ass", "b.mkv", ("pcm_s16le", "vorbis"), "ass", ""),
    ("a.mp4", ("aac", "aac"), "mov_text", "b.mkv", ("aac", "aac"), "subrip", "(mov_text)"),
    ("a.mkv", ("pcm_s16le", "flac"), "srt", "b.mov", ("pcm_s16le", "aac"), "mov_text", "(flac)"),
]


@pytest.mark.parametrize(
    ("name", "sounds", "subtitles", "result", "expected", "texts", "note"), CARRIED
)
def test_everything_else_is_carried_over(
    tmp_path, name, sounds, subtitles, result, expected, texts, note
):
    source = rich(tmp_path, name, sounds, subtitles)
    written = write_video(open_video(source), tmp_path / result, source=source)
    kinds = streams(tmp_path / result)
    assert kinds[0][:2] == ("video", "h264")
    assert [kind for kind in kinds if kind[0] == "audio"] == [
        ("audio", expected[0], "eng"),
        ("audio", expected[1], "spa"),
    ]
    assert [kind for kind in kinds if kind[0] == "subtitle"] == [("subtitle", texts, "ita")]
    assert note in " ".join(written.notes) if note else not written.notes
    with av.open(str(tmp_path / result)) as container:
        chapters = [chapter["metadata"]["title"] for chapter in container.chapters()]
        tags = {key.lower(): value for key, value in container.metadata.items()}
    assert chapters == ["One", "Two"]
    assert (tags["title"], tags["artist"]) == ("A film", "Somebody")


def test_attachments_stay_in_matroska_and_are_missed_elsewhere(tmp_path):
    font = tmp_path / "font.ttf"
    font.write_bytes(b"not really a font")
    source = tmp_path / "a.mkv"
    ffmpeg(
        *("-i", film(tmp_path / "p.mkv", *H264, count=5), "-c", "copy", "-attach", font),
        *("-metadata:s:t", "mimetype=application/x-truetype-font", source),
    )
    assert not write_video(open_video(source), tmp_path / "b.mkv", source=source).notes
    assert "attachment" in [kind for kind, *_ in streams(tmp_path / "b.mkv")]
    notes = write_video(open_video(source), tmp_path / "b.mp4", source=source).notes
    assert "attachment track 1" in notes[0] and "left out; use .mkv to keep it" in notes[0]


def test_bitmap_subtitles_are_left_out_of_mp4_and_said(tmp_path):
    picture_film, source = film(tmp_path / "p.mkv", *H264), tmp_path / "a.mkv"
    (tmp_path / "s.srt").write_text(SUBTITLES)
    with av.open(str(source), "w") as out, av.open(str(picture_film)) as from_:
        copied = out.add_stream_from_template(from_.streams.video[0])
        out.add_stream("dvdsub")  # a track with nothing in it is one all the same
        for packet in from_.demux(video=0):
            if packet.dts is not None:
                packet.stream = copied
                out.mux(packet)
    written = write_video(open_video(source), tmp_path / "b.mp4", source=source)
    assert "(dvd_subtitle) is not supported in .mp4" in written.notes[0]


def test_avi_with_plain_sound_becomes_mp4(tmp_path):
    sine = ("-f", "lavfi", "-i", "sine=d=2.4")
    source = tmp_path / "a.avi"
    ffmpeg("-i", film(tmp_path / "p.mkv", "-c:v", "mpeg4"), *sine, "-c:v", "copy", source)
    ffmpeg("-i", tmp_path / "p.mkv", *sine, "-c:v", "copy", "-c:a", "pcm_s16le", source)
    written = write_video(open_video(source), tmp_path / "b.mp4", source=source)
    assert [kind[1] for kind in streams(tmp_path / "b.mp4")] == ["h264", "aac"]
    assert "audio track 1 (pcm_s16le) is not supported in .mp4" in written.notes[0]


def test_a_silent_source(tmp_path):
    source = film(tmp_path / "a.mp4", *H264, "-metadata", "title=Silence")
    assert not write_video(open_video(source), tmp_path / "b.mp4", source=source).notes
    assert [kind for kind, *_ in streams(tmp_path / "b.mp4")] == ["video"]
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.metadata["title"] == "Silence"


def test_a_damaged_source_still_gives_its_sound(tmp_path):
    source = rich(tmp_path, "a.mkv", ("aac", "aac"))
    source.write_bytes(source.read_bytes()[:-20_000])
    write_video(open_video(source), tmp_path / "b.mp4", source=source)
    assert [kind for kind, *_ in streams(tmp_path / "b.mp4")].count("audio") == 2
