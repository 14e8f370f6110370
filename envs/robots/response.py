"""Response of a position-controlled robot to its commands: delay, limits of its motion, lag."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, hypot, inf, sqrt

from assembly_rl.controllers.se3 import Pose, displace, offset_between

Six = tuple[float, ...]


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

    The filter acts on the six components of the pose relative to that at the reset, translation and rotation
    vector: for the small rotations of an insertion it acts on the joints of an arm in the same way, since
    its Jacobian hardly changes.

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
        self._start, self._immediate = pose, parameters.immediate
        dt, lag = self._period, parameters.lag
        periods = parameters.delay / dt
        whole = ceil(periods - 1e-9)
        self._late = whole - periods  # share of the period that the whole number of periods is too long by
        rest: Six = (0.0,) * 6
        self._past = deque([rest] * (whole + 1), maxlen=whole + 1)
        self._limits = [
            (slice(3 * number, 3 * number + 3), speed, acceleration)
            for number, (speed, acceleration) in enumerate(
                zip(parameters.speed, parameters.acceleration, strict=True)
            )
            if min(speed, acceleration) < inf
        ]
        self._wanted = self._position = self._input = self._output = rest
        self._velocity = rest
        keep = exp(-dt / lag) if lag > 0.0 else 0.0
        self._keep, self._new = keep, 1.0 - (1.0 - keep) * lag / dt  # weights of output and of new input
        self._old = 1.0 - keep - self._new

    def follow(self, command: Pose) -> Pose:
        """Return the flange pose [m, xyzw] that the robot's servo has reached after a control period.

        Args:
            command: Commanded pose at the end of the period.
        """
        if self._immediate:
            return command
        target = self._limited(self._delayed(offset_between(self._start, command)))
        keep, old, new = self._keep, self._old, self._new
        self._output = tuple(
            keep * x + old * u + new * v for x, u, v in zip(self._output, self._input, target, strict=True)
        )
        self._input = target
        return displace(self._start, self._output)

    def _delayed(self, command: Six) -> Six:
        past = self._past
        past.append(command)
        if len(past) == 1:
            return command
        share = self._late
        return tuple(a + share * (b - a) for a, b in zip(past[0], past[1], strict=True))

    def _limited(self, target: Six) -> Six:
        if not self._limits:
            return target
        position, velocity, dt = list(target), [0.0] * 6, self._period
        for axes, speed, acceleration in self._limits:
            before, wanted = self._position[axes], self._wanted[axes]
            behind = [b - a for a, b in zip(before, wanted, strict=True)]
            distance = hypot(*behind)
            # The fastest approach from which the target's own velocity can still be taken up at its place.
            catch_up = distance / dt
            if acceleration < inf:
                half = 0.5 * acceleration * dt
                catch_up = min(catch_up, sqrt(half * half + 2.0 * acceleration * distance) - half)
            gain = catch_up / distance if distance > 0.0 else 0.0
            ahead = [(b - a) / dt + gain * d for a, b, d in zip(wanted, target[axes], behind, strict=True)]
            ahead = _shortened(ahead, speed)
            old = self._velocity[axes]
            change = [b - a for a, b in zip(old, ahead, strict=True)]
            change = _shortened(change, acceleration * dt)
            velocity[axes] = [a + b for a, b in zip(old, change, strict=True)]
            position[axes] = [a + dt * b for a, b in zip(before, velocity[axes], strict=True)]
        self._wanted, self._position, self._velocity = target, tuple(position), tuple(velocity)
        return self._position


def _shortened(vector: Sequence[float], most: float) -> list[float]:
    """Return a vector of the same direction that is no longer than a bound."""
    length = hypot(*vector)
    scale = most / length if length > most else 1.0
    return [scale * value for value in vector]
