"""Behaviour that reaches contact states which a good controller avoids: noise and pushes on its actions."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NOISE, MEMORY = 0.2, 0.9
"""Deviation of the increments of the correlated noise, and its memory from step to step."""

OWN, PUSH, JAM = (8, 30), (6, 24), (15, 35)
"""Ranges of the policy steps that the controller acts alone, that a push lasts, and one in the hole."""

DEEP = 0.001
"""Depth [m] from which on a jam is tried."""


class Disturbance:
    """Disturbance of the actions of a controller in one episode.

    A quarter of the episodes is undisturbed, an eighth has correlated noise. In the others pushes take the
    place of the controller for 0.3 to 1.2 s (at 20 Hz), again and again: a constant random action, one that
    presses into the hole, or one that lifts the peg. In half of them pushes in the hole press for 0.75 to
    1.75 s with the largest tilting moment, under which a peg jams.

    Args:
        rng: Random generator.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        way = rng.choice(4, p=[1 / 4, 1 / 8, 5 / 16, 5 / 16])
        self._noisy, self._pushes, self._jams = way == 1, way >= 2, way == 3
        self._noise = np.zeros(6)
        self._push: Array | None = None
        self._left = int(rng.integers(*OWN))

    def __call__(self, action: Array, depth: float) -> Array:
        """Return the action (6,) in [-1, 1] that is taken in place of the controller's.

        Args:
            action: Action of the controller.
            depth: Depth of the tip below the mouth [m].
        """
        rng = self._rng
        if self._noisy:
            self._noise = MEMORY * self._noise + NOISE * rng.normal(size=6)
            return np.clip(action + self._noise, -1.0, 1.0)
        if not self._pushes:
            return action
        self._left -= 1
        if self._push is None and self._jams and depth > DEEP:
            self._left = min(self._left, int(rng.integers(1, 12)))
        if self._left <= 0:
            jam = self._jams and depth > DEEP
            self._push = self._drawn(jam) if self._push is None else None
            self._left = int(rng.integers(*(OWN if self._push is None else JAM if jam else PUSH)))
        return action if self._push is None else self._push

    def _drawn(self, jam: bool) -> Array:
        """Draw a push."""
        rng = self._rng
        push = rng.uniform(-1.0, 1.0, 6)
        if jam:
            angle = rng.uniform(0.0, 2.0 * np.pi)
            push[2] = -rng.uniform(0.5, 1.0)
            push[3:5] = np.clip(1.4 * np.array((np.cos(angle), np.sin(angle))), -1.0, 1.0)
            return push
        way = rng.random()
        if way < 0.4:  # presses
            push[2] = -rng.uniform(0.5, 1.0)
            push[:2] *= 0.5
        elif way < 0.6:  # lifts
            push[2] = rng.uniform(0.5, 1.0)
        return push
