"""Observation groups: what an agent can be given to see, each component with a name."""

from collections import deque
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.validation import AXES, require_not_negative, require_six

Array = NDArray[np.float64]
WRENCH_AXES = ("fx", "fy", "fz", "mx", "my", "mz")
LIMIT = 5.0
"""Bound of every component but wrenches (3) and actions (1), in its own scale; beyond it is clipped."""


@dataclass
class ObservationConfig:
    """What the agent sees, in fixed units: each component is divided by its scale, never by statistics.

    Attributes:
        groups: Names of the groups, in order; ``Observer`` has them.
        wrench_scale: Scale of the wrench [N] and [Nm]; compressed as ``3 tanh(w / (3 scale))``.
        pose_scale: Scale of the pose [m] and [rad].
        twist_scale: Scale of the twist [m/s] and [rad/s].
        history: Past wrenches in the group ``wrench_history``, one a policy step.
        second_copies: Second sensors of each component.
        second_noise: Standard deviation of the noise of the second sensors, in the scaled units.
    """

    groups: list[str] = field(default_factory=lambda: ["wrench", "pose", "last_action"])
    wrench_scale: list[float] = field(default_factory=lambda: [5.0, 5.0, 10.0, 0.1, 0.1, 0.05])
    pose_scale: list[float] = field(default_factory=lambda: [0.001, 0.001, 0.01, 0.0262, 0.0262, 0.0262])
    twist_scale: list[float] = field(default_factory=lambda: [0.01, 0.01, 0.01, 0.1, 0.1, 0.1])
    history: int = 4
    second_copies: int = 1
    second_noise: float = 0.3

    def __post_init__(self) -> None:
        require_six(self, "wrench_scale", "pose_scale", "twist_scale", positive=True)
        if self.history < 1:
            raise ValueError(f"ObservationConfig.history must be >= 1, got {self.history}")
        require_not_negative(self, "second_noise")


class Observer:
    """Puts the configured groups together.

    Groups (axes of the estimated hole frame; the wrench at the tip):

    - ``wrench``: mean over the last policy step of the wrench that the environment applies to the tool.
    - ``pose``: tip position and rotation vector relative to the estimated hole frame.
    - ``last_action``: the action before.
    - ``twist``: linear velocity of the tip and angular velocity.
    - ``wrench_history``: the wrenches of the policy steps before, newest first.
    - ``second_wrench``, ``second_pose``: the same from ``second_copies`` more sensors, each with Gaussian
      noise of its own; they tell nothing new.

    Args:
        config: Groups and scales.

    Raises:
        ValueError: An unknown or repeated group, or none.
    """

    GROUPS = ("wrench", "pose", "last_action", "twist", "wrench_history", "second_wrench", "second_pose")

    def __init__(self, config: ObservationConfig) -> None:
        self.groups = tuple(config.groups)
        for group in self.groups:
            if group not in self.GROUPS:
                close = get_close_matches(group, self.GROUPS, 1, 0.0)[0]
                known = ", ".join(self.GROUPS)
                raise ValueError(
                    f"unknown observation group {group!r}; did you mean {close!r}? Known: {known}"
                )
        if not self.groups or len(set(self.groups)) < len(self.groups):
            raise ValueError(
                f"observation groups must be one or more different names, got {list(self.groups)}"
            )
        self._wrench_scale = np.array(config.wrench_scale)
        self._pose_scale = np.array(config.pose_scale)
        self._twist_scale = np.array(config.twist_scale)
        self._past: deque[Array] = deque(maxlen=config.history)
        self._history = config.history
        self._second_noise, self._copies = config.second_noise, config.second_copies
        names, bounds = [], []
        for group in self.groups:
            for name, bound in self._components(group):
                names.append(name)
                bounds.append(bound)
        self.names = tuple(names)
        """Name of every component."""
        self.bounds = np.array(bounds, dtype=np.float32)
        """Largest absolute value of every component."""

    def _components(self, group: str) -> list[tuple[str, float]]:
        if group == "wrench":
            return [(axis, 3.0) for axis in WRENCH_AXES]
        if group.startswith("second_"):
            return [
                (f"second_{name}#{copy}", bound)
                for copy in range(1, self._copies + 1)
                for name, bound in self._components(group.removeprefix("second_"))
            ]
        if group == "wrench_history":
            return [
                (f"{axis}[t-{back}]", 3.0) for back in range(1, self._history + 1) for axis in WRENCH_AXES
            ]
        if group == "last_action":
            return [(f"last_action_{axis}", 1.0) for axis in AXES]
        prefix = "" if group == "pose" else "velocity_"
        return [(prefix + axis, LIMIT) for axis in AXES]

    def reset(self) -> None:
        """Forget the past wrenches."""
        self._past.extend([np.zeros(6)] * self._history)

    def observe(
        self, wrench: Array, pose: Array, twist: Array, last_action: Array, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Scale, clip and concatenate.

        Args:
            wrench: (6,) [N, Nm].
            pose: (6,) [m, rad].
            twist: (6,) [m/s, rad/s].
            last_action: (6,) in [-1, 1].
            rng: Draws the noise of the second sensors.

        Returns:
            The observation, shape (len(names),), float32.
        """
        compressed = 3.0 * np.tanh(wrench / (3.0 * self._wrench_scale))
        values = {"wrench": compressed, "pose": pose / self._pose_scale, "last_action": last_action}
        if "twist" in self.groups:
            values["twist"] = twist / self._twist_scale
        if "wrench_history" in self.groups:
            values["wrench_history"] = np.concatenate(list(self._past)[::-1])
        for group in self.groups:
            if group.startswith("second_"):
                noise = self._second_noise * rng.standard_normal(6 * self._copies)
                values[group] = np.tile(values[group.removeprefix("second_")], self._copies) + noise
        self._past.append(compressed)
        observation = np.concatenate([values[group] for group in self.groups], dtype=np.float32)
        return np.clip(observation, -self.bounds, self.bounds)
