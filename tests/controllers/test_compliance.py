"""What a compliance law accepts, what its damping ratios mean, and what it refuses."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import (
    DAMPING,
    DIAGONAL,
    MASS,
    NAMES,
    ONES,
    STIFFNESS,
    action,
    assert_equal_laws,
    often,
    poses,
    with_entry,
)

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.discretization import Discretization, step_matrix
from assembly_rl.controllers.se3 import (
    IDENTITY,
    adjoint,
    invert,
    quat_exp,
)
from assembly_rl.controllers.validation import AXES

# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize("name", NAMES)
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
    with pytest.raises(ValueError, match=f"^{name}.*{message}"):
        ComplianceLaw(**(matrices | {name: value}))


@pytest.mark.parametrize("name", NAMES)
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
    with pytest.raises(ValueError, match=f"^{name}.*{message}"):
        ComplianceLaw.from_diagonals(**diagonals)


def test_only_the_mass_must_be_definite() -> None:
    ComplianceLaw.from_diagonals(MASS, np.zeros(6), np.zeros(6))
    with pytest.raises(ValueError, match="mass must have eigenvalues > 0: the smallest is 0, mostly along y"):
        ComplianceLaw.from_diagonals([4.0, 0.0, 4.0, 0.06, 0.06, 0.06], DAMPING, STIFFNESS)


def test_a_diagonal_is_its_matrix_and_the_law_is_read_only() -> None:
    matrices = [np.diag(MASS), np.diag(DAMPING), np.diag(STIFFNESS)]
    full = ComplianceLaw(*matrices)
    matrices[0][0, 0] = 99.0  # the caller's array, not the law's
    for name in NAMES:
        np.testing.assert_array_equal(getattr(DIAGONAL, name), getattr(full, name))
        for law in (DIAGONAL, full, full.transport(((0.1, 0.0, 0.0), IDENTITY), "b"), full.scaled(2.0)):
            with pytest.raises(ValueError, match="read-only"):
                getattr(law, name)[0, 0] = 1.0


def test_rounding_is_no_asymmetry() -> None:
    law = ComplianceLaw(with_entry(0, 4, 1e-12), np.diag(DAMPING), np.diag(STIFFNESS))
    assert law.mass[0, 4] == law.mass[4, 0] == 0.5e-12


# ---------------------------------------------------------------------- damping ratios


def test_damping_ratios_place_the_eigenvalues() -> None:
    """Of an oscillator of natural frequency w: ``w (-zeta +- sqrt(zeta^2 - 1))``."""
    mass, stiffness = np.array(MASS), np.array([1000.0, 2000.0, 300.0, 20.0, 3.0, 50.0])
    ratio = np.array([0.0, 0.2, 0.7, 1.0, 1.5, 3.0])
    law = ComplianceLaw.from_damping_ratio(mass, ratio, stiffness, "peg")
    assert law.centre == "peg"
    np.testing.assert_array_equal(law.mass, np.diag(mass))
    np.testing.assert_array_equal(law.stiffness, np.diag(stiffness))
    np.testing.assert_array_equal(law.damping, np.diag(np.diag(law.damping)))
    for axis in range(6):
        frequency = math.sqrt(stiffness[axis] / mass[axis])
        root = np.sqrt(complex(ratio[axis] ** 2 - 1.0))
        expected = frequency * np.array([-ratio[axis] - root, -ratio[axis] + root])
        found = np.roots([law.mass[axis, axis], law.damping[axis, axis], law.stiffness[axis, axis]])
        # Rounding by 1e-16 splits the double eigenvalue of critical damping by its square root.
        np.testing.assert_allclose(
            np.sort_complex(found), np.sort_complex(expected), rtol=1e-7 if ratio[axis] == 1.0 else 1e-12
        )


def test_an_underdamped_axis_overshoots_as_its_ratio_says() -> None:
    """Let go at 1, it stands still at ``-exp(-pi zeta / sqrt(1 - zeta^2))`` half a period later."""
    mass, stiffness = np.array(MASS), np.array([1000.0, 2000.0, 300.0, 20.0, 3.0, 50.0])
    ratio = np.array([0.0, 0.05, 0.2, 0.5, 0.7, 0.9])
    law = ComplianceLaw.from_damping_ratio(mass, ratio, stiffness)
    for axis in range(6):
        half_period = math.pi / math.sqrt(stiffness[axis] / mass[axis] * (1.0 - ratio[axis] ** 2))
        step = step_matrix(law.mass, law.damping, law.stiffness, half_period, Discretization.zero_order_hold)
        expected = -math.exp(-math.pi * ratio[axis] / math.sqrt(1.0 - ratio[axis] ** 2))
        assert step[axis, axis] == pytest.approx(expected, rel=1e-10)
        assert step[6 + axis, axis] == pytest.approx(0.0, abs=1e-9 * math.pi / half_period)


@pytest.mark.parametrize("axis", [1, 3])
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("mass", 0.0, "mass must have eigenvalues > 0: the smallest is 0, mostly along {axis}"),
        ("mass", -2.0, "mass must have eigenvalues > 0: the smallest is -2, mostly along {axis}"),
        ("mass", math.nan, r"mass\[{axis}.*nan"),
        ("mass", math.inf, r"mass\[{axis}.*inf"),
        ("damping_ratio", -0.1, r"damping_ratio\[{axis}\] must be >= 0, got -0.1"),
        ("damping_ratio", math.nan, r"damping_ratio\[{axis}\] must be >= 0, got nan"),
        ("damping_ratio", math.inf, r"damping_ratio\[{axis}\] must be >= 0, got inf"),
        ("stiffness", 0.0, r"stiffness\[{axis}\] = 0 .*damping_ratio, here 1"),
        ("stiffness", -5.0, "stiffness must have eigenvalues >= 0: the smallest is -5, mostly along {axis}"),
        ("stiffness", math.nan, r"stiffness\[{axis}.*nan"),
        ("stiffness", math.inf, r"stiffness\[{axis}.*inf"),
    ],
)
def test_a_damping_ratio_refuses_by_parameter_axis_and_value(
    name: str, value: float, message: str, axis: int
) -> None:
    parts = {"mass": ONES[:], "damping_ratio": ONES[:], "stiffness": ONES[:]}
    parts[name][axis] = value
    with pytest.raises(ValueError, match="^" + message.format(axis=AXES[axis])):
        ComplianceLaw.from_damping_ratio(**parts)


@pytest.mark.parametrize("name", ["mass", "damping_ratio", "stiffness"])
def test_a_damping_ratio_takes_six_entries(name: str) -> None:
    parts = {"mass": ONES, "damping_ratio": ONES, "stiffness": ONES} | {name: ONES[:5]}
    with pytest.raises(ValueError, match=rf"^{name} must have six entries .* got shape \(5,\)"):
        ComplianceLaw.from_damping_ratio(**parts)


# ---------------------------------------------------------------------- asymmetric stiffness

ASYMMETRIC = np.diag([1000.0, 900.0, 800.0, 20.0, 30.0, 40.0])
ASYMMETRIC[0, 4], ASYMMETRIC[4, 0] = 60.0, -10.0


def test_an_asymmetric_stiffness_is_refused_unless_asked_for() -> None:
    callers = ASYMMETRIC.copy()
    matrices = np.diag(MASS), np.diag(DAMPING), callers
    message = (
        r"^stiffness must be symmetric: \[x, ry\] = 60.0 but \[ry, x\] = -10.0; .*set asymmetric_stiffness$"
    )
    with pytest.raises(ValueError, match=message):
        ComplianceLaw(*matrices)
    law = ComplianceLaw(*matrices, asymmetric_stiffness=True)
    callers[0, 4] = 0.0
    np.testing.assert_array_equal(law.stiffness, ASYMMETRIC)


@pytest.mark.parametrize("name", ["mass", "damping"])
def test_asking_for_it_frees_neither_mass_nor_damping(name: str) -> None:
    matrices = {"mass": np.diag(MASS), "damping": np.diag(DAMPING), "stiffness": ASYMMETRIC}
    with pytest.raises(ValueError, match=rf"^{name} must be symmetric: .*\[ry, x\] = 0.0$"):
        ComplianceLaw(**(matrices | {name: with_entry(0, 4, 0.5)}), asymmetric_stiffness=True)


def test_the_symmetric_part_of_an_asymmetric_stiffness_must_not_push() -> None:
    stiffness = ASYMMETRIC.copy()
    stiffness[0, 4] = 400.0  # symmetric part 195 between 1000 and 30: 195^2 > 1000 * 30
    with pytest.raises(ValueError, match="^stiffness must have eigenvalues >= 0: .* mostly along ry"):
        ComplianceLaw(np.diag(MASS), np.diag(DAMPING), stiffness, asymmetric_stiffness=True)
    # A symmetric matrix alone has no eigenvalue below zero here; the skew part is what must not count.
    skew = np.zeros((6, 6))
    skew[0, 1], skew[1, 0] = 500.0, -500.0
    ComplianceLaw(np.diag(MASS), np.diag(DAMPING), skew, asymmetric_stiffness=True)


@often
@given(poses(), st.floats(0.1, 10.0))
def test_an_asymmetric_stiffness_stays_so_at_another_centre_and_in_another_size(
    pose: tuple, factor: float
) -> None:
    law = ComplianceLaw(np.diag(MASS), np.diag(DAMPING), ASYMMETRIC, "wrist", asymmetric_stiffness=True)
    ad, arms = action(pose), np.diag([1.0] * 3 + [factor] * 3)
    moved, scaled = law.transport(pose, "tip"), law.scaled(factor)
    assert moved.asymmetric_stiffness and scaled.asymmetric_stiffness
    assert (moved.centre, scaled.centre) == ("tip", "wrist")
    np.testing.assert_allclose(moved.stiffness, ad.T @ ASYMMETRIC @ ad, rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(scaled.stiffness, arms @ ASYMMETRIC @ arms, rtol=1e-13)
    assert_equal_laws(moved.transport(invert(pose), "wrist"), law, 1e-9)


def test_the_adjoint_of_the_package_is_the_one_these_tests_use() -> None:
    pose = ((0.1, -0.2, 0.3), quat_exp((0.3, -0.5, 0.7)))
    np.testing.assert_allclose(adjoint(pose), action(pose), atol=1e-15)


def test_millimetres_taken_for_metres_are_told() -> None:
    law = ComplianceLaw.from_diagonals([4.0] * 3 + [0.06] * 3, [150.0] * 6, [300.0] * 6)
    law.transport(((0.0, 0.0, 999.0), (0.0, 0.0, 0.0, 1.0)), "far")
    with pytest.raises(ValueError, match="pose must be within 1 km, in metres, got position"):
        law.transport(((0.0, 1500.0, 0.0), (0.0, 0.0, 0.0, 1.0)), "farther")
