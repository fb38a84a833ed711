"""The data of benchmarks: found, fetched and checked, or refused in words."""

import hashlib
import re
from functools import partial
from http.server import SimpleHTTPRequestHandler

import cv2
import numpy as np
import pytest

from benchmarks import datasets
from benchmarks.common import UnavailableError
from benchmarks.datasets import Dataset
from benchmarks.derived import pixels_sha256, png_from_bmp
from helpers.catalog import fetch as fetching
from helpers.catalog.fetch import File
from tests.support.machine import use
from tests.support.server import serving

CONTENT = b"a clean film" * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()
NOWHERE = "http://127.0.0.1:9"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        super().do_GET()


@pytest.fixture
def site(tmp_path):
    """A server that publishes one film."""
    published = tmp_path / "published"
    published.mkdir()
    (published / "bikes.mp4").write_bytes(CONTENT)
    with serving(partial(Quiet, directory=str(published))) as server:
        server.asked, server.folder = [], published
        yield server


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of its own, and a folder of data that is empty."""
    monkeypatch.setattr(fetching, "WAITS", [])
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("SILK_PURSE_DATA", str(tmp_path / "mine"))
    use(cache=tmp_path / "cache", scratch=tmp_path)
    return tmp_path / "cache" / "data"


def publish(monkeypatch, *addresses, sha256=SHA):
    """Make the table hold a data set at each address, of one film each."""
    files = {}
    for number, address in enumerate(addresses):
        urls = (f"{address}/bikes.mp4",)
        film = File(f"clips/{number}.mp4", urls, len(CONTENT), sha256)
        files[Dataset(f"films-{number}", "to damage", "MIT", address)] = (film,)
    monkeypatch.setattr(datasets, "FILES", files)


def test_a_file_is_fetched_once_and_kept(site, cache, monkeypatch):
    publish(monkeypatch, site.url)
    found = datasets.fetch("films-0")
    assert found == {"clips/0.mp4": cache / "clips" / "0.mp4"}
    assert found["clips/0.mp4"].read_bytes() == CONTENT
    assert datasets.fetch("clips/0.mp4") == found and site.asked == ["/bikes.mp4"]


def test_another_file_at_the_address_is_refused(site, cache, monkeypatch):
    publish(monkeypatch, site.url, sha256="0" * 64)
    with pytest.raises(UnavailableError, match=rf"sha256 is {SHA[:16]}.*, but 0000") as refusal:
        datasets.fetch("films-0")
    assert f"{site.url}/bikes.mp4" in str(refusal.value)
    assert not list(cache.rglob("*.mp4"))


def test_what_cannot_be_reached_is_told_with_where_to_put_it(cache, monkeypatch):
    publish(monkeypatch, NOWHERE)
    with pytest.raises(UnavailableError) as refusal:
        datasets.fetch("films-0")
    said = str(refusal.value)
    assert "no network, or no such server" in said and f"{NOWHERE}/bikes.mp4" in said
    assert f"{cache / 'clips'} as 0.mp4" in said and "SILK_PURSE_DATA" in said


def test_a_folder_of_ones_own_is_looked_in_first(tmp_path, monkeypatch):
    publish(monkeypatch, NOWHERE)
    mine = tmp_path / "mine" / "clips" / "0.mp4"
    mine.parent.mkdir()
    mine.write_bytes(CONTENT)
    assert datasets.fetch("films-0") == {"clips/0.mp4": mine}
    mine.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(UnavailableError, match=r"not the clips/0\.mp4 that was measured on: its"):
        datasets.fetch("films-0")


def test_a_folder_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SILK_PURSE_DATA", str(tmp_path / "gone"))
    with pytest.raises(UnavailableError, match="gone, which is not a folder"):
        datasets.fetch("kodak")
    assert datasets.main([]) == 1


def test_what_cannot_be_had_is_left_out_and_named(site, monkeypatch, capsys):
    publish(monkeypatch, site.url, NOWHERE)
    found, told = datasets.gather("films-0", "clips/1.mp4")
    assert list(found) == ["clips/0.mp4"]
    assert told == ["", "Left out, because it was not to be had: 1.mp4."]
    assert "no network" in capsys.readouterr().err
    assert datasets.gather("films-0")[1] == []


def test_nothing_at_all_is_an_error(monkeypatch):
    publish(monkeypatch, NOWHERE, NOWHERE)
    with pytest.raises(UnavailableError, match="no network"):
        datasets.gather("films-0", "films-1")


def test_a_derived_file_is_made_and_checked_by_its_pictures(site, cache, tmp_path, monkeypatch):
    picture = np.random.default_rng(1).integers(0, 256, (16, 24, 3), np.uint8)
    cv2.imwrite(str(site.folder / "bird_GT.bmp"), picture)
    cv2.imwrite(str(tmp_path / "expected.png"), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    expected = pixels_sha256(tmp_path / "expected.png")
    dataset = Dataset("set5", "to enlarge", "research use", site.url, png_from_bmp)
    file = File("set5/bird.png", (f"{site.url}/bird_GT.bmp",), 0, expected)
    monkeypatch.setattr(datasets, "FILES", {dataset: (file,)})
    made = datasets.fetch("set5")["set5/bird.png"]
    assert made == cache / "set5" / "bird.png" and (cv2.imread(str(made)) == picture).all()
    cv2.imwrite(str(made), 255 - picture)
    with pytest.raises(UnavailableError, match="its pictures' sha256"):
        datasets.fetch("set5")


def test_the_command_lists_and_fetches(site, monkeypatch, capsys):
    publish(monkeypatch, site.url, NOWHERE)
    assert datasets.main(["films-0"]) == 0
    assert datasets.main(["all"]) == 1
    assert "films-1" in capsys.readouterr().err
    assert datasets.main(["unheard-of"]) == 1
    assert "There are: films-0, films-1." in capsys.readouterr().err
    assert datasets.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.match(r"films-0 +0\.0 MB  here +to damage", lines[0]) and "MIT" in lines[1]
    assert re.match(r"films-1 +0\.0 MB  not here", lines[2])


def test_every_file_has_an_address_of_a_fixed_commit_and_a_sha256():
    names = [file.name for files in datasets.FILES.values() for file in files]
    assert len(names) == len(set(names)) == sum(1 for _ in datasets.LIST.open()) - 1
    for dataset, files in datasets.FILES.items():
        assert files, dataset.name
        for file in files:
            assert re.fullmatch(r"https://raw\.githubusercontent\.com/[\w.-]+/[\w.-]+/[0-9a-f]{40}/\S+",
                                file.urls[0])  # fmt: skip
            assert re.fullmatch(r"[0-9a-f]{64}", file.sha256) and file.bytes
