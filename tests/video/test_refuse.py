"""What cannot be restored is refused at once, in words that say what it is."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from helpers import Plan, open_video, restore
from helpers.errors import VideoOpenError
from helpers.project.project import Project
from tests.support.films import ffmpeg, film
from tests.support.odd_films import replaced, spoiled, with_sound


def make_pipe(path):
    os.mkfifo(path)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def make_device(path):
    path.symlink_to("/dev/null")


def encrypt(path):
    """Write an MP4 with Common Encryption, as for streaming."""
    plain = with_sound(path.with_name("plain.mp4"), "aac")
    key, name = "76a6c65c5ea762046bd749a2e632ccbb", "a7e61c373e219033c21091fa607bf3b8"
    scheme = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", key, "-encryption_kid", name)
    ffmpeg("-i", plain, "-c", "copy", *scheme, path)
    plain.unlink()


def scramble(path):
    spoiled(with_sound(path.with_name("plain.ts"), "aac"), path, 0x100, scrambled=True)


def scramble_dvd(path):
    """Set the flags of a scrambled DVD on every packet of pictures."""
    data = bytearray(film(path, "-c:v", "mpeg2video", "-f", "vob", count=10).read_bytes())
    at = 0
    while (at := data.find(b"\0\0\1\xe0", at)) >= 0:
        data[at + 6] |= 0x30
        at += 4
    path.write_bytes(data)


def lock_asf(path):
    film(path, "-c:v", "wmv2", "-f", "asf", count=5)
    mark = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")
    data = path.read_bytes()
    path.write_bytes(data + mark)


def call_it_vdow(path):
    plain = film(path.with_name("plain.avi"), "-c:v", "mjpeg", count=5)
    replaced(plain, path, b"MJPG", b"VDOW")


def call_it_vdow_in_mov(path):
    plain = film(path.with_name("plain.mov"), "-c:v", "mjpeg", count=5)
    replaced(plain, path, b"jpeg", b"VDOW")


def name_no_codec(path):
    plain = film(path.with_name("plain.mkv"), "-c:v", "mpeg4", count=5)
    replaced(plain, path, b"V_MPEG4/ISO/ASP", b"V_MPEG4/ISO/XYZ")


REFUSED = {
    "pipe.mp4": (make_pipe, "is a pipe, not a file"),
    "socket.mp4": (make_socket, "is a socket, not a file"),
    "device.mp4": (make_device, "is a device, not a file"),
    "cenc.mp4": (encrypt, "is encrypted"),
    "scrambled.ts": (scramble, "is encrypted"),
    "scrambled.vob": (scramble_dvd, "is encrypted"),
    "locked.wmv": (lock_asf, "is encrypted"),
    "unknown.avi": (call_it_vdow, "no decoder for its format here (four-character code VDOW)"),
    "unknown.mov": (
        call_it_vdow_in_mov,
        "no decoder for its format here (four-character code VDOW",
    ),
    "unknown.mkv": (name_no_codec, "no decoder for its format here (an unknown codec)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_said_what_it_is(tmp_path, name):
    make, words = REFUSED[name]
    make(tmp_path / name)
    for read in (open_video, Project(tmp_path / "project").source):
        with pytest.raises(VideoOpenError) as caught:
            read(tmp_path / name)
        message = str(caught.value)
        assert words in message and name in message and "\n" not in message


@pytest.mark.parametrize("name", ["pipe.mp4", "cenc.mp4", "unknown.avi"])
def test_nothing_is_left_behind(tmp_path, name):
    REFUSED[name][0](tmp_path / name)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(VideoOpenError):
        restore(tmp_path / name, tmp_path / "out" / "b.mp4", plan=Plan.of(upscale="bicubic"))
    assert sorted(tmp_path.iterdir()) == before


def test_a_film_that_is_not_encrypted_is_not_called_so(tmp_path):
    for name, codec in (("a.ts", "aac"), ("a.mp4", "aac"), ("a.mkv", "aac"), ("a.wmv", "mp3")):
        assert len(open_video(with_sound(tmp_path / name, codec))) == 25


def test_a_link_to_a_film_is_a_film(tmp_path):
    film(tmp_path / "a.mkv", "-c:v", "mpeg4", count=5)
    Path(tmp_path / "b.mkv").symlink_to("a.mkv")
    assert len(open_video(tmp_path / "b.mkv")) == 5
