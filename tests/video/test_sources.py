"""A film by its path, by a link, or the sample."""

from __future__ import annotations

import pytest

from helpers import find_film, sample
from helpers.errors import VideoOpenError
from helpers.video.sources import download
from tests.support.paths import REPO
from tests.support.server import serving

CLIPS = REPO / "sample_clips"


def test_a_film_is_found_by_path_or_left_to_the_sample(tmp_path):
    assert find_film("") == sample()
    assert find_film(str(sample("film"))) == sample("film")
    with pytest.raises(VideoOpenError, match="There is no file"):
        find_film(str(tmp_path / "nothing.mp4"))


def test_a_link_is_fetched_whole_or_not_at_all(tmp_path):
    from functools import partial
    from http.server import SimpleHTTPRequestHandler

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def end_headers(self):
            if self.path.endswith("film_24fps.mp4"):
                self.close_connection = True
            super().end_headers()

        def copyfile(self, source, outputfile):
            if self.path.endswith("film_24fps.mp4"):
                outputfile.write(source.read(1000))  # breaks off
            else:
                super().copyfile(source, outputfile)

    with serving(partial(Quiet, directory=str(CLIPS))) as server:
        path = download(f"{server.url}/talk_160x120_8fps.mp4", tmp_path)
        assert path.read_bytes() == sample("talk").read_bytes()
        for broken in ("film_24fps.mp4", "missing.mp4"):
            with pytest.raises(VideoOpenError, match="could not be downloaded"):
                download(f"{server.url}/{broken}", tmp_path)
        assert [p.name for p in tmp_path.iterdir()] == [path.name]
