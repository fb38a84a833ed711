"""The networks of OpenCV's dnn_superres, without OpenCV's contrib modules.

    network = OpencvSuperres(Path("FSRCNN_x2.pb"), "fsrcnn", 2)
    large = network.upscale([image])[0]        # (H * 2, W * 2, 3)

The weights are read out of the TensorFlow files of the original authors and run as PyTorch
networks, in tiles that fit a processor's cache. What surrounds the network - luma only, the colours
resized linearly - is as in dnn_superres.cpp (https://github.com/opencv/opencv_contrib), so that the
result is the same to a grey level.
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
"""The mean colour of DIV2K, 0 to 255, that EDSR was trained without."""

_CPU_TILE, _GPU_TILE = 192, 512
"""Input pixels a side, at most. On a CPU a large frame is done faster in parts that stay in its
cache. It never depends on the free memory, so that neither does the result."""


class OpencvSuperres:
    """One of dnn_superres' networks on a device.

    Args:
        path: the frozen graph, a .pb file.
        algorithm: one of ALGORITHMS.
        scale: how many times larger each side becomes; the file must agree.
        device: where it runs.
        precision: the numbers of EDSR's residual blocks; all else is float32 everywhere, as it
            carries the picture itself and takes little time.

    Attributes:
        scale: as given.
        overlap: pixels of its surroundings that a tile is given: as far as the network sees.

    Raises:
        ModelError: the file is damaged, or not of this algorithm and scale.
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
                f"There is no algorithm {algorithm!r}; allowed are {', '.join(ALGORITHMS)}."
            )
        network, found = read_network(path)
        if found != (algorithm.removesuffix("-small"), scale):
            raise ModelError(
                f"{path.name} holds {found[0]} x{found[1]} where {algorithm} x{scale} is expected. "
                "Choose the model that it is, or fetch the right file."
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
        """Return what there is to know about it, for a person: names and values."""
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
            OutOfMemoryError: a tile, or the result, does not fit.
        """
        with self._lock:  # two at a time would only share the same cores
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
        """Enlarge tile by tile, each with as much around it as the network sees."""
        # Tiles of equal size waste the least on what they see of each other.
        rows, columns = (math.ceil(side / math.ceil(side / self.tile)) for side in image.shape[:2])
        return enlarge_in_tiles(
            [image], (rows, columns), self.overlap, self.scale, lambda p: [self._enlarge(p[0])]
        )[0]

    def _enlarge_luma(self, image: np.ndarray) -> np.ndarray:
        """Put the luma through the network, and resize the colours linearly."""
        top = np.float32(np.iinfo(image.dtype).max)
        # In float32 and channel by channel, as dnn_superres does: the colours of a doubled picture
        # lie at the half between two levels so often that another order of steps would show.
        parts = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb).astype(np.float32) * (1 / top))
        luma = self._run(parts[0][None, None])[0, 0]
        colours = [cv2.resize(part, luma.shape[::-1]) for part in parts[1:]]
        made = round_to(cv2.merge([luma, *colours]) * top, image.dtype)
        return cv2.cvtColor(made, cv2.COLOR_YCrCb2RGB)

    def _enlarge_rgb(self, image: np.ndarray) -> np.ndarray:
        """Put all three colours through the network, which knows 0 to 255 without the mean."""
        unit = np.float32(np.iinfo(image.dtype).max / 255)
        mean = np.array(_RGB_MEAN, np.float32)
        centred = image.astype(np.float32) / unit - mean
        made = self._run(centred.transpose(2, 0, 1)[None])[0].transpose(1, 2, 0)
        return round_to((made + mean) * unit, image.dtype)

    @torch.inference_mode()
    def _run(self, batch: np.ndarray) -> np.ndarray:
        """Put (1, C, H, W) float32 through the network."""
        given = torch.from_numpy(np.ascontiguousarray(batch)).to(self.device)
        return self.network(given.contiguous(memory_format=torch.channels_last)).cpu().numpy()


@engine("upscale")
def load(request: Request, algorithm: str) -> OpencvSuperres:
    """Return the network of a model."""
    (path,) = request.paths
    return OpencvSuperres(path, algorithm, request.scale, request.device, request.precision)
