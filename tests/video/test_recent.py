"""The films that were used last, as the next notebook finds them."""

import json

import pytest

from helpers.runtime.machine import runtime
from helpers.video.recent import MOST, recent_films, remember_film
from tests.support.faults import failing
from tests.support.machine import use


@pytest.fixture
def films(tmp_path):
    """Some files; what is in them does not matter."""
    paths = [tmp_path / f"film_{number:02d}.mp4" for number in range(MOST + 2)]
    for path in paths:
        path.write_bytes(b"film")
    return paths


def test_the_newest_comes_first_and_none_comes_twice(films):
    assert recent_films() == []
    for film in [*films[:3], films[0]]:
        remember_film(film)
    assert recent_films() == [films[0], films[2], films[1]]


def test_films_that_are_gone_are_left_out(films):
    for film in films[:3]:
        remember_film(film)
    films[2].unlink()
    assert recent_films() == [films[1], films[0]]


def test_only_some_are_remembered(films):
    for film in films:
        remember_film(film)
    assert recent_films() == films[:1:-1]
    assert len(json.loads((runtime().cache / "recent.json").read_text())["films"]) == MOST


def test_a_mounted_drive_keeps_them_for_the_next_machine(films, tmp_path):
    drive = tmp_path / "drive"
    drive.mkdir()
    use(drive=drive)
    remember_film(films[0])
    use(drive=None)
    assert recent_films() == []
    use(drive=drive)
    assert recent_films() == [films[0]] and (drive / "silk-purse" / "recent.json").is_file()


@pytest.mark.parametrize("damage", ["{", '{"version": 1, "films": [3]}', '{"films": []}', "[]"])
def test_a_damaged_note_is_said_and_written_anew(films, damage, caplog):
    runtime().cache.mkdir(exist_ok=True)
    (runtime().cache / "recent.json").write_text(damage)
    if "version" in damage or damage != '{"films": []}':
        assert recent_films() == [] and "are forgotten" in caplog.text
    remember_film(films[0])
    assert recent_films() == [films[0]]


def test_where_nothing_can_be_written_the_film_is_used_all_the_same(films, monkeypatch, caplog):
    monkeypatch.setattr("helpers.video.recent.write_json", failing(PermissionError(13, "denied")))
    remember_film(films[0])
    assert "not remembered" in caplog.text and recent_films() == []


def test_a_name_that_is_no_text_is_not_remembered(tmp_path, caplog):
    remember_film(tmp_path / "\udcff.mp4")
    assert "not text" in caplog.text and recent_films() == []
