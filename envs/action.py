"""What an action in [-1, 1]^6 means to the admittance controller."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.admittance import AdmittanceController
from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.envs.config import ActionConfig, ActionKind


class ActionMapping:
    """Applies actions to a controller.

    - ``wrench``: the wrench that the tool pushes with; ``F_ref`` is its negative. +z pushes out of the hole.
    - ``twist``: a reference twist v_r, so that the law damps v - v_r; ``F_ref = -D v_r``.
    - ``damping``: ``D_ij`` times ``g_i g_j`` with ``g = gain_ratio ** (-action / 2)``: +1 is softest.
    - ``stiffness``: adds a diagonal stiffness between 0 (action -1) and the configured one (+1).

    The last two change the law once a policy step; offset and velocity stay as they are.

    Args:
        config: Kind and scales.
        controller: The controller in the loop.
    """

    def __init__(self, config: ActionConfig, controller: AdmittanceController) -> None:
        self._controller = controller
        self._config = config
        self._wrench = np.array(config.wrench)
        self._twist = np.array(config.twist)
        self._stiffness = np.array(config.stiffness)
        self._law: ComplianceLaw = controller.law

    def reset(self, law: ComplianceLaw) -> None:
        """Start an episode from a law."""
        self._law = law
        self._controller.law = law

    def apply(self, action: NDArray[np.float64]) -> list[float]:
        """Set the controller's law where the action changes it; return F_ref, six floats [N, Nm]."""
        kind = self._config.kind
        reference = np.zeros(6)
        if kind is ActionKind.wrench:
            reference = -self._wrench * action
        elif kind is ActionKind.twist:
            reference = -self._law.damping @ (self._twist * action)
        elif kind is ActionKind.damping:
            gain = self._config.gain_ratio ** (-0.5 * action)
            self._controller.law = replace(self._law, damping=self._law.damping * np.outer(gain, gain))
        else:
            added = np.diag(self._stiffness * 0.5 * (action + 1.0))
            self._controller.law = replace(self._law, stiffness=self._law.stiffness + added)
        floats: list[float] = reference.tolist()
        return floats
