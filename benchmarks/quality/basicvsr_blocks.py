"""How much it shows that a recurrent model sees a film in blocks, by block and context.

Frames of real films go through RealBasicVSR once as one sequence and once in blocks. The weights
are generated, as the authors' training begins, so that what is measured is how far the network's
structure carries something; trained weights may carry it further.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from benchmarks import datasets
from helpers.stages.upscale.basicvsr import VideoUpscaler
from helpers.stages.upscale.basicvsr_network import Size
from helpers.video.reader import open_video
from tests.support.basicvsr_states import generated_basicvsr, sequence

FILM = "clips/oldfilm_hydepark.mp4"
FRAMES, SIDE = 24, 64
SIZE = Size(channels=16, cleaning=2, propagation=10)
BLOCKS, CONTEXTS = (12,), (0, 2, 4)


def films() -> dict[str, list[np.ndarray]]:
    """Return a piece out of the middle of a real film, and a generated one."""
    clip = open_video(datasets.fetch(FILM)[FILM])
    top, left = (clip.info.height - SIDE) // 2, (clip.info.width - SIDE) // 2
    window = (slice(top, top + SIDE), slice(left, left + SIDE))
    real = [frame.image[window].copy() for frame in clip.frames(0, FRAMES)]
    return {FILM.split("/")[-1]: real, "generated, moving": sequence(FRAMES, SIDE, SIDE)}


def in_blocks(
    network: VideoUpscaler, film: list[np.ndarray], block: int, context: int
) -> list[np.ndarray]:
    """Return the film enlarged block by block."""
    made: list[np.ndarray] = []
    for begin in range(0, len(film), block):
        first, last = max(begin - context, 0), min(begin + block + context, len(film))
        keep = range(begin - first, min(begin + block, len(film)) - first)
        made += network.upscale_sequence(film[first:last], keep)
    return made


def row(name: str, whole: np.ndarray, made: np.ndarray, block: int, context: int) -> str:
    """Return how far blocks lie from the whole, in grey levels, and how much a seam shows."""
    apart = [np.abs(a - b).mean() for a, b in zip(made, whole, strict=True)]
    edges = [n for n in range(len(made)) if n % block in (0, block - 1)]
    drift = made - whole  # between neighbours it should not change
    steps = [np.abs(b - a).mean() for a, b in pairwise(drift)]
    seams = [steps[n - 1] for n in range(block, len(made), block)]
    return (
        f"| {name} | {block} | {context} | {(block + 2 * context) / block:.2f} | "
        f"{np.mean(apart):.3f} | {np.mean([apart[n] for n in edges]):.3f} | {np.mean(seams):.3f} |"
    )


def main() -> str:
    """Return one row a film, block and context."""
    network = VideoUpscaler(generated_basicvsr(SIZE, pixels=0.1))
    rows = [
        "| film | block | context | work | apart, levels | at the edges | step at a seam |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, film in films().items():
        film = [frame.astype(np.uint16) * 257 for frame in film]
        whole = np.array(network.upscale_sequence(film)) / 257
        for block in BLOCKS:
            for context in CONTEXTS:
                made = np.array(in_blocks(network, film, block, context)) / 257
                rows.append(row(name, whole, made, block, context))
    return "\n".join(rows)
