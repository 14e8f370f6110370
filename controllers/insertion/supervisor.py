"""Supervisor of an insertion, which switches phases and begins further attempts."""

from collections.abc import Sequence
from math import cos, hypot, pi, sin
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.insertion.levelling import Levelling
from assembly_rl.controllers.insertion.limits import LimitConfig
from assembly_rl.controllers.insertion.phases import Attempt, Phase, Reason
from assembly_rl.controllers.insertion.spiral import DROP, spiral_action
from assembly_rl.controllers.insertion.supervisor_config import SupervisorConfig
from assembly_rl.controllers.serialization import copied

Array = NDArray[np.float64]

LIFT = 0.6
"""Action along z of a retreat, which adds to the rising path."""
NEAR, NEAR_ANGLE = 5e-4, 0.01
"""Distance [m] and angle [rad] at which an alignment ends."""
LONGEST_ALIGNMENT, LONGEST_RETREAT = 1.0, 2.0
"""Times after which an alignment or a retreat ends in any case [s]."""
GOLDEN_ANGLE = pi * (3.0 - 5.0**0.5)
"""Angle between the starts of two attempts [rad], which spreads any number of them evenly."""


class Decision(NamedTuple):
    """Decision of the supervisor for a policy step.

    Attributes:
        phase: Phase.
        action: Action (6,) in [-1, 1]; None if the policy acts.
        descent: Speed of the nominal path as a multiple of its usual one: 1 down, 0 halt, -1 up.
        begins: True in the first step of the policy in an attempt, which then knows nothing of the past.
    """

    phase: Phase
    action: Array | None
    descent: float
    begins: bool


class Supervisor:
    """Rules that switch between the phases of an insertion.

    An attempt is ``approach``, ``level``, ``search`` and ``insert``; if it takes too long, jams, or comes
    close to a limit, ``recover`` and ``align`` follow, and the next attempt begins from another place. The
    height at which the tip touches and the tilt at which it lies flat correct the estimate, of which
    ``correction`` is the difference.

    Args:
        config: Times, shares and distances.
        limits: Limits of the insertion.

    Attributes:
        phase: Phase of the latest decision.
        attempts: Ends of the attempts that others followed.
        correction: Correction of the pose of the nominal frame that the policy sees (6,) [m, rad].
    """

    def __init__(self, config: SupervisorConfig, limits: LimitConfig) -> None:
        self._config, self._limits = copied(config), copied(limits)
        self._levelling = Levelling(config.level_time)
        self.reset()

    def reset(self) -> None:
        """Start an insertion."""
        self.phase = Phase.approach
        self.attempts: list[Attempt] = []
        self.correction: Array = np.zeros(6)
        self._surface: float | None = None  # height of the surface in the nominal frame [m]
        self._found = False  # the hole, so that the policy acts
        self._since, self._began = 0.0, 0.0  # of the phase, and of the policy in this attempt [s]
        self._deepest, self._advanced = 0.0, 0.0  # height of the tip [m] and time of its latest advance [s]

    def decide(
        self, time: float, wrench: Sequence[float] | Array, pose: Array, force: float, moment: float
    ) -> Decision:
        """Choose the phase of the next policy step, and its action unless that is the policy's.

        Args:
            time: Time since the start [s].
            wrench: Mean wrench of the last policy step (6,) [N, Nm].
            pose: Pose of the tip in the nominal frame (6,) [m, rad].
            force: Largest force of the last policy step [N].
            moment: Largest moment of the last policy step [Nm].
        """
        begins = False
        if self.phase is Phase.approach and self._touches(wrench, pose):
            self._enter(Phase.level, time)
            self._levelling.begin(time)
        if self.phase is Phase.level and self._is_level(time, pose):
            self._enter(Phase.search, time)
            self._began, self._deepest, self._advanced = time, float(pose[2]), time
            self._found = self._search() == "policy"
            begins = self._found
        if self.phase.of_policy:
            reason = self._reason(time, pose, force, moment)
            if reason is not None and len(self.attempts) + 1 < self._config.attempts:
                self.attempts.append(Attempt(time, reason))
                self._enter(Phase.recover, time)
        if self.phase is Phase.search and not self._found and self._depth(pose) > DROP:
            self.correction[:2] = pose[:2]
            self._found = begins = True
        if self.phase is Phase.recover:
            self._end_retreat(time, pose)
        if self.phase is Phase.align and self._is_aligned(time, pose):
            self._enter(Phase.approach, time)
        return Decision(self.phase, self._action(time, wrench, pose), self._descent(), begins)

    def seen(self, pose: Array) -> Array:
        """Return the pose that the policy sees (6,) [m, rad]: corrected, and smaller to search farther.

        Args:
            pose: Pose of the tip in the nominal frame (6,) [m, rad].
        """
        own, number = self._config, len(self.attempts)
        seen = pose - self.correction
        seen[:2] /= own.reach[number % len(own.reach)]
        seen[5] /= own.yaw_reach[number % len(own.yaw_reach)]
        return seen

    def _search(self) -> str:
        """Return the kind of search of this attempt."""
        kinds = self._config.searches
        return kinds[len(self.attempts) % len(kinds)]

    def _enter(self, phase: Phase, time: float) -> None:
        self.phase, self._since = phase, time

    def _touches(self, wrench: Sequence[float] | Array, pose: Array) -> bool:
        """Return True if the tip is in contact, or deeper than a surface can be; learn the height."""
        own, height = self._config, float(pose[2])
        touches = hypot(*wrench[:3]) > own.contact
        if touches and self._surface is None:
            self._learn_height(height)
        return touches or height < -own.height - own.entered

    def _learn_height(self, height: float) -> None:
        """Correct the estimate by the height of a tip on the surface [m], if a surface can be there."""
        self._surface = height if abs(height) <= self._config.height else 0.0
        self.correction[2] = self._surface

    def _is_level(self, time: float, pose: Array) -> bool:
        """Return True if levelling is over; learn the tilt, unless the tip is in the hole."""
        if self._config.level_time == 0.0 or self._is_inside(pose):
            return True
        if not self._levelling.is_over(time, pose):
            return False
        self.correction[3:5] = pose[3:5]
        self._learn_height(float(pose[2]))  # a tilted peg has touched higher
        return True

    def _depth(self, pose: Array) -> float:
        return (self._surface or 0.0) - float(pose[2])

    def _reason(self, time: float, pose: Array, force: float, moment: float) -> Reason | None:
        """Return a reason to end the attempt, and switch between search and insert."""
        own, limits = self._config, self._limits
        if pose[2] < self._deepest - own.advance:
            self._deepest, self._advanced = float(pose[2]), time
        inside = self._is_inside(pose)
        self._enter(Phase.insert if inside else Phase.search, time)
        if force > own.share * limits.force:
            return Reason.force
        if moment > own.share * limits.moment:
            return Reason.moment
        if (
            hypot(pose[0], pose[1]) > own.share * limits.lateral
            or hypot(*pose[3:]) > own.share * limits.angle
        ):
            return Reason.workspace
        if inside:
            return Reason.jam if self._is_jammed(time) else None
        return Reason.search if time - self._began > own.patience else None

    def _is_inside(self, pose: Array) -> bool:
        """Return True if the tip is in the hole."""
        return self._depth(pose) > self._config.entered

    def _is_jammed(self, time: float) -> bool:
        """Return True if the tip, which is in the hole, does not advance."""
        return time - self._advanced > self._config.jam_time

    def _end_retreat(self, time: float, pose: Array) -> None:
        """Go on where the tip is clear; where it cannot be pulled out, try again in that place."""
        if -self._depth(pose) >= self._config.clearance:
            self.correction[:2] = 0.0
            self._enter(Phase.align, time)
        elif time - self._since > LONGEST_RETREAT:  # sideways, a peg in the hole would come to a limit
            self._enter(Phase.approach, time)

    def _start(self) -> Array:
        """Return the pose at which the attempt begins (6,), but for its height."""
        number, own = len(self.attempts), self._config
        if not number:
            return np.zeros(6)
        turn = number * GOLDEN_ANGLE
        yaw = own.yaw if number % 2 else -own.yaw
        tilt = self.correction[3:5]
        return np.array((own.offset * cos(turn), own.offset * sin(turn), 0.0, *tilt, yaw))

    def _is_aligned(self, time: float, pose: Array) -> bool:
        error = self._start() - pose
        near = hypot(error[0], error[1]) < NEAR and hypot(*error[3:]) < NEAR_ANGLE
        return near or time - self._since > LONGEST_ALIGNMENT

    def _action(self, time: float, wrench: Sequence[float] | Array, pose: Array) -> Array | None:
        """Return the action of the phase; None if the policy acts."""
        if self.phase.of_policy:
            tilted = self._search() == "tilt"
            return None if self._found else spiral_action(time - self._began, pose, tilted)
        if self.phase is Phase.level:
            return self._levelling.action(wrench)
        action = np.zeros(6)
        if self.phase is Phase.recover:
            action[2] = LIFT
        if self.phase is Phase.align:
            error = self._start() - pose
            action[:2] = np.clip(error[:2] / (2.0 * NEAR), -1.0, 1.0)
            action[3:] = np.clip(error[3:] / (5.0 * NEAR_ANGLE), -1.0, 1.0)
        return action

    def _descent(self) -> float:
        return {Phase.recover: -1.0, Phase.align: 0.0, Phase.level: 0.0}.get(self.phase, 1.0)
