"""Find out whether the browser can play a file by itself, through the notebook's server."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote

from helpers.runtime.machine import on_colab

PLAYABLE = {"h264", "vp8", "vp9", "av1"}
"""Codecs that every browser plays; H.265 is played by few."""

ENDINGS = {".mp4", ".m4v", ".mov", ".webm"}
"""Containers that browsers read."""

NAMES = {"hevc": "H.265", "ffv1": "FFV1", "prores": "ProRes", "mpeg2video": "MPEG-2"}
"""Names of codecs as people know them; others are in capitals."""


def file_url(path: Path) -> str | None:
    """Return the address of a file on the Jupyter server that started this kernel.

    None if it was started by something else (Colab, VS Code, a script), or if the file is not below
    the server's folder. The address has no host: the page comes from the same server.
    """
    server = _read_server()
    if server is None:
        return None
    root, base = server
    try:
        parts = path.resolve().relative_to(root.resolve()).parts
    except (OSError, ValueError):
        return None
    if any(part.startswith(".") for part in parts):
        return None  # the server does not give hidden files
    return f"{base.rstrip('/')}/files/{quote('/'.join(parts))}"


def _read_server() -> tuple[Path, str] | None:
    """Return the folder and the base address of the server that started this kernel."""
    parent = os.environ.get("JPY_PARENT_PID")
    if parent is None:
        return None
    from jupyter_core.paths import jupyter_runtime_dir

    note = Path(jupyter_runtime_dir(), f"jpserver-{parent}.json")
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
        return Path(found["root_dir"]), str(found["base_url"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find_obstacle(path: Path) -> str:
    """Return in a sentence why a browser cannot play a file itself; "" if it can."""
    from helpers.video.open import open_container, pick_stream

    if on_colab():
        return "on Colab a page cannot reach files. Download the film to see all of it."
    if file_url(path) is None:
        return f"the page cannot reach the file. Open {path} in a player to see all of it."
    with open_container(path) as container:
        context = pick_stream(container).codec_context
        codec, pixels = context.codec.canonical_name, context.pix_fmt or ""
    plain = pixels in ("yuv420p", "yuvj420p") or codec != "h264"
    if codec in PLAYABLE and plain and path.suffix.lower() in ENDINGS:
        return ""
    what = NAMES.get(codec, codec.upper()) if codec not in PLAYABLE or not plain else path.suffix
    return f"browsers do not play {what}. Open {path} in a player such as VLC to see all of it."
