"""Measure everything and write benchmarks/RESULTS.md.

make benchmark                          # all, about half an hour
python benchmarks/run.py chain memory   # some; the others keep their place in the page
"""

from __future__ import annotations

import re
import sys
from datetime import date
from importlib import import_module
from pathlib import Path

from common import machine

PAGE = Path(__file__).resolve().parent / "RESULTS.md"

TITLES = {
    "upscaling": "Enlarging: seconds a frame",
    "gpu": "Frames a second on a graphics card",
    "gpu_proof": "A graphics card: as the CPU",
    "upscaler_proof": "Real-ESRGAN: as its authors' code",
    "opencv_superres": "OpenCV's networks: as its own engine",
    "rife_proof": "RIFE: as its authors' code and as ncnn",
    "film_proof": "FILM: as the code of its weights",
    "basicvsr_proof": "RealBasicVSR: as its authors' code",
    "deoldify_proof": "DeOldify: as its author's code",
    "ddcolor_proof": "DDColor: as its authors' code",
    "zhang_proof": "ECCV16 and SIGGRAPH17: as their author's code",
    "basicvsr_blocks": "RealBasicVSR: what blocks show",
    "rife": "RIFE: seconds a frame",
    "duplicates": "Repeated frames: precision and recall",
    "damage": "Dust and dirt: found and repaired",
    "colour": "Colour: how near the truth, how steady",
    "colour_speed": "Colour: seconds a frame",
    "picture": "Flicker, shake, noise",
    "audio": "Sound: speech out of noise",
    "chain": "The whole chain against its networks alone",
    "memory": "Peak memory",
    "interpolation": "Interpolation: how near the truth",
    "fusion": "Interpolation: the fusion network, triplet by triplet",
}

HEAD = """# Results

Written by `make benchmark`. Machines differ and shared ones are noisy: the ratios, taken in one
run, are what counts.
"""


def sections() -> dict[str, str]:
    """Return what the page holds now, by benchmark."""
    if not PAGE.exists():
        return {}
    parts = re.split(r"<!-- (\w+) -->\n", PAGE.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def main() -> None:
    """Measure what was asked for and put it in its place."""
    found = sections()
    for name in sys.argv[1:] or TITLES:
        print(f"{name} ...", flush=True)
        body = import_module(name).main()
        note = f"*{date.today()}, {machine()}*"
        found[name] = f"## {TITLES[name]}\n\n{body}\n\n{note}\n\n"
        text = "".join(f"<!-- {key} -->\n{found[key]}" for key in TITLES if key in found)
        PAGE.write_text(f"{HEAD}\n{text.rstrip()}\n", encoding="utf-8")
        print(body, flush=True)


if __name__ == "__main__":
    main()
