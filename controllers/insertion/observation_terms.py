"""Observation terms: named groups of components of an agent's observation.

A new term is a class registered by ``register_observation_term``; a configuration then lists its name under
``observation.groups``.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.insertion.observation_config import ObservationConfig
from assembly_rl.controllers.registry import Registry
from assembly_rl.controllers.validation import AXES

Array = NDArray[np.float64]
Components = list[tuple[str, float]]
"""Name and bound (largest absolute value, to which it is clipped) of each component."""

NO_VISITS = np.zeros((0, 0))
NO_ACTION = np.zeros(6)
NO_TELEMETRY = np.zeros(0)

WRENCH_AXES = ("fx", "fy", "fz", "mx", "my", "mz")
WRENCH_LIMIT = 3.0
"""Bound of a compressed wrench, in its own scale."""
PRESSING = 1.0
"""Least force along z of a visit [N]."""
VISIT_STEPS = 10.0
"""Policy steps after which a cell counts as visited to 63 %."""
LIMIT = 5.0
"""Bound of poses and twists, in their own scales."""


class Signals(NamedTuple):
    """Quantities of one policy step, from which observation terms are computed.

    Axes are those of the estimated hole frame; wrench and twist are those of the tip.

    Attributes:
        wrench: Mean over the last policy step of the wrench (6,) that the environment applies to the tool
            [N, Nm].
        pose: Position and rotation vector of the tip relative to the estimated hole frame (6,) [m, rad].
        twist: Linear velocity of the tip and angular velocity (6,) [m/s, rad/s]; zero if no term of the
            observation has ``twist`` among its inputs, and on a robot.
        last_action: Previous action (6,), in [-1, 1].
        past_wrenches: Wrenches of the previous ``config.history`` policy steps, newest first, (6,) each; zero
            before the start of the episode.
        past_poses: Poses (6,) [m, rad], ``config.pose_ages`` policy steps ago each; before the start that of
            the start.
        time: Time since the start of the episode [s].
        visits: Policy steps in which the tip pressed in each cell of the map (cells, cells), along x and y.
        base_action: Action of the base (6,), in [-1, 1], to which the policy's next action is added; zero
            without a base.
        telemetry: Channels (channels,) of a robot controller, in the units of ``TelemetryTerm``; empty if no
            term has ``telemetry`` among its inputs, and on a robot.
    """

    wrench: Array
    pose: Array
    twist: Array
    last_action: Array
    past_wrenches: Sequence[Array]
    past_poses: Sequence[Array] = ()
    time: float = 0.0
    visits: Array = NO_VISITS
    base_action: Array = NO_ACTION
    telemetry: Array = NO_TELEMETRY


class ObservationTerm(ABC):
    """A group of components of the observation. Terms have no state: one object serves all observers.

    Attributes:
        measurable: True if a robot's wrench and pose give the term. A policy that sees any other one cannot
            leave the simulation.
        compressed: True if the components are ``bound tanh(x / (bound scale))`` of physical quantities x,
            False if they are x / scale.
        inputs: Names of the ``Signals`` that the term is computed from.
    """

    measurable: bool = True
    compressed: bool = False
    inputs: tuple[str, ...] = ()

    @abstractmethod
    def components(self, config: ObservationConfig) -> Components:
        """Return name and bound of each component, in order; names are unique in an observation."""

    @abstractmethod
    def scale(self, config: ObservationConfig) -> Array:
        """Return the physical value of 1.0 for each component."""

    @abstractmethod
    def value(self, config: ObservationConfig, signals: Signals, rng: np.random.Generator) -> Array:
        """Return the components in units of their scale, before the clip to their bounds.

        Args:
            config: Configuration of the observation.
            signals: Quantities of the policy step.
            rng: Random generator of the episode; a term without noise must not draw from it.
        """


class WrenchTerm(ObservationTerm):
    """Contact wrench, compressed as ``3 tanh(w / (3 scale))``."""

    compressed = True
    inputs = ("wrench",)

    def components(self, config: ObservationConfig) -> Components:
        """Return the six axes of force and moment."""
        return [(axis, WRENCH_LIMIT) for axis in WRENCH_AXES]

    def scale(self, config: ObservationConfig) -> Array:
        """Return the scale of the wrench [N, Nm]."""
        return np.array(config.wrench_scale)

    def value(self, config: ObservationConfig, signals: Signals, rng: np.random.Generator) -> Array:
        """Return the compressed wrench."""
        return self.compress(config, signals.wrench)

    def compress(self, config: ObservationConfig, wrench: Array) -> Array:
        """Compress wrenches (..., 6) [N, Nm] to [-3, 3], almost linearly below their scale."""
        return WRENCH_LIMIT * np.tanh(wrench / (WRENCH_LIMIT * self.scale(config)))


class PoseTerm(ObservationTerm):
    """Pose of the tip relative to the estimated hole frame."""

    inputs = ("pose",)

    def components(self, config: ObservationConfig) -> Components:
        """Return the six axes of position and rotation vector."""
        return [(axis, LIMIT) for axis in AXES]

    def scale(self, config: ObservationConfig) -> Array:
        """Return the scale of the pose [m, rad]."""
        return np.array(config.pose_scale)

    def value(self, config: ObservationConfig, signals: Signals, rng: np.random.Generator) -> Array:
        """Return the scaled pose."""
        return signals.pose / self.scale(config)


class LastActionTerm(ObservationTerm):
    """Action of the previous policy step."""

    inputs = ("last_action",)

    def components(self, config: ObservationConfig) -> Components:
        """Return the six components of an action."""
        return [(f"last_action_{axis}", 1.0) for axis in AXES]

    def scale(self, config: ObservationConfig) -> Array:
        """Return ones: actions are scaled already."""
        return np.ones(6)

    def value(self, config: ObservationConfig, signals: Signals, rng: np.random.Generator) -> Array:
        """Return the action."""
        return signals.last_action


class BaseActionTerm(ObservationTerm):
    """Action of the base to which the policy's next action is added; see ``InsertionConfig.base``."""

    inputs = ("base_action",)

    def components(self, config: ObservationConfig) -> Components:
        """Return the six components of an action."""
        return [(f"base_action_{axis}", 1.0) for axis in AXES]

    def scale(self, config: ObservationConfig) -> Array:
        """Return ones: actions are scaled already."""
        return np.ones(6)

    def value(self, config: ObservationConfig, signals: Signals, rng: np.random.Generator) -> Array:
        """Return the action."""
        return signals.base_action


class TwistTerm(ObservationTerm):
    """Twist of the tip, available in simulation only."""

    measurable = False
    inputs = ("twist",)

    def components(self, config: ObservationConfig) -> Components:
        """Return the six axes of linear and angular velocity."""
        return [(f"velocity_{axis}", LIMIT) for axis in AXES]

    def scale(self, config: ObservationConfig) -> Array:
        """Return the scale of the twist [m/s, rad/s]."""
        return np.array(config.twist_scale)

    def value(self, config: ObservationConfig, signals: Signals, rng: np.random.Generator) -> Array:
        """Return the scaled twist."""
        return signals.twist / self.scale(config)


class WrenchHistoryTerm(ObservationTerm):
    """Wrenches of previous policy steps, newest first, each as in ``WrenchTerm``."""

    compressed = True
    inputs = ("past_wrenches",)

    def components(self, config: ObservationConfig) -> Components:
        """Return the axes of every past wrench."""
        steps = range(1, config.history + 1)
        return [(f"{axis}[t-{back}]", WRENCH_LIMIT) for back in steps for axis in WRENCH_AXES]

    def scale(self, config: ObservationConfig) -> Array:
        """Return the scale of each past wrench [N, Nm]."""
        return np.tile(WRENCH.scale(config), config.history)

    def value(self, config: ObservationConfig, signals: Signals, rng: np.random.Generator) -> Array:
        """Return the compressed past wrenches."""
        return WRENCH.compress(config, np.array(signals.past_wrenches)).ravel()


class PoseHistoryTerm(ObservationTerm):
    """Poses of some previous policy steps, in the order of ``config.pose_ages``, each as in ``PoseTerm``."""

    inputs = ("past_poses",)

    def components(self, config: ObservationConfig) -> Components:
        """Return the axes of every past pose."""
        return [(f"{axis}[t-{age}]", LIMIT) for age in config.pose_ages for axis in AXES]

    def scale(self, config: ObservationConfig) -> Array:
        """Return the scale of each past pose [m, rad]."""
        return np.tile(config.pose_scale, len(config.pose_ages))

    def value(self, config: ObservationConfig, signals: Signals, rng: np.random.Generator) -> Array:
        """Return the scaled past poses."""
        return np.concatenate([np.zeros(0), *signals.past_poses]) / self.scale(config)


class VisitsTerm(ObservationTerm):
    """Map of where the tip has pressed on the rim so far: 1 - exp(-policy steps in the cell / 10).

    A map of the whole episode lets a policy without a state of its own search where it has not been yet.
    """

    inputs = ("visits",)

    def components(self, config: ObservationConfig) -> Components:
        """Return the cells, along x and, for each of these, along y."""
        cells = range(config.visit_cells)
        return [(f"visits_{i}_{j}", 1.0) for i in cells for j in cells]

    def scale(self, config: ObservationConfig) -> Array:
        """Return ones: the components are shares already."""
        return np.ones(config.visit_cells**2)

    def value(self, config: ObservationConfig, signals: Signals, rng: np.random.Generator) -> Array:
        """Return the share of each cell."""
        return -np.expm1(-signals.visits.ravel() / VISIT_STEPS)


class TimeTerm(ObservationTerm):
    """Time since the start of the insertion."""

    inputs = ("time",)

    def components(self, config: ObservationConfig) -> Components:
        """Return the time."""
        return [("time", LIMIT)]

    def scale(self, config: ObservationConfig) -> Array:
        """Return the scale of the time [s]."""
        return np.array([config.time_scale])

    def value(self, config: ObservationConfig, signals: Signals, rng: np.random.Generator) -> Array:
        """Return the scaled time."""
        return signals.time / self.scale(config)


class NoisyCopyTerm(ObservationTerm):
    """Another term from ``config.second_copies`` further sensors, each with independent Gaussian noise.

    The copies contain no new information. A robot lacks the sensors, so they are not measurable.

    Args:
        term: Term that is copied.
    """

    measurable = False

    def __init__(self, term: ObservationTerm) -> None:
        self.term = term
        self.compressed, self.inputs = term.compressed, term.inputs

    def components(self, config: ObservationConfig) -> Components:
        """Return the components of the term, once for each copy."""
        return [
            (f"second_{name}#{copy}", bound)
            for copy in range(1, config.second_copies + 1)
            for name, bound in self.term.components(config)
        ]

    def scale(self, config: ObservationConfig) -> Array:
        """Return the scale of the term, once for each copy."""
        return np.tile(self.term.scale(config), config.second_copies)

    def value(self, config: ObservationConfig, signals: Signals, rng: np.random.Generator) -> Array:
        """Return the copies with their noise."""
        copies = np.tile(self.term.value(config, signals, rng), config.second_copies)
        return copies + config.second_noise * rng.standard_normal(len(copies))


OBSERVATION_TERMS: Registry[ObservationTerm] = Registry("observation group")


def register_observation_term(name: str, term: ObservationTerm) -> None:
    """Register an observation term under its name in configurations.

    Raises:
        ValueError: Another term has the name.
    """
    OBSERVATION_TERMS.register(name, term)


WRENCH, POSE = WrenchTerm(), PoseTerm()
register_observation_term("wrench", WRENCH)
register_observation_term("pose", POSE)
register_observation_term("last_action", LastActionTerm())
register_observation_term("base_action", BaseActionTerm())
register_observation_term("twist", TwistTerm())
register_observation_term("wrench_history", WrenchHistoryTerm())
register_observation_term("pose_history", PoseHistoryTerm())
register_observation_term("visits", VisitsTerm())
register_observation_term("time", TimeTerm())
register_observation_term("second_wrench", NoisyCopyTerm(WRENCH))
register_observation_term("second_pose", NoisyCopyTerm(POSE))
