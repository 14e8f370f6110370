"""Deterministic actor of a trained policy, without torch."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from assembly_rl.controllers.mlp import MLP
from assembly_rl.learners.layers import actor_layers
from assembly_rl.learners.symmetrization import Symmetrization

ACTIVATIONS: dict[type[nn.Module], str] = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.Identity: "identity"}


def extract_actor(policy: BasePolicy) -> MLP:
    """Copy the function that a policy computes when it acts deterministically, before the clip to [-1, 1].

    Args:
        policy: Policy of DDPG, TD3, SAC or PPO, with linear layers and known activations.

    Raises:
        TypeError: The policy is of another class, or an ``MLP`` cannot represent one of its layers.
    """
    actor = actor_layers(policy)
    modules = [*actor.body, actor.mean, nn.Tanh() if actor.squashed else nn.Identity()]
    layers = []
    for module, following in zip(modules, [*modules[1:], nn.Identity()], strict=True):
        if isinstance(module, nn.Linear):
            activation = nn.Identity if isinstance(following, nn.Linear) else type(following)
            if activation not in ACTIVATIONS:
                raise TypeError(f"no activation is known for {activation.__name__}")
            layers.append((_array(module.weight), _array(module.bias), ACTIVATIONS[activation]))
        elif type(module) not in ACTIVATIONS:
            raise TypeError(f"no layer is known for {type(module).__name__}")
    return MLP(layers)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().cpu().numpy().copy()


def require_readable(policy: BasePolicy) -> None:
    """Check that a policy can be read again from its weights alone.

    Raises:
        TypeError: Its class or its activations are not those that ``ActorWeights`` assumes.
    """
    own, read = (
        [layer[2] for layer in network.layers]
        for network in (extract_actor(policy), ActorWeights.from_state(policy.state_dict()).network())
    )
    if own != read:
        raise TypeError(
            f"the activations {own} of this {type(policy).__name__} cannot be seen in its weights, which are "
            f"read as {read}: keep the policy's defaults"
        )


@dataclass(frozen=True)
class ActorWeights:
    """Weights of an actor, read from a policy file.

    Attributes:
        hidden: Weight (outputs, inputs) and bias (outputs,) of each hidden layer.
        mean: Weight and bias of the output layer.
        log_std: Weight and bias of the layer of the logarithm of the standard deviation, or these logarithms
            (actions,) themselves; None for a deterministic actor.
        activation: Activation of the hidden layers, ``relu`` or ``tanh``.
        squashed: True if tanh follows the output layer.
    """

    hidden: list[tuple[Tensor, Tensor]]
    mean: tuple[Tensor, Tensor]
    log_std: tuple[Tensor, Tensor] | Tensor | None
    activation: str
    squashed: bool

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> "ActorWeights":
        """Extract the actor from the state of a policy of DDPG, TD3, SAC or PPO.

        Args:
            state: Tensors by their names in stable-baselines3.

        Raises:
            TypeError: The names belong to another kind of policy.
        """

        def layer(name: str) -> tuple[Tensor, Tensor]:
            return state[f"{name}.weight"], state[f"{name}.bias"]

        def stack(start: str) -> list[tuple[Tensor, Tensor]]:
            pattern = re.compile(rf"{re.escape(start)}\.(\d+)\.weight")
            numbers = sorted(int(found[1]) for name in state if (found := pattern.fullmatch(name)))
            return [layer(f"{start}.{number}") for number in numbers]

        if "actor.mu.weight" in state:
            hidden, log_std = stack("actor.latent_pi"), layer("actor.log_std")
            return cls(hidden, layer("actor.mu"), log_std, "relu", True)
        if "action_net.weight" in state:
            hidden = stack("mlp_extractor.policy_net")
            return cls(hidden, layer("action_net"), state["log_std"], "tanh", False)
        layers = stack("actor.mu")
        if not layers:
            raise TypeError(f"no actor is known in a policy with {', '.join(sorted(state)[:3])}, ...")
        return cls(layers[:-1], layers[-1], None, "relu", True)

    def symmetrized(self, names: Sequence[str]) -> "ActorWeights":
        """Return the average of the actor over the symmetries: its networks of all views side by side.

        Args:
            names: Names of the components of an observation.

        Raises:
            ValueError: It is not known how a component of the observation changes.
        """
        own = Symmetrization(names, stochastic=False)
        weight, bias = self.hidden[0]
        width = weight.shape[1]
        first = torch.zeros(own.views, *weight.shape)
        columns, signs = (torch.from_numpy(array).view(-1, width) for array in (own.source, own.signs))
        first.scatter_(2, columns[:, None].expand_as(first), weight * signs[:, None])
        hidden = [(first.flatten(0, 1), bias.tile(own.views))]
        hidden += [(torch.block_diag(*[w] * own.views), b.tile(own.views)) for w, b in self.hidden[1:]]
        average = torch.from_numpy(own.average).view(own.views, -1, own.average.shape[1])

        def averaged(layer: tuple[Tensor, Tensor], back: Tensor) -> tuple[Tensor, Tensor]:
            weight, bias = layer
            return torch.einsum("vij,ih->jvh", back, weight).flatten(1), torch.einsum("vij,i->j", back, bias)

        log_std = self.log_std
        if isinstance(log_std, tuple):
            log_std = averaged(log_std, average.abs())
        return replace(self, hidden=hidden, mean=averaged(self.mean, average), log_std=log_std)

    def network(self) -> MLP:
        """Return the function that the policy computes when it acts deterministically, before the clip."""
        layers = [(_array(weight), _array(bias), self.activation) for weight, bias in self.hidden]
        weight, bias = self.mean
        return MLP([*layers, (_array(weight), _array(bias), "tanh" if self.squashed else "identity")])
