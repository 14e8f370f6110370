"""Robot, contact and sensor in exact discrete time: frequency response and motion.

Between a command and a reading lie a delay, fractions of a control period included, the robot's position loop
of first or second order, the contact, and the sensor's low-pass filter. The command is held during a period
or, with ``lead``, reached linearly in it, so the step of the states over a period is exact: matrix
exponentials over the two parts into which the delay cuts a period. Source: Astrom and Wittenmark,
Computer-Controlled Systems, 3rd ed. (1997), section 2.3. The delays of robot and sensor add up, because what
lies between them is linear.
"""

from dataclasses import dataclass
from math import exp, floor, pi

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.design.config import RobotLoop
from assembly_rl.controllers.discretization import expm

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

SHORTEST_LAG = 1e-5
"""Lag that stands for a shorter one [s]."""


def servo(lag: float, damping_ratio: float | None) -> tuple[Array, Array]:
    """Return A (n, n) and b (n,) of a position loop ``ds/dt = A s + b command``, whose position is s[0]."""
    lag = max(lag, SHORTEST_LAG)
    if damping_ratio is None:
        return np.array([[-1.0 / lag]]), np.array([1.0 / lag])
    frequency = 2.0 * damping_ratio / lag
    return (
        np.array([[0.0, 1.0], [-(frequency**2), -2.0 * damping_ratio * frequency]]),
        np.array([0.0, frequency**2]),
    )


@dataclass(frozen=True, eq=False)
class Plant:
    """Step over a control period of one lag and one delay.

    The vector that ``step`` multiplies is the states and the commands c[n-q], c[n-q-1], c[n-q-2], q being
    ``periods``; its rows are the new states, then the displacement of the contact, then the reading per
    stiffness, both at the end of the period.

    Attributes:
        step: Matrix (n + 2, n + 3).
        periods: Whole control periods of delay q.
        filtered: True if the sensor has a filter, which is the last state.
    """

    step: Array
    periods: int
    filtered: bool

    @classmethod
    def of(cls, robot: RobotLoop, lag: float, delay: float) -> "Plant":
        """Build the step of a robot for one lag [s] and one delay [s] out of its ranges."""
        dt = 1.0 / robot.rate
        total = (delay + robot.sensor_delay) * robot.rate
        periods = floor(total + 1e-9)
        late = max(0.0, total - periods)  # share of the period in which the older command still acts
        own, drive = servo(lag, robot.damping_ratio)
        lead = robot.lead or 0.0
        position = np.zeros(len(drive) + 2)  # of the states, the command and its slope
        position[0] = 1.0
        if lead:
            position[: len(drive)] += lead * own[0]
            position[len(drive)] = lead * drive[0]
        filtered = robot.sensor_cutoff is not None
        size = len(drive) + filtered
        flow = np.zeros((size + 2, size + 2))  # states, command, slope of the command
        flow[: len(drive), : len(drive)] = own
        flow[: len(drive), size] = drive
        flow[size, size + 1] = 1.0
        output = np.zeros(size + 2)
        output[: len(drive)], output[size:] = position[: len(drive)], position[len(drive) :]
        if robot.sensor_cutoff is not None:
            rate = 2.0 * pi * robot.sensor_cutoff
            flow[size - 1] = rate * output
            flow[size - 1, size - 1] = -rate
        first, second = (expm(flow * (share * dt)) for share in (late, 1.0 - late))
        # Command and slope at the start of both parts, from c[n-q], c[n-q-1], c[n-q-2].
        if robot.lead is None:
            older, newer = np.array([[0.0, 1.0, 0.0], [0.0] * 3]), np.array([[1.0, 0.0, 0.0], [0.0] * 3])
        else:
            older = np.array([[0.0, 1.0 - late, late], [0.0, 1.0 / dt, -1.0 / dt]])
            newer = np.array([[0.0, 1.0, 0.0], [1.0 / dt, -1.0 / dt, 0.0]])
        middle = np.hstack((first[:size, :size], first[:size, size:] @ older))
        end = np.zeros((size + 2, size + 3))
        end[:size] = second[:size, :size] @ middle
        end[:size, size:] += second[:size, size:] @ newer
        last = second[size:, size:] @ newer  # command and slope at the end
        whole = np.vstack((end[:size], np.hstack((np.zeros((2, size)), last))))
        end[size] = output @ whole
        end[size + 1] = whole[size - 1] if filtered else end[size]
        return cls(end, periods, filtered)

    @property
    def states(self) -> int:
        """Number of states."""
        return len(self.step) - 2

    def response(self, points: Complex) -> Complex:
        """Return the response from a command to the reading per stiffness, at points z of the plane.

        The command of step n and the reading that step n uses are of the same index, so a sample after the
        period of the command has a factor 1 / z.
        """
        size, back = self.states, 1.0 / points
        commands = np.stack((np.ones_like(back), back, back**2)) * back**self.periods
        forced = self.step[:size, size:] @ commands
        system = points[:, None, None] * np.eye(size) - self.step[:size, :size]
        states = np.linalg.solve(system, forced.T[:, :, None])[:, :, 0].T
        result: Complex = back * (self.step[size + 1, :size] @ states + self.step[size + 1, size:] @ commands)
        return result

    def moving(self, dt: float) -> tuple[Array, float]:
        """Return states (n,) and newest command of a steady motion of 1 m/s that touches the surface now.

        The commands before are those of the motion; the sensor has not yet felt anything.

        Args:
            dt: Control period [s].
        """
        size = self.states
        inner, gains = self.step[:size, :size], self.step[:size, size:]
        times = -dt * (self.periods + np.arange(3.0))
        identity = np.eye(size)
        rise = np.linalg.solve(identity - inner, gains.sum(axis=1) * dt)
        start = np.linalg.solve(identity - inner, gains @ times - rise)
        # After the step that ends now: the states have advanced by one rise, the last command is c[0].
        now = start + rise
        displaced = self.step[size] @ np.concatenate((start, times))
        now = now - self._unit() * displaced
        if self.filtered:
            now[-1] = 0.0
        return now, -displaced

    def _unit(self) -> Array:
        """States (n,) of a robot that stands at 1 m."""
        unit = np.zeros(self.states)
        unit[0] = 1.0
        return unit


def filter_response(robot: RobotLoop, points: Complex) -> Complex | float:
    """Return the response of the controller's filter at points z of the plane."""
    if robot.cutoff is None:
        return 1.0
    keep = kept(robot)
    result: Complex = (1.0 - keep) / (1.0 - keep / points)
    return result


def kept(robot: RobotLoop) -> float:
    """Return the share of its value that the controller's filter keeps in a period."""
    return 0.0 if robot.cutoff is None else exp(-2.0 * pi * robot.cutoff / robot.rate)
