"""How near the truth small compressed video comes when it is enlarged, and how steady it is.

    python -m benchmarks.quality.small_video bicubic small-video-x4 my_weights.safetensors

Clips of known truth are reduced, compressed by codecs of old web video, and enlarged again. PSNR in
dB over the colours, SSIM of the luma; flicker is the mean difference between a frame and the next
along the true motion, edges are the mean slope of the luma, both as multiples of bicubic's.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from statistics import mean

import cv2
import numpy as np

from benchmarks import datasets
from benchmarks.common import ROOT, UnavailableError, dis_flow, ffmpeg, left_out, psnr, warped
from helpers import Upscale, open_video
from helpers.clip import Clip
from helpers.imaging.luma import mean_slope

STEADY = "animevideov3 steady"
"""As films like these are enlarged by default: 0.4 of the network, and steadied."""

MODELS = ("bicubic", "animevideov3", STEADY, "small-video-x4", "x4plus")

SLOW = {"x4plus": 1}
"""Models that only make so many of the frames, since they are slow."""

COUNT = 24
"""Frames that are compressed."""

MEASURED = range(10, 16)
"""Those that are measured."""


@dataclass(frozen=True)
class Case:
    """A clip, and how it is made small.

    Attributes:
        clip: its file; empty for the talk of the sample clips, which is small as it is.
        first, step: its first frame, and one of how many is taken.
        size: of the truth, in pixels.
        factor: how many times smaller the film is.
        codec: options of FFmpeg.
        new: whether neither it nor another take of its scene was in the training.
    """

    clip: str
    first: int
    step: int
    size: tuple[int, int]
    factor: int
    codec: str
    new: bool = True

    @property
    def label(self) -> str:
        """What it is called in the table."""
        name = Path(self.clip).stem.removeprefix("oldfilm_") or "talk"
        codec = self.codec.split()[0]
        return f"{name}, {self.factor}x, {codec}"


FRIDAY, CARPHONE = "clips/oldfilm_friday_speech.mp4", "clips/carphone_pristine.mp4"
WEBCAM = "clips/webcam_asl_again.mkv"
CASES = (
    Case("", 0, 1, (640, 480), 4, "h264"),
    Case("", 0, 1, (320, 240), 2, "h264"),
    Case(FRIDAY, 30, 3, (640, 480), 4, "flv -q:v 8"),
    Case(FRIDAY, 90, 3, (320, 240), 2, "mpeg4 -b:v 90k"),
    Case(CARPHONE, 0, 2, (176, 144), 2, "mpeg4 -q:v 9"),
    Case(CARPHONE, 60, 2, (176, 144), 2, "libx264 -crf 32 -profile:v baseline"),
    Case("clips/nasa_speech_multistream.mp4", 20, 2, (320, 176), 2, "wmv2 -q:v 8"),
    Case("clips/nasa_vfr.mp4", 5, 1, (480, 256), 4, "mpeg4 -q:v 6"),
    Case("clips/bikes_scene_cuts.mp4", 60, 2, (640, 256), 4, "msmpeg4 -q:v 7"),
    Case("clips/bikes_scene_cuts.mp4", 200, 2, (320, 128), 2, "flv -b:v 120k"),
    Case("clips/flower.mp4", 40, 2, (640, 352), 4, "libx264 -crf 30 -profile:v baseline"),
    Case("clips/short_audio.mp4", 60, 2, (640, 352), 4, "mjpeg -q:v 10"),
    Case("clips/bigbuckbunny_720p.mp4", 20, 2, (640, 352), 4, "mpeg4 -q:v 8"),
    Case(WEBCAM, 10, 2, (640, 480), 4, "flv -q:v 8", new=False),
)  # fmt: skip


def main() -> str:
    """Return the table of all models that are here."""
    return "\n".join(measure(MODELS, CASES))


def measure(models: tuple[str, ...], cases: tuple[Case, ...]) -> list[str]:
    """Return the table: a row for each clip and model, and the means over the new clips."""
    rows = [
        "| clip | model | PSNR, dB | gain | SSIM | gain | flicker | edges | colour, levels | s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    gathered: dict[str, list[dict[str, float]]] = {}
    missing: list[str] = []
    for case in cases:
        try:
            truth, small = make_case(case)
        except UnavailableError as error:
            missing += left_out(case.label, error)
            continue
        usual = None
        for model in models:
            numbers = MEASURED[: SLOW.get(model, len(MEASURED))]
            found = judge(model, small, truth, numbers)
            usual = usual or judge("bicubic", small, truth, MEASURED)
            base = usual if numbers == MEASURED else judge("bicubic", small, truth, numbers)
            found |= {name: found[name[1:]] - base[name[1:]] for name in ("+psnr", "+ssim")}
            found |= {name: found[name] / base[name] for name in ("flicker", "edges")}
            rows.append(_row(case.label, model, found))
            if case.new:
                gathered.setdefault(model, []).append(found)
    for model, every in gathered.items():
        whole = {name: mean(one[name] for one in every) for name in every[0]}
        least = min(one["+psnr"] for one in every)
        rows.append(_row("**mean**" + f" (least gain {least:+.2f})", model, whole))
    return rows + missing


def _row(label: str, model: str, found: dict[str, float]) -> str:
    f = found
    flicker = f"{f['flicker']:.2f}" if np.isfinite(f["flicker"]) else "-"
    return (
        f"| {label} | {Path(model).stem} | {f['psnr']:.2f} | {f['+psnr']:+.2f} | {f['ssim']:.4f} "
        f"| {f['+ssim']:+.4f} | {flicker} | {f['edges']:.2f} | {f['colour']:.2f} "
        f"| {f['seconds']:.2f} |"
    )


def judge(model: str, small: Clip, truth: list[np.ndarray], numbers: range) -> dict[str, float]:
    """Enlarge some frames, and compare them with the truth."""
    from skimage.metrics import structural_similarity

    begun = time.perf_counter()
    made = enlarge(model, small, truth[0].shape[1::-1], numbers)
    spent = (time.perf_counter() - begun) / len(numbers)
    right = [truth[number] for number in numbers]
    pairs = list(zip(right, made, strict=True))
    lumas = [(_luma(a), _luma(b)) for a, b in pairs]
    steps = [_flicker(lumas[n], lumas[n + 1]) for n in range(len(lumas) - 1)]
    return {
        "psnr": mean(psnr(a, b) for a, b in pairs),
        "ssim": mean(structural_similarity(a, b, data_range=255) for a, b in lumas),
        "flicker": mean(steps) if steps else float("nan"),
        "edges": mean(mean_slope(b.astype(np.float32)) for _, b in lumas),
        "colour": mean(
            float(np.abs(b.mean((0, 1)) - a.mean((0, 1))).max()) for a, b in pairs
        ),
        "seconds": spent,
    }  # fmt: skip


def enlarge(model: str, small: Clip, size: tuple[int, int], numbers: range) -> list[np.ndarray]:
    """Enlarge frames with a model of the catalogue, or with a file of weights for small video."""
    if model.endswith(".safetensors"):
        from helpers.imaging.resample import resize

        seen = [frame.image for frame in small.frames(0, len(small))]
        made = _engine(model).upscale_sequence(seen, numbers)
        return [resize(image, *size) for image in made]
    name, *steady = model.split()
    how = {"strength": Fraction(2, 5), "steady": True} if steady else {}
    clip = Upscale(name, size=size, **how)(small)  # type: ignore[arg-type]
    return [frame.image for frame in clip.frames(numbers.start, numbers.stop)]


@cache
def _engine(path: str):  # noqa: ANN202 - an engine
    from helpers.nn.backends import Way
    from helpers.nn.weight_files import read_state
    from helpers.stages.upscale.small_video import SmallVideoUpscaler

    return SmallVideoUpscaler(read_state([Path(path)]), way=Way("", "winograd"))


def _luma(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _flicker(here: tuple[np.ndarray, np.ndarray], then: tuple[np.ndarray, np.ndarray]) -> float:
    """Return the mean difference of two frames along the motion of the truth, in levels."""
    back = warped(then[1].astype(np.float32), dis_flow(here[0], then[0]))
    return float(np.abs(back - here[1]).mean())


@cache
def make_case(case: Case) -> tuple[list[np.ndarray], Clip]:
    """Return the true frames, and the small compressed film."""
    if not case.clip:
        return _talk(case)
    path = datasets.fetch(case.clip)[case.clip]
    clip = open_video(path)
    stop = min(case.first + COUNT * case.step, len(clip))
    width, height = case.size
    truth = []
    for frame in list(clip.frames(case.first, stop))[:: case.step]:
        image = _cut(frame.image, width / height)
        truth.append(cv2.resize(image, case.size, interpolation=cv2.INTER_AREA))
    small = (width // case.factor, height // case.factor)
    images = [cv2.resize(image, small, interpolation=cv2.INTER_AREA) for image in truth]
    return truth, _compress(images, case.codec)


def _cut(image: np.ndarray, ratio: float) -> np.ndarray:
    """Cut a picture to a ratio of its sides, from its middle."""
    height, width = image.shape[:2]
    right, down = min(width, round(height * ratio)), min(height, round(width / ratio))
    left, top = (width - right) // 2, (height - down) // 2
    return image[top : top + down, left : left + right]


def _compress(images: list[np.ndarray], codec: str) -> Clip:
    """Compress pictures as a film of 10 frames a second, in a folder that stays until the end."""
    folder = Path(tempfile.mkdtemp(prefix="small-video-"))
    for number, image in enumerate(images):
        cv2.imwrite(str(folder / f"{number:03d}.png"), image[..., ::-1])
    path = folder / "film.avi"
    pixels = "yuvj420p" if codec.startswith("mjpeg") else "yuv420p"
    ffmpeg(
        "-framerate", 10, "-i", folder / "%03d.png", "-pix_fmt", pixels, "-c:v", *codec.split(),
        "-g", 60, "-bf", 0, path,
    )  # fmt: skip
    return open_video(path)


@cache
def _talk_truth() -> list[np.ndarray]:
    sys.path.insert(0, str(ROOT / "sample_clips"))
    import make  # type: ignore[import-not-found]

    return make.truth_talk(False).frames[::3]


def _talk(case: Case) -> tuple[list[np.ndarray], Clip]:
    clip = open_video(ROOT / "sample_clips" / "talk_160x120_8fps.mp4")
    truth = [cv2.resize(one, case.size, interpolation=cv2.INTER_AREA) for one in _talk_truth()]
    return truth, clip


if __name__ == "__main__":
    sys.stdout.write("\n".join(measure(tuple(sys.argv[1:]) or MODELS, CASES)) + "\n")
