"""Updates of SAC, TD3 and DDPG with explicit backpropagation.

The formulas are those of stable-baselines3 2.9, with the same numerical results. An update has no loop over
parameters, hardly allocates memory, and never synchronises with the device.
"""

from math import log, pi
from typing import Protocol

import torch
from torch import Tensor

from assembly_rl.learners.action_groups import ActionGroups
from assembly_rl.learners.adam import Adam
from assembly_rl.learners.networks import Network, Pass
from assembly_rl.learners.symmetrization import Symmetrization, pass_of

LOG_STD_MIN, LOG_STD_MAX = -20.0, 2.0
EPSILON = 1e-6
"""Offset that keeps the logarithm in the density of a squashed Gaussian finite."""


class Batch:
    """Batch of transitions, and the network inputs made from it.

    Args:
        rows: Number of transitions.
        observations: Number of components of an observation.
        actions: Number of components of an action.
        device: Device of the batch.
        observed: Number of first components of an observation that the actor sees; by default all.
    """

    def __init__(
        self, rows: int, observations: int, actions: int, device: torch.device, observed: int | None = None
    ) -> None:
        first, second = observations, observations + actions
        third = second + observations
        self.rows, self.actions = rows, actions
        self.action = slice(first, second)  # columns of an action beside an observation
        self.whole = torch.zeros(rows, third + 3, device=device)
        self.observations, self.next_observations = self.whole[:, :first], self.whole[:, second:third]
        self.observed, self.next_observed = (
            own[:, :observed] for own in (self.observations, self.next_observations)
        )
        self.observed_actions = self.whole[:, :second]
        self.rewards, self.dones, self.timeouts = self.whole[:, third:].split(1, dim=1)

    def beside_action(self, observations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Allocate memory for observations and other actions; return all of it, and views of both parts."""
        whole = torch.zeros_like(self.whole[:, : self.action.stop])
        return whole, whole[:, : self.action.start], whole[:, self.action]

    def returns(self, values: Tensor, gamma: float) -> Tensor:
        """Return reward plus discounted next value (rows, 1); a truncated episode is not terminal."""
        goes_on = torch.addcmul(1.0 - self.dones, self.dones, self.timeouts)
        return torch.addcmul(self.rewards, goes_on, values, value=gamma)


class Critics:
    """Critics and their target networks.

    Args:
        network: Network with one head for each critic; its inputs are observation and action.
        target: Target network of the critics.
        adam: Optimizer of the critics.
        batch: Batch of transitions.
        gamma: Discount factor per policy step.
        tau: Coefficient of the soft update of the targets.
        scale: Factor of the loss on the mean squared error, summed over critics.

    Attributes:
        loss: Sum of the squared errors so far; ``loss_scale`` times that of a batch is its loss.
    """

    def __init__(
        self,
        network: Network,
        target: Network,
        adam: Adam,
        batch: Batch,
        gamma: float,
        tau: float,
        scale: float,
    ) -> None:
        self.network, self.adam, self.batch, self.gamma, self.tau = network, adam, batch, gamma, tau
        self.targets = (target.flat.values, network.flat.values)
        self.next_input, self._next_observations, self.next_actions = batch.beside_action(
            batch.next_observations
        )
        self._next = Pass(target, self.next_input)
        self._now = Pass(network, batch.observed_actions, learns=batch.rows)
        self.loss_scale, self._slope_scale = scale / batch.rows, 2.0 * scale / batch.rows
        self.loss = torch.zeros((), device=batch.whole.device)

    def next_values(self) -> Tensor:
        """Return the least of the target values (rows, 1) at ``next_actions``."""
        self._next_observations.copy_(self.batch.next_observations)
        return self._next.forward().amin(0)

    def learn(self, values: Tensor, learning_rate: float) -> None:
        """Take a gradient step towards rewards plus discounted next values."""
        slope = self._now.slope
        torch.sub(self._now.forward(), self.batch.returns(values, self.gamma), out=slope)
        error = slope.view(-1)
        self.loss += torch.dot(error, error)
        slope *= self._slope_scale
        self._now.backward()
        self.adam.step(learning_rate)

    def follow(self) -> None:
        """Update the targets towards the critics."""
        self.targets[0].lerp_(self.targets[1], self.tau)


class ActorLoss(Protocol):
    """Further loss of an actor besides that of its critics; its tensors are changed in place.

    Attributes:
        critic_weight: () factor on the actor's loss from the critics.
    """

    critic_weight: Tensor

    def action_gradient(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Return the gradient (rows, actions) by the actions of a deterministic actor."""

    def gaussian_gradients(
        self, observations: Tensor, mean: Tensor, log_std: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the gradients (rows, actions) by mean and log_std of a Gaussian before tanh."""


class SACUpdate:
    """Soft actor-critic with a fixed entropy coefficient.

    Args:
        actor: Actor; its outputs are means, then logarithms of standard deviations.
        adam: Optimizer of the actor.
        critics: Critics.
        entropy: Entropy coefficient.
        groups: Groups of action components; by default the components are independent.
        further: Further loss of the actor; by default there is none.
        symmetrization: Symmetries over which the actor is averaged; by default it is not.

    Attributes:
        loss: Sum of the actor's losses so far, over all rows.
    """

    def __init__(
        self,
        actor: Network,
        adam: Adam,
        critics: Critics,
        entropy: float,
        groups: ActionGroups | None = None,
        further: ActorLoss | None = None,
        symmetrization: Symmetrization | None = None,
    ) -> None:
        batch, self._further = critics.batch, further
        rows, width = batch.rows, batch.actions
        self.adam, self.critics, self.entropy, self.groups = adam, critics, entropy, groups
        empty = batch.whole.new_zeros
        both = empty(2 * rows, batch.observed.shape[1])
        self._observations = [(both[:rows], batch.observed), (both[rows:], batch.next_observed)]
        self._actor = pass_of(symmetrization, actor, both, learns=rows)
        self._means, self._raw = self._actor.outputs[0].split(width, dim=1)
        self._slopes = self._actor.slope[0].split(width, dim=1)
        own, own_observations, self._own_actions = batch.beside_action(batch.observations)
        self._observations.append((own_observations, batch.observations))
        self._critic = Pass(critics.network, own, through=batch.action)
        self._noise, self._actions = empty(2 * rows, width), empty(2 * rows, width)
        self._noises = self._noise.split(rows)  # drawn one by one, present then next, as in stable-baselines3
        self._normaliser = 0.5 * width * log(2.0 * pi)
        self.loss = empty(())

    def __call__(self, learning_rates: tuple[float, float]) -> None:
        """Run one update with the learning rates of actor and critics."""
        critics, entropy, rows, groups = self.critics, self.entropy, self.critics.batch.rows, self.groups
        for inputs, observations in self._observations:
            inputs.copy_(observations)
        self._actor.forward()
        log_std = self._raw.clamp(LOG_STD_MIN, LOG_STD_MAX)
        for noise in self._noises:
            noise.normal_()
        if groups is not None:
            self._noise.copy_(self._noise @ groups.leaders.t())
        spread = log_std.exp().mul_(self._noise)
        actions = torch.add(self._means, spread, out=self._actions).tanh_()
        rest = torch.mul(actions, actions).neg_().add_(1.0)
        density = torch.addcmul(log_std, self._noise, self._noise, value=0.5).add_((rest + EPSILON).log_())
        # Minus the logarithm of the density, with one component for each group.
        if groups is None:
            cost = density.sum(1, keepdim=True).add_(self._normaliser)
        else:
            cost = density.add_(self._normaliser / critics.batch.actions) @ groups.shares

        critics.next_actions.copy_(actions[rows:])
        critics.learn(critics.next_values().add_(cost[rows:], alpha=entropy), learning_rates[1])

        own, rest = actions[:rows], rest[:rows]
        self._own_actions.copy_(own)
        values = self._critic.forward()
        least, which = values.min(0, keepdim=True)
        self.loss -= torch.add(least[0], cost[:rows], alpha=entropy).sum()
        self._critic.slope.zero_().scatter_(0, which, -1.0 / rows)
        self._critic.backward()
        # Gradient by the actions, through the critic and the logarithm of 1 - tanh^2; then through tanh.
        slope = self._critic.input_slope
        shared = own if groups is None else own * groups.shares.t()
        slope = slope.addcdiv_(shared, rest + EPSILON, value=2.0 * entropy / rows).mul_(rest)
        by_mean, by_log_std = self._slopes
        by_mean.copy_(slope)
        slope = slope.mul_(spread[:rows]).sub_(
            entropy / rows if groups is None else entropy / rows * groups.shares.t()
        )
        cut_off = self._raw[:rows].ne(log_std[:rows])
        by_log_std.copy_(slope)
        if self._further is not None:
            added = self._further.gaussian_gradients(
                critics.batch.observed, self._means[:rows], log_std[:rows]
            )
            for own, gradient in zip(self._slopes, added, strict=True):
                own.mul_(self._further.critic_weight).add_(gradient)
        if groups is not None:
            by_mean.addmm_(self._means[:rows], groups.penalty, alpha=1.0 / rows)
        by_log_std.masked_fill_(cut_off, 0.0)
        self._actor.backward()
        self.adam.step(learning_rates[0])
        critics.follow()


class TD3Update:
    """Twin delayed DDPG; with one critic, no delay and no target noise it is DDPG.

    Args:
        actor: Actor; its outputs are actions before tanh.
        target: Target network of the actor.
        adam: Optimizer of the actor.
        critics: Critics.
        noise: Standard deviation of the noise on the target action.
        clip: Bound of that noise.
        groups: Groups of action components; by default the components are independent.
        further: Further loss of the actor; by default there is none.
        symmetrization: Symmetries over which the actor is averaged; by default it is not.

    Attributes:
        loss: Sum of the actor's losses so far, over all rows.
    """

    def __init__(
        self,
        actor: Network,
        target: Network,
        adam: Adam,
        critics: Critics,
        noise: float,
        clip: float,
        groups: ActionGroups | None = None,
        further: ActorLoss | None = None,
        symmetrization: Symmetrization | None = None,
    ) -> None:
        batch, self._further = critics.batch, further
        self.adam, self.critics = adam, critics
        self._targets = (target.flat.values, actor.flat.values)
        self._next = pass_of(symmetrization, target, batch.next_observed)
        (self._next_actions,) = self._next.outputs
        self._own = pass_of(symmetrization, actor, batch.observed, learns=batch.rows)
        (self._actions,), (self._slope,) = self._own.outputs, self._own.slope
        inputs, self._observations, self._own_actions = batch.beside_action(batch.observations)
        self._critic = Pass(critics.network.only(0), inputs, through=batch.action)
        self._critic.slope.fill_(-1.0 / batch.rows)
        self._noise = torch.zeros_like(critics.next_actions)
        self._scale, self._clip, self._groups = noise, clip, groups
        self.loss = batch.whole.new_zeros(())

    def __call__(self, learning_rates: tuple[float, float], with_actor: bool) -> None:
        """Update the critics, and with ``with_actor`` the actor and all targets.

        Args:
            learning_rates: Learning rates of actor and critics.
            with_actor: True if the actor's update is due.
        """
        critics = self.critics
        self._next.forward()
        noise = self._noise.normal_(0.0, self._scale).clamp_(-self._clip, self._clip)
        if self._groups is not None:
            noise.copy_(noise @ self._groups.leaders.t())
        torch.add(self._next_actions.tanh(), noise, out=noise)
        critics.next_actions.copy_(noise.clamp_(-1.0, 1.0))
        critics.learn(critics.next_values(), learning_rates[1])
        if not with_actor:
            return

        self._own.forward()
        actions = self._actions.tanh()
        self._own_actions.copy_(actions)
        self._observations.copy_(critics.batch.observations)
        self.loss -= self._critic.forward().sum()
        self._critic.backward()
        slope = self._critic.input_slope
        if self._further is not None:
            slope.mul_(self._further.critic_weight).add_(
                self._further.action_gradient(critics.batch.observed, actions)
            )
        torch.addcmul(slope, slope * actions, actions, value=-1.0, out=slope)
        self._slope.copy_(slope)
        if self._groups is not None:
            self._slope.addmm_(self._actions, self._groups.penalty, alpha=1.0 / len(actions))
        self._own.backward()
        self.adam.step(learning_rates[0])
        critics.follow()
        self._targets[0].lerp_(self._targets[1], critics.tau)
