"""A model that no engine looks into, and programs in the place of the real one."""

import sys
import textwrap

import pytest

from tests.support.ncnn_models import TINY_PARAM, generate


@pytest.fixture
def tiny(tmp_path):
    """A folder that passes for a model where no engine looks into it."""
    folder = tmp_path / "rife-v4.6"
    folder.mkdir()
    (folder / "flownet.param").write_text(TINY_PARAM)
    return generate(folder)


# The program: a script in its place, which reads the arguments as the real one does.

GOOD = """
    import pathlib, sys
    import cv2
    import numpy as np
    asked = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    assert asked["-m"].endswith("rife-v4.6") and asked["-g"] == "0" and asked["-j"] == "1:1:2"
    def draw(first, last, step, path):
        one, two = (cv2.imread(str(name)).astype(float) for name in (first, last))
        middle = np.rint(one + (two - one) * step).astype(np.uint8)
        SPOIL
        cv2.imwrite(str(path), middle)
    if "-i" in asked:
        names = sorted(pathlib.Path(asked["-i"]).iterdir())
        count, scale = int(asked["-n"]), len(names) / int(asked["-n"])
        for number in range(count):
            place = np.float32(number * scale)
            step = 1 if place >= 1 else place
            draw(*names, step, pathlib.Path(asked["-o"]) / f"{number + 1:08d}.png")
    else:
        draw(asked["-0"], asked["-1"], np.float32(asked["-s"]), asked["-o"])
    open(LOG, "a").write("called\\n")
"""


@pytest.fixture
def program(tmp_path):
    """A maker of programs: Python scripts that can be run."""

    def make(script=GOOD, spoil="pass"):
        path = tmp_path / "rife-ncnn-vulkan"
        body = textwrap.dedent(script).replace("SPOIL", spoil)
        body = body.replace("LOG", repr(str(tmp_path / "calls")))
        path.write_text(f"#!{sys.executable}\n{body}")
        path.chmod(0o755)
        return path

    return make
