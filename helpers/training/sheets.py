"""Show a training: its curves, and samples with the network's results."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch

from helpers.stages.damage.network import CleanerNet, repair_opacity
from helpers.stages.damage.network_input import EVIDENCE, HERE
from helpers.training.cleaner.losses import restore
from helpers.training.cleaner.pool import Pool
from helpers.training.cleaner.samples import MASK, TRUTH

_INK = ((31, 119, 180), (214, 96, 20), (44, 140, 60), (190, 40, 50), (128, 80, 170))


def draw_curves(
    history: dict[str, list[dict[str, Any]]], width: int = 960, height: int = 300
) -> np.ndarray:
    """Draw the loss, PSNR inside the damage, and F1 of the mask over the steps.

    Returns:
        (height, width, 3) RGB uint8.
    """
    return draw_panels(
        history,
        ("loss", "dB inside the damage", "mask"),
        (("inside", "median inside"), ("f1", "precision", "recall")),
        width,
        height,
    )


def draw_panels(
    history: dict[str, list[dict[str, Any]]],
    titles: tuple[str, str, str],
    lines: tuple[tuple[str, ...], tuple[str, ...]],
    width: int = 960,
    height: int = 300,
) -> np.ndarray:
    """Draw three panels: the loss, and the measures on the held-out samples.

    Returns:
        (height, width, 3) RGB uint8.
    """
    train, held = history["train"], history["held"]
    drawn = [{"loss": _smooth(train, "loss")}]
    drawn += [{name: [(r["step"], r[name]) for r in held] for name in names} for names in lines]
    edges = (0, width // 3, 2 * (width // 3), width)
    return np.hstack(
        [
            _draw_panel(title, line, right - left, height)
            for title, line, left, right in zip(titles, drawn, edges, edges[1:], strict=False)
        ]
    )


def _smooth(rows: list[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    """Average a curve over fiftieths of its length."""
    values = np.array([row[name] for row in rows], np.float64)
    span = max(len(values) // 50, 1)
    means = values[: len(values) // span * span].reshape(-1, span).mean(1)
    return [(float(rows[0]["step"] + (n + 0.5) * span), float(v)) for n, v in enumerate(means)]


def _draw_panel(
    title: str, lines: dict[str, list[tuple[float, float]]], width: int, height: int
) -> np.ndarray:
    """Draw lines, scaled to their range, with their names and last values."""
    panel = np.full((height, width, 3), 255, np.uint8)
    left, right, top, bottom = 52, width - 12, 30, height - 24
    cv2.rectangle(panel, (left, top), (right, bottom), (190, 190, 190), 1)
    _write(panel, title, (left, 20), (0, 0, 0), 0.5)
    points = np.array([point for line in lines.values() for point in line], np.float64)
    if not len(points):
        return panel
    (x0, low), (x1, high) = points.min(0), points.max(0)
    span = np.array([max(x1 - x0, 1), max(high - low, 1e-6)])
    for number, (name, line) in enumerate(lines.items()):
        places = (np.array(line).reshape(-1, 2) - [x0, low]) / span
        places = places * [right - left, top - bottom] + [left, bottom]
        cv2.polylines(
            panel, [np.rint(places).astype(np.int32)], False, _INK[number], 2, cv2.LINE_AA
        )
        last = f"{name} {line[-1][1]:.3g}" if line else name
        _write(panel, last, (left + 6, top + 16 + 16 * number), _INK[number], 0.42)
    for value, y in ((high, top + 8), (low, bottom)):
        _write(panel, f"{value:.3g}", (4, y), (90, 90, 90), 0.4)
    _write(panel, f"{x1:.0f} steps", (right - 70, height - 8), (90, 90, 90), 0.4)
    return panel


def _write(
    panel: np.ndarray, text: str, place: tuple[int, int], ink: tuple[int, ...], size: float
) -> None:
    cv2.putText(panel, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, ink, 1, cv2.LINE_AA)


@torch.inference_mode()
def draw_samples(
    pool: Pool,
    state: dict[str, torch.Tensor],
    widths: tuple[int, ...],
    depths: tuple[int, ...],
    count: int = 6,
    first: int = 0,
) -> np.ndarray:
    """Draw samples of the pool, one in a row: damaged, cleaned, truth, predicted and true mask.

    Returns:
        (rows * size, 5 * size, 3) RGB uint8.
    """  # fmt: skip
    network = CleanerNet(widths, depths).eval()
    network.load_state_dict(state)
    rows = []
    for one in pool.held(first + count, pool.size)[first:]:
        logits, repaired, _ = restore(network, torch.from_numpy(one[None, :EVIDENCE].copy()))
        found = logits.sigmoid()[0, 0].numpy()
        share = repair_opacity(found)
        cleaned = one[HERE] + share * (repaired[0, 0].numpy() - one[HERE])
        rows.append(np.hstack([one[HERE], cleaned, one[TRUTH], found, one[MASK]]))
    grey = np.rint(255 * np.vstack(rows).clip(0, 1)).astype(np.uint8)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
