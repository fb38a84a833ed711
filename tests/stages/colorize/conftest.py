"""Pictures that a person coloured."""

import cv2
import numpy as np
import pytest


@pytest.fixture
def picture(tmp_path):
    """Writes a picture to a file, as a person would save it."""

    def write(image, name="coloured.png"):
        path = tmp_path / name
        order = [2, 1, 0, 3][: image.shape[2]]
        cv2.imwrite(str(path), np.ascontiguousarray(image[..., order]))
        return str(path)

    return write
