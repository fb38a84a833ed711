"""Playlists are refused: they are no films, but texts that name films.

What a playlist names may be anywhere, on this machine or another, and may change while the playlist
stays the same. A film is known by its own bytes, so that a project never goes on with other
pictures; a playlist could not be. ffmpeg's demuxers that open other files are therefore left out.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from helpers.errors import VideoOpenError

OPENERS = {
    "avisynth", "concat", "dash", "hls", "imf", "lavfi", "rtp", "rtsp", "sap", "sdp", "vapoursynth",
    "webm_dash_manifest",
}  # fmt: skip
"""ffmpeg's demuxers that open other files or addresses than their own, or run a script."""

SIGNS = (
    b"#EXTM3U", b"#EXTINF", b"ffconcat version", b"v=0", b"[playlist]", b"<MPD", b"<asx",
    b"<SmoothStreamingMedia", b"<CompositionPlaylist",
)  # fmt: skip
"""What playlists begin with: HLS and M3U, ffmpeg's own, SDP, PLS, DASH and other XML."""


@lru_cache
def film_options() -> dict[str, str]:
    """Return ffmpeg's options that open films, but nothing that opens other files."""
    import av

    return {"format_whitelist": ",".join(sorted(av.formats_available - OPENERS))}


def refuse_playlist(path: Path) -> None:
    """Raise VideoOpenError if a file is a playlist; only its beginning is read."""
    with path.open("rb") as file:
        head = file.read(1000).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(SIGNS) or (head.startswith(b"<?xml") and any(s in head for s in SIGNS)):
        raise VideoOpenError(
            f"{path} is a playlist: a text that names films in other files. Give one of these "
            "films, or join them into one file first."
        )
