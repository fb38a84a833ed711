"""Run DeepFilterNet 3: its three ONNX networks on onnxruntime.

The networks give gains for 32 bands on the ERB scale and, below 4.8 kHz, a short complex filter
over five spectra for each bin. The rest (windows, bands, features, the filter itself) is here, in
numpy.

Source: H. Schroeter et al., "DeepFilterNet: Perceptually motivated real-time speech enhancement",
Interspeech 2023, arXiv:2305.08227; the numbers and the order of steps are those of its authors'
program (github.com/Rikorose/DeepFilterNet, MIT or Apache-2.0).
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import lfilter

from helpers.audio.onnx_stream import make_streaming
from helpers.errors import ModelError

RATE = 48_000
"""Samples a second, the only rate the network knows."""

SIZE, _HOP = 960, 480
"""Samples of a window, and from one window to the next."""

_BANDS, _BINS, _ORDER, _AHEAD = 32, 96, 5, 2
"""Bands with a gain, bins with a filter, the filter's length, and its look-ahead in spectra."""

_NARROWEST = 2
"""Bins of the narrowest band."""

_DECAY = 0.99
"""Decay of the running means by which features are normalised; they remember about a second."""

CHUNK = 500
"""Spectra that the networks process at once: five seconds."""

_PAST = {"enc": 2, "df_dec": 4}
"""How many earlier spectra the convolutions of a network need before a piece."""

_LATE = (_AHEAD + SIZE // _HOP - 1) * _HOP
"""Delay of the filtered sound in samples."""

_NETWORKS = ("enc", "erb_dec", "df_dec")


def _band_widths() -> np.ndarray:
    """Return how many bins each band has: equal steps on the ERB scale of hearing."""
    scale = 24.7 * 9.265
    top = 9.265 * np.log1p(RATE / 2 / scale)
    edges = scale * np.expm1(np.arange(1, _BANDS + 1) * top / _BANDS / 9.265)
    widths, before, over = [], 0, 0
    for edge in np.floor(edges / (RATE / SIZE) + 0.5).astype(int):
        width = edge - before - over
        over = max(_NARROWEST - width, 0)
        widths.append(max(width, _NARROWEST))
        before = edge
    widths[-1] += SIZE // 2 + 1 - sum(widths)
    return np.array(widths)


WIDTHS = _band_widths()
_HALF = np.sin(0.5 * np.pi * (np.arange(SIZE) + 0.5) / (SIZE // 2))
VORBIS = np.sin(0.5 * np.pi * _HALF**2).astype(np.float32)
"""The window of the Vorbis codec; its squares add up to one at half its length."""


def compute_spectra(samples: np.ndarray) -> np.ndarray:
    """Return the spectra, (T, 481) complex64, of samples, (480 + T * 480,)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, SIZE)[::_HOP]
    return (np.fft.rfft(frames * VORBIS, axis=1) / SIZE).astype(np.complex64)


class Features:
    """The input of the networks, normalised by running means that continue from piece to piece."""

    def __init__(self) -> None:
        self.level = np.linspace(-60, -90, _BANDS, dtype=np.float64)
        self.size = np.linspace(0.001, 0.0001, _BINS, dtype=np.float64)

    def __call__(self, spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return bands, (T, 32), and bins, (2, T, 96), both float32, of spectra, (T, 481)."""
        power = np.square(np.real(spectra)) + np.square(np.imag(spectra))
        starts = np.concatenate([[0], np.cumsum(WIDTHS)[:-1]])
        level = np.log10(np.add.reduceat(power, starts, axis=1) / WIDTHS + 1e-10) * 10
        bins = spectra[:, :_BINS]
        mean, self.level = _running_means(level, self.level)
        size, self.size = _running_means(np.abs(bins), self.size)
        bins = bins / np.sqrt(size)
        return (
            ((level - mean) / 40).astype(np.float32),
            np.stack([np.real(bins), np.imag(bins)]).astype(np.float32),
        )


def _running_means(values: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the running means of values, (T, F), and the last of them."""
    means, _ = lfilter([1 - _DECAY], [1, -_DECAY], values, axis=0, zi=_DECAY * state[None])
    return means, means[-1] if len(means) else state


class DeepFilter:
    """The three networks, loaded and ready to clean speech.

    Args:
        archive: DeepFilterNet3_onnx.tar.gz, as its authors publish it.
        threads: how many threads the networks may use; 0 lets onnxruntime decide.

    Raises:
        ModelError: onnxruntime is not installed, or the archive does not hold the networks.
    """

    def __init__(self, archive: Path, threads: int = 0) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ModelError(
                "DeepFilterNet needs onnxruntime, which is not installed. Install it with "
                "`pip install onnxruntime`, or choose the method spectral, which does not need it."
            ) from error
        options: Any = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        self.sessions: dict[str, Any] = {}
        self.states: dict[str, dict[str, str]] = {}
        for name, model in _unpack(archive).items():
            model, self.states[name] = make_streaming(model)
            self.sessions[name] = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )

    def __call__(self, samples: np.ndarray, limit: float | None = None) -> np.ndarray:
        """Remove noise from speech; its length and place stay the same.

        Args:
            samples: (N,) float32, full scale 1, at 48 kHz; processed piece by piece.
            limit: the most by which noise is reduced, in decibels; no limit if not given.
        """
        stream, out = _Stream(self, limit), np.empty(len(samples), np.float32)
        room = -(-(len(samples) + _LATE) // _HOP) * _HOP
        for start in range(0, room, CHUNK * _HOP):
            piece = samples[start : start + CHUNK * _HOP]
            wanted = min(CHUNK * _HOP, room - start)
            made = stream.push(np.pad(piece, (0, wanted - len(piece))))
            at = start - _LATE
            made = made[max(-at, 0) :][: len(samples) - max(at, 0)]
            out[max(at, 0) : max(at, 0) + len(made)] = made
        return out


class _Stream:
    """Sends sound through the networks piece by piece, and keeps their state between pieces.

    However the sound is cut into pieces, the result is that of a single run, LATE samples later.
    """

    def __init__(self, engine: DeepFilter, limit: float | None = None) -> None:
        self.engine = engine
        self.share = 0.0 if limit is None else 10 ** (-abs(limit) / 20)
        self.features = Features()
        self.last = np.zeros(SIZE - _HOP, np.float32)
        self.spectra = np.zeros((_ORDER - 1, SIZE // 2 + 1), np.complex64)
        self.shown = np.zeros((1, 3, _PAST["enc"], _BINS), np.float32)
        self.coded: np.ndarray | None = None
        self.tail = np.zeros(_HOP)
        self.states = {
            name: dict.fromkeys(inputs, np.zeros((1, 1, 256), np.float32))
            for name, inputs in engine.states.items()
        }

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Process the next samples, (T * 480,) float32, and return as many."""
        new = compute_spectra(np.concatenate([self.last, samples]))
        self.last = samples[-(SIZE - _HOP) :]
        around = np.concatenate([self.spectra, new])
        self.spectra = around[-(_ORDER - 1) :]
        gains, taps = self._run_networks(*self.features(new))
        # The networks look AHEAD spectra ahead: their newest answer is for an earlier spectrum.
        noisy = around[_ORDER - 1 - _AHEAD : len(around) - _AHEAD]
        clean = noisy * np.repeat(gains, WIDTHS, axis=1)
        clean[:, :_BINS] = sum(
            around[number : number + len(new), :_BINS] * taps[:, :, number]
            for number in range(_ORDER)
        )
        return self._synthesise(noisy * self.share + clean * (1 - self.share))

    def _run_networks(self, bands: np.ndarray, bins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gains, (T, 32), and filters, (T, 96, 5) complex64."""
        new = np.zeros((1, 3, len(bands), _BINS), np.float32)
        new[0, 0, :, :_BANDS], new[0, 1:] = bands, bins
        shown = np.concatenate([self.shown, new], axis=2)
        self.shown = shown[:, :, -_PAST["enc"] :]
        names = ["e0", "e1", "e2", "e3", "emb", "c0"]
        given = {"feat_erb": shown[:, :1, :, :_BANDS], "feat_spec": shown[:, 1:]}
        found = dict(zip(names, self._run("enc", names, given), strict=True))
        (gains,) = self._run(
            "erb_dec", ["m"], {name: found[name] for name in names if name != "c0"}
        )
        before = self.coded
        if before is None:
            before = np.zeros((1, found["c0"].shape[1], _PAST["df_dec"], _BINS), np.float32)
        coded = np.concatenate([before, found["c0"]], axis=2)
        self.coded = coded[:, :, -_PAST["df_dec"] :]
        (taps,) = self._run("df_dec", ["coefs"], {"emb": found["emb"], "c0": coded})
        taps = taps.reshape(len(bands), _BINS, _ORDER, 2)
        return gains[0, 0], taps[..., 0] + 1j * taps[..., 1]

    def _run(self, name: str, wanted: list[str], given: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Run a network, beginning with the states that its last run left."""
        inputs, states = self.engine.states[name], self.states[name]
        feed = {key: np.ascontiguousarray(value) for key, value in (given | states).items()}
        found = self.engine.sessions[name].run([*wanted, *inputs.values()], feed)
        self.states[name] = dict(zip(inputs, found[len(wanted) :], strict=True))
        return found[: len(wanted)]

    def _synthesise(self, spectra: np.ndarray) -> np.ndarray:
        """Return the samples, (T * 480,) float32, of spectra, (T, 481)."""
        frames = np.fft.irfft(spectra, SIZE, axis=1) * SIZE * VORBIS
        out = frames[:, :_HOP].copy()
        out[0] += self.tail
        out[1:] += frames[:-1, _HOP:]
        self.tail = frames[-1, _HOP:]
        return out.reshape(-1).astype(np.float32)


def _unpack(archive: Path) -> dict[str, bytes]:
    """Return the three networks of the archive."""
    held: dict[str, bytes] = {}
    try:
        with tarfile.open(archive) as files:
            for member in files:
                name = Path(member.name)
                if name.suffix == ".onnx" and (file := files.extractfile(member)):
                    held[name.stem] = file.read()
    except (tarfile.TarError, OSError) as error:
        raise ModelError(
            f"The archive {archive} cannot be read ({error}). "
            "Delete it; it will be downloaded again."
        ) from error
    if missing := set(_NETWORKS) - set(held):
        raise ModelError(
            f"The archive {archive} does not contain {', '.join(sorted(missing))}. "
            "It must be DeepFilterNet3_onnx.tar.gz."
        )
    return held
