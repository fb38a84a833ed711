"""Sound, subtitles, chapters and titles of the source are carried over, or missed in words."""

from __future__ import annotations

import time
from pathlib import Path

import av
import cv2
import pytest

from helpers import Plan, open_video, restore, write_video
from helpers.audio import clean_audio, replace_sound
from helpers.errors import VideoWriteError
from helpers.video import mux
from tests.support.films import H264, ffmpeg, film, picture
from tests.support.odd_films import replaced, spoiled, with_sound, with_teletext
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_damaged_source_still_gives_its_sound(tmp_path):
    source = rich(tmp_path, "a.mkv", ("aac", "aac"))
    source.write_bytes(source.read_bytes()[:-20_000])
    write_video(open_video(source), tmp_path / "b.mp4", source=source)
    assert [kind for kind, *_ in streams(tmp_path / "b.mp4")].count("audio") == 2


# --- tracks that a container does not take ---


def captions(path):
    """Write a MOV with closed captions as a track."""
    text = path.with_suffix(".scc")
    text.write_text(
        "Scenarist_SCC V1.0\n\n00:00:00:03\t9420 9420 94ae 94ae 9470 9470 c8e5 ecec ef80 942c 942c "
        "942f 942f\n\n00:00:00:20\t942c 942c\n\n"
    )
    source = with_sound(path.with_name("plain.mov"), "aac")
    ffmpeg("-i", source, "-i", text, "-map", 0, "-map", 1, "-c", "copy", path)
    return path


def many_channels(path, count=12):
    """Write a film with so many channels of sound in no named layout."""
    tones = "|".join(f"0.1*sin({200 + 50 * k}*t)" for k in range(count))
    ffmpeg(
        *("-i", film(path.with_name("p.mkv"), *H264, count=10), "-f", "lavfi"),
        *("-i", f"aevalsrc={tones}:s=48000:d=0.4", "-c:v", "copy", "-c:a", "pcm_s16le", path),
    )
    return path


def unknown_sound(path):
    if path.suffix == ".mov":
        plain = with_sound(path.with_name("plain.mov"), "pcm_s16le")
        return replaced(plain, path, b"sowt", b"XYZW")
    plain = with_sound(path.with_name("plain.mkv"), "libvorbis")
    return replaced(plain, path, b"A_VORBIS", b"A_VORBXX")


def unknown_kind(path):
    plain = with_sound(path.with_name("plain.mp4"), "aac")
    half = replaced(plain, path.with_name("half.mp4"), b"soun", b"abcd")
    return replaced(half, path, b"mp4a", b"wxyz")


def noise(path):
    return spoiled(with_sound(path.with_name("plain.ts"), "aac"), path, 0x101)


def nothing(path):
    return spoiled(with_sound(path.with_name("plain.ts"), "aac"), path, 0x101, dropped=True)


def locked_sound(path):
    return spoiled(with_sound(path.with_name("plain.ts"), "aac"), path, 0x101, scrambled=True)


def two_films(path):
    first = with_sound(path.with_name(f"plain{path.suffix}"), "aac")
    both = ("-map", 0, "-map", "1:v", "-c", "copy")
    ffmpeg("-i", first, "-i", first, *both, path.with_name(f"both{path.suffix}"))
    return path.with_name(f"both{path.suffix}")


def empty_second(path):
    return spoiled(two_films(path), path, 0x102, dropped=True)


def unknown_second(path):
    return replaced(two_films(path), path, b"avc1", b"VDOW", occurrence=1)


ODD = [
    # how the film is made, its name; the result, its sounds and subtitles; what the notes say
    (with_teletext, "a.ts", "mkv", [], [], "(dvb_teletext) is not supported in .mkv and was left"),
    (with_teletext, "a.ts", "mp4", [], [], "(dvb_teletext) is not supported in .mp4 and was left"),
    (
        captions,
        "a.mov",
        "mp4",
        ["aac"],
        ["mov_text"],
        "(eia_608) is not supported in .mp4 and was re",
    ),
    (
        captions,
        "a.mov",
        "mkv",
        ["aac"],
        ["subrip"],
        "(eia_608) is not supported in .mkv and was re",
    ),
    (captions, "a.mov", "mov", ["aac"], ["eia_608"], ""),
    (unknown_sound, "a.mov", "mov", [], [], "(four-character code XYZW) cannot be decoded and was"),
    (
        unknown_sound,
        "a.mkv",
        "mkv",
        [],
        [],
        "(an unknown codec) cannot be decoded and was left out",
    ),
    (unknown_kind, "a.mp4", "mkv", [], [], "data track 1"),
    (noise, "a.ts", "mkv", [], [], "audio track 1 (aac) cannot be decoded and was left out"),
    (noise, "a.ts", "mp4", [], [], "audio track 1 (aac) cannot be decoded and was left out"),
    (nothing, "a.ts", "mp4", [], [], "audio track 1 (aac) holds no sound and was left out"),
    (locked_sound, "a.ts", "mp4", [], [], "audio track 1 (aac) is encrypted and was left out"),
    (empty_second, "a.ts", "mp4", ["aac"], [], "2 video streams"),
    (unknown_second, "a.mov", "mp4", ["aac"], [], "2 video streams (160x128, not decodable)"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("make", "name", "ending", "sounds", "texts", "note"), ODD)
def test_an_odd_track_is_left_out_or_converted_with_a_true_note(
    tmp_path, make, name, ending, sounds, texts, note
):
    source = make(tmp_path / name)
    clip = open_video(source)
    written = write_video(clip, tmp_path / f"b.{ending}", source=source)
    kinds = streams(tmp_path / f"b.{ending}")
    assert [kind[1] for kind in kinds if kind[0] == "audio"] == sounds
    assert len([kind for kind in kinds if kind[0] == "subtitle"]) == len(texts)
    assert len(open_video(tmp_path / f"b.{ending}")) == len(clip)
    notes = " ".join([*clip.notes, *written.notes])
    assert note in notes if note else not notes
    assert "use .mkv" not in notes and "\n" not in notes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ending", "channels"), [("mp4", 1), pytest.param("mkv", 12), pytest.param("mov", 12)]
)
def test_twelve_channels_are_kept_or_mixed_and_said(tmp_path, ending, channels):
    source = many_channels(tmp_path / "a.mov")
    written = write_video(open_video(source), tmp_path / f"b.{ending}", source=source)
    with av.open(str(tmp_path / f"b.{ending}")) as container:
        sound = container.streams.audio[0]
        assert sound.channels == channels
        assert sum(frame.samples for frame in container.decode(sound)) >= 19_200
    mixed = "has 12 channels, which aac cannot hold; all are mixed equally into one"
    assert mixed in written.notes[0] if ending == "mp4" else not written.notes


@pytest.mark.slow
def test_many_channels_of_another_codec_are_kept_in_mov(tmp_path):
    source = tmp_path / "b.mkv"
    ffmpeg("-i", many_channels(tmp_path / "a.mov"), "-c:v", "copy", "-c:a", "pcm_u8", source)
    written = write_video(open_video(source), tmp_path / "c.mov", source=source)
    with av.open(str(tmp_path / "c.mov")) as container:
        assert container.streams.audio[0].channels == 12
    assert "re-encoded to pcm_s24le" in written.notes[0]


@pytest.mark.slow
def test_sound_that_begins_late_is_converted_all_the_same(tmp_path):
    source = tmp_path / "a.mkv"
    late = ("-itsoffset", 8, "-f", "lavfi", "-i", "sine=d=1")
    picture_film = film(tmp_path / "p.mkv", *H264, count=250)
    ffmpeg("-i", picture_film, *late, "-c:v", "copy", "-c:a", "libvorbis", source)
    write_video(open_video(source), tmp_path / "b.mp4", source=source)
    assert [kind[1] for kind in streams(tmp_path / "b.mp4")] == ["h264", "aac"]


def test_tracks_are_decided_before_the_picture_is_made(tmp_path, monkeypatch):
    """The first thing that a run asks is what the file can hold."""
    asked = []
    monkeypatch.setattr("helpers.plan.read_tracks", lambda *what: asked.append(what))
    monkeypatch.setattr("helpers.plan.open_project", lambda *_: asked.append("work"))
    source = many_channels(tmp_path / "a.mov")
    with pytest.raises((AttributeError, TypeError)):  # there is no project to work in
        restore(source, tmp_path / "b.mp4", plan=Plan.of(upscale="bicubic"))
    assert asked == [(source, tmp_path / "b.mp4"), "work"]


# --- if joining fails after all ---


@pytest.fixture
def failing(monkeypatch):
    """Make ffmpeg fail whenever a track of this codec is among those to be joined."""
    run, tried = mux._run, []

    def only(codec):
        def fail(picture, offset, path, source, tracks, *rest):
            tried.append([track.codec for track in tracks])
            if any(track.codec == codec for track in tracks):
                raise VideoWriteError("ffmpeg could not write it (packet too odd)")
            run(picture, offset, path, source, tracks, *rest)

        monkeypatch.setattr(mux, "_run", fail)
        return tried

    return only


@pytest.mark.slow
def test_the_culprit_alone_is_left_out_at_last(tmp_path, failing):
    source = rich(tmp_path, "a.mkv", ("aac", "flac"), "srt")
    failing("flac")
    written = write_video(open_video(source), tmp_path / "b.mkv", source=source)
    assert [kind[1] for kind in streams(tmp_path / "b.mkv")] == ["h264", "aac", "subrip"]
    assert written.notes == (
        "audio track 2 (flac) was left out: ffmpeg could not write it (packet too odd)",
    )


@pytest.mark.slow
def test_the_picture_is_kept_whatever_happens(tmp_path, monkeypatch):
    source, run = rich(tmp_path, "a.mkv", ("aac", "aac"), "srt"), mux._run

    def fail(picture, offset, path, source, *rest):
        if source is not None:
            raise VideoWriteError("ffmpeg could not write it (no idea why)")
        run(picture, offset, path, source, *rest)

    monkeypatch.setattr(mux, "_run", fail)
    written = write_video(open_video(source), tmp_path / "b.mp4", source=source)
    assert len(open_video(tmp_path / "b.mp4")) == 60
    assert any(note.startswith("nothing but the picture could be") for note in written.notes)


def test_an_error_has_no_banner_and_one_line(tmp_path):
    source = tmp_path / "a.wmv"
    ffmpeg("-i", film(tmp_path / "p.mkv", *H264, count=5), "-c:v", "wmv2", source)
    with pytest.raises(VideoWriteError) as caught:
        mux.copy_with_sound(source, tmp_path / "b.mp4", ())
    message = str(caught.value)
    assert "could not write b.mp4" in message
    assert len(message) < 300 and "\n" not in message and "libav" not in message


# --- cover pictures ---


def with_cover(path):
    cv2.imwrite(str(path.with_name("c.png")), picture(0))
    cover = ("-c", "copy", "-disposition:v:0", "attached_pic")
    source = with_sound(path.with_name("plain.mp4"), "aac")
    ffmpeg("-i", path.with_name("c.png"), "-i", source, "-map", 0, "-map", 1, *cover, path)
    return path


def covers(path):
    with av.open(str(path)) as container:
        flags = [stream.disposition for stream in container.streams.video]
    return [bool(flag & av.stream.Disposition.attached_pic) for flag in flags]


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "kept"), [("mp4", True), ("mkv", True), ("mov", False)])
def test_a_cover_is_kept_where_the_container_can(tmp_path, ending, kept):
    source = with_cover(tmp_path / "a.mp4")
    clip = open_video(source)
    assert not clip.notes
    written = write_video(clip, tmp_path / f"b.{ending}", source=source)
    assert covers(tmp_path / f"b.{ending}") == [False, True][: 1 + kept]
    note = "cover picture (png) is not supported in .mov and was left out; use .mkv to keep it"
    assert written.notes == (() if kept else (note,))
    if kept:  # and from there to the other one
        clip = open_video(tmp_path / f"b.{ending}")
        write_video(clip, tmp_path / "c.mkv", source=tmp_path / f"b.{ending}")
        assert covers(tmp_path / "c.mkv") == [False, True]


def test_a_copy_with_other_sound_copies_the_film_and_not_the_cover_before_it(tmp_path):
    source = with_cover(tmp_path / "a.mp4")
    replace_sound(source, clean_audio(source, "loudness"), tmp_path / "b.mkv")
    assert len(open_video(tmp_path / "b.mkv")) == 25
    assert sorted(covers(tmp_path / "b.mkv")) == [False, True]


def test_deciding_takes_no_time(tmp_path):
    source = many_channels(tmp_path / "a.mov")
    begun = time.perf_counter()
    mux.read_tracks(Path(source), tmp_path / "b.mp4")
    assert time.perf_counter() - begun < 5
