"""The same law at another centre, in other axes, in another size."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import (
    ARMS,
    DAMPING,
    DIAGONAL,
    MASS,
    NAMES,
    ONES,
    SEEDS,
    STIFFNESS,
    action,
    assert_equal_laws,
    coupled,
    coupled_law,
    often,
    poses,
)

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.discretization import Discretization, step_matrix
from assembly_rl.controllers.se3 import (
    IDENTITY,
    compose,
    displace,
    invert,
    pose_exp,
    pose_log,
    quat_exp,
    rotation_matrix,
)

# ---------------------------------------------------------------------- another centre


def test_a_centre_moved_by_a_tenth_of_a_metre() -> None:
    """A turn about the new centre sweeps the old one over 0.1 m, against 1000 N/m: 100 N, and 10 Nm more."""
    law = ComplianceLaw.from_diagonals(ONES, ONES, [1000.0] * 3 + [20.0] * 3, "wrist")
    moved = law.transport(((0.0, 0.0, 0.1), IDENTITY), "tip")
    expected = np.diag([1000.0, 1000.0, 1000.0, 30.0, 30.0, 20.0])
    expected[0, 4] = expected[4, 0] = -100.0
    expected[1, 3] = expected[3, 1] = 100.0
    np.testing.assert_allclose(moved.stiffness, expected, rtol=1e-14)
    # Turned by +1 mrad about y at the tip, the wrist 0.1 m below goes to x = -0.1 mm: pushed back by +0.1 N.
    np.testing.assert_allclose(
        -moved.stiffness @ (0.0, 0.0, 0.0, 0.0, 1e-3, 0.0), (0.1, 0.0, 0.0, 0.0, -0.03, 0.0), atol=1e-15
    )


def test_axes_turned_by_a_quarter() -> None:
    # b's x is a's y, b's y is a's -x.
    quarter = quat_exp((0.0, 0.0, 0.5 * math.pi))
    law = ComplianceLaw.from_diagonals([1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12], [13, 14, 15, 16, 17, 18])
    turned = law.transport(((0.0, 0.0, 0.0), quarter), "tip")
    np.testing.assert_allclose(turned.mass, np.diag([2, 1, 3, 5, 4, 6]), atol=1e-14)
    np.testing.assert_allclose(turned.damping, np.diag([8, 7, 9, 11, 10, 12]), atol=1e-14)
    np.testing.assert_allclose(turned.stiffness, np.diag([14, 13, 15, 17, 16, 18]), atol=1e-14)


@often
@given(SEEDS, poses())
def test_transport_is_the_congruence_by_the_adjoint(seed: int, pose: tuple) -> None:
    law, ad = coupled_law(seed, "wrist"), action(pose)
    moved = law.transport(pose, "tip")
    assert (law.centre, moved.centre) == ("wrist", "tip")
    for name in NAMES:
        matrix, before = getattr(moved, name), getattr(law, name)
        np.testing.assert_allclose(matrix, ad.T @ before @ ad, rtol=1e-11, atol=1e-13 * np.abs(matrix).max())
        np.testing.assert_array_equal(matrix, matrix.T)


@often
@given(SEEDS, poses())
def test_transport_there_and_back(seed: int, pose: tuple) -> None:
    law = coupled_law(seed, "wrist")
    back = law.transport(pose, "tip").transport(invert(pose), "wrist")
    assert back.centre == "wrist"
    assert_equal_laws(law, back, 1e-9)


@often
@given(SEEDS, poses(), poses())
def test_transport_in_two_steps(seed: int, first: tuple, second: tuple) -> None:
    law = coupled_law(seed)
    by_way = law.transport(first, "b").transport(second, "c")
    straight = law.transport(compose(first, second), "c")
    assert_equal_laws(straight, by_way, 1e-9)


@often
@given(SEEDS, poses())
def test_energy_power_and_work_are_the_same_at_every_centre(seed: int, pose: tuple) -> None:
    law, ad = coupled_law(seed), action(pose)
    moved = law.transport(pose, "b")
    rng = np.random.default_rng(seed)
    x_b, wrench_a = rng.standard_normal(6), rng.standard_normal(6)
    x_a, wrench_b = ad @ x_b, ad.T @ wrench_a
    for name in NAMES:  # spring energy, dissipated power, kinetic energy
        assert x_b @ getattr(moved, name) @ x_b == pytest.approx(x_a @ getattr(law, name) @ x_a, rel=1e-9)
    scale = np.abs(wrench_a) @ np.abs(x_a)
    assert wrench_b @ x_b == pytest.approx(wrench_a @ x_a, rel=1e-9, abs=1e-12 * scale)
    # At rest under the wrench, the law at b stands where the law at a does.
    rest_a, rest_b = np.linalg.solve(law.stiffness, wrench_a), np.linalg.solve(moved.stiffness, wrench_b)
    np.testing.assert_allclose(ad @ rest_b, rest_a, rtol=1e-9, atol=1e-9 * np.abs(rest_a).max())


@often
@given(SEEDS, poses())
def test_compliance_moves_the_other_way(seed: int, pose: tuple) -> None:
    """``C_b = Ad^-1 C_a Ad^-T``, and the eigenvalues of ``C K_e``, the loop's gains, stay."""
    law, environment = coupled_law(seed), 1e4 * coupled(seed + 3, 0.5)
    moved, ad = law.transport(pose, "b"), action(pose)
    back = np.linalg.inv(ad)
    compliance = np.linalg.inv(law.stiffness)
    expected = back @ compliance @ back.T
    found = np.linalg.inv(moved.stiffness)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    before = np.sort(np.linalg.eigvals(compliance @ environment).real)
    after = np.sort(np.linalg.eigvals(found @ (ad.T @ environment @ ad)).real)
    np.testing.assert_allclose(after, before, rtol=1e-8)


@pytest.mark.parametrize(
    "pose",
    [
        ((0.0, 0.0, float("nan")), IDENTITY),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 2.0)),
        ((0.0, 0.0), IDENTITY),
    ],
)
def test_transport_refuses_what_is_no_pose(pose: tuple) -> None:
    with pytest.raises(ValueError, match="^pose must"):
        DIAGONAL.transport(pose, "b")


# ---------------------------------------------------------------------- frame invariance


@settings(often, max_examples=12)
@given(SEEDS, poses(), st.sampled_from(Discretization))
def test_the_motion_is_the_same_at_every_centre(
    seed: int, pose: tuple, discretization: Discretization
) -> None:
    """300 steps of a coupled law at 500 Hz, and of the transported law with ``F_b = Ad^T F_a``."""
    law, ad = coupled_law(seed), action(pose)
    moved = law.transport(pose, "b")
    step_a = step_matrix(law.mass, law.damping, law.stiffness, 0.002, discretization)
    step_b = step_matrix(moved.mass, moved.damping, moved.stiffness, 0.002, discretization)
    rng = np.random.default_rng(seed)
    sway, jitter = 10.0 * rng.standard_normal((6, 1)), rng.standard_normal((6, 300))
    wrenches = ARMS @ (sway * np.sin(np.linspace(0.0, 9.0, 300)) + jitter)
    state_b = 0.01 * rng.standard_normal(12)
    state_a = np.concatenate((ad @ state_b[:6], ad @ state_b[6:]))
    history_a, history_b = [], []
    for wrench in wrenches.T:
        state_a = step_a @ np.concatenate((state_a, wrench))
        state_b = step_b @ np.concatenate((state_b, ad.T @ wrench))
        history_a.append(state_a)
        history_b.append(np.concatenate((ad @ state_b[:6], ad @ state_b[6:])))
    found, expected = np.array(history_b), np.array(history_a)
    for part in (slice(0, 3), slice(3, 6), slice(6, 9), slice(9, 12)):
        atol = 1e-9 * np.abs(expected[:, part]).max()
        np.testing.assert_allclose(found[:, part], expected[:, part], rtol=0.0, atol=atol)


def commanded(at_a: tuple, at_b: tuple, pose: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Displacement of b's frame according to the offsets' poses at a and at b, as matrices."""
    matrices = []
    for position, rotation in (compose(compose(invert(pose), at_a), pose), at_b):
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = np.reshape(rotation_matrix(rotation), (3, 3)), position
        matrices.append(matrix)
    return matrices[0], matrices[1]


@settings(often, max_examples=12)
@given(SEEDS, poses(), st.sampled_from(Discretization))
def test_the_body_is_commanded_to_the_same_pose_with_offsets_that_are_logarithms(
    seed: int, pose: tuple, discretization: Discretization
) -> None:
    """Offsets of about a radian, at rest and on the way there."""
    law = coupled_law(seed)
    moved = law.transport(pose, "b")
    rng = np.random.default_rng(seed)
    ad = action(pose)
    goal = np.concatenate((0.2 * rng.standard_normal(3), 0.6 * rng.standard_normal(3)))
    wrench_a = law.stiffness @ goal
    state_a, state_b = np.zeros(12), np.zeros(12)
    step_a = step_matrix(law.mass, law.damping, law.stiffness, 0.01, discretization)
    step_b = step_matrix(moved.mass, moved.damping, moved.stiffness, 0.01, discretization)
    largest = 0.0
    for _ in range(60):
        state_a = step_a @ np.concatenate((state_a, wrench_a))
        state_b = step_b @ np.concatenate((state_b, ad.T @ wrench_a))
        x_a, x_b = state_a[:6], state_b[:6]
        largest = max(largest, float(np.linalg.norm(x_a[3:])))
        through_a, through_b = commanded(pose_exp(x_a), pose_exp(x_b), pose)
        np.testing.assert_allclose(through_a, through_b, rtol=0.0, atol=1e-9)
        if np.linalg.norm(x_b[3:]) < 3.0:
            seen = pose_log(compose(compose(invert(pose), pose_exp(x_a)), pose))
            np.testing.assert_allclose(seen, x_b, rtol=0.0, atol=1e-9)
    assert largest > 0.1


def test_with_a_rotation_vector_apart_from_the_translation_it_is_the_same_to_first_order() -> None:
    """Half the offset, a quarter of the difference."""
    pose = ((0.1, -0.2, 0.15), quat_exp((0.4, -0.7, 0.2)))
    origin = ((0.0, 0.0, 0.0), IDENTITY)
    offset = np.array([0.02, -0.01, 0.03, 0.05, -0.08, 0.03])
    differences = []
    for share in (1.0, 0.5, 0.25, 0.125):
        x_a = share * offset
        x_b = np.linalg.solve(action(pose), x_a)
        through_a, through_b = commanded(displace(origin, x_a), displace(origin, x_b), pose)
        differences.append(float(np.abs(through_a - through_b).max()))
    orders = np.log2(np.divide(differences[:-1], differences[1:]))
    np.testing.assert_allclose(orders, 2.0, atol=0.05)
    assert differences[0] > 1e-4


# ---------------------------------------------------------------------- another size


@often
@given(SEEDS, st.floats(0.05, 20.0))
def test_scaling_keeps_translational_and_divides_rotational_compliance(seed: int, factor: float) -> None:
    law = coupled_law(seed, "tip")
    scaled = law.scaled(factor, "large tip")
    assert (scaled.centre, law.scaled(factor).centre) == ("large tip", "tip")
    before, after = np.linalg.inv(law.stiffness), np.linalg.inv(scaled.stiffness)
    np.testing.assert_allclose(after[:3, :3], before[:3, :3], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(after[3:, 3:], before[3:, 3:] / factor**2, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(after[:3, 3:], before[:3, 3:] / factor, rtol=1e-9, atol=1e-12)


def test_scaling_by_two_in_numbers() -> None:
    law = ComplianceLaw.from_diagonals(MASS, DAMPING, STIFFNESS).scaled(2.0)
    np.testing.assert_allclose(np.diag(law.mass), [4.0, 4.0, 4.0, 0.24, 0.24, 0.24])
    np.testing.assert_allclose(np.diag(law.damping), [150.0, 150.0, 800.0, 4.0, 4.0, 4.0])
    np.testing.assert_allclose(np.diag(law.stiffness), [0.0, 0.0, 300.0, 12.0, 12.0, 12.0])


def modes(law: ComplianceLaw) -> np.ndarray:
    """Eigenvalues of the free motion [1/s], sorted: they hold periods and damping ratios."""
    inverse = np.linalg.inv(law.mass)
    upper = np.hstack((np.zeros((6, 6)), np.eye(6)))
    lower = np.hstack((-inverse @ law.stiffness, -inverse @ law.damping))
    return np.sort_complex(np.linalg.eigvals(np.vstack((upper, lower))))


@often
@given(SEEDS, st.floats(0.1, 10.0))
def test_scaling_keeps_natural_periods_and_damping_ratios(seed: int, factor: float) -> None:
    law = coupled_law(seed)
    scaled = law.scaled(factor)
    np.testing.assert_allclose(
        np.sort(np.linalg.eigvals(np.linalg.solve(scaled.mass, scaled.stiffness)).real),
        np.sort(np.linalg.eigvals(np.linalg.solve(law.mass, law.stiffness)).real),
        rtol=1e-9,
    )
    # The characteristic polynomial rather than its roots, of which two that nearly meet are ill-conditioned.
    largest = np.abs(modes(law)).max()
    np.testing.assert_allclose(
        np.poly(modes(scaled) / largest), np.poly(modes(law) / largest), rtol=0.0, atol=1e-9
    )


@often
@given(SEEDS, st.floats(0.1, 10.0), st.floats(0.1, 10.0))
def test_scaling_twice_is_scaling_by_the_product(seed: int, first: float, second: float) -> None:
    law = coupled_law(seed)
    assert_equal_laws(law.scaled(first).scaled(second), law.scaled(first * second))
    assert_equal_laws(law.scaled(first).scaled(1.0 / first), law)
    assert_equal_laws(law.scaled(1.0), law, 0.0)


@often
@given(SEEDS, poses(), st.floats(0.1, 10.0))
def test_scaling_the_part_scales_the_way_to_another_centre(seed: int, pose: tuple, factor: float) -> None:
    law, (position, rotation) = coupled_law(seed), pose
    longer = tuple(factor * part for part in position)
    moved_first = law.transport(pose, "b").scaled(factor)
    scaled_first = law.scaled(factor).transport((longer, rotation), "b")
    assert_equal_laws(moved_first, scaled_first, 1e-9)


def contact_forces(law: ComplianceLaw, size: float, seed: int) -> np.ndarray:
    """Forces over 0.6 s at twelve contact points of a part, each a spring of 20 kN/m along its normal.

    The points scale with the part; stiffness of the contacts and errors of the gaps [m] do not.
    """
    rng = np.random.default_rng(seed)
    normals = rng.standard_normal((12, 3))
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    points = size * rng.uniform(-0.05, 0.05, (12, 3))
    gaps = rng.uniform(-5e-4, 5e-4, 12)
    step = step_matrix(law.mass, law.damping, law.stiffness, 1e-3, Discretization.zero_order_hold)
    state, wrench, history = np.zeros(12), np.zeros(6), []
    for _ in range(600):
        state = step @ np.concatenate((state, wrench))
        way = state[:3] + np.cross(state[3:6], points)
        forces = 20e3 * np.maximum(0.0, gaps - (way * normals).sum(axis=1))  # contact only pushes
        pushes = forces[:, None] * normals
        wrench = np.concatenate((pushes.sum(axis=0), np.cross(points, pushes).sum(axis=0)))
        history.append(forces)
    return np.array(history)


@pytest.mark.parametrize("factor", [0.2, 2.0, 7.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_scaled_part_is_inserted_with_the_same_contact_forces(factor: float, seed: int) -> None:
    law = ComplianceLaw(coupled(0, 1.0), 500.0 * coupled(1, 1.0), 1e3 * coupled(2, 1.0))
    expected = contact_forces(law, 1.0, seed)
    assert expected.max() > 1.0
    assert ((expected == 0.0).any(axis=0) & (expected > 0.0).any(axis=0)).any()  # touches and lets go
    np.testing.assert_allclose(
        contact_forces(law.scaled(factor), factor, seed), expected, rtol=0.0, atol=1e-9 * expected.max()
    )
    assert np.abs(contact_forces(law, factor, seed) - expected).max() > 0.05 * expected.max()


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_scaling_refuses_a_factor(factor: float) -> None:
    with pytest.raises(ValueError, match=f"^factor must be > 0, got {factor}"):
        DIAGONAL.scaled(factor)
