"""Make the sample clips, and the undamaged originals that they were made from.

``python sample_clips/make.py`` writes the two small, damaged clips beside this file, and of each
shot of the film one frame as a person might have coloured it.
``python sample_clips/make.py --truth FOLDER`` writes what they looked like before.

Tests and benchmarks import the originals instead: :func:`truth_talk` and :func:`truth_film`.
Frame k of the talk clip shows truth frame 3k; frames 2j and 2j+1 of the film clip both show
truth frame 2j, moved by :func:`gate_weave`. All randomness comes from ``SEED``.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from skimage import data

log = logging.getLogger(__name__)

SEED = 1927
WIDTH, HEIGHT = 640, 480  # of the truth frames
TRUTH_FPS = 24
SAMPLE_RATE = 22050

TALK_SIZE = (160, 120)
TALK_STEP = 3  # one talk frame for every third truth frame: 8 a second
TALK_FRAMES = 40

FILM_SIZE = (320, 240)
FILM_FRAMES = 108  # stored frames; every second one is a new picture
FILM_CUT = 54  # the first frame of the second shot
FILM_COLOURED = (24, 78)  # stored frames that are given in colour, one of each shot
SUGAR_TIME = 0.9  # seconds into the second shot at which the sugar meets the coffee

SENTENCE = (
    "You can make a silk purse out of a sow's ear, "
    "if your model has spent its life looking at silk purses."
)
SPEECH_START = 0.1  # seconds of silence before the first word
SPEECH_SNR_DB = 12.0
# How far the mouth is open in each truth frame, 0 to 9. Written down once from the loudness of
# the sentence, so that the picture stays the same whichever espeak-ng speaks.
MOUTH = (
    "000252154326402711985511136513952626116852368753430029126744"
    "972673182111586514901136841259126525311159541101455314521000"
)
ROUNDED = (0.18, 1.1, 1.4, 2.45, 3.9, 4.4)  # seconds at which the lips are rounded
BLINKS = (0.9, 2.3, 4.05)  # seconds at which the speaker blinks

GREY = np.array((0.299, 0.587, 0.114), dtype=np.float32)  # what of R, G, B makes grey

Grid = tuple[np.ndarray, np.ndarray]


class Truth(NamedTuple):
    """An undamaged original: what a perfect restoration would give back."""

    frames: list[np.ndarray]
    """(480, 640, 3) uint8 RGB pictures; frame n is shown at exactly n / fps seconds."""
    fps: int
    """Frames a second."""
    speech: np.ndarray | None
    """(samples,) float32 mono sound in -1..1, or None where there is no sound."""
    sample_rate: int
    """Sound samples a second."""


# ------------------------------------------------------------------ small tools


def _smoothstep(start: float, stop: float, value: np.ndarray) -> np.ndarray:
    """Ramp smoothly from 0 at ``start`` to 1 at ``stop`` (``start`` may be the larger)."""
    ramp = np.clip((value - start) / (stop - start), 0.0, 1.0)
    return ramp * ramp * (3.0 - 2.0 * ramp)


def _bump(x: np.ndarray, y: np.ndarray, centre: tuple[float, float], size: float) -> np.ndarray:
    """Return a round hill of height 1 around ``centre``; ``size`` is its radius in pixels."""
    return np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / size**2)


def _ellipse_distance(
    grid: Grid, centre: tuple[float, float], radii: tuple[float, float]
) -> np.ndarray:
    """Measure from an ellipse's centre in units of its radii: below 1 is inside."""
    return np.hypot((grid[0] - centre[0]) / radii[0], (grid[1] - centre[1]) / radii[1])


@cache
def _photo(name: str) -> np.ndarray:
    """Load one of scikit-image's own pictures as (H, W, 3) float32 RGB, 0..255."""
    return getattr(data, name)().astype(np.float32)


def _pixel_grid(picture: np.ndarray) -> Grid:
    """Return the x and y position of every pixel of a picture, each (H, W) float32."""
    y, x = np.indices(picture.shape[:2], dtype=np.float32)
    return x, y


def _camera(centre: tuple[float, float], view_width: float, degrees: float = 0.0) -> Grid:
    """Say which point of the scene each truth pixel looks at.

    Args:
        centre: scene position (source-picture pixels) in the middle of the frame.
        view_width: how many source-picture pixels the frame is wide.
        degrees: camera roll.

    Returns:
        Scene x and y, each (480, 640) float32.
    """
    y, x = np.indices((HEIGHT, WIDTH), dtype=np.float32)
    scale = view_width / WIDTH
    x, y = (x + 0.5 - WIDTH / 2) * scale, (y + 0.5 - HEIGHT / 2) * scale
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    # The half pixel turns positions back into remap's pixel numbers.
    return cos * x - sin * y + centre[0] - 0.5, sin * x + cos * y + centre[1] - 0.5


def _sample(picture: np.ndarray, grid: Grid) -> np.ndarray:
    """Read a picture at sub-pixel positions (Lanczos; mirrored beyond its edges)."""
    x, y = (np.ascontiguousarray(axis, dtype=np.float32) for axis in grid)
    return cv2.remap(picture, x, y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101)


def _sample_mask(mask: np.ndarray, grid: Grid) -> np.ndarray:
    """Read a 0..1 mask at sub-pixel positions (linear, so that it cannot ring; 0 outside)."""
    x, y = (np.ascontiguousarray(axis, dtype=np.float32) for axis in grid)
    return cv2.remap(mask, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _over(below: np.ndarray, above: np.ndarray | tuple, alpha: np.ndarray) -> np.ndarray:
    """Lay one picture (or one colour) over another through an (H, W) mask in 0..1."""
    return below + (np.asarray(above, dtype=np.float32) - below) * alpha[..., None]


def _to_uint8(picture: np.ndarray) -> np.ndarray:
    """Round and clip a float picture in 0..255 to uint8."""
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


# ------------------------------------------------------------------ the talk


@cache
def _head_matte() -> np.ndarray:
    """Cut the speaker's head out of the photograph, as an (H, W) float32 mask in 0..1.

    The wall is light and grey; hair and skin are darker or much redder than blue.
    """
    photo = _photo("astronaut")
    grid = _pixel_grid(photo)
    matte = np.maximum(
        _smoothstep(22, 36, photo[..., 0] - photo[..., 2]),
        _smoothstep(140, 110, photo.mean(axis=2)),
    )
    face = _ellipse_distance(grid, (223, 110), (42, 70))
    matte = np.maximum(matte, _smoothstep(1.0, 0.9, face))
    matte *= _smoothstep(1.3, 1.2, _ellipse_distance(grid, (226, 95), (78, 88)))
    return cv2.GaussianBlur(matte.astype(np.float32), (0, 0), 0.7)


def _lip_line(x: np.ndarray) -> np.ndarray:
    """Return the height of the lower lip's upper edge in the photograph, in pixels."""
    return 150.0 - 0.021 * (x - 224.0) ** 2


@cache
def _open_mouthed() -> np.ndarray:
    """Paint the dark of the mouth where the photograph has the lower lip."""
    photo = _photo("astronaut")
    x, y = _pixel_grid(photo)
    below = y - _lip_line(x)
    depth = 15.0 * np.clip(1.0 - ((x - 224.0) / 21.0) ** 2, 0.0, 1.0)
    mask = _smoothstep(-1.0, 1.0, below) * _smoothstep(-1.0, 0.5, depth - below)
    return _over(photo, (58, 20, 18), mask * (depth > 0.5))


def _mouth_shape(time: float) -> tuple[float, float]:
    """Return how far the mouth is open and how far the lips are rounded, each 0..1."""
    levels = np.array([int(digit) for digit in MOUTH], dtype=float)
    levels = np.convolve(np.pad(levels, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid") / 9.0
    opened = float(np.interp(time * TRUTH_FPS, np.arange(len(levels)), levels))
    rounded = max(float(np.exp(-(((time - moment) / 0.09) ** 2))) for moment in ROUNDED)
    return opened, rounded


def _move_head(scene: Grid, time: float) -> Grid:
    """Follow each scene point back to the photograph while the head sways and nods.

    The head turns about the neck as one piece; collar and wall stretch a little around it.
    """
    x, y = scene
    pivot_x, pivot_y = 228.0, 185.0
    angle = np.radians(2.6 * np.sin(2.3 * time) + 1.0 * np.sin(5.9 * time + 1.0))
    nod = 1.0 + 0.02 * np.sin(4.1 * time) + 0.012 * np.sin(9.7 * time + 0.5)
    shift_x = 3.0 * np.sin(1.7 * time + 0.4)
    cos, sin = np.cos(angle), np.sin(angle)
    from_x, from_y = x - pivot_x - shift_x, (y - pivot_y) / nod
    turned_x = cos * from_x + sin * from_y + pivot_x
    turned_y = -sin * from_x + cos * from_y + pivot_y
    near = _smoothstep(1.6, 1.02, _ellipse_distance(scene, (226, 95), (80, 90)))
    near = near * _smoothstep(200, 160, y)
    return x + near * (turned_x - x), y + near * (turned_y - y)


def _move_face(head: Grid, time: float) -> Grid:
    """Purse the lips and let the flag beside the speaker wave."""
    x, y = head
    _, rounded = _mouth_shape(time)
    lips = _bump(x, y, (224, 148), 26)
    flag = _smoothstep(105, 55, x) * np.sin(2 * np.pi * (0.9 * time - y / 110.0))
    new_x = x + 0.3 * rounded * lips * (x - 224.0) + 4.0 * flag
    return new_x, y + 2.0 * flag


def _blink(frame: np.ndarray, face: Grid, time: float) -> np.ndarray:
    """Draw the speaker's lids over the eyes, with skin borrowed from just below them."""
    x, y = face
    closed = max(float(np.exp(-(((time - moment) / 0.08) ** 2))) for moment in BLINKS)
    for eye_x, eye_y in ((203.0, 101.5), (246.0, 103.5)):
        inside = _smoothstep(1.15, 0.75, _ellipse_distance(face, (eye_x, eye_y), (15.0, 8.0)))
        edge = eye_y - 9.0 + 13.0 * closed - 0.012 * (x - eye_x) ** 2
        lash = 0.55 * np.exp(-(((y - edge) / 1.1) ** 2)) * (np.abs(x - eye_x) < 10)
        skin = _sample(_photo("astronaut"), (x, y + 14.0)) * (0.95 - lash[..., None])
        frame = _over(frame, skin, inside * _smoothstep(1.2, 0.4, y - edge))
    return frame


def _balloon(scene: Grid, time: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw the balloon that drifts behind the speaker.

    Returns:
        Its colours, (480, 640, 3) float32 0..255, and its mask, (480, 640) float32 0..1.
    """
    x, y = scene
    centre_x = 62.0 + 74.0 * time
    centre_y = 88.0 - 7.0 * time + 9.0 * np.sin(2.1 * time)
    pixel = float(x[0, 1] - x[0, 0])  # edges are as soft as one pixel is wide
    radius = _ellipse_distance(scene, (centre_x, centre_y), (19.0, 23.0))
    mask = _smoothstep(1.0 + pixel / 20, 1.0 - pixel / 20, radius)
    knot = (np.abs(x - centre_x) < (y - centre_y - 21.0) * 0.7) & (y < centre_y + 27.0)
    string = np.abs(x - centre_x - 2.0 * np.sin((y - centre_y) / 6.0 - 3.0 * time))
    string = _smoothstep(0.5 + pixel, 0.5, string) * ((y > centre_y + 22) & (y < centre_y + 52))
    shade = 1.05 - 0.5 * _ellipse_distance(scene, (centre_x - 7, centre_y - 9), (42.0, 48.0))
    shine = _bump(x, y, (centre_x - 7, centre_y - 10), 4.5)
    colour = np.array((62.0, 96.0, 196.0), dtype=np.float32) * shade[..., None]
    colour = _over(colour, (245, 245, 250), 0.8 * shine)
    return colour, np.maximum(np.maximum(mask, knot), 0.7 * string).astype(np.float32)


def _talk_frame(time: float) -> np.ndarray:
    """Render the talk at one time, as (480, 640, 3) uint8 RGB."""
    scene = _camera(
        (236.0 + 2.5 * np.sin(0.8 * time), 166.0 + 1.2 * np.sin(1.3 * time)),
        425.0 - 5.0 * time,
        0.4 * np.sin(0.9 * time),
    )
    head = _move_head(scene, time)
    x, y = face = _move_face(head, time)
    opened, _ = _mouth_shape(time)
    # The jaw swings most at the chin's middle and not at all at the ears and the neck.
    reach = 24.0 + np.clip(y - 142.0, 0.0, 35.0) * 0.6
    swing = np.cos(np.clip(np.abs(x - 224.0) / reach, 0, 1) * np.pi / 2) ** 2
    swing = swing * _smoothstep(197, 166, y)
    jaw = x, y - (-5.0 + 14.0 * opened) * swing
    frame = _sample(_open_mouthed(), face)
    jaw_mask = _smoothstep(-0.8, 0.8, jaw[1] - _lip_line(x)) * (np.abs(x - 224.0) < 45)
    frame = _over(frame, _sample(_photo("astronaut"), jaw), jaw_mask * (y < 200))
    frame = _blink(frame, face, time)
    colour, mask = _balloon(scene, time)
    return _to_uint8(_over(frame, colour, mask * (1.0 - _sample_mask(_head_matte(), head))))


def truth_talk(with_speech: bool = True) -> Truth:
    """Render the talk as it was before it was spoiled: 5 s at 640x480 and 24 frames a second.

    Args:
        with_speech: also have espeak-ng speak the sentence; without it, ``speech`` is None.

    Returns:
        120 frames, frame n at exactly n/24 s, and 110250 sound samples at 22050 Hz.
    """
    speech = clean_speech() if with_speech else None  # first, as it may fail
    frames = [_talk_frame(n / TRUTH_FPS) for n in range(TALK_FRAMES * TALK_STEP)]
    return Truth(frames, TRUTH_FPS, speech, SAMPLE_RATE)


# ------------------------------------------------------------------ the film


@cache
def _cup_matte() -> np.ndarray:
    """Cut cup, saucer and spoon out of the photograph, as an (H, W) float32 mask in 0..1."""
    outline = [(180, 70), (145, 85), (112, 112), (90, 155), (79, 200), (78, 230), (83, 270)]
    outline += [(100, 310), (135, 345), (175, 367), (225, 384), (280, 389), (330, 384)]
    outline += [(380, 367), (425, 342), (457, 305), (475, 265), (481, 225), (470, 180)]
    outline += [(450, 145), (425, 113), (418, 105), (424, 75), (415, 67), (400, 70)]
    scale = 4  # drawn large and shrunk, for a soft edge
    height, width = _photo("coffee").shape[:2]
    mask = np.zeros((height * scale, width * scale), np.uint8)
    cv2.fillPoly(mask, [np.array(outline) * scale], 255)
    rim = ((289.5 * scale, 113 * scale), (235 * scale, 190 * scale), 0)
    cv2.ellipse(mask, rim, 255, -1)
    small = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small.astype(np.float32) / 255.0, (0, 0), 1.0)


def _cat_eyes(frame: np.ndarray, head: Grid, closed: float) -> np.ndarray:
    """Draw the cat's lids over its eyes; ``closed`` runs from 0 (open) to 1."""
    x, y = head
    for (eye_x, eye_y), radii in (((170, 116), (35, 31)), ((319, 137), (25, 28))):
        inside = _smoothstep(1.32, 1.02, _ellipse_distance(head, (eye_x, eye_y), radii))
        # Far from the nose's side the lid hangs lower, as an arch would.
        edge = eye_y - radii[1] * 1.5 + 2.75 * radii[1] * closed
        edge = edge - 0.2 * radii[1] * (1 - ((x - eye_x) / radii[0]) ** 2)
        fur = _sample(_photo("chelsea"), (x, y - 62.0))
        line = np.exp(-(((y - edge) / 3.0) ** 2)) * (np.abs(x - eye_x) < radii[0])  # its rim
        frame = _over(frame, fur * (1 - 0.7 * line[..., None]), inside * (y < edge + 1))
    return frame


def _cat_frame(time: float) -> np.ndarray:
    """Render the first shot: a cat, and a cup that slides in before it."""
    scene = _camera((202.0 + 24.0 * time, 148.0 + 3.0 * np.sin(1.5 * time)), 375.0 - 14.0 * time)
    x, y = scene
    near = _bump(x, y, (240, 150), 130)
    turn = np.sin(1.9 * time - 0.6)
    head = x - 9.0 * turn * near, y - 5.0 * np.sin(2.6 * time) * near
    frame = _sample(_photo("chelsea"), head)
    closed = float(np.exp(-(((time - 0.75) / 0.11) ** 4)))
    frame = _cat_eyes(frame, head, closed)
    slide = float(_smoothstep(0.0, 2.1, np.array(time)))
    cup_x, cup_y, size = 520.0 - 190.0 * slide, 262.0 - 12.0 * slide, 0.46
    tilt = np.radians(6.0 * np.sin(3.0 * time))
    from_x, from_y = (x - cup_x) / size, (y - cup_y) / size
    cup = (
        np.cos(tilt) * from_x + np.sin(tilt) * from_y + 280.0,
        -np.sin(tilt) * from_x + np.cos(tilt) * from_y + 225.0,
    )
    shadow = _smoothstep(1.25, 0.85, _ellipse_distance(scene, (cup_x - 6, cup_y + 10), (98, 80)))
    frame = frame * (1.0 - 0.5 * shadow[..., None])
    return _to_uint8(_over(frame, _sample(_photo("coffee"), cup), _sample_mask(_cup_matte(), cup)))


def _sugar(frame: np.ndarray, scene: Grid, time: float) -> np.ndarray:
    """Draw the lump of sugar that falls, turning, into the coffee."""
    x, y = scene
    fallen = time - SUGAR_TIME
    centre_x, centre_y = 287.0 + 8.0 * fallen, 150.0 + 130.0 * fallen + 90.0 * min(fallen, 0) ** 3
    turn = 2.5 * fallen
    side = np.cos(turn) * (x - centre_x) + np.sin(turn) * (y - centre_y)
    rise = -np.sin(turn) * (x - centre_x) + np.cos(turn) * (y - centre_y)
    lump = _smoothstep(12.6, 11.8, np.maximum(np.abs(side), np.abs(rise)))
    light = 232.0 + 12.0 * np.sin(side * 1.7) * np.sin(rise * 1.9) - 1.8 * side
    colour = light[..., None] * np.array((1.0, 0.98, 0.92), dtype=np.float32)
    return _over(frame, colour, lump * (y < 152.0))  # the surface swallows it


def _coffee_frame(time: float) -> np.ndarray:
    """Render the second shot: the cup from near by, and sugar that falls into it."""
    scene = _camera((286.0 - 14.0 * time, 196.0 - 12.0 * time), 470.0 - 34.0 * time, 5.0 * time - 4)
    x, y = scene
    radius = _ellipse_distance(scene, (287.0, 148.0), (80.0, 50.0))
    since = max(time - SUGAR_TIME, 0.0)
    front = _smoothstep(2.2 * since, 1.6 * since, radius) if since > 0 else np.zeros_like(radius)
    ripple = np.sin(26.0 * radius - 24.0 * since) * front * np.exp(-1.4 * since)
    ripple = ripple * _smoothstep(0.95, 0.7, radius)
    frame = _sample(_photo("coffee"), (x + 1.5 * ripple, y + 4.0 * ripple))
    frame = frame * (1.0 + 0.15 * ripple[..., None])  # crests catch the light
    return _to_uint8(_sugar(frame, scene, time))


def truth_film() -> Truth:
    """Render the film as it was before it was spoiled: 4.5 s at 640x480, in colour.

    Returns:
        108 frames, frame n at exactly n/24 s, all of them different; a cut before frame 54;
        no sound.
    """
    first = [_cat_frame(n / TRUTH_FPS) for n in range(FILM_CUT)]
    second = [_coffee_frame(n / TRUTH_FPS) for n in range(FILM_FRAMES - FILM_CUT)]
    return Truth(first + second, TRUTH_FPS, None, SAMPLE_RATE)


# ------------------------------------------------------------------ the sound


def clean_speech() -> np.ndarray:
    """Have espeak-ng speak the sentence.

    Returns:
        (110250,) float32 mono samples in -1..1: 5 s at 22050 Hz.

    Raises:
        RuntimeError: if espeak-ng is missing, or speaks too slowly for the clip.
    """
    espeak = shutil.which("espeak-ng")
    if espeak is None:
        raise RuntimeError("The talk's speech needs espeak-ng: install it (apt install espeak-ng).")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = [espeak, "-v", "en-us+f3", "-s", "195", "-w", str(path), SENTENCE]
        subprocess.run(command, check=True)
        with wave.open(str(path)) as file:
            rate = file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32768.0
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    samples = samples[loud[0] : loud[-1] + 1]
    start = round(SPEECH_START * SAMPLE_RATE)
    total = SAMPLE_RATE * TALK_FRAMES * TALK_STEP // TRUTH_FPS
    if rate != SAMPLE_RATE or start + len(samples) > total:
        raise RuntimeError("This espeak-ng speaks the sentence too slowly for the clip.")
    speech = np.zeros(total, np.float32)
    speech[start : start + len(samples)] = 0.5 * samples / np.abs(samples).max()
    return speech


def noisy_speech(speech: np.ndarray) -> np.ndarray:
    """Add hiss and a little mains hum, ``SPEECH_SNR_DB`` below the speech all together.

    Args:
        speech: (samples,) float32 in -1..1 at 22050 Hz.

    Returns:
        The same shape, dtype and loudness of speech, with noise added.
    """
    rng = np.random.default_rng([SEED, 1])
    white = rng.standard_normal(len(speech) + 1)
    hiss = white[1:] - 0.4 * white[:-1]  # tape hiss leans to the high notes
    seconds = np.arange(len(speech)) / SAMPLE_RATE
    hum = np.sin(2 * np.pi * 50 * seconds) + 0.4 * np.sin(2 * np.pi * 150 * seconds + 1.0)
    noise = hiss / hiss.std() + 0.35 * hum / hum.std()
    noise *= speech.std() / noise.std() * 10 ** (-SPEECH_SNR_DB / 20)
    return np.clip(speech + noise, -1.0, 1.0).astype(np.float32)


# ------------------------------------------------------------------ the damage


def damage_talk(frames: list[np.ndarray]) -> list[np.ndarray]:
    """Shrink every third truth frame to 160x120 and add the noise of a cheap camera.

    Args:
        frames: (480, 640, 3) uint8 RGB truth frames.

    Returns:
        (120, 160, 3) uint8 RGB frames, not yet encoded; the encoder adds the blocks.
    """
    rng = np.random.default_rng([SEED, 2])
    spoiled = []
    for frame in frames[::TALK_STEP]:
        small = cv2.resize(frame, TALK_SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
        grey_noise = rng.normal(0.0, 3.0, small.shape[:2])[..., None]
        spoiled.append(_to_uint8(small + grey_noise + rng.normal(0.0, 2.0, small.shape)))
    return spoiled


def gate_weave() -> np.ndarray:
    """Return how far each stored film frame is moved in the gate.

    Returns:
        (108, 2) float32: dx, dy in pixels of the 320x240 clip, right and down positive.
    """
    rng = np.random.default_rng([SEED, 3])
    weave = np.zeros((FILM_FRAMES, 2), np.float32)
    drift = np.zeros(2)
    for number in range(FILM_FRAMES):
        drift = 0.75 * drift + rng.normal(0.0, 0.35, 2)
        weave[number] = drift + rng.normal(0.0, 0.1, 2)
    return np.clip(weave, -1.5, 1.5)


def _flicker(count: int) -> np.ndarray:
    """Return the brightness of each stored frame, (count,) around 1."""
    rng = np.random.default_rng([SEED, 4])
    steps = rng.normal(0.0, 1.0, count + 4)
    return 1.0 + 0.055 * np.convolve(steps, [0.5, 0.8, 0.3, 0.1, 0.1], mode="valid")


def _grain(rng: np.random.Generator) -> np.ndarray:
    """Return film grain for one stored frame, (240, 320) float32 with deviation 1."""
    noise = rng.standard_normal((FILM_SIZE[1], FILM_SIZE[0])).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 0.7)
    return noise / noise.std()


def _dust(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Scatter specks over one stored frame.

    Returns:
        Masks of the black and of the white specks, each (240, 320) float32 0..1.
    """
    scale = 4
    masks = []
    for mean_count in (2.2, 1.2):
        mask = np.zeros((FILM_SIZE[1] * scale, FILM_SIZE[0] * scale), np.uint8)
        for _ in range(rng.poisson(mean_count)):
            centre = rng.uniform((0, 0), np.array(FILM_SIZE) * scale)
            size = scale * min(rng.lognormal(0.2, 0.6), 5.0)
            turns = np.sort(rng.uniform(0, 2 * np.pi, 9))
            reach = size * rng.uniform(0.4, 1.3, 9)
            points = centre + reach[:, None] * np.stack((np.cos(turns), np.sin(turns)), axis=1)
            cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 255)
        small = cv2.resize(mask, FILM_SIZE, interpolation=cv2.INTER_AREA)
        masks.append(small.astype(np.float32) / 255.0)
    return masks[0], masks[1]


def _hair(rng: np.random.Generator) -> np.ndarray:
    """Draw one curled hair, as a (240, 320) float32 mask in 0..1."""
    scale = 4
    mask = np.zeros((FILM_SIZE[1] * scale, FILM_SIZE[0] * scale), np.uint8)
    start = rng.uniform((20, 20), (300, 220))
    bends = np.cumsum(rng.normal(0.0, 0.012, 60)) + rng.normal(0.0, 0.03)
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(bends)
    steps = np.stack((np.cos(heading), np.sin(heading)), axis=1) * rng.uniform(0.5, 1.1)
    points = (start + np.cumsum(steps, axis=0)) * scale
    cv2.polylines(mask, [np.rint(points).astype(np.int32)], False, 255, scale)
    small = cv2.resize(mask, FILM_SIZE, interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255.0


def _hairs(rng: np.random.Generator, number: int, stuck: np.ndarray) -> np.ndarray:
    """Return the hairs of one stored frame: passing ones, and one caught in the gate."""
    mask = _hair(rng) if rng.random() < 0.2 else np.zeros_like(stuck)
    if 30 <= number < 48:
        tremble = np.array([[1, 0, rng.normal(0, 0.4)], [0, 1, rng.normal(0, 0.4)]])
        mask = np.maximum(mask, cv2.warpAffine(stuck, tremble, FILM_SIZE))
    return mask


def _scratch(rng: np.random.Generator, number: int) -> np.ndarray:
    """Return the light vertical scratch of one stored frame, (240, 320) float32 0..1."""
    x = np.arange(FILM_SIZE[0], dtype=np.float32)[None, :]
    y = np.arange(FILM_SIZE[1], dtype=np.float32)[:, None]
    middle = 214.0 + 5.0 * np.sin(number / 17.0) + 0.6 * np.sin(y / 60.0 + number)
    middle = middle + rng.normal(0.0, 0.25)
    depth = 0.55 + 0.25 * np.sin(y / 35.0 + 2.1 * number) + rng.normal(0.0, 0.08)
    return np.exp(-(((x - middle) / 0.75) ** 2)) * np.clip(depth, 0.0, 1.0)


def _in_gate(frame: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Shrink a truth frame to (240, 320, 3) float32 RGB, moved by dx, dy of the small pixels."""
    ratio = WIDTH / FILM_SIZE[0]
    move = np.array([[1, 0, shift[0] * ratio], [0, 1, shift[1] * ratio]], dtype=np.float64)
    moved = cv2.warpAffine(
        frame, move, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return cv2.resize(moved, FILM_SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)


def _worn_print(frame: np.ndarray, shift: np.ndarray, gain: float) -> np.ndarray:
    """Turn a truth frame into the faded grey picture that stands in the gate.

    Args:
        frame: (480, 640, 3) uint8 RGB.
        shift: dx, dy in pixels of the small picture.
        gain: brightness of this frame, around 1.

    Returns:
        (240, 320) float32 grey, about 0..255.
    """
    grey = _in_gate(frame, shift) @ GREY
    x, y = _pixel_grid(grey)
    middle = _ellipse_distance((x, y), (160.0, 120.0), (320.0, 260.0))
    return (24.0 + 0.86 * grey) * gain * (1.04 - 0.5 * middle**2)


def damage_film(frames: list[np.ndarray]) -> list[np.ndarray]:
    """Store every second truth frame twice, as a worn black-and-white print.

    Grain, specks, hairs, scratch, flicker and weave are drawn anew for each stored frame, so
    that the two copies differ although nothing in the picture has moved.

    Args:
        frames: (480, 640, 3) uint8 RGB truth frames.

    Returns:
        (240, 320, 3) uint8 frames with equal channels, as many as came in.
    """
    rng = np.random.default_rng([SEED, 5])
    weave, gains, stuck = gate_weave(), _flicker(len(frames)), _hair(rng)
    spoiled = []
    for number in range(len(frames)):
        grey = _worn_print(frames[number - number % 2], weave[number], gains[number])
        grey += 6.5 * _grain(rng) * (0.5 + np.clip(grey * (255 - grey), 0, None) / 127.5**2 / 2)
        grey += _scratch(rng, number) * (225.0 - grey)
        black, white = _dust(rng)
        grey += np.maximum(black, 0.8 * _hairs(rng, number, stuck)) * (18.0 - grey)
        grey += white * (238.0 - grey)
        spoiled.append(np.repeat(_to_uint8(grey)[..., None], 3, axis=2))
    return spoiled


def coloured_film(frames: list[np.ndarray], spoiled: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Colour the frames FILM_COLOURED of the damaged film, as if by hand: their own grey stays.

    Args:
        frames: the (480, 640, 3) uint8 RGB truth frames.
        spoiled: what `damage_film` made of them.

    Returns:
        (240, 320, 3) uint8 RGB pictures by file name: the second at which the frame is shown.
    """
    weave, coloured = gate_weave(), {}
    for number in FILM_COLOURED:
        truth = _in_gate(frames[number - number % 2], weave[number])
        colour = cv2.GaussianBlur(truth - (truth @ GREY)[..., None], (0, 0), 1.0)
        name = f"{number / TRUTH_FPS:.3f}s.png"
        coloured[name] = _to_uint8(spoiled[number] + colour)
    return coloured


# ------------------------------------------------------------------ the files


def _encode_video(
    container: av.container.OutputContainer,
    stream: av.VideoStream,
    frames: Iterable[np.ndarray],
) -> None:
    """Encode RGB frames, frame k at exactly k ticks of the stream's codec time base."""
    to_yuv = not stream.codec_context.pix_fmt.startswith("bgr")
    for number, rgb in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
        if to_yuv:
            frame = frame.reformat(
                format=stream.codec_context.pix_fmt,
                dst_colorspace=Colorspace.ITU601,
                dst_color_range=ColorRange.MPEG,
            )
            frame.color_primaries = ColorPrimaries.SMPTE170M
            frame.color_trc = ColorTrc.SMPTE170M
        else:
            frame = frame.reformat(format=stream.codec_context.pix_fmt)
        frame.pts, frame.time_base = number, stream.codec_context.time_base
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _encode_sound(
    container: av.container.OutputContainer, stream: av.AudioStream, samples: np.ndarray
) -> None:
    """Encode mono float samples in -1..1 at 22050 Hz."""
    if stream.codec_context.name == "flac":
        whole = np.rint(np.clip(samples, -1, 32767 / 32768) * 32768).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
    else:
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def write_clip(
    path: Path,
    frames: list[np.ndarray],
    fps: int,
    options: dict[str, str],
    sound: np.ndarray | None = None,
) -> None:
    """Write a damaged clip: H.264 (and AAC) in an mp4, tagged BT.601, limited range.

    Args:
        path: the file to write.
        frames: (H, W, 3) uint8 RGB; frame k is stored at exactly k / fps seconds.
        fps: frames a second.
        options: settings of libx264.
        sound: (samples,) float32 mono in -1..1 at 22050 Hz, or None for no sound.
    """
    flags = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=flags) as container:
        # No B frames: they would need an edit list, and some readers misread its times.
        x264 = {"bf": "0", "threads": "1", **options}
        video = container.add_stream("libx264", rate=fps, options=x264)
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = "yuv420p"
        context = video.codec_context
        context.time_base = Fraction(1, fps)
        context.color_primaries = ColorPrimaries.SMPTE170M
        context.color_trc = ColorTrc.SMPTE170M
        context.colorspace = Colorspace.SMPTE170M
        context.color_range = ColorRange.MPEG
        audio = None
        if sound is not None:
            # Noise substitution would put invented hiss in the place of the measured one.
            settings = {"aac_pns": "0"}
            audio = container.add_stream("aac", SAMPLE_RATE, settings, layout="mono")
            audio.bit_rate = 48_000
        _encode_video(container, video, frames)
        if audio is not None:
            _encode_sound(container, audio, sound)


def write_truth(path: Path, truth: Truth) -> None:
    """Write an original without loss: FFV1 in RGB (and FLAC) in an mkv.

    Matroska rounds times to the millisecond; frame n belongs at exactly n/24 s all the same.
    """
    with av.open(str(path), "w", format="matroska") as container:
        video = container.add_stream("ffv1", rate=truth.fps, options={"level": "3"})
        video.height, video.width = truth.frames[0].shape[:2]
        video.pix_fmt = "bgr0"
        video.codec_context.time_base = Fraction(1, truth.fps)
        audio = None
        if truth.speech is not None:
            audio = container.add_stream("flac", rate=truth.sample_rate, layout="mono")
        _encode_video(container, video, truth.frames)
        if audio is not None:
            _encode_sound(container, audio, truth.speech)


def write_clips(folder: Path) -> None:
    """Write both damaged clips into a folder."""
    talk = truth_talk()
    # Without its own smoothing filter H.264 shows its blocks, as older codecs did.
    blocky = {"profile": "baseline", "preset": "medium", "crf": "36", "g": "40"}
    blocky["x264-params"] = "no-deblock=1:aq-mode=0:no-psy=1"
    talk_frames = damage_talk(talk.frames)
    fps = TRUTH_FPS // TALK_STEP
    sound = noisy_speech(talk.speech)
    write_clip(folder / "talk_160x120_8fps.mp4", talk_frames, fps, blocky, sound)
    grainy = {"crf": "27", "preset": "slow", "tune": "grain", "g": "48"}
    truth = truth_film().frames
    film_frames = damage_film(truth)
    write_clip(folder / "film_24fps.mp4", film_frames, TRUTH_FPS, grainy)
    (folder / "film_coloured").mkdir(exist_ok=True)
    for name, picture in coloured_film(truth, film_frames).items():
        cv2.imwrite(str(folder / "film_coloured" / name), picture[..., ::-1])


def write_truths(folder: Path) -> None:
    """Write both undamaged originals into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    write_truth(folder / "talk_truth.mkv", truth_talk())
    write_truth(folder / "film_truth.mkv", truth_film())


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--truth", type=Path, metavar="FOLDER", help="write the undamaged originals there instead"
    )
    folder = parser.parse_args().truth
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if folder is None:
            write_clips(Path(__file__).parent)
        else:
            write_truths(folder)
    except RuntimeError as error:
        parser.exit(1, f"{error}\n")
    log.info("Wrote %s.", "the clips" if folder is None else f"the originals into {folder}")


if __name__ == "__main__":
    main()
