"""Decisions go to a table, are changed there by a person, and come back."""

import csv

import pytest

from helpers.clip import Clip
from helpers.errors import StageError
from helpers.stages.duplicates.decisions import (
    Duplicates,
    find_duplicates,
    read_csv,
    review_duplicates,
)
from tests.support.cadences import film, inserted
from tests.support.law import varying_clip

# --- by hand ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clip() -> Clip:
    return film(inserted(0), cut=24)


@pytest.fixture(scope="module")
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
        (3, "keep", "maybe", "it must be keep or drop"),
        (3, "2,", "9,", "frame 2 is expected here"),
        (3, "0.083333", "0.5", "made for another film"),
        (3, "0.083333", "early", "not a number"),
        (3, "0.083333", "nan", "not a number"),
        (3, "0.083333", "inf", "not a number"),
        (3, ",,", ",²,", "not the number of an earlier frame"),
        (3, ",,", "," + "9" * 5000 + ",", "not the number of an earlier frame"),
        (3, "keep", '"' + "x" * 200_000, "cannot be read as a table"),
        (1, "keep", "drop", "begins a shot"),
    ],
)
def test_a_table_that_is_wrong_is_refused_plainly(tmp_path, clip, found, line, old, new, said):
    path = found.write_csv(tmp_path / "table.csv")
    edit(path, line, old, new)
    with pytest.raises(StageError, match=said):
        read_csv(path, clip)


@pytest.mark.parametrize("data", [b"", b"\0" * 999, b"\xff\xfe", b"<html>", b'"', b"{}", b"a,b\n1"])
def test_garbage_is_no_table(tmp_path, clip, data):
    (tmp_path / "table.csv").write_bytes(data)
    with pytest.raises(StageError, match=r"table\.csv (cannot be read|has no column)"):
        read_csv(tmp_path / "table.csv", clip)


def test_a_table_of_another_film_is_refused(tmp_path, found):
    path = found.write_csv(tmp_path / "table.csv")
    with pytest.raises(StageError, match="one row for each frame"):
        read_csv(path, varying_clip())
    with pytest.raises(StageError, match="cannot be read"):
        read_csv(tmp_path / "absent.csv", varying_clip())


def test_a_table_that_a_person_changed_is_kept(tmp_path, clip, found):
    """Running all cells again wrote over it."""
    path = tmp_path / "repeats.csv"
    assert review_duplicates(path, clip).dropped == found.dropped
    written = path.read_text()
    number = found.dropped[0]
    edit(path, number + 1, "drop", "keep")
    changed = path.read_text()
    again = review_duplicates(path, clip)
    assert again.by_hand == (number,) and "1 was decided by hand." in again.summary()
    assert set(found.dropped) - set(again.dropped) == {number}
    assert path.read_text() == changed
    # Saved by a spreadsheet without a change, it is found anew.
    path.write_text(written.replace(",", ";"))
    assert not review_duplicates(path, clip).by_hand
    assert path.read_text() == written


def test_a_table_of_another_film_is_put_aside(tmp_path, clip, found, caplog):
    path = tmp_path / "repeats.csv"
    for number, other in enumerate((varying_clip(), clip, varying_clip())):
        review_duplicates(path, other)
        assert len(list(tmp_path.iterdir())) == 1 + number
    assert (tmp_path / "repeats_old1.csv").read_text() == path.read_text()
    assert "It was kept as repeats_old1.csv" in caplog.text


def test_a_slip_of_the_pen_is_not_thrown_away(tmp_path, clip, found):
    path = found.write_csv(tmp_path / "repeats.csv")
    edit(path, 3, "keep", "kepe")
    with pytest.raises(StageError, match="'kepe'; it must be keep or drop"):
        review_duplicates(path, clip)
