"""The part of ur-rtde that the adapter uses, with the simulator's robot behind it."""

from assembly_rl.controllers.se3 import (
    Pose,
    compose,
    invert,
    move_moment,
    quat_exp,
    quat_log,
    rotate,
    rotation_matrix,
)
from assembly_rl.envs.simulation import SimulatedRobot

PERIOD = 0.005


class FakeController:
    """A UR controller: both interfaces in one, time passes in ``waitPeriod``.

    Args:
        robot: At the start.
        base: T_ur_base, where the simulator's base frame is in that of the UR.
        offset: The TCP, in the robot's flange: the simulator's flange is there.
    """

    def __init__(self, robot: SimulatedRobot, base: Pose, offset: list[float]) -> None:
        self.robot, self.base, self.offset = robot, base, offset
        self.free = iter(robot.free_readings.tolist())
        self.reading = next(self.free)
        self.time, self.frozen = 100.0, False
        self.targets: list[list[float]] = []
        self.target: Pose | None = None
        self.stops = 0
        self.connected = self.running = self.takes = True
        self.protective = self.emergency = False

    def isConnected(self) -> bool:
        return self.connected

    def isProgramRunning(self) -> bool:
        return self.running

    def isProtectiveStopped(self) -> bool:
        return self.protective

    def isEmergencyStopped(self) -> bool:
        return self.emergency

    def getTCPOffset(self) -> list[float]:
        return self.offset if self.running else []

    def getTimestamp(self) -> float:
        return 0.0 if self.frozen else self.time

    def getActualTCPPose(self) -> list[float]:
        position, orientation = compose(self.base, self.robot.pose)
        return [*position, *quat_log(orientation)]

    def getActualTCPForce(self) -> list[float]:
        """About the robot's own flange, in the axes of its base."""
        fx, fy, fz, mx, my, mz = self.reading
        force = (fx, fy, fz)
        to_tcp = invert((tuple(self.offset[:3]), quat_exp(tuple(self.offset[3:]))))[0]  # type: ignore[arg-type]
        arm = (-to_tcp[0], -to_tcp[1], -to_tcp[2])
        moment = move_moment(force, (mx, my, mz), arm)
        turn = rotation_matrix(compose(self.base, self.robot.pose)[1])
        return [*rotate(turn, force), *rotate(turn, moment)]

    def initPeriod(self) -> float:
        return self.time

    def servoL(
        self, pose: list[float], speed: float, acceleration: float, time: float, ahead: float, gain: float, /
    ) -> bool:
        assert (time, 0.03 <= ahead <= 0.2, 100 <= gain <= 2000) == (PERIOD, True, True)
        self.targets.append(pose)
        self.aim(pose)
        return self.takes

    def aim(self, pose: list[float]) -> None:
        """Set the target of the next period."""
        x, y, z, *turn = pose
        self.target = compose(invert(self.base), ((x, y, z), quat_exp((turn[0], turn[1], turn[2]))))

    def waitPeriod(self, start: float, /) -> None:
        assert start == self.time
        self.time += PERIOD
        if self.target is not None:
            self.robot.move(self.target)
            self.target, self.reading = None, list(self.robot.reading)
        else:
            self.reading = next(self.free, list(self.robot.reading))

    def servoStop(self) -> bool:
        assert self.connected and not self.frozen, "ur-rtde would wait for five minutes"
        self.stops += 1
        return True
