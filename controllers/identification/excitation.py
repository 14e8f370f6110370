"""Motion by which a robot is identified: one command per control period, bounded in force."""

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np

from assembly_rl.controllers.bundles import State
from assembly_rl.controllers.identification.motion import ExcitationConfig, free_motion
from assembly_rl.controllers.identification.push import Push
from assembly_rl.controllers.identification.recording import MotionRecording
from assembly_rl.controllers.se3 import (
    Pose,
    quat_conjugate,
    quat_exp,
    quat_log,
    quat_multiply,
    require_pose,
    rotate,
    rotation_matrix,
)
from assembly_rl.controllers.serialization import copied
from assembly_rl.controllers.validation import InputError

RETREAT = (0.02, 0.2)
"""Speed of the way back [m/s, rad/s]."""
PATIENCE = 0.1
"""Time without a usable pose or reading after which the motion ends [s]."""
MARGIN = (0.02, 0.1)
"""Distance from the commanded pose at which the robot does not follow [m, rad]."""


class Move(NamedTuple):
    """Command of a control period.

    Attributes:
        position: Position of T_base_flange [m].
        orientation: Quaternion of T_base_flange, xyzw.
        state: State of the motion; ``running`` until it has ended.
    """

    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float]
    state: State


class Excitation:
    """Motion in free space, then slow pushes, as ``ExcitationConfig`` describes them.

    Above the limits of force and moment, and after ``stop``, it goes back to where it began, and ends. It
    ends where it is if poses or readings are missing. It does not know about collisions of the arm: leave a
    hand's breadth of free space around the tool, and the surface, if there is one, in the direction of the
    pushes.

    Args:
        rate: Control rate [Hz].
        config: Motion.

    Attributes:
        rate: Control rate [Hz].
        state: ``idle`` before ``reset``, ``running``, then ``success``, ``force_limit``, ``moment_limit``,
            ``workspace``, ``fault`` or ``stopped``.
        reason: Reason of the end.
    """

    def __init__(self, rate: float, config: ExcitationConfig | None = None) -> None:
        self._config = copied(config) if config is not None else ExcitationConfig()
        if not 50.0 <= rate <= 2000.0:
            raise InputError(f"the control rate must be 50 to 2000 Hz, got {rate}")
        if self._config.frequencies[1] > 0.2 * rate:
            raise InputError(
                f"frequencies[1] must be <= a fifth of the control rate, {0.2 * rate:g} Hz, got "
                f"{self._config.frequencies[1]}"
            )
        self.rate, self.state, self.reason = rate, State.idle, ""
        offsets, self._phases = free_motion(self._config, rate)
        self._offsets = offsets.tolist()
        self._rows: list[tuple[object, ...]] = []

    def reset(self, pose: Pose) -> Move:
        """Begin at a measured pose T_base_flange, at which the robot stands still in free space.

        Raises:
            ValueError: The pose is none.
        """
        require_pose("pose", pose)
        self._start: Pose = (tuple(map(float, pose[0])), tuple(map(float, pose[1])))  # type: ignore[assignment]
        self._command = self._start
        self._free, self._missing, self._rows = 0, 0, []
        self._readings: list[Sequence[float]] = []
        self._bias = np.zeros(6)
        self._push = Push(self._config, self.rate)
        self._ending: State | None = None
        self.state, self.reason = State.running, ""
        return Move(*self._command, self.state)

    def stop(self) -> None:
        """Go back to where the motion began, and end."""
        if self.state is State.running and self._ending is None:
            self._end(State.stopped, "stopped by the program")

    def step(self, reading: Sequence[float], pose: Pose, time: float) -> Move:
        """Return the command of a control period.

        Args:
            reading: Wrench that the environment applies to the tool, about the flange, in its axes [N, Nm].
            pose: Measured pose T_base_flange.
            time: Time of the measurements [s].
        """
        if self.state is not State.running:
            return Move(*self._command, self.state)
        values = (time, *reading, *pose[0], *pose[1])
        if len(values) != 14 or not all(map(isfinite, values)):
            self._missing += 1
            if self._missing > PATIENCE * self.rate:
                self.state, self.reason = State.fault, "poses or readings are missing"
            return Move(*self._command, self.state)
        self._missing = 0
        self._watch(reading, pose)
        phase = self._advance(reading, pose)
        self._rows.append((time, *self._command[0], *self._command[1], *pose[0], *pose[1], *reading, phase))
        return Move(*self._command, self.state)

    def recording(self) -> MotionRecording:
        """Return what was recorded since the reset, a copy.

        Raises:
            ValueError: There are too few rows, or the clock was not steady.
        """
        numbers = np.array([row[:-1] for row in self._rows], dtype=np.float64).reshape(-1, 21)
        phases = np.array([row[-1] for row in self._rows], dtype="U7")
        return MotionRecording(numbers[:, 0], numbers[:, 1:8], numbers[:, 8:15], numbers[:, 15:], phases)

    # ------------------------------------------------------------------ limits

    def _watch(self, reading: Sequence[float], pose: Pose) -> None:
        """End the motion if force, moment or pose leave their limits."""
        if self._ending is not None or len(self._readings) < 5:
            return
        wrench = np.asarray(reading, dtype=np.float64) - self._bias
        force, moment = float(np.linalg.norm(wrench[:3])), float(np.linalg.norm(wrench[3:]))
        away = float(np.linalg.norm(np.subtract(pose[0], self._command[0])))
        angle = float(np.linalg.norm(_rotation(self._command, pose)))
        config = self._config
        if force > config.force_limit:
            pushing = self._free == len(self._offsets)
            hint = "; approach a stiff surface more slowly, approach_speed" if pushing else ""
            self._end(
                State.force_limit,
                f"the force is {force:.3g} N, force_limit is {config.force_limit:g} N{hint}",
            )
        elif moment > config.moment_limit:
            self._end(
                State.moment_limit,
                f"the moment is {moment:.3g} Nm, moment_limit is {config.moment_limit:g} Nm",
            )
        elif away > MARGIN[0] or angle > MARGIN[1]:
            self._end(
                State.workspace,
                f"the robot is {1e3 * away:.3g} mm and {angle:.3g} rad from its command: it does not follow",
            )

    def _end(self, state: State, reason: str) -> None:
        self._ending, self.reason = state, reason

    # ------------------------------------------------------------------ motion

    def _advance(self, reading: Sequence[float], pose: Pose) -> str:
        """Choose the next command; return the phase of the row."""
        if self._ending is not None:
            self._return()
            return "other"
        if self._free < len(self._offsets):
            phase = self._phases[self._free]
            if self._free < self._config.rest * self.rate:
                self._readings.append(tuple(reading))
                self._bias = np.mean(self._readings[-200:], axis=0)
            self._command = _moved(self._start, self._offsets[self._free])
            self._free += 1
            return phase
        if self._config.force == 0.0:
            self.state = State.success
            return "rest"
        return self._pushed(reading, pose)

    def _pushed(self, reading: Sequence[float], pose: Pose) -> str:
        x, y, z = (np.asarray(reading[:3]) - self._bias[:3]).tolist()
        force = rotate(rotation_matrix(pose[1]), (x, y, z))
        direction = self._config.direction
        depth = self._push.step(-float(np.dot(force, direction)))
        (a, b, c), orientation = self._start
        dx, dy, dz = direction
        self._command = (a + depth * dx, b + depth * dy, c + depth * dz), orientation
        if self._push.lost:
            self._end(State.workspace, f"no firm surface within travel, {1e3 * self._config.travel:g} mm")
        if self._push.done:
            self.state = State.success
        return self._push.phase

    def _return(self) -> None:
        """Go towards the beginning, straight, and end there."""
        way = np.subtract(self._start[0], self._command[0])
        turn = np.array(_rotation(self._command, self._start))
        share = min(
            1.0,
            RETREAT[0] / self.rate / max(float(np.linalg.norm(way)), 1e-12),
            RETREAT[1] / self.rate / max(float(np.linalg.norm(turn)), 1e-12),
        )
        if share == 1.0:
            self._command = self._start
            assert self._ending is not None
            self.state = self._ending
            return
        x, y, z = (np.array(self._command[0]) + share * way).tolist()
        a, b, c = (share * turn).tolist()
        self._command = (x, y, z), quat_multiply(self._command[1], quat_exp((a, b, c)))


def _moved(start: Pose, offset: list[float]) -> Pose:
    """Return a pose displaced in the base's axes, and turned in its own."""
    x, y, z, a, b, c = offset
    (p, q, r), orientation = start
    return (p + x, q + y, r + z), quat_multiply(orientation, quat_exp((a, b, c)))


def _rotation(a: Pose, b: Pose) -> tuple[float, float, float]:
    """Return the rotation vector from one pose to another, in the axes of the first."""
    return quat_log(quat_multiply(quat_conjugate(a[1]), b[1]))
