"""Richard Zhang's two networks that colour a picture, with the official names of their weights.

    network = Siggraph17Net()
    ab = network(lightness)                  # (N, 1, H, W) in 0..100 to (N, 2, H, W) in -110..110

ECCV16: Zhang, Isola and Efros, "Colorful Image Colorization", ECCV 2016. It predicts the
probabilities of 313 colours, and returns their mean.
SIGGRAPH17: Zhang, Zhu, Isola, Geng, Lin, Yu and Efros, "Real-Time User-Guided Image Colorization
with Learned Deep Priors", SIGGRAPH 2017. It predicts one colour. It also accepts hints of colours
from a user, which are not used here.
Both: https://github.com/richzhang/colorization.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

_COLOURS = 313
"""The number of colours of ECCV16: a grid of a and b in steps of 10."""

_LARGEST_AB = 110.0
"""The value of a and b in Lab for a network output of 1."""


def make_block(*channels: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Make 3x3 convolutions, each with a ReLU, followed by one batch norm.

    Args:
        channels: the channels of the input, and after each convolution.
        stride: the stride of the last convolution.
        dilation: the dilation of all of them.
    """
    layers: list[nn.Module] = []
    for number, (given, made) in enumerate(pairwise(channels)):
        step = stride if number == len(channels) - 2 else 1
        layers.append(nn.Conv2d(given, made, 3, step, padding=dilation, dilation=dilation))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers, nn.BatchNorm2d(channels[-1]))


def _double(given: int, made: int) -> nn.ConvTranspose2d:
    """Make a layer that doubles the size of features."""
    return nn.ConvTranspose2d(given, made, 4, stride=2, padding=1)


def make_middle(channels: int, *first: int) -> tuple[nn.Sequential, ...]:
    """Make the four blocks at an eighth of the resolution; the middle two have a dilation of 2.

    Args:
        channels: the channels of all results.
        first: the channels of the input.
    """
    deep = (channels,) * 4
    return (
        make_block(*first, *deep[1:]),
        make_block(*deep, dilation=2),
        make_block(*deep, dilation=2),
        make_block(*deep),
    )


class ZhangNet(nn.Module):
    """The common part of both networks.

    Attributes:
        title: its name, for messages.
        model_out: the last layer, which always uses fp32.
    """

    title: str
    model_out: nn.Module

    def __init__(self) -> None:
        super().__init__()
        self.model4, self.model5, self.model6, self.model7 = make_middle(512, 256)

    def normalise(self, lightness: Tensor) -> Tensor:
        """Convert lightness, 0..100 in float32, to the network's range and type."""
        return ((lightness - 50) / 100).to(self.model4[0].weight.dtype)  # type: ignore[arg-type]

    def middle(self, x: Tensor) -> Tensor:
        """Run the blocks at an eighth of the resolution on (N, 256, H, W)."""
        return self.model7(self.model6(self.model5(self.model4(x))))


class Eccv16Net(ZhangNet):
    """ECCV16; the sides of its input are multiples of 8."""

    title = "ECCV16"

    def __init__(self) -> None:
        super().__init__()
        self.model1 = make_block(1, 64, 64, stride=2)
        self.model2 = make_block(64, 128, 128, stride=2)
        self.model3 = make_block(128, 256, 256, 256, stride=2)
        layers: list[nn.Module] = [_double(512, 256), nn.ReLU(inplace=True)]
        for _ in range(2):
            layers += [nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True)]
        self.model8 = nn.Sequential(*layers, nn.Conv2d(256, _COLOURS, 1))
        self.model_out = nn.Conv2d(_COLOURS, 2, 1, bias=False)

    def forward(self, lightness: Tensor) -> Tensor:
        """Turn lightness, (N, 1, H, W) float32 in 0..100, into a and b, (N, 2, H, W) float32."""
        x = self.model3(self.model2(self.model1(self.normalise(lightness))))
        likely = self.model8(self.middle(x)).float().softmax(1)
        ab = functional.interpolate(self.model_out(likely), scale_factor=4, mode="bilinear")
        return _LARGEST_AB * ab


class Siggraph17Net(ZhangNet):
    """SIGGRAPH17 without hints; the sides of its input are multiples of 8."""

    title = "SIGGRAPH17"

    def __init__(self) -> None:
        super().__init__()
        self.model1 = make_block(4, 64, 64)
        self.model2 = make_block(64, 128, 128)
        self.model3 = make_block(128, 256, 256, 256)
        self.model8up = nn.Sequential(_double(512, 256))
        self.model3short8 = nn.Sequential(nn.Conv2d(256, 256, 3, padding=1))
        self.model8 = nn.Sequential(nn.ReLU(inplace=True), *make_block(256, 256, 256))
        self.model9up = nn.Sequential(_double(256, 128))
        self.model2short9 = nn.Sequential(nn.Conv2d(128, 128, 3, padding=1))
        self.model9 = nn.Sequential(nn.ReLU(inplace=True), *make_block(128, 128))
        self.model10up = nn.Sequential(_double(128, 128))
        self.model1short10 = nn.Sequential(nn.Conv2d(64, 128, 3, padding=1))
        self.model10 = nn.Sequential(
            nn.ReLU(inplace=True), nn.Conv2d(128, 128, 3, padding=1), nn.LeakyReLU(0.2)
        )
        self.model_out = nn.Sequential(nn.Conv2d(128, 2, 1), nn.Tanh())

    def forward(self, lightness: Tensor) -> Tensor:
        """Turn lightness, (N, 1, H, W) float32 in 0..100, into a and b, (N, 2, H, W) float32."""
        # The other three channels of the input are hints, a and b with their mask, which are empty.
        given = functional.pad(self.normalise(lightness), (0, 0, 0, 0, 0, 3))
        whole = self.model1(given)
        half = self.model2(whole[..., ::2, ::2])
        quarter = self.model3(half[..., ::2, ::2])
        x = self.middle(quarter[..., ::2, ::2])
        x = self.model8(self.model8up(x) + self.model3short8(quarter))
        x = self.model9(self.model9up(x) + self.model2short9(half))
        x = self.model10(self.model10up(x) + self.model1short10(whole))
        return _LARGEST_AB * self.model_out(x.float())


UNUSED = ("model_class.",)
"""Prefixes of weights in the official file that are not needed: an output of SIGGRAPH17 that only
training uses."""


def choose_network(names: set[str]) -> type[Eccv16Net] | type[Siggraph17Net]:
    """Return the network that weights belong to, by their names."""
    return Siggraph17Net if "model8up.0.weight" in names else Eccv16Net


def move_network(network: ZhangNet, device: str, dtype: torch.dtype) -> ZhangNet:
    """Move a network to a device and type; its last layer stays fp32."""
    network.eval().to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.model_out.float()
    return network
