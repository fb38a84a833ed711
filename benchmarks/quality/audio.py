"""How much cleaner speech becomes: every method on pairs of noisy and clean recordings.

PESQ is measured where the package `pesq` is installed, and noisereduce is compared with where that
is; they are used here and nowhere else.
"""

from __future__ import annotations

import importlib.util
import logging
import math
import time
from collections import defaultdict

import numpy as np

from benchmarks import datasets
from helpers.audio import METHODS, clean_audio
from helpers.audio import models as audio_models
from helpers.audio.reader import read_sound
from helpers.audio.track import Sound, run_filters
from helpers.quality.sound import measure_stoi, si_sdr

SETS = ("voicebank-p232", "voicebank-p287")
OPTIONAL = ("pesq", "noisereduce")
BANDS = ((-math.inf, 5.0), (5.0, 10.0), (10.0, 15.0), (15.0, math.inf))
"""Decibels of the noisy recordings' SI-SDR."""

SKIPPED = ("loudness", "vinyl", "shellac", "optical")


def measures(made: np.ndarray, truth: np.ndarray, rate: int) -> dict[str, float]:
    """Return what can be measured here."""
    found = {"SI-SDR": si_sdr(made, truth), "STOI": measure_stoi(made, truth, rate)}
    if installed("pesq"):
        from pesq import pesq  # type: ignore[import-not-found]

        found["PESQ"] = float(pesq(rate, truth, made, "wb"))
    return found


def ways() -> tuple[dict[str, object], list[str]]:
    """Return every way that can run here, and two for comparison; and what was left out."""
    made: dict[str, object] = {"untouched": lambda sound: sound.samples}
    made["ffmpeg afftdn (nr=12, tn=1)"] = lambda sound: run_filters(
        sound.samples, sound.rate, "afftdn=nr=12:nf=-40:tn=1", late=sound.rate // 40
    )
    if installed("noisereduce"):
        import noisereduce  # type: ignore[import-not-found]

        made["noisereduce"] = lambda sound: noisereduce.reduce_noise(y=sound.samples, sr=sound.rate)
    absent = [f"{name} (it is not installed)" for name in OPTIONAL if not installed(name)]
    for name, method in METHODS.items():
        if name in SKIPPED:
            continue
        if reason := method.weights and audio_models.find_obstacle(method.weights):
            absent.append(f"{name} ({reason})")
            continue
        made[name] = lambda sound, name=name: clean_audio(sound, name).sound.samples
    return made, ["", f"Left out: {', '.join(absent)}."] if absent else []


def installed(package: str) -> bool:
    """Tell whether a package can be imported."""
    return importlib.util.find_spec(package) is not None


def main() -> str:
    """Measure, and return the table in markdown."""
    logging.disable(logging.WARNING)
    files, left_out = datasets.gather(*SETS)
    pairs = [
        (read_sound(files[name.replace("/clean/", "/noisy/")]), read_sound(path))
        for name, path in files.items()
        if "/clean/" in name
    ]
    before = [si_sdr(*(one.samples[0].astype(float) for one in pair)) for pair in pairs]
    rows: dict[str, list[dict[str, float]]] = defaultdict(list)
    speed = {}
    here, absent = ways()
    for name, way in here.items():
        begun = time.perf_counter()
        made = [way(Sound(noisy.samples, noisy.rate)) for noisy, _ in pairs]  # type: ignore[operator]
        speed[name] = sum(float(p[0].seconds) for p in pairs) / (time.perf_counter() - begun)
        rows[name] = [
            measures(np.asarray(one[0], float), clean.samples[0].astype(float), clean.rate)
            for one, (_, clean) in zip(made, pairs, strict=True)
        ]
    return "\n".join([table(rows, before, speed), *absent, *left_out])


def table(
    rows: dict[str, list[dict[str, float]]], before: list[float], speed: dict[str, float]
) -> str:
    """Return the means over all pairs, and by how noisy they were."""
    kinds = list(next(iter(rows.values()))[0])
    bands = [(low, high) for low, high in BANDS if any(low <= value < high for value in before)]
    heads = ["all", *(f"{low:g} to {high:g} dB" for low, high in bands)]
    count = [len(before), *(sum(low <= v < high for v in before) for low, high in bands)]
    lines = [f"{len(before)} pairs; SI-SDR as gain over untouched, the others as they are.", ""]
    for kind in kinds:
        lines += [
            f"**{kind}**", "",
            "| method | " + " | ".join(f"{h} ({n})" for h, n in zip(heads, count, strict=True))
            + (" | times real time |" if kind == kinds[0] else " |"),
            "|---|" + "---|" * (len(heads) + (kind == kinds[0])),
        ]  # fmt: skip
        for name, found in rows.items():
            values = [one[kind] - (was if kind == "SI-SDR" else 0)
                      for one, was in zip(found, before, strict=True)]  # fmt: skip
            cells = [np.mean(values)]
            for low, high in bands:
                cells.append(np.mean([v for v, was in zip(values, before, strict=True)
                                      if low <= was < high]))  # fmt: skip
            shown = " | ".join(f"{cell:.3f}" if kind == "STOI" else f"{cell:.2f}" for cell in cells)
            quick = f" | {speed[name]:.0f}" if kind == kinds[0] else ""
            lines.append(f"| {name} | {shown}{quick} |")
        lines.append("")
    return "\n".join(lines[:-1])
