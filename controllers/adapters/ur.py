"""A bundle on a UR e-Series robot through ur-rtde: ``getActualTCPForce`` in, ``servoL`` out.

The TCP that is set on the robot has to be the bundle's flange: the peg along its -z, its origin where
``manifest.tool.centre`` counts the tip from. UR's own flange has z towards the tool; so for a bundle's flange
that is h below it the TCP is ``setTcp([0, 0, h, pi, 0, 0])``, turned about z as the peg is held.

What is known about ``actual_TCP_force``, and from where:

- It is about the origin of the robot's own flange, whatever the TCP, in the axes of the BASE: e-Series Script
  Manual, ``get_tcp_force()``; Universal_Robots_ROS2_Driver, pull request 1287. (CB3 robots give it about the
  TCP, and so does a sensor that is fed in with ``ft_rtde_input_enable``, by issue 1849 there: with them it
  is right only for a TCP at the flange, h = 0.)
- It is what the ENVIRONMENT applies to the tool, as a bundle wants it: nothing is negated. The manual does
  not say so. It follows from a payload of 1 kg that is set but not there, which reads +9.82 N along z of the
  base (forum.universal-robots.com, topic 2053), and from programs that go down until z reads +30 N. The same
  topic tells of payloads whose moments came with the wrong sign.
- The payload that is set on the robot is taken off by the robot: a bundle with a tool mass is refused.

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
from assembly_rl.controllers.se3 import (
    Pose,
    invert,
    move_moment,
    quat_exp,
    quat_log,
    rotate_back,
    rotation_matrix,
)
from assembly_rl.controllers.wrench import Wrench

LOOKAHEAD = 0.03
"""Of ``servoL`` [s]: the least that it takes. Every lag of the robot takes from the stability in contact."""
GAIN = 300.0
"""Of ``servoL``: the default of URScript's ``servoj``."""


class Control(Protocol):
    """What is used of ``rtde_control.RTDEControlInterface``."""

    def isConnected(self) -> bool:
        """Whether RTDE is connected."""

    def isProgramRunning(self) -> bool:
        """Whether the control script runs."""

    def getTCPOffset(self) -> list[float]:
        """The TCP in the flange [m, rotation vector]."""

    def initPeriod(self) -> Any:
        """Begin a period."""

    def waitPeriod(self, start: Any, /) -> None:
        """Wait for its end."""

    def servoL(
        self, pose: list[float], speed: float, acceleration: float, time: float, ahead: float, gain: float, /
    ) -> bool:
        """Go to a pose of the TCP; speed and acceleration are not used."""

    def servoStop(self) -> bool:
        """Stop servoing."""


class Receive(Protocol):
    """What is used of ``rtde_receive.RTDEReceiveInterface``."""

    def isConnected(self) -> bool:
        """Whether RTDE is connected."""

    def isProtectiveStopped(self) -> bool:
        """Whether the robot is in a protective stop."""

    def isEmergencyStopped(self) -> bool:
        """Whether the robot is in an emergency stop."""

    def getTimestamp(self) -> float:
        """Of the latest data, on the robot's clock [s]."""

    def getActualTCPPose(self) -> list[float]:
        """The TCP in the base [m, rotation vector]."""

    def getActualTCPForce(self) -> list[float]:
        """The wrench [N, Nm]; see above."""


class RobotStopped(RuntimeError):
    """The robot does not take commands any more; the message says why."""


class UR:
    """A UR robot in the terms of a bundle.

    Args:
        control: Commands; made with ``rate`` as its frequency.
        receive: Measurements.
        rate: Of the loop [Hz].
        clock: Steady [s].
    """

    def __init__(
        self, control: Control, receive: Receive, rate: float, clock: Callable[[], float] = monotonic
    ) -> None:
        self.control, self._receive, self.rate, self.clock = control, receive, rate, clock
        self._arm = invert(_pose(control.getTCPOffset()))[0]  # from the TCP to the flange, in the TCP's axes
        self._latest: float | None = None
        self._arrived = clock()

    def require_ready(self) -> None:
        """Raise ``RobotStopped`` where the robot would not move."""
        if not (self.control.isConnected() and self._receive.isConnected()):
            raise RobotStopped("the connection to the robot is lost: check network and controller")
        if self._receive.isEmergencyStopped():
            raise RobotStopped("the robot is in an emergency stop")
        if self._receive.isProtectiveStopped():
            raise RobotStopped("the robot is in a protective stop: find the cause, unlock it on the pendant")
        if not self.control.isProgramRunning():
            raise RobotStopped("the control script does not run: is the robot in remote control?")

    def pose(self) -> Pose:
        """T_base_flange of the bundle, as measured: the TCP."""
        return _pose(self._receive.getActualTCPPose())

    def reading(self, pose: Pose) -> Wrench:
        """The wrench [N, Nm] about the origin of the bundle's flange, in its axes.

        Args:
            pose: T_base_flange of the bundle, as measured.
        """
        fx, fy, fz, mx, my, mz = self._receive.getActualTCPForce()
        turn = rotation_matrix(pose[1])
        force, moment = rotate_back(turn, (fx, fy, fz)), rotate_back(turn, (mx, my, mz))
        return (*force, *move_moment(force, moment, self._arm))

    def stamp(self, now: float) -> float:
        """When the latest data arrived [s]: it is old where the robot's clock stands still."""
        latest = self._receive.getTimestamp()
        if latest != self._latest:
            self._latest, self._arrived = latest, now
        return self._arrived

    def servo(self, pose: Pose) -> None:
        """Command T_base_flange of the bundle for the end of the period.

        Raises:
            RobotStopped: The robot does not take it.
        """
        target = [*pose[0], *quat_log(pose[1])]
        if not self.control.servoL(target, 0.0, 0.0, 1.0 / self.rate, LOOKAHEAD, GAIN):
            raise RobotStopped("the robot refused a command of servoL: look at the log on the pendant")

    def stop(self) -> None:
        """Stop servoing; where that does not get through, the robot stands at the last command."""
        with suppress(RuntimeError):
            self.control.servoStop()


def connect(address: str, rate: float) -> UR:
    """Connect to a robot; ur-rtde uploads and starts its control script there.

    Args:
        address: Of the robot.
        rate: ``BundleController.rate`` [Hz]. Measurements come at the robot's own, 500 Hz.

    Raises:
        ImportError: ur-rtde is not installed.
        RuntimeError: The robot cannot be reached.
    """
    try:
        control = import_module("rtde_control").RTDEControlInterface
        receive = import_module("rtde_receive").RTDEReceiveInterface
    except ImportError as error:
        raise ImportError("a UR robot needs ur-rtde: pip install 'assembly_rl[ur]'") from error
    return UR(control(address, rate), receive(address), rate)


def insert(robot: UR, controller: BundleController, hole: Pose, samples: int = 200) -> State:
    """One insertion. The robot stands at the start (``BundleController.start``), in free space.

    The sensor is not zeroed (``zeroFtSensor``): the mean of the first readings is taken off in the bundle, so
    that the recording has it, and nothing on the robot is changed. Servoing stops however this ends, by
    Ctrl-C, too.

    Args:
        robot: See ``connect``.
        controller: Of the bundle.
        hole: T_base_nominal, the hole as it is estimated.
        samples: Readings for the tare, one a period.

    Returns:
        How it ended; ``BundleController.reason`` says why.

    Raises:
        RobotStopped: Protective stop, emergency stop, no connection, another program.
        ValueError: See ``BundleController.reset``; or the bundle has a tool mass.
    """
    if controller.manifest.tool.mass:
        raise ValueError(
            f"tool.mass is {controller.manifest.tool.mass} kg, but the robot takes off the payload itself: "
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


def _pose(values: list[float]) -> Pose:
    """From x y z and a rotation vector [m, rad]."""
    x, y, z, rx, ry, rz = values
    return (x, y, z), quat_exp((rx, ry, rz))
