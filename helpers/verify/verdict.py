"""What was found by looking: one `Check` for each thing that was looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Verdict = Literal["right", "note", "wrong", "unknown"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what it was: "frames", "picture", "sound" ...
        verdict: "right"; "note", if a detail differs but the film can be used; "wrong"; or
            "unknown", if it could not be checked.
        found: what was found, in words.
        values: what was measured.
    """

    name: str
    verdict: Verdict
    found: str
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Verification:
    """Everything that was looked at in a result."""

    checks: tuple[Check, ...]

    def of(self, *verdicts: Verdict) -> tuple[Check, ...]:
        """Return the checks that ended so."""
        return tuple(check for check in self.checks if check.verdict in verdicts)

    @property
    def good(self) -> bool:
        """Whether nothing differs."""
        return not self.of("note", "wrong")

    @property
    def wrong(self) -> str:
        """What is wrong, in words; empty if nothing is."""
        return "; ".join(check.found for check in self.of("wrong"))

    @property
    def notes(self) -> tuple[str, ...]:
        """The details that differ, in words."""
        return tuple(check.found for check in self.of("note"))

    @property
    def sound_offset_ms(self) -> float | None:
        """How much later the sound is than in the film at the most; None if not measured."""
        shifts = [
            value
            for check in self.checks
            for name, value in check.values.items()
            if check.name.startswith("sound") and name.startswith("at_")
        ]
        return max(shifts, key=abs, default=None)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the checks as JSON-able values."""
        return [asdict(check) for check in self.checks]

    def summary(self) -> str:
        """Return all checks as text, one in a line."""
        words = {"right": "ok  ", "note": "NOTE", "wrong": "NO  ", "unknown": "?   "}
        return "\n".join(f"{words[c.verdict]} {c.name:<10} {c.found}" for c in self.checks)

    __repr__ = summary
