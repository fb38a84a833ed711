"""Choose how the networks of a run are run, before its first segment is made."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from helpers.clip import Clip
from helpers.nn.observed import observe
from helpers.project.files import MachineRow
from helpers.project.trial import SAMPLES, Trial, try_frames
from helpers.run import RunContext

log = logging.getLogger("helpers")

LONG = 10.0
"""Seconds below which nothing is tried: the most that could be won is a part of them."""


def try_fast_frames(
    clip: Clip,
    codecs: Sequence[str],
    run: RunContext | None = None,
    samples: int = SAMPLES,
    begun: MachineRow | None = None,
) -> tuple[Trial, Mapping[str, str]]:
    """Make a few frames as the whole run will make them, with the fastest backends.

    First one frame is made. If the run is long, backends are tried on what the networks were given
    for it. The trial itself is made with the fastest ones.

    Args:
        clip, codecs, run, samples: as in `try_frames`.
        begun: the machine that the run was begun on, of which the backends are used.

    Returns:
        The trial, and the backends by model, without those that are run as usual.
    """
    run = run or RunContext()
    if begun is not None:
        backends, _ = usable_backends("", begun, run.machine.device)
        run = replace(run, machine=replace(run.machine, backends=backends))
        return try_frames(clip, codecs, run, samples), backends
    with observe() as seen:
        first = try_frames(clip, (), run, places=0)
    backends = {runner.model: runner.backend for runner in seen if runner.backend != "eager"}
    if seen and first.seconds * len(clip) > LONG:
        from helpers.nn.backend_choice import choose_backends

        backends = choose_backends(seen, len(clip) / first.made)
        run = replace(run, machine=replace(run.machine, backends=backends))
    return try_frames(clip, codecs, run, samples), backends


def usable_backends(name: str, begun: MachineRow, device: str) -> tuple[dict[str, str], list[str]]:
    """Return the backends that a stage was begun with, as far as they are here.

    Args:
        name: the stage.
        begun: the machine that it was begun on.
        device: the device that networks run on here.

    Returns:
        The backends by model, and notes about those that are not here; their networks are run as
        usual.
    """
    found, notes = {}, []
    for model, backend in begun.get("backends", {}).items():
        from helpers.nn.backends import find_obstacle

        obstacle = find_obstacle(backend, device)
        if obstacle is None:
            found[model] = backend
            continue
        notes.append(
            f"{name} was begun with {model} run as {backend}, and continues with it run as usual. "
            f"{obstacle} The pictures differ by less than one grey level."
        )
    return found, notes


def describe_backends(machine: MachineRow) -> str:
    """Say how networks are run: "animevideov3: winograd"; "as usual" if none is run otherwise."""
    backends = machine.get("backends", {})
    return ", ".join(f"{model}: {name}" for model, name in backends.items()) or "as usual"
