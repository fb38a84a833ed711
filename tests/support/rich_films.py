"""Films with two sounds, subtitles, chapters and a title."""

from __future__ import annotations

import av

from tests.support.films import H264, ffmpeg, film


def streams(path):
    """Return (type, codec, language) of every stream."""
    with av.open(str(path)) as container:
        return [
            (
                stream.type,
                stream.codec_context.codec.canonical_name if stream.codec_context else None,
                stream.metadata.get("language", "und"),
            )
            for stream in container.streams
        ]


# --- what else a source holds ---

SUBTITLES = "1\n00:00:00,200 --> 00:00:00,900\nHello\n\n2\n00:00:01,200 --> 00:00:01,900\nThere\n"
CHAPTERS = """;FFMETADATA1
title=A film
artist=Somebody
[CHAPTER]
TIMEBASE=1/1000
START=0
END=1000
title=One
[CHAPTER]
TIMEBASE=1/1000
START=1000
END=2400
title=Two
"""


def rich(folder, name, sounds, subtitles="srt"):
    """Write a film with two sound tracks, subtitles, chapters and a title."""
    film(folder / "p.mkv", *H264)
    (folder / "s.srt").write_text(SUBTITLES)
    (folder / "m.txt").write_text(CHAPTERS)
    sine = ("-f", "lavfi", "-i", "sine=d=2.4")
    ffmpeg(
        *("-i", folder / "p.mkv", *sine, *sine, "-i", folder / "s.srt", "-i", folder / "m.txt"),
        *("-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map_metadata", "4"),
        *("-c:v", "copy", "-c:a:0", sounds[0], "-c:a:1", sounds[1], "-c:s", subtitles),
        *("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=spa"),
        *("-metadata:s:s:0", "language=ita", folder / name),
    )
    return folder / name
