"""Laws and poses for the tests of compliance laws."""

import math

import numpy as np
import pinocchio as pin
from hypothesis import settings
from hypothesis import strategies as st

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.se3 import (
    quat_exp,
)

often = settings(deadline=None, max_examples=60, derandomize=True)

NAMES = ("mass", "damping", "stiffness")
MASS = [4.0, 4.0, 4.0, 0.06, 0.06, 0.06]
DAMPING = [150.0, 150.0, 800.0, 1.0, 1.0, 1.0]
STIFFNESS = [0.0, 0.0, 300.0, 3.0, 3.0, 3.0]
ONES = [1.0] * 6

DIAGONAL = ComplianceLaw.from_diagonals(MASS, DAMPING, STIFFNESS)

ARMS = np.diag([1.0, 1.0, 1.0, 0.1, 0.1, 0.1])  # forces act over arms of about 0.1 m
SEEDS = st.integers(0, 2**32 - 1)


def coupled(seed: int, least: float) -> np.ndarray:
    """A full symmetric matrix with eigenvalues from ``least`` up, before the arms."""
    root = np.random.default_rng(seed).standard_normal((6, 6))
    return ARMS @ (root @ root.T + least * np.eye(6)) @ ARMS


def coupled_law(seed: int, centre: str = "tip") -> ComplianceLaw:
    """Every axis coupled to every other in M, D and K; periods of 0.1 to 0.5 s."""
    return ComplianceLaw(
        coupled(seed, 3.0), 30.0 * coupled(seed + 1, 2.0), 500.0 * coupled(seed + 2, 2.0), centre
    )


@st.composite
def poses(draw: st.DrawFn) -> tuple:
    position = draw(st.tuples(*[st.floats(-0.5, 0.5)] * 3))
    turn = np.array(draw(st.tuples(*[st.floats(-1.0, 1.0)] * 3)))
    return position, quat_exp(tuple((draw(st.floats(0.0, math.pi)) * turn).tolist()))


def with_entry(row: int, column: int, value: float) -> np.ndarray:
    matrix = np.diag(MASS)
    matrix[row, column] = value
    return matrix


def action(pose: tuple) -> np.ndarray:
    """The adjoint from pinocchio: the laws' kernel is not to be checked with itself."""
    return pin.SE3(pin.Quaternion(np.array(pose[1])), np.array(pose[0])).action


def assert_equal_laws(one: ComplianceLaw, other: ComplianceLaw, tolerance: float = 1e-12) -> None:
    """Entry by entry, relative to the two axes that an entry couples."""
    for name in NAMES:
        a, b = getattr(one, name), getattr(other, name)
        size = np.sqrt(np.abs(np.outer(np.diag(a), np.diag(a))))
        assert (np.abs(a - b) <= tolerance * size).all(), name
