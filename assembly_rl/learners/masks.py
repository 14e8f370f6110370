"""Masked linear layers: the weights of removed connections are zero and stay zero."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

BUFFER = "mask"
"""Name of a layer's buffer for its mask; part of the checkpoint format."""


def mask_of(layer: nn.Module) -> Tensor | None:
    """Return a layer's mask, of the shape of its weight; None if all connections exist."""
    return layer._buffers.get(BUFFER)


def set_masks(layers: Sequence[nn.Linear], masks: Sequence[Tensor]) -> None:
    """Keep the connections where a mask is one, and set the other weights to zero.

    Args:
        layers: Linear layers.
        masks: Mask of each layer, of the shape of its weight.
    """
    for layer, values in zip(layers, masks, strict=True):
        own = mask_of(layer)
        if own is None:
            own = values.to(layer.weight.device)
            layer.register_buffer(BUFFER, own)
            _mask_gradients(layer)
        else:
            own.copy_(values)
        with torch.no_grad():
            layer.weight *= own


def mask_momentum(policy: nn.Module, optimizers: Sequence[Optimizer]) -> None:
    """Clear the optimizers' momentum of masked weights, which would otherwise move them from zero."""
    masked = {
        module.weight: mask
        for module in policy.modules()
        if isinstance(module, nn.Linear) and (mask := mask_of(module)) is not None
    }
    for optimizer in optimizers:
        for parameter, state in optimizer.state.items():
            if parameter in masked and "exp_avg" in state:
                state["exp_avg"] *= masked[parameter]


def _mask_gradients(layer: nn.Linear) -> None:
    """Mask the gradients of a layer that learns by autograd."""
    layer.weight.register_hook(lambda gradient: gradient * layer.mask)
