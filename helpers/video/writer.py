"""Write video: exact timestamps, correct colours and tags, and everything else of the source.

    written = write_video(clip, "restored.mp4", source="tape.mp4")
    written.notes                            # what had to be re-encoded or left out, in words

The picture is encoded (encoder.py), or joined of parts that are encoded already (splice.py); ffmpeg
adds sound, subtitles, chapters and metadata (mux.py). The file gets its name only when it is
complete, and was found to be right (helpers/verify).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from helpers.clip import Clip
from helpers.errors import VerificationError
from helpers.run import RunContext, Unwatched, Watch
from helpers.runtime.names import expand, part_name
from helpers.runtime.output import prepare_output
from helpers.runtime.storage import sync_file
from helpers.stage import prefetch
from helpers.verify.promise import Glimpses, Promise, film_of, steps_of, times_of
from helpers.verify.result import SECONDS, require_right
from helpers.verify.verdict import Verification
from helpers.video.carry import read_tracks
from helpers.video.codecs import check_target
from helpers.video.encoder import QUALITY, Encoder
from helpers.video.mux import FOREVER, NewTrack, cut_sound, join
from helpers.video.splice import Parts, UnlikePartsError, splice

log = logging.getLogger("helpers")


@dataclass(frozen=True)
class Written:
    """What `write_video` wrote.

    Attributes:
        notes: what could not be copied unchanged from the source, in words.
        checks: what was looked at in the file; None if that was not wanted.
    """

    path: Path
    frames: int
    seconds: Fraction
    bytes: int
    encoder: str
    notes: tuple[str, ...] = ()
    checks: Verification | None = None


def write_video(
    clip: Clip,
    path: str | Path,
    *,
    codec: str = "h264",
    quality: int = QUALITY,
    fps: Fraction | None = None,
    source: str | Path | None = None,
    start: Fraction | None = None,
    stop: Fraction | None = None,
    sound: Sequence[NewTrack] = (),
    keep_sound: bool = False,
    film: Clip | None = None,
    parts: Parts | None = None,
    check: bool = True,
    progress: bool = False,
    watch: Watch | None = None,
    quietly: bool = False,
) -> Written:
    """Write a clip to a video file, with the sound and everything else of its source.

    Args:
        codec: one of `codecs.CODECS`: "h264", "h265", "ffv1" (lossless RGB), "prores" ...
        quality: constant rate factor of H.264 and H.265: lower is better, 17 looks lossless.
        fps: write a constant frame rate by repeating and dropping frames; if not given, the exact
            timestamps are kept.
        source: the file whose sound tracks, subtitles, chapters and metadata are copied; it must
            have the same timeline as the clip.
        start, stop: the stretch of the source that the clip covers, in seconds; all of it if not
            given.
        sound: tracks that replace the source's own; see `audio.clean_audio`.
        keep_sound: keep the replaced tracks as well.
        film: the source as it was opened, if the clip itself does not lead to it.
        parts: the clip's frames, if they are encoded in this codec already; they are joined.
        check: look at the file before it gets its name; see `verify.result`.
        progress: show a progress bar.
        watch: is told how far the work is, and may stop it.
        quietly: do not log the notes.

    Raises:
        Stopped: the watch stopped the run; nothing is written.
        VideoWriteError: a file of this name cannot hold the codec, or ffmpeg reports an error.
        VerificationError: the file was written, but differs from what it should be.
    """
    from helpers.retime import ConstantRate

    path, begun = expand(path), time.perf_counter()
    check_target(path, codec)
    if fps is not None:
        clip = ConstantRate(fps=Fraction(fps))(clip)
    path = prepare_output(path)
    silent = part_name(path)
    if start is not None or stop is not None:
        sound = cut_sound(sound, start or Fraction(0), FOREVER if stop is None else stop)
    # What the file cannot hold is found out before hours are spent on the picture.
    carried = None if source is None else read_tracks(Path(source), path)
    whole = part_name(path)
    run = RunContext(progress=progress, watch=watch or Unwatched())
    encoder = Encoder(silent, clip, codec, quality, name=parts.encoder if parts else None)
    notes, checks = [*encoder.notes], None
    try:
        given, more = _make_picture(encoder, clip, None if fps else parts, run)
        notes += more
        shape = encoder.info.sar * encoder.width / encoder.height
        notes += join(
            silent, clip.times[0], whole, source, start, stop, shape, sound, keep_sound, carried
        )
        if check:
            promise = _make_promise(clip, encoder, given, source, film)
            promise = replace(
                promise, trimmed=start is not None or stop is not None, sound=sound,
                keep_sound=keep_sound, notes=tuple(notes),
            )  # fmt: skip
            seconds = max(SECONDS, SHARE * (time.perf_counter() - begun))
            checks = require_right(whole, promise, Path(source) if source else None, seconds)
            notes += checks.notes
        sync_file(whole)
        whole.replace(path)
    except VerificationError:
        raise  # the file is kept
    except BaseException:
        whole.unlink(missing_ok=True)
        raise
    finally:
        silent.unlink(missing_ok=True)
    for note in () if quietly else notes:
        log.warning("%s: %s", path.name, note)
    size = path.stat().st_size
    return Written(path, len(clip), clip.duration, size, encoder.name, tuple(notes), checks)


def _make_picture(
    encoder: Encoder, clip: Clip, parts: Parts | None, run: RunContext
) -> tuple[Glimpses | None, list[str]]:
    """Write a clip's pictures to a file without sound: of parts, or by encoding them.

    Returns:
        What the encoder was given, and notes.
    """
    notes = []
    if parts:
        try:
            for _ in run.bar(splice(parts, encoder.path, encoder.stamps), len(clip), "render"):
                pass
        except UnlikePartsError as error:
            notes = [f"the saved frames were encoded once more, because they differ: {error}"]
        else:
            return parts.given, []
    given = Glimpses(len(clip))
    with encoder, closing(prefetch(clip.frames(run=run))) as frames:
        for number, frame in enumerate(run.bar(frames, len(clip), "render")):
            encoder.write(frame)
            run.watch.frame(number, frame)
            given.add(number, encoder.fit(frame.image))
    return given, notes


def _make_promise(
    clip: Clip,
    encoder: Encoder,
    given: Glimpses | None,
    source: str | Path | None,
    film: Clip | None,
) -> Promise:
    """Return what a file that holds a clip must be."""
    origin = film_of(film or clip)
    path, opened = getattr(origin, "path", None), getattr(origin, "stream", None)
    known = source is not None and path is not None and Path(path).samefile(source)
    return Promise(
        times=clip.times,
        end=clip.end,
        steps=(*steps_of(clip), *(steps_of(film) if film else ())),
        pictures=known,
        size=(encoder.width, encoder.height),
        shape=encoder.info.sar * encoder.width / encoder.height,
        colour=encoder.colour,
        film=times_of(origin) if known else None,
        stream=opened if known else None,
        given=given,
    )


SHARE = 0.03
"""The part of a run's time that the look at its result may take."""
