"""Join a new picture with everything else that its source holds.

Sound, subtitles, chapters and metadata are copied unchanged where the new container can hold them,
and re-encoded where it cannot; the notes say which. All timestamps count from the same zero as the
picture's, so the sound stays in sync. A sound track may be replaced by a cleaned one, which counts
from the same zero, and kept as a second track.
"""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from helpers.errors import StorageError, VerificationError, VideoWriteError
from helpers.runtime.machine import runtime
from helpers.runtime.names import final_name, part_name
from helpers.runtime.output import prepare_output
from helpers.runtime.storage import storage_error, sync_file
from helpers.verify.promise import Promise, SoundTrack
from helpers.verify.result import require_right
from helpers.verify.tracks import ALONE
from helpers.video.carry import Carried, read_tracks
from helpers.video.codecs import CONTAINERS
from helpers.video.covers import attach, save_cover
from helpers.video.even import even_film
from helpers.video.index import make_index
from helpers.video.open import open_container, pick_stream, start_of
from helpers.video.orientation import orientation_of
from helpers.video.packets import count_packets
from helpers.video.tracks import (
    NEW,
    Track,
    codec_options,
    ending,
    usable_streams,
)
from helpers.video.trial import QUIETLY, complaint


class NewTrack(SoundTrack, Protocol):
    """A sound track that replaces one of the source's; see `audio.track.Sound`."""

    def __len__(self) -> int:
        """How many samples it has."""
        ...

    def cut(self, start: Fraction, stop: Fraction, /) -> NewTrack:
        """Return a stretch of it, in seconds on the source's timeline, to the sample."""
        ...


SOURCE = "SOURCE"
"""A placeholder for the source's number among ffmpeg's inputs, until that is known."""

FOREVER = Fraction(10**9)
"""Seconds, longer than any film."""


def join(
    picture: Path,
    first: Fraction,
    path: Path,
    source: str | Path | None = None,
    start: Fraction | None = None,
    stop: Fraction | None = None,
    shape: Fraction | None = None,
    sound: Sequence[NewTrack] = (),
    keep: bool = False,
    carried: Carried | None = None,
    video: int = 0,
) -> list[str]:
    """Join an encoded picture with the other tracks of `source` into `path`.

    Args:
        picture: a file with a video stream whose first frame is at 0.
        path: the file; written in place, so give it a temporary name.
        first: when that frame belongs on the source's timeline, in seconds from what a player
            calls 0.
        start, stop: the stretch of the source to keep, in seconds on its timeline.
        shape: the picture's display aspect ratio.
        sound: tracks that replace the source's own, or are added if it has none.
        keep: keep the replaced tracks as well, each after the one that replaces it.
        carried: what is taken over from the source, if that was decided before.
        video: which video stream of `picture` it is.

    Returns:
        What could not be copied unchanged, in words.
    """
    if carried is None:
        carried = Carried(()) if source is None else read_tracks(Path(source), path)
    # A first picture without a timestamp may lie before the film's zero.
    least = min(first, Fraction(0))
    begin = least if start is None else max(start, least)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=path.parent, prefix=".sound"))
        ends = begin, FOREVER if stop is None else stop
        own = [
            save_cover(Path(source), track, Path(folder)) if track.kind == "cover" else track
            for track in carried.tracks
            if source is not None
        ]
        tracks = _replace_tracks(own, _save_tracks(sound, ends, Path(folder), path), keep)
        if source is not None:
            source = stack.enter_context(even_film(Path(source), Path(folder)))
        stretch = (begin, stop)
        more = _join_tracks(picture, first, begin, path, source, tracks, stretch, shape, video)
        return [*carried.notes, *more, *_note_empty(path, source, tracks, ends)]


def cut_sound(sound: Sequence[NewTrack], start: Fraction, stop: Fraction) -> list[NewTrack]:
    """Return those of some tracks that can be heard in a stretch of their film, in seconds."""
    return [track for track in sound if len(track.cut(start, stop))]


def _note_empty(
    path: Path,
    source: str | Path | None,
    tracks: Sequence[Track],
    stretch: tuple[Fraction, Fraction],
) -> list[str]:
    """Return a note for each sound track with nothing in a stretch, which MP4 cannot hold.

    Args:
        path: the finished file.
        tracks: those that it should have.
    """
    wanted = [track for track in tracks if track.kind == "audio"]
    with open_container(path) as container:
        if len(container.streams.audio) >= len(wanted) or source is None:
            return []
    return [
        f"{track} has nothing in this stretch and was left out"
        for track in wanted
        if track.file is None and _is_empty(Path(source), track.number, *stretch)
    ]


def _is_empty(source: Path, number: int, start: Fraction, stop: Fraction) -> bool:
    """Tell whether a sound track of a film has nothing in a stretch, in seconds."""
    with open_container(source) as container:
        zero = start_of(container)
        for packet in container.demux(container.streams.audio[number]):
            if packet.pts is not None and packet.time_base is not None:
                time = packet.pts * packet.time_base - zero
                if time < stop and time + (packet.duration or 0) * packet.time_base > start:
                    return False
    return True


def copy_with_sound(
    film: Path, path: Path, sound: Sequence[NewTrack], keep: bool = False
) -> list[str]:
    """Write a copy of a film with other sound; the picture and the rest are copied unchanged.

    Args:
        film: the film.
        path: the file to write.
        sound, keep: as in `join`.

    Returns:
        What could not be copied unchanged, in words.

    Raises:
        VideoWriteError: `path` is the film itself or has another ending, or cannot be written.
        VerificationError: the file was written, but differs from what it should be.
    """
    if ending(path) not in NEW:
        raise VideoWriteError(
            f"A film cannot be written to {path.name!r}. "
            "The file name must end in .mp4, .mov or .mkv."
        )
    with open_container(film) as container:
        if not container.streams.video:
            raise VideoWriteError(f"{film} has no picture. Choose a video file.")
        stream = pick_stream(container)
        video = [s.index for s in container.streams.video].index(stream.index)
        if container.format.name == "avi" and stream.codec_context.has_b_frames:
            raise VideoWriteError(
                f"{film} is an AVI without timestamps of its pictures, so they cannot be copied. "
                "Render the film instead (write_video, or the notebook 07_render)."
            )
    if os.path.exists(path) and path.samefile(film):
        raise VideoWriteError(f"{path} is the film itself. Choose another name for the result.")
    path = prepare_output(path)
    part = part_name(path)
    try:
        with even_film(film, path.parent) as even:
            # The film is both picture and source, so both count from its beginning.
            notes = join(even, Fraction(0), part, even, sound=sound, keep=keep, video=video)
        notes += _look_at_copy(film, video, part, sound, keep, notes)
        sync_file(part)
        part.replace(path)
    except VerificationError:
        raise  # the file is kept
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return notes


def _look_at_copy(
    film: Path,
    video: int,
    copy: Path,
    sound: Sequence[NewTrack],
    keep: bool,
    notes: Sequence[str],
) -> list[str]:
    """Compare a copy with its film, and return what was noticed, in words.

    The pictures must be the film's own, at their times, and turned as there.

    Raises:
        VerificationError: they are not, or the sound is not what it should be.
    """
    index = make_index(film, video, "auto")
    promise = Promise(
        times=index.times, end=index.end, film=index.times, stream=video, sound=tuple(sound),
        keep_sound=keep, notes=tuple(notes),
    )  # fmt: skip
    return list(require_right(copy, promise, film).notes)


def _choose_ffmpeg(picture: Path, video: int) -> str:
    """Return the ffmpeg that copies a picture: not an old one, if the picture is to be turned.

    Before version 7, ffmpeg loses the rotation in Matroska.
    """
    if orientation_of(picture, video).upright:
        return runtime().ffmpeg
    import imageio_ffmpeg

    return imageio_ffmpeg.get_ffmpeg_exe()


def _save_tracks(
    sound: Sequence[NewTrack], ends: tuple[Fraction, Fraction], folder: Path, path: Path
) -> list[Track]:
    """Write the wanted stretch of the new tracks into a folder."""
    made = []
    for number, new in enumerate(sound):
        file = folder / f"{number}.wav"
        part = new.cut(*ends)
        part.save(file)
        with open_container(file) as container:
            channels = container.streams.audio[0].channels
        late = max(part.start - ends[0], Fraction(0))
        codec = NEW[ending(path)]
        made.append(
            Track(
                "audio", new.track, codec, channels, codec, file=file, late=late, title="restored"
            )
        )
    return made


def _replace_tracks(tracks: list[Track], made: list[Track], keep: bool) -> list[Track]:
    """Replace sound tracks by the new ones; new tracks that replace none come first."""
    order: list[Track] = []
    for track in tracks:
        mine = [new for new in made if track.kind == "audio" and new.number == track.number]
        order += mine
        if not mine:
            order.append(track)
        elif keep:
            order.append(replace(track, title="original"))
    return [new for new in made if new not in order] + order


def _join_tracks(
    picture: Path,
    first: Fraction,
    begin: Fraction,
    path: Path,
    source: str | Path | None,
    tracks: list[Track],
    stretch: tuple[Fraction, Fraction | None],
    shape: Fraction | None,
    video: int,
) -> list[str]:
    """Run ffmpeg, and again with less if it fails, so that the film is never lost.

    Returns:
        What had to be re-encoded or left out after all, in words.
    """

    def run(wanted: list[Track], origin: str | Path | None = source) -> VideoWriteError | None:
        try:
            _run(picture, first - begin, path, origin, wanted, stretch, shape, video)
        except VideoWriteError as error:
            return error
        return None

    if run(tracks) is None:
        return []
    copied = [t for t in tracks if t.kind == "audio" and t.file is None and t.target == "copy"]
    encoded = [replace(t, target=NEW[ending(path)]) if t in copied else t for t in tracks]
    if copied and run(encoded) is None:
        return ["the sound could not be copied and was re-encoded"]
    kept: list[Track] = []
    if error := run(kept):
        if (again := run(kept, None)) is not None:
            raise again
        return [f"{ALONE} could be taken over from the film: {error}"]
    notes = []
    for track in tracks:
        if error := run([*kept, track]):
            notes.append(f"{track} was left out: {error}")
        else:
            kept.append(track)
    return notes


def _run(
    picture: Path,
    offset: Fraction,
    path: Path,
    source: str | Path | None,
    tracks: list[Track],
    stretch: tuple[Fraction, Fraction | None],
    shape: Fraction | None,
    video: int,
) -> None:
    """Run ffmpeg once; what it leaves unfinished is removed."""
    import ffmpeg

    inputs = [ffmpeg.input(f"file:{picture}", itsoffset=f"{float(offset):.6f}")[f"v:{video}"]]
    attached = [t for t in tracks if t.kind == "cover" and ending(path) == "mkv"]
    tracks = [track for track in tracks if track not in attached]
    options: dict[str, Any] = {"c:v:0": "copy", "f": _format(path), **codec_options(tracks, path)}
    if source is not None:
        begin, stop = stretch
        trim = {"ss" if begin > 0 else "itsoffset": f"{float(abs(begin)):.6f}"} if begin else {}
        if stop is not None:
            trim["to"] = f"{float(stop - min(begin, 0)):.6f}"
        whole = ffmpeg.input(f"file:{source}", **trim)
        options |= {"map_metadata": SOURCE, "map_chapters": SOURCE}
    for track in tracks:
        if track.file is not None:
            new = ffmpeg.input(f"file:{track.file}", itsoffset=f"{float(track.late):.6f}")
            inputs.append(new[f"{track.letter}:0"])
        else:
            inputs.append(whole[f"{track.letter}:{track.number}"])
    if ending(path) in ("mp4", "mov"):
        options |= {"movflags": "+faststart", **_mp4_track(picture, video)}
    elif shape is not None and not _keeps_shape(picture):
        options["aspect"] = f"{shape.numerator}:{shape.denominator}"
    graph = ffmpeg.output(*inputs, f"file:{path}", **options)
    command = graph.compile(cmd=[_choose_ffmpeg(picture, video), *QUIETLY])
    at = command.index(f"file:{path}")
    command[at:at] = attach(attached, sum(track.kind == "attachment" for track in tracks))
    if source is not None:
        reads = picture == Path(source) or any(track.file is None for track in tracks)
        used = usable_streams(Path(source)) if reads else []
        _insert_source(command, f"file:{source}", f"file:{path}", used)
    try:
        _write(command, path, count_packets(picture, video))
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _insert_source(command: list[str], source: str, made: str, used: Sequence[int]) -> None:
    """Replace SOURCE in a command, in place, by the number of the source among its inputs.

    Args:
        used: the numbers of the streams that decide what ffmpeg counts from.
    """
    files = [command[at + 1] for at, word in enumerate(command) if word == "-i"]
    if source not in files:
        # ffmpeg-python leaves out an input with no stream in use, but its metadata is needed.
        at = command.index("-map")
        command[at:at] = ["-i", source]
        files.append(source)
    # A film that gets other sound is opened twice, for its picture and for the rest.
    numbers = [number for number, file in enumerate(files) if file == source]
    command[:] = [str(numbers[-1]) if word == SOURCE else word for word in command]
    if used:
        # ffmpeg's zero is the first stream in use where clocks may jump (MPEG-TS), and the first of
        # all streams elsewhere. A second, empty output uses every stream, so that both are equal.
        at = command.index(made) + 1
        every = (f"{number}:{stream}" for number in numbers for stream in used)
        maps = [word for one in every for word in ("-map", one)]
        command[at:at] = [*maps, "-c", "copy", "-ignore_unknown", "-f", "null", "-"]


def _write(command: list[str], path: Path, packets: int) -> None:
    """Run a command that writes a file with so many packets of a picture, and count them.

    On a full disk ffmpeg may report success.

    Raises:
        VideoWriteError: ffmpeg reports an error.
        StorageError: the disk is full, or there are fewer packets than there should be.
    """
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    name = final_name(path)
    if done.returncode or not path.exists():
        reason = complaint(done.stderr) or f"exit code {done.returncode}"
        if os.strerror(errno.ENOSPC) in done.stderr:
            raise storage_error(name, path.parent, OSError(errno.ENOSPC, reason))
        raise VideoWriteError(f"ffmpeg could not write {name} ({reason})")
    found = count_packets(path)
    if found < packets:
        raise StorageError(
            f"{name} is incomplete: of {packets} frames, {found} are in the file that ffmpeg wrote "
            "without an error. Check that the disk is not full, then run it again."
        )


def _format(path: Path) -> str:
    return CONTAINERS[ending(path)]


def _mp4_track(picture: Path, video: int) -> dict[str, str]:
    """Return ffmpeg's options for the picture's track in an MP4 or MOV."""
    with open_container(picture) as container:
        stream = container.streams.video[video]
        # With this many units a second the picture's timestamps are whole numbers.
        options = {"video_track_timescale": str(stream.time_base.denominator)}  # type: ignore[union-attr]
        if stream.codec_context.codec.canonical_name == "hevc":
            options["tag:v:0"] = "hvc1"  # Apple's players need this tag for H.265
    return options


def _keeps_shape(picture: Path) -> bool:
    """Tell whether the encoded picture states its sample aspect ratio; FFV1 does not."""
    with open_container(picture) as container:
        return bool(container.streams.video[0].sample_aspect_ratio)
