"""Cutting a side into tiles."""

import pytest

from helpers.nn.tiling import tile_spans

# --- tiles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 31, 64, 100, 161])
@pytest.mark.parametrize("tile", [8, 32, 50])
@pytest.mark.parametrize("overlap", [0, 5, 32])
def test_tiles_cover_a_side_once_and_look_at_one_length(length, tile, overlap):
    cuts = tile_spans(length, tile, overlap)
    assert [n for start, stop, _, _ in cuts for n in range(start, stop)] == list(range(length))
    assert len({above - below for _, _, below, above in cuts}) == 1
    for start, stop, below, above in cuts:
        assert 0 <= below <= max(start - overlap, 0)
        assert min(stop + overlap, length) <= above <= length


@pytest.mark.parametrize(("length", "tiles"), [(512, 1), (640, 1), (641, 2), (1024, 2), (1025, 3)])
def test_no_tile_sees_what_another_has_seen_whole(length, tiles):
    assert len(tile_spans(length, 512, 64)) == tiles
