"""Colour grey pictures with DeOldify.

    colorizer = Deoldify(state, device="cpu", precision="bf16")
    (coloured,) = colorizer.colours([luma], render_factor=21)      # (336, 336, 3)

Jason Antic, https://github.com/jantic/DeOldify. The picture is stretched to a square, coloured
there, and only the colour of the result is of use: the film keeps its own brightness and detail.
The colours are the network's guess, one picture at a time.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
from PIL import Image

from helpers.engines.deoldify_network import DeoldifyNet, folded
from helpers.engines.images import DTYPES
from helpers.engines.memory import is_out_of_memory
from helpers.engines.states import expected_shapes, fitted
from helpers.errors import ModelError, OutOfMemoryError

RENDER_BASE = 16
"""Pixels of the square's side for every step of the render factor."""

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures: what the network takes and gives is normalised by them."""

TELLING = "layers.4.conv.0.weight"
"""A weight that only the wide network has."""


class Deoldify:
    """DeOldify on a device: Video, Stable or Artistic, as the weights say.

    May be used from several threads, which take turns.

    Args:
        state: the weights, under their official names, in parts as they were trained or folded.
        device, precision: where and in which numbers it runs; attention and the last layer stay in
            32-bit floats.
        render_factor: what to use where nobody chooses. The authors' is 21 for film, 35 for
            photographs.
        name: what to call it in messages.

    Attributes:
        render_factor: the square's side by default, in steps of 16 pixels.
        kind: "wide" (Video, Stable) or "deep" (Artistic).

    Raises:
        ModelError: the weights are not DeOldify's.
    """

    def __init__(
        self,
        state: dict[str, Any],
        device: str = "cpu",
        precision: str = "fp32",
        render_factor: int = 21,
        name: str = "DeOldify",
    ) -> None:
        self.device, self.precision, self.name = device, precision, name
        self.render_factor = render_factor
        plain = folded(state)
        wide = TELLING in plain
        self.kind = "wide" if wide else "deep"
        title = f"DeOldify, the {self.kind} network ({'Video, Stable' if wide else 'Artistic'})"
        weights = fitted(plain, expected_shapes(lambda: DeoldifyNet(wide)), title)
        with torch.device("meta"):  # nothing is drawn at random only to be overwritten
            network = DeoldifyNet(wide)
        network.load_state_dict(weights, assign=True)
        self.network = network.settle(device, DTYPES[precision])
        self._lock = threading.Lock()

    def colours(self, luma: list[np.ndarray], render_factor: int) -> list[np.ndarray]:
        """Colour grey pictures.

        They go through the network one by one: one keeps any device busy, and what comes out never
        depends on what else was asked for.

        Args:
            luma: float32 (H, W) in [0, 1], gamma-encoded grey; of any size from 1x1.
            render_factor: the square's side in steps of 16 pixels. Smaller is bolder and steadier
                in large areas, larger finds more small things.

        Returns:
            For each, float32 (S, S, 3) RGB in [0, 1] with S = 16 * render_factor: the network's
            picture on the square that the frame was stretched to.

        Raises:
            OutOfMemoryError: the square does not fit.
            ModelError: the network's numbers left what the precision can hold.
        """
        with self._lock:
            return [self._coloured(plane, RENDER_BASE * render_factor) for plane in luma]

    def _coloured(self, luma: np.ndarray, side: int) -> np.ndarray:
        try:
            return self._run(stretched(luma, side))
        except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        if self.device == "cuda":
            torch.cuda.empty_cache()
        # Tiles are no way out: what a place is coloured depends on the whole picture.
        raise OutOfMemoryError(
            f"{self.name} ran out of memory on a square of {side}x{side} pixels (render_factor "
            f"{side // RENDER_BASE}). No frame was lost or faked. Close other programs or "
            f"notebooks, or choose a smaller render_factor (the usual one is {self.render_factor})"
            ", and run it again."
        )

    @torch.inference_mode()
    def _run(self, square: np.ndarray) -> np.ndarray:
        """Put a square, (S, S), through the network: (S, S, 3)."""
        mean, spread = (
            torch.tensor(numbers, device=self.device).view(1, 3, 1, 1) for numbers in (MEAN, SPREAD)
        )
        grey = torch.from_numpy(square).to(self.device)
        batch = ((grey - mean) / spread).to(DTYPES[self.precision])
        made = self.network(batch.contiguous(memory_format=torch.channels_last))
        picture = (made * spread + mean).clamp(0, 1)
        coloured = picture[0].permute(1, 2, 0).contiguous().cpu().numpy()
        if not np.isfinite(coloured).all():
            raise ModelError(
                f"{self.name} gave numbers that are none, counting in {self.precision}. No frame "
                "was lost or faked. Run it again with Runtime(forced_precision='fp32'); if that "
                "does not help, its weights are damaged: fetch them again."
            )
        return coloured


def stretched(luma: np.ndarray, side: int) -> np.ndarray:
    """Stretch a plane, float32 (H, W), to a square as the authors do: Pillow's bilinear.

    It averages where it shrinks. The authors' pictures have 8 bits; here nothing is rounded.
    """
    plane = Image.fromarray(np.ascontiguousarray(luma, np.float32))
    square = plane.resize((side, side), Image.Resampling.BILINEAR)
    return np.array(square)
