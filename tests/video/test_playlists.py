"""A playlist is refused before anything that it names is opened."""

import shutil

import pytest

from helpers.errors import VideoOpenError
from helpers.video.reader import open_video
from tests.support.paths import TALK
from tests.support.saves import one_line

MPD = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT5S"><Period>
<AdaptationSet mimeType="video/mp4"><Representation id="0" bandwidth="100">
<BaseURL>talk.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"""

LISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{film}\n#EXT-X-ENDLIST\n",
    "list.m3u": "\ufeff#EXTM3U\n#EXTINF:5,\n{film}\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '{film}'\n",
    "list.mp4": "ffconcat version 1.0\nfile '{film}'\n",
    "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "list.mpd": MPD,
    "list.pls": "[playlist]\nFile1={film}\n",
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("film", ["talk.mp4", "../talk.mp4", "http://127.0.0.1:1/talk.mp4"])
def test_a_playlist_is_refused(tmp_path, name, film):
    folder = tmp_path / "folder"
    folder.mkdir()
    for place in (tmp_path, folder):
        shutil.copy(TALK, place / "talk.mp4")
    (folder / name).write_text(LISTS[name].replace("{film}", film))
    with pytest.raises(VideoOpenError, match="is a playlist") as error:
        open_video(folder / name)
    one_line(error)


def test_a_text_that_names_nothing_is_refused_as_before(tmp_path):
    (tmp_path / "notes.txt").write_text("Not a film.\n" * 50)
    with pytest.raises(VideoOpenError, match="text file"):
        open_video(tmp_path / "notes.txt")
    assert len(open_video(TALK)) == 40
