"""TensorFlow's frozen graphs are read without TensorFlow, or refused."""

import numpy as np
import pytest

from helpers.errors import ModelError
from helpers.stages.upscale.frozen_graph import find_constants, read_graph
from helpers.stages.upscale.opencv_dnn_network import read_network
from tests.support.frozen_graphs import Graph, espcn


def test_quantised_weights_are_spread_over_their_range():
    graph = Graph()
    array = np.linspace(-0.3, 0.7, 64, dtype=np.float32).reshape(4, 16)
    graph.node("Identity", graph.quantised(array), name="end")
    found = find_constants(read_graph(graph.data), "end")
    assert len(found) == 1 and np.abs(found[0] - array).max() <= 1 / 255
    assert 0 in found[0]


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"not a graph at all", b"\x0a\xff\xff\xff\xff\x0f", b"\x89PNG\r\n\x1a\n"]
)
def test_a_file_that_is_no_graph_is_refused(tmp_path, data):
    path = tmp_path / "strange.pb"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"strange.pb is damaged, or not one of"):
        read_network(path)


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    whole = espcn(tmp_path / "whole.pb").read_bytes()
    path = tmp_path / "cut.pb"
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"cut.pb is damaged"):
            read_network(path)
