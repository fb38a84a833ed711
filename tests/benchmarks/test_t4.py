"""The estimate for a T4: what is counted, and what follows from it."""

import pytest

from benchmarks.speed import t4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "teraflops"),
    [("animevideov3", 1.141), ("general-x4v3", 2.228), ("x4plus", 33.0), ("RIFE 4.6", 0.077)],
)
def test_the_work_of_a_frame_is_counted(name, teraflops):
    found = t4.estimates(name)["720p"]
    assert found.teraflops == pytest.approx(teraflops, rel=0.01)
    assert found.fused_gigabytes < found.gigabytes
    assert found.expected < found.limit


@pytest.mark.slow
def test_a_network_reaches_the_share_that_was_measured():
    small, large = (t4.estimates("animevideov3")[size] for size in ("480p", "720p"))
    assert large.expected == pytest.approx(115.0 * t4.T4_TFLOPS / t4.H200_TFLOPS)
    assert small.expected == pytest.approx(3 * large.expected)
    assert large.compiled > 2 * large.expected


def test_encoding_takes_longer_than_converting():
    converted, whole = t4.encoding(120, 160, 4)
    assert 0 < converted < whole


@pytest.mark.slow
def test_the_recommendation_follows_the_estimate():
    rows = list(t4.advice_rows())[2:]
    assert [row.split(" | ")[1] for row in rows][:2] == ["x4plus", "animevideov3"]
    assert len(rows) == len(t4.FILMS)


def test_the_page_says_that_it_is_an_estimate_and_holds_the_figures():
    text = t4.PAGE.read_text(encoding="utf-8")
    assert "**This page is an estimate.**" in text
    _, figures, _ = text.split(t4.MARK)
    assert "| animevideov3 | 720p | 1.141 |" in figures and "2560x1440" in figures
