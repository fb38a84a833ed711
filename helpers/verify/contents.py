"""What is in a file: its streams, every packet of them, its chapters and its metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from helpers.verify.ffmpeg import UncheckableError, last_line, run_ffmpeg

MATRICES = {
    "gbr", "bt709", "fcc", "bt470bg", "smpte170m", "smpte240m", "ycgco", "bt2020nc", "bt2020c",
    "ictcp",
}  # fmt: skip
"""ffmpeg's names of colour matrices."""

UNKNOWN = -(2**63)
"""How ffmpeg writes that a packet has no timestamp."""

DISCARD = 4
"""ffmpeg's flag of a packet that an edit list hides."""


@dataclass(frozen=True, eq=False)
class Stream:
    """A stream of a file.

    Attributes:
        number: its number in the file.
        kind: "video", "audio" or "subtitle".
        language: as the file names it; "und" if it does not.
        default, cover: whether it is marked as the default one, or as a cover picture.
        pixels: the pixel format of a picture, like "yuv420p".
        colour: its tags as ffmpeg lists them, like ("tv", "bt709").
        layout: the channel layout of sound, like "stereo".
        size: width and height of a picture as it is stored.
        times: when each packet that is shown begins, (N,) float64 seconds, rising.
        keys: which of them are key frames, (N,) bool.
        durations: how long each lasts, (N,) seconds; 0 if that is not stated.
    """

    number: int
    kind: str
    language: str = "und"
    default: bool = False
    cover: bool = False
    pixels: str = ""
    colour: tuple[str, ...] = ()
    layout: str = ""
    size: tuple[int, int] = (0, 0)
    times: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)
    keys: np.ndarray = field(default_factory=lambda: np.zeros(0, bool), repr=False)
    durations: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)

    @property
    def end(self) -> float:
        """When the last packet ends, in seconds."""
        return float(self.times[-1] + self.durations[-1]) if len(self.times) else 0.0

    @property
    def channels(self) -> int:
        """How many channels of sound it has; 0 if that is not known."""
        return count_channels(self.layout)

    @property
    def named(self) -> bool:
        """Whether its channels have a known layout, so that they can be mixed by their places."""
        return bool(self.layout) and not self.layout.endswith("channels")

    @property
    def matrix(self) -> str | None:
        """The colour matrix that the file names; None if it names none."""
        return next((name for tag in self.colour if (name := tag.split("/")[0]) in MATRICES), None)


@dataclass(frozen=True)
class Contents:
    """What is in a file.

    Attributes:
        streams: the pictures, the sounds and the subtitles, each in the file's order.
        zero: the file's start on its clock, in seconds.
        metadata: the tags of the whole file, by their names in lower case.
        chapters: start and end of each chapter in seconds, and its title.
    """

    path: Path
    streams: tuple[Stream, ...]
    zero: float
    metadata: dict[str, str]
    chapters: tuple[tuple[float, float, str], ...]

    def of(self, kind: str) -> tuple[Stream, ...]:
        """Return the streams of a kind, in order."""
        return tuple(stream for stream in self.streams if stream.kind == kind)

    def picture(self, wanted: int | None = None) -> Stream:
        """Return the film's picture: the wanted one, the default one, or the first.

        Args:
            wanted: its number among the pictures that are no covers, from 0.

        Raises:
            UncheckableError: the file has none.
        """
        films = [stream for stream in self.of("video") if not stream.cover]
        if not films:
            raise UncheckableError(f"{self.path} has no picture, so it cannot be checked.")
        if wanted is not None:
            return films[min(wanted, len(films) - 1)]
        return next((stream for stream in films if stream.default), films[0])


def read_contents(path: Path) -> Contents:
    """Read all packets of a file, without decoding them.

    Raises:
        UncheckableError: ffmpeg cannot read the file.
    """
    if not path.is_file():
        raise UncheckableError(f"There is no file {path}. Check the name.")
    tags, log = run_ffmpeg(path, (), ("-f", "ffmetadata", "pipe:1"))
    banner = log.split("Output #0")[0]
    if "Input #0" not in banner:
        raise UncheckableError(f"ffmpeg cannot read {path}: {last_line(log)}.")
    streams = list(_read_streams(banner))
    start = re.search(r"Duration: .*start: (-?[\d.]+)", banner)
    metadata, chapters = _read_metadata(tags.decode(errors="replace"))
    return Contents(
        path=path,
        streams=tuple(_read_packets(path, streams)),
        zero=float(start[1]) if start else 0.0,
        metadata=metadata,
        chapters=chapters,
    )


STREAM = re.compile(
    r"^ *Stream #0:(\d+)(?:\[0x\w+\])?(?:\(([\w-]+)\))?: (Video|Audio|Subtitle): \w+(.*)$", re.M
)
PIXELS = re.compile(r", ([a-z]\w+)(?:\(([^)]*)\))?, \d+x\d+")


def _read_streams(banner: str) -> Iterator[Stream]:
    """Yield the streams that ffmpeg lists, by their kinds, without their packets."""
    found = list(STREAM.finditer(banner))
    for kind in ("Video", "Audio", "Subtitle"):
        for number, language, named, rest in (match.groups() for match in found):
            if named == kind:
                pixels = PIXELS.search(rest) if kind == "Video" else None
                yield Stream(
                    number=int(number),
                    kind=kind.lower(),
                    language=language or "und",
                    default="(default)" in rest,
                    cover="(attached pic)" in rest,
                    pixels=pixels[1] if pixels else "",
                    colour=tuple((pixels[2] or "").split(", ")) if pixels else (),
                )


def _read_packets(path: Path, streams: list[Stream]) -> Iterator[Stream]:
    """Yield the streams with their packets."""
    if not streams:
        return
    maps = [word for stream in streams for word in ("-map", f"0:{stream.number}")]
    copy = ("-c", "copy", "-copyinkf", "-copypriorss", "1", "-f", "framecrc", "pipe:1")
    raw, _ = run_ffmpeg(path, (), (*maps, *copy))
    heads: dict[tuple[str, int], str] = {}
    packets: dict[int, list[tuple[int, int, int]]] = {}
    for line in raw.decode(errors="replace").splitlines():
        if line.startswith("#"):
            name, _, value = line[1:].partition(": ")
            word, _, number = name.rpartition(" ")
            if number.isdigit():
                heads[word, int(number)] = value
            continue
        words = [word.strip() for word in line.split(",")]
        flags = next((int(word[2:], 16) for word in words[6:] if word.startswith("F=")), 1)
        if int(words[4]):
            row = (int(words[2]), int(words[3]), flags)
            packets.setdefault(int(words[0]), []).append(row)
    for number, stream in enumerate(streams):
        yield _add_packets(stream, packets.get(number, []), number, heads)


def _add_packets(
    stream: Stream,
    packets: list[tuple[int, int, int]],
    number: int,
    heads: dict[tuple[str, int], str],
) -> Stream:
    """Return a stream with its packets (pts, duration, flags) in the order of showing."""
    unit = float(Fraction(heads.get(("tb", number), "1/1")))
    table = np.array(packets, np.int64).reshape(-1, 3)
    table = table[(table[:, 2] & DISCARD) == 0]
    table = table[np.argsort(table[:, 0], kind="stable")]
    shown = np.where(table[:, 0] == UNKNOWN, np.nan, table[:, 0] * unit)
    width, _, height = heads.get(("dimensions", number), "0x0").partition("x")
    values = {
        "layout": heads.get(("channel_layout_name", number), ""),
        "size": (int(width), int(height)),
        "times": shown,
        "keys": (table[:, 2] & 1) == 1,
        "durations": table[:, 1] * unit,
    }
    return Stream(**{**vars(stream), **values})


def _read_metadata(text: str) -> tuple[dict[str, str], tuple[tuple[float, float, str], ...]]:
    """Return the global tags and the chapters of a file in ffmpeg's metadata format."""
    text = re.sub(r"\\\n", "\n", text)
    sections = re.split(r"^\[(\w+)\]$", text, flags=re.M)
    chapters = []
    for name, body in zip(sections[1::2], sections[2::2], strict=True):
        if name == "CHAPTER":
            values = _read_tags(body)
            unit = Fraction(values.get("timebase", "1/1000000000"))
            start, end = (float(int(values[key]) * unit) for key in ("start", "end"))
            chapters.append((start, end, values.get("title", "")))
    return _read_tags(sections[0]), tuple(chapters)


def _read_tags(text: str) -> dict[str, str]:
    """Return NAME=VALUE lines as a dictionary; a backslash before a character is removed."""
    pairs = re.findall(r"^([^;#\n=][^=\n]*)=(.*)$", text, re.M)
    return {name.lower(): re.sub(r"\\(.)", r"\1", value) for name, value in pairs}


def count_channels(layout: str) -> int:
    """Return how many channels a layout has by ffmpeg's name for it; 0 if that is not known."""
    if found := re.match(r"(\d+) channels", layout):
        return int(found[1])
    if found := re.match(r"(\d)\.(\d)(?:\.(\d))?", layout):
        return sum(int(digit) for digit in found.groups() if digit)
    names = {"mono": 1, "stereo": 2, "downmix": 2, "quad": 4, "hexagonal": 6, "octagonal": 8}
    return names.get(layout.split("(")[0], 0)
