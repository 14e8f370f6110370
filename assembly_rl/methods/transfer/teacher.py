"""Teacher of a distillation: a trained actor as a fixed torch module."""

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from assembly_rl.learners.actor import ActorWeights

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}


class Teacher(nn.Module):
    """Distribution of the actions of a trained actor.

    Args:
        actor: Weights of the actor.
    """

    log_std: nn.Module | None
    constant_log_std: Tensor | None

    def __init__(self, actor: ActorWeights) -> None:
        super().__init__()
        hidden: list[nn.Module] = []
        for weight, bias in actor.hidden:
            hidden += [_linear(weight, bias), ACTIVATIONS[actor.activation]()]
        self.hidden, self.mean = nn.Sequential(*hidden), _linear(*actor.mean)
        constant, layer = None, None
        if isinstance(actor.log_std, Tensor):
            constant = actor.log_std.detach().clone()
        elif actor.log_std is not None:
            layer = _linear(*actor.log_std)
        self.log_std = layer
        self.register_buffer("constant_log_std", constant)
        self.requires_grad_(False)

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return means and logarithms of standard deviations (rows, actions), before a tanh, if any.

        Args:
            observations: (rows, observations) observations.

        Returns:
            Means, and logarithms, which are None for a deterministic actor.
        """
        hidden = self.hidden(observations)
        mean = self.mean(hidden)
        if self.log_std is not None:
            return mean, self.log_std(hidden).clamp(-20.0, 2.0)
        return mean, None if self.constant_log_std is None else self.constant_log_std.expand_as(mean)


@torch.no_grad()
def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    """Build a linear layer without drawing random numbers."""
    own = skip_init(nn.Linear, weight.shape[1], weight.shape[0])
    own.weight.copy_(weight)
    own.bias.copy_(bias)
    return own
