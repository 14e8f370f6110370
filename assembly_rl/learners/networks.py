"""Networks with explicit backpropagation: a few large operators on preallocated memory, for any device.

All parameters of an optimizer are views of one flat tensor: an update by Adam or of a target network is one
operator over all parameters. The ``torch.nn`` modules remain; their parameters become views.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from assembly_rl.learners.action_groups import group_sum_of
from assembly_rl.learners.masks import mask_of

Heads = Sequence[Sequence[nn.Linear]]
"""Linear modules of one layer, for each head those whose outputs are concatenated."""

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]

LARGEST = torch.finfo(torch.float32).max


class Flat:
    """Flat tensors of all parameters of a network and of their gradients.

    Args:
        size: Number of parameters.
        device: Device of the tensors.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        self.values = torch.zeros(size, device=device)
        self.gradients = torch.zeros_like(self.values)
        self._used = 0

    def take(self, *shape: int) -> tuple[Tensor, Tensor]:
        """Return the next part of the values and of the gradients, as views of a shape."""
        start, self._used = self._used, self._used + torch.Size(shape).numel()
        values, gradients = (whole[start : self._used] for whole in (self.values, self.gradients))
        return values.view(shape), gradients.view(shape)


@dataclass
class Layer:
    """Linear layer of several heads: weight (heads, outputs, inputs), bias (heads, 1, outputs).

    Weights whose ``mask`` is zero are zero and stay zero. A symmetric ``group_sum`` (outputs, outputs)
    multiplies the gradients of weights and biases, so that the outputs of a group learn as one.
    """

    weight: Tensor
    bias: Tensor
    weight_gradient: Tensor
    bias_gradient: Tensor
    mask: Tensor | None = None
    group_sum: Tensor | None = None

    def only(self, heads: slice) -> "Layer":
        """Return the layer restricted to some of its heads, with the same parameters."""
        mask = None if self.mask is None else self.mask[heads]
        parts = (self.weight[heads], self.bias[heads])
        return Layer(*parts, self.weight_gradient[heads], self.bias_gradient[heads], mask, self.group_sum)


class Network:
    """Multilayer perceptron with one or more heads side by side, ReLU between its layers.

    Heads share only the input: the two critics of TD3 are one network with two heads.

    Args:
        layers: Modules of each layer; their parameters become views of ``flat``. Their masks and action
            groups are respected; see ``masks`` and ``action_groups``.
        flat: Memory for the parameters.
    """

    def __init__(self, layers: Sequence[Heads], flat: Flat) -> None:
        self.heads = len(layers[0])
        self.flat = flat
        self.layers = [_layer(heads, flat) for heads in layers]

    def only(self, head: int) -> "Network":
        """Return the network restricted to one of its heads, with the same parameters."""
        part = slice(head, head + 1)
        single = object.__new__(Network)
        single.heads, single.flat = 1, self.flat
        single.layers = [layer.only(part) for layer in self.layers]
        return single


class Pass:
    """Forward and backward pass of a fixed input through a network, on preallocated memory.

    Args:
        network: Network.
        inputs: (rows, inputs) tensor, read at every call.
        learns: Number of first rows that contribute to the gradients of the parameters.
        through: Columns of the inputs whose gradients are computed, from all rows.

    Attributes:
        outputs: (heads, rows, outputs) result of ``forward``.
        slope: (heads, rows, outputs) input of ``backward``: gradient of the loss by the outputs.
        input_slope: (rows, columns) result of ``backward``: gradient of the loss by the inputs.
    """

    def __init__(
        self, network: Network, inputs: Tensor, learns: int = 0, through: slice | None = None
    ) -> None:
        self.network = network
        rows, heads = len(inputs), network.heads
        sizes = [(heads, rows, layer.weight.shape[1]) for layer in network.layers]
        values = [inputs.new_empty(size) for size in sizes]
        self.outputs = values[-1]
        self._forward: list[Call] = []
        shared = inputs[None].expand(heads, -1, -1)
        for number, layer in enumerate(network.layers):
            before = values[number - 1] if number else shared
            self._forward += _affine(layer, before, values[number], number < len(sizes) - 1)
        back = learns or rows
        slopes = [inputs.new_zeros(heads, back, size[2]) for size in sizes]
        self.slope = slopes[-1]
        self.input_slope = inputs.new_empty(0)
        self._backward: list[Call] = []
        for number in range(len(sizes) - 1, -1, -1):
            layer, slope = network.layers[number], slopes[number]
            before = (values[number - 1] if number else shared)[:, :back]
            if learns:
                self._backward += _gradients(layer, before, slope)
            if number:
                self._backward += _product(slope, layer.weight, slopes[number - 1])
                below = slopes[number - 1]
                # ReLU's gradient; threshold_backward with an output has no kernel on NPUs.
                gate = torch.ops.aten.hardtanh_backward.grad_input
                self._backward.append((gate, (below, before, 0.0, LARGEST), {"grad_input": below}))
        if through is not None:
            self._lead_to_inputs(network.layers[0].weight[:, :, through], slopes[0])

    def _lead_to_inputs(self, weight: Tensor, slope: Tensor) -> None:
        of_heads = slope.new_empty(*slope.shape[:2], weight.shape[2])
        self._backward += _product(slope, weight, of_heads)
        self.input_slope = of_heads[0]
        if len(of_heads) > 1:
            self.input_slope = torch.empty_like(of_heads[0])
            self._backward.append((torch.sum, (of_heads, 0), {"out": self.input_slope}))

    def forward(self) -> Tensor:
        """Compute the outputs for the present inputs; they are valid until the next call."""
        for function, arguments, options in self._forward:
            function(*arguments, **options)
        return self.outputs

    def backward(self) -> None:
        """Overwrite the gradients with those from ``slope``; call it right after ``forward``."""
        for function, arguments, options in self._backward:
            function(*arguments, **options)


def _affine(layer: Layer, before: Tensor, out: Tensor, rectified: bool) -> list[Call]:
    if _is_wide(layer.weight):
        how = "relu" if rectified else "none"
        parts = zip(before, layer.weight, layer.bias, out, strict=True)
        return [(_one_dnn, (x, weight, bias[0], how, to), {}) for x, weight, bias, to in parts]
    if len(out) == 1:
        arguments = layer.bias[0], before[0], layer.weight[0].t()
        call: Call = torch.addmm, arguments, {"out": out[0]}
    else:
        call = torch.baddbmm, (layer.bias, before, layer.weight.transpose(1, 2)), {"out": out}
    return [call, (torch.relu_, (out,), {})] if rectified else [call]


def _product(left: Tensor, right: Tensor, out: Tensor) -> list[Call]:
    if _is_wide(right) and _is_wide(left) and right[0].is_contiguous():  # else oneDNN has no fast kernel
        parts = zip(left, right, out, strict=True)
        return [(_one_dnn, (a, b.t(), None, "none", to), {}) for a, b, to in parts]
    if len(out) == 1:
        return [(torch.mm, (left[0], right[0]), {"out": out[0]})]
    return [(torch.bmm, (left, right), {"out": out})]


def _gradients(layer: Layer, before: Tensor, slope: Tensor) -> list[Call]:
    bias: Call = torch.sum, (slope, 1, True), {"out": layer.bias_gradient}
    calls = [bias, *_product(slope.transpose(1, 2), before, layer.weight_gradient)]
    if layer.mask is not None:
        calls.append((layer.weight_gradient.mul_, (layer.mask,), {}))
    if layer.group_sum is not None:
        of_weight, of_bias = layer.weight_gradient[0], layer.bias_gradient[0]
        for gradient, factors in (
            (of_weight, (layer.group_sum, of_weight)),
            (of_bias, (of_bias, layer.group_sum)),
        ):
            summed = torch.empty_like(gradient)
            calls += [(torch.mm, factors, {"out": summed}), (gradient.copy_, (summed,), {})]
    return calls


@cache
def one_dnn_width() -> int | None:
    """Return the least width at which oneDNN's matrix product is faster than the BLAS's on this CPU.

    With AVX-512 that is 128, where it is 1.6 times as fast (2.1 times at 256). CPUs that have AMX, too, are
    slower by it at 128 (0.7 times) and faster at 256 (1.6 times). None without AVX-512.
    """
    capability = torch.backends.cpu.get_cpu_capability()
    if not (torch.backends.mkldnn.is_available() and capability.startswith("AVX512")):
        return None
    return 256 if torch.cpu._is_amx_tile_supported() else 128


def _is_wide(matrix: Tensor) -> bool:
    width = one_dnn_width()
    return width is not None and matrix.device.type == "cpu" and min(matrix.shape[1:]) >= width


def _one_dnn(inputs: Tensor, weight: Tensor, bias: Tensor | None, activation: str, out: Tensor) -> None:
    """Compute out = activation(inputs @ weight^T + bias)."""
    out.copy_(torch.ops.mkldnn._linear_pointwise(inputs, weight, bias, activation, [], ""))


def _layer(heads: Heads, flat: Flat) -> Layer:
    outputs = sum(module.out_features for module in heads[0])
    inputs = heads[0][0].in_features
    weight, weight_gradient = flat.take(len(heads), outputs, inputs)
    bias, bias_gradient = flat.take(len(heads), 1, outputs)
    for head, modules in enumerate(heads):
        start = 0
        for module in modules:
            rows = slice(start, start + module.out_features)
            for parameter, view, gradient in (
                (module.weight, weight[head, rows], weight_gradient[head, rows]),
                (module.bias, bias[head, 0, rows], bias_gradient[head, 0, rows]),
            ):
                view.copy_(parameter.detach())
                parameter.data = view
                parameter.grad = gradient
            start = rows.stop
    modules = [module for of in heads for module in of]
    layer = Layer(weight, bias, weight_gradient, bias_gradient)
    sums = [group_sum_of(module) for module in heads[0]]
    if sums[0] is not None:
        layer.group_sum = torch.block_diag(*sums)
    masks = [mask_of(module) for module in modules]
    if all(mask is None for mask in masks):
        return layer
    full = [
        torch.ones_like(module.weight) if mask is None else mask
        for module, mask in zip(modules, masks, strict=True)
    ]
    layer.mask = torch.cat(full).to(weight).view_as(weight)
    weight *= layer.mask
    return layer


def size_of(layers: Sequence[Heads]) -> int:
    """Return the number of parameters of a network."""
    modules = [module for heads in layers for of in heads for module in of]
    return sum(parameter.numel() for module in modules for parameter in module.parameters())
