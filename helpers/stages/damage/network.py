"""A small network that finds damage in a film frame and weights the candidates for its repair.

    network = Cleaner(state_dict, device="cpu", precision="bf16", memory=lambda: 1 << 30)
    verdict = network.judge(planes)          # (13, H, W), from `network_input`
    values = mix_candidates(verdict, candidates, rows, columns)

Its input is luma only: the frame, its neighbours, and what is known about them (`network_input`).
For every pixel it gives the probability of damage, and weights for six candidates: the four
witnesses, their median, and the mean of the pixels on both sides (for persistent lines). The repair
itself is computed outside the network, on all channels in full precision. So colours are those of
the neighbours, never invented, and 16 bits stay 16 bits.

The network was made for this project: a U-Net on the picture folded 2x2 into channels.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers.catalog.registry import Request, engine
from helpers.errors import ModelError
from helpers.nn.backends import USUAL, Runner, Way
from helpers.nn.tensors import DTYPES
from helpers.nn.tiling import FittingTiles, tile_spans
from helpers.stages.damage.network_input import AGAIN, ASTRAY, DUST, UNMOVED, WITNESSES

CANDIDATES = 6
"""The four witnesses, their median, and the mean of the pixels to the left and right."""

BESIDE = 4
"""The distance in pixels of the two sides of a line from its middle. Chosen by trial;
benchmarks/quality/damage.py measures the effect."""

FEATURES = 17
"""Input planes of the network, which `features` makes from the evidence."""

TILE, SMALLEST_TILE, OVERLAP, MULTIPLE = 512, 64, 64, 8
"""In pixels: side of a tile, smallest side, overlap, and the multiple that sides are padded to."""

UNSURE, SURE = 0.35, 0.55
"""The repair is blended in between these probabilities: below the first nothing is changed.
docs/cleaner_training.md has the results of other values."""


@dataclass(frozen=True)
class Verdict:
    """The network's output for a frame; float32 arrays.

    Attributes:
        mask: (H, W), the probability that a pixel is damaged, 0..1.
        weights: (CANDIDATES, H, W), the weights of the candidates; their sum is 1.
    """

    mask: np.ndarray
    weights: np.ndarray


def features(planes: torch.Tensor) -> torch.Tensor:
    """Turn (N, EVIDENCE, H, W) into (N, FEATURES, H, W), mostly differences from the frame."""
    here, seen = planes[:, :1], planes[:, WITNESSES]
    ordered, median = rank(seen)
    spread = torch.cat([ordered[:, 2:3] - ordered[:, 1:2], ordered[:, 3:] - ordered[:, :1]], 1)
    others = (seen, median, mean_beside(here), planes[:, AGAIN], planes[:, UNMOVED])
    rest = (planes[:, ASTRAY], planes[:, DUST:])
    return torch.cat([here - 0.5, *(4 * (other - here) for other in others), 4 * spread, *rest], 1)


def rank(seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the four witnesses sorted by value, and their median."""
    ordered = seen.sort(1).values
    return ordered, (ordered[:, 1:2] + ordered[:, 2:3]) / 2


def mean_beside(plane: torch.Tensor) -> torch.Tensor:
    """Return the mean of the pixels BESIDE to the left and to the right."""
    wide = functional.pad(plane, (BESIDE, BESIDE, 0, 0), mode="replicate")
    return (wide[..., : -2 * BESIDE] + wide[..., 2 * BESIDE :]) / 2


def candidates(planes: torch.Tensor) -> torch.Tensor:
    """Return the candidates for the repair of each pixel, (N, CANDIDATES, H, W)."""
    seen = planes[:, WITNESSES]
    return torch.cat([seen, rank(seen)[1], mean_beside(planes[:, :1])], 1)


def activate(x: torch.Tensor) -> torch.Tensor:
    """Apply the activation function in place."""
    return functional.leaky_relu(x, 0.1, inplace=True)


class Block(nn.Module):
    """A residual block of two 3x3 convolutions, which is the identity before training.

    Args:
        width: input and output channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, padding=1)
        self.two = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.two.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a tensor of the same shape."""
        return x + self.two(activate(self.one(x)))


class CleanerNet(nn.Module):
    """The network: (N, FEATURES, H, W), sides multiples of 8, to (N, CANDIDATES + 1, H, W).

    Args:
        widths: channels at a half, a quarter and an eighth of the resolution.
        depths: number of blocks at each of these.
    """

    def __init__(
        self, widths: Sequence[int] = (32, 56, 80), depths: Sequence[int] = (1, 2, 3)
    ) -> None:
        super().__init__()
        (a, b, c), (at_a, at_b, at_c) = widths, depths
        self.head = nn.Conv2d(4 * FEATURES, a, 3, padding=1)
        self.a_in = nn.Sequential(*(Block(a) for _ in range(at_a)))
        self.to_b = nn.Conv2d(a, b, 3, stride=2, padding=1)
        self.b_in = nn.Sequential(*(Block(b) for _ in range(at_b)))
        self.to_c = nn.Conv2d(b, c, 3, stride=2, padding=1)
        self.c_in = nn.Sequential(*(Block(c) for _ in range(at_c)))
        self.from_c = nn.Conv2d(c, 4 * b, 1)
        self.b_out = nn.Sequential(*(Block(b) for _ in range(at_b)))
        self.from_b = nn.Conv2d(b, 4 * a, 1)
        self.a_out = nn.Sequential(*(Block(a) for _ in range(at_a)))
        self.unfold = nn.Conv2d(a, 4 * 12, 3, padding=1)
        self.fine = nn.Conv2d(12 + FEATURES, 16, 3, padding=1)
        self.finer = Block(16)
        self.last = nn.Conv2d(16, CANDIDATES + 1, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        # Before training, nothing is damaged, and the median of the witnesses has most weight.
        start = [-3.0, 0.0, 0.0, 0.0, 0.0, 2.0, -2.0]
        self.last.bias = nn.Parameter(torch.tensor(start))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the mask's logit and the candidates' logits."""
        shuffle = functional.pixel_shuffle
        a = self.a_in(activate(self.head(functional.pixel_unshuffle(x, 2))))
        b = self.b_in(activate(self.to_b(a)))
        c = self.c_in(activate(self.to_c(b)))
        b = self.b_out(b + shuffle(self.from_c(c), 2))
        a = self.a_out(a + shuffle(self.from_b(b), 2))
        fine = torch.cat([activate(shuffle(self.unfold(a), 2)), x], 1)
        return self.last(self.finer(activate(self.fine(fine))))


def split_output(made: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Split the network's output into the mask's logit and the candidates' weights, float32."""
    made = made.float()
    return made[:, :1], made[:, 1:].softmax(1)


class Cleaner:
    """The network on a device, run in tiles of one shape.

    Args:
        state: the network's weights, whose shapes give its widths and depths.
        device, precision: the device that it runs on, and its precision.
        memory: returns how many bytes may be used.
        way: how it is run.

    Raises:
        ModelError: the weights are those of another network.
    """

    def __init__(
        self,
        state: dict[str, Any],
        device: str = "cpu",
        precision: str = "fp32",
        memory: Callable[[], int] = lambda: 1 << 30,
        way: Way = USUAL,
    ) -> None:
        self.device, self.precision, self.memory = device, precision, memory
        try:
            network = CleanerNet(*_shape_of(state))
            network.load_state_dict({name: value.float() for name, value in state.items()})
        except (KeyError, RuntimeError) as error:
            raise ModelError(
                f"These weights ({len(state)} tensors) are not those of a cleaner. Use a file from "
                "train-cleaner, or the weights that come with the package."
            ) from error
        self.network = network.eval().to(
            device=device, dtype=DTYPES[precision], memory_format=torch.channels_last
        )
        self.runner = Runner(self.network, way)
        self._lock = threading.Lock()
        self._tiles = FittingTiles(SMALLEST_TILE)

    def facts(self) -> list[tuple[str, str]]:
        """Return a description of the network: names and values."""
        count = sum(parameter.numel() for parameter in self.network.parameters())
        return [
            ("architecture", "a U-Net made for this project, with two down-samplings"),
            ("parameters", f"{count / 1e6:.2f} million, in {self.precision} on {self.device}"),
            ("tiling", f"yes, with {OVERLAP} pixels of overlap"),
        ]

    def judge(self, planes: np.ndarray) -> Verdict:
        """Find the damage of a frame and how to repair it.

        Args:
            planes: float32 (EVIDENCE, H, W), from `network_input.stack_planes`.

        Raises:
            OutOfMemoryError: even the smallest tile does not fit in memory.
        """
        with self._lock:
            height, width = planes.shape[1:]
            return self._tiles.run(
                partial(self._judge_tiles, planes),
                self._tiles.known or self._fitting_tile(),
                f"The cleaner ran out of memory on a {width}x{height} frame, even in tiles of "
                "{tile} pixels. No frame was lost or changed. Close other programs or notebooks, "
                "or use the method median, and run it again; it continues from here.",
            )

    def _fitting_tile(self) -> int:
        """Return the side of a tile; it is always the same unless memory is scarce."""
        size = torch.finfo(DTYPES[self.precision]).bits // 8
        allowed = math.sqrt(self.memory() / (300 * size))
        tile = TILE
        while tile > SMALLEST_TILE and tile + 2 * OVERLAP > allowed:
            tile //= 2
        return tile

    def _judge_tiles(self, planes: np.ndarray, tile: int) -> Verdict:
        """Judge tile by tile; all have one shape, and each is cropped from a larger piece."""
        height, width = planes.shape[1:]
        # Padded first, because tiles must begin at multiples of the network's down-sampling.
        padding = ((0, 0), (0, -height % MULTIPLE), (0, -width % MULTIPLE))
        whole = np.pad(planes, padding, mode="edge")
        made = np.empty((CANDIDATES + 1, *whole.shape[1:]), np.float32)
        for top, bottom, above, below in tile_spans(whole.shape[1], tile, OVERLAP):
            for left, right, before, after in tile_spans(whole.shape[2], tile, OVERLAP):
                piece = self._run(whole[:, above:below, before:after])
                made[:, top:bottom, left:right] = piece[
                    :, top - above : bottom - above, left - before : right - before
                ]
        made = made[:, :height, :width]
        return Verdict(made[0], made[1:])

    @torch.inference_mode()
    def _run(self, planes: np.ndarray) -> np.ndarray:
        """Run the network once; return mask and weights."""
        whole = torch.from_numpy(planes[None]).to(self.device)
        # Differences of bright pixels need float32; the rest does not.
        seen = features(whole).to(DTYPES[self.precision])
        made = self.runner(seen.contiguous(memory_format=torch.channels_last))
        logits, weights = split_output(made)
        answer = torch.cat([logits.sigmoid(), weights], 1)
        return answer[0].cpu().numpy()


@engine("clean")
def load(request: Request) -> Cleaner | None:
    """Return the network of a model; None for "median", which has no weights."""
    if not request.paths:
        return None
    return Cleaner(request.state(), request.device, request.precision, request.memory, request.way)


def _shape_of(state: dict[str, Any]) -> tuple[list[int], list[int]]:
    """Return the widths and depths of a network, from the shapes of its weights."""
    widths = [len(state[f"{name}.bias"]) for name in ("head", "to_b", "to_c")]
    depths = [
        len({key.split(".")[1] for key in state if key.startswith(f"{name}.")})
        for name in ("a_in", "b_in", "c_in")
    ]
    return widths, depths


def repair_opacity(mask: np.ndarray) -> np.ndarray:
    """Return the opacity of the repair of each pixel, 0..1; 0 where the network is unsure."""
    return ((mask - UNSURE) / (SURE - UNSURE)).clip(0, 1)


def mix_candidates(
    verdict: Verdict, candidates: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Mix the candidates for some pixels with the network's weights.

    Args:
        verdict: the network's output for the frame.
        candidates: float32 (CANDIDATES, N, C) in 0..255.
        rows, columns: (N,) the places of the pixels.

    Returns:
        float32 (N, C) in 0..255.
    """
    weights = verdict.weights[:, rows, columns][..., None]
    return (candidates * weights).sum(0)
