"""Interpretation of an action in [-1, 1]^6 by the admittance controller."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from random import Random

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers import bounds
from assembly_rl.controllers.admittance import AdmittanceController
from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.insertion.coordinates import CoordinateTransform
from assembly_rl.controllers.validation import InputError, is_finite, require_positive, require_six


class ActionKind(Enum):
    """Meaning of an action; see ``ActionMapping``."""

    wrench = "wrench"
    twist = "twist"
    damping = "damping"
    stiffness = "stiffness"

    @property
    def changes_gains(self) -> bool:
        """True if actions request another law from the controller."""
        return self in (ActionKind.damping, ActionKind.stiffness)


@dataclass
class ActionConfig:
    """Configuration of the action.

    Attributes:
        kind: Meaning of an action.
        wrench: Scale of a wrench set-point [N] and [Nm].
        twist: Scale of a reference twist [m/s] and [rad/s].
        gain_ratio: Largest factor on the damping.
        stiffness: Largest stiffness that an action adds [N/m] and [Nm/rad].
        dither: Amplitude of the dither of each action component, 0 to 1, see ``Dither``; none is added to
            changes of gains.
    """

    kind: ActionKind = ActionKind.wrench
    wrench: list[float] = field(default_factory=lambda: [12.0, 12.0, 8.0, 0.5, 0.5, 0.5])
    twist: list[float] = field(default_factory=lambda: [0.013, 0.013, 0.01, 0.04, 0.04, 0.04])
    gain_ratio: float = 4.0
    stiffness: list[float] = field(default_factory=lambda: [2000.0, 2000.0, 2000.0, 20.0, 20.0, 20.0])
    dither: list[float] = field(default_factory=lambda: [0.0] * 6)

    def __post_init__(self) -> None:
        self.kind = ActionKind(self.kind)
        require_six(
            self, wrench=bounds.WRENCH, twist=bounds.SPEED, stiffness=bounds.STIFFNESS, dither=(1.0, 1.0)
        )
        if not (is_finite(self.gain_ratio) and self.gain_ratio > 1.0):
            raise InputError(f"ActionConfig.gain_ratio must be > 1, got {self.gain_ratio}")
        require_positive(self, gain_ratio=bounds.GAIN_RATIO)

    @property
    def scale(self) -> list[float] | None:
        """Value of an action of one, [N, Nm] or [m/s, rad/s]; None for changes of gains."""
        return {ActionKind.wrench: self.wrench, ActionKind.twist: self.twist}.get(self.kind)


class Dither:
    """Pseudo-random signal that is added to the actions of a policy, the same in every episode.

    A deterministic policy that does not see how often it tried the same can repeat itself without an end:
    peg and policy go round in a limit cycle on the rim. The signal breaks it, as dither does with stiction.
    In each policy step each component is uniform between plus and minus its amplitude, and the sum is cut to
    [-1, 1]. The numbers are those of ``random.Random(0).random()``, which Python keeps over its versions.

    Args:
        amplitudes: Amplitude of each action component (6,).
    """

    def __init__(self, amplitudes: Sequence[float]) -> None:
        self._amplitudes = np.array(amplitudes, dtype=np.float64)
        self._active = bool(np.any(self._amplitudes > 0.0))
        self.reset()

    def reset(self) -> None:
        """Start an episode."""
        self._random = Random(0)

    def __call__(self, action: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return an action (6,) with the signal of this policy step."""
        if not self._active:
            return action
        signal = np.array([self._random.random() for _ in range(6)])
        return np.clip(action + self._amplitudes * (2.0 * signal - 1.0), -1.0, 1.0)


class ActionMapping:
    """Application of actions to a controller.

    - ``wrench``: the wrench that the tool applies; ``F_ref`` is its negative. +z pushes out of the hole.
    - ``twist``: a reference twist v_r, so that the law damps v - v_r; ``F_ref = -D v_r``.
    - ``damping``: ``D_ij`` times ``g_i g_j`` with ``g = gain_ratio ** ((1 - action) / 4)``: +1 is the law's
      damping, the smallest that is stable in contact; -1 multiplies it by ``gain_ratio``.
    - ``stiffness``: adds a diagonal stiffness between 0 (action -1) and the configured one (+1).

    The last two request another law once per policy step. The controller approaches it within its rates and
    energy tank (``assembly_rl.controllers.gains``), so that the agent explores admissible gains only.

    Args:
        config: Kind and scales.
        controller: Controller in the loop.
        coordinates: Transform between the policy's part and that of the controller.

    Raises:
        ValueError: Actions change gains, and the controller cannot move to other ones within its steps.
    """

    def __init__(
        self, config: ActionConfig, controller: AdmittanceController, coordinates: CoordinateTransform
    ) -> None:
        self._controller, self._coordinates = controller, coordinates
        self._kind, self._gain_ratio = config.kind, float(config.gain_ratio)
        self._wrench = np.array(config.wrench)
        self._twist = np.array(config.twist)
        self._stiffness = np.array(config.stiffness)
        self._law: ComplianceLaw = controller.law
        if config.kind.changes_gains:
            controller.require_requests()

    def reset(self) -> None:
        """Start an episode from the law of the controller's reset."""
        self._law = self._controller.law

    def apply(self, action: NDArray[np.float64]) -> list[float]:
        """Request another law if the action means one; return F_ref, six floats [N, Nm]."""
        kind = self._kind
        reference = np.zeros(6)
        if kind is ActionKind.wrench:
            reference = self._coordinates.target_wrench(-self._wrench * action)
        elif kind is ActionKind.twist:
            reference = -self._law.damping @ self._coordinates.target_twist(self._twist * action)
        elif kind is ActionKind.damping:
            gain = self._gain_ratio ** (0.25 * (1.0 - action))
            self._controller.request(self._law.damped(gain))
        else:
            self._controller.request(self._law.stiffened(self._stiffness * 0.5 * (action + 1.0)))
        floats: list[float] = reference.tolist()
        return floats
