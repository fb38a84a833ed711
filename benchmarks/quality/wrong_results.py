"""Results with one fault each, made from right ones with ffmpeg."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import ffmpeg
from helpers.runtime.machine import runtime
from helpers.verify.contents import read_contents
from helpers.verify.ffmpeg import keep_timestamps

RAW = ("-c:v", "libx264", "-crf", "6", "-preset", "veryfast", "-pix_fmt", "yuv420p")


@dataclass(frozen=True)
class Fault:
    """A fault to put into a result.

    Attributes:
        name: what is wrong.
        said: words that must be among those that are said about it.
        picture, sound: a filter of the picture, or of the first sound. {half}, {third}, {end},
            {last}, {middle}, {fps}, {width}, {height}, {drift} and {other} are filled in.
        options: ffmpeg's options in place of those that copy all tracks.
        coloured: whether a black-and-white film cannot have it.
    """

    name: str
    said: str
    picture: str = ""
    sound: str = ""
    options: Sequence[str] = ()
    coloured: bool = False


EVEN = "setpts=N/({fps}*TB)"
SIZED = "scale={width}:{height},setsar=1"
BT601 = "format=yuv420p,setparams=colorspace=smpte170m:range=tv"
MATRIX = f"scale=in_color_matrix=bt601,format=gbrp,scale=out_color_matrix=bt709,{BT601}"
RED_BLUE = f"format=gbrp,colorchannelmixer=rr=0:rb=1:br=1:bb=0,scale=out_color_matrix=bt601,{BT601}"
FREEZE = "split[a][b];[a][b]freezeframes=first={middle}:last={last}:replace={middle}"
OTHER = "movie={other},scale={width}:{height},setsar=1[o];[in][o]overlay=eof_action=repeat[out]"
PAUSE = "asegment=timestamps={third}[x][y];[y]adelay=80:all=1[z];[x][z]concat=v=0:a=1"
LATER = "asetpts=PTS-STARTPTS"
VIDEO, SUBTITLES = ("-map", "0:v"), ("-map", "0:s?")
FIRST, SECOND = ("-map", "0:a:0"), ("-map", "0:a:1")
ALL = (*VIDEO, *FIRST, *SECOND, *SUBTITLES)

FAULTS = (
    Fault("green", "picture", "lutyuv=u=0:v=0", coloured=True),
    Fault("mirrored left to right", "mirrored left to right", "hflip"),
    Fault("mirrored top to bottom", "mirrored top to bottom", "vflip"),
    Fault("turned by 180 degrees", "turned by 180 degrees", "hflip,vflip"),
    Fault("turned by 90 degrees", "turned right", "transpose=1"),
    Fault("turned left and squeezed", "turned left", f"transpose=2,{SIZED}"),
    Fault("transposed and squeezed", "mirrored and turned", f"transpose=0,{SIZED}"),
    Fault("transversed and squeezed", "mirrored and turned", f"transpose=3,{SIZED}"),
    Fault("cropped on all sides", "the edges are cut off", f"crop=iw*0.88:ih*0.88,{SIZED}"),
    Fault("cropped on one side", "picture", f"crop=iw*0.9:ih:0:0,{SIZED}"),
    Fault("pixels of another shape", "times as wide as it is high", "setsar=4/3"),
    Fault("BT.709 tagged as BT.601", "that of BT.601 in place of BT.709", MATRIX, coloured=True),
    Fault("full range tagged as limited", "range", f"scale=in_range=tv:out_range=pc,{BT601}"),
    Fault("limited range made twice", "range", f"scale=in_range=pc:out_range=tv,{BT601}"),
    Fault("red and blue swapped", "red and blue are swapped", RED_BLUE, coloured=True),
    Fault("Cb and Cr swapped", "differences of colour", "swapuv", coloured=True),
    Fault("grey in place of colour", "the colours are gone", "hue=s=0", coloured=True),
    Fault("negative", "negative", "negate"),
    Fault("too dark", "the brightness differs", "lutyuv=y=val*0.85"),
    Fault("first picture missing", "pictures where", "select='gte(n,1)',setpts=PTS-STARTPTS"),
    Fault("picture missing in the middle", "pictures where", "select='not(eq(n,20))'"),
    Fault("picture missing, the rest moved up", "pictures where", f"select='not(eq(n,20))',{EVEN}"),
    Fault("last picture missing", "pictures where", "select='lt(n,{last})'"),
    Fault("picture doubled", "pictures where", f"loop=loop=1:size=1:start=20,{EVEN}"),
    Fault("pictures in the wrong order", "show another moment", "shuffleframes=0 2 1 3"),
    Fault("backwards", "picture", "reverse"),
    Fault("second half stands still", "picture", FREEZE),
    Fault("last second black", "picture", "drawbox=t=fill:c=black:enable='gte(t,{end}-1)'"),
    Fault("picture of another film", "picture", OTHER),
    Fault("stretched by two percent", "at another time", "setpts=1.02*PTS"),
    Fault("cut off after four fifths", "pictures where", options=(*ALL, "-t", "{most}")),
    Fault("picture 200 ms late", "200 ms too early", "setpts=PTS+0.2/TB"),
    Fault("sound 80 ms late", "80 ms too late", sound="adelay=80:all=1"),
    Fault("sound 80 ms early", "80 ms too early", sound=f"atrim=start=0.08,{LATER}"),
    Fault("sound drifts by 80 ms", "the sound", sound="atempo={drift}"),
    Fault("sound 80 ms late after a third", "the sound", sound=PAUSE),
    Fault("half the sound missing", "of the sound are missing", sound="atrim=end={half}"),
    Fault("silent", "the sound is silent", sound="volume=0"),
    Fault("sound of another film", "not that of the film",
          options=(*VIDEO, "-map", "1:a:0", *SECOND, *SUBTITLES, "-ac:a:0", "1", "-c:a", "flac")),
    Fault("sounds in the wrong order", "not that of the film",
          options=(*VIDEO, *SECOND, *FIRST, *SUBTITLES)),
    Fault("a sound track missing", "the result has 1 sound tracks",
          options=(*VIDEO, *FIRST, *SUBTITLES)),
    Fault("wrong number of channels", "channels", options=(*ALL, "-c:a:0", "flac", "-ac:a:0", "2")),
    Fault("wrong language", "audio tracks are fra",
          options=(*ALL, "-metadata:s:a:0", "language=fra")),
    Fault("subtitles missing", "subtitle tracks", options=(*VIDEO, *FIRST, *SECOND)),
    Fault("chapters missing", "chapters and the result 0", options=(*ALL, "-map_chapters", "-1")),
    Fault("title missing", "title is not in the result", options=(*ALL, "-metadata", "title=")),
)  # fmt: skip
"""One fault each."""


def make_wrong(fault: Fault, right: Path, other: Path, wrong: Path) -> None:
    """Write a copy of a right result with one fault.

    Args:
        other: another film with sound.
    """
    stream = read_contents(right).picture()
    count, end = len(stream.times), stream.end - float(stream.times[0])
    values = {
        "half": end / 2, "third": end / 3, "end": end, "most": end * 0.8, "fps": count / end,
        "last": count - 1, "middle": count // 2, "width": stream.size[0],
        "height": stream.size[1], "drift": end / (end + 0.12), "other": other,
    }  # fmt: skip
    options = [word.format(**values) for word in fault.options or ALL]
    picture, sound = fault.picture.format(**values), fault.sound.format(**values)
    copy = () if "-c:a" in options else ("-c", "copy")
    ffmpeg(
        *("-i", right, "-i", other, *copy, *options),
        *(("-vf", picture, *RAW, *keep_timestamps(runtime().ffmpeg)) if picture else ()),
        *(("-filter:a:0", sound, "-c:a:0", "flac") if sound else ()),
        *(() if picture or copy else ("-c:v", "copy")),
        wrong,
    )


CHAPTERS = """;FFMETADATA1
title=A film
[CHAPTER]
TIMEBASE=1/1000
START=0
END=1500
title=One
[CHAPTER]
TIMEBASE=1/1000
START=1500
END=3000
title=Two
"""
TEXT = "1\n00:00:00,200 --> 00:00:00,900\nHello\n\n2\n00:00:01,200 --> 00:00:01,900\nThere\n"


def make_rich(picture: Path, sound: Path, folder: Path) -> Path:
    """Write four seconds of a film with two languages, subtitles, chapters and a title."""
    (folder / "s.srt").write_text(TEXT)
    (folder / "m.txt").write_text(CHAPTERS)
    made = folder / f"rich_{picture.stem}.mkv"
    noise = ("-f", "lavfi", "-i", "anoisesrc=d=4:c=pink:a=0.2:seed=1")
    ffmpeg(
        *("-t", 4, "-i", picture, "-t", 4, "-i", sound, *noise, "-i", folder / "s.srt"),
        *("-i", folder / "m.txt", "-map", "0:v:0", "-map", "1:a:0", "-map", "2:a", "-map", "3"),
        *("-map_metadata", 4, "-map_chapters", 4, *RAW, "-c:a", "flac", "-ac:a:0", 1),
        *("-vf", f"scale=out_color_matrix=bt601,{BT601}", "-metadata:s:s:0", "language=ita"),
        *("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=spa", made),
    )
    return made
