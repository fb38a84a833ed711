"""Enlarge small compressed video by a factor of four, with a network of our own.

    network = SmallVideoUpscaler(state)
    large = network.upscale_sequence(images)   # [(4 * H, 4 * W, 3), ...], one for each

For each frame, three frames on either side are brought to its place along the motion, or left where
they are where that fits as well, as in the still part of a talk. The network then cleans, averages
and enlarges (`small_video_network`). The result of a frame depends on these seven frames only, so
that nothing else changes with the range that is read.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import torch

from helpers.catalog.registry import Probe, Request, engine
from helpers.errors import ModelError
from helpers.imaging.luma import brightness, to_levels, to_uint8
from helpers.imaging.optical_flow import MEDIUM, SMALLEST_SIDE, measure_flow, warp
from helpers.nn.backends import USUAL, Runner, Way
from helpers.nn.state_dict import build_network
from helpers.nn.tensors import to_images
from helpers.nn.tiling import tile_spans
from helpers.stages.upscale.small_video_network import FRAMES, RADIUS, SCALE, Size, SmallVideoNet

TILE = 384
"""The largest side of a tile in pixels of the film. It does not depend on memory: a tile takes 300
MB, and the films that this is for are one tile."""

_OVERLAP = 32
"""Pixels by which a tile is larger on each side; the network sees 31 to either side."""

_CALM = 1.0
"""Blur of the luma that motion is measured on, in pixels, so that blocks do not guide it."""

_CHOICE = 9
"""The side, in pixels, of the square in which moved and unmoved neighbours are compared."""

_STILL = 2.0
"""How much better, in squared grey levels, a moved neighbour must fit than the unmoved one. Coding
noise alone makes the measured motion tremble where nothing moves."""


_FIRST = ("head", "down")
"""The parts whose first layers tell the size of a network."""


class SmallVideoUpscaler:
    """The network on a device; see the module.

    Args:
        state: its weights.
        device: the device that it runs on; always in fp32.
        name: its name, for messages.
        way: how it is run.

    Attributes:
        scale: how many times larger each side becomes.

    Raises:
        ModelError: the weights are not those of this network.
    """

    scale = SCALE

    def __init__(
        self,
        state: dict[str, Any],
        device: str = "cpu",
        name: str = "small-video-x4",
        way: Way = USUAL,
    ) -> None:
        self.name, self.device = name, device
        size = read_size(state)
        network = build_network(lambda: SmallVideoNet(size), state, name)
        network.eval().float().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = network
        self.runner = Runner(network, way, ("winograd",))
        self._lock = threading.Lock()

    def facts(self) -> list[tuple[str, str]]:
        """Return a description of the network: names and values."""
        count = sum(parameter.numel() for parameter in self.network.parameters())
        return [
            ("architecture", f"our own, for small compressed video (it sees {FRAMES} frames)"),
            ("scale", f"x{self.scale}"),
            ("channels", "RGB"),
            ("parameters", f"{count / 1e6:.2f} million, in fp32 on {self.device}"),
            ("tiling", f"in tiles of {TILE} pixels"),
        ]

    def upscale_sequence(
        self, images: Sequence[np.ndarray], keep: range | None = None
    ) -> list[np.ndarray]:
        """Enlarge consecutive frames of a shot.

        Args:
            images: (H, W, 3) RGB of one size, uint8 or uint16; at least one.
            keep: the numbers of the frames to return, without gaps; all if not given. Up to RADIUS
                frames before and after each are used.

        Returns:
            (4 * H, 4 * W, 3) of the same type, for each frame in `keep`.
        """
        keep = range(len(images)) if keep is None else keep
        if not keep:
            return []
        first = max(keep.start - RADIUS, 0)
        levels = [to_levels(image) for image in images[first : keep.stop + RADIUS]]
        calm = [calm_luma(image) for image in levels]
        with self._lock:  # one sequence at a time, since two would share the same cores
            return [
                self._enlarge(gather_window(levels, calm, number - first), images[0].dtype)
                for number in keep
            ]

    @torch.inference_mode()
    def _enlarge(self, window: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Enlarge the middle of a window, (H, W, 3 * FRAMES) float32 in 0..255, tile by tile."""
        height, width = window.shape[:2]
        planes = torch.from_numpy(window).to(self.device).permute(2, 0, 1)[None] / 255
        out = np.empty((height * SCALE, width * SCALE, 3), dtype)
        for top, bottom, above, under in tile_spans(height, TILE, _OVERLAP):
            for left, right, before, after in tile_spans(width, TILE, _OVERLAP):
                (piece,) = to_images(self.runner(planes[..., above:under, before:after]), dtype)
                rows = slice((top - above) * SCALE, (bottom - above) * SCALE)
                columns = slice((left - before) * SCALE, (right - before) * SCALE)
                out[top * SCALE : bottom * SCALE, left * SCALE : right * SCALE] = piece[
                    rows, columns
                ]
        return out


def calm_luma(image: np.ndarray) -> np.ndarray:
    """Return the slightly blurred luma of a picture, (H, W, 3) in 0..255, as uint8 (H, W)."""
    return to_uint8(cv2.GaussianBlur(brightness(image), (0, 0), _CALM))


def gather_window(
    levels: Sequence[np.ndarray], calm: Sequence[np.ndarray], middle: int
) -> np.ndarray:
    """Bring the frames around one to its place.

    Args:
        levels: consecutive frames, (H, W, 3) float32 RGB in 0..255.
        calm: their `calm_luma`.
        middle: the number of the frame in the middle.

    Returns:
        (H, W, 3 * FRAMES) float32. In place of a frame that does not exist is the middle one.
    """
    found = []
    for number in range(middle - RADIUS, middle + RADIUS + 1):
        if number == middle or not 0 <= number < len(levels):
            found.append(levels[middle])
        else:
            found.append(_follow(levels[number], calm[number], calm[middle]))
    return np.concatenate(found, 2)


def _follow(other: np.ndarray, theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """Move a neighbour along the motion where that fits better than leaving it where it is.

    Args:
        other: the neighbour, (H, W, 3) float32.
        theirs, ours: uint8 (H, W), the calm luma of the neighbour and of the frame in the middle.
    """
    if min(ours.shape) < SMALLEST_SIDE or np.array_equal(theirs, ours):
        return other
    flow = measure_flow(ours, theirs, MEDIUM)
    moved = _mean_error(warp(theirs, flow), ours)
    still = _mean_error(theirs, ours)
    moves = moved + _STILL < still
    if not moves.any():
        return other
    return np.where(moves[..., None], warp(other, flow, cv2.INTER_CUBIC), other)


def _mean_error(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the mean squared difference around every pixel, (H, W) float32."""
    away = cv2.subtract(one, other, dtype=cv2.CV_32F)
    return cv2.blur(away * away, (_CHOICE, _CHOICE), borderType=cv2.BORDER_REFLECT_101)


def _prepare(network: SmallVideoUpscaler, image: np.ndarray) -> Callable[[], object]:
    sequence = [np.roll(image, shift, 1) for shift in range(FRAMES)]
    return lambda: network.upscale_sequence(sequence, range(RADIUS, RADIUS + 1))


@engine("upscale", precisions=("fp32",), recurrent=True, probe=Probe(_prepare))
def load(request: Request) -> SmallVideoUpscaler:
    """Return the network of a model."""
    return SmallVideoUpscaler(request.state(), request.device, request.name, request.way)


def read_size(state: dict[str, Any]) -> Size:
    """Return the size of a network, from the names and shapes of its weights.

    Raises:
        ModelError: they are those of another network.
    """
    shapes: list[tuple[int, ...]] = [
        tuple(getattr(state.get(f"{part}.0.weight"), "shape", ())) for part in _FIRST
    ]
    if [len(shape) for shape in shapes] != [4, 4]:
        raise ModelError(
            f"These {len(state)} weights (the first is {next(iter(state), 'none')}) are not those "
            "of the network for small video. Choose the file that it was trained to, or the model "
            "that these belong to."
        )
    blocks = len({name for name in state if re.fullmatch(r"trunk\.\d+\.body\.0\.weight", name)})
    return Size(shapes[0][0], shapes[1][0], blocks)
