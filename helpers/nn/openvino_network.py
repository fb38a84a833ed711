"""Run a network with OpenVINO, which converts it from PyTorch itself.

    network = OpenVinoNetwork(module, folder)
    made = network(batch)                # compiled once for every shape

OpenVINO (https://docs.openvino.ai, Apache-2.0) computes activations together with convolutions, and
uses bf16 where a processor has it.
"""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn


class OpenVinoNetwork:
    """A network on the CPU, run by OpenVINO.

    Args:
        network: it takes a tensor and returns one; its precision, fp32 or bf16, is used.
        folder: where compiled networks are kept.
    """

    def __init__(self, network: nn.Module, folder: Path) -> None:
        import openvino

        self._dtype = next(network.parameters()).dtype
        self._network = copy.deepcopy(network).float()
        self._core = openvino.Core()
        self._core.set_property({"CACHE_DIR": str(folder / "openvino")})
        self._requests: dict[tuple[int, ...], Any] = {}

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """Run the network on a batch; return a batch of the same type."""
        seen = batch.float().contiguous().numpy()
        request = self._requests.get(seen.shape)
        if request is None:
            request = self._requests[seen.shape] = self._compile(seen.shape)
        (made,) = request.infer([seen], share_inputs=True).values()
        return torch.from_numpy(made).to(batch.dtype)

    def _compile(self, shape: tuple[int, ...]) -> Any:
        """Return a request, which runs the network on inputs of a shape."""
        import openvino

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the tracing in PyTorch that OpenVINO relies on
            model = openvino.convert_model(
                self._network, example_input=torch.zeros(shape), input=[shape]
            )
        settings = {
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if self._dtype == torch.bfloat16 else "f32",
        }
        return self._core.compile_model(model, "CPU", settings).create_infer_request()
