"""Stability of contact with a stiff environment, and the largest stable stiffness."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, pi

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.discretization import Discretization, expm, step_matrix
from assembly_rl.controllers.validation import (
    AXES,
    InputError,
    require_cutoff,
    require_not_negative,
    require_six,
)

Matrix = NDArray[np.float64]

LARGEST_STIFFNESS = 1e12
"""Stiffness at which the search for the bound ends [N/m, Nm/rad]."""
TOLERANCE = 1e-9
"""Tolerance above 1 of a stable spectral radius: free axes without a spring are at 1."""


@dataclass
class ContactConfig:
    """Contact in which the controller has to be stable.

    Attributes:
        stiffness: Stiffness of environment and robot in series, along each axis [N/m] and [Nm/rad].
        delay: Transport delay from contact to reading [s]; rounded up to whole control periods.
        lag: Time constant of the robot's position loop [s], first order.
        sensor_cutoff: Cutoff of the sensor's own first-order low-pass filter [Hz]; null for none.
    """

    stiffness: list[float]
    delay: float = 0.0
    lag: float = 0.0
    sensor_cutoff: float | None = None

    def __post_init__(self) -> None:
        require_six(self, "stiffness")
        require_not_negative(self, "delay", "lag")
        if self.sensor_cutoff is not None and not 0.0 < self.sensor_cutoff < float("inf"):
            raise InputError(
                f"ContactConfig.sensor_cutoff must be > 0 Hz, got {self.sensor_cutoff}; null for none"
            )


class ContactLoop:
    """Closed loop of controller, robot, environment and sensor, linear and in discrete time.

    In control period n the command x_n is held; the robot follows it with a first-order lag, the
    environment reacts with ``-K_e`` times the displacement, and the sensor filters in continuous time. At
    the end of the period the reading is sampled, delayed, filtered by the controller and used in step n + 1.
    Even without delay, lag or filter, a command affects the wrench one period later.

    Args:
        law: Compliance law.
        rate: Control rate [Hz].
        contact: Contact with the environment.
        cutoff: Cutoff of the controller's filter [Hz]; None for none.
        discretization: Integration method of the law.
        selected_axes: Axes that move.

    Raises:
        ValueError: The rate is not positive, or a cutoff is not below the Nyquist frequency.
    """

    def __init__(
        self,
        law: ComplianceLaw,
        rate: float,
        contact: ContactConfig,
        cutoff: float | None = None,
        discretization: Discretization = Discretization.implicit_euler,
        selected_axes: Sequence[bool] = (True,) * 6,
    ) -> None:
        if not 0.0 < rate < float("inf"):
            raise InputError(f"rate must be > 0 Hz, got {rate}")
        require_cutoff("cutoff", cutoff, rate)
        self.contact = contact
        self._rate, self._cutoff = rate, cutoff
        dt = 1.0 / rate
        self._coupled = any(
            np.count_nonzero(matrix) > np.count_nonzero(matrix.diagonal())
            for matrix in (law.mass, law.damping, law.stiffness)
        )
        self._step = step_matrix(law.mass, law.damping, law.stiffness, dt, discretization, selected_axes)
        self._delay = ceil(contact.delay * rate - 1e-9)
        self._keep = exp(-2.0 * pi * cutoff * dt) if cutoff is not None else 0.0
        lags = [contact.lag] if contact.lag > 0.0 else []
        if contact.sensor_cutoff is not None:
            lags.append(1.0 / (2.0 * pi * contact.sensor_cutoff))
        self._chain = self._held_chain(lags, dt)

    @staticmethod
    def _held_chain(lags: list[float], dt: float) -> Matrix:
        """Return the step matrix (n, n + 1) of serial lags with constant input in the last column."""
        size = len(lags)
        flow = np.zeros((size + 1, size + 1))
        for row, lag in enumerate(lags):
            flow[row, row] = -dt / lag
            flow[row, row - 1 if row else size] = dt / lag
        return expm(flow)[:size]

    def matrix(self, stiffness: Matrix) -> Matrix:
        """Return the state transition matrix of a period for a contact stiffness K_e (6, 6).

        The state is x, v, the lags, the delayed readings and the controller's filter, six each.
        """
        size, delay = len(self._chain), self._delay
        readings = 12 + 6 * size  # first index of the delayed samples, newest first
        filtered = readings + 6 * (delay + 1)
        loop = np.zeros((filtered + 6, filtered + 6))
        identity = np.eye(6)
        # The controller filters the oldest sample, and steps the law with the result.
        loop[filtered:, filtered:] = self._keep * identity
        loop[filtered:, readings + 6 * delay : filtered] = (1.0 - self._keep) * identity
        drive = self._step[:, 12:]
        loop[:12, :12] = self._step[:, :12]
        loop[:12] += drive @ loop[filtered:]
        # The robot follows the new command, the environment reacts, the sensor samples.
        for row in range(size):
            block = slice(12 + 6 * row, 18 + 6 * row)
            for column in range(size):
                loop[block, 12 + 6 * column : 18 + 6 * column] += self._chain[row, column] * identity
            loop[block] += self._chain[row, size] * loop[:6]
        output = loop[readings - 6 : readings] if size else loop[:6]
        loop[readings : readings + 6] = -stiffness @ output
        for sample in range(1, delay + 1):
            at = readings + 6 * sample
            loop[at : at + 6, at - 6 : at] = identity
        return loop

    def spectral_radius(self, stiffness: Matrix) -> float:
        """Return the largest magnitude of the loop's eigenvalues for a contact stiffness K_e (6, 6)."""
        return float(np.abs(np.linalg.eigvals(self.matrix(stiffness))).max())

    def stable(self, stiffness: Matrix) -> bool:
        """Return True if a contact of stiffness K_e, shape (6, 6), settles."""
        return self.spectral_radius(stiffness) <= 1.0 + TOLERANCE

    def largest(self, direction: Matrix) -> float:
        """Return the largest stable factor on a contact stiffness K_e, shape (6, 6).

        It is the first crossing from below, to six digits; infinity if there is none up to 1e12.
        """
        low, high = 0.0, 1e-3
        while self.stable(high * direction):
            low, high = high, (1.2 if self._coupled else 2.0) * high
            if high > LARGEST_STIFFNESS:
                return float("inf")
        while high - low > 1e-7 * high:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self.stable(middle * direction) else (low, middle)
        return low

    def is_stable(self) -> bool:
        """Return True if the stated contact and softer ones settle.

        The stable stiffnesses of a coupled law need not form an interval from zero, so 24 softer ones, down
        to a thousandth, are tested; no gap was found in thousands of laws without coupling.
        """
        stated = np.diag(self.contact.stiffness)
        shares = np.geomspace(1.0, 1e-3, 24) if self._coupled else (1.0,)
        return all(self.stable(share * stated) for share in shares)

    def require(self) -> None:
        """Refuse a law that is unstable in the stated contact.

        Raises:
            ValueError: The law is unstable; the message has the stated and the largest stable stiffness.
        """
        if self.is_stable():
            return
        contact = self.contact
        filters = [
            f"{name} {value:g} Hz"
            for name, value in (("sensor_cutoff", contact.sensor_cutoff), ("cutoff", self._cutoff))
            if value is not None
        ]
        conditions = ", ".join(
            [f"at {self._rate:g} Hz", f"delay {contact.delay:g} s", f"lag {contact.lag:g} s", *filters]
        )
        advice = "raise mass or damping there, or shorten delay and filters"
        for axis, value in enumerate(contact.stiffness):
            largest = self.largest(np.diag(np.eye(6)[axis]))
            if value > largest:
                raise InputError(
                    f"the law is unstable against contact stiffness[{AXES[axis]}] = {value:g} {conditions}: "
                    f"the largest stable value is {largest:.5g}; {advice}"
                )
        factor = self.largest(np.diag(contact.stiffness))
        raise InputError(
            f"the law is unstable against contact stiffness {contact.stiffness} on all axes together "
            f"{conditions}: the largest stable values are {factor:.3g} times these; {advice}"
        )


def max_contact_stiffness(
    law: ComplianceLaw,
    rate: float,
    *,
    delay: float = 0.0,
    lag: float = 0.0,
    sensor_cutoff: float | None = None,
    cutoff: float | None = None,
    discretization: Discretization = Discretization.implicit_euler,
    selected_axes: Sequence[bool] = (True,) * 6,
) -> Matrix:
    """Compute the largest stable contact stiffness along each axis, one axis at a time.

    It results from the eigenvalues of the closed loop in discrete time (``ContactLoop``). For a coupled law
    simultaneous contact along several axes may allow far less: state it in a ``ContactConfig``. A
    conservative rule of thumb is ``1 / (D^-1)_ii / (delay + lag + filter lags + dt / 2)``.

    The model of the robot is a command step with a lag; for a robot that moves to the command linearly
    during the period, add half a period to ``lag``.

    Args:
        law: Compliance law.
        rate: Control rate [Hz].
        delay: Transport delay from contact to reading [s]; rounded up to whole control periods.
        lag: Time constant of the robot's position loop [s].
        sensor_cutoff: Cutoff of the sensor's own low-pass filter [Hz].
        cutoff: Cutoff of the controller's filter [Hz].
        discretization: Integration of the law.
        selected_axes: Axes that move.

    Returns:
        Stiffness (6,) [N/m, Nm/rad]; infinity for an axis that does not move.

    Raises:
        ValueError: A value is not admissible; the message names it.
    """
    contact = ContactConfig([0.0] * 6, delay, lag, sensor_cutoff)
    loop = ContactLoop(law, rate, contact, cutoff, discretization, selected_axes)
    return np.array([loop.largest(np.diag(axis)) for axis in np.eye(6)])
