"""Insertion in progress: the connection of a robot's sensors, a policy and the robot's command."""

from collections.abc import Sequence
from dataclasses import replace
from math import hypot

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.admittance import AdmittanceController
from assembly_rl.controllers.ceiling import ForceCeiling
from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.contact_config import ContactConfig
from assembly_rl.controllers.faults import Fault
from assembly_rl.controllers.guidance import make_guidance
from assembly_rl.controllers.insertion.action import ActionMapping, Dither
from assembly_rl.controllers.insertion.config import InsertionConfig
from assembly_rl.controllers.insertion.coordinates import CoordinateTransform
from assembly_rl.controllers.insertion.observation import Observer
from assembly_rl.controllers.insertion.observation_terms import NO_TELEMETRY
from assembly_rl.controllers.insertion.phases import Phase
from assembly_rl.controllers.insertion.supervisor import Decision, Supervisor
from assembly_rl.controllers.insertion.symmetry import Views
from assembly_rl.controllers.se3 import (
    IDENTITY,
    Pose,
    Quaternion,
    Vector,
    checked_pose,
    quat_conjugate,
    quat_exp,
    quat_log,
    quat_multiply,
    rotate,
    rotate_back,
    rotation_matrix,
)
from assembly_rl.controllers.serialization import copied
from assembly_rl.controllers.wrench import NOT_A_WRENCH, ContactWrench, ToolConfig, Wrench

Array = NDArray[np.float64]
NO_USABLE_WRENCH = Fault.INVALID_INPUT | Fault.STALE_WRENCH | Fault.STOPPED
ORIGIN: Vector = (0.0, 0.0, 0.0)
UNSUPERVISED = Decision(Phase.search, None, 1.0, False)


class Insertion:
    """Motion of a tool along the nominal path, with corrections by an admittance controller and its policy.

    The path runs straight down the z axis of the ``nominal`` frame (the estimated hole, origin at the centre
    of its mouth, z out of it). ``tip`` is the compliance centre; its axes are those of the flange, where the
    wrench sensor is. Law, wrench, offset, observation and action are in the axes of ``nominal``, wrenches
    about the tip. Poses of the flange are in a frame w that the caller chooses: the true hole in simulation,
    the base on a robot.

    In each control period ``measure`` converts a reading into a wrench, and ``step`` computes a command from
    it; once per policy period ``observe`` computes the observation and ``apply`` applies the action. With
    ``config.supervisor.attempts`` above 1 a ``supervisor`` acts in place of the policy in some phases, and
    begins further attempts; see ``Supervisor``.

    Args:
        config: Rates, path, controller, meaning of observation and action.
        law: Compliance law at the tip.
        tool: Position of the tip from the flange, and the load on the sensor.
        gravity: Gravity in w [m/s2].
        contact: Stiffest contact; None for no check of stability.

    Raises:
        ValueError: ``AdmittanceController``, ``Observer`` or ``ContactWrench`` refuses its arguments.
    """

    def __init__(
        self,
        config: InsertionConfig,
        law: ComplianceLaw,
        tool: ToolConfig,
        gravity: Sequence[float] = (0.0, 0.0, 0.0),
        contact: ContactConfig | None = None,
    ) -> None:
        config, tool = copied(config, InsertionConfig), copied(tool)
        admittance = config.admittance
        if not config.action.kind.changes_gains:  # then no energy tank is needed
            admittance = replace(admittance, gains=replace(admittance.gains, tank=None))
        self.controller = AdmittanceController(law, config.control_rate, admittance, contact)
        self.contact_wrench = ContactWrench(tool, gravity)
        gx, gy, gz = gravity
        self._gravity: Vector = (float(gx), float(gy), float(gz))
        self._coordinates = CoordinateTransform(config.coordinates)
        self._mapping = ActionMapping(config.action, self.controller, self._coordinates)
        self._dither = Dither([0.0] * 6 if config.action.kind.changes_gains else config.action.dither)
        self.observer = Observer(config.observation)
        self._views = Views(config.symmetry, self.observer.names)
        base = config.base
        self._base = None if base.guidance is None else make_guidance(base.guidance, base.parameters)
        own = config.supervisor
        self.supervisor = Supervisor(own, config.limits) if own.attempts > 1 else None
        self._scale = np.array(config.action.wrench)
        self._path = config.path
        self._policy_period = 1.0 / config.policy_rate
        self._period = 1.0 / config.control_rate
        self._faster = config.path.speed * self._period / config.path.ramp
        self._ceiling = ForceCeiling(config.ceiling, config.control_rate) if config.ceiling.force else None
        x, y, z = map(float, tool.centre)
        self._to_flange: Vector = (-x, -y, -z)  # from the tip, in the tool's axes
        self.reset((ORIGIN, IDENTITY))

    def reset(
        self, nominal: Pose, start: Sequence[float] = (0.0,) * 6, law: ComplianceLaw | None = None
    ) -> Pose:
        """Start an insertion at the beginning of the path.

        Args:
            nominal: T_wn, position [m] and quaternion xyzw.
            start: Offset of the tip from the start of the path (6,) [m, rad], in nominal axes.
            law: New compliance law; by default the law is unchanged.

        Returns:
            T_wf, the pose of the flange at the start.

        Raises:
            ValueError: ``AdmittanceController.reset`` refuses start or law.
        """
        nominal = checked_pose("nominal", nominal)
        self.controller.reset(start, law)
        self._mapping.reset()
        self._dither.reset()
        self.observer.reset()
        self._observed, self._begun = 0, 0
        self._decision = UNSUPERVISED
        self._peak_force, self._peak_moment = 0.0, 0.0
        if self.supervisor is not None:
            self.supervisor.reset()
        self.view = 0
        """Number of the axes of the latest observation, as in ``symmetries``."""
        self._origin, self._turn = nominal
        self._axes, self._to_nominal = rotation_matrix(self._turn), quat_conjugate(self._turn)
        self.contact_wrench.turn_gravity(rotate_back(self._axes, self._gravity))
        self.height = self._path.start_height
        """Height of the path above the nominal mouth [m]."""
        self._speed = 0.0
        self._last_action = np.zeros(6)
        self._base_action = np.zeros(6)
        self._reference = [0.0] * 6
        x, y, z, *turn = map(float, start)
        command = self._flange(x, y, self.height + z, quat_exp((turn[0], turn[1], turn[2])))
        if self._ceiling is not None:
            self._ceiling.reset(self.pose(*command)[0].tolist())
        return command

    def orientation(self, flange: Quaternion) -> Quaternion:
        """Compute q_nf from q_wf, xyzw."""
        return quat_multiply(self._to_nominal, flange)

    def measure(self, reading: Sequence[float], flange: Quaternion) -> Wrench:
        """Compute the contact wrench about the tip [N, Nm], nominal axes, from a reading in flange axes.

        Args:
            reading: Six floats; see ``ContactWrench``.
            flange: q_wf, xyzw, at the time of the reading.
        """
        wrench = self.contact_wrench(reading, self.orientation(flange))
        if self.supervisor is not None:
            fx, fy, fz, mx, my, mz = wrench
            self._peak_force = max(self._peak_force, hypot(fx, fy, fz))
            self._peak_moment = max(self._peak_moment, hypot(mx, my, mz))
        return wrench

    def pose(self, position: Vector, orientation: Quaternion) -> tuple[Array, Vector]:
        """Compute the tip pose (6,) [m, rad] in the nominal frame, and its position in w, from T_wf."""
        arm = rotate(rotation_matrix(orientation), self._to_flange)
        tip = (position[0] - arm[0], position[1] - arm[1], position[2] - arm[2])
        origin = self._origin
        relative = rotate_back(self._axes, (tip[0] - origin[0], tip[1] - origin[1], tip[2] - origin[2]))
        return np.array((*relative, *quat_log(self.orientation(orientation)))), tip

    def depth(self, pose: Array) -> float:
        """Return the depth [m] of a tip pose (6,) below the mouth, as estimated or as felt by touch."""
        correction = 0.0 if self.supervisor is None else float(self.supervisor.correction[2])
        return correction - float(pose[2])

    def observe(
        self,
        wrench: Array,
        pose: Array,
        twist: Array,
        rng: np.random.Generator,
        telemetry: Array = NO_TELEMETRY,
    ) -> NDArray[np.float32]:
        """Compute the observation of the policy.

        Args:
            wrench: Mean wrench (6,) [N, Nm] from ``measure`` over the last policy period.
            pose: Pose (6,) [m, rad] from ``pose``.
            twist: Twist of the tip (6,) [m/s, rad/s], nominal axes.
            rng: Random generator of the noise of second sensors.
            telemetry: Channels of a robot controller, if a group of the observation needs them.
        """
        if self.supervisor is not None:
            pose = self._supervise(self.supervisor, wrench, pose)
        coordinates, time = self._coordinates, (self._observed - self._begun) * self._policy_period
        self._observed += 1
        self.view = self._views.number(time)
        wrench, pose = coordinates.source_wrench(wrench), coordinates.source_pose(pose, self.height)
        if self._base is not None:
            push = self._base.push(time, wrench.tolist(), pose.tolist())
            self._base_action = np.clip(np.array(push) / self._scale, -1.0, 1.0)
        observation = self.observer.observe(
            wrench,
            pose,
            coordinates.source_twist(twist),
            self._last_action,
            rng,
            time,
            self._base_action,
            telemetry,
        )
        return self._views.observed(self.view, observation)

    def _supervise(self, supervisor: Supervisor, wrench: Array, pose: Array) -> Array:
        """Let the supervisor decide about this policy step; return the pose that the policy sees."""
        time = self._observed * self._policy_period
        own = supervisor.decide(time, wrench, pose, self._peak_force, self._peak_moment)
        self._decision = own
        self._peak_force, self._peak_moment = 0.0, 0.0
        if own.begins:
            self.observer.reset()
            self._dither.reset()
            self._last_action = np.zeros(6)
            self._begun = self._observed
        return supervisor.seen(pose)

    def apply(self, action: Array) -> None:
        """Apply an action (6,) in [-1, 1] with its dither; the next observation has what was applied.

        The action is in the axes of the latest observation; see ``SymmetryConfig``. With a base it is added
        to that of the base for the latest observation, and the sum is cut to [-1, 1]. In a phase in which
        the supervisor acts, its action is applied instead.
        """
        if self._decision.action is not None:
            self._refer(self._decision.action)
            return
        action = self._views.applied(self.view, np.array(action, dtype=np.float64))
        if self._base is not None:
            action = np.clip(self._base_action + action, -1.0, 1.0)
        self._refer(self._dither(action))

    def _refer(self, action: Array) -> None:
        """Apply an action (6,) in the axes of the nominal frame."""
        self._last_action = action
        reference = self._mapping.apply(action)
        self._reference = reference if self._ceiling is None else self._ceiling.bounded(reference)

    def step(
        self,
        wrench: Sequence[float],
        time: float | None = None,
        stamp: float | None = None,
        pose: Pose | None = None,
    ) -> tuple[Pose, Fault]:
        """Run one control period.

        With a force ceiling the command goes back to where the robot was, and stands still, while there is no
        usable wrench or no pose.

        Args:
            wrench: Contact wrench (6,) [N, Nm] from ``measure``.
            time: Time of this step on a steady clock [s]; None for no check of timing and age.
            stamp: Time when the wrench was measured, on the same clock [s]; None for now.
            pose: Measured T_wf; only a force ceiling needs it.

        Returns:
            Command T_wf and the faults.
        """
        ceiling, path = self._ceiling, self._path
        if ceiling is not None and pose is None:
            wrench = NOT_A_WRENCH
        offset, faults = self.controller.step(wrench, self._reference, time, stamp)
        if faults and faults & NO_USABLE_WRENCH:  # then the path stops, too
            self._speed = max(0.0, self._speed - self._faster)
            if ceiling is not None:
                return self._applied(ceiling.back()), faults
        else:
            target = path.speed * self._decision.descent
            if self._speed > target:
                self._speed = max(target, self._speed - self._faster)
            else:
                self._speed = min(target, self._speed + self._faster)
        self.height -= self._period * self._speed
        if self._speed < 0.0:
            self.height = min(self.height, path.start_height)
        ahead = min(offset[2] - path.lead, path.start_height - self.height)
        if ahead > 0.0:  # the path waits for the tool, up to its start; the command is unchanged
            self.height += ahead
            offset[2] -= ahead
            self.controller.rebase(2, ahead)
        turn = quat_exp((offset[3], offset[4], offset[5]))
        command = self._flange(offset[0], offset[1], self.height + offset[2], turn)
        if ceiling is not None and pose is not None:
            command, faults = self._below_ceiling(ceiling, command, wrench, pose, faults)
        return command, faults

    def _below_ceiling(
        self, ceiling: ForceCeiling, command: Pose, wrench: Sequence[float], pose: Pose, faults: Fault
    ) -> tuple[Pose, Fault]:
        """Limit a command to the ceiling, and tell the controller what is applied."""
        measured = self.pose(*pose)[0].tolist()
        arm = rotate(rotation_matrix(self.orientation(pose[1])), self._to_flange)
        limited = ceiling.limit(self.pose(*command)[0].tolist(), measured, wrench, arm)
        if not ceiling.active:
            return command, faults
        return self._applied(limited), faults | Fault.FORCE_CEILING

    def _applied(self, tip: Sequence[float]) -> Pose:
        """Tell the controller what is applied, a pose of the tip (6,) in the nominal frame; return T_wf."""
        x, y, z, a, b, c = tip
        self.controller.restrain((x, y, z - self.height, a, b, c))
        return self._flange(x, y, z, quat_exp((a, b, c)))

    def _flange(self, x: float, y: float, z: float, rotation: Quaternion) -> Pose:
        """Compute T_wf for a pose of the tip [m, xyzw] in the nominal frame."""
        arm = rotate(rotation_matrix(rotation), self._to_flange)
        flange = rotate(self._axes, (x + arm[0], y + arm[1], z + arm[2]))
        origin = self._origin
        position = (flange[0] + origin[0], flange[1] + origin[1], flange[2] + origin[2])
        return position, quat_multiply(self._turn, rotation)
