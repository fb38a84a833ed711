"""Enlarge consecutive frames of a film together by a factor of four, with RealBasicVSR.

    network = VideoUpscaler(state, device="cpu", precision="bf16")
    large = network.upscale_sequence(images)   # [(4 * H, 4 * W, 3), ...], one for each

Chan, Zhou, Xu and Loy, "Investigating Tradeoffs in Real-World Video Super-Resolution", CVPR 2022,
https://github.com/ckkelvinchan/RealBasicVSR.

The result of each frame depends on the whole sequence. The caller chooses the sequences; the stage
chooses them so that they do not depend on the range that is read.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from helpers.catalog.registry import Probe, Request, engine
from helpers.errors import ModelError, OutOfMemoryError
from helpers.nn.backends import USUAL, Runner, Way, call_method
from helpers.nn.state_dict import build_network
from helpers.nn.tensors import DTYPES, to_images, to_tensor
from helpers.nn.tiling import is_out_of_memory, pad, tile_spans
from helpers.stages.upscale.basicvsr_network import SCALE, RealBasicVsr, Size
from helpers.stages.upscale.frame_blocks import BLOCK, CONTEXT

SMALLEST = 64
"""The smallest side in pixels that the authors allow; smaller frames are padded, mirrored."""

_OVERLAP = 4
"""Pixels by which a tile of the reconstruction is larger on each side; it needs at most that."""

TILE = 256
"""The largest side of a tile of the reconstruction, in pixels; it does not depend on memory."""


class VideoUpscaler:
    """RealBasicVSR on a device.

    The features that are propagated between frames are computed on whole frames, since they follow
    the motion. The reconstruction at four times the size, which takes the most memory, is done in
    tiles, which change the result only by rounding.

    Args:
        state: the weights, from the authors' file or with the names of `RealBasicVsr`.
        device: the device that it runs on.
        precision: its precision; flow and colours always use fp32.
        memory: returns how many bytes may be used. If they are few, the propagated features are
            kept in the computer's own memory.
        name: its name, for messages.
        way: how it is run.

    Attributes:
        scale: how many times larger each side becomes.

    Raises:
        ModelError: the weights are not RealBasicVSR's.
    """

    scale = SCALE

    def __init__(
        self,
        state: dict[str, Any],
        device: str = "cpu",
        precision: str = "fp32",
        memory: Callable[[], int] = lambda: 1 << 30,
        name: str = "RealBasicVSR",
        way: Way = USUAL,
    ) -> None:
        self.name, self.device, self.precision, self.memory = name, device, precision, memory
        state = select_generator(state)
        size = read_size(state)
        network = build_network(lambda: RealBasicVsr(size), state, "RealBasicVSR")
        network.eval().to(device=device, dtype=DTYPES[precision], memory_format=torch.channels_last)  # type: ignore[call-overload]
        network.basicvsr.spynet.float()
        self.network = network
        self.runner = Runner(network, way, ("winograd",), call_method)
        self._lock = threading.Lock()

    def facts(self) -> list[tuple[str, str]]:
        """Return a description of the network: names and values."""
        count = sum(parameter.numel() for parameter in self.network.parameters())
        return [
            ("architecture", "RealBasicVSR (recurrent: it uses neighbouring frames)"),
            ("scale", f"x{self.scale}"),
            ("channels", "RGB"),
            ("parameters", f"{count / 1e6:.2f} million, in {self.precision} on {self.device}"),
            ("tiling", f"of the reconstruction only, in tiles of {TILE} pixels"),
            ("sides", f"any; below {SMALLEST} pixels they are padded, mirrored"),
        ]

    def upscale_sequence(
        self, images: Sequence[np.ndarray], keep: range | None = None
    ) -> list[np.ndarray]:
        """Enlarge consecutive frames.

        Args:
            images: (H, W, 3) RGB of one size, uint8 or uint16; at least one.
            keep: the numbers of the frames to return, without gaps; all if not given. The others
                are still used, and the result of a frame does not depend on `keep`.

        Returns:
            (4 * H, 4 * W, 3) of the same type, for each frame in `keep`.

        Raises:
            OutOfMemoryError: the sequence does not fit in memory.
        """
        keep = range(len(images)) if keep is None else keep
        if not keep:
            return []
        with self._lock:  # one sequence at a time, since two would share the same cores and memory
            try:
                return self._run(images, keep)
            except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            if self.device == "cuda":
                torch.cuda.empty_cache()
            height, width = images[0].shape[:2]
            raise OutOfMemoryError(
                f"{self.name} ran out of memory on {len(images)} frames of {width}x{height}, which "
                "it processes together. No frame was lost or changed. Close other programs or "
                "notebooks, or choose a model that processes one frame at a time "
                "(general-x4v3), and run it again."
            )

    @torch.inference_mode()
    def _run(self, images: Sequence[np.ndarray], keep: range) -> list[np.ndarray]:
        height, width = images[0].shape[:2]
        below, right = (max(SMALLEST - side, 0) for side in (height, width))
        frames = [
            to_tensor([pad(image, below, right)], self.device, torch.float32) for image in images
        ]
        frames = self.runner("clean", frames)
        waiting = len(keep) * self.network.size.channels * frames[0][0, 0].numel()
        short = waiting * self.network.dtype.itemsize > self.memory() / 4
        shelf = "cpu" if short else self.device
        return [
            self._draw(known, frame, images[0].dtype)[: height * SCALE, : width * SCALE]
            for known, frame in self.runner("propagate", frames, keep, shelf)
        ]

    def _draw(self, known: torch.Tensor, frame: torch.Tensor, dtype: np.dtype) -> np.ndarray:
        """Reconstruct a frame tile by tile."""
        height, width = frame.shape[2:]
        out = np.empty((height * SCALE, width * SCALE, 3), dtype)
        for top, bottom, above, under in tile_spans(height, TILE, _OVERLAP):
            for left, right, before, after in tile_spans(width, TILE, _OVERLAP):
                part = (..., slice(above, under), slice(before, after))
                large = self.runner("draw", known[part], frame[part])
                (piece,) = to_images(large, dtype)
                rows = slice((top - above) * SCALE, (bottom - above) * SCALE)
                columns = slice((left - before) * SCALE, (right - before) * SCALE)
                out[top * SCALE : bottom * SCALE, left * SCALE : right * SCALE] = piece[
                    rows, columns
                ]
        return out


def _prepare(network: VideoUpscaler, image: np.ndarray) -> Callable[[], object]:
    sequence = [np.roll(image, shift, 1) for shift in range(3)]
    return lambda: network.upscale_sequence(sequence)


# Three frames are timed; BLOCK results need the frames of a block and its context on both sides.
_PROBE = Probe(_prepare, share=(BLOCK + 2 * CONTEXT) / BLOCK / 3)


@engine("upscale", recurrent=True, probe=_PROBE)
def load(request: Request) -> VideoUpscaler:
    """Return the network of a model."""
    return VideoUpscaler(
        request.state(),
        request.device,
        request.precision,
        request.memory,
        request.name,
        request.way,
    )


def select_generator(state: dict[str, Any]) -> dict[str, Any]:
    """Return the weights of the generator, the averaged ones if the file contains them.

    The authors' file contains `generator_ema.*`, `generator.*` and the discriminator of training.
    """
    for prefix in ("generator_ema.", "generator."):
        found = {
            name.removeprefix(prefix): tensor
            for name, tensor in state.items()
            if name.startswith(prefix)
        }
        if found:
            return found
    return state


def read_size(state: dict[str, Any]) -> Size:
    """Return the size of a network, from the names and shapes of its weights.

    Raises:
        ModelError: they are those of another network.
    """
    first = state.get("image_cleaning.0.main.0.weight")
    shape = tuple(getattr(first, "shape", ()))
    if len(shape) != 4:
        raise ModelError(
            f"These {len(state)} weights (the first is {next(iter(state), 'none')}) are not those "
            "of RealBasicVSR. Choose the file of RealBasicVSR, or the model that these belong to."
        )
    blocks = [
        len({name for name in state if re.match(rf"{part}\.main\.2\.\d+\.conv1\.weight", name)})
        for part in (r"image_cleaning\.0", r"basicvsr\.forward_resblocks")
    ]
    return Size(shape[0], *blocks)
