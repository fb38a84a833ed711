"""Check the model of RIFE in ncnn before the engine loads it, and unpack the official program.

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
"""The name of the model's folder; the engine recognises its models by their path."""

_OTHER_MODELS = re.compile(r"rife-v[23]|rife-v4\.2[56]")
"""Parts of a path for which the engine would mistake the model for another version."""

_LONGEST_PATH = 240
"""Bytes; the engine copies a model's path into a buffer of 256 bytes without a check, and crashes
if it is longer."""

_FP16_TAG = 0x01306B47
"""ncnn's tag of 16-bit weights; that of 32-bit weights is 0."""

_LARGEST_FILE = 200 << 20
"""Bytes; a larger file in the zip is refused."""


def check_model(folder: Path) -> None:
    """Check that a model can be loaded, since the engine crashes on a truncated one.

    Raises:
        ModelError: it is incomplete or damaged, or the engine cannot handle its path.
    """
    if folder.name != MODEL or _OTHER_MODELS.search(str(folder.parent)):
        raise ModelError(
            f"The engine cannot load the model from {folder}, since it recognises its models by "
            f"their path. Name the folder {MODEL}, and move it out of any folder that is named "
            "after another version."
        )
    if len(os.fsencode(folder)) > _LONGEST_PATH:
        raise ModelError(
            f"The path {folder} has {len(os.fsencode(folder))} bytes, but rife-ncnn allows at most "
            f"{_LONGEST_PATH}. Move the folder {MODEL} to a shorter path."
        )
    for name in ("flownet.param", "flownet.bin"):
        if not (folder / name).is_file():
            raise ModelError(f"{folder / name} is missing. Download the model {MODEL} again.")
    try:
        needed = _count_bytes((folder / "flownet.param").read_text(), folder / "flownet.bin")
    except (ValueError, IndexError, KeyError) as error:
        raise ModelError(
            f"The model in {folder} is damaged ({error}). Download it again."
        ) from error
    size = (folder / "flownet.bin").stat().st_size
    if size != needed:
        raise ModelError(
            f"{folder / 'flownet.bin'} is damaged: it has {size} bytes, but {needed} were "
            "expected. Download it again."
        )


def _count_bytes(param: str, weights: Path) -> int:
    """Return the length that the file of weights should have, in bytes."""
    lines = param.splitlines()
    if lines[0].strip() != "7767517" or len(lines) < int(lines[1].split()[0]) + 2:
        raise ValueError("flownet.param is not a complete ncnn model")
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
    """Unpack only the program and its licence from the official zip.

    Args:
        zip_path: rife-ncnn-vulkan-20221029-<system>.zip.
        target: the folder to unpack into; it is created if necessary. Files of the same names are
            replaced. The program is written last, so if it exists, everything does.

    Returns:
        The path of the program, which can be run.

    Raises:
        ModelError: the zip is damaged, for another system, or not the official one, and the folder
            was not changed; or the folder cannot be written.
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
        raise ModelError(f"{zip_path} is damaged ({error}). Download it again.") from error
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
            f"{program} cannot be unpacked into {target} ({error}). Free some space there, or "
            "give another folder."
        ) from error
    return target / program


def _check_names(archive: zipfile.ZipFile) -> None:
    """Raise ModelError if a name in the archive points outside of the target folder."""
    for name in archive.namelist():
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in name:
            raise ModelError(
                f"{archive.filename} is not the official zip: its file {name!r} would be written "
                "outside of the folder. Nothing was unpacked. Delete the zip and download it again."
            )


def _find_member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """Return the file `<root>/<name>` of an archive.

    Raises:
        ModelError: it is missing, a link, encrypted, or too large.
    """
    paths = {member: PurePosixPath(member.filename).parts for member in archive.infolist()}
    found = [member for member, parts in paths.items() if parts[1:] == (name,)]
    if len(found) == 1:
        kind = stat.S_IFMT(found[0].external_attr >> 16)
        encrypted = found[0].flag_bits & 1
        if kind in (0, stat.S_IFREG) and not encrypted and found[0].file_size <= _LARGEST_FILE:
            return found[0]
    others = sorted({parts[1] for parts in paths.values() if len(parts) == 2})
    raise ModelError(
        f"{archive.filename} does not contain a usable file {name}. It contains "
        f"{', '.join(others)[:200] or 'nothing'}. Download the zip for this system again."
    )
