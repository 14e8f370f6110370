"""Kernels of an update, recorded while it runs, with their arithmetic and memory traffic."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

FREE = {
    "_unsafe_view", "alias", "as_strided", "detach", "empty", "expand", "new_empty", "permute", "resize_",
    "select", "slice", "split", "split_with_sizes", "squeeze", "t", "transpose", "unbind", "unsqueeze",
    "view",
}  # fmt: skip
"""Operators without arithmetic or memory traffic."""

COSTLY = {"exp", "log", "log_", "normal_", "sqrt", "tanh", "tanh_", "tanh_backward", "_fused_adam_"}
"""Elementwise operators whose time is bound by arithmetic, not by memory."""

MATRIX = {"mm": 0, "addmm": 1, "bmm": 0, "baddbmm": 1, "_linear_pointwise": 0}
"""Matrix product -> position of the left factor among its arguments."""


@dataclass(frozen=True)
class Kernel:
    """Operator on the device.

    Attributes:
        name: Name of the operator.
        kind: ``matrix``, ``wide`` (oneDNN's matrix product), ``costly`` or ``vector``.
        flops: Floating-point operations; one per element for an operator that is no matrix product.
        bytes: Bytes read and written.
    """

    name: str
    kind: str
    flops: float
    bytes: float


class Recorder(TorchDispatchMode):
    """Context that records the kernels run within it.

    Attributes:
        kernels: Recorded kernels, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kernels: list[Kernel] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator and record it."""
        options = kwargs or {}
        result = function(*args, **options)
        name = function.overloadpacket.__name__
        if name not in FREE:
            tensors = [*_tensors(args), *_tensors(options.values()), *_tensors((result,))]
            distinct = {(tensor.data_ptr(), tensor.shape): tensor for tensor in tensors}.values()
            traffic = float(sum(tensor.numel() * tensor.element_size() for tensor in distinct))
            self.kernels.append(Kernel(name, _kind(name), _flops(name, args, tensors), traffic))
        return result


def record(function: Callable[[], Any]) -> list[Kernel]:
    """Return the kernels of one call."""
    with Recorder() as recorder:
        function()
    return recorder.kernels


def _kind(name: str) -> str:
    if name == "_linear_pointwise":
        return "wide"
    if name in MATRIX:
        return "matrix"
    return "costly" if name in COSTLY else "vector"


def _flops(name: str, args: Any, tensors: list[Tensor]) -> float:
    if name not in MATRIX:
        return float(max((tensor.numel() for tensor in tensors), default=0))
    left, right = args[MATRIX[name]], args[MATRIX[name] + 1]
    columns = right.shape[0] if name == "_linear_pointwise" else right.shape[-1]
    return 2.0 * prod(left.shape) * columns


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
