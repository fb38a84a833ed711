"""A film by a link: whole and a film, or refused in words."""

from __future__ import annotations

import os
import re
import sys
from http.server import BaseHTTPRequestHandler
from typing import ClassVar
from urllib.parse import quote

import pytest

from helpers import find_film, project_folder, sample
from helpers.errors import VideoOpenError
from helpers.video.download import download
from tests.support.saves import one_line
from tests.support.server import serving

TALK, FILM = (sample(name).read_bytes() for name in ("talk", "film"))
PAGE = b"<!DOCTYPE html><html><body>Please log in.</body></html>"


class Films(BaseHTTPRequestHandler):
    """Answers each path with what `answers` says: headers and content."""

    answers: ClassVar[dict[str, tuple[dict[str, str], bytes]]] = {}
    asked: ClassVar[list[str]] = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.asked.append(self.path)
        if self.path not in self.answers:
            return self.send_error(404)
        headers, content = self.answers[self.path]
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        return None


@pytest.fixture
def server():
    Films.answers, Films.asked = {}, []
    with serving(Films) as running:
        yield running


def length(content, more=0):
    return {"Content-Length": str(len(content) + more)}


def refuse(link, folder):
    with pytest.raises(VideoOpenError) as error:
        download(link, folder)
    assert list(folder.iterdir()) == []
    return one_line(error)


def test_a_link_is_fetched_once(server, tmp_path):
    Films.answers["/talk.mp4"] = (length(TALK), TALK)
    paths = {download(f"{server.url}/talk.mp4", tmp_path) for _ in range(2)}
    assert [path.read_bytes() for path in paths] == [TALK]
    assert Films.asked == ["/talk.mp4"]


def test_links_that_end_alike_are_different_films(server, tmp_path):
    for path, film in (("/a/film.mp4", TALK), ("/b/film.mp4", FILM), ("/b/film.mp4?id=2", TALK)):
        Films.answers[path] = (length(film), film)
    found = [download(server.url + path, tmp_path) for path in Films.answers]
    assert [path.read_bytes() for path in found] == [TALK, FILM, TALK]
    assert len({project_folder(path) for path in found}) == 3


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "video/mp4", "", "application/json"])
def test_a_page_is_no_film_whatever_it_calls_itself(server, tmp_path, kind):
    Films.answers["/film.mp4"] = ({**length(PAGE), "Content-Type": kind}, PAGE)
    refuse(f"{server.url}/film.mp4", tmp_path)
    Films.answers["/film.mp4"] = (length(TALK), TALK)  # as after a log-in
    assert download(f"{server.url}/film.mp4", tmp_path).read_bytes() == TALK


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        (length(TALK, 1000), TALK),  # breaks off
        (length(TALK, -1000), TALK),
        ({"Content-Length": "0"}, b""),
        ({}, b""),
        ({"Transfer-Encoding": "chunked"}, b"fff\r\nshort"),
        ({"Transfer-Encoding": "chunked"}, b"no length\r\n"),
        ({"Content-Encoding": "gzip"}, TALK),
        ({"Location": "x" * 70_000}, b""),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_does_not_come_whole_is_not_kept(server, tmp_path, headers, content):
    Films.answers["/film.mp4"] = (headers, content)
    if headers == length(TALK, -1000):
        content = TALK[:-1000]  # nobody can know that there was more; it is a film still
        assert download(f"{server.url}/film.mp4", tmp_path).read_bytes() == content
    else:
        refuse(f"{server.url}/film.mp4", tmp_path)


@pytest.mark.parametrize("size", ["", "-5", "many", "1.5", "٣"])
def test_a_length_that_is_none_is_not_needed(server, tmp_path, size):
    Films.answers["/film.mp4"] = ({"Content-Length": size.encode().decode("latin-1")}, TALK)
    assert download(f"{server.url}/film.mp4", tmp_path).read_bytes() == TALK


@pytest.mark.parametrize(
    "link",
    [
        "http://",
        "http://[::1",
        "http:///film.mp4",
        "http://host:port/film.mp4",
        "http://host:99999999/film.mp4",
        "http://exa mple/film.mp4",
        f"http://{'a' * 70}.example/film.mp4",
        "http://127.0.0.1:1/film.mp4",
        "http://\udcff/film.mp4",
        "http://a\nb/film.mp4",
        "HTTP://",
    ],
)
def test_a_link_that_is_none_is_refused_in_one_sentence(tmp_path, link):
    with pytest.raises(VideoOpenError, match="could not be downloaded") as error:
        find_film(link)
    one_line(error)


@pytest.mark.parametrize(
    "path",
    ["/", "/film.mp4", "/..%2F..%2Fetc%2Fpasswd", "/" + "x" * 3000, "/%00.mp4", "/a%0Ab.mp4",
     "/фильм.mp4", "/film.mp4#t=5", "/.mp4", "/-rf"],
)  # fmt: skip
def test_any_name_is_kept_in_the_folder(server, tmp_path, path):
    Films.answers[quote(path.split("#")[0], safe="/%")] = (length(TALK), TALK)
    found = download(server.url + path, tmp_path)
    assert found.parent == tmp_path and os.listdir(tmp_path) == [found.name]
    assert len(os.fsencode(found.name)) <= 255 and not found.name.startswith((".", "-rf."))


def test_a_server_that_has_no_such_film_is_said(server, tmp_path):
    assert "responded 404" in refuse(f"{server.url}/film.mp4", tmp_path)


def test_bytes_are_counted_as_bytes(server, tmp_path, capsys):
    Films.answers["/talk.mp4"] = (length(TALK), TALK)
    download(f"{server.url}/talk.mp4", tmp_path)
    said = "".join(capsys.readouterr())  # stdout where another test has imported ipykernel
    assert "B/s" in said and "frame" not in said


@pytest.mark.parametrize(
    "link",
    [
        "https://www.youtube.com/watch?v=x1_y-2&list=PL3",
        "https://youtu.be/x1?t=30",
        "https://m.youtube.com/shorts/x1",
        "https://vimeo.com/12345",
        "https://www.dailymotion.com/video/x1",
        "https://archive.org/details/some_film",
        "https://archive.org/details/some_film/reel_1.mp4",
        "HTTPS://YOUTUBE.COM/watch?v=x1",
    ],
)
def test_a_page_of_a_video_site_is_refused_with_what_to_do_at_home(tmp_path, link):
    with pytest.raises(VideoOpenError) as error:
        find_film(link)
    assert f'\nyt-dlp --no-playlist "{link}"\n' in str(error.value)
    assert "only if the film is yours" in str(error.value)


def test_the_line_for_home_is_safe_to_paste():
    with pytest.raises(VideoOpenError) as error:
        find_film('https://youtu.be/x"; rm -rf $HOME `id`\\\n\udcff')
    line = re.search("^yt-dlp.*$", str(error.value), re.MULTILINE)[0]
    assert not set(line[line.index("https") : -1]) & set('"$`\\ \n')


@pytest.mark.parametrize(
    "link",
    [
        "https://archive.org/download/some_film/reel_1.mp4",
        "https://ia800.us.archive.org/5/items/some_film/reel_1.mp4",
        "https://player.vimeo.com/external/1.hd.mp4?s=2",
        "https://notyoutube.com/watch?v=x1",
    ],
)
def test_a_file_that_a_site_gives_is_no_page(tmp_path, monkeypatch, link):
    asked = []
    monkeypatch.setattr("helpers.video.download._from_web", lambda *what: asked.append(what[0]))
    download(link, tmp_path)
    assert asked == [link]


class FakeDrive:
    """Stands in for gdown: writes a file under its own name, or raises what gdown raises."""

    def __init__(self, monkeypatch, content=TALK, name="Our talk.mp4"):
        import gdown

        self.content, self.name, self.asked = content, name, []
        monkeypatch.setattr(gdown, "download", self.download)

    def download(self, *, id, output, log_messages):
        self.asked.append(id)
        if isinstance(self.content, Exception):
            raise self.content
        if self.content is None:
            return None
        sys.stderr.write("a bar\n")
        path = f"{output}{self.name}"
        with open(path, "xb") as file:
            file.write(self.content)
        return path


SHARED = [
    "https://drive.google.com/file/d/1x-Y_z/view?usp=sharing",
    "https://drive.google.com/file/d/1x-Y_z/edit",
    "https://drive.google.com/open?id=1x-Y_z",
    "https://drive.google.com/uc?export=download&id=1x-Y_z",
    "https://drive.google.com/u/0/uc?id=1x-Y_z",
    "https://docs.google.com/uc?id=1x-Y_z",
    "https://drive.usercontent.google.com/download?id=1x-Y_z&export=download",
]


def test_a_film_shared_on_drive_is_fetched_once_under_its_own_name(tmp_path, monkeypatch):
    drive = FakeDrive(monkeypatch)
    found = {download(link, tmp_path) for link in SHARED}
    assert drive.asked == ["1x-Y_z"] and len(found) == 1
    film = found.pop()
    assert film.read_bytes() == TALK and film.name.startswith("Our talk-")
    assert list(tmp_path.iterdir()) == [film]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (PAGE, "does not lead to a film"),
        (RuntimeError("Too many users have viewed or downloaded this file"), "Wait a day"),
        (RuntimeError("Cannot retrieve the public link of the file. You may need to change the "
                      "permission"), "Anyone with the link"),
        (OSError("connection lost"), r"OSError: connection lost"),
        (None, "gdown got nothing"),
    ],
)  # fmt: skip
def test_what_google_drive_does_not_give_is_said_plainly(tmp_path, monkeypatch, answer, said):
    FakeDrive(monkeypatch, answer)
    assert re.search(said, refuse(SHARED[0], tmp_path))


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("https://drive.google.com/drive/folders/1x-Y_z?usp=sharing", "a folder of Google Drive"),
        ("https://drive.google.com/drive/my-drive", "a page of Google Drive"),
    ],
)
def test_a_link_to_no_film_on_drive_says_which_link_to_copy(tmp_path, link, said):
    message = refuse(link, tmp_path)
    assert said in message and "Copy link" in message
