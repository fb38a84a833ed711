"""RIFE's weights: every kind of file, their names, and the version told from them."""

import pytest
import torch

from helpers.errors import ModelError
from helpers.nn.ncnn_weights import rife_names, rife_state, write_rife
from helpers.nn.weight_files import read_state
from helpers.stages.interpolate.rife import RifeInterpolator
from helpers.stages.interpolate.rife_network import VERSIONS, IFNet
from helpers.stages.interpolate.rife_weights import find_version, prepare_state
from tests.support.paths import weights_path
from tests.support.rife_states import generated_state

every_version = pytest.mark.parametrize("version", VERSIONS)


# --- weights ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "parameters"), [("4.6", 5_302_416), ("4.25", 5_660_680), ("4.26", 5_660_680)]
)
def test_networks_have_the_official_size(version, parameters):
    weights = IFNet(VERSIONS[version]).named_parameters()
    found = sum(weight.numel() for name, weight in weights if not name.endswith("beta"))
    assert found == parameters


@every_version
def test_the_version_is_told_from_the_weights(version):
    state = {f"module.{name}": tensor for name, tensor in generated_state(version).items()}
    state["module.caltime.0.0.weight"] = state["module.teacher.lastconv.0.bias"] = torch.zeros(3)
    assert find_version(state) == version.replace("4.26", "4.25")
    assert list(prepare_state(state, version)) == list(generated_state(version))


def as_comfy(state):
    return {
        name.replace("block", "blocks.", 1) if name.startswith("block") else name: tensor
        for name, tensor in state.items()
    }


@pytest.mark.parametrize("suffix", [".pkl", ".pth", ".safetensors"])
def test_every_kind_of_file_gives_the_same_weights(tmp_path, suffix):
    from safetensors.torch import save_file

    state, path = generated_state("4.25"), tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file(as_comfy(state), path)
    else:
        torch.save({f"module.{name}": tensor for name, tensor in state.items()}, path)
    read = prepare_state(read_state([path]), "4.25")
    assert read.keys() == state.keys() and find_version(read) == "4.25"
    assert all(torch.equal(read[name], state[name]) for name in state)


@pytest.mark.parametrize("names", [["a.pkl"], ["a.safetensors"], ["a.bin", "a.param"]])
def test_a_damaged_file_is_refused_by_name(tmp_path, names):
    (tmp_path / names[0]).write_bytes(b"<html>404</html>")
    (tmp_path / "a.param").write_text("7767517\n0 0\n")
    with pytest.raises(ModelError, match=rf"{names[0]} cannot be read as weights"):
        read_state([tmp_path / name for name in names])


def test_weights_of_another_kind_are_refused_with_what_was_found():
    state = generated_state("4.6")
    with pytest.raises(ModelError, match=r"(?s)not those of RIFE 4\.25: .*missing.*more"):
        RifeInterpolator(state, "4.25")
    with pytest.raises(ModelError, match=r"RIFE 5 is not supported.* 4\.6, 4\.25"):
        RifeInterpolator(state, "5")
    with pytest.raises(ModelError, match=r"block1\.lastconv\.0\.bias is missing"):
        prepare_state({k: v for k, v in state.items() if k != "block1.lastconv.0.bias"}, "4.6")
    with pytest.raises(ModelError, match=r"instead of \(24,\)"):
        prepare_state({**state, "block1.lastconv.0.bias": torch.zeros(20)}, "4.6")
    with pytest.raises(ModelError, match="block9 is unknown"):
        prepare_state({**state, "block9": torch.zeros(20)}, "4.6")
    with pytest.raises(
        ModelError, match=r"\(conv\) are not those of a supported version.*4\.25-lite"
    ):
        find_version({"conv.weight": torch.zeros(3)})


@pytest.fixture
def param():
    """The description of RIFE 4.6's network as ncnn publishes it."""
    return weights_path("rife-v4.6/flownet.param")


@pytest.mark.data
def test_a_flownet_bin_is_written_and_read_back(param, tmp_path):
    state, path = generated_state("4.6"), tmp_path / "flownet.bin"
    write_rife(state, param, path)
    assert path.stat().st_size == 10_614_320  # that of the published file
    read = read_state([path, param])
    assert find_version(read) == "4.6"
    name = "block2.convblock.5."
    folded = state[name + "conv.weight"] * state[name + "beta"].view(-1, 1, 1, 1)
    assert torch.equal(read[name + "conv.weight"], folded.half().float())
    assert (read[name + "beta"] == 1).all()
    last = "block3.lastconv.0.weight"
    assert torch.equal(read[last], state[last].half().float())
    write_rife(read, param, tmp_path / "again.bin")
    assert (tmp_path / "again.bin").read_bytes() == path.read_bytes()


@pytest.mark.data
def test_a_flownet_bin_that_is_cut_off_is_refused(param, tmp_path):
    write_rife(generated_state("4.6"), param, tmp_path / "flownet.bin")
    (tmp_path / "short.bin").write_bytes((tmp_path / "flownet.bin").read_bytes()[:-8])
    with pytest.raises(ValueError, match="in the middle of a layer"):
        rife_state(param, tmp_path / "short.bin")


def test_the_param_of_another_network_is_refused(tmp_path):
    path = tmp_path / "other.param"
    path.write_text("7767517\n1 1\nConvolution c 1 1 a b 0=8 1=3 6=216\n")
    with pytest.raises(
        ValueError, match=r"other\.param is not that of RIFE 4\.6.* 1 layers with weights, not 44"
    ):
        rife_state(path, path)
    assert len(rife_names()) == 44
