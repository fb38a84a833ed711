"""The encoders of a graphics card, and the sizes that they take."""

import pytest

from helpers.video.codecs import CODECS, NVENC, NVENC_SIDES, card_encoder


@pytest.mark.parametrize(
    ("encoder", "size", "name"),
    [
        ("libx264", (1280, 720), "h264_nvenc"),
        ("libx264", (4096, 2304), "h264_nvenc"),
        ("libx264", (5120, 2880), None),  # four times 720p
        ("libx265", (5120, 2880), "hevc_nvenc"),
        ("libx265", (2880, 8194), None),
        ("libx264", (160, 120), None),
        ("libx264", (1280, 144), None),
        ("libx264", (256, 256), "h264_nvenc"),
        ("prores_ks", (1280, 720), None),
    ],
)
def test_a_card_encodes_only_sizes_that_it_takes(encoder, size, name):
    assert card_encoder(encoder, *size) == name


def test_every_encoder_of_a_card_has_its_sizes():
    assert set(NVENC.values()) == set(NVENC_SIDES)
    assert set(NVENC) <= {codec.encoder for codec in CODECS.values()}
