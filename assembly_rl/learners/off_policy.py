"""SAC, TD3 and DDPG of stable-baselines3 with faster updates, replay buffer and action selection."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import stable_baselines3
import torch
from gymnasium.spaces.utils import flatdim
from stable_baselines3.common.noise import ActionNoise, NormalActionNoise
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.type_aliases import RolloutReturn
from stable_baselines3.common.vec_env import VecEnv

from assembly_rl.accelerators.capture import Captured, can_capture
from assembly_rl.accelerators.distributed import share
from assembly_rl.learners.acting import Actor, Array
from assembly_rl.learners.action_groups import ActionGroups, action_groups
from assembly_rl.learners.adam import Adam
from assembly_rl.learners.environments import Overlapped
from assembly_rl.learners.layers import actor_layers, actors_with_targets, in_heads
from assembly_rl.learners.networks import Flat, Heads, Network, size_of
from assembly_rl.learners.replay_buffer import PackedReplayBuffer
from assembly_rl.learners.symmetrization import Symmetrization
from assembly_rl.learners.symmetry import Augmentation
from assembly_rl.learners.updates import ActorLoss, Batch, Critics, SACUpdate, TD3Update

LOG_EVERY = 100
"""Updates between readings of the losses: each reading synchronises with the device."""

REFRESH_EVERY = 100
"""Updates between copies of the actor to the CPU, where it acts; unused if it learns on the CPU."""


def action_noise(environments: VecEnv, deviation: float) -> NormalActionNoise:
    """Create Gaussian exploration noise of equal standard deviation for all action components."""
    size = flatdim(environments.action_space)
    return NormalActionNoise(np.zeros(size), np.full(size, deviation))


class Learner(OffPolicyAlgorithm):
    """Common part of the algorithms: memory, the loop over updates, logging, and action selection.

    Policy, optimizers and replay buffer have the interface of stable-baselines3; their tensors are views of
    flat ones.

    Attributes:
        copying: Time spent assembling batches so far [s].
        learning: Time spent in updates, with those batches, so far [s].
        actor_rate: Factor on the actor's learning rate.
        noise_scale: Factor on the noise of the actions.
        group_random_actions: True if random actions before learning respect the policy's action groups.
        further_loss: Further loss of the actor; it takes effect at the next ``bind``.
        overlapped: True to update while the environments step, from the transitions before that step. The
            delay is fixed: the training does not depend on timing.
        symmetric_names: Names of the components of an observation, if batches are augmented by its
            symmetries; see ``symmetry``.
        symmetrized_names: Names of the components that the actor observes, if it is averaged over their
            symmetries; see ``symmetrization``.
        average: Exponential moving average of the actor's weights; None unless ``average_over`` was called.
    """

    copying = 0.0
    learning = 0.0
    actor_rate = 1.0
    noise_scale = 1.0
    group_random_actions = True
    further_loss: ActorLoss | None = None
    overlapped = False
    symmetric_names: tuple[str, ...] | None = None
    symmetrized_names: tuple[str, ...] | None = None
    average: torch.Tensor | None = None
    _averaging = 0.0
    _leaders: Array | None = None
    _overlapping: Overlapped | None = None
    _augmentation: Augmentation | None = None
    _update: Any = None
    _run_update: Any = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["replay_buffer_class"] = PackedReplayBuffer
        super().__init__(*arguments, **options)

    def bind(self) -> None:
        """Allocate memory anew: before the first update, and after a checkpoint has been loaded."""
        assert isinstance(self.replay_buffer, PackedReplayBuffer) and self.observation_space.shape is not None
        self._batch = Batch(
            self.batch_size,
            self.observation_space.shape[0],
            self.replay_buffer.action_dim,
            self.device,
            self.policy_kwargs.get("observed"),
        )
        names = self.symmetric_names
        self._augmentation = None if names is None else Augmentation(names, self._batch.whole)
        self.replay_buffer.refresh()
        network, self._update = self._make_update(self._batch)
        self._run_update = Captured(self._update, self.device) if can_capture(self.device) else self._update
        self._actor = Actor(network, self._symmetrization())
        self._actor_updates = 0
        self._actor_weights = network.flat.values
        if self.average is not None and self.num_timesteps == 0:
            self.average.copy_(self._actor_weights)
        elif self.average is not None:
            self._mask_average(network, self.average)

    @torch.no_grad()
    def _mask_average(self, network: Network, average: torch.Tensor) -> None:
        """Remove from the average what connections had before they were masked."""
        with self.averaged():
            for layer in network.layers:
                if layer.mask is not None:
                    layer.weight *= layer.mask
            average.copy_(self._actor_weights)

    def average_over(self, steps: int) -> None:
        """Maintain an exponential moving average of the actor's weights, which checkpoints include.

        Call it before the first step, and before a checkpoint is loaded.

        Args:
            steps: Time constant of the average in policy steps; 0 for no average.
        """
        if not steps:
            self.average = None
            return
        self._averaging = min(1.0, self.n_envs / steps)
        size = sum(parameter.numel() for parameter in self.actor.parameters())
        self.average = torch.zeros(size, device=self.device)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Give the actor its averaged weights, if any, within the context."""
        if self.average is None:
            yield
            return
        own = self._actor_weights.clone()
        self._actor_weights.copy_(self.average)
        try:
            yield
        finally:
            self._actor_weights.copy_(own)

    @torch.no_grad()
    def scale_actions(self, factor: float) -> None:
        """Multiply the actor's actions, before tanh, by a factor; those of its target and average, too.

        Args:
            factor: Factor on weights and bias of the output layer.
        """
        actors = actors_with_targets(self.policy)
        for actor in actors:
            actor.mean.weight.mul_(factor)
            actor.mean.bias.mul_(factor)
        if self.average is not None:
            with self.averaged():
                actors[0].mean.weight.mul_(factor)
                actors[0].mean.bias.mul_(factor)
                self.average.copy_(self._actor_weights)

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        states, variables = super()._get_torch_save_params()
        return states, variables if self.average is None else [*variables, "average"]

    def _make_update(self, batch: Batch) -> tuple[Network, Any]:
        raise NotImplementedError

    def _groups(self) -> ActionGroups | None:
        """Return the policy's action groups, and store them for action selection."""
        groups = action_groups(self.policy)
        self._leaders = None if groups is None else groups.leaders.cpu().numpy()
        return groups

    def _symmetrization(self) -> Symmetrization | None:
        names = self.symmetrized_names
        return None if names is None else Symmetrization(names, actor_layers(self.policy).log_std is not None)

    def _setup_learn(self, *arguments: Any, **options: Any) -> Any:
        result = super()._setup_learn(*arguments, **options)
        self.bind()
        return result

    def collect_rollouts(self, env: VecEnv, *arguments: Any, **options: Any) -> RolloutReturn:
        """Collect transitions; with ``overlapped`` the updates run while the environments step."""
        if self.overlapped:
            if self._overlapping is None or self._overlapping.venv is not env:
                self._overlapping = Overlapped(env, self._learn_meanwhile)
            env = self._overlapping
        return super().collect_rollouts(env, *arguments, **options)

    def _learn_meanwhile(self) -> None:
        if self.num_timesteps > max(self.learning_starts, 0):
            self._learn(self.gradient_steps)

    def train(self, gradient_steps: int, batch_size: int = 0) -> None:
        """Run gradient steps, with the batch size of the learner; ``batch_size`` is ignored.

        With ``overlapped`` they run in the next rollout instead.
        """
        if not self.overlapped:
            self._learn(gradient_steps)

    @torch.no_grad()
    def _learn(self, gradient_steps: int) -> None:
        if self._update is None:
            self.bind()
        assert isinstance(self.replay_buffer, PackedReplayBuffer)
        began = time.perf_counter()
        rates = self._learning_rates()
        for _ in range(gradient_steps):
            self._n_updates += 1
            begin = time.perf_counter()
            if self._augmentation is None:
                self.replay_buffer.gather(self._batch.whole)
            else:
                self.replay_buffer.gather(self._augmentation.drawn)
                self._augmentation()
            self.copying += time.perf_counter() - begin
            self._actor_updates += self._learn_once(rates)
            if self._n_updates % LOG_EVERY == 0:
                self._log()
            if self._n_updates % REFRESH_EVERY == 0:
                self._actor.refresh()
        if self.average is not None:
            self.average.lerp_(self._actor_weights, self._averaging)
        self.learning += time.perf_counter() - began

    def _learning_rates(self) -> tuple[float, float]:
        """Return the present learning rates of actor and critics."""
        policy: Any = self.policy
        optimizers = [policy.actor.optimizer, policy.critic.optimizer]
        self._update_learning_rate(optimizers)
        actor, critics = (float(optimizer.param_groups[0]["lr"]) for optimizer in optimizers)
        return self.actor_rate * actor, critics

    def _learn_once(self, rates: tuple[float, float]) -> bool:
        """Run one update, and return True if it included the actor."""
        raise NotImplementedError

    def _log(self) -> None:
        """Log the mean losses since the previous call."""
        rows, critics = self.batch_size, self._update.critics
        actor_loss, critic_loss = torch.stack((self._update.loss, critics.loss)).tolist()
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/critic_loss", critic_loss * critics.loss_scale / LOG_EVERY)
        if self._actor_updates:
            self.logger.record("train/actor_loss", actor_loss / rows / self._actor_updates)
        self._update.loss.zero_()
        critics.loss.zero_()
        self._actor_updates = 0

    def _sample_action(
        self, learning_starts: int, action_noise: ActionNoise | None = None, n_envs: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        if self.num_timesteps < learning_starts:
            return self._drawn(*super()._sample_action(learning_starts, action_noise, n_envs))
        assert isinstance(self._last_obs, np.ndarray)
        seen = self._last_obs[:, : self.policy_kwargs.get("observed")]
        actions = self._act(seen.astype(np.float32, copy=False))
        if action_noise is not None:
            noise = self.noise_scale * action_noise()
            actions = np.clip(
                actions + (noise if self._leaders is None else noise @ self._leaders.T), -1.0, 1.0
            )
        return self.policy.unscale_action(actions), actions

    def _drawn(self, actions: np.ndarray, scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return random actions; a group of components takes the value of its first one."""
        if self._leaders is None or not self.group_random_actions:
            return actions, scaled
        scaled = scaled @ self._leaders.T
        return self.policy.unscale_action(scaled), scaled

    def _act(self, observations: Array) -> Array:
        raise NotImplementedError


class SAC(Learner, stable_baselines3.SAC):
    """Soft actor-critic with a fixed entropy coefficient."""

    def __init__(self, *arguments: Any, ent_coef: float, **options: Any) -> None:
        super().__init__(*arguments, ent_coef=ent_coef, **options)

    def _make_update(self, batch: Batch) -> tuple[Network, SACUpdate]:
        actor = actor_layers(self.policy)
        layers: list[Heads] = [*in_heads([actor.hidden]), [actor.outputs]]
        network = _network(layers, self.device)
        adam = Adam(self.actor.optimizer, network.flat)
        critics, entropy = _critics(self, batch, 0.5), float(self.ent_coef)
        return network, SACUpdate(
            network, adam, critics, entropy, self._groups(), self.further_loss, self._symmetrization()
        )

    def _learn_once(self, rates: tuple[float, float]) -> bool:
        self._run_update(rates)
        return True

    def _act(self, observations: Array) -> Array:
        mean, log_std = np.split(self._actor(observations), 2, axis=1)
        noise = self.noise_scale * torch.empty(mean.shape).normal_().numpy()  # torch's generator, as in SB3
        if self._leaders is not None:
            noise = noise @ self._leaders.T
        return np.tanh(mean + np.exp(np.clip(log_std, -20.0, 2.0)) * noise)


class TD3(Learner, stable_baselines3.TD3):
    """Twin delayed DDPG."""

    def _make_update(self, batch: Batch) -> tuple[Network, TD3Update]:
        actor, target = (
            _network(in_heads([[*part.hidden, part.mean]]), self.device)
            for part in actors_with_targets(self.policy)
        )
        adam = Adam(self.actor.optimizer, actor.flat)
        noise = (self.target_policy_noise, self.target_noise_clip)
        critics, symmetrization = _critics(self, batch, 1.0), self._symmetrization()
        return actor, TD3Update(
            actor, target, adam, critics, *noise, self._groups(), self.further_loss, symmetrization
        )

    def _learn_once(self, rates: tuple[float, float]) -> bool:
        with_actor = self._n_updates % self.policy_delay == 0
        self._run_update(rates, with_actor)
        return with_actor

    def _act(self, observations: Array) -> Array:
        return np.tanh(self._actor(observations))


class DDPG(TD3, stable_baselines3.DDPG):
    """DDPG with a separate learning rate of the actor: with the critic's, Q diverges on this task."""

    actor_learning_rate: float

    def _update_learning_rate(
        self, optimizers: Sequence[torch.optim.Optimizer] | torch.optim.Optimizer
    ) -> None:
        super()._update_learning_rate(optimizers)  # type: ignore[arg-type]
        for group in self.actor.optimizer.param_groups:
            group["lr"] = self.actor_learning_rate


def _network(layers: list[Heads], device: torch.device) -> Network:
    network = Network(layers, Flat(size_of(layers), device))
    share(network.flat.values)
    return network


def _critics(model: Any, batch: Batch, scale: float) -> Critics:
    network, target = (
        _network(in_heads([list(net) for net in critic.q_networks]), model.device)
        for critic in (model.critic, model.critic_target)
    )
    adam = Adam(model.critic.optimizer, network.flat)
    return Critics(network, target, adam, batch, model.gamma, model.tau, scale)
