"""How the stages of a run share the cores.

The stages of a run work at the same time, each in a thread: one reads, a network enlarges, another
stage interpolates, and the encoder writes. PyTorch, OpenCV and the encoder start more threads
of their own. Two things keep them out of each other's way:

- Threads that wait sleep. By default those of PyTorch (OpenMP) and of OpenCV spin for a while, on
  cores that another stage could use.
- A network may use all cores, for most of the work is there. OpenCV, whose flow and filters work
  beside it, gets half of them, and the encoder as many as suit the picture (`video.encoder`).

The result of no stage depends on the number of threads; tests hold that.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping


def share_cores(settings: MutableMapping[str, str] = os.environ, cores: int | None = None) -> None:
    """Set how threads wait and how many there are, for libraries that are not imported yet.

    What a person has set is left as it is.

    Args:
        settings: the environment, which the libraries read when they are imported.
        cores: how many there are; those of this process if not given.
    """
    settings.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    settings.setdefault("OPENCV_THREAD_POOL_ACTIVE_WAIT_MAIN", "0")
    settings.setdefault("OPENCV_THREAD_POOL_ACTIVE_WAIT_WORKER", "0")
    settings.setdefault("OPENCV_FOR_THREADS_NUM", str(max((cores or count_cores()) // 2, 1)))


def count_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
