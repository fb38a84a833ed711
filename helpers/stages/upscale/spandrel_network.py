"""Upscaling and restoring with any network that spandrel recognises, whole or in tiles.

    network = Upscaler(state_dict, device="cpu", precision="bf16", memory=1 << 30)
    large = network.upscale([image])[0]        # (H * scale, W * scale, 3)

Real-ESRGAN: Wang et al. 2021, https://github.com/xinntao/Real-ESRGAN.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch

from helpers.catalog.registry import Request, engine
from helpers.errors import ModelError
from helpers.nn.blend_weights import blend_states
from helpers.nn.tensors import DTYPES, from_ycrcb, to_images, to_tensor, to_ycrcb
from helpers.nn.tiling import FittingTiles, enlarge_in_tiles, pad
from helpers.nn.weight_files import read_state

SMALLEST_TILE = 32
"""Pixels a side below which a tile is all border, and giving up is the honest answer."""


_PURPOSES = ("SR", "Restoration")
"""What spandrel calls the networks that turn one picture into a better one."""


class Upscaler:
    """A super-resolution or restoration network on a device.

    Args:
        state: the network's weights under their official names.
        device: where it runs.
        precision: in which numbers; fp32 instead for a network that cannot count in it.
        memory: called before work begins; gives the bytes that may be used at once.
        name: what to call it in messages; its architecture if not given.

    Attributes:
        scale: how many times larger each side becomes; 1 for restoration.
        architecture: spandrel's name of it.
        precision: the numbers it counts in.
        overlap: pixels of its surroundings that a tile is given on each side.
    """

    def __init__(
        self,
        state: dict[str, Any],
        device: str = "cpu",
        precision: str = "fp32",
        memory: Callable[[], int] = lambda: 1 << 30,
        name: str = "",
    ) -> None:
        model = _recognise(state)
        self.scale = model.scale
        self.architecture = model.architecture.name
        self.name = name or self.architecture
        able = {"fp16": model.supports_half, "bf16": model.supports_bfloat16}
        self.precision = precision if able.get(precision, True) else "fp32"
        self.device, self.memory = device, memory
        self.network = model.model.eval().to(
            device=device, dtype=DTYPES[self.precision], memory_format=torch.channels_last
        )
        self.channels = model.input_channels
        self.needs, self.tiling = model.size_requirements, model.tiling.name.lower()
        self._tags = ", ".join(model.tags)
        # A convolution of 3x3 sees one pixel further; a compact network sees no further than its
        # depth, and a deep one fades out long before.
        layers = [m for m in self.network.modules() if isinstance(m, torch.nn.Conv2d)]
        self.overlap = min(len(layers) + 1, 32)
        self._widest = max(layer.out_channels for layer in layers)
        self._lock = threading.Lock()
        self._tiles = FittingTiles(SMALLEST_TILE)

    def facts(self) -> list[tuple[str, str]]:
        """Return what there is to know about it, for a person: names and values."""
        count = sum(parameter.numel() for parameter in self.network.parameters())
        tiling = {
            "supported": f"yes, with {self.overlap} pixels of overlap",
            "discouraged": "only where memory is short: it looks at the whole picture",
            "internal": "by the network itself",
        }
        return [
            ("architecture", self.architecture + (f" ({self._tags})" if self._tags else "")),
            ("scale", f"x{self.scale}"),
            ("channels", "luma only" if self.channels == 1 else "RGB"),
            ("parameters", f"{count / 1e6:.2f} million, in {self.precision} on {self.device}"),
            ("tiling", tiling[self.tiling]),
            ("sides", f"a multiple of {self.needs.multiple_of}, at least {self.needs.minimum}"),
        ]

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
            height, width = images[0].shape[:2]
            begin = self._tiles.known or self.choose_tile(images[0].shape, len(images))
            return self._tiles.run(
                partial(self._enlarge_tiles, images),
                min(begin, max(height, width)),
                f"{self.name} ran out of memory on a {width}x{height} frame even in tiles of "
                "{tile} pixels. No frame was lost or faked. Close other programs or notebooks, "
                "or choose a smaller model (animevideov3), and run it again: it goes on here.",
            )

    def choose_tile(self, shape: tuple[int, ...], batch: int = 1) -> int:
        """Return the side of the largest tile that the memory allows, in input pixels."""
        height, width = shape[:2]
        if self.tiling != "supported":  # it looks at the whole picture: parts are the last resort
            return max(height, width)
        pixels = max(self.memory() / (self.bytes_per_pixel() * batch), SMALLEST_TILE**2)
        if height * width <= pixels:
            return max(height, width)
        across = max(int(math.sqrt(pixels)) - 2 * self.overlap, SMALLEST_TILE)
        # Tiles of equal size waste the least on overlap.
        return max(math.ceil(side / math.ceil(side / across)) for side in (height, width))

    def bytes_per_pixel(self) -> float:
        """Return about how much memory an input pixel takes at the network's widest."""
        size = torch.finfo(self.dtype).bits // 8
        compact = "Compact" in self.architecture
        wide = self._widest * (4 if compact else 4 * self.scale**2)
        return wide * size + 3 * self.scale**2 * (size + 10)

    def _enlarge_tiles(self, images: list[np.ndarray], tile: int) -> list[np.ndarray]:
        """Enlarge tile by tile; all have one size."""
        if tile >= max(images[0].shape[:2]):
            return self._run(images)
        return enlarge_in_tiles(images, (tile, tile), self.overlap, self.scale, self._run)

    def _run(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """Put pictures through the network once."""
        if self.channels == 3:
            return self._run_padded(images)
        # A network for grey pictures is given the luma; the colours are enlarged plainly.
        made = []
        for image in images:
            luma, chroma = to_ycrcb(image)
            large = self._run_padded([np.dstack([luma] * 3)])[0][..., 0]
            size = large.shape[::-1]
            plain = cv2.resize(chroma, size, interpolation=cv2.INTER_CUBIC)
            made.append(from_ycrcb(large, plain))
        return made

    @torch.inference_mode()
    def _run_padded(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """Pad pictures as the network needs them, compute, and cut the padding off."""
        height, width = images[0].shape[:2]
        across, down = self.needs.get_padding(width, height)
        batch = to_tensor([pad(image, down, across) for image in images], self.device, self.dtype)
        batch = batch[:, : self.channels].contiguous(memory_format=torch.channels_last)
        made = self.network(batch)[..., : height * self.scale, : width * self.scale]
        return to_images(made.expand(-1, 3, -1, -1), images[0].dtype)

    @property
    def dtype(self) -> torch.dtype:
        """The type of the network's numbers."""
        return DTYPES[self.precision]


@engine("upscale", "denoise")
def load(request: Request, denoise: Fraction | None = None) -> Upscaler:
    """Return the network of a model; with a denoise strength, blended of its two networks."""
    state = request.state() if denoise is None else _blend(request, float(denoise))
    return Upscaler(state, request.device, request.precision, request.memory, request.name)


def _blend(request: Request, denoise: float) -> dict[str, Any]:
    """Return the weights of a model that denoises so much, between its strong and weak ones."""
    strong, weak = (read_state([path]) for path in request.paths)
    return blend_states(strong, weak, denoise)


def _recognise(state: dict[str, Any]) -> Any:
    """Return spandrel's description of the network that weights belong to.

    Raises:
        ModelError: it knows none, or the network is for something else.
    """
    from spandrel import ImageModelDescriptor, ModelLoader, UnsupportedModelError

    try:
        model = ModelLoader(device="cpu").load_from_state_dict(state)
    except UnsupportedModelError as error:
        raise ModelError(
            f"These weights ({len(state)} tensors, the first is {next(iter(state), 'none')}) "
            "are of no network that spandrel knows; allowed is one that it lists as supported."
        ) from error
    except (RuntimeError, KeyError, ValueError, AssertionError) as error:
        raise ModelError(
            f"These weights ({len(state)} tensors) look like a network that spandrel knows, but do "
            f"not fit it ({' '.join(str(error).split())[:120]}); the file may be damaged."
        ) from error
    channels = (model.input_channels, model.output_channels)
    fits = isinstance(model, ImageModelDescriptor) and model.purpose in _PURPOSES
    if not fits or channels not in ((1, 1), (3, 3)):
        raise ModelError(
            f"These are the weights of {model.architecture.name} ({model.purpose}, {channels[0]} "
            f"channels to {channels[1]}); allowed is a network that turns one RGB or grey picture "
            "into a larger or a better one."
        )
    return model
