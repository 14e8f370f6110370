"""Peg-in-hole environment whose part is drawn at each reset."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.config import TaskConfig
from assembly_rl.envs.library import Part, Task, make_part_and_task
from assembly_rl.envs.peg_in_hole import PegInHoleEnv

KEPT = 32
"""Largest number of environments that are kept: one takes up to 30 MB."""


class MultiPartEnv(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """Environment that draws one of several parts at each reset, all with the same probability.

    Each part has a ``PegInHoleEnv``, made for its first episode; the latest ``KEPT`` of them are kept. That
    class specifies spaces, rewards, episodes and infos. The info of ``reset``, and of the last step of an
    episode, has the part's label as ``part``.

    An episode is a bit-exact function of the random state at its reset and of its actions, whichever parts
    came before. ``get_state`` and ``set_state`` use this. Parts and task are copied.

    Args:
        parts: Parts as for ``PegInHoleEnv``, at least one.
        task: Task as for ``PegInHoleEnv``.

    Raises:
        ValueError: There is no part, or a part or the task is refused.
    """

    metadata = {"render_modes": []}

    def __init__(self, parts: Sequence[Part], task: Task | None = None) -> None:
        if not len(parts):
            raise InputError("parts must have at least one part")
        pairs = [make_part_and_task(part, task) for part in parts]
        self.parts = tuple(part for part, _ in pairs)
        self._task = pairs[0][1]
        self._environments: dict[int, PegInHoleEnv] = {}
        self._choose(0)
        first = self.present
        self.observation_names = first.observation_names
        self.observation_space, self.action_space = first.observation_space, first.action_space

    @property
    def task(self) -> TaskConfig:
        """Copy of the task."""
        return deepcopy(self._task)

    @property
    def present(self) -> PegInHoleEnv:
        """Environment of the part of the present episode."""
        return self._environments[self._index]

    def _choose(self, index: int) -> None:
        """Make the environment of a part the present one."""
        if index in self._environments:
            environment = self._environments.pop(index)
        else:
            environment = PegInHoleEnv(self.parts[index], self._task)
        self._environments[index] = environment  # the latest one last
        if len(self._environments) > KEPT:
            self._environments.pop(next(iter(self._environments))).close()
        environment.np_random = self.np_random
        self._index = index

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Draw a part, and start an episode; ``options`` is not used."""
        super().reset(seed=seed)
        self._choose(int(self.np_random.integers(len(self.parts))))
        observation, info = self.present.reset()
        return observation, info | {"part": self.parts[self._index].label}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Take a step of the present part's environment."""
        observation, reward, terminated, truncated, info = self.present.step(action)
        if terminated or truncated:
            info["part"] = self.parts[self._index].label
        return observation, reward, terminated, truncated, info

    def privileged_state(self) -> NDArray[np.float64]:
        """Return what only the simulator knows; see ``privileged_state``."""
        return self.present.privileged_state()

    def get_state(self) -> dict[str, Any]:
        """Return the state in types of JSON: the index of the part, and the state of its environment."""
        return {"part": self._index, "environment": self.present.get_state()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore a state exactly by running its episode again.

        Args:
            state: State from ``get_state`` of an environment with the same parts and task.

        Raises:
            ValueError: The mapping is no such state.
        """
        index = state.get("part") if isinstance(state, Mapping) else None
        if type(index) is not int or not 0 <= index < len(self.parts) or "environment" not in state:
            raise InputError(
                f"a state of the environment has the index of one of {len(self.parts)} parts as 'part', and "
                f"an 'environment', got {state!r:.80}"
            )
        self._choose(index)
        self.present.set_state(state["environment"])

    def close(self) -> None:
        """Free the engine's resources."""
        for environment in self._environments.values():
            environment.close()
        self._environments.clear()
