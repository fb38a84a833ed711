"""How much cleaner flicker, shake, noise and blocks become, and how little a clean film changes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks import datasets
from benchmarks.common import ffmpeg, psnr
from helpers import open_video
from helpers.clip import Clip, MemoryClip
from helpers.imaging.luma import brightness
from helpers.stages.denoise.find import find_noise
from helpers.stages.denoise.stage import Denoise
from helpers.stages.flicker.stage import Deflicker
from helpers.stages.scenes.find import find_cuts
from helpers.stages.scenes.stage import MarkShots
from helpers.stages.stabilize.find import find_shake
from helpers.stages.stabilize.stage import Stabilize
from helpers.stages.stabilize.tracking import Motion, shift

HYDEPARK, CARPHONE, BIKES = (
    "clips/oldfilm_hydepark.mp4",
    "clips/carphone_pristine.mp4",
    "clips/bikes_scene_cuts.mp4",
)
CLEAN = {"carphone": (CARPHONE, 20, None), "bikes": (BIKES, 80, 60)}
"""Clean clips: file, first frame, and pixels from the top left at which a piece is cut out."""


def load(name: str, frames: int | None = None, first: int = 0) -> MemoryClip:
    """Open a clip, with its shots, as pictures in memory."""
    clip = open_video(datasets.fetch(name)[name])
    clip = MarkShots(find_cuts(clip))(clip)
    stop = len(clip) if frames is None else min(first + frames, len(clip))
    seen = list(clip.frames(first, stop))
    end = clip.times[stop] if stop < len(clip) else clip.end
    times = [frame.time for frame in seen]
    cuts = [frame.time for frame in seen if frame.cut]
    return MemoryClip([frame.image for frame in seen], times, end, cuts)


def changed(clip: MemoryClip, images: list[np.ndarray]) -> MemoryClip:
    """Return a clip with other pictures."""
    return MemoryClip(images, clip.times, clip.end, clip.cuts)


def means(clip: Clip) -> list[np.ndarray]:
    """Return the mean luma of every frame, shot by shot."""
    shots: list[list[float]] = []
    for frame in clip:
        if frame.cut or not shots:
            shots.append([])
        shots[-1].append(float(brightness(frame.image).mean()))
    return [np.array(shot) for shot in shots]


def index(clip: Clip, reach: int = 12) -> float:
    """Return the flicker index: the deviation of the mean luma from its slow trend, within shots.

    The trend is the straight line through the 25 frames around; at the ends of a shot a moving
    average would take a fade for flicker.
    """
    away: list[float] = []
    for light in means(clip):
        for number in range(len(light)):
            first = max(number - reach, 0)
            near = light[first : number + reach + 1]
            ahead = np.arange(first, first + len(near)) - number
            trend = np.polyfit(ahead, near, 1)[-1] if len(near) > 2 else near.mean()
            away.append(light[number] - trend)
    return float(np.std(away))


def flicker() -> list[str]:
    """Measure Deflicker on real and on made flicker, and on films that do not flicker."""
    rows = [
        "| flicker index | before | after | cut by | mean change of a frame |",
        "|---|---|---|---|---|",
    ]

    def row(label: str, clip: Clip, stage: Deflicker) -> None:
        made = stage(clip)
        before, after = index(clip), index(made)
        moved = np.abs(np.concatenate(means(made)) - np.concatenate(means(clip))).mean()
        share = f"{1 - after / max(before, 1e-9):.0%}"
        rows.append(f"| {label} | {before:.2f} | {after:.2f} | {share} | {moved:.2f} |")

    hydepark = load(HYDEPARK)
    row("hydepark (real)", hydepark, Deflicker())
    row("hydepark, hold=0", hydepark, Deflicker(hold=0))
    for name, (file, _, _) in CLEAN.items():
        clip = load(file, 120)
        row(f"{name}, clean", clip, Deflicker())
        dice = np.random.default_rng(0)
        images = []
        for frame in clip:
            power, gain, lift = dice.standard_normal(3) * (0.12, 0.08, 0.02)
            levels = (frame.image / 255.0) ** np.exp(power) * (1 + gain) + lift
            images.append(np.clip(np.rint(levels * 255), 0, 255).astype(np.uint8))
        row(f"{name}, gamma, gain and lift made to flicker", changed(clip, images), Deflicker())
    return rows


def shake() -> list[str]:
    """Measure Stabilize on clips that were shaken by 1.5 pixels and 0.11 degrees."""
    rows = [
        "| second difference of the path, pixels | shaken | steadied | unshaken | cropped |",
        "|---|---|---|---|---|",
    ]
    for name in (BIKES, CARPHONE, HYDEPARK):
        clip = load(name, 70)
        dice = np.random.default_rng(0)
        spread = (1.5, 1.5, 0.002)
        moves = [Motion(*(dice.standard_normal(3) * spread)) for _ in clip.times]
        images = [shift(frame.image, move) for frame, move in zip(clip, moves, strict=True)]
        shaken = changed(clip, images)
        path = find_shake(shaken)
        steady = Stabilize(path, border="fill")(shaken)
        cells = [_wobble(find_shake(steady)), _wobble(find_shake(clip))]
        crop, file = Stabilize(path).crop(shaken), Path(name).name
        rows.append(
            f"| {file} | {_wobble(path):.2f} | {cells[0]:.2f} | {cells[1]:.2f} | {crop:.1%} |"
        )
    return rows


def _wobble(path: tuple) -> float:
    bends = [np.diff([place[1:3] for place in shot], 2, axis=0) for shot in path if len(shot) > 2]
    return float(np.sqrt((np.concatenate(bends) ** 2).mean()))


def noise() -> list[str]:
    """Measure Denoise on clean clips with noise added to them; sigma is estimated."""
    methods = ("motion", "dct", "bm3d", "nlmeans", "atadenoise")
    rows = [
        f"| PSNR in dB | sigma found | noisy | {' | '.join(methods)} |",
        "|---|---|---|" + "---|" * len(methods),
    ]
    for name, (file, first, corner) in CLEAN.items():
        clip = load(file, 7, first)
        truth = [frame.image for frame in clip]
        if corner:
            truth = [image[corner : corner + 160, 200:440] for image in truth]
        for sigma, light in (
            (0, False),
            (2, False),
            (5, False),
            (10, False),
            (20, False),
            (10, True),
        ):
            dice = np.random.default_rng(0)
            images = []
            for image in truth:
                shape = (*image.shape[:2], 1) if light else image.shape
                noisy = image + sigma * dice.standard_normal(shape)
                images.append(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
            film = MemoryClip(images, clip.times, clip.end)
            found = find_noise(film).sigma
            cells = [np.mean([psnr(truth[n], images[n]) for n in (3, 4)])]
            for method in methods:
                made = Denoise(method).on(film)
                cells.append(np.mean([psnr(truth[n], made[n].image) for n in (3, 4)]))
            kind = " of the light alone" if light else ""
            numbers = " | ".join(f"{cell:.1f}" for cell in cells)
            rows.append(f"| {name}, noise {sigma}{kind} | {found:.1f} | {numbers} |")
    return rows


def blocks() -> list[str]:
    """Measure Denoise on clips that were compressed hard."""
    tries = {
        "deblock": Denoise("deblock"),
        "motion, sigma 3": Denoise(sigma=3.0, alike=0.7),
        "dct, sigma 3": Denoise("dct", sigma=3.0, alike=0.7),
        "motion, measured": Denoise(),
    }
    rows = [f"| gain in dB | PSNR | {' | '.join(tries)} |", "|---|---|" + "---|" * len(tries)]
    for codec, options in (("libx264", ["-crf", "35"]), ("mpeg4", ["-q:v", "16"])):
        for name, (file, first, _) in CLEAN.items():
            with tempfile.TemporaryDirectory() as folder:
                coarse = Path(folder) / "coarse.mp4"
                whole = datasets.fetch(file)[file]
                ffmpeg("-i", whole, "-frames:v", first + 10, "-c:v", codec, *options, coarse)
                clip, bad = open_video(whole), open_video(coarse)
                numbers = (first + 2, first + 6)
                before = np.mean([psnr(clip[n].image, bad[n].image) for n in numbers])
                gains = [
                    np.mean([psnr(clip[n].image, stage.on(bad)[n].image) for n in numbers]) - before
                    for stage in tries.values()
                ]
            cells = " | ".join(f"{gain:+.2f}" for gain in gains)
            rows.append(f"| {name}, {codec} {options[-1]} | {before:.2f} | {cells} |")
    return rows


def main() -> str:
    """Return the four tables."""
    parts = (flicker(), [""], shake(), [""], noise(), [""], blocks())
    return "\n".join(row for part in parts for row in part)
