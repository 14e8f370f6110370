"""Commands of slow pushes on a surface, between two forces."""

from assembly_rl.controllers.identification.motion import ExcitationConfig

HIGH, LOW = 0.8, 0.3
"""Forces between which the pushes go, as shares of the force of the configuration."""
TOUCH = 0.15
"""Share of that force at which the surface is touched."""
FIRST_STEP = 1e-5
"""First step into the surface [m]."""
HOLDS = (0.5, 0.2, 0.8, 0.3, 0.2, 0.6, 0.4, 1.0, 0.2, 0.3)
"""Times between the steps from one force to the other, one after the other [s]."""
STEP_SPEED = 0.01
"""Speed of these steps [m/s]."""


class Push:
    """Depth of the command along the direction of the pushes, one control period after the other.

    The surface is approached slowly. Steps into it are chosen from the change of force by the one before,
    each after the force has settled, until both forces are found; then the command goes to and fro between
    them.

    Args:
        config: Motion.
        rate: Control rate [Hz].

    Attributes:
        depth: Commanded way along the direction [m].
        phase: Phase of the recording.
        done: True after the pushes, at the beginning again.
        lost: True if no surface was found, or it gave way over the whole travel.
    """

    def __init__(self, config: ExcitationConfig, rate: float) -> None:
        self._config, self._period = config, 1.0 / rate
        self.depth, self.phase, self.done, self.lost = 0.0, "other", False, False
        self._stage = self._approach
        self._wait, self._sum, self._count = 0.0, 0.0, 0
        self._goals = [HIGH * config.force, LOW * config.force]
        self._found: list[float] = []
        self._before: tuple[float, float] | None = None
        self._step, self._softness = FIRST_STEP, 0.0
        self._elapsed, self._due, self._hold = 0.0, HOLDS[0], 0

    def step(self, force: float) -> float:
        """Return the depth of the next command [m].

        Args:
            force: Force of the surface against the push [N].
        """
        self._stage(force)
        if self.depth > self._config.travel:
            self.lost = True
        return self.depth

    def _approach(self, force: float) -> None:
        if force > TOUCH * self._config.force:
            self._stage = self._settle
        else:
            self.depth += self._config.approach_speed * self._period

    def _settle(self, force: float) -> None:
        """Wait, then average the force over the last fifth of the time."""
        self._wait += self._period
        if self._wait > 0.8 * self._config.settle:
            self._sum, self._count = self._sum + force, self._count + 1
        if self._wait >= self._config.settle:
            self._search(self._sum / max(1, self._count))
            self._wait, self._sum, self._count = 0.0, 0.0, 0

    def _search(self, force: float) -> None:
        """Choose a step towards the force that is looked for."""
        missing = self._goals[len(self._found)] - force
        if abs(missing) < 0.1 * self._config.force:
            self._found.append(self.depth)
            if len(self._found) == 2:
                self.phase, self._stage = "contact", self._to_and_fro
                return
            missing = self._goals[1] - force
        if self._before is not None and self._before[0] != self.depth:
            change = (force - self._before[1]) / (self.depth - self._before[0])
            if abs(force - self._before[1]) > 0.03 * self._config.force and change > 0.0:
                self._softness = 1.0 / change
        self._before = (self.depth, force)
        largest = 2.0 * abs(self._step)
        wanted = (
            0.7 * missing * self._softness if self._softness else largest * (1.0 if missing > 0.0 else -1.0)
        )
        self._step = max(-largest, min(largest, wanted)) if missing > 0.0 or not self._softness else wanted
        self.depth += self._step

    def _to_and_fro(self, force: float) -> None:
        self._elapsed += self._period
        if self._elapsed >= self._due:
            self._adjust(self._hold % 2, force)
            self._hold += 1
            self._due = self._elapsed + HOLDS[self._hold % len(HOLDS)]
        self._go(self._found[self._hold % 2], STEP_SPEED)
        if self._elapsed >= self._config.push_time:
            self._stage, self.phase = self._retreat, "other"

    def _adjust(self, level: int, force: float) -> None:
        """Move a depth at which the settled force is far from what it was chosen for, as by friction."""
        missing = self._goals[level] - force
        stroke = abs(self._found[0] - self._found[1])
        stood = HOLDS[self._hold % len(HOLDS)] - stroke / STEP_SPEED
        if stood >= self._config.settle and abs(missing) > 0.2 * self._config.force:
            most = max(0.5 * stroke, FIRST_STEP)
            self._found[level] += max(-most, min(most, 0.5 * missing * self._softness))

    def _retreat(self, force: float) -> None:
        self._go(0.0, STEP_SPEED)
        self.done = self.depth == 0.0

    def _go(self, goal: float, speed: float) -> None:
        most = speed * self._period
        self.depth += max(-most, min(most, goal - self.depth))
