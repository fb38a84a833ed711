"""What a run will cost is said before it is begun."""

import pytest

from helpers import estimate, open_video, sample
from helpers.estimates import spoken


def test_an_estimate_says_what_a_run_costs():
    told = repr(estimate(open_video(sample())))
    assert "40 frames of 160x120" in told and "goes on" in told


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "a second"), (600, "10 minutes"), (107 * 3600, "107.0 hours")]
)
def test_time_is_said_as_a_person_would(seconds, words):
    assert spoken(seconds) == words
