"""Admittance controller: measured wrench in, pose offset out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.controllers.compliance import AXES, ComplianceLaw


class AdmittanceController:
    """Integrates a compliance law at a fixed rate and bounds the offset.

    The offset is ``x = (translation [m], rotation vector [rad])`` of the commanded compliance centre from
    its nominal pose, in the axes of the compliance frame. Wrenches are ``(force [N], moment [Nm])`` that
    the environment applies to the tool, at the compliance centre, in the same axes.

    Args:
        law: The compliance law.
        rate: Control rate [Hz].
        offset_limit: Largest absolute offset of each axis, shape (6,), m and rad. At the limit the offset
            stands still and its velocity is zeroed, so nothing winds up: the spring acts on the offset
            that was applied.

    Raises:
        ValueError: A rate or a limit that is not positive, with its name and value.
    """

    def __init__(self, law: ComplianceLaw, rate: float, offset_limit: ArrayLike) -> None:
        if not rate > 0.0:
            raise ValueError(f"rate must be > 0 Hz, got {rate}")
        limit = np.array(offset_limit, dtype=np.float64)
        if limit.shape != (6,):
            raise ValueError(f"offset_limit must have shape (6,), got {limit.shape}")
        for axis, value in zip(AXES, limit, strict=True):
            if not value > 0.0:
                raise ValueError(f"offset_limit[{axis}] must be > 0, got {value}")
        self.rate = rate
        self._limit = limit.tolist()
        self._state = np.zeros(18)  # [x, v, F - F_ref], the vector that the step matrix multiplies
        self._next = np.zeros(12)
        self.law = law

    @property
    def law(self) -> ComplianceLaw:
        """The compliance law; assigning another keeps offset and velocity, so the command does not jump."""
        return self._law

    @law.setter
    def law(self, law: ComplianceLaw) -> None:
        self._law = law
        self._step = law.implicit_euler(1.0 / self.rate)

    @property
    def offset(self) -> NDArray[np.float64]:
        """Offset x, shape (6,), m and rad (a copy)."""
        return self._state[:6].copy()

    @property
    def velocity(self) -> NDArray[np.float64]:
        """Offset velocity v, shape (6,), m/s and rad/s (a copy)."""
        return self._state[6:12].copy()

    def reset(self, offset: ArrayLike | None = None) -> None:
        """Come to rest at an offset, shape (6,), m and rad; at zero where none is given."""
        self._state[:] = 0.0
        if offset is not None:
            self._state[:6] = offset

    def rebase(self, axis: int, distance: float) -> None:
        """Account for a nominal pose that was moved by distance [m or rad] along an axis.

        The commanded pose and its velocity stay as they are; only the offset is counted from the new
        nominal pose.
        """
        self._state[axis] -= distance

    def step(self, wrench: Sequence[float], reference: Sequence[float]) -> list[float]:
        """Advance by one control period.

        Args:
            wrench: F, six floats, N and Nm.
            reference: F_ref, six floats, N and Nm: the wrench that the environment should apply.

        Returns:
            The offset x, six floats, m and rad.
        """
        state = self._state
        state[12:] = wrench
        state[12:] -= reference
        following = np.dot(self._step, state, out=self._next)
        state[:12] = following
        offset: list[float] = following[:6].tolist()
        for axis, limit in enumerate(self._limit):
            value = offset[axis]
            if value > limit or value < -limit:
                bounded = limit if value > 0.0 else -limit
                offset[axis] = bounded
                state[axis] = bounded
                state[6 + axis] = 0.0
        return offset
