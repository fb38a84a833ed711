"""Count what a network does for a frame: floating-point operations, and bytes of memory.

counted = count_work(lambda: network(batch))
counted.flops, counted.bytes, counted.fused_bytes
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


@dataclass
class Work:
    """What a network does.

    Attributes:
        flops: floating-point operations; a multiplication and an addition are two.
        bytes: what all steps read and write.
        fused_bytes: the same if only convolutions and products of matrices read and write, and
            everything else is done on the way, as a compiler does at best.
    """

    flops: int = 0
    bytes: int = 0
    fused_bytes: int = 0


class _Counter(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.work = Work()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        kwargs = kwargs or {}
        if func._overloadpacket not in flop_registry:
            with self:  # in its parts, if it has any
                made = func.decompose(*args, **kwargs)
            if made is not NotImplemented:
                return made
        made = func(*args, **kwargs)
        if func.is_view:
            return made
        moved = sum(
            leaf.numel() * leaf.element_size()
            for leaf in tree_leaves((args, kwargs, made))
            if isinstance(leaf, torch.Tensor)
        )
        self.work.bytes += moved
        if counted := flop_registry.get(func._overloadpacket):
            self.work.flops += counted(*args, **kwargs, out_val=made)
            self.work.fused_bytes += moved
        return made


def count_work(run: Callable[[], object]) -> Work:
    """Count what a call of `run` does with tensors."""
    with torch.inference_mode(), _Counter() as counter:
        run()
    return counter.work
