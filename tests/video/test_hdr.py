"""The mastering display and the light levels of a film of high dynamic range are carried on."""

from __future__ import annotations

import json

import pytest

from helpers import open_video, write_video
from helpers.clip import ClipInfo, HdrMetadata
from helpers.project.project import Project
from helpers.runtime.schema import convert
from tests.support.films import ffmpeg

pytestmark = pytest.mark.slow

LIGHT = HdrMetadata(
    (13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450, 10_000_000, 50), (1000, 400)
)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A film in HDR10."""
    path = tmp_path_factory.mktemp("hdr") / "hdr10.mp4"
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
    parameters = "log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:"
    parameters += f"master-display={display}:max-cll=1000,400"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=0.4", "-pix_fmt", "yuv420p10le"),
        *("-c:v", "libx265", "-x265-params", parameters, path),
    )
    return path


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov"])
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_it_is_carried_on(tmp_path, film, codec, ending):
    clip = open_video(film)
    assert clip.info.hdr == LIGHT
    written = write_video(clip, tmp_path / f"a.{ending}", codec=codec, source=film)
    assert open_video(tmp_path / f"a.{ending}").info.hdr == LIGHT
    assert not written.notes


@pytest.mark.parametrize(("codec", "ending"), [("ffv1", "mkv"), ("prores", "mov")])
def test_it_is_said_where_it_is_lost(tmp_path, film, codec, ending):
    written = write_video(open_video(film), tmp_path / f"a.{ending}", codec=codec, source=film)
    assert "mastering display and light levels (HDR metadata) cannot be written" in written.notes[0]


def test_a_project_keeps_it(tmp_path, film):
    project = Project(tmp_path / "project")
    saved = project.save(project.source(film, progress=False), "01_copy", progress=False)
    assert saved.info.hdr == LIGHT
    assert Project(tmp_path / "project").source(progress=False).info.hdr == LIGHT


def test_what_older_projects_wrote_is_read(film):
    info = open_video(film).info
    values = json.loads(json.dumps(info.to_json()))
    assert convert(values, ClipInfo) == info
    del values["hdr"]
    assert convert(values, ClipInfo) == info.replace(hdr=None)


@pytest.mark.parametrize("hdr", [HdrMetadata(light=(500, 100)), HdrMetadata(LIGHT.display)])
def test_one_of_the_two_alone(tmp_path, film, hdr):
    clip = open_video(film)
    object.__setattr__(clip, "info", clip.info.replace(hdr=hdr))
    write_video(clip, tmp_path / "a.mp4", codec="h265")
    assert open_video(tmp_path / "a.mp4").info.hdr == hdr
