"""A blind test: which of two pictures is better, without knowing which choice made which.

test = blind(clip, ["x4plus", "animevideov3", "bicubic"])      # shows the panel
test.ranking                                                   # what you preferred so far
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations

import ipywidgets as widgets
import numpy as np

from helpers.clip import Clip
from helpers.errors import StageError
from helpers.imaging.luma import to_eight_bit
from helpers.panels.box import show_panel
from helpers.quality.judge import name_choices
from helpers.quality.judgement import Judgement
from helpers.quality.preference import Preferences, rank_preferences
from helpers.run import RunContext
from helpers.show.picture import encode_alike
from helpers.stage import Stage

CLICKS = 12
"""Pairs that are asked for: about a minute."""

MOMENTS = 6
"""Moments of the film that pictures are taken from."""

_SIDE = 560
"""Pixels a side of the part that is shown: two of them fit beside each other on a laptop."""

_BYTES = 150_000
"""The most bytes of both pictures."""


class BlindTest:
    """A blind test of some choices on a film.

    Args:
        clip: the film.
        choices: models by their names, or stages; by labels if it is a mapping.
        judgement: what `judge` found of the same choices, to be shown beside the answers.
        clicks: how many pairs are asked for.
        seed: of the order in which pairs and sides are drawn.
    """

    def __init__(
        self,
        clip: Clip,
        choices: Sequence[str | Stage] | Mapping[str, str | Stage],
        *,
        judgement: Judgement | None = None,
        clicks: int = CLICKS,
        seed: int | None = None,
    ) -> None:
        stages = {label: stage for label, stage in name_choices(choices).items() if stage}
        if len(stages) < 2:
            raise StageError("A blind test needs at least two choices.")
        run = RunContext()
        self._clip = clip
        self._results = {label: stage.on(clip, run) for label, stage in stages.items()}
        self._judgement, self._clicks = judgement, clicks
        self._pictures: dict[tuple[str, Fraction], np.ndarray] = {}
        self._drawn = self._draw(np.random.default_rng(seed))
        self.answers: list[tuple[str, str, float]] = []
        self.pair = next(self._drawn)

    def _draw(self, dice: np.random.Generator) -> Iterator[tuple[str, str, Fraction]]:
        """Yield pairs and moments: every pair once before any comes again, its sides by chance."""
        pairs = list(combinations(self._results, 2))
        numbers = np.linspace(0, len(self._clip) - 1, MOMENTS + 2)[1:-1].round().astype(int)
        while True:
            for number in dice.permutation(len(pairs)):
                left, right = pairs[number] if dice.random() < 0.5 else pairs[number][::-1]
                at = int(dice.choice(np.unique(numbers)))
                ends = [*self._clip.times, self._clip.end]
                # Between two frames, where interpolation shows.
                yield left, right, (ends[at] + ends[at + 1]) / 2

    def pictures(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the left and the right picture, the same part of each, (h, w, 3) uint8."""
        left, right, time = self.pair
        both = [self._picture(label, time) for label in (left, right)]
        height, width = both[0].shape[:2]
        tall, wide = min(height, _SIDE), min(width, _SIDE)
        top, start = (height - tall) // 3, (width - wide) // 2  # faces are above the middle
        one, other = (image[top : top + tall, start : start + wide] for image in both)
        return np.ascontiguousarray(one), np.ascontiguousarray(other)

    def _picture(self, label: str, time: Fraction) -> np.ndarray:
        if (label, time) not in self._pictures:
            image = self._results[label].at(time).image
            self._pictures[label, time] = to_eight_bit(image)
        return self._pictures[label, time]

    def answer(self, prefers: float) -> None:
        """Note the answer to the pair at hand: 1 is the left one, 0 the right, 0.5 neither."""
        left, right, _ = self.pair
        self.answers.append((left, right, prefers))
        self.pair = next(self._drawn)

    @property
    def finished(self) -> bool:
        """Whether all pairs that were asked for are answered."""
        return len(self.answers) >= self._clicks

    @property
    def ranking(self) -> Preferences:
        """What was preferred so far."""
        return rank_preferences(list(self._results), self.answers)

    def table(self) -> str:
        """Return the ranking as HTML, beside what was measured if that is known."""
        measured = {}
        if self._judgement:
            measured = {c.label: n + 1 for n, c in enumerate(self._judgement.choices)}
        head = "<tr><th></th><th>preferred in</th><th>95 % interval</th>"
        head += "<th>measured rank</th></tr>" if measured else "</tr>"
        rows = ""
        for row in self.ranking.rows:
            rows += f"<tr><td style='text-align:left'>{html.escape(row.label)}</td>"
            rows += f"<td>{row.share:.0%}</td><td>{row.low:.0%} to {row.high:.0%}</td>"
            rows += f"<td>{measured.get(row.label, '-')}</td></tr>" if measured else "</tr>"
        return f"<p><b>{html.escape(self.ranking.sentence)}</b></p><table>{head}{rows}</table>"


class _Panel:
    """The buttons and pictures of a blind test."""

    def __init__(self, test: BlindTest) -> None:
        self._test = test
        self._place = widgets.HTML()
        answers = (("The left one", 1.0), ("No difference", 0.5), ("The right one", 0.0))
        self._buttons = [self._button(words, value) for words, value in answers]
        self.root = widgets.VBox([self._place, widgets.HBox(self._buttons)])
        self._show()

    def _button(self, words: str, value: float) -> widgets.Button:
        button = widgets.Button(description=words)
        button.on_click(lambda _: self._answer(value))
        return button

    def _answer(self, value: float) -> None:
        self._test.answer(value)
        self._show()

    def _show(self) -> None:
        test = self._test
        for button in self._buttons:
            button.disabled = test.finished
        if test.finished:
            self._place.value = test.table()
            return
        left, right = (
            f"<img alt='the {side} picture' style='max-width:49%' "
            f"src='data:image/webp;base64,{base64.b64encode(data).decode()}'>"
            for side, data in zip(
                ("left", "right"), encode_alike(test.pictures(), _BYTES), strict=True
            )
        )
        count = f"{len(test.answers) + 1} of {test._clicks}"
        self._place.value = f"<p>Which is better? ({count})</p>{left} {right}"


def blind(
    clip: Clip,
    choices: Sequence[str | Stage] | Mapping[str, str | Stage],
    *,
    judgement: Judgement | None = None,
    clicks: int = CLICKS,
    seed: int | None = None,
) -> BlindTest:
    """Show pairs of pictures without names, and rank the choices by which one you prefer.

    Args:
        clip, choices, judgement, clicks, seed: as in `BlindTest`.

    Returns:
        The test, whose `ranking` may be asked for at any time.
    """
    test = BlindTest(clip, choices, judgement=judgement, clicks=clicks, seed=seed)
    show_panel(_Panel(test).root, "A blind test, which needs a notebook that shows widgets.")
    return test
