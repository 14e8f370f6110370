"""Replay buffer in one block of memory, so that a batch is one gather and one copy."""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer
from torch import Tensor

from assembly_rl.controllers.validation import InputError


class PackedReplayBuffer(ReplayBuffer):
    """Replay buffer of stable-baselines3 whose arrays are columns of one float32 array.

    A row is observation, action, next observation, reward, done and timeout. Batches are drawn with numpy's
    global generator, as in stable-baselines3.

    Args:
        buffer_size: Capacity in transitions.
        observation_space: Flat box.
        action_space: Flat box.
        device: Device of the batches; a device other than the CPU also holds a copy of the buffer.
        n_envs: Number of environments.
        **options: Options of the replay buffer, with their default values only.

    Attributes:
        prior_size: Number of first transitions that are prior data; see ``keep_as_prior_data``.
    """

    prior_size = 0

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        device: torch.device | str = "auto",
        n_envs: int = 1,
        **options: Any,
    ) -> None:
        super().__init__(1, observation_space, action_space, device, n_envs, **options)
        if len(self.obs_shape) != 1 or self.optimize_memory_usage:
            raise InputError("the packed replay buffer holds flat observations, each twice")
        self.buffer_size = max(buffer_size // n_envs, 1)
        width, actions = self.obs_shape[0], self.action_dim
        self.columns = (width, width + actions, 2 * width + actions)
        memory = torch.zeros(self.buffer_size, n_envs, self.columns[2] + 3)
        if self.device.type != "cpu":
            memory = memory.pin_memory()  # copies from it do not synchronise with the device
        rows = memory.numpy()
        first, second, third = self.columns
        self.observations, self.actions = rows[..., :first], rows[..., first:second]
        self.next_observations = rows[..., second:third]
        self.rewards, self.dones, self.timeouts = (rows[..., third + k] for k in range(3))
        self._host = torch.from_numpy(rows).view(-1, rows.shape[-1])
        self._near = self._host  # where batches are gathered from
        if self.device.type != "cpu":
            self._near = self._host.to(self.device)
        self._copied = 0  # position up to which the device has the rows

    def refresh(self) -> None:
        """Copy all rows to the device, after they have been loaded."""
        if self._near is not self._host:
            self._near.copy_(self._host)
        self._copied = self.pos

    def keep_as_prior_data(self) -> None:
        """Draw half of each batch from the present transitions, the other half from those still to come.

        This holds until the buffer is full. Only the latest present transitions are kept, at most half a
        buffer. Source of the equal halves: P. J. Ball et al., "Efficient online reinforcement learning with
        offline data", 2023.
        """
        kept = min(self.size(), self.buffer_size // 2)
        rows = self._host.view(self.buffer_size, self.n_envs, -1)
        rows[:kept] = rows[torch.arange(self.pos - kept, self.pos) % self.buffer_size]
        self.pos, self.full, self.prior_size = kept, False, kept
        self.refresh()

    def gather(self, batch: Tensor) -> None:
        """Fill a batch (rows, columns) on the device with random transitions."""
        self._catch_up()
        if 0 < self.prior_size < self.pos and not self.full:
            half = len(batch) // 2
            rows = np.random.randint(self.prior_size, self.pos, size=len(batch))
            rows[:half] = np.random.randint(0, self.prior_size, size=half)
        else:
            rows = np.random.randint(0, self.size(), size=len(batch))
        rows = rows * self.n_envs + np.random.randint(0, high=self.n_envs, size=len(batch))
        chosen = torch.from_numpy(rows)
        if self._near is not self._host:
            chosen = chosen.pin_memory().to(self.device, non_blocking=True)
        torch.index_select(self._near, 0, chosen, out=batch)

    def _catch_up(self) -> None:
        """Copy the rows that are new since the last batch."""
        if self._near is self._host or self._copied == self.pos:
            return
        end = self.pos if self.pos > self._copied else self.buffer_size
        rows = slice(self._copied * self.n_envs, end * self.n_envs)
        self._near[rows].copy_(self._host[rows], non_blocking=True)
        self._copied = end % self.buffer_size
        self._catch_up()
