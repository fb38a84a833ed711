"""Interpolate between two frames with FILM, a network for large motion.

    interpolator = FilmInterpolator(state)             # state: tensors by name
    third, two_thirds = interpolator.between(first, last, [1 / 3, 2 / 3])

Reda, Kontkanen, Tabellion, Sun, Pantofaru and Curless, "FILM: Frame Interpolation for Large
Motion", ECCV 2022, https://github.com/google-research/frame-interpolation; the weights in PyTorch:
https://github.com/dajes/frame-interpolation-pytorch.

It was trained on the frame in the middle. For other times, the authors halve the interval
repeatedly; here, as in the version in PyTorch, the motion is scaled, so that any time is possible.
The result is best in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from helpers.catalog.registry import Request, engine
from helpers.nn.backends import USUAL, Runner, Way
from helpers.nn.state_dict import check_state, expected_shapes
from helpers.nn.tensors import to_pixels, to_tensor
from helpers.stages.interpolate.film_network import MULTIPLE, FilmNet
from helpers.stages.interpolate.pair_network import PairNetwork, Picture


class FilmInterpolator(PairNetwork):
    """FILM on a device; see `PairNetwork`.

    Args:
        state: the weights, by the names of `FilmNet`.
        device, precision: the device, and the precision of the convolutions. Flow, warping and the
            last layer are always computed in fp32.
        way: how it is run.

    Raises:
        ModelError: the weights are not FILM's.
    """

    title = "FILM"
    instead = "rife-4.25, which needs much less"

    def __init__(
        self,
        state: dict[str, Any],
        device: str = "cpu",
        precision: str = "fp32",
        way: Way = USUAL,
    ) -> None:
        self._state = check_state(state, expected_shapes(FilmNet), self.title)
        super().__init__(device, precision, way)

    def _build(self, device: str, dtype: torch.dtype) -> FilmNet:
        network = FilmNet()
        network.load_state_dict(self._state)
        network.eval().to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        network.fuse.output_conv.float()
        return network

    @torch.inference_mode()
    def _draw(
        self,
        run: Runner,
        device: str,
        first: Picture,
        last: Picture,
        fractions: Sequence[float],
    ) -> list[Picture]:
        height, width = first.shape[:2]
        below, right = -height % MULTIPLE, -width % MULTIPLE
        top, left = below // 2, right // 2
        pair = to_tensor([first, last], device, torch.float32)
        # Padded with black on all sides, as in the authors' script.
        pair = functional.pad(pair, (left, right - left, top, below - top))
        seen, flows = run("prepare", pair)
        drawn = (run("forward", seen, flows, fraction) for fraction in fractions)
        return [
            to_pixels(picture[..., top : top + height, left : left + width], first)[0]
            for picture in drawn
        ]


@engine("interpolate")
def load(request: Request) -> FilmInterpolator:
    """Return the network of a model."""
    return FilmInterpolator(request.state(), request.device, request.precision, request.way)
