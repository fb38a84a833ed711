"""Restore some seconds of real films of every awkward kind, and put down what happened.

    python -m benchmarks.quality.real_films

Writes docs/real_films.md, and one sheet of before and after beside it. Takes about twenty minutes.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks import datasets
from benchmarks.common import ROOT
from helpers.errors import SilkPurseError
from helpers.plan import Plan, restore
from helpers.project.report import Report
from helpers.show.compare import compare
from helpers.video.reader import open_video


@dataclass(frozen=True)
class Case:
    """A film, what is awkward about it, and what is done to it."""

    file: str
    kind: str
    plan: Plan


PAGE_PATH = ROOT / "docs" / "real_films.md"
TWO, THREE = Fraction(2), Fraction(3)


def plan(model: str, **choices: object) -> Plan:
    """Return the plan to enlarge a film with a model."""
    return Plan.of(upscale=model, **choices)


CASES = [
    Case("nasa_speech_multistream.mp4", "speech; two pictures, two sound tracks, subtitles",
         plan("animevideov3", stop=THREE)),
    Case("nasa_vfr.mp4", "variable frame rate", plan("animevideov3", scale=TWO, fps=Fraction(30))),
    Case("nasa_rotated90.mp4", "rotated by its metadata", plan("animevideov3", scale=TWO)),
    Case("nasa_10bit_hdr.mp4", "ten bits, tagged as HDR", plan("animevideov3", stop=THREE)),
    Case("interlaced_bff.mp4", "interlaced, flagged progressive", plan("animevideov3", scale=TWO)),
    Case("odd_size_321x241.mp4", "odd width and height, 4:4:4", plan("animevideov3", scale=THREE)),
    Case("oldfilm_whitezombie_truncated.mp4", "cut off; wide pixels", plan("animevideov3")),
    Case("oldfilm_chaplin.mp4", "silent comedy with music, repeated frames",
         plan("animevideov3", scale=TWO, stop=TWO, factor=2)),
    Case("oldfilm_hydepark.mp4", "a street in the 1890s; dust, flicker, shake",
         plan("animevideov3", scale=TWO, stop=TWO)),
    Case("oldfilm_friday_speech.mp4", "sound film of 1940, fast dialogue",
         plan("animevideov3", scale=TWO, start=TWO, stop=Fraction(4))),
    Case("carphone_distorted.mp4", "very low bit rate, odd pixels", plan("x4plus", stop=TWO)),
    Case("cartoon_314x273.gif", "animated GIF", plan("x4plus-anime", scale=TWO, stop=TWO)),
    Case("webcam_asl_again.mkv", "full-range colours, starts at 0.033 s",
         plan("animevideov3", scale=TWO, stop=TWO)),
    Case("bigbuckbunny_720p.mp4", "six sound channels", plan("bicubic", scale=Fraction(3, 2))),
    Case("short_audio.mp4", "sound that reads badly near its end", plan("bicubic", scale=TWO)),
]  # fmt: skip


def main() -> None:
    """Restore every case, write the table and the sheet."""
    films, left_out = datasets.gather(*(f"clips/{case.file}" for case in CASES))
    sources = {path.name: path for path in films.values()}
    rows, pictures = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for case in (case for case in CASES if case.file in sources):
            begun = time.perf_counter()
            source, output = sources[case.file], Path(scratch) / f"{Path(case.file).stem}.mp4"
            try:
                report = restore(source, output, plan=case.plan, progress=False)
            except SilkPurseError as error:
                rows.append(f"| {case.file} | {case.kind} | refused: {error} | | | | |")
                continue
            rows.append(row(case, report, output, time.perf_counter() - begun))
            print(rows[-1], flush=True)
            pictures.append(picture(case, source, output))
    sheet(pictures).save(PAGE_PATH.with_suffix(".jpg"), quality=82)
    PAGE_PATH.write_text(PAGE.format(rows="\n".join(rows + left_out)))


def row(case: Case, report: Report, output: Path, seconds: float) -> str:
    """Put down what happened to one film."""
    before, after = report.source, report.result
    seen = open_video(output)
    wrong = [] if len(seen) == after.frames else [f"**{len(seen)} frames can be read back**"]
    notes = "; ".join(wrong + report.notes) or "-"
    offset = report.sound_offset_ms
    model = "+".join(report.models)
    return (
        f"| {case.file} | {case.kind} | {model}: {before.size} at {before.fps:.4g} -> {after.size} "
        f"at {after.fps:.4g} | {float(seen.duration):.2f} of {before.seconds:.2f} s, "
        f"{after.frames} frames | {'-' if offset is None else f'{offset:+.2f} ms'} | "
        f"{seconds:.0f} s | {notes} |"
    )


def picture(case: Case, source: Path, output: Path) -> np.ndarray:
    """Return one frame before and after, side by side."""
    import base64
    import io

    from PIL import Image

    before, after = open_video(source), open_video(output)
    begun = case.plan.trim.start or before.times[0]
    at = len(after) // 2
    shown = compare(
        before[before.number_at(begun + after.times[at] - after.times[0])],
        after[at],
        width=640,
        labels=(Path(case.file).stem[:18], "after"),
    )
    data = next(out["image/jpeg"] for out in shown.outputs if "image/jpeg" in out)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def sheet(pictures: list[np.ndarray], columns: int = 3):  # noqa: ANN201
    """Lay pictures out in columns of equal width."""
    from PIL import Image

    stacks: list[list[np.ndarray]] = [[] for _ in range(columns)]
    for image in pictures:
        shortest = min(stacks, key=lambda stack: sum(len(other) for other in stack))
        shortest.append(image)
    width = max(image.shape[1] for image in pictures)
    height = max(sum(len(image) for image in stack) for stack in stacks)
    page = Image.new("RGB", (columns * width, height), "white")
    for number, stack in enumerate(stacks):
        top = 0
        for image in stack:
            page.paste(Image.fromarray(image), (number * width, top))
            top += len(image)
    return page


PAGE = """# What happened to real films

Some seconds of each, through the whole chain with `restore`, on a CPU with two cores. Made by
`python -m benchmarks.quality.real_films`; every result was opened again, counted and looked at. The
sound's offset is measured by comparing what is heard before and after.

| File | What is awkward about it | What was done | Length | Sound | Took | Said |
|---|---|---|---|---|---|---|
{rows}

![before and after](real_films.jpg)
"""


if __name__ == "__main__":
    main()
