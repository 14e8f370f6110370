"""Execution of a bundle: commands from readings and poses, at the control rate."""

from collections import deque
from collections.abc import Sequence
from copy import deepcopy
from enum import StrEnum
from math import isfinite, nan
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.controllers import bounds
from assembly_rl.controllers.bundles.manifest import Manifest
from assembly_rl.controllers.bundles.plausibility import CommandBound, PoseCheck
from assembly_rl.controllers.bundles.recording import Recording
from assembly_rl.controllers.contact_loop import ContactLoop
from assembly_rl.controllers.faults import Fault
from assembly_rl.controllers.insertion import Insertion, Result, Termination
from assembly_rl.controllers.insertion.phases import Attempt, Phase
from assembly_rl.controllers.mlp import MLP
from assembly_rl.controllers.se3 import Pose, Quaternion, Vector, checked_pose, normalized
from assembly_rl.controllers.serialization import copied
from assembly_rl.controllers.sums import added
from assembly_rl.controllers.validation import InputError, entries, plain, real
from assembly_rl.controllers.wrench import NOT_A_WRENCH

LOG_DURATION = 10.0
"""Least duration of the log [s]; a longer insertion extends it."""
RATE_WINDOW = 20
"""Control periods in which the rate of the loop is measured."""
SUCCESS_POSES = 5
"""Consecutive poses, one per control period, that have to be at the goal for a success."""
WEIGHT_RATE = 5e8
"""Largest product of a network's weights and the control rate [Hz]: about an eighth of the period."""
RATE_TOLERANCE = 0.2
"""Largest relative deviation of the mean period from the control period."""
UNUSED_RNG = np.random.default_rng(0)
NO_TWIST = np.zeros(6)
NO_POSE: Pose = ((nan,) * 3, (nan,) * 4)
FAR = bounds.POSITION


class State(StrEnum):
    """State of an insertion; all but ``running`` last until ``reset``, with a constant command."""

    idle = "idle"
    """Not reset yet: the command is the robot's pose."""
    running = "running"
    success = "success"
    """The tip is at the bottom of the hole, by the hole's estimated position, in ``SUCCESS_POSES`` poses."""
    timeout = "timeout"
    force_limit = "force_limit"
    moment_limit = "moment_limit"
    workspace = "workspace"
    """The tip is too far from the hole's axis, or rotated too far."""
    fault = "fault"
    """The controller has stopped for lack of usable readings or poses, or for a command out of bounds."""
    wrong_rate = "wrong_rate"
    """Steps do not occur at the control rate."""
    stopped = "stopped"
    """Stopped by ``BundleController.stop``."""


class Command(NamedTuple):
    """Command of a control step.

    Attributes:
        position: Position of the flange in the base frame [m], at the end of the control period.
        orientation: Orientation of the flange, xyzw.
        faults: Faults of this step.
        state: State of the insertion.
    """

    position: Vector
    orientation: Quaternion
    faults: Fault
    state: State


class BundleController:
    """Trained controller, with one step per control period.

    Frames and signs are in ``Manifest.conventions``: a reading is the wrench that the ENVIRONMENT applies to
    the tool, force then moment, about the flange's origin in the flange's axes; poses are T_base_flange; the
    hole is the estimate T_base_nominal.

    Args:
        manifest: Manifest of the bundle.
        policy: Network of the bundle, from observations to actions before the clip to [-1, 1].

    Raises:
        ValueError: The controller refuses a field; the message names it.

    Attributes:
        manifest: Manifest of the bundle (a copy that nothing runs on).
        rate: Required rate of the calls of ``step`` [Hz].
        reason: Reason for the end of an insertion, in words.
    """

    def __init__(self, manifest: Manifest, policy: MLP) -> None:
        self.manifest, self._policy = deepcopy(manifest), MLP(policy.layers)
        manifest = copied(manifest)
        config, law = manifest.insertion, manifest.law.law()
        self.rate = config.control_rate
        weights = sum(weight.size for weight, _, _ in policy.layers)
        if weights * self.rate > WEIGHT_RATE:
            raise InputError(
                f"the network has {weights} weights: with a control rate of {self.rate:g} Hz it may have "
                f"{WEIGHT_RATE / self.rate:.0f}, or a control period would be too short for it"
            )
        if manifest.contact is not None:
            own = config.admittance
            details = own.cutoff, own.discretization, own.selected_axes
            # Before the controller's check, whose search for the largest stable stiffness takes long.
            if not ContactLoop(law, self.rate, manifest.contact, *details).is_stable():
                raise InputError("law and contact are unstable together: export the run again")
        contact = manifest.contact if config.action.kind.changes_gains else None  # checked already
        self._insertion = Insertion(config, law, manifest.tool, manifest.gravity, contact)
        self._limits = config.limits
        self._bound = CommandBound(config, manifest.tool)
        self._pose_check = PoseCheck(self._bound, 1.0 / config.control_rate)
        self._every = config.control_steps()
        self._termination = Termination(config, manifest.part.hole_depth)
        self._period = 1.0 / self.rate
        length = round(max(LOG_DURATION, config.limits.time) * self.rate)
        self._log: deque[tuple[object, ...]] = deque(maxlen=length)
        self._state, self.reason = State.idle, "call reset()"
        self._command: Pose = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))
        self._actions: NDArray[np.float64] = np.zeros(6)
        self._arrived = 0
        x, y, z = manifest.tool.centre
        self._start: Pose = ((-x, -y, config.path.start_height - z), (0.0, 0.0, 0.0, 1.0))

    @property
    def actions(self) -> NDArray[np.float64]:
        """Latest action of the policy (6,), in [-1, 1] (a copy)."""
        return self._actions.copy()

    @property
    def phase(self) -> Phase | None:
        """Phase of the insertion; None without ``insertion.supervisor``."""
        own = self._insertion.supervisor
        return None if own is None else own.phase

    @property
    def attempts(self) -> list[Attempt]:
        """Ends of the attempts that others followed (a copy); none without ``insertion.supervisor``."""
        own = self._insertion.supervisor
        return [] if own is None else list(own.attempts)

    @property
    def at_goal(self) -> bool:
        """True while the latest pose is at the goal: the last action then stays in force."""
        return self._state is State.success or self._arrived > 0

    @property
    def start(self) -> Pose:
        """T_nominal_flange at the start of an insertion: move the robot there before ``reset``."""
        return self._start

    def reset(
        self,
        hole: Pose,
        pose: Pose | None = None,
        free_readings: ArrayLike | None = None,
        bias: Sequence[float] | None = None,
        rate: float | None = None,
    ) -> Command:
        """Start an insertion; the robot is at the start, at rest and in free space.

        Args:
            hole: T_base_nominal, position [m] and quaternion xyzw.
            pose: Measured T_base_flange, near ``start``; None for exactly ``start``.
            free_readings: (n, 6) readings there; their mean minus the tool's weight is the sensor's bias.
            bias: (6,) known bias of the sensor [N, Nm]. Without readings and bias it is unchanged.
            rate: Rate of the calls of ``step`` [Hz], which is checked.

        Returns:
            Initial command, the pose of the robot.

        Raises:
            ValueError: A pose is invalid or too far from the start, readings are invalid, or the rate is not
                the bundle's.
        """
        self._state, self.reason = State.idle, "reset() did not succeed"
        hole = checked_pose("hole", hole)
        if max(map(abs, hole[0])) > bounds.POSITION:
            raise InputError(f"hole must be within {bounds.POSITION:g} m of the base, got {hole[0]}")
        if pose is not None:
            pose = checked_pose("pose", pose)
        if rate is not None and abs(rate - self.rate) > 1e-6 * self.rate:
            raise InputError(
                f"the loop runs at {rate:g} Hz, the bundle's insertion.control_rate is {self.rate:g} Hz: "
                "run the loop at that rate"
            )
        insertion = self._insertion
        start = insertion.reset(hole)
        if pose is not None:
            x, y, z, *turn = insertion.pose(*pose)[0].tolist()
            # Rounded to a nanometre, so that a robot at the start is there exactly.
            offset = [round(value, 9) for value in (x, y, z - insertion.height, *turn)]
            start = insertion.reset(hole, offset)
        if free_readings is not None:
            insertion.contact_wrench.tare(free_readings, insertion.orientation(start[1]))
        elif bias is not None:
            insertion.contact_wrench.bias = bias
        self._hole = hole
        self._log.clear()
        self._count = 0
        self._since: tuple[int, float] | None = None
        self._wrenches: list[Sequence[float]] = []
        self._state, self.reason = State.running, ""
        self._command = start
        self._pose_check.reset(start)
        self._arrived = 0
        self._cause = ""
        self._actions = np.zeros(6)
        return Command(*start, Fault.NONE, self._state)

    @property
    def state(self) -> State:
        """State of the insertion."""
        return self._state

    def step(
        self,
        wrench: Sequence[float] | NDArray[np.float64],
        pose: tuple[Sequence[float], Sequence[float]],
        time: float,
        stamp: float | None = None,
    ) -> Command:
        """Run one control period. It never raises, whatever it is given, and commands are always finite.

        A command changes by no more than the stated limits allow (``CommandBound``): one that would is
        replaced by the last one, and the insertion ends with ``fault``. A measured pose that jumped, or that
        is too far from the command (``PoseCheck``), is not used, and neither is the reading with it.

        Args:
            wrench: Reading of the sensor, six floats [N, Nm].
            pose: Measured T_base_flange: position [m], quaternion xyzw.
            time: Time of this step on a steady clock [s].
            stamp: Time of the wrench measurement on the same clock [s]; None for now.
        """
        now, then = real(time), None if stamp is None else real(stamp)
        reading, position, orientation = NOT_A_WRENCH, *NO_POSE
        cause = "no reading, or no pose"
        try:
            a, b, c, d, e, f = entries(wrench)
            (x, y, z), (qx, qy, qz, qw) = pose
            if not (
                type(a) is type(b) is type(c) is type(d) is type(e) is type(f) is float
                and type(x) is type(y) is type(z) is type(qx) is type(qy) is type(qz) is type(qw) is float
            ):
                a, b, c, d, e, f = plain((a, b, c, d, e, f))
                x, y, z, qx, qy, qz, qw = plain((x, y, z, qx, qy, qz, qw))
            unit = normalized((qx, qy, qz, qw))
            if unit is not None and -FAR < x < FAR and -FAR < y < FAR and -FAR < z < FAR:
                reading = (a, b, c, d, e, f)
                position, orientation, cause = (x, y, z), unit, ""
        except Exception:  # foreign objects run foreign code: the border of the control loop
            reading = NOT_A_WRENCH
        if self._state is not State.running:
            if self._state is State.idle and not cause:  # the command is the present pose
                self._command = (position, orientation)
            return Command(*self._command, Fault.STOPPED, self._state)
        measured = (*position, *orientation)
        cause = cause or self._pose_check.fault((position, orientation), self._command)
        if cause:  # without a pose the wrench is not usable, either
            self._known, self._cause = False, cause
            faults = self._run(NOT_A_WRENCH, *self._command, now, then)
        else:
            self._known, self._cause = True, ""
            faults = self._run(reading, position, orientation, now, then)
        inputs = (nan if then is None else then, now, *reading)
        self._log.append((*inputs, *measured, *self._command[0], *self._command[1], faults, self._state))
        return Command(*self._command, faults, self._state)

    def stop(self, reason: str = "stopped from outside") -> None:
        """End a running insertion; the command remains constant."""
        if self._state is State.running:
            self._end(State.stopped, reason)

    def _run(
        self,
        reading: Sequence[float],
        position: Vector,
        orientation: Quaternion,
        time: float,
        stamp: float | None,
    ) -> Fault:
        insertion = self._insertion
        wrench = insertion.measure(reading, orientation)
        self._wrenches.append(wrench)
        if self._count % RATE_WINDOW == 0 and isfinite(time):
            self._watch_rate(time)
        result = self._termination.of_wrench(wrench)
        if result is not None:
            self._finish(result)
        if self._state is State.running and (self._arrived or self._count % self._every == 0):
            self._look(position, orientation)
        if self._state is not State.running:
            return Fault.NONE
        self._count += 1
        command, faults = insertion.step(wrench, time, stamp, (position, orientation))
        if not self._bound.allows(self._command, command):
            self._end(State.fault, "the controller computed a command beyond the stated speed limits")
            return faults
        self._command = command
        if faults and Fault.STOPPED in faults:
            cause = self._cause or "readings are too old"
            self._end(
                State.fault, f"no usable reading or pose for too long ({cause}): check sensor and robot"
            )
        return faults

    def _watch_rate(self, time: float) -> None:
        """End the insertion if steps occur at another rate; the controller flags single late ones."""
        before, self._since = self._since, (self._count, time)
        if before is None:
            return
        period = (time - before[1]) / (self._count - before[0])
        if not abs(period - self._period) <= RATE_TOLERANCE * self._period:
            rate = f"{1.0 / period:.4g} Hz" if period > 0.0 else "no steady clock"
            self._end(
                State.wrong_rate,
                f"steps come at {rate}, the bundle's insertion.control_rate is {self.rate:g} Hz: "
                "call step() at that rate, with the time in seconds",
            )

    def _finish(self, result: Result) -> None:
        """End the insertion."""
        limits = self._limits
        reasons = {
            Result.force_limit: f"more than insertion.limits.force = {limits.force:g} N",
            Result.moment_limit: f"more than insertion.limits.moment = {limits.moment:g} Nm",
            Result.workspace: "the tip left insertion.limits.lateral or .angle",
            Result.timeout: f"not done within insertion.limits.time = {limits.time:g} s",
        }
        self._end(State(result.value), reasons.get(result, ""))

    def _look(self, position: Vector, orientation: Quaternion) -> None:
        """Check a pose; let the policy act once per policy period, as in training, until the goal is reached.

        A pose at the goal does not end the insertion yet: the next ones, in every control period, have to be
        there, too. Meanwhile the last action stays in force.
        """
        if not self._known:
            self._arrived = 0
        usable = [wrench for wrench in self._wrenches if isfinite(sum(wrench))]
        due = self._count % self._every == 0
        if due:
            self._wrenches = []
        if not usable or not self._known:
            return  # the last action applies until the controller stops
        pose, _ = self._insertion.pose(position, orientation)
        depth = self._insertion.depth(pose)
        if self._termination.is_success(depth):
            self._arrived += 1
            if self._arrived == SUCCESS_POSES:
                self._end(State.success, "")
            elif due and self._count // self._every > self._termination.max_steps:  # it comes and goes
                self._finish(Result.timeout)
            return
        self._arrived = 0
        if not due:
            return
        result = self._termination.of_pose(pose, depth, self._count // self._every)
        if result is not None:
            self._finish(result)
        else:
            self._decide(usable, pose)

    @np.errstate(all="ignore")
    def _decide(self, usable: list[Sequence[float]], pose: NDArray[np.float64]) -> None:
        """Let the policy act on the wrenches of a policy period and a pose of the tip."""
        wrench = np.array([added(axis) / len(usable) for axis in zip(*usable, strict=True)])
        observation = self._insertion.observe(wrench, pose, NO_TWIST, UNUSED_RNG)
        action = np.clip(self._policy(observation), -1.0, 1.0).astype(np.float64)
        if not np.isfinite(action).all():
            self._end(State.fault, "the policy gave no finite action")
            return
        self._actions = action
        self._insertion.apply(action)

    def _end(self, state: State, reason: str) -> None:
        self._state, self.reason = state, reason

    def recording(self) -> Recording:
        """Return the inputs and outputs of the insertion so far, for diagnosis and replay.

        Raises:
            ValueError: There has been no insertion yet.
        """
        if self._state is State.idle:
            raise InputError("nothing is recorded before reset()")
        return Recording.of_rows(self._hole, self._insertion.contact_wrench.bias, self._log)
