"""Convert RGB pictures to the pixel format of an encoder, beside it where there are cores for that.

converter = FormatConverter(1280, 720, "rgb24", "yuv420p", "bt709", "tv")
for picture in converter.add(image): ...     # those that are ready, in order
for picture in converter.finish(): ...       # the others
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from helpers.runtime.cores import count_cores
from helpers.video.colour import SWSCALE_MATRIX

if TYPE_CHECKING:
    import av

_CORES = 4
"""Cores for each thread that converts: x264 takes ten times as long for a picture as its conversion
(docs/t4.md), and a network works beside them."""

_MOST = 4
"""The most threads that convert. Each holds a picture."""


class FormatConverter:
    """Converts pictures of one size, in order.

    A picture depends on nothing else, so the result does not depend on the number of threads. With
    one, everything is done in the caller's.

    Args:
        width, height: of the pictures.
        layout: "rgb24" or "rgb48le".
        pixel_format: ffmpeg's name of the encoder's format.
        matrix, range: the matrix and the range of a format with luma, in ffmpeg's names; the
            matrix is None or "gbr" for one without.
        threads: how many threads convert; as many as suit the cores if not given.
    """

    def __init__(
        self,
        width: int,
        height: int,
        layout: str,
        pixel_format: str,
        matrix: str | None,
        range: str | None,
        threads: int | None = None,
    ) -> None:
        self.width, self.height = width, height
        self.layout, self.pixel_format = layout, pixel_format
        self.options = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
        if matrix != "gbr":
            known = SWSCALE_MATRIX.get(matrix or "", matrix)
            self.options += f":out_color_matrix={known}:out_range={range}"
        self.threads = threads or min(max(count_cores() // _CORES, 1), _MOST)
        self._graphs = threading.local()
        self._pool: ThreadPoolExecutor | None = None
        self._coming: deque[Future[av.VideoFrame]] = deque()

    def add(self, image: np.ndarray) -> Iterator[av.VideoFrame]:
        """Begin to convert a picture, and yield those before it that are due.

        Args:
            image: (height, width, 3) RGB of the layout's type; it must not be modified.
        """
        if self.threads == 1:
            yield self.convert(image)
            return
        self._pool = self._pool or ThreadPoolExecutor(self.threads, "convert")
        self._coming.append(self._pool.submit(self.convert, image))
        while len(self._coming) > self.threads:
            yield self._coming.popleft().result()

    def finish(self) -> Iterator[av.VideoFrame]:
        """Yield the pictures that are still being converted."""
        while self._coming:
            yield self._coming.popleft().result()

    def close(self) -> None:
        """End the threads."""
        self._coming.clear()
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def convert(self, image: np.ndarray) -> av.VideoFrame:
        """Convert a picture in this thread."""
        import av

        picture = av.VideoFrame(self.width, self.height, self.layout)
        # NumPy copies without holding the interpreter, in half of the time of `from_ndarray`.
        plane = picture.planes[0]
        bytes_ = image.reshape(self.height, -1).view(np.uint8)
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        np.copyto(rows[: self.height, : bytes_.shape[1]], bytes_)
        picture.pts = 0
        graph = getattr(self._graphs, "own", None)
        if graph is None:
            graph = self._graphs.own = self._build()
        graph.push(picture)
        return graph.pull()  # type: ignore[return-value]

    def _build(self) -> av.filter.Graph:
        """Build ffmpeg's conversion."""
        import av.filter

        graph = av.filter.Graph()
        buffer = graph.add_buffer(
            width=self.width, height=self.height, format=self.layout, time_base=Fraction(1, 1000)
        )
        scale = graph.add("scale", self.options)
        form = graph.add("format", self.pixel_format)
        sink = graph.add("buffersink")
        buffer.link_to(scale)
        scale.link_to(form)
        form.link_to(sink)
        graph.configure()
        return graph
