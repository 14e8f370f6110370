"""Design of a compliance law from a description of the robot and a range of contact stiffness."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10, sqrt
from typing import Any

import numpy as np

from assembly_rl.controllers import bounds
from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.config import AdmittanceConfig
from assembly_rl.controllers.design.config import DesignLimits, PlantPoint, RobotLoop
from assembly_rl.controllers.design.margins import (
    Margins,
    largest_stiffness,
    law_response,
    unit_circle,
)
from assembly_rl.controllers.design.search import Plants, search
from assembly_rl.controllers.serialization import copied
from assembly_rl.controllers.validation import InputError, finite_numbers, is_finite

ROS_NOTES = (
    "limits of wrench, offset and speed, deadband, and the reaction to a lost wrench",
    "the compliance centre: the law acts at the origin of the sensor frame, from where the lever counts",
    "a spring on the commanded offset: there it acts on the measured one",
)
"""Parts of a design that the admittance_controller of ros2_controllers cannot express."""


@dataclass(frozen=True, eq=False)
class Design:
    """Compliance law for a robot and a range of contacts, with what it is predicted to do.

    The rotational law is ``radius^2`` times the translational one. In coordinates in which rotations are
    multiplied by the radius, all six axes then have the same dynamics, and a contact of any stiffness matrix
    K_e (6, 6) falls apart into loops with the eigenvalues of the scaled K_e as stiffnesses. A contact at
    points up to ``lever`` away whose stiffnesses add up to k has eigenvalues of at most
    ``k (1 + (lever / radius)^2)``, which is ``stiffest`` for the stiffest k. Its force at the point is no
    larger than that of the same contact at the centre, where ``peak`` and ``impact`` are computed.

    Attributes:
        law: Compliance law.
        robot: Robot for which it is.
        limits: Limits that it keeps.
        softest: Softest contact, in series with the mount [N/m].
        direct: Stiffest contact, in series with the mount [N/m].
        stiffest: The stiffest with coupling of force and rotation [N/m].
        radius: Length that relates rotations to translations [m].
        settling: Longest settling time of the force [s].
        peak: Largest force where the tool meets the surface at the speed that the reference gives in free
            space, per reference [1].
        impact: Largest force of an impact alone, per approach speed [Ns/m].
        margins: Margins of stability, the smallest over all plants.
        largest_stiffness: Stiffness up to which the margin holds [N/m].
        binding: Plant that leaves the smallest margin.
        slowest: Plant that settles last.
        hardest: Plant with the largest impact.
    """

    law: ComplianceLaw
    robot: RobotLoop
    limits: DesignLimits
    softest: float
    direct: float
    stiffest: float
    radius: float
    settling: float
    peak: float
    impact: float
    margins: Margins
    largest_stiffness: float
    binding: PlantPoint
    slowest: PlantPoint
    hardest: PlantPoint

    def peak_force(self, speed: float, reference: float = 0.0) -> float:
        """Return the largest contact force, where the tool arrives at a speed and under a reference.

        The sum of what both do alone, so no more than this. A moment is at most this times the lever.

        Args:
            speed: Approach speed [m/s].
            reference: Reference force [N].
        """
        return reference * max(1.0, self.peak) + speed * self.impact

    @property
    def free_speed(self) -> float:
        """Speed that a force gives in free space, 1 / D [m/s per N]."""
        return 1.0 / float(self.law.damping[0, 0])

    def diagonals(self) -> dict[str, list[float]]:
        """Return mass, damping and stiffness, six each, rounded up to four digits."""
        return {
            name: [rounded_up(value) for value in np.diag(getattr(self.law, name)).tolist()]
            for name in ("mass", "damping", "stiffness")
        }

    def overrides(self) -> list[str]:
        """Return the law as overrides for ``assembly-rl-train``."""
        shown = {name: ",".join(f"{value:g}" for value in row) for name, row in self.diagonals().items()}
        return [f"task.compliance.{name}=[{row}]" for name, row in shown.items()]

    def ros2(self) -> Any:
        """Return the law as parameters of the ros2_controllers ``admittance_controller``.

        They hold the law, the filter and ``joint_damping: 0``, to be merged into a complete file; what the
        format cannot hold is in ``left_out``.

        Returns:
            ``Ros2Parameters``.

        Raises:
            InputError: An axis has no spring, or the law has no margin when it is stepped as ROS does.
        """
        from assembly_rl.controllers.ros2_admittance import Ros2Parameters, write_ros2_admittance

        robot = self.robot
        mass, damping, stiffness = (
            np.diag(getattr(self.law, name))[0] for name in ("mass", "damping", "stiffness")
        )
        points, dt = unit_circle(), 1.0 / robot.rate
        plants = Plants.of(robot, self.softest, self.direct, self.stiffest)
        loop = law_response(mass, damping, stiffness, dt, points, explicit=True) * plants.responses(points)
        reached = float(largest_stiffness(loop, self.limits.sensitivity).min())
        if mass / damping < 0.5 * dt or reached < 0.99 * self.stiffest:
            raise InputError(
                "the admittance_controller of ros2_controllers steps a law explicitly: a mass of "
                f"{mass:.3g} kg is too little for damping {damping:.3g} Ns/m at {robot.rate:g} Hz; design "
                "with explicit=true"
            )
        written = write_ros2_admittance(self.law, robot.rate, config=AdmittanceConfig(cutoff=robot.cutoff))
        parameters = {**written.parameters, "admittance.joint_damping": 0.0}
        return Ros2Parameters(parameters, written.discarded, ROS_NOTES)


def design(
    robot: RobotLoop,
    stiffness: Sequence[float],
    *,
    lever: float | None = None,
    rotational_stiffness: Sequence[float] | None = None,
    limits: DesignLimits | None = None,
) -> Design:
    """Choose mass, damping and stiffness for a robot and a range of contact stiffness.

    The law settles the contact force fastest, and of those about as fast has the smallest impact, among the
    laws that keep a sensitivity for every lag, delay and stiffness of the ranges (``search``).

    Args:
        robot: Robot in the loop.
        stiffness: Range [low, high] of the contact stiffness [N/m].
        lever: Largest distance of a contact from the compliance centre [m]; there, a force turns the tool,
            too.
        rotational_stiffness: Range [low, high] of the rotational stiffness of a contact [Nm/rad]; by default
            that of a contact at the lever.
        limits: Margin and limits that the law has to keep.

    Raises:
        InputError: Neither lever nor rotational stiffness is given, a range is none, or no law keeps the
            limits (``Infeasible``; the message has the bound that binds).
    """
    robot, limits = copied(robot), copied(limits) if limits is not None else DesignLimits()
    low, high = _range("stiffness", stiffness, bounds.CONTACT_STIFFNESS[0])
    if lever is not None and not (is_finite(lever) and 0.0 < lever <= bounds.LENGTH):
        raise InputError(f"lever must be > 0 and <= {bounds.LENGTH:g} m, got {lever}")
    softest, stiffest = robot.series(low), robot.series(high)
    if rotational_stiffness is not None:
        least, most = _range("rotational_stiffness", rotational_stiffness, bounds.CONTACT_STIFFNESS[1])
        radius = sqrt(most / stiffest)
        softest = min(softest, least / radius**2)
    elif lever is not None:
        radius = lever
    else:
        raise InputError(
            "give lever, the largest distance of a contact from the compliance centre [m], or "
            "rotational_stiffness=[low, high] [Nm/rad]: rotations need one of them"
        )
    coupled = stiffest if lever is None else stiffest * (1.0 + (lever / radius) ** 2)
    plants = Plants.of(robot, softest, stiffest, coupled)
    found = search(plants, limits)
    scale = np.array([1.0] * 3 + [radius**2] * 3)
    if found.damping * radius**2 > bounds.DAMPING[1]:
        raise InputError(
            f"the rotational damping {found.damping * radius**2:.3g} Nms/rad is beyond "
            f"{bounds.DAMPING[1]:g}: lower lever or rotational_stiffness"
        )
    law = ComplianceLaw.from_diagonals(found.mass * scale, found.damping * scale, found.stiffness * scale)
    return Design(
        law=law,
        robot=robot,
        limits=limits,
        softest=softest,
        direct=stiffest,
        stiffest=coupled,
        radius=radius,
        settling=found.settling,
        peak=found.peak,
        impact=found.impact,
        margins=found.margins,
        largest_stiffness=found.largest_stiffness,
        binding=found.binding,
        slowest=found.slowest,
        hardest=found.hardest,
    )


def rounded_up(value: float) -> float:
    """Return the next number of four digits that is not less than one >= 0."""
    if value == 0.0:
        return 0.0
    unit = 10.0 ** (floor(log10(value)) - 3)
    return float(f"{ceil(value / unit - 1e-9) * unit:.4g}")


def _range(name: str, values: Sequence[float], most: float) -> tuple[float, float]:
    if not finite_numbers(values, 2) or not 0.0 < values[0] <= values[1] <= most:
        raise InputError(f"{name} must be [low, high] with 0 < low <= high <= {most:g}, got {values!r:.80}")
    return float(values[0]), float(values[1])
