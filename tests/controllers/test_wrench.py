from math import inf, nan, pi, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from assembly_rl.controllers import AdmittanceController, ComplianceLaw, ContactWrench, Fault, ToolConfig
from assembly_rl.controllers.se3 import IDENTITY, Quaternion, Vector, adjoint

often = settings(deadline=None, max_examples=200, derandomize=True)
ZERO = [0.0] * 6
GRAVITY = (0.0, 0.0, -9.81)
QUARTER_ABOUT_Z: Quaternion = (0.0, 0.0, sqrt(0.5), sqrt(0.5))
BIAS = (1.5, -2.0, 0.7, 0.02, -0.03, 0.01)

VECTORS = st.tuples(*[st.floats(-0.5, 0.5)] * 3)
WRENCHES = st.tuples(*[st.floats(-100.0, 100.0)] * 6)


@st.composite
def quaternions(draw: st.DrawFn) -> Quaternion:
    numbers = draw(st.tuples(*[st.floats(-1.0, 1.0)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1))
    x, y, z, w = (np.array(numbers) / np.linalg.norm(numbers)).tolist()
    return (x, y, z, w)


def reading_of(contact: Any, rotation: Quaternion, tool: ToolConfig, gravity: Any, bias: Any) -> np.ndarray:
    """What the sensor reads, from scipy and vector algebra alone."""
    to_compliance = Rotation.from_quat(rotation).as_matrix()
    force, moment = to_compliance.T @ contact[:3], to_compliance.T @ contact[3:]
    weight = tool.mass * (to_compliance.T @ gravity)
    at_sensor = moment + np.cross(tool.centre, force) + np.cross(tool.centre_of_mass, weight)
    return np.concatenate((force + weight, at_sensor)) + bias


def test_a_force_beside_the_centre_turns_as_on_paper() -> None:
    # The tip is 0.2 m ahead of the sensor; 10 N in x at the sensor's origin turn the tip about -y.
    wrench = ContactWrench(ToolConfig(centre=[0.0, 0.0, 0.2]))
    assert wrench([10.0, 0.0, 0.0, 0.0, 0.0, 0.0], IDENTITY) == pytest.approx((10, 0, 0, 0, -2, 0), abs=1e-15)
    # Turned by a quarter about z, the sensor's x is the compliance frame's y.
    turned = wrench([10.0, 0.0, 0.0, 0.0, 0.0, 0.0], QUARTER_ABOUT_Z)
    assert turned == pytest.approx((0, 10, 0, 2, 0, 0), abs=1e-14)


def test_a_force_through_the_centre_has_no_moment_there() -> None:
    centre, force = np.array([0.03, -0.05, 0.2]), np.array([3.0, -7.0, 11.0])
    wrench = ContactWrench(ToolConfig(centre=centre.tolist()))
    reading = [*force.tolist(), *np.cross(centre, force).tolist()]
    for rotation in (IDENTITY, QUARTER_ABOUT_Z, (0.5, -0.5, 0.5, 0.5)):
        result = wrench(reading, rotation)
        assert result[3:] == pytest.approx((0.0, 0.0, 0.0), abs=1e-15)
        assert np.linalg.norm(result[:3]) == pytest.approx(np.linalg.norm(force))


def test_a_wrench_that_is_only_turned_is_not_moved() -> None:
    """The same moment at another point is wrong by arm times force, and the difference must show."""
    reading = [0.0, 0.0, -20.0, 0.0, 0.0, 0.0]
    moved = ContactWrench(ToolConfig(centre=[0.1, 0.0, 0.2]))(reading, QUARTER_ABOUT_Z)
    only_turned = ContactWrench(ToolConfig())(reading, QUARTER_ABOUT_Z)
    assert moved[:3] == only_turned[:3]
    assert np.subtract(moved[3:], only_turned[3:]) == pytest.approx([2.0, 0.0, 0.0], abs=1e-14)


@often
@given(WRENCHES, quaternions(), VECTORS)
def test_it_is_the_transpose_of_the_adjoint(reading: Any, rotation: Quaternion, centre: Vector) -> None:
    # F_c = Ad(T_sc)^T F_s, with T_sc the compliance frame seen from the sensor.
    x, y, z, w = rotation
    expected = adjoint((centre, (-x, -y, -z, w))).T @ reading
    result = ContactWrench(ToolConfig(centre=list(centre)))(reading, rotation)
    np.testing.assert_allclose(result, expected, rtol=0.0, atol=1e-12)


@often
@given(WRENCHES, quaternions(), VECTORS, VECTORS)
def test_power_is_the_same_at_both_points(
    reading: Any, rotation: Quaternion, centre: Vector, spin: Vector
) -> None:
    turn = Rotation.from_quat(rotation)
    linear = np.array([0.1, -0.2, 0.3])
    at_centre = np.concatenate((turn.apply(linear + np.cross(spin, centre)), turn.apply(spin)))
    result = ContactWrench(ToolConfig(centre=list(centre)))(reading, rotation)
    assert np.dot(result, at_centre) == pytest.approx(np.dot(reading, [*linear, *spin]), abs=1e-10)


@often
@given(WRENCHES, quaternions(), VECTORS, VECTORS, st.floats(0.01, 5.0), quaternions())
def test_the_contact_comes_back_from_weight_and_bias_in_any_orientation(
    contact: Any, rotation: Quaternion, centre: Vector, heavy: Vector, mass: float, mounting: Quaternion
) -> None:
    tool = ToolConfig(list(centre), mass, list(heavy))
    gravity = Rotation.from_quat(mounting).apply(GRAVITY)  # the compliance frame need not stand upright
    wrench = ContactWrench(tool, gravity.tolist())
    wrench.bias = BIAS
    reading = reading_of(contact, rotation, tool, gravity, BIAS)
    np.testing.assert_allclose(wrench(reading.tolist(), rotation), contact, rtol=0.0, atol=1e-12 * 100.0)


def test_the_weight_of_the_tool_hangs_down() -> None:
    tool = ToolConfig(centre=[0.0, 0.0, 0.1], mass=2.0, centre_of_mass=[0.05, 0.0, 0.0])
    wrench = ContactWrench(tool)
    # At rest and upright a sensor reads -19.62 N, and 0.05 x 19.62 Nm about +y.
    assert wrench([0.0, 0.0, -19.62, 0.0, 0.981, 0.0], IDENTITY) == pytest.approx(ZERO, abs=1e-14)
    # No reading means that something holds the tool up, in +z, and through its centre of mass.
    assert wrench(ZERO, IDENTITY) == pytest.approx((0, 0, 19.62, 0, -0.981, 0), abs=1e-14)
    # Upside down, the sensor reads the weight in +z.
    over = (1.0, 0.0, 0.0, 0.0)
    assert wrench([0.0, 0.0, 19.62, 0.0, -0.981, 0.0], over) == pytest.approx(ZERO, abs=1e-14)


def test_the_sign_is_that_of_the_environment_on_the_tool() -> None:
    # A tool that stands on a table: the table pushes it up, and the controller lifts it.
    law = ComplianceLaw.from_diagonals(
        [4.0] * 3 + [0.06] * 3, [150.0] * 3 + [1.0] * 3, [300.0] * 3 + [3.0] * 3
    )
    tool = ToolConfig(centre=[0.0, 0.0, -0.1], mass=1.0)
    felt = ContactWrench(tool)([0.0, 0.0, 10.0 - 9.81, 0.0, 0.0, 0.0], IDENTITY)
    assert felt[2] == pytest.approx(10.0)
    offset, _ = AdmittanceController(law, 200.0).step(felt)
    assert offset[2] > 0.0


@pytest.mark.parametrize("rotation", [IDENTITY, QUARTER_ABOUT_Z, (0.5, -0.5, 0.5, 0.5), (1.0, 0.0, 0.0, 0.0)])
def test_tare_finds_the_bias_in_any_orientation(rotation: Quaternion) -> None:
    tool = ToolConfig([0.01, 0.02, 0.2], 1.3, [0.0, 0.01, 0.05])
    wrench = ContactWrench(tool)
    noise = np.random.default_rng(0).standard_normal((50, 6))
    readings = reading_of(np.zeros(6), rotation, tool, GRAVITY, BIAS) + noise - noise.mean(axis=0)
    assert wrench.tare(readings, rotation) == pytest.approx(BIAS, abs=1e-13)
    assert wrench.bias == pytest.approx(BIAS, abs=1e-13)
    elsewhere = (0.0, sqrt(0.5), 0.0, sqrt(0.5))
    contact = [5.0, -3.0, 2.0, 0.1, 0.2, -0.3]
    reading = reading_of(contact, elsewhere, tool, GRAVITY, BIAS)
    assert wrench(reading.tolist(), elsewhere) == pytest.approx(contact, abs=1e-12)


def test_a_second_tare_replaces_the_first() -> None:
    wrench = ContactWrench(ToolConfig())
    wrench.tare([BIAS])
    wrench.tare([np.multiply(2.0, BIAS)])
    assert wrench.bias == pytest.approx(np.multiply(2.0, BIAS))


@pytest.mark.parametrize(
    ("readings", "rotation", "message"),
    [
        ([], IDENTITY, r"readings must have shape \(n, 6\) with n >= 1, got \(0,\)"),
        (np.zeros((0, 6)), IDENTITY, r"readings must have shape \(n, 6\) with n >= 1, got \(0, 6\)"),
        (ZERO, IDENTITY, r"readings must have shape \(n, 6\) with n >= 1, got \(6,\)"),
        (np.zeros((4, 5)), IDENTITY, r"readings must have shape .* got \(4, 5\)"),
        (None, IDENTITY, r"readings must have shape .* got \(\)"),
        ([ZERO, [0.0, 0.0, nan, 0.0, 0.0, 0.0]], IDENTITY, r"readings must be finite; reading 1 is not"),
        ([[0.0] * 5 + [inf]], IDENTITY, r"readings must be finite; reading 0 is not"),
        ([ZERO], (0.0, 0.0, 0.0, 2.0), "rotation"),
        ([ZERO], (0.0, 0.0, 0.0, 0.0), "rotation"),
        ([ZERO], (0.0, 0.0, nan, 1.0), "rotation"),
        ([ZERO], (0.0, 0.0, 1.0), "rotation"),
    ],
)
def test_tare_refuses_and_keeps_the_bias(readings: Any, rotation: Any, message: str) -> None:
    wrench = ContactWrench(ToolConfig(mass=1.0))
    wrench.bias = BIAS
    with pytest.raises(ValueError, match=message):
        wrench.tare(readings, rotation)
    assert wrench.bias == BIAS


UNUSABLE_READINGS: list[Any] = [
    None, 3.0, "abcdef", [], [0.0] * 5, [0.0] * 7, [None] * 6, ["1.0"] * 6, [[0.0]] * 6, 1j,
    [nan, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, nan], [0.0, 0.0, inf, 0.0, 0.0, 0.0],
    [0.0, -inf, 0.0, 0.0, 0.0, 0.0], [10**400, 0.0, 0.0, 0.0, 0.0, 0.0],
    np.full(6, nan), np.zeros(5), np.zeros((6, 1)), np.array(0.0),
]  # fmt: skip
UNUSABLE_ROTATIONS: list[Any] = [
    None, "abcd", (0.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0, 0.0), (None,) * 4, ("1",) * 4, (0.0, 0.0, 0.0, 0.0),
    (0.0, 0.0, 0.0, 1.01), (0.0, 0.0, 0.0, 2.0), (0.0, 0.0, 0.0, nan), (inf, 0.0, 0.0, 1.0), (1e200,) * 4,
    (10**400, 0.0, 0.0, 1.0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reading", "rotation"),
    [(reading, (0.5, -0.5, 0.5, 0.5)) for reading in UNUSABLE_READINGS]
    + [(ZERO, rotation) for rotation in UNUSABLE_ROTATIONS],
    ids=lambda value: str(value)[:30],
)
@pytest.mark.parametrize("tool", [ToolConfig(), ToolConfig([0.0, 0.0, 0.2], 1.0, [0.0, 0.0, 0.1])])
def test_what_cannot_be_used_is_not_a_number_and_is_flagged(
    reading: Any, rotation: Any, tool: ToolConfig
) -> None:
    law = ComplianceLaw.from_diagonals([4.0] * 6, [150.0] * 6, [300.0] * 6)
    result = ContactWrench(tool)(reading, rotation)
    assert isinstance(result, tuple) and len(result) == 6
    assert not np.isfinite(np.array(result, dtype=float)).all()
    offset, faults = AdmittanceController(law, 200.0).step(result)
    assert faults == Fault.INVALID_INPUT and offset == ZERO


def test_a_quaternion_is_unit_to_a_thousandth() -> None:
    wrench = ContactWrench(ToolConfig())
    assert wrench([1.0] * 6, (0.0, 0.0, 0.0, 1.0004))[0] == pytest.approx(1.0)
    assert np.isnan(wrench([1.0] * 6, (0.0, 0.0, 0.0, 1.0006))[0])


@pytest.mark.parametrize("kind", [tuple, np.array, lambda values: np.array(values, dtype=np.float32)])
def test_tuples_and_arrays_are_readings_too(kind: Any) -> None:
    values, wrench = [1.0, 2.0, 3.0, 0.5, 0.25, 0.125], ContactWrench(ToolConfig([0.0, 0.0, 0.5], 1.0))
    assert wrench(kind(values), kind(QUARTER_ABOUT_Z)) == pytest.approx(
        wrench(values, QUARTER_ABOUT_Z), rel=1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mass": -1.0}, r"ToolConfig\.mass must be >= 0, got -1"),
        ({"mass": nan}, r"ToolConfig\.mass must be >= 0, got nan"),
        ({"centre": [0.0, 0.0]}, r"ToolConfig\.centre must be three finite numbers, got \[0.0, 0.0\]"),
        ({"centre": [0.0, nan, 0.0]}, r"ToolConfig\.centre must be three finite numbers, got .*nan"),
        ({"centre_of_mass": [0.0, 0.0, inf]}, r"ToolConfig\.centre_of_mass must be three finite .*inf"),
        ({"centre": 1.0}, r"ToolConfig\.centre must be three finite numbers"),
    ],
)
def test_tool_refusals(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ToolConfig(**arguments)


@pytest.mark.parametrize("gravity", [(0.0, 0.0), (0.0, 0.0, nan), (0.0, inf, 0.0), (0.0, 0.0, 0.0, 1.0)])
def test_gravity_refusals(gravity: Any) -> None:
    with pytest.raises(ValueError, match="gravity must be three finite numbers"):
        ContactWrench(ToolConfig(mass=1.0), gravity)


def test_a_turn_of_pi_either_way_is_the_same() -> None:
    wrench, reading = ContactWrench(ToolConfig([0.1, 0.2, 0.3], 1.0)), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    q = tuple(Rotation.from_rotvec([0.0, pi, 0.0]).as_quat().tolist())
    negative = tuple(-value for value in q)
    assert wrench(reading, q) == pytest.approx(wrench(reading, negative))
