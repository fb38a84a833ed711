"""An untagged picture has the matrix that players take for its size."""

from helpers.imaging.matrices import choose_matrix


def test_the_matrix_is_that_of_the_film():
    assert choose_matrix("bt709", 64, 48) == "bt709"
    assert choose_matrix("gbr", 640, 480) == choose_matrix(None, 640, 480) == "smpte170m"
    assert choose_matrix(None, 1280, 720) == "bt709"
    assert choose_matrix(None, 720, 608) == "smpte170m"  # television with its hidden lines
