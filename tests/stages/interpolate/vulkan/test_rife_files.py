"""RIFE's files for ncnn: the model's, and the official zip with the program."""

import os
import stat
import sys
import zipfile

import numpy as np
import pytest

from helpers.errors import ModelError
from helpers.stages.interpolate.vulkan.rife_files import check_model, unpack_binary
from helpers.stages.interpolate.vulkan.rife_ncnn import RifeNcnn

# The model's files.


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "flownet.bin").unlink(), r"flownet\.bin is missing"),
        (lambda folder: cut(folder / "flownet.bin", -8), r"has 172 bytes, but 180"),
        (lambda folder: cut(folder / "flownet.bin", 3), "no weights for conv"),
        (lambda folder: cut(folder / "flownet.bin", 0), "damaged"),
        (lambda folder: cut(folder / "flownet.param", 40), "damaged"),
        (lambda folder: (folder / "flownet.param").write_bytes(b"\xff\xfe\x00"), "damaged"),
        (lambda folder: (folder / "flownet.param").write_text(""), "damaged"),
    ],
)
def test_a_damaged_model_never_reaches_the_engine(tiny, spoil, said):
    check_model(tiny)
    spoil(tiny)
    with pytest.raises(ModelError, match=said):
        RifeNcnn(tiny, gpu=-1)


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])


@pytest.mark.parametrize("name", ["model", "rife-v4.25", "rife-v3/rife-v4.6", "x" * 250])
def test_a_path_that_confuses_the_engine_is_refused(tmp_path, name):
    folder = tmp_path / name
    if len(name) > 200:
        folder = tmp_path / name / "rife-v4.6"
    with pytest.raises(ModelError, match=r"Name the folder rife-v4\.6|allows at most 240"):
        check_model(folder)


# The official zip.

ROOT = "rife-ncnn-vulkan-20221029-ubuntu"
PROGRAM = "rife-ncnn-vulkan.exe" if sys.platform == "win32" else "rife-ncnn-vulkan"
FILES = {
    f"{ROOT}/README.md": b"read me",
    f"{ROOT}/LICENSE": b"MIT",
    f"{ROOT}/vcomp140.dll": b"OpenMP",
    f"{ROOT}/{PROGRAM}": np.random.default_rng(0).bytes(20000),
    f"{ROOT}/rife-v4.6/flownet.bin": b"weights",
    f"{ROOT}/rife-v4.6/LICENSE": b"another",
}


def make_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_only_the_program_and_its_licence_are_unpacked(tmp_path):
    target = tmp_path / "deep" / "program"
    path = unpack_binary(make_zip(tmp_path / "a.zip", FILES), target)
    again = unpack_binary(tmp_path / "a.zip", target)
    assert path == again == target / PROGRAM
    assert path.read_bytes() == FILES[f"{ROOT}/{PROGRAM}"]
    assert os.access(path, os.X_OK)
    expected = {PROGRAM, "LICENSE"} | ({"vcomp140.dll"} if sys.platform == "win32" else set())
    assert {each.name for each in target.iterdir()} == expected
    assert (target / "LICENSE").read_bytes() == b"MIT"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="cannot be unpacked into"):
        unpack_binary(make_zip(tmp_path / "a.zip", FILES), tmp_path / "file")


def link(name):
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


WITHOUT = {name: data for name, data in FILES.items() if not name.endswith(PROGRAM)}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({**FILES, "../evil": b""}, r"'\.\./evil' would be written outside"),
        ({**FILES, f"{ROOT}/../../evil": b""}, "would be written outside"),
        ({**FILES, "/etc/evil": b""}, "would be written outside"),
        ({**FILES, "C:/evil": b""}, "would be written outside"),
        ({**WITHOUT, f"../{PROGRAM}": b"\x7fELF"}, "would be written outside"),
        (WITHOUT, f"does not contain a usable file {PROGRAM}.*LICENSE, README.md"),
        ({**WITHOUT, link(f"{ROOT}/{PROGRAM}"): b"/bin/sh"}, "does not contain a usable file"),
        ({**FILES, f"other/{PROGRAM}": b"\x7fELF"}, "does not contain a usable file"),
        ({}, "does not contain a usable file"),
    ],
)
def test_a_zip_that_is_not_the_official_one_is_refused(tmp_path, files, said):
    with pytest.raises(ModelError, match=said):
        unpack_binary(make_zip(tmp_path / "a.zip", files), tmp_path / "program")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_damaged_zip_leaves_what_was_there(tmp_path):
    path, target = make_zip(tmp_path / "a.zip", FILES), tmp_path / "program"
    whole = path.read_bytes()
    before = unpack_binary(path, target).read_bytes()
    place = whole.index(f"/{PROGRAM}".encode()) + 60
    flipped = whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :]
    for data in (b"", b"no zip", whole[:-100], whole[: len(whole) // 2], flipped):
        path.write_bytes(data)
        with pytest.raises(ModelError, match=r"is damaged.*Download it again"):
            unpack_binary(path, target)
        assert (target / PROGRAM).read_bytes() == before
        assert len(list(target.iterdir())) == len({PROGRAM, "LICENSE"}) + (os.name == "nt")
    path.unlink()
    with pytest.raises(ModelError, match="Download it again"):
        unpack_binary(path, target)
