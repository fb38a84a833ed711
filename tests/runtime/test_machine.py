"""This machine: what is found, what the user insists on, and what a missing Drive does."""

import os
import sys
import types

import pytest

from helpers.errors import SilkPurseError
from helpers.runtime.machine import (
    Runtime,
    available_memory,
    file_sha256,
    mount_drive,
    once_per_file,
    start,
    upload,
)


def test_the_users_ffmpeg_comes_first(monkeypatch, tmp_path):
    own = tmp_path / "ffmpeg"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("SILK_PURSE_FFMPEG", str(own))
    assert Runtime().ffmpeg == str(own)


def test_an_ffmpeg_that_is_none_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("SILK_PURSE_FFMPEG", str(tmp_path / "nothing"))
    with pytest.raises(SilkPurseError, match="not a program"):
        _ = Runtime().ffmpeg


def test_the_systems_ffmpeg_comes_second_and_the_packages_last(monkeypatch):
    monkeypatch.delenv("SILK_PURSE_FFMPEG", raising=False)
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/ffmpeg")
    assert Runtime().ffmpeg == "/usr/bin/ffmpeg"
    monkeypatch.setattr("shutil.which", lambda _: None)
    pytest.importorskip("imageio_ffmpeg", reason="no ffmpeg came with the package")
    assert "imageio_ffmpeg" in Runtime().ffmpeg


def test_what_the_user_insists_on_is_taken():
    machine = Runtime(forced_device="cpu", forced_precision="fp32", memory_limit=123)
    assert (machine.device, machine.precision, machine.free_memory()) == ("cpu", "fp32", 123)


def test_memory_of_a_card_that_is_only_kept_for_later_is_free(monkeypatch):
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda: (5_000, 16_000))
    monkeypatch.setattr("torch.cuda.memory_reserved", lambda: 9_000)
    monkeypatch.setattr("torch.cuda.memory_allocated", lambda: 4_000)
    assert Runtime(forced_device="cuda").free_memory() == 7_000


def test_memory_is_looked_up():
    assert 10**8 < available_memory() < 10**13


def fake_colab(monkeypatch, **modules):
    """Put a google.colab on the path that has these modules."""
    colab = types.ModuleType("google.colab")
    for name, module in modules.items():
        setattr(colab, name, module)
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)


def test_drive_is_mounted_where_there_is_one(monkeypatch):
    mounted = []
    fake_colab(monkeypatch, drive=types.SimpleNamespace(mount=mounted.append))
    assert str(mount_drive()) == "/content/drive/MyDrive" and mounted == ["/content/drive"]


def test_a_drive_that_is_mounted_already_is_not_mounted_again(monkeypatch):
    mounted = []
    fake_colab(monkeypatch, drive=types.SimpleNamespace(mount=mounted.append))
    monkeypatch.setattr("os.path.isdir", lambda path: str(path) == "/content/drive/MyDrive")
    assert str(mount_drive()) == "/content/drive/MyDrive" and not mounted


def test_a_drive_that_refuses_is_said_and_lived_without(monkeypatch, caplog):
    def refuse(_):
        raise ValueError("mount failed")

    fake_colab(monkeypatch, drive=types.SimpleNamespace(mount=refuse))
    assert mount_drive() is None
    assert "mount failed" in caplog.text


def test_start_without_colab_stays_on_this_machine(monkeypatch, caplog):
    monkeypatch.setattr("helpers.runtime.machine._current", None)
    assert start(drive=True).drive is None
    assert "only be mounted on Google Colab" in caplog.text


def test_an_upload_is_asked_for_on_colab_only(monkeypatch, tmp_path):
    with pytest.raises(SilkPurseError, match="on Google Colab only"):
        upload(tmp_path)
    fake_colab(monkeypatch, files=types.SimpleNamespace(upload=dict))
    with pytest.raises(SilkPurseError, match="No file was chosen"):
        upload(tmp_path)


def test_a_browser_that_cannot_upload_is_said(monkeypatch, tmp_path):
    def refuse():
        raise TypeError("undefined")

    fake_colab(monkeypatch, files=types.SimpleNamespace(upload=refuse))
    with pytest.raises(SilkPurseError, match=r"The upload failed \(undefined\)"):
        upload(tmp_path)


def test_what_was_found_in_a_file_is_remembered_until_it_changes(tmp_path):
    asked = []

    @once_per_file
    def count(path, word):
        asked.append(word)
        return path.read_text().count(word)

    path = tmp_path / "a.txt"
    path.write_text("a film, a talk")
    assert [count(path, "a"), count(path, "a"), count(path, "film")] == [3, 3, 1]
    path.write_text("nothing")
    assert count(path, "a") == 0 and asked == ["a", "film", "a"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="pathlib of 3.10 keeps its own os.stat")
def test_a_file_that_is_remembered_is_asked_for_once_and_no_folder_above_it(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("a film")
    file_sha256(path)
    asked = []
    for name, real in (("stat", os.stat), ("lstat", os.lstat)):

        def note(path, *rest, real=real, **named):
            asked.append(str(path))
            return real(path, *rest, **named)

        monkeypatch.setattr(os, name, note)
    file_sha256(path)
    monkeypatch.undo()
    assert asked == [str(path)]
