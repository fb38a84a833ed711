"""A watch that notes what it is told, and stops a run after some frames."""

from dataclasses import dataclass, field


@dataclass
class Watcher:
    """Notes everything.

    Attributes:
        most: how many frames are made before it stops the run.
    """

    most: float = float("inf")
    begun: list = field(default_factory=list)
    counts: dict = field(default_factory=dict)
    shown: list = field(default_factory=list)

    def begin(self, label, total, done):
        self.begun.append((label, total, done))
        self.counts[label] = done

    def advance(self, label, count):
        self.counts[label] += count

    def frame(self, number, clip_frame):
        self.shown.append((number, clip_frame.time))

    def stopped(self):
        return sum(self.counts.values()) >= self.most
