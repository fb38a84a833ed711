"""What every test of a project begins with."""

import pytest

from tests.support import killed, saves


@pytest.fixture(autouse=True)
def nothing_made():
    """Forget which frames other tests made."""
    killed.made.clear()
    saves.made.clear()
