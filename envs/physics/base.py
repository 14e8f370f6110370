"""Base of the worlds of this package's engines."""

from copy import copy, deepcopy
from dataclasses import replace
from math import exp, pi
from typing import Any

from assembly_rl.controllers.wrench import Wrench
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.physics.config import PhysicsConfig
from assembly_rl.envs.physics.connection import NotCopied


class WorldBase(NotCopied):
    """Base of the worlds: part, configuration with its physics rate, readings, and the certificate's bound.

    Args:
        part: Geometry of peg and hole.
        config: Servo and solver.
        cutoff: Bandwidth of the wrench sensor's first-order filter [Hz].
    """

    default_rate = 1000.0
    """Physics rate [Hz] of a configuration without one."""

    def __init__(self, part: PegHole, config: PhysicsConfig, cutoff: float) -> None:
        self._part = deepcopy(part)
        self._rate = self.default_rate if config.rate is None else config.rate
        self._config = replace(config, rate=self._rate)
        self._smoothing = 1.0 - exp(-2.0 * pi * cutoff / self._rate)
        self._damping, self._rotational_damping = config.servo_damping
        self._clear()

    def _clear(self) -> None:
        """Clear the readings."""
        self.wrench: Wrench = (0.0,) * 6
        """Filtered wrench [N, Nm] that the environment applies to the tool, at the flange, in hole axes."""
        self.pull: Wrench = (0.0,) * 6
        """Wrench [N, Nm] of the servo on the tool in the last physics step, at the flange, in hole axes."""
        self.penetration = 0.0
        """Largest penetration found by ``measure_penetration`` since the last reset [m]."""

    @property
    def part(self) -> PegHole:
        """Copy of the geometry of peg and hole."""
        return deepcopy(self._part)

    @property
    def config(self) -> PhysicsConfig:
        """Copy of the settings of servo and solver."""
        return copy(self._config)

    @property
    def penetration_bound(self) -> float:
        """A third of the clearance [m]: beyond it the simulated fit differs from the configured one."""
        return self._part.clearance / 3.0

    def _content(self, version: Any, solver: Any) -> list[Any]:
        """Return version of the engine, solver, servo and geometry."""
        servo = {name: value for name, value in vars(self._config).items() if name != "engine"}
        return [version, solver, servo, self._part.content_hash]
