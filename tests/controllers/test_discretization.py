"""The law in discrete time: against closed solutions, scipy, and its own defining equations."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm as scipy_expm

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.discretization import Discretization, expm, step_matrix

often = settings(deadline=None, max_examples=80, derandomize=True)

EULER, HOLD = Discretization.implicit_euler, Discretization.zero_order_hold
BOTH = pytest.mark.parametrize("discretization", [EULER, HOLD], ids=str)

ARMS = np.diag([1.0, 1.0, 1.0, 0.1, 0.1, 0.1])  # forces act over arms of about 0.1 m
SEEDS = st.integers(0, 2**32 - 1)
MASKS = st.tuples(*[st.booleans()] * 6)


def coupled(seed: int, least: float) -> np.ndarray:
    """A full symmetric matrix with eigenvalues from ``least`` up, before the arms."""
    root = np.random.default_rng(seed).standard_normal((6, 6))
    return ARMS @ (root @ root.T + least * np.eye(6)) @ ARMS


def coupled_law(seed: int) -> ComplianceLaw:
    """Every axis coupled to every other in M, D and K; periods of 0.1 to 0.5 s."""
    return ComplianceLaw(coupled(seed, 3.0), 30.0 * coupled(seed + 1, 2.0), 500.0 * coupled(seed + 2, 2.0))


def step_of(
    law: ComplianceLaw, dt: float, discretization: Discretization, selected_axes: tuple = (True,) * 6
) -> np.ndarray:
    return step_matrix(law.mass, law.damping, law.stiffness, dt, discretization, selected_axes)


def flow(law: ComplianceLaw) -> np.ndarray:
    """``d/dt [x, v, F]`` for a constant F, shape (18, 18)."""
    inverse = np.linalg.inv(law.mass)
    matrix = np.zeros((18, 18))
    matrix[:6, 6:12] = np.eye(6)
    matrix[6:12] = np.hstack((-inverse @ law.stiffness, -inverse @ law.damping, inverse))
    return matrix


def run(step: np.ndarray, state: np.ndarray, wrench: np.ndarray, steps: int) -> np.ndarray:
    for _ in range(steps):
        state = step @ np.concatenate((state, wrench))
    return state


def random_state(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offset [m, rad], velocity and wrench, of about equal effect."""
    x, v, force = np.random.default_rng(seed).standard_normal((3, 6))
    return 0.01 * x, 0.1 * v, ARMS @ (10.0 * force)


# ---------------------------------------------------------------------- matrix exponential


@often
@given(SEEDS, st.sampled_from([1, 2, 3, 6, 12, 18]), st.floats(-12.0, 1.0))
def test_expm(seed: int, size: int, exponent: float) -> None:
    matrix = np.random.default_rng(seed).standard_normal((size, size))
    matrix *= 10.0**exponent / np.abs(matrix).sum(axis=1).max()
    before = matrix.copy()
    expected = scipy_expm(matrix)
    np.testing.assert_allclose(expm(matrix), expected, rtol=0.0, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_array_equal(matrix, before)


@pytest.mark.parametrize("size", [1, 6, 18])
def test_expm_of_zero_is_the_identity(size: int) -> None:
    np.testing.assert_array_equal(expm(np.zeros((size, size))), np.eye(size))


@pytest.mark.parametrize("norm", [1e-300, 0.125, 0.2499999, 0.25, 0.2500001, 0.5, 1.0, 2.0, 40.0, 600.0])
def test_expm_of_numbers_at_the_edges_of_the_scaling(norm: float) -> None:
    """Every squaring doubles the rounding error: 12 of them leave 1e-12."""
    numbers = np.array([norm, -norm, 0.0, 0.5 * norm])
    np.testing.assert_allclose(np.diag(expm(np.diag(numbers))), np.exp(numbers), rtol=1e-12)


def test_expm_of_a_nilpotent_matrix_and_of_a_turn() -> None:
    np.testing.assert_allclose(expm(np.diag([3.0, 3.0], 1)), [[1, 3, 4.5], [0, 1, 3], [0, 0, 1]], rtol=1e-14)
    c, s = math.cos(2.0), math.sin(2.0)
    np.testing.assert_allclose(expm(np.array([[0.0, -2.0], [2.0, 0.0]])), [[c, -s], [s, c]], rtol=1e-14)


# ---------------------------------------------------------------------- zero-order hold


def analytic(
    m: float, d: float, k: float, x0: float, v0: float, force: float, t: float
) -> tuple[float, float]:
    """Offset and velocity of one axis under a constant force, written out case by case."""
    if k == 0.0 and d == 0.0:
        return x0 + v0 * t + 0.5 * force / m * t * t, v0 + force / m * t
    if k == 0.0:
        final, decay = force / d, math.exp(-d / m * t)
        return x0 + final * t + (v0 - final) * m / d * (1.0 - decay), final + (v0 - final) * decay
    rest, frequency = force / k, math.sqrt(k / m)
    y0, ratio = x0 - rest, d / (2.0 * math.sqrt(k * m))
    if ratio == 1.0:
        decay, slope = math.exp(-frequency * t), v0 + frequency * y0
        return rest + decay * (y0 + slope * t), decay * (v0 - frequency * slope * t)
    if ratio < 1.0:
        damped, decay = frequency * math.sqrt(1.0 - ratio**2), math.exp(-ratio * frequency * t)
        c, s = math.cos(damped * t), math.sin(damped * t)
        swing = (v0 + ratio * frequency * y0) / damped
        velocity = v0 * c - (frequency**2 * y0 + ratio * frequency * v0) / damped * s
        return rest + decay * (y0 * c + swing * s), decay * velocity
    spread = frequency * math.sqrt(ratio**2 - 1.0)
    fast, slow = -ratio * frequency - spread, -ratio * frequency + spread
    b, a = (v0 - slow * y0) / (fast - slow), (v0 - fast * y0) / (slow - fast)
    return (
        rest + a * math.exp(slow * t) + b * math.exp(fast * t),
        a * slow * math.exp(slow * t) + b * fast * math.exp(fast * t),
    )


AXES = {  # mass, damping, stiffness
    "undamped": (4.0, 0.0, 1600.0),
    "underdamped": (4.0, 2.0 * 0.3 * 80.0, 1600.0),
    "critically damped": (4.0, 2.0 * 80.0, 1600.0),
    "overdamped": (4.0, 2.0 * 3.0 * 80.0, 1600.0),
    "without a spring": (4.0, 150.0, 0.0),
    "free": (4.0, 0.0, 0.0),
    "inertia, underdamped": (0.06, 0.3, 20.0),
    "inertia, overdamped": (0.06, 1.0, 3.0),
}


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("dt", [1e-4, 1e-3, 5e-3, 0.05])
@pytest.mark.parametrize(("x0", "v0", "force"), [(0.0, 0.0, 8.0), (0.01, -0.2, -3.0)])
def test_zero_order_hold_is_the_analytic_solution(
    axis: str, dt: float, x0: float, v0: float, force: float
) -> None:
    m, d, k = AXES[axis]
    # All six axes alike, each driven a sixth further: none may borrow from another.
    share = np.arange(1.0, 7.0) / 6.0
    step = step_matrix(m * np.eye(6), d * np.eye(6), k * np.eye(6), dt, HOLD)
    steps = round(0.5 / dt)
    state = np.concatenate((x0 * share, v0 * share))
    at_rest = abs(force) / k if k else 0.0
    size = abs(x0) + at_rest + abs(v0) * 0.1 + abs(force) / m * 0.01
    for count in range(1, steps + 1):
        state = step @ np.concatenate((state, force * share))
        if count * 10 % steps and count != 1:
            continue
        x, v = analytic(m, d, k, x0, v0, force, count * dt)
        np.testing.assert_allclose(state[:6], x * share, rtol=1e-10, atol=1e-10 * size)
        np.testing.assert_allclose(state[6:], v * share, rtol=1e-10, atol=1e-10 * size / 0.1)


@pytest.mark.parametrize("axis", ["underdamped", "critically damped", "overdamped", "without a spring"])
def test_the_analytic_solution_obeys_the_law(axis: str) -> None:
    """The reference itself: M a + D v + K x = F by central differences, and v = dx/dt."""
    m, d, k = AXES[axis]
    for t in (0.0, 0.03, 0.2):
        before, now, after = (analytic(m, d, k, 0.01, -0.2, 8.0, t + h) for h in (-1e-5, 0.0, 1e-5))
        assert (after[0] - before[0]) / 2e-5 == pytest.approx(now[1], abs=1e-7)
        assert m * (after[1] - before[1]) / 2e-5 + d * now[1] + k * now[0] == pytest.approx(8.0, abs=1e-4)
    assert analytic(m, d, k, 0.01, -0.2, 8.0, 0.0) == pytest.approx((0.01, -0.2), rel=1e-12)


@often
@given(SEEDS, st.sampled_from([1e-4, 1e-3, 5e-3, 0.02, 0.1]))
def test_zero_order_hold_of_a_coupled_law_is_scipys_exponential(seed: int, dt: float) -> None:
    law = coupled_law(seed)
    step, expected = step_of(law, dt, HOLD), scipy_expm(dt * flow(law))[:12]
    assert step.shape == (12, 18)
    # Blocks have units of their own: x by x, x by v, x by F, v by x and so on.
    for rows, columns in itertools.product((slice(0, 6), slice(6, 12)), range(0, 18, 6)):
        block = expected[rows, columns : columns + 6]
        atol = 1e-11 * np.abs(block).max()
        np.testing.assert_allclose(step[rows, columns : columns + 6], block, rtol=0.0, atol=atol)


@pytest.mark.parametrize("seed", [0, 5])
def test_zero_order_hold_of_a_coupled_law_is_the_integrated_one(seed: int) -> None:
    """A wrench that jumps every 20 ms, from one integration to the next."""
    law, (x, v, _) = coupled_law(seed), random_state(seed)
    step, inverse = step_of(law, 0.005, HOLD), np.linalg.inv(law.mass)
    state = expected = np.concatenate((x, v))
    for wrench in np.random.default_rng(seed).standard_normal((6, 6)) @ (10.0 * ARMS):

        def derivative(_: float, y: np.ndarray, wrench: np.ndarray = wrench) -> np.ndarray:
            return np.concatenate((y[6:], inverse @ (wrench - law.damping @ y[6:] - law.stiffness @ y[:6])))

        answer = solve_ivp(derivative, (0.0, 0.02), expected, "DOP853", rtol=1e-12, atol=1e-15)
        expected = answer.y[:, -1]
        state = run(step, state, wrench, 4)
        np.testing.assert_allclose(state[:6], expected[:6], rtol=0.0, atol=1e-10 * np.abs(expected[:6]).max())
        np.testing.assert_allclose(state[6:], expected[6:], rtol=0.0, atol=1e-10 * np.abs(expected[6:]).max())


RATES = (100, 200, 400, 1000)


def after_each_hundredth(law: ComplianceLaw, rate: int, discretization: Discretization) -> np.ndarray:
    """Offsets at 100 Hz of a law at some rate, under a wrench that is constant over 10 ms."""
    step = step_of(law, 1.0 / rate, discretization)
    state, history = np.zeros(12), []
    for wrench in np.random.default_rng(7).standard_normal((50, 6)) @ (10.0 * ARMS):
        state = run(step, state, wrench, rate // 100)
        history.append(state[:6])
    return np.array(history)


@pytest.mark.parametrize("seed", [0, 3])
def test_zero_order_hold_does_not_depend_on_the_rate(seed: int) -> None:
    law = coupled_law(seed)
    expected = after_each_hundredth(law, RATES[0], HOLD)
    for rate in RATES[1:]:
        found = after_each_hundredth(law, rate, HOLD)
        np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-9 * np.abs(expected).max(axis=0).min())


@pytest.mark.parametrize("seed", [0, 3])
def test_implicit_euler_comes_closer_in_proportion_to_the_period(seed: int) -> None:
    law = coupled_law(seed)
    exact = after_each_hundredth(law, 100, HOLD)
    errors = [
        float(np.linalg.norm(after_each_hundredth(law, rate, EULER) - exact) / np.linalg.norm(exact))
        for rate in (100, 200, 400, 1000, 4000, 8000)
    ]
    assert 0.01 < errors[0] < 0.5
    assert all(less < more for more, less in itertools.pairwise(errors))
    assert errors[2] / errors[3] == pytest.approx(2.5, rel=0.1)
    assert errors[3] / errors[4] == pytest.approx(4.0, rel=0.1)
    assert errors[4] / errors[5] == pytest.approx(2.0, rel=0.03)


# ---------------------------------------------------------------------- implicit Euler


@often
@given(SEEDS, st.floats(-4.0, 1.0))
def test_implicit_euler_satisfies_its_defining_equations(seed: int, exponent: float) -> None:
    """Not the solved form: ``M (v' - v) / dt + D v' + K x' = F`` and ``x' = x + dt v'``."""
    law, dt = coupled_law(seed), 10.0**exponent
    x, v, force = random_state(seed)
    following = step_of(law, dt, EULER) @ np.concatenate((x, v, force))
    x_next, v_next = following[:6], following[6:]
    terms = np.array(
        [law.mass @ v_next / dt, -law.mass @ v / dt, law.damping @ v_next, law.stiffness @ x_next, -force]
    )
    residual = terms.sum(axis=0)
    np.testing.assert_allclose(residual / np.abs(terms).max(axis=1).max(), 0.0, atol=1e-11)
    np.testing.assert_allclose(x_next, x + dt * v_next, rtol=0.0, atol=1e-14 * (1.0 + np.abs(x_next).max()))


def test_implicit_euler_converges_with_first_order() -> None:
    law, (x, v, force) = coupled_law(0), random_state(3)
    duration, start = 0.3, np.concatenate((x, v))
    exact = (scipy_expm(duration * flow(law)) @ np.concatenate((start, force)))[:12]
    errors = []
    for steps in (500, 1000, 2000, 4000):
        found = run(step_of(law, duration / steps, EULER), start, force, steps)
        errors.append(np.linalg.norm(found - exact) / np.linalg.norm(exact))
    assert errors[0] < 0.1
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 1.0, atol=0.05)


@BOTH
@pytest.mark.parametrize("dt", [1e-4, 1e-3, 0.1, 10.0, 1e4])
def test_stable_at_any_period(discretization: Discretization, dt: float) -> None:
    """Explicit Euler diverges from dt = 2 m / d = 10 ms on with the damping of the first law."""
    soft = ComplianceLaw.from_diagonals([4.0] * 3 + [0.06] * 3, [150.0, 150.0, 800.0, 1, 1, 1], [0.0] * 6)
    for law in (soft, coupled_law(0), coupled_law(11)):
        eigenvalues = np.abs(np.linalg.eigvals(step_of(law, dt, discretization)[:, :12]))
        assert eigenvalues.max() <= 1.0 + 1e-9
        if law is not soft:
            assert eigenvalues.max() < 1.0  # a damped spring comes to rest


@often
@given(SEEDS, st.floats(-4.0, 3.0), st.booleans())
def test_implicit_euler_never_gains_energy(seed: int, exponent: float, damped: bool) -> None:
    law = coupled_law(seed)
    damping = law.damping if damped else np.zeros((6, 6))
    step = step_matrix(law.mass, damping, law.stiffness, 10.0**exponent, EULER)
    x, v, _ = random_state(seed)
    state, before = np.concatenate((x, v)), np.inf
    for _ in range(20):
        energy = state[:6] @ law.stiffness @ state[:6] + state[6:] @ law.mass @ state[6:]
        assert energy <= before * (1.0 + 1e-12)
        before = energy
        state = run(step, state, np.zeros(6), 1)


@often
@given(SEEDS, st.floats(-4.0, -1.0))
def test_zero_order_hold_of_an_undamped_law_keeps_energy(seed: int, exponent: float) -> None:
    law = coupled_law(seed)
    step = step_matrix(law.mass, np.zeros((6, 6)), law.stiffness, 10.0**exponent, HOLD)
    x, v, _ = random_state(seed)
    state = np.concatenate((x, v))
    energies = []
    for _ in range(20):
        energies.append(state[:6] @ law.stiffness @ state[:6] + state[6:] @ law.mass @ state[6:])
        state = run(step, state, np.zeros(6), 1)
    np.testing.assert_allclose(energies, energies[0], rtol=1e-11)


@BOTH
@pytest.mark.parametrize("dt", [1e-3, 0.1, 1.0])
def test_a_law_at_rest_stays_at_wrench_over_stiffness(discretization: Discretization, dt: float) -> None:
    law, (_, _, force) = coupled_law(2), random_state(2)
    rest = np.linalg.solve(law.stiffness, force)
    following = run(step_of(law, dt, discretization), np.concatenate((rest, np.zeros(6))), force, 1)
    np.testing.assert_allclose(following[:6], rest, rtol=0.0, atol=1e-11 * np.abs(rest).max())
    np.testing.assert_allclose(following[6:], 0.0, atol=1e-11 * np.abs(rest).max() / dt)


def test_one_huge_step_of_implicit_euler_ends_at_rest() -> None:
    law, (x, v, force) = coupled_law(2), random_state(2)
    following = run(step_of(law, 1e6, EULER), np.concatenate((x, v)), force, 1)
    np.testing.assert_allclose(following[:6], np.linalg.solve(law.stiffness, force), rtol=1e-6)
    np.testing.assert_allclose(following[6:], 0.0, atol=1e-6)


def test_implicit_euler_is_the_default() -> None:
    law = coupled_law(0)
    default = step_matrix(law.mass, law.damping, law.stiffness, 0.005)
    np.testing.assert_array_equal(default, step_of(law, 0.005, EULER))
    assert np.abs(default - step_of(law, 0.005, HOLD)).max() > 1e-6


# ---------------------------------------------------------------------- selected axes


@often
@given(SEEDS, MASKS, st.sampled_from([EULER, HOLD]))
def test_held_axes_stand_and_the_others_move_as_if_the_held_ones_were_immovable(
    seed: int, mask: tuple, discretization: Discretization
) -> None:
    """The rigid constraint is the limit of a body of 1e10 times the mass on the held axes."""
    law, (x, v, force) = coupled_law(seed), random_state(seed)
    held = ~np.array(mask)
    v[held] = 0.0
    state = run(step_of(law, 0.005, discretization, mask), np.concatenate((x, v)), force, 40)
    np.testing.assert_array_equal(state[:6][held], x[held])
    np.testing.assert_array_equal(state[6:][held], 0.0)
    heavy = law.mass + np.diag(1e10 * held * np.diag(law.mass))
    step = step_matrix(heavy, law.damping, law.stiffness, 0.005, discretization)
    expected = run(step, np.concatenate((x, v)), force, 40)
    np.testing.assert_allclose(state[:6], expected[:6], rtol=0.0, atol=1e-6 * np.abs(expected[:6]).max())
    np.testing.assert_allclose(state[6:], expected[6:], rtol=0.0, atol=1e-5 * np.abs(v).max() + 1e-7)


@often
@given(SEEDS, MASKS.filter(any), st.floats(-4.0, 0.0))
def test_held_axes_leave_the_others_their_defining_equations(seed: int, mask: tuple, exponent: float) -> None:
    law, dt, free = coupled_law(seed), 10.0**exponent, np.array(mask)
    x, v, force = random_state(seed)
    v[~free] = 0.0
    following = run(step_of(law, dt, EULER, mask), np.concatenate((x, v)), force, 1)
    x_next, v_next = following[:6], following[6:]
    terms = np.array(
        [law.mass @ v_next / dt, -law.mass @ v / dt, law.damping @ v_next, law.stiffness @ x_next, -force]
    )
    np.testing.assert_allclose(terms.sum(axis=0)[free] / np.abs(terms).max(), 0.0, atol=1e-11)


@often
@given(SEEDS, MASKS.filter(any), st.sampled_from([EULER, HOLD]))
def test_free_axes_move_as_their_part_of_the_law_under_what_the_held_springs_pull(
    seed: int, mask: tuple, discretization: Discretization
) -> None:
    """The part is padded to six axes with others that it is not coupled to."""
    law, (x, v, force) = coupled_law(seed), random_state(seed)
    free = np.array(mask)
    both = np.outer(free, free)
    padding = np.diag((~free).astype(float))
    part = ComplianceLaw(law.mass * both + padding, law.damping * both, law.stiffness * both)
    pulled = force - law.stiffness @ (x * ~free)
    expected = run(step_of(part, 0.005, discretization), np.concatenate((x * free, v * free)), pulled, 20)
    found = run(step_of(law, 0.005, discretization, mask), np.concatenate((x, v * free)), force, 20)
    for begin in (0, 6):
        there, here = expected[begin : begin + 6][free], found[begin : begin + 6][free]
        np.testing.assert_allclose(here, there, rtol=0.0, atol=1e-11 * np.abs(there).max())


@BOTH
def test_a_held_tilt_pulls_the_tool_aside(discretization: Discretization) -> None:
    """Held at 20 mrad, against the 100 N that couple x to ry: 2 N, so 2 mm at 1000 N/m."""
    stiffness = np.diag([1000.0, 1000.0, 1000.0, 30.0, 30.0, 20.0])
    stiffness[0, 4] = stiffness[4, 0] = -100.0
    mass, damping = np.diag([4.0] * 3 + [0.06] * 3), np.diag([126.0] * 3 + [2.0] * 3)
    mask = (True, True, True, True, False, True)
    start = np.zeros(12)
    start[4] = 0.02
    step = step_matrix(mass, damping, stiffness, 0.005, discretization, mask)
    state = run(step, start, np.zeros(6), 1000)
    np.testing.assert_allclose(state[:6], (0.002, 0.0, 0.0, 0.0, 0.02, 0.0), rtol=1e-9, atol=1e-15)


@BOTH
def test_a_velocity_of_a_held_axis_is_stopped_and_drives_nothing(discretization: Discretization) -> None:
    law, mask = coupled_law(4), (True, False, True, True, False, True)
    step = step_of(law, 0.005, discretization, mask)
    for axis in (1, 4):
        np.testing.assert_array_equal(step[:, 6 + axis], 0.0)
        np.testing.assert_array_equal(step[:, 12 + axis], 0.0)  # nor does the wrench along it
        np.testing.assert_array_equal(step[6 + axis], 0.0)
        np.testing.assert_array_equal(step[axis], np.eye(18)[axis])


@BOTH
def test_without_a_selected_axis_everything_stands(discretization: Discretization) -> None:
    step = step_of(coupled_law(4), 0.005, discretization, (False,) * 6)
    expected = np.zeros((12, 18))
    expected[:6, :6] = np.eye(6)
    np.testing.assert_array_equal(step, expected)


@BOTH
def test_all_axes_selected_is_the_law_itself(discretization: Discretization) -> None:
    law = coupled_law(4)
    np.testing.assert_array_equal(
        step_of(law, 0.005, discretization, (True,) * 6),
        step_matrix(law.mass, law.damping, law.stiffness, 0.005, discretization),
    )


@pytest.mark.parametrize("dt", [0.0, -0.005, float("nan"), float("inf")])
def test_a_step_takes_time(dt: float) -> None:
    with pytest.raises(ValueError, match=f"dt must be > 0 s, got {dt}"):
        step_matrix(np.eye(6), np.eye(6), np.eye(6), dt)


@pytest.mark.parametrize("axes", [(), (True, False), (True,) * 7])
def test_there_are_six_axes_to_select_from(axes: tuple) -> None:
    with pytest.raises(ValueError, match="selected_axes must be six booleans"):
        step_matrix(np.eye(6), np.eye(6), np.eye(6), 0.005, selected_axes=axes)
