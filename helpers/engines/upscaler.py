"""Upscaling with any network that spandrel recognises, whole or in tiles.

    network = Upscaler(state_dict, device="cpu", precision="bf16", memory=1 << 30)
    large = network.upscale([image])[0]        # (H * scale, W * scale, 3)

Real-ESRGAN: Wang et al. 2021, https://github.com/xinntao/Real-ESRGAN.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from helpers.engines.images import to_images, to_tensor
from helpers.engines.memory import is_out_of_memory
from helpers.errors import ModelError, OutOfMemoryError

log = logging.getLogger("helpers")

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}

SMALLEST_TILE = 32
"""Pixels a side below which a tile is all border, and giving up is the honest answer."""


class Upscaler:
    """A super-resolution network on a device.

    Args:
        state: the network's weights under their official names.
        device, precision: where and in which numbers it runs.
        memory: called before work begins; gives the bytes that may be used at once.

    Attributes:
        scale: how many times larger each side becomes.
        architecture: spandrel's name of it.
        overlap: pixels of its surroundings that a tile is given on each side.
    """

    def __init__(
        self,
        state: dict[str, Any],
        device: str = "cpu",
        precision: str = "fp32",
        memory: Callable[[], int] = lambda: 1 << 30,
    ) -> None:
        from spandrel import ImageModelDescriptor, ModelLoader, UnsupportedModelError

        try:
            model = ModelLoader(device="cpu").load_from_state_dict(state)
        except UnsupportedModelError as error:
            raise ModelError(
                f"These weights ({len(state)} tensors, the first is {next(iter(state), 'none')}) "
                "are of no network that spandrel knows; allowed is one that it lists as supported."
            ) from error
        if not isinstance(model, ImageModelDescriptor) or model.input_channels != 3:
            raise ModelError(
                f"These are the weights of {model.architecture.name} ({model.purpose}); allowed "
                "is a network that turns one RGB picture into a larger one."
            )
        self.scale = model.scale
        self.architecture = model.architecture.name
        self.device, self.precision, self.memory = device, precision, memory
        self.network = model.model.eval().to(
            device=device, dtype=DTYPES[precision], memory_format=torch.channels_last
        )
        self.multiple = model.size_requirements.multiple_of
        # A convolution of 3x3 sees one pixel further; a compact network sees no further than its
        # depth, and a deep one fades out long before.
        convolutions = sum(isinstance(m, torch.nn.Conv2d) for m in self.network.modules())
        self.overlap = min(convolutions + 1, 32)
        self._widest = max(
            m.out_channels for m in self.network.modules() if isinstance(m, torch.nn.Conv2d)
        )
        self._lock = threading.Lock()
        self._tile: int | None = None  # the largest side that is known to fit, once one did not

    def upscale(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """Enlarge pictures of one size.

        Args:
            images: (H, W, 3) RGB, uint8 or uint16.

        Returns:
            (H * scale, W * scale, 3) of the same type.

        Raises:
            OutOfMemoryError: not even the smallest tile fits.
        """
        with self._lock:  # one picture at a time: two would only share the same cores and memory
            tile = self._tile or self.fitting_tile(images[0].shape, len(images))
            while True:
                try:
                    return self._tiled(images, tile)
                except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
                    if not is_out_of_memory(error):
                        raise
                tile = self._tile = self._halve(tile, images[0].shape)

    def fitting_tile(self, shape: tuple[int, ...], batch: int = 1) -> int:
        """Return the side of the largest tile that the memory allows, in input pixels."""
        height, width = shape[:2]
        pixels = max(self.memory() / (self.bytes_per_pixel() * batch), SMALLEST_TILE**2)
        if height * width <= pixels:
            return max(height, width)
        across = max(int(math.sqrt(pixels)) - 2 * self.overlap, SMALLEST_TILE)
        # Tiles of equal size waste the least on overlap.
        return max(math.ceil(side / math.ceil(side / across)) for side in (height, width))

    def bytes_per_pixel(self) -> float:
        """Return about how much memory an input pixel takes at the network's widest."""
        size = torch.finfo(DTYPES[self.precision]).bits // 8
        compact = "Compact" in self.architecture
        wide = self._widest * (4 if compact else 4 * self.scale**2)
        return wide * size + 3 * self.scale**2 * (size + 10)

    def _halve(self, tile: int, shape: tuple[int, ...]) -> int:
        if self.device == "cuda":
            torch.cuda.empty_cache()
        height, width = shape[:2]
        tile = min(tile, max(height, width))
        if tile <= SMALLEST_TILE:
            self._tile = None  # when it is tried again there may be room
            raise OutOfMemoryError(
                f"{self.architecture} ran out of memory on a {width}x{height} frame even in tiles "
                f"of {tile} pixels. No frame was lost or faked. Close other programs or notebooks, "
                "or choose a smaller model (animevideov3), and run it again: it goes on here."
            ) from None
        smaller = max(tile // 2, SMALLEST_TILE)
        log.warning("Out of memory with tiles of %d pixels; trying %d.", tile, smaller)
        return smaller

    def _tiled(self, images: list[np.ndarray], tile: int) -> list[np.ndarray]:
        """Enlarge tile by tile; all have one size, and each is cut out of its surroundings."""
        height, width = images[0].shape[:2]
        if tile >= max(height, width):
            return self._run(images)
        scale = self.scale
        out = [np.empty((height * scale, width * scale, 3), images[0].dtype) for _ in images]
        for top, bottom, above, below in spans(height, tile, self.overlap):
            for left, right, before, after in spans(width, tile, self.overlap):
                pieces = self._run([image[above:below, before:after] for image in images])
                rows = slice((top - above) * scale, (bottom - above) * scale)
                columns = slice((left - before) * scale, (right - before) * scale)
                for whole, piece in zip(out, pieces, strict=True):
                    whole[top * scale : bottom * scale, left * scale : right * scale] = piece[
                        rows, columns
                    ]
        return out

    @torch.inference_mode()
    def _run(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """Put pictures through the network once."""
        height, width = images[0].shape[:2]
        odd = (-height % self.multiple, -width % self.multiple)
        padded = images
        if any(odd):
            padded = [np.pad(i, ((0, odd[0]), (0, odd[1]), (0, 0)), mode="edge") for i in images]
        batch = to_tensor(padded, self.device, DTYPES[self.precision])
        made = self.network(batch.contiguous(memory_format=torch.channels_last))
        made = made[..., : height * self.scale, : width * self.scale]
        return to_images(made, images[0].dtype)


def spans(length: int, tile: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Cut a side into tiles: (start, stop) of the result and (start, stop) of what is looked at.

    What is looked at has one length everywhere, however near the border, so that the network is
    always given the same shape.
    """
    seen = min(tile + 2 * overlap, length)
    cuts = [(start, min(start + tile, length)) for start in range(0, length, tile)]
    places = [min(max(start - overlap, 0), length - seen) for start, _ in cuts]
    return [(*cut, place, place + seen) for cut, place in zip(cuts, places, strict=True)]
