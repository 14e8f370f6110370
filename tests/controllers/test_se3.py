"""The SE(3) kernels against scipy and pinocchio, which is linear first like us."""

import math
from collections.abc import Callable

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm, logm
from scipy.spatial.transform import RigidTransform, Rotation

from assembly_rl.controllers.se3 import (
    IDENTITY,
    adjoint,
    compose,
    cross,
    displace,
    invert,
    move_moment,
    offset_between,
    pose_exp,
    pose_log,
    quat_conjugate,
    quat_exp,
    quat_log,
    quat_multiply,
    require_pose,
    rotate,
    rotate_back,
    rotation_matrix,
)

often = settings(deadline=None, max_examples=100, derandomize=True)

SWITCH = 1e-2  # angle at which the series take over from the closed forms

ANGLES = st.one_of(
    st.floats(0.0, math.pi - 1e-6),
    st.floats(-12.0, -1.0).map(lambda exponent: 10.0**exponent),
    st.sampled_from([0.0, 1e-300, 1e-16, 1e-12, 1e-10, 1e-9, 1.1e-9, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3]),
    st.sampled_from([SWITCH * (1.0 + part) for part in (-0.3, -1e-3, -1e-15, 0.0, 1e-15, 1e-3, 0.3)]),
    st.sampled_from([math.pi - gap for gap in (1e-3, 1e-6, 1e-8, 1e-12)]),
)
AXES = st.tuples(*[st.floats(-1.0, 1.0)] * 3).filter(lambda axis: np.linalg.norm(axis) > 0.1)
VECTORS = st.tuples(*[st.floats(-100.0, 100.0)] * 3)
POSITIONS = st.tuples(*[st.floats(-2.0, 2.0)] * 3)
SIXES = st.tuples(*[st.floats(-10.0, 10.0)] * 6)


@st.composite
def rotation_vectors(draw: st.DrawFn) -> tuple[float, float, float]:
    axis = np.array(draw(AXES))
    return tuple((draw(ANGLES) * axis / np.linalg.norm(axis)).tolist())


def quaternion(vector: tuple[float, float, float]) -> tuple[float, float, float, float]:
    return tuple(Rotation.from_rotvec(vector).as_quat().tolist())


@st.composite
def poses(draw: st.DrawFn) -> tuple:
    """Of either sign of the quaternion."""
    sign = draw(st.sampled_from([1.0, -1.0]))
    return draw(POSITIONS), tuple(sign * part for part in quaternion(draw(rotation_vectors())))


TWISTS = st.tuples(POSITIONS, rotation_vectors()).map(lambda parts: (*parts[0], *parts[1]))


def in_pin(pose: tuple) -> pin.SE3:
    return pin.SE3(pin.Quaternion(np.array(pose[1])), np.array(pose[0]))


def in_scipy(pose: tuple) -> RigidTransform:
    return RigidTransform.from_components(pose[0], Rotation.from_quat(pose[1]))


def homogeneous(pose: tuple) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(rotation_matrix(pose[1]), (3, 3))
    matrix[:3, 3] = pose[0]
    return matrix


def skew(vector: object) -> np.ndarray:
    return np.cross(np.eye(3), vector)


def assert_same_pose(pose: tuple, matrix: np.ndarray, atol: float) -> None:
    np.testing.assert_allclose(homogeneous(pose), matrix, rtol=0.0, atol=atol)
    assert np.linalg.norm(pose[1]) == pytest.approx(1.0, abs=1e-14)


# ---------------------------------------------------------------------- rotations


@often
@given(rotation_vectors())
def test_exp(vector: tuple) -> None:
    np.testing.assert_allclose(quat_exp(vector), quaternion(vector), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(
        np.reshape(rotation_matrix(quat_exp(vector)), (3, 3)), pin.exp3(np.array(vector)), atol=1e-14
    )


@often
@given(rotation_vectors(), st.sampled_from([1.0, -1.0]))
def test_log_of_either_sign(vector: tuple, sign: float) -> None:
    q = tuple(sign * component for component in quaternion(vector))
    np.testing.assert_allclose(quat_log(q), Rotation.from_quat(q).as_rotvec(), rtol=1e-12, atol=1e-14)


@often
@given(rotation_vectors())
def test_log_inverts_exp(vector: tuple) -> None:
    np.testing.assert_allclose(quat_log(quat_exp(vector)), vector, rtol=2e-15, atol=1e-30)


@pytest.mark.parametrize("angle", [math.pi + 0.1, 2.0 * math.pi - 1e-6, 7.0])
def test_log_takes_the_short_way(angle: float) -> None:
    expected = (angle + math.pi) % (2.0 * math.pi) - math.pi
    np.testing.assert_allclose(quat_log(quat_exp((0.0, angle, 0.0))), (0.0, expected, 0.0), atol=1e-12)


def test_log_at_half_a_turn() -> None:
    assert quat_log((0.6, 0.0, 0.8, 0.0)) == pytest.approx((0.6 * math.pi, 0.0, 0.8 * math.pi), rel=1e-15)


@often
@given(rotation_vectors(), rotation_vectors())
def test_multiply(first: tuple, second: tuple) -> None:
    a, b = quaternion(first), quaternion(second)
    expected = (Rotation.from_quat(a) * Rotation.from_quat(b)).as_matrix()
    product = quat_multiply(a, b)
    np.testing.assert_allclose(Rotation.from_quat(product).as_matrix(), expected, atol=1e-14)
    # pinocchio does not turn the sign of a product, so all four components must agree.
    in_pinocchio = pin.Quaternion(np.array(a)) * pin.Quaternion(np.array(b))
    np.testing.assert_allclose(product, in_pinocchio.coeffs(), atol=1e-15)
    assert np.linalg.norm(product) == pytest.approx(1.0, abs=1e-14)
    np.testing.assert_allclose(quat_multiply(a, quat_conjugate(a)), IDENTITY, atol=1e-15)


@often
@given(rotation_vectors(), VECTORS)
def test_matrix_and_rotate(vector: tuple, point: tuple) -> None:
    rotation = Rotation.from_rotvec(vector)
    matrix = rotation_matrix(quaternion(vector))
    np.testing.assert_allclose(np.reshape(matrix, (3, 3)), rotation.as_matrix(), atol=1e-14)
    np.testing.assert_allclose(rotate(matrix, point), rotation.apply(point), atol=1e-12)
    np.testing.assert_allclose(rotate_back(matrix, point), rotation.inv().apply(point), atol=1e-12)


@often
@given(VECTORS, VECTORS, VECTORS)
def test_cross_and_move_moment(force: tuple, moment: tuple, arm: tuple) -> None:
    np.testing.assert_allclose(cross(arm, force), np.cross(arm, force), atol=1e-11)
    np.testing.assert_allclose(move_moment(force, moment, arm), moment + np.cross(arm, force), atol=1e-11)
    # The arm leads from the new point to the old one, so it is the old frame's place in the new one.
    moved = pin.SE3(np.eye(3), np.array(arm)).act(pin.Force(np.array(force), np.array(moment)))
    np.testing.assert_allclose(move_moment(force, moment, arm), moved.angular, atol=1e-11)


# ---------------------------------------------------------------------- poses


@often
@given(poses(), poses(), POSITIONS)
def test_compose(a: tuple, b: tuple, point: tuple) -> None:
    both = compose(a, b)
    assert_same_pose(both, (in_pin(a) * in_pin(b)).homogeneous, 5e-15)
    assert_same_pose(both, (in_scipy(a) * in_scipy(b)).as_matrix(), 5e-15)
    one_by_one = in_pin(a).act(in_pin(b).act(np.array(point)))
    np.testing.assert_allclose((homogeneous(both) @ (*point, 1.0))[:3], one_by_one, rtol=0.0, atol=1e-14)


@often
@given(poses())
def test_invert(pose: tuple) -> None:
    assert_same_pose(invert(pose), in_pin(pose).inverse().homogeneous, 5e-15)
    assert_same_pose(invert(pose), in_scipy(pose).inv().as_matrix(), 5e-15)
    for product in (compose(pose, invert(pose)), compose(invert(pose), pose)):
        assert_same_pose(product, np.eye(4), 5e-15)
        assert product[1][3] == pytest.approx(1.0, abs=1e-15)  # and not the other sign


@often
@given(TWISTS)
def test_pose_exp(twist: tuple) -> None:
    """Scipy and pinocchio keep their closed forms to smaller angles and lose digits there; we do not."""
    pose = pose_exp(twist)
    generator = np.zeros((4, 4))
    generator[:3, :3], generator[:3, 3] = skew(twist[3:]), twist[:3]
    assert_same_pose(pose, expm(generator), 2e-14)
    assert_same_pose(pose, RigidTransform.from_exp_coords((*twist[3:], *twist[:3])).as_matrix(), 5e-13)
    assert_same_pose(pose, pin.exp6(pin.Motion(np.array(twist))).homogeneous, 5e-12)


@often
@given(TWISTS, st.floats(-1.0, 1.0))
def test_pose_exp_moves_on_along_the_same_screw(twist: tuple, share: float) -> None:
    first = pose_exp([share * part for part in twist])
    rest = pose_exp([(1.0 - share) * part for part in twist])
    assert_same_pose(compose(first, rest), homogeneous(pose_exp(twist)), 5e-14)


def test_pose_exp_goes_round_a_quarter_of_a_circle() -> None:
    """One metre a second ahead and one radian a second to the left, for a quarter of a turn."""
    quarter = 0.5 * math.pi
    position, rotation = pose_exp((quarter, 0.0, 0.0, 0.0, 0.0, quarter))
    np.testing.assert_allclose(position, (1.0, 1.0, 0.0), atol=1e-15)
    np.testing.assert_allclose(rotation, (0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)), atol=1e-15)


@often
@given(poses())
def test_pose_log(pose: tuple) -> None:
    """As tight near half a turn: a quaternion, unlike a matrix, tells the axis there to full precision.

    pinocchio takes the logarithm from the matrix and loses five digits towards half a turn; beyond a
    millionth of it, where the axis itself turns over, nothing but the twist's pose is compared.
    """
    twist = np.array(pose_log(pose))
    expected = in_scipy(pose).as_exp_coords()
    np.testing.assert_allclose(twist, (*expected[3:], *expected[:3]), rtol=0.0, atol=2e-14)
    assert np.linalg.norm(twist[3:]) <= math.pi + 1e-15
    if np.linalg.norm(twist[3:]) < math.pi - 1e-6:
        np.testing.assert_allclose(twist, pin.log6(in_pin(pose)).vector, rtol=0.0, atol=5e-10)
    back = pin.exp6(pin.Motion(twist)).homogeneous
    np.testing.assert_allclose(back, homogeneous(pose), rtol=0.0, atol=5e-12)


@settings(often, max_examples=40)
@given(poses())
def test_pose_log_is_the_logarithm_of_the_matrix(pose: tuple) -> None:
    """Up to 3 rad: at half a turn the eigenvalues of the matrix meet on the cut of the logarithm."""
    twist = np.array(pose_log(pose))
    if np.linalg.norm(twist[3:]) > 3.0:
        return
    generator = np.zeros((4, 4))
    generator[:3, :3], generator[:3, 3] = skew(twist[3:]), twist[:3]
    np.testing.assert_allclose(logm(homogeneous(pose)), generator, rtol=0.0, atol=1e-10)


@often
@given(TWISTS)
def test_pose_log_inverts_pose_exp(twist: tuple) -> None:
    """The axis is exact up to half a turn; 1e-14 of the twist's two metres come with the closed forms."""
    np.testing.assert_allclose(pose_log(pose_exp(twist)), twist, rtol=1e-13, atol=2e-14)


@often
@given(poses())
def test_pose_exp_inverts_pose_log(pose: tuple) -> None:
    assert_same_pose(pose_exp(pose_log(pose)), homogeneous(pose), 2e-14)
    negative = (pose[0], tuple(-part for part in pose[1]))
    np.testing.assert_allclose(pose_log(negative), pose_log(pose), rtol=0.0, atol=1e-15)


@often
@given(TWISTS)
def test_the_inverse_has_the_negative_logarithm(twist: tuple) -> None:
    backward = np.negative(pose_log(invert(pose_exp(twist))))
    np.testing.assert_allclose(backward, twist, rtol=1e-13, atol=2e-14)


@pytest.mark.parametrize("angle", [math.pi + 0.1, 5.0, 7.0])
def test_pose_log_takes_the_short_way(angle: float) -> None:
    pose = pose_exp((0.3, -0.2, 0.1, 0.0, angle, 0.0))
    twist = pose_log(pose)
    turned = (angle + math.pi) % (2.0 * math.pi) - math.pi
    np.testing.assert_allclose(twist[3:], (0.0, turned, 0.0), atol=1e-14)
    assert_same_pose(pose_exp(twist), homogeneous(pose), 1e-14)


def test_logarithm_and_exponential_pass_the_switch_to_the_series_without_a_jump() -> None:
    direction, v = np.array([0.48, -0.6, 0.64]), (1.0, -0.7, 0.4)
    below, above = (1.0 - 1e-15) * SWITCH * direction, (1.0 + 1e-15) * SWITCH * direction
    positions = [pose_exp((*v, *vector))[0] for vector in (below, above)]
    np.testing.assert_allclose(positions[0], positions[1], rtol=0.0, atol=1e-14)
    twists = [pose_log((v, quat_exp(vector))) for vector in (below, above)]
    np.testing.assert_allclose(twists[0], twists[1], rtol=0.0, atol=1e-14)


# ---------------------------------------------------------------------- offsets


@often
@given(poses(), POSITIONS, rotation_vectors())
def test_displace(nominal: tuple, translation: tuple, rotation: tuple) -> None:
    pose = displace(nominal, (*translation, *rotation))
    local = pin.SE3(pin.exp3(np.array(rotation)), np.array(translation))
    assert_same_pose(pose, (in_pin(nominal) * local).homogeneous, 1e-14)
    in_own_axes = RigidTransform.from_components(translation, Rotation.from_rotvec(rotation))
    assert_same_pose(pose, (in_scipy(nominal) * in_own_axes).as_matrix(), 1e-14)


def test_displace_goes_straight_along_the_axes_of_the_nominal_pose() -> None:
    left = ((1.0, 2.0, 3.0), quat_exp((0.0, 0.0, 0.5 * math.pi)))
    position, rotation = displace(left, (0.1, 0.0, 0.0, 0.0, 0.0, 0.5 * math.pi))
    np.testing.assert_allclose(position, (1.0, 2.1, 3.0), atol=1e-15)
    np.testing.assert_allclose(rotation, (0.0, 0.0, 1.0, 0.0), atol=1e-15)


@often
@given(poses(), POSITIONS, rotation_vectors())
def test_offset_between_finds_the_offset_again(nominal: tuple, translation: tuple, rotation: tuple) -> None:
    offset = (*translation, *rotation)
    found = np.array(offset_between(nominal, displace(nominal, offset)))
    np.testing.assert_allclose(found[:3], translation, rtol=0.0, atol=1e-14)
    if np.linalg.norm(rotation) > math.pi - 1e-9 and found[3:] @ rotation < 0.0:
        # Rounding took the rotation past half a turn, where the short way is the other one.
        found[3:] *= 1.0 - 2.0 * math.pi / np.linalg.norm(found[3:])
    np.testing.assert_allclose(found[3:], rotation, rtol=0.0, atol=1e-14)


@often
@given(poses(), poses())
def test_offset_between_leads_from_one_pose_to_the_other(nominal: tuple, pose: tuple) -> None:
    offset = offset_between(nominal, pose)
    between = in_pin(nominal).actInv(in_pin(pose))
    np.testing.assert_allclose(offset[:3], between.translation, rtol=0.0, atol=1e-14)
    expected = (in_scipy(nominal).inv() * in_scipy(pose)).rotation.as_rotvec()
    if np.linalg.norm(expected) < math.pi - 1e-6:
        np.testing.assert_allclose(offset[3:], expected, rtol=0.0, atol=1e-14)
    assert_same_pose(displace(nominal, offset), homogeneous(pose), 1e-14)


# ---------------------------------------------------------------------- adjoint


@often
@given(poses(), SIXES, SIXES)
def test_adjoint_moves_twists_forward_and_wrenches_back(pose: tuple, twist: tuple, wrench: tuple) -> None:
    ad, placement = adjoint(pose), in_pin(pose)
    np.testing.assert_allclose(ad, placement.action, rtol=0.0, atol=5e-15)
    twist_a = ad @ twist
    np.testing.assert_allclose(
        twist_a, placement.act(pin.Motion(np.array(twist))).vector, rtol=0.0, atol=1e-13
    )
    wrench_b = ad.T @ wrench
    np.testing.assert_allclose(
        wrench_b, placement.actInv(pin.Force(np.array(wrench))).vector, rtol=0.0, atol=1e-13
    )
    assert wrench_b @ twist == pytest.approx(np.array(wrench) @ twist_a, rel=1e-12, abs=1e-11)


@often
@given(poses())
def test_adjoint_is_made_of_scipys_rotation_and_a_cross_product(pose: tuple) -> None:
    r = Rotation.from_quat(pose[1]).as_matrix()
    expected = np.block([[r, skew(pose[0]) @ r], [np.zeros((3, 3)), r]])
    np.testing.assert_allclose(adjoint(pose), expected, rtol=0.0, atol=5e-15)


@often
@given(TWISTS)
def test_adjoint_of_an_exponential_is_the_exponential_of_the_lie_bracket(twist: tuple) -> None:
    w, v = skew(twist[3:]), skew(twist[:3])
    bracket = np.block([[w, v], [np.zeros((3, 3)), w]])
    np.testing.assert_allclose(adjoint(pose_exp(twist)), expm(bracket), rtol=0.0, atol=5e-14)


@often
@given(poses(), poses())
def test_adjoints_compose_and_invert_as_poses_do(a: tuple, b: tuple) -> None:
    np.testing.assert_allclose(adjoint(compose(a, b)), adjoint(a) @ adjoint(b), rtol=0.0, atol=3e-14)
    np.testing.assert_allclose(adjoint(invert(a)), np.linalg.inv(adjoint(a)), rtol=0.0, atol=3e-14)


@often
@given(poses(), TWISTS)
def test_adjoint_takes_a_motion_to_the_other_frame(pose: tuple, twist: tuple) -> None:
    carried = compose(compose(pose, pose_exp(twist)), invert(pose))
    assert_same_pose(pose_exp(adjoint(pose) @ twist), homogeneous(carried), 1e-13)


def test_adjoint_is_linear_first() -> None:
    """Frame b stands 0.1 m above a: a turn about b's x axis sweeps a's origin along y, by p x w."""
    ad = adjoint(((0.0, 0.0, 0.1), IDENTITY))
    assert (ad @ (0.0, 0.0, 0.0, 1.0, 0.0, 0.0)).tolist() == [0.0, 0.1, 0.0, 1.0, 0.0, 0.0]
    assert (ad @ (1.0, 2.0, 3.0, 0.0, 0.0, 0.0)).tolist() == [1.0, 2.0, 3.0, 0.0, 0.0, 0.0]
    # A force of 1 N along x through a's origin has the moment -p x f about b.
    assert (ad.T @ (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)).tolist() == [1.0, 0.0, 0.0, 0.0, -0.1, 0.0]
    assert (ad.T @ (0.0, 0.0, 0.0, 1.0, 2.0, 3.0)).tolist() == [0.0, 0.0, 0.0, 1.0, 2.0, 3.0]


# ---------------------------------------------------------------------- refusals

ORIGIN = (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "pose",
    [
        (ORIGIN, IDENTITY),
        (ORIGIN, (0.0, 0.0, 0.0, -1.0)),
        ((1e3, -1e3, 0.0), (0.0, 0.0, 0.0, 1.0 + 9e-7)),
        ([0, 0, 0], [0, 1, 0, 0]),
        (np.zeros(3), np.array([0.6, 0.0, 0.8, 0.0])),
    ],
)
def test_a_pose_is_accepted(pose: tuple) -> None:
    require_pose("pose", pose)


@pytest.mark.parametrize(
    ("pose", "message"),
    [
        (((0.0, math.nan, 0.0), IDENTITY), r"finite, got \(\(0.0, nan, 0.0\)"),
        (((0.0, 0.0, -math.inf), IDENTITY), r"finite, got \(\(0.0, 0.0, -inf\)"),
        ((ORIGIN, (0.0, math.nan, 0.0, 1.0)), r"finite, got .*nan"),
        ((ORIGIN, (0.0, 0.0, 0.0, math.inf)), r"finite, got .*inf"),
        (((0.0, 0.0), (*IDENTITY, 0.0)), r"must be \(position \(3,\), quaternion xyzw \(4,\)\)"),
        (((0.0, 0.0), IDENTITY), r"must be \(position \(3,\), quaternion xyzw \(4,\)\)"),
        ((ORIGIN, (0.0, 0.0, 1.0)), r"must be \(position \(3,\), quaternion xyzw \(4,\)\)"),
        ((ORIGIN, (0.0, 0.0, 0.0, 0.0)), r"must have a unit quaternion, got .* of norm 0"),
        ((ORIGIN, (0.5, 0.0, 0.0, 1.0)), r"must have a unit quaternion, got .* of norm 1.118"),
        ((ORIGIN, (0.0, 0.0, 0.0, 1.0 - 2e-6)), r"must have a unit quaternion, got .* of norm 0.999998"),
    ],
)
def test_what_is_no_pose_is_refused_by_name(pose: tuple, message: str) -> None:
    with pytest.raises(ValueError, match="^T_ab .*" + message):
        require_pose("T_ab", pose)


@pytest.mark.parametrize("pose", [None, 1.0, (ORIGIN,), (ORIGIN, None), (*ORIGIN, *IDENTITY)])
def test_what_has_not_even_the_form_of_a_pose_is_refused_by_name(pose: object) -> None:
    check: Callable = require_pose
    with pytest.raises(ValueError, match=r"^T_ab must be \(position \(3,\), quaternion xyzw \(4,\)\)"):
        check("T_ab", pose)
