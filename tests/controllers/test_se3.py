"""The SE(3) kernels against scipy."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from assembly_rl.controllers.se3 import (
    IDENTITY,
    cross,
    move_moment,
    quat_conjugate,
    quat_exp,
    quat_log,
    quat_multiply,
    rotate,
    rotate_back,
    rotation_matrix,
)

often = settings(deadline=None, max_examples=200, derandomize=True)

ANGLES = st.one_of(
    st.floats(0.0, math.pi - 1e-6),
    st.sampled_from([0.0, 1e-300, 1e-16, 1e-12, 1e-10, 1e-9, 1.1e-9, 1e-8, 1e-6, 1e-3]),
    st.sampled_from([math.pi - gap for gap in (1e-3, 1e-6, 1e-8)]),
)
AXES = st.tuples(*[st.floats(-1.0, 1.0)] * 3).filter(lambda axis: np.linalg.norm(axis) > 0.1)
VECTORS = st.tuples(*[st.floats(-100.0, 100.0)] * 3)


@st.composite
def rotation_vectors(draw: st.DrawFn) -> tuple[float, float, float]:
    axis = np.array(draw(AXES))
    return tuple((draw(ANGLES) * axis / np.linalg.norm(axis)).tolist())


def quaternion(vector: tuple[float, float, float]) -> tuple[float, float, float, float]:
    return tuple(Rotation.from_rotvec(vector).as_quat().tolist())


@often
@given(rotation_vectors())
def test_exp(vector: tuple) -> None:
    np.testing.assert_allclose(quat_exp(vector), quaternion(vector), rtol=1e-12, atol=1e-15)


@often
@given(rotation_vectors(), st.sampled_from([1.0, -1.0]))
def test_log_of_either_sign(vector: tuple, sign: float) -> None:
    q = tuple(sign * component for component in quaternion(vector))
    np.testing.assert_allclose(quat_log(q), Rotation.from_quat(q).as_rotvec(), rtol=1e-12, atol=1e-14)


@often
@given(rotation_vectors())
def test_log_inverts_exp(vector: tuple) -> None:
    np.testing.assert_allclose(quat_log(quat_exp(vector)), vector, rtol=1e-9, atol=1e-15)


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
