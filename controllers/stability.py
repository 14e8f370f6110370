"""Largest stable stiffness of a contact, and the least damping that is stable in one."""

from collections.abc import Sequence

import numpy as np

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.contact_config import ContactConfig
from assembly_rl.controllers.contact_loop import ContactLoop, Matrix
from assembly_rl.controllers.discretization import Discretization


def stabilized(
    law: ComplianceLaw,
    rate: float,
    contact: ContactConfig,
    *,
    cutoff: float | None = None,
    discretization: Discretization = Discretization.implicit_euler,
    selected_axes: Sequence[bool] = (True,) * 6,
) -> ComplianceLaw:
    """Return the law with the least damping with which it is stable in a contact (``ContactLoop``).

    The damping is raised on the axes where the law is unstable, and nowhere else. With less virtual mass,
    less damping is needed.

    Args:
        law: Compliance law without coupling between axes.
        rate: Control rate [Hz].
        contact: Contact with the environment, with delay and lag of the robot.
        cutoff: Cutoff of the controller's filter [Hz].
        discretization: Integration of the law.
        selected_axes: Axes that move.

    Raises:
        ValueError: The law is unstable and couples axes, or no damping up to ``bounds.DAMPING`` holds.
    """
    return ContactLoop(law, rate, contact, cutoff, discretization, selected_axes).stabilized()


def max_contact_stiffness(
    law: ComplianceLaw,
    rate: float,
    *,
    delay: float = 0.0,
    lag: float = 0.0,
    sensor_cutoff: float | None = None,
    lead: float | None = None,
    cutoff: float | None = None,
    discretization: Discretization = Discretization.implicit_euler,
    selected_axes: Sequence[bool] = (True,) * 6,
) -> Matrix:
    """Compute the largest stable contact stiffness along each axis, one axis at a time.

    It results from the eigenvalues of the closed loop in discrete time (``ContactLoop``). For a coupled law
    simultaneous contact along several axes may allow far less: state it in a ``ContactConfig``. A
    conservative rule of thumb is ``1 / (D^-1)_ii / (delay + lag + filter lags + dt / 2)``.

    Without ``lead``, the model of the robot is a command step with a lag; for a robot that moves to the
    command linearly during the period, ``lead`` is 0, or what its servo has.

    Args:
        law: Compliance law.
        rate: Control rate [Hz].
        delay: Transport delay from contact to reading [s]; rounded up to whole control periods.
        lag: Time constant of the robot's position loop [s].
        sensor_cutoff: Cutoff of the sensor's own low-pass filter [Hz].
        lead: Lead of the robot's servo [s]; see ``ContactConfig``.
        cutoff: Cutoff of the controller's filter [Hz].
        discretization: Integration of the law.
        selected_axes: Axes that move.

    Returns:
        Stiffness (6,) [N/m, Nm/rad]; infinity for an axis that does not move.

    Raises:
        ValueError: A value is not admissible; the message names it.
    """
    contact = ContactConfig([0.0] * 6, delay, lag, sensor_cutoff, lead)
    loop = ContactLoop(law, rate, contact, cutoff, discretization, selected_axes)
    return np.array([loop.largest(np.diag(axis)) for axis in np.eye(6)])
