"""Policies whose critics see more than their actor."""

from typing import Any

from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import Tensor


class FirstComponents(BaseFeaturesExtractor):
    """Extractor of the first components of an observation.

    Args:
        space: Space of the observations.
        count: Number of components.
    """

    def __init__(self, space: spaces.Space[Any], count: int) -> None:
        super().__init__(space, count)
        self._count = count

    def forward(self, observations: Tensor) -> Tensor:
        """Return the first components."""
        return observations[..., : self._count]


class _ActorSeesFirst:
    """Mixin that gives the actor of a policy the first ``observed`` components of an observation."""

    observation_space: spaces.Space[Any]

    def __init__(self, *arguments: Any, observed: int, **options: Any) -> None:
        self._observed = observed
        super().__init__(*arguments, **options)

    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        """Create the actor."""
        first = features_extractor or FirstComponents(self.observation_space, self._observed)
        return super().make_actor(first)  # type: ignore[misc]


class AsymmetricSACPolicy(_ActorSeesFirst, SACPolicy):
    """Policy of SAC whose actor sees the first ``observed`` components of an observation."""


class AsymmetricTD3Policy(_ActorSeesFirst, TD3Policy):
    """Policy of TD3 and DDPG whose actor sees the first ``observed`` components of an observation."""
