"""Set of plants over which a law is designed: corners and a grid of lag, delay and stiffness."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.design.config import PlantPoint, RobotLoop
from assembly_rl.controllers.design.plant import Plant, filter_response

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Plants:
    """Set of plants over which a law is designed.

    Attributes:
        robot: Robot.
        points: Lag and delay of each plant [s].
        plants: Their steps.
        stiffness: Contact stiffnesses from the softest to the stiffest [N/m], in series with the mount.
        direct: Number of these that are reached without coupling of force and rotation.
    """

    robot: RobotLoop
    points: list[tuple[float, float]]
    plants: list[Plant]
    stiffness: Array
    direct: int

    @classmethod
    def of(cls, robot: RobotLoop, low: float, high: float, coupled: float) -> "Plants":
        """Build the corners and a grid between them.

        Args:
            robot: Robot.
            low: Stiffness of the softest contact [N/m].
            high: Stiffness of the stiffest contact [N/m].
            coupled: Stiffness of the stiffest contact with coupling of force and rotation [N/m], >= high.
        """
        lags = _range(robot.lag, 4)
        points = [(lag, delay) for lag in lags for delay in _range(robot.delay, 2)]
        count = 1 if low == high else int(np.clip(round(3 + 1.5 * np.log10(high / low)), 4, 8))
        grid = np.geomspace(low, high, count)
        return cls(
            robot,
            points,
            [Plant.of(robot, lag, delay) for lag, delay in points],
            np.append(grid, coupled) if coupled > high else grid,
            count,
        )

    def point(self, number: int, stiffness: float) -> PlantPoint:
        """Return a plant of the set by its number, with a stiffness [N/m]."""
        return PlantPoint(float(stiffness), *self.points[number])

    def largest(self, values: Array) -> PlantPoint:
        """Return the plant with the largest of values, shape (plants, stiffnesses)."""
        number, contact = np.unravel_index(int(values.argmax()), values.shape)
        return self.point(int(number), float(self.stiffness[contact]))

    @property
    def coupling(self) -> Array:
        """Factor of each stiffness that is due to coupling of force and rotation, shape (stiffnesses,)."""
        return np.maximum(1.0, self.stiffness / self.stiffness[self.direct - 1])

    def responses(self, points: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return the responses from command to filtered reading, shape (plants, frequencies)."""
        shared = filter_response(self.robot, points)
        return np.stack([plant.response(points) * shared for plant in self.plants])

    @property
    def slowness(self) -> float:
        """Sum of delays, lags and half a control period of the slowest robot [s]."""
        robot = self.robot
        filters = [
            1.0 / (2.0 * np.pi * cut) for cut in (robot.sensor_cutoff, robot.cutoff) if cut is not None
        ]
        return robot.lag[1] + robot.delay[1] + robot.sensor_delay + sum(filters) + 0.5 / robot.rate


def _range(ends: Sequence[float], count: int) -> list[float]:
    low, high = ends
    return [low] if low == high else np.linspace(low, high, count).tolist()
