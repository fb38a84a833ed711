"""A graphics card: frames a second of networks, of their stages and of the whole chain.

    python -m benchmarks.run gpu            # under eight minutes; needs CUDA
    python -m benchmarks.speed.gpu --tiny   # the same on any machine, to try the script itself

Every row is printed when it is there, so a run that is cut off still leaves figures. What matters
most comes first; what no longer fits into the time is left out, and said to be.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from benchmarks.common import UnavailableError
from benchmarks.speed.networks import Network, networks, state_of
from benchmarks.speed.rates import (
    largest_difference,
    part_seconds,
    product_rate,
    restore_seconds,
    seconds_of,
    seconds_of_first,
    stage_rate,
    synchronizations,
)
from benchmarks.speed.work import count_work
from helpers.nn.backends import Runner, Way
from helpers.runtime.machine import GIB, runtime

__all__ = ["main", "require_cuda", "shown", "state_of"]

SIZES = {"480p": (480, 640), "720p": (720, 1280), "1080p": (1080, 1920)}
TINY = {"tiny": (48, 64)}

COMPILED = "compiled"

LIMIT = 420.0
"""Seconds after which nothing more is begun."""

PEERS = (
    ("animevideov3, network alone", "V100, PyTorch", "65.9 at 480p, 22.6 at 720p, 10.0 at 1080p",
     "Real-ESRGAN's docs/anime_comparisons.md"),
    ("x2plus at 720p", "RTX 4060, TensorRT", "2.8", "vs-realesrgan"),
    ("RIFE 4.6 in ncnn at 1080p", "RTX 3080", "81", "REAL-Video-Enhancer's README"),
    ("RIFE 4.6, 720p and 1080p", "RTX 4090, TensorRT", "1022.8 and 426.8", "VSGAN's README"),
    ("RIFE 4.15 at 1080p", "RTX 3090, PyTorch", "about 77", "Practical-RIFE, issue 55"),
)  # fmt: skip
"""What others publish: the network, the card, frames a second, and where it is said."""


def require_cuda() -> None:
    """Raise UnavailableError where networks do not run on a graphics card."""
    if runtime().device != "cuda":
        raise UnavailableError(f"It needs CUDA, and networks run on {runtime().device} here.")


def shown(row: str) -> str:
    """Show a row as soon as it is there."""
    print(row, file=sys.stderr, flush=True)
    return row


class Card:
    """Measures on the card that is here, until the time is over.

    Args:
        sizes: heights and widths by name.
        tiny: use networks of a few layers, and few frames.
    """

    def __init__(self, sizes: dict[str, tuple[int, int]], tiny: bool) -> None:
        self.sizes, self.tiny = sizes, tiny
        self.middle = list(sizes)[len(sizes) // 2]
        self.least, self.short = (0.05, 2) if tiny else (1.5, 8)
        self.begun = time.monotonic()
        self.precision = runtime().precision
        self.best = product_rate(256 if tiny else 8192)

    def left(self) -> float:
        """Return the seconds that are left."""
        return LIMIT - (time.monotonic() - self.begun)

    def measured(self, what: str, need: float, make: Callable[[], str]) -> str:
        """Return a row, or why it is left out; a failure does not end the others.

        Args:
            need: about how many seconds it takes.
        """
        if self.left() < need:
            return shown(f"| {what} | left out: the time was over |")
        try:
            return shown(make())
        except Exception as error:  # a compiler, for one, raises errors of many types
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            return shown(f"| {what} | left out: {reason[:120]} |")

    def rates(self, compiled: bool) -> Iterator[str]:
        """Give a row for each network and size: alone, in its stage, and the share of the card."""
        way = "compiled" if compiled else "as it is"
        yield shown(
            f"| {way} | size | TFLOP a frame | alone | in its stage | stage / alone "
            f"| share of the card | waits a frame | seconds to compile |"
        )
        yield "|---" * 9 + "|"
        for network in networks(self.tiny):
            engine = network.build(runtime().device, self.precision)
            if compiled and COMPILED not in engine.runner.able:
                continue
            for title, (height, width) in self.sizes.items():
                if compiled and not network.light and title != self.middle:
                    continue
                what = f"{network.name} | {title}"
                make = partial(self._rate, network, engine, title, height, width, compiled)
                yield self.measured(what, 45 if compiled else 10, make)

    def _rate(
        self, network: Network, engine: Any, title: str, height: int, width: int, compiled: bool
    ) -> str:
        work, frames = network.alone(engine, height, width)
        work_of_one = count_work(work).flops / frames / 1e12
        usual, spent = engine.runner, 0.0
        try:
            if compiled:
                engine.runner = Runner(engine.network, Way(network.name, COMPILED), usual.able)
                work, frames = network.alone(engine, height, width)
                spent = seconds_of_first(work)
                if engine.runner.backend != COMPILED:
                    raise UnavailableError("it cannot be compiled here")
            alone = frames / seconds_of(work, self.least)
            inside = stage_rate(network, engine, height, width, self.least, self.short)
            waits = "-"
            if title == next(iter(self.sizes)) and not compiled:
                waits = synchronizations(network, engine, height, width)
        finally:
            engine.runner = usual
        return (
            f"| {network.name} | {title} | {work_of_one:.3f} | {alone:.1f} | {inside:.1f} "
            f"| {inside / alone:.0%} | {alone * work_of_one / self.best:.0%} | {waits} "
            f"| {spent:.0f} |"
        )

    def check(self) -> Iterator[str]:
        """Say whether what streams carry is what arrays hold; before anything is measured."""
        light = networks(self.tiny)[0]
        engine = light.build(runtime().device, self.precision)
        size = next(iter(self.sizes.values()))
        yield self.measured("streams", 5, lambda: (
            "Pictures that stay on the card differ from single ones by at most "
            f"{largest_difference(light, engine, *size)} grey levels.\n"
        ))  # fmt: skip

    def chain(self) -> Iterator[str]:
        """Give a row a size: `restore` from film to H.264, larger or not, beside the network.

        The network enlarges by four in any case. A large result shows what encoding takes, and one
        of the film's own size what is left without it.
        """
        yield shown("\n| whole chain, animevideov3 | size | network alone | restore | share |")
        yield "|---|---|---|---|---|"
        light = networks(self.tiny)[0]
        engine = light.build(runtime().device, self.precision)
        for scale, title in ((1, self.middle), *((2, title) for title in self.sizes)):
            make = partial(self._chain, light, engine, scale, title)
            yield self.measured(f"x{scale} | {title}", 45, make)

    def _chain(self, light: Network, engine: Any, scale: int, title: str) -> str:
        work, frames = light.alone(engine, *self.sizes[title])
        alone = frames / seconds_of(work, self.least)
        short, long = (4, 12) if self.tiny else (48, 240)
        spans = [
            restore_seconds(light, engine, count, scale, *self.sizes[title])
            for count in (short, long)
        ]
        rate = (long - short) / max(spans[1] - spans[0], 1e-9)
        return f"| x{scale} | {title} | {alone:.1f} | {rate:.1f} | {rate / alone:.0%} |"

    def parts(self) -> Iterator[str]:
        """Give a row for each part of a frame's way at the middle size: milliseconds."""
        yield shown(f"\n| animevideov3 at {self.middle}, a part of a frame's way | milliseconds |")
        yield "|---|---|"
        for name, seconds in part_seconds(self.tiny, *self.sizes[self.middle]):
            yield shown(f"| {name} | {1000 * seconds:.2f} |")


def measure(sizes: dict[str, tuple[int, int]], tiny: bool) -> list[str]:
    """Return all rows; each is shown when it is there."""
    card = Card(sizes, tiny)
    rows = [shown(f"A product of matrices runs at {card.best:.3g} TFLOP a second here."), ""]
    for table in (
        card.check(),
        card.rates(compiled=False),
        card.chain(),
        card.parts(),
        card.rates(compiled=True),
    ):
        rows += [*table, ""]
    return rows


def main() -> str:
    """Return the tables."""
    import torch

    require_cuda()
    card = torch.cuda.get_device_properties(0)
    rows = [f"{card.name}, {card.total_memory / GIB:.0f} GiB, fp16 channels-last.", ""]
    rows += measure(SIZES, tiny=False)
    rows += ["| published by others | card | frames a second | where |", "|---" * 4 + "|"]
    rows += [f"| {' | '.join(line)} |" for line in PEERS]
    return "\n".join(rows)


def trial(arguments: Sequence[str]) -> int:
    """Run everything with tiny pictures and networks, on whatever is here."""
    if arguments != ["--tiny"]:
        print("Use python -m benchmarks.run gpu, or --tiny to try the script.")
        return 2
    from tests.support.card import pretended

    with pretended():
        print("\n".join(measure(TINY, tiny=True)))
    return 0


if __name__ == "__main__":
    sys.exit(trial(sys.argv[1:]))
