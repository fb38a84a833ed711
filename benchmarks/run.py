"""Measure, and write what comes out into RESULTS.md, with the command, the date and the machine.

make benchmark                           # everything that can run here: about half an hour
python -m benchmarks.run chain memory    # some; the others keep their place in the page
"""

from __future__ import annotations

import re
import sys
from datetime import date
from importlib import import_module
from pathlib import Path

from benchmarks.common import UnavailableError, machine

PAGE = Path(__file__).resolve().parent / "RESULTS.md"

TITLES = {
    "speed": {
        "upscaling": "Upscaling: seconds a frame",
        "rife_ncnn": "RIFE beside ncnn: seconds a frame",
        "backends": "Networks in other ways than PyTorch's: seconds a frame",
        "colorizing": "Colorizing: seconds a frame",
        "flow": "Interpolation by flow beside an earlier revision",
        "gpu": "A graphics card: frames a second",
        "chain": "The whole chain beside its networks alone",
        "start": "Starting, and films of many frames, beside an earlier revision",
        "estimate": "Estimates beside what runs take",
        "memory": "Peak memory",
    },
    "quality": {
        "duplicates": "Repeated frames: precision and recall",
        "damage": "Dust and dirt: found and repaired",
        "picture": "Flicker, shake and noise",
        "color": "Colour: how near the truth, how steady",
        "deinterlace": "Deinterlacing: how near the truth",
        "interpolation": "Interpolation: how near the truth",
        "small_video": "Small compressed video: how near the truth, how steady",
        "judge": "Judging on one's own film: does it rank as the truth does",
        "basicvsr_blocks": "RealBasicVSR: what shows of its blocks",
        "audio": "Sound: speech out of noise",
        "verify": "Results: wrong ones found, right ones accused",
    },
    "robustness": {
        "fate": "FFmpeg's own samples: restored right, or refused",
        "fuzz": "Damaged files: restored, or refused",
        "kills": "A hundred kills",
    },
    "parity": {
        "realesrgan": "Real-ESRGAN beside its authors' code",
        "opencv_dnn": "OpenCV's networks beside OpenCV's own engine",
        "basicvsr": "RealBasicVSR beside its authors' code",
        "rife": "RIFE beside its authors' code and ncnn",
        "film": "FILM beside the code of its weights",
        "deoldify": "DeOldify beside its author's code",
        "ddcolor": "DDColor beside its authors' code",
        "zhang": "ECCV16 and SIGGRAPH17 beside their author's code",
        "cuda": "Every network on a graphics card beside the CPU",
    },
}
"""Every benchmark, by folder and module, and what its section is called."""

FOLDERS = {name: folder for folder, names in TITLES.items() for name in names}

NEEDS = {
    "backends": "OMP_NUM_THREADS=1 ",
    "fate": "SILK_PURSE_FATE=/folder/of/samples ",
    "opencv_dnn": "SILK_PURSE_CONTRIB_PYTHON=/contrib/bin/python ",
    **dict.fromkeys(
        ("realesrgan", "basicvsr", "rife", "film", "deoldify", "ddcolor", "zhang"),
        "SILK_PURSE_ORIGINALS=/folder/of/clones ",
    ),
}
"""What has to be named to the command; see README.md."""

HEAD = """# Results

Written by `make benchmark`. Machines differ and shared ones are noisy: the ratios, taken in one
run, are what counts. Under each section stand the command that repeats it, the date and the
machine. The [README](README.md) of this folder says what is needed.
"""


def read_sections() -> dict[str, str]:
    """Return what the page holds now, by benchmark."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    return dict(re.findall(r"^<!-- (\w+) -->\n(.*?)\s*(?=^<!-- |^## |\Z)", text, re.M | re.S))


def write_sections(found: dict[str, str]) -> None:
    """Write the page: the sections that there are, in the order of the table."""
    parts = [HEAD]
    for folder, titles in TITLES.items():
        parts.append(f"## {folder.title()}\n")
        parts += [f"<!-- {name} -->\n{found[name]}\n" for name in titles if name in found]
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def section(name: str, body: str) -> str:
    """Return a section: its title, what was measured, and how, when and where."""
    command = f"{NEEDS.get(name, '')}python -m benchmarks.run {name}"
    note = f"*`{command}`, {date.today()}, {machine()}*"
    return f"### {TITLES[FOLDERS[name]][name]}\n\n{body.strip()}\n\n{note}"


def main(names: list[str]) -> int:
    """Measure what was asked for and put it in its place; return 2 if a name is unknown."""
    if unknown := [name for name in names if name not in FOLDERS]:
        print(f"There is no benchmark called {unknown[0]}. There are: {', '.join(FOLDERS)}.")
        return 2
    found = read_sections()
    for name in names or FOLDERS:
        print(f"{name} ...", flush=True)
        try:
            body = import_module(f"benchmarks.{FOLDERS[name]}.{name}").main()
        except UnavailableError as error:
            print(f"{name} was left out; the page keeps what it had. {error}", flush=True)
            continue
        found[name] = section(name, body)
        write_sections(found)
        print(body, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
