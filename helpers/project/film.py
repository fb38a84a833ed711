"""The film of a project: `source.json` holds where it is, its index and its shots."""

from __future__ import annotations

import logging
import os
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from helpers.clip import Clip
from helpers.errors import VideoIndexError
from helpers.project.files import VERSION, SourceFile, SourceKey, Versioned
from helpers.run import RunContext
from helpers.runtime.machine import file_sha256
from helpers.runtime.schema import encode
from helpers.runtime.storage import read_json, write_json
from helpers.stages.scenes.find import find_cuts
from helpers.stages.scenes.stage import MarkShots
from helpers.video.open import open_container, start_of
from helpers.video.reader import VideoClip, open_video

log = logging.getLogger("helpers")

FILE = "source.json"


def open_film(folder: Path, path: Path, options: dict[str, Any], run: RunContext) -> Clip:
    """Open a film with its shots marked. What a project knows of it is not searched for again.

    Args:
        folder: the project.
        path: the film.
        options: those of `open_video`; if there are none, those of the last time.
        run: the run that the search for shots belongs to.

    Raises:
        VideoOpenError: the file cannot be read.
    """
    kept = read_film(folder)
    if not os.path.isfile(path):
        open_video(path)  # raises an error that says what is wrong
    texts = {name: str(value) for name, value in options.items()}
    key = SourceKey(sha256=file_sha256(path), options=texts)
    if kept is None or not _is_same_film(kept.key, key) or not _counts_from_start(kept, path):
        clip, cuts = _find_shots(path, options, run)
        _write_film(folder, _pack(clip, key, cuts))
        return MarkShots(cuts)(clip)
    if kept.path != str(path.resolve()):  # the film was moved
        _write_film(folder, replace(kept, path=str(path.resolve())))
    return MarkShots(kept.cuts)(_unpack(path, kept))


def read_film(folder: Path) -> SourceFile | None:
    """Return what a project knows of its film; None if nothing, or another version wrote it."""
    version = read_json(folder / FILE, Versioned)
    if version is None or version.version != VERSION:
        return None
    return read_json(folder / FILE, SourceFile)


def _write_film(folder: Path, source: SourceFile) -> None:
    write_json(folder / FILE, encode(source))


def _is_same_film(kept: SourceKey, wanted: SourceKey) -> bool:
    """Tell whether a film is the one that is kept; without options it is opened as it was."""
    return kept["sha256"] == wanted["sha256"] and wanted["options"] in ({}, kept["options"])


def _counts_from_start(kept: SourceFile, path: Path) -> bool:
    """Tell whether times count from the start of the film; in version 0.1.0, from the file's 0."""
    with open_container(path) as container:
        return kept.index.zero == start_of(container)


def _find_shots(
    path: Path, options: dict[str, Any], run: RunContext
) -> tuple[VideoClip, tuple[Fraction, ...]]:
    """Open a film and find its shots.

    That reads every frame, so it also checks the index: if the decoder gives other frames than a
    large file's packets, the film is opened again with the decoder's timeline.
    """
    clip = open_video(path, **options)
    try:
        return clip, find_cuts(clip, run)
    except VideoIndexError as error:
        log.warning("%s This is done now: the whole film is decoded once.", error)
        clip = open_video(path, **{**options, "scan": "decode"})
        return clip, find_cuts(clip, run)


def _pack(clip: VideoClip, key: SourceKey, cuts: tuple[Fraction, ...]) -> SourceFile:
    own = {name: getattr(clip, name) for name in KEPT}
    return SourceFile(VERSION, key, str(clip.path.resolve()), cuts, **own)


def _unpack(path: Path, kept: SourceFile) -> VideoClip:
    own = {name: getattr(kept, name) for name in KEPT}
    return VideoClip(path=path, **own)


KEPT = {f.name for f in fields(VideoClip)} & {f.name for f in fields(SourceFile)} - {"path"}
"""What is known of a film that its file in a project keeps as it is."""
