"""The files that RIFE in ncnn needs: its model, looked at before the engine is let near it, and the
official program, taken out of its zip.

    check_model(folder / "rife-v4.6")
    program = unpack_binary(folder / "rife-ncnn-vulkan-20221029-ubuntu.zip", folder / "program")
"""

from __future__ import annotations

import os
import re
import stat
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np

from helpers.errors import ModelError

MODEL = "rife-v4.6"
"""What the model's folder must be called: the engine tells its models apart by their path."""

_OTHER_MODELS = re.compile(r"rife-v[23]|rife-v4\.2[56]")
"""What in a path makes the engine take the model for another and run it wrongly."""

_LONGEST_PATH = 240
"""The engine writes a model's path into 256 bytes without looking, and crashes beyond them."""

_FP16_TAG = 0x01306B47
"""How ncnn marks weights stored in two bytes each; 0 marks four."""

_LARGEST_FILE = 200 << 20
"""Bytes that no file taken out of the zip reaches; a larger one is no program of this kind."""


def check_model(folder: Path) -> None:
    """Look whether a model can be loaded; the engine crashes on one that is cut short.

    Raises:
        ModelError: it is not whole, or its path is one that the engine cannot bear.
    """
    if folder.name != MODEL or _OTHER_MODELS.search(str(folder.parent)):
        raise ModelError(
            f"The model is in {folder}; its folder must be called {MODEL} and those above it must "
            "not be called like another model: the engine tells its models apart by their path."
        )
    if len(os.fsencode(folder)) > _LONGEST_PATH:
        raise ModelError(
            f"The path {folder} has {len(os.fsencode(folder))} bytes; rife-ncnn bears "
            f"{_LONGEST_PATH}. Put the folder {MODEL} somewhere shorter."
        )
    for name in ("flownet.param", "flownet.bin"):
        if not (folder / name).is_file():
            raise ModelError(f"{folder / name} is missing; fetch the model {MODEL} again.")
    try:
        needed = _count_bytes((folder / "flownet.param").read_text(), folder / "flownet.bin")
    except (ValueError, IndexError, KeyError) as error:
        raise ModelError(f"The model in {folder} is damaged ({error}); fetch it again.") from error
    size = (folder / "flownet.bin").stat().st_size
    if size != needed:
        raise ModelError(
            f"{folder / 'flownet.bin'} has {size} bytes where {needed} are expected; it is "
            "damaged: fetch it again."
        )


def _count_bytes(param: str, weights: Path) -> int:
    """Walk through the weights as ncnn does and return the length they should have."""
    lines = param.splitlines()
    if lines[0].strip() != "7767517" or len(lines) < int(lines[1].split()[0]) + 2:
        raise ValueError("flownet.param is not a whole ncnn model")
    data, at = np.memmap(weights, np.uint8, "r"), 0
    for words in (line.split() for line in lines[2:]):
        if words and words[0] in ("Convolution", "Deconvolution"):
            pairs = (word.split("=") for word in words[4 + int(words[2]) + int(words[3]) :])
            values = dict(pairs)
            tag = int.from_bytes(data[at : at + 4].tobytes(), "little")
            if len(data) < at + 4 or tag not in (0, _FP16_TAG):
                raise ValueError(f"flownet.bin has no weights for {words[1]}")
            size = int(values["6"]) * (2 if tag else 4)
            at += 4 + size + -size % 4 + 4 * int(values["0"])
    return at


def unpack_binary(zip_path: Path, target: Path) -> Path:
    """Take the program and its licence, nothing else, out of the official zip.

    Args:
        zip_path: rife-ncnn-vulkan-20221029-<system>.zip.
        target: a folder, made where it is missing. What it has of the same names is replaced; the
            program comes last, so where it is, all is whole.

    Returns:
        The program, ready to run.

    Raises:
        ModelError: the zip is damaged, of another system, or not what it should be; the folder
            is left as it was.
    """
    program = "rife-ncnn-vulkan.exe" if sys.platform == "win32" else "rife-ncnn-vulkan"
    # vcomp140.dll is the OpenMP runtime without which the program does not start on Windows.
    wanted = ["LICENSE", *(["vcomp140.dll"] if sys.platform == "win32" else []), program]
    try:
        with zipfile.ZipFile(zip_path) as archive:
            _check_names(archive)
            members = {name: _find_member(archive, name) for name in wanted}
            files = {name: archive.read(member) for name, member in members.items()}
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise ModelError(f"{zip_path} is damaged ({error}); fetch it again.") from error
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unpack-", dir=target) as part:
            for name, data in files.items():
                (Path(part) / name).write_bytes(data)
                (Path(part) / name).chmod(0o755 if name == program else 0o644)
            for name in wanted:
                os.replace(Path(part) / name, target / name)
    except OSError as error:
        raise ModelError(
            f"{program} cannot be unpacked into {target} ({error}); make room there, or give "
            "another folder."
        ) from error
    return target / program


def _check_names(archive: zipfile.ZipFile) -> None:
    """Refuse an archive any of whose names leads out of it; the official one has none."""
    for name in archive.namelist():
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in name:
            raise ModelError(
                f"{archive.filename} is not the official zip: {name!r} points outside of it. "
                "Nothing was unpacked; delete it and fetch it again."
            )


def _find_member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """Return the one plain file `<root>/<name>` of an archive: no link, not encrypted, not huge."""
    paths = {member: PurePosixPath(member.filename).parts for member in archive.infolist()}
    found = [member for member, parts in paths.items() if parts[1:] == (name,)]
    if len(found) == 1:
        kind = stat.S_IFMT(found[0].external_attr >> 16)
        encrypted = found[0].flag_bits & 1
        if kind in (0, stat.S_IFREG) and not encrypted and found[0].file_size <= _LARGEST_FILE:
            return found[0]
    others = sorted({parts[1] for parts in paths.values() if len(parts) == 2})
    raise ModelError(
        f"{archive.filename} does not hold the file {name} as it should; it has "
        f"{', '.join(others)[:200] or 'nothing'}. Fetch the zip for this system again."
    )
