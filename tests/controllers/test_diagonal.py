import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.diagonal import diagonal_frame, off_diagonal, split
from assembly_rl.controllers.se3 import Quaternion, quat_exp
from assembly_rl.controllers.validation import AXES

MASS = [4.0, 4.0, 2.5, 0.06, 0.06, 0.06]
DAMPING = [224.0, 10.0, 54.0, 0.6, 0.8, 0.7]
STIFFNESS = [400.0, 500.0, 300.0, 3.0, 3.0, 2.0]
LAW = ComplianceLaw.from_diagonals(MASS, DAMPING, STIFFNESS)
IDENTITY = (0.0, 0.0, 0.0, 1.0)
POSE = ((0.02, -0.03, 0.15), quat_exp((0.4, -0.2, 1.1)))


def coupled(label: str, row: int, column: int, value: float, symmetric: bool = True) -> ComplianceLaw:
    matrix = getattr(LAW, label).copy()
    matrix[row, column] = value
    if symmetric:
        matrix[column, row] = value
    return replace(LAW, **{label: matrix, "asymmetric_stiffness": not symmetric})


def turn(seed: int, angle: float) -> Quaternion:
    x, y, z = np.random.default_rng(seed).standard_normal(3).tolist()
    size = math.sqrt(x * x + y * y + z * z) / angle
    return quat_exp((x / size, y / size, z / size))


# ---------------------------------------------------------------------- couplings


def test_a_diagonal_law_has_nothing_off_the_diagonal() -> None:
    assert off_diagonal(LAW) == {}
    diagonal, coupling = split(LAW.stiffness)
    np.testing.assert_array_equal(diagonal, STIFFNESS)
    assert not coupling.any()


@pytest.mark.parametrize(
    ("label", "row", "column", "value", "coupling", "text"),
    [
        ("mass", 0, 4, 0.049, 0.1, "mass[x, ry] = 0.049 (coupling 0.1, norm of all 0.141)"),
        ("damping", 0, 2, -22.0, 0.2, "damping[x, z] = -22 (coupling 0.2, norm of all 0.283)"),
        ("stiffness", 1, 3, 15.5, 0.4, "stiffness[y, rx] = 15.5 (coupling 0.4, norm of all 0.566)"),
    ],
)
def test_an_off_diagonal_entry_is_found_and_measured(
    label: str, row: int, column: int, value: float, coupling: float, text: str
) -> None:
    law = coupled(label, row, column, value)
    matrix = getattr(law, label)
    found = off_diagonal(law)
    assert list(found) == [label]
    assert found[label].entry == f"{label}[{AXES[row]}, {AXES[column]}]"
    assert found[label].value == value
    exact = abs(value) / math.sqrt(matrix[row, row] * matrix[column, column])
    assert found[label].coupling == pytest.approx(exact, rel=1e-12) == pytest.approx(coupling, rel=2e-3)
    assert found[label].norm == pytest.approx(math.sqrt(2.0) * exact, rel=1e-12)
    assert str(found[label]) == text


def test_the_strongest_coupling_is_the_one_named() -> None:
    matrix = LAW.stiffness.copy()
    matrix[0, 1] = matrix[1, 0] = 100.0  # the larger entry, but coupling 0.22
    matrix[3, 4] = matrix[4, 3] = 1.5  # coupling 0.5
    assert off_diagonal(replace(LAW, stiffness=matrix))["stiffness"].entry == "stiffness[rx, ry]"


def test_couplings_do_not_depend_on_units() -> None:
    """In millimetres, or for a part of another size, they are what they were."""
    law = LAW.transport(POSE, "elsewhere")
    one, other = off_diagonal(law), off_diagonal(law.scaled(3.0))
    assert set(one) == set(other) == {"mass", "damping", "stiffness"}
    for label, found in one.items():
        assert 0.0 < found.coupling <= 1.0 + 1e-12
        assert found.norm == pytest.approx(other[label].norm, rel=1e-12)


def test_a_coupling_below_1e_9_is_rounding() -> None:
    unit = math.sqrt(400.0 * 3.0)
    assert off_diagonal(coupled("stiffness", 0, 4, 0.9e-9 * unit)) == {}
    assert set(off_diagonal(coupled("stiffness", 0, 4, 1.1e-9 * unit))) == {"stiffness"}


def test_an_asymmetric_entry_counts_once() -> None:
    found = off_diagonal(coupled("stiffness", 0, 4, 7.0, symmetric=False))["stiffness"]
    assert found.norm == found.coupling == pytest.approx(7.0 / math.sqrt(400.0 * 3.0))


def test_a_coupling_beside_a_zero_is_infinite() -> None:
    matrix = np.diag([1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    matrix[1, 2] = matrix[2, 1] = 1e-10  # passes for semidefinite
    found = off_diagonal(replace(LAW, damping=matrix))["damping"]
    assert (found.entry, found.coupling) == ("damping[y, z]", math.inf)


def test_what_rounding_leaves_of_a_missing_spring_is_zero_and_small_springs_stay() -> None:
    matrix = np.diag([0.0, 1e-9, 1.0, 1e8, 1.0, 1.0])
    np.testing.assert_array_equal(
        split(matrix)[0], matrix.diagonal()
    )  # nothing off the diagonal: no rounding
    matrix[0, 0] = matrix[0, 3] = matrix[3, 0] = 1e-6
    diagonal, coupling = split(matrix)
    assert diagonal.tolist() == [0.0, 0.0, 1.0, 1e8, 1.0, 1.0]
    assert not coupling.any()


# ---------------------------------------------------------------------- the frame


@given(
    st.lists(st.floats(0.1, 10.0), min_size=18, max_size=18),
    st.lists(st.floats(-2.0, 2.0), min_size=6, max_size=6),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_the_frame_where_a_law_is_diagonal_is_found(
    values: list[float], pose: list[float], round_axis: bool
) -> None:
    diagonals = np.reshape(values, (3, 6))
    if round_axis:  # no preferred axes across the hole
        diagonals[:, 1], diagonals[:, 4] = diagonals[:, 0], diagonals[:, 3]
    law = ComplianceLaw.from_diagonals(*diagonals)
    moved = law.transport(((pose[0], pose[1], pose[2]), quat_exp((pose[3], pose[4], pose[5]))), "away")
    found = diagonal_frame(moved)
    assert found is not None
    back = moved.transport(found, "tip")
    assert off_diagonal(back) == {}
    for name in ("mass", "damping", "stiffness"):
        np.testing.assert_allclose(
            sorted(getattr(back, name).diagonal()), sorted(getattr(law, name).diagonal()), rtol=1e-7
        )


@pytest.mark.parametrize("angle", [0.3, 1.2, 2.0, 2.9, math.pi])
@pytest.mark.parametrize("seed", range(5))
def test_the_frame_is_found_however_far_the_axes_are_turned(seed: int, angle: float) -> None:
    """Of the 24 frames on the same axes it is the one that is turned least."""
    law = ComplianceLaw.from_diagonals([1.0, 2.0, 3.0, 0.1, 0.2, 0.3], [1.0] * 6, [5.0] * 6)
    found = diagonal_frame(law.transport(((0.1, 0.0, -0.2), turn(seed, angle)), "away"))
    assert found is not None
    assert found[1][3] >= 0.5
    mass = law.transport(((0.1, 0.0, -0.2), turn(seed, angle)), "away").transport(found, "tip").mass
    np.testing.assert_allclose(np.sort(mass.diagonal()), [0.1, 0.2, 0.3, 1.0, 2.0, 3.0], rtol=1e-9)


def test_a_small_turn_is_found_as_it_is() -> None:
    rotation = quat_exp((0.1, -0.2, 0.15))
    found = diagonal_frame(LAW.transport(((0.0, 0.0, 0.0), rotation), "away"))
    assert found is not None
    np.testing.assert_allclose(found[0], 0.0, atol=1e-12)
    np.testing.assert_allclose(found[1], [-rotation[0], -rotation[1], -rotation[2], rotation[3]], atol=1e-9)


def test_matrices_that_add_up_to_a_round_one_do_not_hide_their_axes() -> None:
    law = ComplianceLaw.from_diagonals(
        [2.0, 1.0] + [1.0] * 4, [1.0, 2.0] + [1.0] * 4, [1.0, 1.0, 2.0] + [1.0] * 3
    )
    rotation = quat_exp((0.3, 0.3, 0.3))  # treats the axes alike
    found = diagonal_frame(law.transport(((0.0, 0.0, 0.0), rotation), "away"))
    assert found is not None
    np.testing.assert_allclose(found[1], [-rotation[0], -rotation[1], -rotation[2], rotation[3]], atol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_a_law_that_was_only_shifted_keeps_its_axes(seed: int) -> None:
    """A round law has no axes of its own: rounding must not choose them."""
    law = ComplianceLaw.from_diagonals(
        [4.0] * 3 + [0.06] * 3, [150.0] * 3 + [1.0] * 3, [300.0] * 3 + [3.0] * 3
    )
    x, y, z = np.random.default_rng(seed).standard_normal(3).tolist()
    found = diagonal_frame(law.transport(((x, y, z), IDENTITY), "away"))
    assert found is not None
    np.testing.assert_allclose(found[0], [-x, -y, -z], rtol=1e-12)
    assert found[1] == IDENTITY


def test_the_frame_of_a_diagonal_law_is_its_own() -> None:
    assert diagonal_frame(LAW) == ((0.0, 0.0, 0.0), IDENTITY)


def test_a_law_that_no_frame_makes_diagonal_has_none() -> None:
    root = np.random.default_rng(3).standard_normal((6, 6))
    assert diagonal_frame(ComplianceLaw(np.eye(6), np.eye(6), root @ root.T)) is None
