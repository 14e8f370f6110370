"""Observation: the configured terms, scaled, clipped and concatenated."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.insertion.observation_config import ObservationConfig
from assembly_rl.controllers.insertion.observation_terms import (
    LIMIT,
    NO_ACTION,
    NO_TELEMETRY,
    OBSERVATION_TERMS,
    PRESSING,
    Signals,
)
from assembly_rl.controllers.insertion.telemetry_term import TelemetryTerm
from assembly_rl.controllers.serialization import copied
from assembly_rl.controllers.validation import InputError

__all__ = ["LIMIT", "ObservationConfig", "Observer", "TelemetryTerm"]

Array = NDArray[np.float64]


class Observer:
    """Concatenation of the configured groups, each of which is a registered ``ObservationTerm``.

    Args:
        config: Groups and scales.

    Raises:
        ValueError: A group is unknown or repeated, or there is none.

    Attributes:
        groups: Names of the groups, in order.
        inputs: Names of all ``Signals`` from which the groups are computed.
        names: Name of every component.
        bounds: Largest absolute value of every component, float32.
    """

    def __init__(self, config: ObservationConfig) -> None:
        self.groups = tuple(config.groups)
        self._terms = [OBSERVATION_TERMS.get(group) for group in self.groups]
        if not self.groups or len(set(self.groups)) < len(self.groups):
            raise InputError(
                f"observation groups must be one or more different names, got {list(self.groups)}"
            )
        self._config = copied(config)
        self._past_wrenches: deque[Array] = deque(maxlen=config.history)
        self._past_poses: deque[Array] = deque(maxlen=max(config.pose_ages, default=0))
        self.inputs = frozenset(name for term in self._terms for name in term.inputs)
        components = [component for term in self._terms for component in term.components(config)]
        self.names = tuple(name for name, _ in components)
        self.bounds = np.array([bound for _, bound in components], dtype=np.float32)

    def reset(self) -> None:
        """Clear the past wrenches and poses, and the map of visits."""
        self._past_wrenches.extend([np.zeros(6)] * self._config.history)
        self._past_poses.clear()
        self._visits = np.zeros((self._config.visit_cells,) * 2)

    def observe(
        self,
        wrench: Array,
        pose: Array,
        twist: Array,
        last_action: Array,
        rng: np.random.Generator,
        time: float = 0.0,
        base_action: Array = NO_ACTION,
        telemetry: Array = NO_TELEMETRY,
    ) -> NDArray[np.float32]:
        """Compute all terms, in order, clip and concatenate them.

        Args:
            wrench: Mean wrench (6,) [N, Nm].
            pose: Pose of the tip (6,) [m, rad].
            twist: Twist of the tip (6,) [m/s, rad/s].
            last_action: Previous action (6,) in [-1, 1].
            rng: Random generator of the noise.
            time: Time since the start of the episode [s].
            base_action: Action of the base (6,) in [-1, 1].
            telemetry: Channels of a robot controller, if a group needs them.

        Returns:
            Observation, shape (len(names),), float32.
        """
        if not self._past_poses:
            self._past_poses.extend([pose.copy()] * (self._past_poses.maxlen or 0))
        past_poses = [self._past_poses[-age] for age in self._config.pose_ages]
        past_wrenches = list(self._past_wrenches)[::-1]
        if wrench[2] > PRESSING:
            self._visits[self._cell(pose[0]), self._cell(pose[1])] += 1.0
        signals = Signals(
            wrench,
            pose,
            twist,
            last_action,
            past_wrenches,
            past_poses,
            time,
            self._visits,
            base_action,
            telemetry,
        )
        values = [term.value(self._config, signals, rng) for term in self._terms]
        self._past_wrenches.append(wrench.copy())
        self._past_poses.append(pose.copy())
        observation = np.concatenate(values, dtype=np.float32)
        return np.clip(observation, -self.bounds, self.bounds)

    def _cell(self, position: float) -> int:
        """Return the cell of a position [m] along an axis of the map; the outermost ones go on outside."""
        extent, cells = self._config.visit_extent, self._config.visit_cells
        return int(min(max((position + extent) / (2.0 * extent) * cells, 0.0), cells - 1.0))
