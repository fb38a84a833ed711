"""Choose the backend of every network of a run: by trying them on what the run has to compute.

    with observe() as seen:
        ...                              # make a few frames
    backends = choose_backends(seen, times=200)

A backend is tried only if the run is so long that the trial is repaid tenfold, and is taken only if
its results differ from eager's by less than one grey level.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from helpers.nn.backends import EAGER, Runner
from helpers.nn.observed import Seen
from helpers.nn.tiling import is_out_of_memory

log = logging.getLogger("helpers")

TRYING = {"winograd": 1.0, "openvino": 10.0, "compiled": 60.0}
"""Seconds that it takes to compile a network and to try it, the shortest first; measured with
animevideov3 and x4plus on two cores of an EPYC without AVX-512. The library of winograd is compiled
once on a machine, in two seconds, for all networks."""

REPAID = 10
"""A backend is tried if the network will run at least this many times as long."""

FASTER = 1.1
"""A backend is taken if it is at least this much faster; less may be chance."""

LEVEL = 1 / 255
"""How much its results may differ, as a part of their range."""


def choose_backends(seen: Mapping[Runner, Seen], times: float) -> dict[str, str]:
    """Choose how each network is run.

    Args:
        seen: the networks that were observed while some frames were made.
        times: how many times as many frames the whole run makes.

    Returns:
        Backends by model, without those that are run as usual. A network that is run in another way
        already, because somebody asked for it, stays as it is.
    """
    chosen = {}
    for runner, what in seen.items():
        backend = runner.backend
        if backend == EAGER and runner.model:
            backend = _choose(runner, what.inputs, what.calls * times)
        if backend != EAGER:
            chosen[runner.model] = backend
    return chosen


@torch.inference_mode()
def _choose(runner: Runner, inputs: Sequence[Any], calls: float) -> str:
    """Choose the backend of a network that will be called so often with inputs like these."""
    usual = runner.prepare(EAGER)
    known, seconds = usual(*inputs), _time(usual, inputs, runner.device)
    best, least = EAGER, seconds
    for backend in TRYING:
        if runner.find_obstacle(backend) or least * calls < REPAID * TRYING[backend]:
            continue
        try:
            run = runner.prepare(backend)
            made = run(*inputs)
            needed = _time(run, inputs, runner.device)
        except Exception as error:  # compilers raise errors of many types
            if not is_out_of_memory(error):
                log.info("%s cannot be run as %s: %s", runner.model, backend, error)
            continue
        if (apart := _difference(made, known)) > LEVEL:
            log.warning(
                "%s is not run as %s: the result differs by %.1f grey levels.",
                *(runner.model, backend, 255 * apart),
            )
        elif needed * FASTER < least:
            best, least = backend, needed
        if best == "winograd":
            break  # no other was ever faster than that: benchmarks/speed/backends.py
    if best != EAGER:
        log.info("%s is run as %s: %.3g s instead of %.3g s", runner.model, best, least, seconds)
    return best


def _time(run: Callable[..., Any], inputs: Sequence[Any], device: str) -> float:
    """Return the seconds that a call takes: the least of as many as one second has room for."""
    least, begun = float("inf"), time.perf_counter()
    while least == float("inf") or time.perf_counter() - begun < 1:
        started = time.perf_counter()
        run(*inputs)
        if device == "cuda":
            torch.cuda.synchronize()
        least = min(least, time.perf_counter() - started)
    return least


def _difference(made: Any, known: Any) -> float:
    """Return the largest difference of two results, as a part of the range of the second."""
    if not isinstance(known, torch.Tensor):
        return max(_difference(*pair) for pair in zip(made, known, strict=True))
    made, known = made.float(), known.float()
    apart = float((made - known).abs().max() / (known.max() - known.min()).clamp(min=1e-6))
    return apart if apart == apart else float("inf")  # not a number
