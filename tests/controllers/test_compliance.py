import numpy as np
import pytest
from scipy.linalg import expm

from assembly_rl.controllers.compliance import ComplianceLaw

MASS = [4.0, 4.0, 4.0, 0.06, 0.06, 0.06]
DAMPING = [150.0, 150.0, 800.0, 1.0, 1.0, 1.0]
STIFFNESS = [0.0, 0.0, 300.0, 3.0, 3.0, 3.0]

DIAGONAL = ComplianceLaw.from_diagonals(MASS, DAMPING, STIFFNESS)


def coupled(seed: int, least: float) -> np.ndarray:
    """A full symmetric matrix with eigenvalues from ``least`` up."""
    root = np.random.default_rng(seed).standard_normal((6, 6))
    return root @ root.T + least * np.eye(6)


def with_entry(row: int, column: int, value: float) -> np.ndarray:
    matrix = np.diag(MASS)
    matrix[row, column] = value
    return matrix


@pytest.mark.parametrize("name", ["mass", "damping", "stiffness"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (with_entry(0, 4, 0.5), r"must be symmetric: \[x, ry\] = 0.5 but \[ry, x\] = 0.0"),
        (with_entry(2, 5, float("nan")), r"\[z, rz\] = nan is not finite"),
        (with_entry(4, 4, -2.0), r"must have eigenvalues >=? 0: the smallest is -2, mostly along ry"),
        (with_entry(0, 2, 9.0) + with_entry(2, 0, 9.0), r"eigenvalues >=? 0: the smallest is -1"),
        (np.eye(3), r"must have shape \(6, 6\), got \(3, 3\)"),
        (MASS, r"must have shape \(6, 6\), got \(6,\)"),
    ],
)
def test_refusals_name_the_entry(name: str, value: object, message: str) -> None:
    matrices = {"mass": np.diag(MASS), "damping": np.diag(DAMPING), "stiffness": np.diag(STIFFNESS)}
    with pytest.raises(ValueError, match=name + ".*" + message):
        ComplianceLaw(**(matrices | {name: value}))


@pytest.mark.parametrize("name", ["mass", "damping", "stiffness"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0, float("inf"), 1.0, 1.0, 1.0, 1.0], r"\[y, y\] = inf is not finite"),
        (
            [1.0, 1.0, 1.0, -3.0, 1.0, 1.0],
            r"must have eigenvalues >=? 0: the smallest is -3, mostly along rx",
        ),
        ([1.0] * 5, r"must have six entries x y z rx ry rz, got shape \(5,\)"),
        (np.eye(6), r"must have six entries .* got shape \(6, 6\)"),
    ],
)
def test_refusals_of_a_diagonal(name: str, value: object, message: str) -> None:
    diagonals = {"mass": MASS, "damping": DAMPING, "stiffness": STIFFNESS} | {name: value}
    with pytest.raises(ValueError, match=name + ".*" + message):
        ComplianceLaw.from_diagonals(**diagonals)


def test_only_the_mass_must_be_definite() -> None:
    ComplianceLaw.from_diagonals(MASS, np.zeros(6), np.zeros(6))
    with pytest.raises(ValueError, match="mass must have eigenvalues > 0: the smallest is 0, mostly along y"):
        ComplianceLaw.from_diagonals([4.0, 0.0, 4.0, 0.06, 0.06, 0.06], DAMPING, STIFFNESS)
    with pytest.raises(ValueError, match="dt must be > 0 s, got 0"):
        DIAGONAL.implicit_euler(0.0)


def test_a_diagonal_is_its_matrix_and_the_law_is_read_only() -> None:
    full = ComplianceLaw(np.diag(MASS), np.diag(DAMPING), np.diag(STIFFNESS))
    for name in ("mass", "damping", "stiffness"):
        np.testing.assert_array_equal(getattr(DIAGONAL, name), getattr(full, name))
    with pytest.raises(ValueError, match="read-only"):
        DIAGONAL.mass[0, 0] = 1.0


@pytest.mark.parametrize("dt", [1e-4, 5e-3, 10.0])
def test_implicit_euler_is_the_formula(dt: float) -> None:
    law = ComplianceLaw(coupled(0, 1.0), coupled(1, 5.0), coupled(2, 10.0))
    x, v, force = np.random.default_rng(3).standard_normal((3, 6))
    following = law.implicit_euler(dt) @ np.concatenate((x, v, force))
    x_next, v_next = following[:6], following[6:]
    # The defining equations, not the solved form: M (v' - v) / dt + D v' + K x' = F and x' = x + dt v'.
    residual = law.mass @ (v_next - v) / dt + law.damping @ v_next + law.stiffness @ x_next - force
    np.testing.assert_allclose(residual, 0.0, atol=1e-8 * max(1.0, 1e-3 / dt))
    np.testing.assert_allclose(x_next, x + dt * v_next, rtol=1e-12)


@pytest.mark.parametrize("dt", [1e-3, 0.1, 10.0, 1e4])
def test_stable_at_any_step(dt: float) -> None:
    """Explicit Euler diverges from dt = 2 m / d = 10 ms on with these gains."""
    for law in (
        DIAGONAL,
        ComplianceLaw(coupled(0, 0.1), coupled(1, 0.1), coupled(2, 1.0)),
    ):
        eigenvalues = np.linalg.eigvals(law.implicit_euler(dt)[:, :12])
        assert np.abs(eigenvalues).max() <= 1.0 + 1e-9


def test_first_order_convergence_to_the_analytic_solution() -> None:
    law = ComplianceLaw(coupled(0, 2.0), coupled(1, 5.0), coupled(2, 20.0))
    x, v, force = 0.01 * np.random.default_rng(3).standard_normal((3, 6))
    inverse = np.linalg.inv(law.mass)
    flow = np.zeros((18, 18))  # d/dt [x, v, F] for a constant F
    flow[:6, 6:12] = np.eye(6)
    flow[6:12] = np.hstack((-inverse @ law.stiffness, -inverse @ law.damping, inverse))
    exact = (expm(0.5 * flow) @ np.concatenate((x, v, force)))[:12]
    errors = []
    for steps in (500, 1000, 2000):
        matrix, state = law.implicit_euler(0.5 / steps), np.concatenate((x, v))
        for _ in range(steps):
            state = matrix @ np.concatenate((state, force))
        errors.append(np.linalg.norm(state - exact) / np.linalg.norm(exact))
    assert errors[0] < 0.02
    assert [errors[0] / errors[1], errors[1] / errors[2]] == pytest.approx([2.0, 2.0], rel=0.03)
