"""Gain changes while the controller runs: rate-limited, expiring, and paid for from an energy tank."""

from collections.abc import Callable
from math import ceil

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.config import GainConfig
from assembly_rl.controllers.serialization import copied
from assembly_rl.controllers.validation import InputError

Matrix = NDArray[np.float64]


class GainSchedule:
    """Schedule that moves the gains along a straight line from the law in force to the requested one.

    Stiffening a loaded spring by dK stores ``x^T dK x / 2`` in it, energy that nobody supplied: a policy
    that stiffens at the ends of a swing and softens in the middle drives it for ever. The tank holds the
    energy dissipated by the law, ``-d(x^T K x + v^T M v) / 2 + (F - F_ref)^T dx`` summed over the steps, up
    to its capacity; a change of gains is admitted if the tank can pay for it, and the energy that a softening
    spring releases goes back to the tank. So the kinetic, spring and tank energy together never grow by more
    than the work of ``F - F_ref``, whatever is requested. Damping may change freely; the mass is fixed.

    Source: Ferraguti, Secchi and Fantuzzi, "A tank-based approach to impedance control with variable
    stiffness", ICRA 2013; the sum over discrete steps is ours.

    Attributes:
        step: Step matrix of the law in force, shape (12, 18).
        tank: Energy in the tank [J].
        filling: True if the tank has room.
        changing: True if ``advance`` has anything to do.
        expired: True if requested gains have expired.

    Args:
        config: Rates, expiry and tank.
        dt: Control period [s].
        matrix: Function from M, D, K to the step matrix, shape (12, 18).
    """

    def __init__(
        self, config: GainConfig, dt: float, matrix: Callable[[Matrix, Matrix, Matrix], Matrix]
    ) -> None:
        self._config = config = copied(config)
        self._matrix = matrix
        damping, stiffness = np.sqrt(config.damping_rate), np.sqrt(config.stiffness_rate)
        self._damping_change = dt * np.outer(damping, damping)
        self._stiffness_change = dt * np.outer(stiffness, stiffness)
        self._capacity = float("inf") if config.tank is None else config.tank
        self._patience = None if config.timeout is None else round(config.timeout / dt)

    def reset(self, law: ComplianceLaw) -> None:
        """Put a law into force at once and empty the tank."""
        self.base = self._target = law
        self._stages = self._stage = 0
        self._age: int | None = None
        self.expired = False
        self.changing = False
        self.filling = self._config.tank is not None
        self.tank = 0.0 if self.filling else self._capacity
        self._put(law.damping, law.stiffness)

    def _put(self, damping: Matrix, stiffness: Matrix) -> None:
        self._damping, self._stiffness = damping, stiffness
        self.step = self._matrix(self.base.mass, damping, stiffness)
        self._form: Matrix | None = None

    def _quadratic_form(self) -> Matrix:
        """Dissipation of a step as a quadratic form of [x, v, F - F_ref], shape (18, 18)."""
        twice_energy = np.zeros((12, 12))
        twice_energy[:6, :6] = self._stiffness
        twice_energy[6:, 6:] = self.base.mass
        with np.errstate(all="ignore"):  # whatever the calling program does about underflow
            form = -0.5 * self.step.T @ twice_energy @ self.step
        form[:12, :12] += 0.5 * twice_energy
        form[12:] += self.step[:6]  # work: the wrench times the displacement
        form[12:, :6] -= np.eye(6)
        return form

    @property
    def law(self) -> ComplianceLaw:
        """Law in force."""
        if self._stage == self._stages:
            return self._target
        return ComplianceLaw(
            self.base.mass, self._damping, self._stiffness, self.base.centre, self._asymmetric
        )

    def require(self, law: ComplianceLaw) -> None:
        """Refuse a law that cannot be moved to.

        Raises:
            ValueError: Another mass or centre, or, with a tank, an asymmetric stiffness, which has no
                potential energy.
        """
        if law.centre != self.base.centre:
            raise InputError(
                f"the law requested is at {law.centre!r}, the controller's at {self.base.centre!r}"
            )
        if law.mass is not self.base.mass and not np.array_equal(law.mass, self.base.mass):
            raise InputError("the mass cannot change while the controller runs; reset with the new law")
        if self._config.tank is not None and law.asymmetric_stiffness:
            raise InputError("an asymmetric stiffness cannot be gated by energy; set gains.tank to null")

    def request(self, law: ComplianceLaw) -> None:
        """Start moving to a law of the same mass at the same centre.

        Raises:
            ValueError: ``require`` refuses the law.
        """
        self.require(law)
        self._age = None if self._patience is None else 0
        self.expired = False
        self._head_for(law)

    def _head_for(self, law: ComplianceLaw) -> None:
        stiffness = law.stiffness - self._stiffness
        damping = law.damping - self._damping
        stages = max(
            np.abs(stiffness / self._stiffness_change).max(), np.abs(damping / self._damping_change).max()
        )
        self._stages = ceil(stages - 1e-9)
        self._stage = 0
        self._asymmetric = self._target.asymmetric_stiffness or law.asymmetric_stiffness
        self._target = law
        self.changing = True
        if self._stages:
            self._damping_step = damping / self._stages
            self._stiffness_step = stiffness / self._stages
        else:
            self._put(law.damping, law.stiffness)

    def grow_older(self) -> None:
        """Age the request by one control period; requested gains may expire."""
        if self._age is not None and self._patience is not None:
            self._age += 1
            if self._age > self._patience:
                self._age = None
                self.expired = True
                self._head_for(self.base)

    def advance(self, offset: Matrix) -> bool:
        """Advance by one control period; return False if the tank cannot pay for the change."""
        self.grow_older()
        if self._stage == self._stages:
            self.changing = self._age is not None
            return True
        if self._config.tank is not None:
            cost = 0.5 * float(offset @ self._stiffness_step @ offset)
            if cost > max(self.tank, 0.0):  # rounding may leave it a hair below zero
                return False
            self.tank = min(self._capacity, self.tank - cost)
            self.filling = self.tank < self._capacity
        self._stage += 1
        if self._stage == self._stages:
            self._put(self._target.damping, self._target.stiffness)
        else:
            self._put(self._damping + self._damping_step, self._stiffness + self._stiffness_step)
        return True

    def dissipation(self, state: Matrix) -> float:
        """Energy that a step of the law dissipates [J], from [x, v, F - F_ref] before it, shape (18,)."""
        if self._form is None:
            self._form = self._quadratic_form()
        return float(state.dot(self._form.dot(state)))

    def fill(self, energy: float) -> None:
        """Put energy [J] into the tank, up to its capacity."""
        self.tank += energy
        if self.tank >= self._capacity:
            self.tank = self._capacity
            self.filling = False
