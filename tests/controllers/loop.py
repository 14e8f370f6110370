"""A law, controllers with it, and ways to run them, for the tests of the control step."""

from typing import Any

import numpy as np

from assembly_rl.controllers import (
    AdmittanceConfig,
    AdmittanceController,
    ComplianceLaw,
    Discretization,
    bounds,
)
from assembly_rl.controllers.discretization import step_matrix

RATE = 200.0
PERIOD = 1.0 / RATE
ZERO = [0.0] * 6
SIX = range(6)
BOTH = list(Discretization)
LAW = ComplianceLaw.from_diagonals(
    [4.0, 4.0, 4.0, 0.06, 0.06, 0.06], [150.0, 150.0, 800.0, 1.0, 1.0, 1.0], [0.0, 0.0, 300.0, 3.0, 3.0, 3.0]
)
SPRING = ComplianceLaw.from_diagonals(LAW.mass.diagonal(), LAW.damping.diagonal(), [500.0] * 3 + [5.0] * 3)
WIDEST: dict[str, Any] = {
    name: [linear] * 3 + [angular] * 3
    for name, (linear, angular) in (
        ("offset_limit", bounds.OFFSET),
        ("speed_limit", bounds.SPEED),
        ("reference_limit", (0.5 * bounds.WRENCH[0], 0.5 * bounds.WRENCH[1])),
        ("wrench_limit", bounds.WRENCH),
    )
}
HOLD, STOP = 4, 100  # control periods, of the default SafetyConfig


def coupled_law(seed: int = 3) -> ComplianceLaw:
    rng = np.random.default_rng(seed)
    scale = np.diag([1.0, 1.0, 1.0, 0.1, 0.1, 0.1])

    def definite(size: float) -> np.ndarray:
        root = rng.standard_normal((6, 6))
        return size * scale @ (0.1 * root @ root.T + np.eye(6)) @ scale

    return ComplianceLaw(definite(4.0), definite(150.0), definite(400.0))


COUPLED = coupled_law()


def wide(**changes: Any) -> AdmittanceConfig:
    """The widest limits that a configuration takes; hardly anything here reaches them."""
    return AdmittanceConfig(**(WIDEST | changes))


def free(law: ComplianceLaw = LAW, rate: float = RATE, **changes: Any) -> AdmittanceController:
    return AdmittanceController(law, rate, wide(**changes))


def along(axis: int, value: float) -> list[float]:
    return [value if index == axis else 0.0 for index in SIX]


def run(controller: AdmittanceController, wrench: Any, steps: int, reference: Any = ZERO) -> np.ndarray:
    return np.array([controller.step(wrench, reference)[0] for _ in range(steps)])


def state_of(controller: AdmittanceController) -> np.ndarray:
    return np.concatenate((controller.offset, controller.velocity))


def drive_of(controller: AdmittanceController, wrench: Any, reference: Any = ZERO, **when: Any) -> np.ndarray:
    """F - F_ref that a step felt, from how the state moved; for controllers that reach no limit."""
    config, law = controller.config, controller.law
    matrix = step_matrix(law.mass, law.damping, law.stiffness, 1.0 / controller.rate, config.discretization)
    before = state_of(controller)
    controller.step(wrench, reference, **when)
    return np.linalg.solve(matrix[6:, 12:], controller.velocity - matrix[6:, :12] @ before)
