"""Bundle on a UR e-Series robot through ur-rtde: ``getActualTCPForce`` in, ``servoL`` out.

The TCP that is set on the robot must be the bundle's flange: peg along its -z, origin at the point from which
``manifest.tool.centre`` locates the tip. UR's own flange has z towards the tool; so for a bundle's flange
that is h below it the TCP is ``setTcp([0, 0, h, pi, 0, 0])``, turned about z as the peg is held.

Facts about ``actual_TCP_force`` and their sources:

- It is about the origin of the robot's own flange, whatever the TCP, in the axes of the BASE: e-Series Script
  Manual, ``get_tcp_force()``; Universal_Robots_ROS2_Driver, pull request 1287. (CB3 robots give it about the
  TCP, and so does a sensor that is fed in with ``ft_rtde_input_enable``, by issue 1849 there: with them it
  is right only for a TCP at the flange, h = 0.)
- It is the wrench that the ENVIRONMENT applies to the tool, as a bundle needs it: nothing is negated. The
  manual does not say so. It follows from a payload of 1 kg that is set but not there, which reads +9.82 N
  along z of the base (forum.universal-robots.com, topic 2053), and from programs that go down until z reads
  +30 N. The same topic reports payloads whose moments had the wrong sign.
- The robot subtracts the payload that is set on it: a bundle with a tool mass is refused.

So CHECK ON THE ROBOT, after taring: push the tool up by hand, and the force along z of the base must become
positive; push the tip along +x of the TCP, and ``UR.reading`` must show a positive force along x and a
negative moment about y.
"""

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from time import monotonic
from typing import Any, Protocol

from assembly_rl.controllers.bundles import BundleController, State
from assembly_rl.controllers.identification import Excitation
from assembly_rl.controllers.se3 import (
    Pose,
    invert,
    move_moment,
    quat_exp,
    quat_log,
    rotate_back,
    rotation_matrix,
)
from assembly_rl.controllers.validation import InputError
from assembly_rl.controllers.wrench import NOT_A_WRENCH, Wrench

LOOKAHEAD = 0.03
"""Lookahead time of ``servoL`` [s], the least that it takes: every lag reduces the stability in contact."""
LOST = "the connection to the robot is lost: check network and controller"
GAIN = 300.0
"""Gain of ``servoL``: the default of URScript's ``servoj``."""
MOST_AGE = 0.02
"""Age of measurements [s] from which an excitation does not use them."""
SILENCE = 0.5
"""Time [s] without new data after which a robot gets no more commands."""


class Control(Protocol):
    """Part of ``rtde_control.RTDEControlInterface`` that is used."""

    def isConnected(self) -> bool:
        """Return True if RTDE is connected."""

    def isProgramRunning(self) -> bool:
        """Return True if the control script runs."""

    def getTCPOffset(self) -> list[float]:
        """Return the pose of the TCP in the flange [m, rotation vector], empty if the script does not run."""

    def initPeriod(self) -> Any:
        """Begin a control period."""

    def waitPeriod(self, start: Any, /) -> None:
        """Wait for the end of the control period."""

    def servoL(
        self, pose: list[float], speed: float, acceleration: float, time: float, ahead: float, gain: float, /
    ) -> bool:
        """Servo to a pose of the TCP; speed and acceleration are not used."""

    def servoStop(self) -> bool:
        """Stop servoing; it waits up to five minutes for the robot's answer, and Ctrl-C does not end that."""


class Receive(Protocol):
    """Part of ``rtde_receive.RTDEReceiveInterface`` that is used."""

    def isConnected(self) -> bool:
        """Return True if RTDE is connected."""

    def isProtectiveStopped(self) -> bool:
        """Return True if the robot is in a protective stop."""

    def isEmergencyStopped(self) -> bool:
        """Return True if the robot is in an emergency stop."""

    def getTimestamp(self) -> float:
        """Return the time of the latest data, on the robot's clock [s]."""

    def getActualTCPPose(self) -> list[float]:
        """Return the pose of the TCP in the base [m, rotation vector]."""

    def getActualTCPForce(self) -> list[float]:
        """Return the wrench about the origin of the robot's flange, in the axes of the base [N, Nm]."""


class RobotStopped(RuntimeError):
    """Error of a robot that takes no more commands; the message says why."""


class UR:
    """UR robot, commanded and measured in the frames of a bundle.

    Args:
        control: Interface for commands, created with ``rate`` as its frequency.
        receive: Interface for measurements.
        rate: Control rate [Hz].
        clock: Steady clock [s].

    Raises:
        RobotStopped: The robot would not move.
    """

    def __init__(
        self, control: Control, receive: Receive, rate: float, clock: Callable[[], float] = monotonic
    ) -> None:
        self.control, self._receive, self.rate, self.clock = control, receive, rate, clock
        offset = control.getTCPOffset()
        if not offset:
            self.require_ready()
            raise RobotStopped("the robot does not tell its TCP: check the log on the pendant")
        self._arm = invert(_pose(offset))[0]  # from the TCP to the flange, in the TCP's axes
        self._latest: float | None = None
        self._arrived = clock()

    def require_ready(self) -> None:
        """Raise ``RobotStopped`` if the robot would not move."""
        if not (self.control.isConnected() and self._receive.isConnected()):
            raise RobotStopped(LOST)
        if self._receive.isEmergencyStopped():
            raise RobotStopped("the robot is in an emergency stop")
        if self._receive.isProtectiveStopped():
            raise RobotStopped("the robot is in a protective stop: find the cause, unlock it on the pendant")
        if not self.control.isProgramRunning():
            raise RobotStopped("the control script does not run: is the robot in remote control?")

    def pose(self) -> Pose:
        """Measured pose T_base_flange of the bundle's flange, which is the TCP."""
        return _pose(self._receive.getActualTCPPose())

    def reading(self, pose: Pose) -> Wrench:
        """Measured wrench [N, Nm] about the origin of the bundle's flange, in its axes.

        Args:
            pose: Measured pose T_base_flange of the bundle's flange.
        """
        fx, fy, fz, mx, my, mz = self._receive.getActualTCPForce()
        turn = rotation_matrix(pose[1])
        force, moment = rotate_back(turn, (fx, fy, fz)), rotate_back(turn, (mx, my, mz))
        return (*force, *move_moment(force, moment, self._arm))

    def stamp(self, now: float) -> float:
        """Arrival time of the latest data [s], which stays old if the robot's clock stands still."""
        latest = self._receive.getTimestamp()
        if latest != self._latest:
            self._latest, self._arrived = latest, now
        return self._arrived

    def servo(self, pose: Pose) -> None:
        """Command the pose T_base_flange of the bundle's flange for the end of the period.

        Raises:
            RobotStopped: The robot refuses the command, or cannot be reached.
        """
        target = [*pose[0], *quat_log(pose[1])]
        try:
            taken = self.control.servoL(target, 0.0, 0.0, 1.0 / self.rate, LOOKAHEAD, GAIN)
        except RuntimeError as error:  # of an attempt to connect again
            raise RobotStopped(f"{LOST} ({error})") from error
        if not taken:
            raise RobotStopped("the robot refused a command of servoL: check the log on the pendant")

    def stop(self) -> None:
        """Stop servoing; a robot that does not answer gets no command, and stands at the last one."""
        with suppress(RuntimeError):
            if self._answers():
                self.control.servoStop()

    def _answers(self) -> bool:
        """True as soon as new data arrive; without them ``servoStop`` would wait for minutes."""
        latest = self._receive.getTimestamp()
        for _ in range(round(SILENCE * self.rate)):
            period = self.control.initPeriod()
            if not (self.control.isConnected() and self._receive.isConnected()):
                return False
            if self._receive.getTimestamp() != latest:
                return True
            self.control.waitPeriod(period)
        return False


def connect(address: str, rate: float) -> UR:
    """Connect to a robot; ur-rtde uploads and starts its control script there.

    Args:
        address: Network address of the robot.
        rate: Control rate, ``BundleController.rate`` [Hz]. Measurements come at the robot's own, 500 Hz. Its
            period has to be a whole number of milliseconds: ``waitPeriod`` leaves out the rest.

    Raises:
        ImportError: ur-rtde is not installed.
        RuntimeError: The robot cannot be reached, or is not in remote control.
        ValueError: The control period is no whole number of milliseconds.
    """
    if int(1.0 / rate * 1000) * rate != 1000:  # as waitPeriod computes it
        raise InputError(
            f"the control rate is {rate:g} Hz, but ur-rtde waits whole milliseconds: use a bundle with a "
            "rate such as 100, 125, 200, 250 or 500 Hz"
        )
    try:
        control = import_module("rtde_control").RTDEControlInterface
        receive = import_module("rtde_receive").RTDEReceiveInterface
    except ImportError as error:
        raise ImportError("a UR robot needs ur-rtde: pip install 'assembly_rl[ur]'") from error
    return UR(control(address, rate), receive(address), rate)


def insert(robot: UR, controller: BundleController, hole: Pose, samples: int = 200) -> State:
    """Run one insertion; the robot stands at the start (``BundleController.start``), in free space.

    The sensor is not zeroed (``zeroFtSensor``): the bundle subtracts the mean of the first readings, so that
    the recording has it and nothing on the robot is changed. Servoing always stops at the end, also after
    Ctrl-C.

    Args:
        robot: Robot from ``connect``.
        controller: Controller of the bundle.
        hole: Estimated pose T_base_nominal of the hole.
        samples: Number of readings for the tare, one a period.

    Returns:
        Final state; ``BundleController.reason`` says why.

    Raises:
        RobotStopped: Protective stop, emergency stop, no connection, another program.
        ValueError: ``BundleController.reset`` refuses its arguments, or the bundle has a tool mass.
    """
    if controller.manifest.tool.mass:
        raise InputError(
            f"tool.mass is {controller.manifest.tool.mass} kg, but the robot subtracts the payload itself: "
            "set it there, and export again with tool_mass=0"
        )
    readings = []
    for _ in range(samples):
        period = robot.control.initPeriod()
        robot.require_ready()
        readings.append(robot.reading(robot.pose()))
        robot.control.waitPeriod(period)
    controller.reset(hole, robot.pose(), free_readings=readings, rate=robot.rate)
    try:
        while controller.state is State.running:
            period = robot.control.initPeriod()
            robot.require_ready()
            now, pose = robot.clock(), robot.pose()
            command = controller.step(robot.reading(pose), pose, now, robot.stamp(now))
            if command.state is State.running:
                robot.servo((command.position, command.orientation))
            robot.control.waitPeriod(period)
    finally:
        robot.stop()
    return controller.state


def excite(robot: UR, excitation: Excitation) -> State:
    """Run the motion that identifies a robot, from where it stands at rest in free space.

    Ctrl-C stops servoing at once.

    Args:
        robot: Robot from ``connect``.
        excitation: Motion, at the rate of the robot.

    Returns:
        Final state; ``Excitation.reason`` says why.

    Raises:
        RobotStopped: Protective stop, emergency stop, no connection, another program.
        ValueError: The rates differ.
    """
    if excitation.rate != robot.rate:
        raise InputError(f"the excitation is for {excitation.rate:g} Hz, the robot runs at {robot.rate:g} Hz")
    robot.require_ready()
    excitation.reset(robot.pose())
    try:
        while excitation.state is State.running:
            period = robot.control.initPeriod()
            robot.require_ready()
            now, pose = robot.clock(), robot.pose()
            fresh = now - robot.stamp(now) < MOST_AGE
            move = excitation.step(robot.reading(pose) if fresh else NOT_A_WRENCH, pose, now)
            robot.servo((move.position, move.orientation))
            robot.control.waitPeriod(period)
    finally:
        robot.stop()
    return excitation.state


def _pose(values: list[float]) -> Pose:
    """Pose from x y z and a rotation vector [m, rad]."""
    x, y, z, rx, ry, rz = values
    return (x, y, z), quat_exp((rx, ry, rz))
