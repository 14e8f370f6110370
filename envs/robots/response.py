"""Response of a position-controlled robot to its commands: delay, limits of its motion, lag."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, expm1, hypot, inf, sqrt

from assembly_rl.controllers.se3 import Pose, Vector, quat_conjugate, quat_exp, quat_log, quat_multiply

AT_REST: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class ResponseParameters:
    """Parameters of the response in one episode.

    Attributes:
        lag: Time constant of the first-order lag [s].
        delay: Pure delay [s].
        speed: Largest speeds, linear and angular [m/s, rad/s].
        acceleration: Largest accelerations, linear and angular [m/s2, rad/s2].
    """

    lag: float = 0.0
    delay: float = 0.0
    speed: tuple[float, float] = (inf, inf)
    acceleration: tuple[float, float] = (inf, inf)

    @property
    def immediate(self) -> bool:
        """True for a robot that reaches every command within its control period."""
        return self == ResponseParameters()


class Response:
    """Filter from the commanded to the followed flange pose, at the control rate.

    A command is reached at the end of its control period, linearly. The path of the commands is delayed, by
    fractions of a period, too; it is then followed within the limits of speed and acceleration; and it is
    smoothed by ``lag dx/dt = u - x``, integrated exactly for a path u that is linear in each period. Without
    lag, delay and limits the command is followed as it is, to the last bit.

    The filter acts on position and rotation vector relative to the pose at the reset. For the small motions
    of an insertion it acts on the joints of an arm in the same way, since its Jacobian hardly changes.

    Args:
        rate: Control rate [Hz].
    """

    def __init__(self, rate: float) -> None:
        self._period = 1.0 / rate

    def reset(self, pose: Pose, parameters: ResponseParameters) -> None:
        """Begin at rest at a flange pose [m, xyzw].

        Args:
            pose: Pose of robot and command.
            parameters: Parameters of the episode.
        """
        self._immediate = parameters.immediate
        (self._origin, self._rotation), self._back = pose, quat_conjugate(pose[1])
        dt, lag = self._period, parameters.lag
        periods = parameters.delay / dt
        whole = ceil(periods - 1e-9)
        self._late = whole - periods  # share of the period that the whole number of periods is too long by
        self._past: deque[Sequence[float]] = deque([AT_REST * 2] * (whole + 1), maxlen=whole + 1)
        limits = list(zip(parameters.speed, parameters.acceleration, strict=True))
        self._limits = [_Limits(*limit, dt) for limit in limits] if limits != [(inf, inf)] * 2 else []
        self._input: Sequence[float] = AT_REST * 2
        self._output: Sequence[float] = AT_REST * 2
        keep, change = (exp(-dt / lag), -expm1(-dt / lag)) if lag > 0.0 else (0.0, 1.0)
        self._keep, self._new = keep, 1.0 - change * lag / dt  # weights of output and of new input
        self._old = change - self._new

    def follow(self, command: Pose) -> Pose:
        """Return the flange pose [m, xyzw] that the robot's servo has reached after a control period.

        Args:
            command: Commanded pose at the end of the period.
        """
        if self._immediate:
            return command
        (x, y, z), (sx, sy, sz) = command[0], self._origin
        a, b, c = quat_log(quat_multiply(self._back, command[1]))
        target = self._delayed((x - sx, y - sy, z - sz, a, b, c))
        if self._limits:
            position, rotation = self._limits
            target = (*position.follow(*target[:3]), *rotation.follow(*target[3:]))
        keep, old, new = self._keep, self._old, self._new
        path = zip(self._output, self._input, target, strict=True)
        self._output = x, y, z, a, b, c = [keep * o + old * u + new * v for o, u, v in path]
        self._input = target
        return (sx + x, sy + y, sz + z), quat_multiply(self._rotation, quat_exp((a, b, c)))

    def _delayed(self, command: Sequence[float]) -> Sequence[float]:
        past = self._past
        past.append(command)
        if len(past) == 1:
            return command
        late = self._late
        return [a + late * (b - a) for a, b in zip(past[0], past[1], strict=True)]


class _Limits:
    """Follower of three coordinates within limits of speed and acceleration, at rest at the origin.

    Args:
        speed: Largest speed.
        acceleration: Largest acceleration.
        period: Control period [s].
    """

    def __init__(self, speed: float, acceleration: float, period: float) -> None:
        self._speed, self._acceleration, self._period = speed, acceleration, period
        self._wanted = self._position = self._velocity = AT_REST

    def follow(self, x: float, y: float, z: float) -> Vector:
        """Return the position after a control period at whose end a position is wanted."""
        if self._speed == self._acceleration == inf:
            return x, y, z
        dt, acceleration = self._period, self._acceleration
        (wx, wy, wz), (px, py, pz), (vx, vy, vz) = self._wanted, self._position, self._velocity
        dx, dy, dz = wx - px, wy - py, wz - pz
        distance = hypot(dx, dy, dz)
        # The fastest approach that can end at the target with its velocity: in n periods, in each of which it
        # slows down by as much as the limit allows, v + (v - a dt) + ... (v - (n - 1) a dt) = distance / dt.
        gain = 1.0 / dt
        if distance > 0.0 and acceleration < inf:
            half = 0.5 * acceleration * dt
            n = max(1, ceil(sqrt(0.25 + distance / dt / half) - 0.5))
            gain = 1.0 / (n * dt) + (n - 1) * half / distance
        ax, ay, az = (x - wx) / dt + gain * dx, (y - wy) / dt + gain * dy, (z - wz) / dt + gain * dz
        share = _share(hypot(ax, ay, az), self._speed)
        ax, ay, az = share * ax - vx, share * ay - vy, share * az - vz
        share = _share(hypot(ax, ay, az), acceleration * dt)
        self._velocity = vx, vy, vz = vx + share * ax, vy + share * ay, vz + share * az
        self._wanted, self._position = (x, y, z), (px + dt * vx, py + dt * vy, pz + dt * vz)
        return self._position


def _share(length: float, most: float) -> float:
    """Return the share of a length that is no longer than a bound."""
    return most / length if length > most else 1.0
