"""Run the networks of OpenCV's dnn_superres, without OpenCV's contrib modules.

    network = OpencvSuperres(Path("FSRCNN_x2.pb"), "fsrcnn", 2)
    large = network.upscale([image])[0]        # (H * 2, W * 2, 3)

The weights are read from the original authors' TensorFlow files and run as PyTorch networks, in
tiles that fit in the cache of a CPU. Luma and colours are processed as in dnn_superres.cpp
(https://github.com/opencv/opencv_contrib): the network enlarges the luma, and the colours are
interpolated linearly. The result differs by at most a grey level.
"""

from __future__ import annotations

import math
import threading
from pathlib import Path

import cv2
import numpy as np
import torch

from helpers.catalog.registry import Request, engine
from helpers.errors import ModelError, OutOfMemoryError
from helpers.imaging.luma import round_to
from helpers.nn.tensors import DTYPES
from helpers.nn.tiling import enlarge_in_tiles, is_out_of_memory
from helpers.stages.upscale.opencv_dnn_network import (
    ALGORITHMS,
    ResidualBlock,
    read_network,
    receptive_radius,
)

_RGB_MEAN = (114.35629928, 111.561547, 103.1545782)
"""The mean colour of DIV2K, 0 to 255, which is subtracted from the input of EDSR."""

_CPU_TILE, _GPU_TILE = 192, 512
"""The largest side of a tile's input, in pixels. A CPU is faster with tiles that fit in its cache.
The side does not depend on the free memory, so neither does the result."""


class OpencvSuperres:
    """A network of dnn_superres on a device.

    Args:
        path: the frozen graph, a .pb file.
        algorithm: one of ALGORITHMS.
        scale: how many times larger each side becomes; that of the file.
        device: the device that it runs on.
        precision: the precision of EDSR's residual blocks. Everything else uses fp32, since it
            contains the picture itself and takes little time.

    Attributes:
        scale: see above.
        overlap: pixels by which a tile's input is larger on each side, the network's reach.

    Raises:
        ModelError: the file is damaged, or has another algorithm or scale.
    """

    def __init__(
        self,
        path: Path,
        algorithm: str,
        scale: int,
        device: str = "cpu",
        precision: str = "fp32",
    ) -> None:
        if algorithm not in ALGORITHMS:
            raise ModelError(
                f"There is no algorithm {algorithm!r}. Choose from {', '.join(ALGORITHMS)}."
            )
        network, found = read_network(path)
        if found != (algorithm.removesuffix("-small"), scale):
            raise ModelError(
                f"{path.name} contains {found[0]} x{found[1]} instead of {algorithm} x{scale}. "
                "Choose the model that it belongs to, or download the right file."
            )
        self.scale, self.algorithm, self.device = scale, algorithm, device
        self.network = network.eval().to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        for block in self.network.modules():
            if isinstance(block, ResidualBlock):
                block.to(DTYPES[precision])
        self.overlap = receptive_radius(self.network)
        self.tile = _CPU_TILE if device == "cpu" else _GPU_TILE
        self._enlarge = self._enlarge_rgb if algorithm == "edsr" else self._enlarge_luma
        self._lock = threading.Lock()

    def facts(self) -> list[tuple[str, str]]:
        """Return a description of the network: names and values."""
        count = sum(parameter.numel() for parameter in self.network.parameters())
        return [
            ("architecture", self.algorithm.upper()),
            ("scale", f"x{self.scale}"),
            ("channels", "RGB" if self.algorithm == "edsr" else "luma only"),
            ("parameters", f"{count / 1e6:.2f} million, on {self.device}"),
            ("tiling", f"yes, with {self.overlap} pixels of overlap"),
        ]

    def upscale(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """Enlarge pictures, each by itself.

        Args:
            images: (H, W, 3) RGB, uint8 or uint16.

        Returns:
            (H * scale, W * scale, 3) of the same type.

        Raises:
            OutOfMemoryError: a tile or the result does not fit in memory.
        """
        with self._lock:  # one call at a time, since two would share the same cores
            try:
                return [self._enlarge_tiles(image) for image in images]
            except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                height, width = images[0].shape[:2]
                raise OutOfMemoryError(
                    f"{self.algorithm} ran out of memory on a {width}x{height} frame, in tiles of "
                    f"{self.tile} pixels. Close other programs or notebooks and run it again."
                ) from error

    def _enlarge_tiles(self, image: np.ndarray) -> np.ndarray:
        """Enlarge tile by tile, with an overlap of the network's reach."""
        # With tiles of equal size, the overlap costs the least.
        rows, columns = (math.ceil(side / math.ceil(side / self.tile)) for side in image.shape[:2])
        return enlarge_in_tiles(
            [image], (rows, columns), self.overlap, self.scale, lambda p: [self._enlarge(p[0])]
        )[0]

    def _enlarge_luma(self, image: np.ndarray) -> np.ndarray:
        """Enlarge the luma with the network, and the colours linearly."""
        top = np.float32(np.iinfo(image.dtype).max)
        # In float32 and channel by channel, like dnn_superres: the colours of a doubled picture
        # are so often halfway between two levels that another order would round differently.
        parts = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb).astype(np.float32) * (1 / top))
        luma = self._run(parts[0][None, None])[0, 0]
        colours = [cv2.resize(part, luma.shape[::-1]) for part in parts[1:]]
        made = round_to(cv2.merge([luma, *colours]) * top, image.dtype)
        return cv2.cvtColor(made, cv2.COLOR_YCrCb2RGB)

    def _enlarge_rgb(self, image: np.ndarray) -> np.ndarray:
        """Enlarge all three channels with the network, in 0 to 255 after subtracting the mean."""
        unit = np.float32(np.iinfo(image.dtype).max / 255)
        mean = np.array(_RGB_MEAN, np.float32)
        centred = image.astype(np.float32) / unit - mean
        made = self._run(centred.transpose(2, 0, 1)[None])[0].transpose(1, 2, 0)
        return round_to((made + mean) * unit, image.dtype)

    @torch.inference_mode()
    def _run(self, batch: np.ndarray) -> np.ndarray:
        """Run the network on (1, C, H, W) float32."""
        given = torch.from_numpy(np.ascontiguousarray(batch)).to(self.device)
        return self.network(given.contiguous(memory_format=torch.channels_last)).cpu().numpy()


@engine("upscale")
def load(request: Request, algorithm: str) -> OpencvSuperres:
    """Return the network of a model."""
    (path,) = request.paths
    return OpencvSuperres(path, algorithm, request.scale, request.device, request.precision)
