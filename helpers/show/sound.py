"""Show sound in a notebook, and listen to it.

look_at(before, after)  # waveforms and spectrograms
listen(before, after)  # players side by side, and a switch between them at the same position
try_strengths("talk.mp4", "spectral")  # a slider from no cleaning to full strength

Each returns a `View`, which a notebook shows at the end of a cell or by `display`. The sounds are
inside the page; no server and no other script is needed.
"""

from __future__ import annotations

import base64
import html
import io
import tempfile
import uuid
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from helpers.audio import preview
from helpers.audio.methods import Noise
from helpers.audio.track import Sound, SoundError, encode
from helpers.project.report import sound_offset_ms
from helpers.show.picture import encode_jpeg, save_picture
from helpers.show.still import PICTURE_CAP
from helpers.show.view import View

SOUND_CAP = 600_000
"""Bytes of a sound in the page; a larger one is encoded at a lower bit rate."""

RATES = (192, 128, 80)
"""Bit rates of a sound in the page, in kilobits a second, tried until it is small enough."""

MP3 = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""The sample rates that MP3 supports."""

LONGEST = 30
"""The most seconds of a sound in the page."""

DEEPEST = 80
"""Decibels below full scale at which a spectrogram is black."""

COLUMNS = 1200
"""The most columns of a spectrogram, and points of a waveform."""

NOTICED = 5
"""Milliseconds. Nobody notices less; lips and sound may be 40 apart before people do."""

Labels = Sequence[str] | None


def show_offset(source: Path, result: Path, start: Fraction | None = None) -> View:
    """Say in a sentence whether the sound of a result is in step with the picture.

    Args:
        source, result, start: as in `project.report.sound_offset_ms`.
    """
    late = sound_offset_ms(source, result, start)
    if late is None:
        sentence = "The sound cannot be compared: one of the two is silent, or is another sound."
    elif abs(late) < NOTICED:
        sentence = f"The sound is in step with the picture, within {max(abs(late), 0.1):.1f} ms."
    else:
        way = "later" if late > 0 else "earlier"
        sentence = f"The sound is {abs(late):.0f} ms {way} than in the film."
    return View(sentence, ({"text/plain": sentence},))


def look_at(
    *sounds: Sound, labels: Labels = None, path: str | Path | None = None, width: int = 1280
) -> View:
    """Show the waveform and spectrogram of each sound, all on the same scales.

    Args:
        labels: the names of the sounds; "before" and "after" if not given.
        path: also write the picture there, as .png or .jpg.
        width: the width of the picture, in pixels.
    """
    names = _choose_names(sounds, labels)
    import matplotlib

    matplotlib.use("agg", force=False)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 100, 2.9 * len(sounds)), dpi=100, layout="constrained")
    axes = figure.subplots(2, len(sounds), squeeze=False, height_ratios=(1, 2))
    if len(sounds) == 1:
        figure.set_size_inches(width / 100, 4.2)
    loudest = max(float(np.abs(sound.samples).max(initial=0)) for sound in sounds) or 1.0
    highest = min(min(sound.rate for sound in sounds) / 2, 16_000)
    for column, (sound, name) in enumerate(zip(sounds, names, strict=True)):
        times = float(sound.start), float(max(sound.end, sound.start + 1))
        _draw_wave(axes[0, column], sound, times, loudest)
        axes[0, column].set_title(f"{name}: {sound}", fontsize=9)
        _draw_spectrogram(axes[1, column], sound, times, highest)
    sentence = f"Waveforms and spectrograms: {'; '.join(names)}"
    held = io.BytesIO()
    figure.savefig(held, format="png")
    from PIL import Image

    image = np.asarray(Image.open(held).convert("RGB"))
    if path is not None:
        save_picture(image, Path(path))
        sentence += f"; written to {path}"
    data = base64.b64encode(encode_jpeg(image, PICTURE_CAP)).decode()
    return View(sentence, ({"image/jpeg": data, "text/plain": sentence},))


def _draw_wave(axis, sound: Sound, times: tuple[float, float], loudest: float) -> None:  # noqa: ANN001
    """Draw the highest and the lowest sample of each moment."""
    mono = sound.samples.mean(0)
    step = max(len(mono) // COLUMNS, 1)
    rows = mono[: len(mono) // step * step].reshape(-1, step)
    at = np.linspace(*times, len(rows)) if len(rows) else np.zeros(0)
    axis.fill_between(at, rows.min(1), rows.max(1), linewidth=0.4, color="#2a6f97")
    axis.set(xlim=times, ylim=(-loudest, loudest), xticklabels=[])
    axis.tick_params(labelsize=8)


def _draw_spectrogram(axis, sound: Sound, times: tuple[float, float], highest: float) -> None:  # noqa: ANN001
    image = spectrogram(sound)
    top = sound.rate / 2 / 1000
    axis.imshow(
        image, origin="lower", aspect="auto", cmap="magma", vmin=-DEEPEST, vmax=0,
        extent=(*times, 0, top), interpolation="nearest",
    )  # fmt: skip
    axis.set(xlabel="seconds", ylabel="kHz", ylim=(0, highest / 1000))
    axis.tick_params(labelsize=8)


def spectrogram(sound: Sound) -> np.ndarray:
    """Return a sound's spectrogram, (F, T), in decibels relative to a full-scale tone."""
    mono = np.asarray(sound.samples.mean(0), np.float64)
    size = 1 << max(int(np.log2(max(sound.rate * 0.04, 16))), 4)
    mono = np.pad(mono, (size // 2, size))
    count = max(len(mono) - size, 1)
    starts = np.linspace(0, count, min(COLUMNS, max(count // (size // 4), 2))).astype(int)
    window = np.hanning(size)
    frames = np.stack([mono[start : start + size] for start in starts])
    power = np.abs(np.fft.rfft(frames * window, axis=1)) / (window.sum() / 2)
    return 20 * np.log10(power.T + 1e-9)


def listen(*sounds: Sound, labels: Labels = None, slider: bool = False, picked: int = 0) -> View:
    """Show a player for each sound, and one that switches between them at the same position.

    In that player all sounds run together and all but one are muted, so that switching is seamless.

    Args:
        labels: the names of the sounds.
        slider: choose with a slider instead of buttons; without a player for each sound.
        picked: the number of the sound that is heard first, from 0.
    """
    names = _choose_names(sounds, labels)
    data = [base64.b64encode(encode_mp3(sound)).decode() for sound in sounds]
    made = _make_switch(data, names, slider, picked)
    if not slider:
        made += _make_players(data, names)
    sentence = f"Sounds to listen to: {'; '.join(names)}"
    return View(sentence, ({"text/html": made, "text/plain": sentence},))


def try_strengths(
    source: str | Path | Sound,
    method: str = "spectral",
    *,
    values: Sequence[float] = (0, 0.25, 0.5, 0.75, 1),
    at: float | None = None,
    seconds: float = 6,
    track: int = 0,
    noise: Noise = None,
) -> View:
    """Clean a few seconds at several strengths, and choose between them with a slider.

    Args:
        values: the strengths, each 0..1.
        method, at, seconds, track, noise: as in `audio.preview`.
    """
    if not values:
        raise SoundError("No strengths were given. Give some from 0 to 1, such as (0, 0.5, 1).")
    stretch = {"at": at, "seconds": seconds, "track": track, "noise": noise, "quietly": True}
    made = [preview(source, method, strength=value, **stretch)[1] for value in values]
    labels = [f"{method}, strength {value:g}" if value else "untouched" for value in values]
    return listen(*made, labels=labels, slider=True, picked=len(values) // 2)


def _choose_names(sounds: Sequence[Sound], labels: Labels) -> list[str]:
    usual = ["before", "after"] if len(sounds) == 2 else [f"{n + 1}" for n in range(len(sounds))]
    names = list(labels) if labels is not None else usual
    if len(names) != len(sounds) or not sounds:
        raise SoundError(
            f"{len(names)} labels were given for {len(sounds)} sounds. Give at least one sound, "
            "and one label for each."
        )
    return names


def encode_mp3(sound: Sound) -> bytes:
    """Encode a sound as an MP3 of about SOUND_CAP bytes at most, in one or two channels."""
    part = sound.samples[:, : LONGEST * sound.rate]
    rate = str(max((rate for rate in MP3 if rate <= sound.rate), default=8000))
    channels = str(min(len(part), 2))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "sound.mp3")
        for kilobits in RATES:
            options = ["-ar", rate, "-ac", channels, "-c:a", "libmp3lame", "-b:a", f"{kilobits}k"]
            encode(part, sound.rate, [*options, str(file)])
            if file.stat().st_size <= SOUND_CAP:
                break
        return file.read_bytes()


STYLE = """<style>
.heard {font:13px sans-serif; max-width:720px; margin:6px 0; color:inherit}
.heard button {font:inherit; padding:4px 12px; margin-right:6px; cursor:pointer}
.heard button.on {outline:2px solid #2a6f97}
.heard input {width:100%; margin:6px 0}
.heard audio {width:320px}
.heard td {padding:2px 10px 2px 0; text-align:left}
</style>"""

PLAY = (
    "var d=this.closest('.heard'),a=[...d.querySelectorAll('audio')],n=+d.dataset.on;"
    "if(a[n].paused){var t=a[n].currentTime;a.forEach((x,i)=>{x.muted=i!=n;x.currentTime=t;"
    "x.play()});this.textContent='\\u23f8 pause'}"
    "else{a.forEach(x=>x.pause());this.textContent='\\u25b6 play'}"
)
"""The play button plays all sounds together; one of them is not muted."""

PICK = (
    "var d=this.closest('.heard'),a=[...d.querySelectorAll('audio')],n=+VALUE,"
    "t=a[+d.dataset.on].currentTime;d.dataset.on=n;"
    "a.forEach((x,i)=>{x.muted=i!=n;if(Math.abs(x.currentTime-t)>.03)x.currentTime=t});"
    "d.querySelectorAll('.pick').forEach((b,i)=>b.classList.toggle('on',i==n));"
    "d.querySelector('.name').textContent=a[n].title"
)
"""Choosing another sound unmutes it, at the position of the last one."""

SEEK = (
    "var d=this.closest('.heard');d.querySelectorAll('audio').forEach("
    "x=>{x.currentTime=this.value*(x.duration||0)})"
)

TICK = (
    "var d=this.closest('.heard'),n=+d.dataset.on;if(d.querySelectorAll('audio')[n]===this)"
    "d.querySelector('.seek').value=this.currentTime/(this.duration||1)"
)

ENDED = "this.closest('.heard').querySelector('.play').textContent='\\u25b6 play'"


def _make_switch(data: Sequence[str], names: Sequence[str], slider: bool, picked: int) -> str:
    """Return HTML that plays one of several sounds, and switches at the same position."""
    safe = [html.escape(name, quote=True) for name in names]
    sounds = "".join(
        f'<audio preload="auto" loop title="{name}" src="data:audio/mpeg;base64,{one}" '
        f'{"" if number == picked else "muted"} ontimeupdate="{TICK}" onended="{ENDED}" '
        'style="display:none"></audio>'
        for number, (one, name) in enumerate(zip(data, safe, strict=True))
    )
    if slider:
        pick = PICK.replace("VALUE", "this.value")
        chosen = (
            f'<input type="range" min="0" max="{len(data) - 1}" step="1" value="{picked}" '
            f'autocomplete="off" aria-label="strength" oninput="{pick}">'
        )
    else:
        chosen = "".join(
            f'<button class="pick {"on" if number == picked else ""}" '
            f'onclick="{PICK.replace("VALUE", str(number))}">{name}</button>'
            for number, name in enumerate(safe)
        )
    return (
        f'{STYLE}<div class="heard" id="heard-{uuid.uuid4().hex[:12]}" data-on="{picked}">'
        f'<button class="play" onclick="{PLAY}">\u25b6 play</button>'
        f'{"" if slider else chosen}<b class="name">{safe[picked]}</b>{chosen if slider else ""}'
        f'<input class="seek" type="range" min="0" max="1" step="any" value="0" '
        f'autocomplete="off" aria-label="position" oninput="{SEEK}">{sounds}</div>'
    )


def _make_players(data: Sequence[str], names: Sequence[str]) -> str:
    """Return HTML with a player for each sound, side by side."""
    cells = "".join(
        f"<td>{html.escape(name)}<br>"
        f'<audio controls preload="metadata" src="data:audio/mpeg;base64,{one}"></audio></td>'
        for one, name in zip(data, names, strict=True)
    )
    return f'<div class="heard"><table><tr>{cells}</tr></table></div>'
