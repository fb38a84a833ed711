"""Damaged files: 500 variants of small films, each restored as far as ffmpeg can, or refused.

The films are of eight containers. A variant has some of its bytes changed, cut out, doubled, zeroed
or swapped, or ends early; the seed of each is its number, so that one can be made again.
"""

from __future__ import annotations

import os
import random
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import ffmpeg
from benchmarks.robustness.command import restore, small_pictures, tally

COUNT = 500

FILMS = {
    "a.mp4": ("-c:v", "libx264", "-g", "12", "-c:a", "aac"),
    "b.mov": ("-c:v", "mjpeg", "-c:a", "pcm_s16le"),
    "c.mkv": ("-c:v", "libx264", "-g", "12", "-c:a", "flac"),
    "d.webm": ("-c:v", "libvpx", "-c:a", "libopus"),
    "e.avi": ("-c:v", "mpeg4", "-c:a", "mp2"),
    "f.ts": ("-c:v", "libx264", "-g", "12", "-c:a", "aac"),
    "g.mpg": ("-c:v", "mpeg2video", "-c:a", "mp2"),
    "h.flv": ("-c:v", "flv1", "-c:a", "pcm_s16le", "-ar", "44100"),
}
"""ffmpeg's options for each film: two seconds of 96x64 at 25 frames a second, with sound."""

NEARLY = 0.9
"""The share of the pictures that ffmpeg finds which must be in a result. Decoders that work in
several threads lose more of a damaged film than one that works in one."""


@dataclass(frozen=True)
class Case:
    """What became of a variant."""

    number: int
    film: str
    verdict: str
    words: str = ""


def make_films(folder: Path) -> list[Path]:
    """Write the undamaged films."""
    made = []
    for name, options in FILMS.items():
        path = folder / name
        picture = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=2")
        ffmpeg(*picture, "-f", "lavfi", "-i", "sine=440:r=44100:d=2", *options, path)
        made.append(path)
    return made


def damage(data: bytes, seed: int) -> bytes:
    """Return the bytes of a film, damaged in one to four places."""
    dice, made = random.Random(seed), bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(made))
        length = min(dice.choice((1, 4, 50, 500, 5000)), len(made) - at)
        piece = made[at : at + length]
        kind = dice.choice(("change", "change", "cut", "double", "zero", "swap", "end"))
        if kind == "change":
            made[at : at + length] = dice.randbytes(length)
        elif kind == "cut":
            del made[at : at + length]
        elif kind == "double":
            made[at:at] = piece
        elif kind == "zero":
            made[at : at + length] = bytes(length)
        elif kind == "swap":
            other = dice.randrange(len(made))
            made[other : other + length] = piece
        elif at > len(made) // 4:
            del made[at:]
    return bytes(made)


def examine(number: int, film: Path) -> Case:
    """Damage a film, restore it, and say what became of it."""
    with tempfile.TemporaryDirectory() as folder:
        broken, output = Path(folder, film.name), Path(folder, "out.mkv")
        broken.write_bytes(damage(film.read_bytes(), number))
        outcome = restore(broken, output, "--upscale", "none", "--interpolate", "none")
        if outcome.refused:
            left = [path for path in Path(folder).iterdir() if path != broken]
            verdict = "refused" if not left else "refused, with files left behind"
            return Case(number, film.name, verdict, outcome.reason)
        if outcome.code != 0:
            return Case(number, film.name, f"ended with {outcome.code}", outcome.reason)
        there, made = len(small_pictures(broken)), len(small_pictures(output))
    if made < NEARLY * there:
        return Case(number, film.name, "pictures lost", f"{made} of {there} that ffmpeg finds")
    return Case(number, film.name, "restored")


def main() -> str:
    """Return the counts, and what was neither restored nor refused."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        films = make_films(Path(folder))
        numbers = range(COUNT)
        cases = list(pool.map(examine, numbers, (films[n % len(films)] for n in numbers)))
    return table(cases)


def table(cases: list[Case]) -> str:
    """Return the counts as a table, and the cases that went wrong."""
    lines = tally("variants", (case.verdict for case in cases))
    wrong = [case for case in cases if case.verdict not in ("restored", "refused")]
    if wrong:
        lines += ["", "| variant | film | verdict | words |", "|---|---|---|---|"]
        lines += [f"| {c.number} | {c.film} | {c.verdict} | {c.words} |" for c in wrong]
    return "\n".join(lines)
