"""The step that a robot runs: the law, its limits, and what happens when the wrench does not come."""

from collections.abc import Callable
from decimal import Decimal
from math import cos, exp, inf, nan, pi, sin
from typing import Any

import numpy as np
import pytest

from assembly_rl.controllers import (
    AdmittanceConfig,
    AdmittanceController,
    ComplianceLaw,
    ContactConfig,
    Discretization,
    Fault,
    GainConfig,
    SafetyConfig,
)
from assembly_rl.controllers.discretization import step_matrix
from assembly_rl.controllers.se3 import Pose, displace, offset_between, pose_exp

RATE = 200.0
PERIOD = 1.0 / RATE
ZERO = [0.0] * 6
SIX = range(6)
BOTH = list(Discretization)
LAW = ComplianceLaw.from_diagonals(
    [4.0, 4.0, 4.0, 0.06, 0.06, 0.06], [150.0, 150.0, 800.0, 1.0, 1.0, 1.0], [0.0, 0.0, 300.0, 3.0, 3.0, 3.0]
)
SPRING = ComplianceLaw.from_diagonals(LAW.mass.diagonal(), LAW.damping.diagonal(), [500.0] * 3 + [5.0] * 3)
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
    """Limits that nothing here reaches."""
    limits = {name: [1e6] * 6 for name in ("offset_limit", "speed_limit", "reference_limit")}
    return AdmittanceConfig(**(limits | {"wrench_limit": [1e9] * 6} | changes))


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


# --------------------------------------------------------------------------- the law


@pytest.mark.parametrize("discretization", BOTH)
@pytest.mark.parametrize("law", [LAW, COUPLED], ids=["diagonal", "coupled"])
def test_a_step_is_the_law_with_the_wrench_less_the_reference(
    discretization: Discretization, law: ComplianceLaw
) -> None:
    controller = free(law, discretization=discretization)
    wrench, reference = [1.0, 2.0, -3.0, 0.1, 0.2, 0.3], [0.5, -1.0, 2.0, 0.3, -0.1, 0.05]
    matrix = step_matrix(law.mass, law.damping, law.stiffness, PERIOD, discretization)
    state = np.zeros(12)
    for _ in range(5):
        state = matrix @ np.concatenate((state, np.subtract(wrench, reference)))
        offset, faults = controller.step(wrench, reference)
        np.testing.assert_allclose(offset, state[:6], rtol=1e-12)
        assert faults is Fault.NONE
    np.testing.assert_allclose(state_of(controller), state, rtol=1e-12)


def test_the_discretisations_differ() -> None:
    first, second = (free(discretization=which).step([1.0] * 6)[0] for which in BOTH)
    assert np.abs(np.divide(first, second) - 1.0).min() > 0.1


def test_the_steady_offset_is_force_over_stiffness() -> None:
    offset = run(AdmittanceController(LAW, RATE), [0.0, 0.0, 6.0, 0.03, 0.06, -0.09], 6000)[-1]
    np.testing.assert_allclose(offset[2:], [0.02, 0.01, 0.02, -0.03], rtol=1e-4)
    coupled = run(free(COUPLED), [1.0, 2.0, 3.0, 0.1, 0.2, 0.3], 6000)[-1]
    np.testing.assert_allclose(COUPLED.stiffness @ coupled, [1.0, 2.0, 3.0, 0.1, 0.2, 0.3], rtol=1e-6)


@pytest.mark.parametrize("axis", SIX)
def test_a_tool_that_is_pushed_in_plus_moves_in_plus(axis: int) -> None:
    assert AdmittanceController(LAW, RATE).step(along(axis, 1.0))[0][axis] > 0.0
    assert AdmittanceController(LAW, RATE).step(ZERO, along(axis, 0.1))[0][axis] < 0.0


def test_at_rest_on_a_wall_the_environment_applies_the_reference() -> None:
    # Free to slide in z: the tool sinks until the floor pushes with what was asked for.
    law = ComplianceLaw.from_diagonals(LAW.mass.diagonal(), LAW.damping.diagonal(), ZERO)
    controller, stiffness = AdmittanceController(law, RATE), 2e4
    force = 0.0
    for _ in range(3000):
        offset, _ = controller.step(along(2, force), along(2, 6.0))
        force = max(0.0, stiffness * (-0.005 - offset[2]))
    assert force == pytest.approx(6.0, rel=1e-6)
    assert offset[2] == pytest.approx(-0.005 - 6.0 / stiffness)


@pytest.mark.parametrize("discretization", BOTH)
def test_the_motion_does_not_depend_on_the_rate(discretization: Discretization) -> None:
    """The wrench changes slowly, every 10 ms, so that it is the same one at all rates."""

    def at_centiseconds(rate: float, how: Discretization) -> np.ndarray:
        controller = free(COUPLED, rate, discretization=how)
        repeats, path = round(rate / 100.0), []
        for tick in range(150):
            wrench = [(1.0 + axis) * 0.1 * sin(2.0 * pi * 0.01 * tick + axis) for axis in SIX]
            path.append(run(controller, wrench, repeats)[-1])
        return np.array(path)

    exact = at_centiseconds(100.0, Discretization.zero_order_hold)
    size = np.abs(exact).max(axis=0)
    errors = [
        (np.abs(at_centiseconds(rate, discretization) - exact) / size).max() for rate in (100.0, 200.0, 500.0)
    ]
    if discretization is Discretization.zero_order_hold:
        assert max(errors) < 1e-10
    else:
        assert 0.01 < errors[0] < 0.15
        assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.15)
        assert errors[0] / errors[2] == pytest.approx(5.0, rel=0.2)


@pytest.mark.parametrize("discretization", BOTH)
def test_axes_that_are_not_selected_stand_still(discretization: Discretization) -> None:
    selected = [True, False, True, False, False, True]
    controller = free(COUPLED, discretization=discretization, selected_axes=selected)
    start = np.array([1e-3, 2e-3, -1e-3, 0.01, -0.02, 0.03])
    controller.reset(start)
    path = run(controller, [5.0, 5.0, 5.0, 0.5, 0.5, 0.5], 100)
    held = ~np.array(selected)
    assert (path[:, held] == start[held]).all() and (controller.velocity[held] == 0.0).all()
    assert (np.abs(path[-1] - start)[~held] > 1e-4).all()


# --------------------------------------------------------------------------- reset, rebase, copies


def test_after_a_reset_to_the_measured_pose_the_first_command_is_where_the_robot_is() -> None:
    nominal: Pose = pose_exp([0.4, -0.1, 0.3, 2.0, 1.0, -0.5])
    measured: Pose = displace(nominal, [1e-3, -2e-3, 0.02, 0.01, 0.05, -0.03])
    law = ComplianceLaw.from_diagonals(LAW.mass.diagonal(), LAW.damping.diagonal(), ZERO)
    controller = AdmittanceController(law, RATE)
    controller.reset(offset_between(nominal, measured))
    commanded = displace(nominal, controller.step(ZERO)[0])
    np.testing.assert_allclose(commanded[0], measured[0], atol=1e-14)
    np.testing.assert_allclose(commanded[1], measured[1], atol=1e-14)


def test_a_spring_pulls_back_from_the_measured_pose_without_a_jump() -> None:
    controller, start = AdmittanceController(SPRING, RATE), [3e-3, -3e-3, 0.03, 0.05, -0.05, 0.08]
    controller.reset(start)
    assert controller.offset.tolist() == start and controller.velocity.tolist() == ZERO
    offset, faults = controller.step(ZERO)
    assert faults is Fault.NONE
    acceleration = SPRING.stiffness.diagonal() * np.abs(start) / SPRING.mass.diagonal()
    assert (np.abs(np.subtract(offset, start)) <= PERIOD**2 * acceleration).all()


@pytest.mark.parametrize("axis", SIX)
@pytest.mark.parametrize("beyond", [1.001, -1.001, inf, nan])
def test_a_reset_outside_the_limit_is_refused_and_changes_nothing(axis: int, beyond: float) -> None:
    controller = AdmittanceController(LAW, RATE)
    run(controller, [1.0] * 6, 5)
    before, limit = state_of(controller), controller.config.offset_limit[axis]
    name = ("x", "y", "z", "rx", "ry", "rz")[axis]
    with pytest.raises(
        ValueError, match=rf"offset\[{name}\] must be within \+-{limit} .*got {beyond * limit}"
    ):
        controller.reset(along(axis, beyond * limit))
    assert (state_of(controller) == before).all()


def test_a_reset_of_another_shape_is_refused() -> None:
    for offset in ([0.0] * 5, [0.0] * 7, 0.0, [[0.0] * 6]):
        with pytest.raises(ValueError, match=r"offset must have shape \(6,\), got \("):
            AdmittanceController(LAW, RATE).reset(offset)


def test_a_reset_forgets_everything() -> None:
    config = AdmittanceConfig(cutoff=10.0, deadband=[0.1] * 6, gains=GainConfig(timeout=0.1))
    contact = ContactConfig([5e3] * 3 + [10.0] * 3)
    soft = ComplianceLaw.from_diagonals(LAW.mass.diagonal(), [1.0] * 3 + [0.01] * 3, ZERO)

    def used(after: int) -> AdmittanceController:
        controller = AdmittanceController(SPRING, RATE, config, contact)
        controller.request(ComplianceLaw(SPRING.mass, 2.0 * SPRING.damping, 2.0 * SPRING.stiffness))
        for step in range(after):
            controller.step(
                [5.0, -3.0, 4.0, 0.1, 0.2, 0.3], [1.0] * 6, time=step * PERIOD, stamp=step * PERIOD
            )
        for _ in range(2 * after):
            controller.step(None)  # type: ignore[arg-type]
        assert not controller.request(soft)
        return controller

    start = [1e-3, -2e-3, 3e-3, 0.01, 0.02, -0.03]
    for after in (10, 30, 60):  # moving, fading, stopped
        controller, fresh = used(after), AdmittanceController(SPRING, RATE, config, contact)
        for one in (controller, fresh):
            one.reset(start)
        assert controller.law is SPRING and controller.energy == 0.0
        for step in range(20):
            arguments = ([1.0, 2.0, 3.0, 0.1, 0.1, 0.1], [0.2] * 6, 100.0 + step * PERIOD)
            assert controller.step(*arguments) == fresh.step(*arguments)
        controller.reset()
        assert controller.step(ZERO) == (ZERO, Fault.NONE)


def test_a_reset_with_another_law_keeps_it_for_the_next() -> None:
    controller = AdmittanceController(LAW, RATE)
    controller.reset(law=SPRING)
    controller.reset()
    assert controller.law is SPRING
    stiffness = SPRING.stiffness.diagonal()
    force = run(controller, [0.5] * 3 + [0.01] * 3, 4000)[-1] * stiffness
    assert force == pytest.approx([0.5] * 3 + [0.01] * 3, rel=1e-4)


def test_rebase_moves_the_origin_not_the_command() -> None:
    controller, still = AdmittanceController(LAW, RATE), AdmittanceController(LAW, RATE)
    for one in (controller, still):
        run(one, along(2, 10.0), 20)
    before, velocity = controller.offset, controller.velocity
    controller.rebase(2, 0.003)
    assert (controller.offset - before).tolist() == pytest.approx(along(2, -0.003), abs=1e-18)
    assert (controller.velocity == velocity).all()
    # The spring, and it alone, feels the difference.
    nominal = 0.003
    commanded, unmoved = controller.step(along(2, 10.0))[0][2] + nominal, still.step(along(2, 10.0))[0][2]
    assert commanded - unmoved == pytest.approx(
        300.0 * nominal * PERIOD**2 / (4.0 + 800.0 * PERIOD), rel=0.01
    )


def test_rebase_beyond_the_limit_comes_back_no_faster_than_the_speed_limit() -> None:
    controller = AdmittanceController(LAW, RATE)
    try:
        controller.rebase(2, 0.05)  # of 0.04
    except ValueError:  # refusing is as good
        return
    before = controller.offset[2]
    for _ in range(20):
        offset, _ = controller.step(ZERO)
        assert abs(offset[2] - before) <= 0.25 * PERIOD * (1.0 + 1e-12)
        before = offset[2]


@pytest.mark.parametrize(
    ("axis", "distance"), [(2, nan), (2, inf), (2, -inf), (6, 1e-3), (-1, 1e-3), (12, 1e-3)]
)
def test_rebase_refuses_what_would_spoil_the_state(axis: int, distance: float) -> None:
    controller, untouched = AdmittanceController(LAW, RATE), AdmittanceController(LAW, RATE)
    for one in (controller, untouched):
        run(one, [1.0] * 6, 5)
    with pytest.raises(ValueError, match="axis" if axis != 2 else "distance"):
        controller.rebase(axis, distance)
    assert controller.step([1.0] * 6) == untouched.step([1.0] * 6)


def test_views_of_the_state_are_copies() -> None:
    controller = AdmittanceController(LAW, RATE)
    controller.offset[:] = 1.0
    controller.velocity[:] = 1.0
    controller.step(ZERO)[0][:] = [1.0] * 6
    controller.steady_wrench_bound[:] = 1.0
    assert controller.step(ZERO) == (ZERO, Fault.NONE)
    start = np.full(6, 1e-3)
    controller.reset(start)
    start[:] = 1.0
    assert controller.offset.tolist() == [1e-3] * 6
    with pytest.raises(ValueError, match="read-only"):
        controller.law.stiffness[0, 0] = 1.0


@pytest.mark.parametrize("kind", [list, np.array], ids=["list", "array"])
def test_a_buffer_that_the_caller_uses_again_is_not_kept(kind: Any) -> None:
    reusing, copying = (AdmittanceController(SPRING, RATE, AdmittanceConfig(cutoff=5.0)) for _ in range(2))
    wrench, reference = kind(ZERO), kind(ZERO)
    for step in range(5):
        wrench[0], reference[1] = 3.0 * step, 0.1 * step
        offset, _ = reusing.step(wrench, reference)
        assert offset == copying.step(list(wrench), list(reference))[0]
    wrench[0] = 1e3
    assert reusing.step(None) == copying.step(None)  # type: ignore[arg-type]


def test_a_configuration_that_is_changed_afterwards_changes_nothing() -> None:
    config = AdmittanceConfig()
    controller, other = AdmittanceController(SPRING, RATE, config), AdmittanceController(SPRING, RATE)
    config.selected_axes[0] = False
    config.offset_limit[0] = config.wrench_limit[1] = config.speed_limit[2] = config.reference_limit[3] = 1e-9
    config.safety.max_age = 1e-9
    config.discretization = Discretization.zero_order_hold
    for one in (controller, other):
        one.reset(along(0, 1e-3))
        one.request(ComplianceLaw(SPRING.mass, 1.5 * SPRING.damping, SPRING.stiffness))
    for step in range(20):
        arguments = ([3.0] * 6, [0.2] * 6, step * PERIOD, step * PERIOD - 0.01)
        assert controller.step(*arguments) == other.step(*arguments)


# --------------------------------------------------------------------------- limits


@pytest.mark.parametrize("discretization", BOTH)
@pytest.mark.parametrize("axis", SIX)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_offset_limit_does_not_wind_up(discretization: Discretization, axis: int, sign: float) -> None:
    config = AdmittanceConfig(discretization=discretization)
    controller = AdmittanceController(LAW, RATE, config)
    limit, wrench = config.offset_limit[axis], along(axis, sign * (50.0 if axis < 3 else 5.0))
    offsets = run(controller, wrench, 600)
    assert offsets[-1].tolist() == along(axis, sign * limit)
    assert np.abs(offsets[:, axis]).max() == limit
    assert controller.velocity[axis] == 0.0
    # Pushed for long, or just put there: a reversed wrench leaves with the very same step.
    fresh = AdmittanceController(LAW, RATE, config)
    fresh.reset(along(axis, sign * limit))
    reverse = along(axis, -sign * 0.5)
    following = controller.step(reverse)
    assert following == fresh.step(reverse)
    assert 0.0 < sign * following[0][axis] < limit
    assert following[1] is Fault.NONE


@pytest.mark.parametrize("discretization", BOTH)
def test_one_axis_at_its_limit_leaves_the_others_alone(discretization: Discretization) -> None:
    controller = AdmittanceController(LAW, RATE, AdmittanceConfig(discretization=discretization))
    wrench = [50.0, 0.1, 0.2, 0.001, 0.002, 0.003]
    unbound = run(free(discretization=discretization), wrench, 200)
    np.testing.assert_allclose(run(controller, wrench, 200)[:, 1:], unbound[:, 1:], rtol=1e-13)


@pytest.mark.parametrize("discretization", BOTH)
def test_the_speed_limit_holds_for_every_step_and_for_the_velocity(discretization: Discretization) -> None:
    speed = [0.02, 0.05, 0.01, 0.2, 0.1, 0.3]
    config = AdmittanceConfig(discretization=discretization, speed_limit=speed, offset_limit=[0.05] * 6)
    light = ComplianceLaw.from_diagonals(
        [1.0] * 3 + [0.01] * 3, [20.0] * 3 + [0.1] * 3, [100.0] * 3 + [1.0] * 3
    )
    controller = AdmittanceController(light, RATE, config)
    rng = np.random.default_rng(0)
    before, moved = np.zeros(6), []
    for step in range(600):
        if step % 20 == 0:
            wrench = rng.uniform(-1.0, 1.0, 6) * ([60.0] * 3 + [3.0] * 3)
        offset, faults = controller.step(wrench)
        moved.append(np.abs(offset - before))
        assert (np.abs(controller.velocity) <= speed).all()
        at_speed = (np.abs(controller.velocity) == speed).any()
        assert (Fault.SPEED_LIMIT in faults) >= at_speed
        before = np.array(offset)
    assert (np.max(moved, axis=0) <= np.multiply(speed, PERIOD) + 1e-17).all()
    assert (np.max(moved, axis=0) >= np.multiply(speed, PERIOD) * (1.0 - 1e-9)).all()


def test_the_speed_limit_holds_for_a_swing_that_ends_at_rest_within_a_period() -> None:
    # Half a period of an undamped spring: from one side to the other, with no velocity at either end.
    stiffness = [(pi * RATE) ** 2] + [1.0] * 5
    swing = ComplianceLaw.from_diagonals([1.0] * 6, ZERO, stiffness)
    controller = AdmittanceController(
        swing, RATE, AdmittanceConfig(discretization=Discretization.zero_order_hold)
    )
    controller.reset(along(0, 1e-3))
    offset, faults = controller.step(ZERO)
    assert offset[0] == pytest.approx(1e-3 - 0.25 * PERIOD, rel=1e-12)
    assert faults == Fault.SPEED_LIMIT


def test_at_the_speed_limit_it_stops_as_soon_as_the_wrench_does() -> None:
    # Cropped speed must not be stored: a controller that integrates on inside overshoots by metres.
    cropped = AdmittanceController(LAW, RATE, wide(speed_limit=[0.01] * 6))
    run(cropped, along(0, 50.0), 400)
    assert cropped.offset[0] == pytest.approx(0.01 * 400 * PERIOD)
    start = cropped.offset[0]
    coast = run(cropped, ZERO, 400)[-1, 0] - start
    assert 0.0 < coast <= 0.01 * 4.0 / 150.0 * 1.01  # speed times M / D


@pytest.mark.parametrize("axis", SIX)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_wrench_and_reference_are_cut_to_their_limits(axis: int, sign: float) -> None:
    limits: dict[str, Any] = {
        "wrench_limit": [10.0] * 3 + [1.0] * 3,
        "reference_limit": [5.0] * 3 + [0.5] * 3,
    }
    wrench, reference = (limits[name][axis] for name in ("wrench_limit", "reference_limit"))
    np.testing.assert_allclose(
        drive_of(free(**limits), along(axis, sign * 1e12)), along(axis, sign * wrench), atol=1e-9
    )
    felt = drive_of(free(**limits), ZERO, along(axis, sign * 1e12))
    np.testing.assert_allclose(felt, along(axis, -sign * reference), atol=1e-9)
    # At the limit itself nothing is cut.
    assert free(**limits).step(along(axis, sign * wrench), along(axis, sign * reference))[1] is Fault.NONE
    over = free(**limits).step(along(axis, sign * wrench * 1.001), along(axis, sign * reference * 1.001))[1]
    assert over == Fault.WRENCH_LIMIT | Fault.REFERENCE_LIMIT


@pytest.mark.parametrize(
    ("wrench", "felt"),
    [
        (0.0, 0.0),
        (1.9, 0.0),
        (2.0, 0.0),
        (2.5, 0.5),
        (7.0, 5.0),
        (-1.9, 0.0),
        (-2.0, 0.0),
        (-2.5, -0.5),
        (-7.0, -5.0),
    ],
)
@pytest.mark.parametrize("axis", SIX)
def test_the_deadband_takes_its_width_off(axis: int, wrench: float, felt: float) -> None:
    controller = free(deadband=along(axis, 2.0))
    other = (axis + 1) % 6
    given = [wrench if index == axis else 0.1 if index == other else 0.0 for index in SIX]
    expected = [felt if index == axis else 0.1 if index == other else 0.0 for index in SIX]
    np.testing.assert_allclose(drive_of(controller, given), expected, atol=1e-12)


def test_the_deadband_is_continuous() -> None:
    wrenches = np.linspace(-5.0, 5.0, 2001)
    felt = np.array([drive_of(free(deadband=[2.0] * 6), along(0, value))[0] for value in wrenches])
    assert np.abs(np.diff(felt)).max() <= 0.005 + 1e-9
    assert felt[0] == pytest.approx(-3.0) and felt[-1] == pytest.approx(3.0)


def test_the_reference_has_no_deadband() -> None:
    felt = drive_of(free(deadband=[2.0] * 6), ZERO, [0.5] * 6)
    np.testing.assert_allclose(felt, [-0.5] * 6, atol=1e-12)


@pytest.mark.parametrize("discretization", BOTH)
@pytest.mark.parametrize("law", [SPRING, COUPLED], ids=["diagonal", "coupled"])
@pytest.mark.parametrize("axis", SIX)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_no_contact_at_rest_exceeds_the_steady_wrench_bound(
    discretization: Discretization, law: ComplianceLaw, axis: int, sign: float
) -> None:
    """The worst case: all axes pressed to just inside their limits, the reference saturated."""
    config = AdmittanceConfig(
        discretization=discretization,
        deadband=[1.0] * 3 + [0.02] * 3,
        offset_limit=[0.02] * 3 + [0.05] * 3,
        reference_limit=[15.0] * 3 + [0.5] * 3,
    )
    controller = AdmittanceController(law, RATE, config)
    reference = (sign * 1e3 * np.ones(6)).tolist()
    towards = sign * np.where(law.stiffness[axis] < 0.0, -1.0, 1.0)
    rest = 0.999 * towards * config.offset_limit
    # The walls are springs; they stand where the tool rests there with the deadband at its edge.
    pressure = law.stiffness @ rest + sign * np.array(config.reference_limit)
    pressure += np.sign(pressure) * config.deadband
    walls = np.array([3000.0] * 3 + [10.0] * 3)
    feet = rest + pressure / walls
    controller.reset(rest)
    wrench = (walls * (feet - rest)).tolist()
    for _ in range(400):
        offset, faults = controller.step(wrench, reference)
        wrench = (walls * (feet - offset)).tolist()
    assert np.abs(controller.velocity).max() < 1e-6 and Fault.OFFSET_LIMIT not in faults
    bound = controller.steady_wrench_bound
    assert (np.abs(wrench) <= bound).all()
    assert abs(wrench[axis]) > 0.99 * bound[axis]


def test_the_steady_wrench_bound_is_none_where_the_controller_does_not_yield() -> None:
    """An axis that is not selected stands against any wrench; so does one whose wrench is cut too low."""
    held = AdmittanceController(SPRING, RATE, AdmittanceConfig(selected_axes=[True, False] + [True] * 4))
    assert held.steady_wrench_bound[1] == inf
    assert np.isfinite(held.steady_wrench_bound[[0, 2, 3, 4, 5]]).all()
    # The nominal pose is 0.5 m inside a wall of 1 kN/m; what the law feels of it is cut to 20 N.
    config = AdmittanceConfig(wrench_limit=[20.0] * 3 + [10.0] * 3)
    blunt = AdmittanceController(SPRING, RATE, config)
    for _ in range(4000):
        offset, _ = blunt.step(along(2, 1e3 * (0.5 - blunt.offset[2])), along(2, 15.0))
    assert np.abs(blunt.velocity).max() < 1e-6 and offset[2] < config.offset_limit[2]
    assert 1e3 * (0.5 - offset[2]) <= blunt.steady_wrench_bound[2]


# --------------------------------------------------------------------------- filter


@pytest.mark.parametrize("rate", [200.0, 500.0])
def test_a_step_through_the_filter(rate: float) -> None:
    cutoff, controller = 10.0, free(rate=rate, cutoff=10.0)
    controller.step(ZERO)
    for step in range(1, 60):
        expected = 5.0 * (1.0 - exp(-2.0 * pi * cutoff * step / rate))
        assert drive_of(controller, [5.0] * 6) == pytest.approx([expected] * 6, abs=1e-9)


def test_the_filter_starts_without_a_transient() -> None:
    controller = free(cutoff=1.0)
    for _ in range(3):
        assert drive_of(controller, [5.0] * 6) == pytest.approx([5.0] * 6)
    controller.reset()
    assert drive_of(controller, [-2.0] * 6) == pytest.approx([-2.0] * 6)


@pytest.mark.parametrize("rate", [200.0, 500.0])
@pytest.mark.parametrize(("ratio", "gain"), [(0.2, 1.0 / 1.04**0.5), (1.0, 0.5**0.5), (4.0, 1.0 / 17.0**0.5)])
def test_the_cutoff_is_in_hertz_and_at_minus_three_decibels(rate: float, ratio: float, gain: float) -> None:
    cutoff = 2.5
    controller, turn = free(rate=rate, cutoff=cutoff), 2.0 * pi * cutoff * ratio / rate
    cycle = round(rate / (cutoff * ratio))
    settle = round(rate)
    felt = [drive_of(controller, along(0, sin(turn * step)))[0] for step in range(settle + cycle)][settle:]
    steps = range(settle, settle + cycle)
    in_phase = sum(value * sin(turn * step) for value, step in zip(felt, steps, strict=True))
    quadrature = sum(value * cos(turn * step) for value, step in zip(felt, steps, strict=True))
    assert 2.0 / cycle * (in_phase**2 + quadrature**2) ** 0.5 == pytest.approx(gain, rel=0.01)


def test_a_spike_enters_the_filter_cut_to_the_limit() -> None:
    controller = free(cutoff=10.0, wrench_limit=[20.0] * 6, reference_limit=[5.0] * 6)
    controller.step(ZERO)
    keep = exp(-2.0 * pi * 10.0 * PERIOD)
    assert drive_of(controller, along(0, 1e308))[0] == pytest.approx(20.0 * (1.0 - keep))
    assert drive_of(controller, ZERO)[0] == pytest.approx(20.0 * (1.0 - keep) * keep)


def test_the_deadband_comes_after_the_filter() -> None:
    controller = free(cutoff=10.0, deadband=[1.0] * 6)
    controller.step(ZERO)
    keep = exp(-2.0 * pi * 10.0 * PERIOD)
    assert drive_of(controller, [6.0] * 6) == pytest.approx([6.0 * (1.0 - keep) - 1.0] * 6, abs=1e-9)


# --------------------------------------------------------------------------- no usable wrench

MISSING: dict[str, tuple[Any, dict[str, Any], Fault]] = {
    "not a number": ([nan] * 6, {}, Fault.INVALID_INPUT),
    "nothing": (None, {}, Fault.INVALID_INPUT),
    "stale": ([50.0] * 6, {"time": 1.0, "stamp": 0.9}, Fault.STALE_WRENCH),
}


@pytest.mark.parametrize("discretization", BOTH)
@pytest.mark.parametrize("how", MISSING)
def test_hold_is_as_if_the_last_sample_had_come_again(discretization: Discretization, how: str) -> None:
    bad, when, fault = MISSING[how]
    controller, twin = (
        AdmittanceController(SPRING, RATE, AdmittanceConfig(discretization=discretization)) for _ in range(2)
    )
    wrench, reference = [2.0, -1.0, 3.0, 0.05, 0.02, -0.03], [-1.0, 0.5, 4.0, 0.0, 0.1, 0.0]
    for one in (controller, twin):
        run(one, wrench, 10, reference)
    for miss in range(HOLD):
        timing = {name: value + miss * PERIOD for name, value in when.items()}
        offset, faults = controller.step(bad, [3.0] * 6, **timing)
        assert offset == twin.step(wrench, reference)[0]
        assert faults == fault
    assert (state_of(controller) == state_of(twin)).all()


@pytest.mark.parametrize("discretization", BOTH)
def test_fade_comes_to_rest_without_a_jump(discretization: Discretization) -> None:
    controller = AdmittanceController(SPRING, RATE, wide(discretization=discretization))
    run(controller, [20.0] * 3 + [0.3] * 3, 10 + HOLD)
    offset, velocity = controller.offset, controller.velocity
    for _ in range(HOLD):
        controller.step([nan] * 6)
    offset, velocity = controller.offset, controller.velocity
    assert (np.abs(velocity) > 1e-3).all()
    for _ in range(STOP - HOLD):
        velocity = velocity * exp(-PERIOD / 0.1)
        offset = offset + PERIOD * velocity
        commanded, faults = controller.step([nan] * 6)
        np.testing.assert_allclose(commanded, offset, rtol=1e-12)
        assert faults == Fault.INVALID_INPUT
    np.testing.assert_allclose(controller.velocity, velocity, rtol=1e-12)
    assert controller.step([nan] * 6)[0] == controller.offset.tolist()
    assert controller.offset == pytest.approx(offset, rel=1e-12)


def test_stop_latches_and_stands_still_until_a_reset() -> None:
    controller = AdmittanceController(SPRING, RATE)
    run(controller, [1.0] * 3 + [0.02] * 3, 10)
    flags = [controller.step(None)[1] for _ in range(STOP + 5)]  # type: ignore[arg-type]
    assert flags[:STOP] == [Fault.INVALID_INPUT] * STOP
    assert flags[STOP:] == [Fault.INVALID_INPUT | Fault.STOPPED] * 5
    where = controller.offset.tolist()
    for _ in range(300):  # good wrenches again, for longer than anything above
        assert controller.step([1.0] * 3 + [0.02] * 3) == (where, Fault.STOPPED)
        assert controller.velocity.tolist() == ZERO
    controller.reset(where)
    offset, faults = controller.step([1.0] * 3 + [0.02] * 3)
    assert faults is Fault.NONE and offset != where


@pytest.mark.parametrize("safe", [ZERO, [1.0, -2.0, 3.0, 0.1, -0.2, 0.3]], ids=["zero", "not zero"])
@pytest.mark.parametrize("fading", [5, 10, 40])
def test_the_reference_fades_to_the_safe_one_and_in_again(safe: list[float], fading: int) -> None:
    controller = free(safety=SafetyConfig(safe_reference=safe))
    controller.step(ZERO)
    for _ in range(HOLD + fading):
        controller.step([nan] * 6)
    share, wanted = max(0.0, 1.0 - fading * PERIOD / 0.1), np.array([4.0, 4.0, -4.0, 0.2, 0.2, 0.2])
    for _ in range(25):
        share = min(1.0, share + PERIOD / 0.1)
        felt = drive_of(controller, ZERO, wanted.tolist())
        np.testing.assert_allclose(felt, -(safe + share * (wanted - safe)), atol=1e-9)
    assert share == 1.0


def test_a_short_outage_leaves_the_reference_alone() -> None:
    controller = free()
    controller.step(ZERO)
    for _ in range(HOLD):
        controller.step([nan] * 6)
    np.testing.assert_allclose(drive_of(controller, ZERO, [1.0] * 6), [-1.0] * 6, atol=1e-9)


def test_a_single_lost_sample_does_not_use_up_the_patience() -> None:
    controller = AdmittanceController(SPRING, RATE)
    for step in range(10 * STOP):
        _, faults = controller.step([1.0] * 6 if step % 3 == 0 else [nan] * 6)
        assert Fault.STOPPED not in faults


@pytest.mark.parametrize("how", MISSING)
def test_without_a_first_sample_nothing_moves(how: str) -> None:
    bad, when, fault = MISSING[how]
    controller = AdmittanceController(SPRING, RATE)
    start = [1e-3, 2e-3, -0.01, 0.01, 0.02, 0.03]
    controller.reset(start)
    for step in range(2 * STOP):
        timing = {name: value + step * PERIOD for name, value in when.items()}
        offset, faults = controller.step(bad, [10.0] * 6, **timing)
        assert offset == start and fault in faults
    assert Fault.STOPPED in faults


@pytest.mark.parametrize("outage", [1, 3, HOLD, HOLD + 1, 20, STOP, 3 * STOP])
@pytest.mark.parametrize("began", [30, 62, 66, 80, 1500])  # approaching, around the impact, settled
def test_in_contact_an_outage_never_pushes_harder(outage: int, began: int) -> None:
    """A missing wrench that counted as zero would drive the tool into the wall for as long as it lasts.

    The margin is the way that the tool makes before it rests, at the speed it had or, if higher, at the
    speed with which it pushes through nothing but its damper: speed times (hold + fade), on the wall's
    stiffness. At rest in contact it is nil.
    """
    push, wall, stiffness = 12.0, -0.005, 2e4
    law = ComplianceLaw.from_diagonals(LAW.mass.diagonal(), LAW.damping.diagonal(), ZERO)
    controller, force = AdmittanceController(law, RATE), 0.0

    def loop(reading: float | None) -> float:
        wrench = None if reading is None else along(2, reading)
        offset, _ = controller.step(wrench, along(2, push))  # type: ignore[arg-type]
        return max(0.0, stiffness * (wall - offset[2]))

    for _ in range(began):
        force = loop(force)
    before, speed = force, abs(controller.velocity[2])
    drive = abs(push - before) / 800.0
    settled = began == 1500
    margin = 1e-6 if settled else stiffness * max(speed, drive) * (0.02 + 0.1 + PERIOD)
    peak = max(loop(None) for _ in range(outage))
    assert peak <= before + margin
    # When the wrench is back, the push comes back and no more than it.
    force = peak
    later = []
    for _ in range(400):
        later.append(force := loop(force))
    assert max(later) <= max(peak, push * 1.1)
    if outage <= STOP:
        assert later[-1] == pytest.approx(push, rel=1e-3)


# --------------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("times", "late"),
    [
        ([0.0, 0.005, 0.010, 0.015], [False] * 4),
        ([7.0, 7.0051, 7.0099, 7.015], [False] * 4),
        ([0.0, 0.0074, 0.0124], [False, False, False]),
        ([0.0, 0.0076, 0.0126], [False, True, False]),
        ([0.0, 0.0024, 0.0074], [False, True, False]),
        ([0.0, 0.005, 0.015, 0.020], [False, False, True, False]),
        ([0.0, 0.005, 0.005, 0.010], [False, False, True, False]),
        ([1.0, 0.5, 0.505], [False, True, False]),
        ([nan, 1.0, 1.005], [True, False, False]),
        ([0.0, inf, 0.005 + 0.005], [False, True, True]),  # ten milliseconds since the last known time
    ],
)
def test_steps_that_come_early_late_or_out_of_order_are_flagged(times: list[float], late: list[bool]) -> None:
    controller = AdmittanceController(LAW, RATE)
    flags = [controller.step(ZERO, time=time)[1] for time in times]
    assert flags == [Fault.TIMING if flag else Fault.NONE for flag in late]


def test_the_share_of_jitter_is_configurable() -> None:
    for jitter, flag in ((0.1, Fault.TIMING), (0.3, Fault.NONE)):
        controller = AdmittanceController(LAW, RATE, AdmittanceConfig(safety=SafetyConfig(jitter=jitter)))
        controller.step(ZERO, time=0.0)
        assert controller.step(ZERO, time=0.006)[1] == flag


def test_a_late_step_still_uses_its_wrench() -> None:
    controller, twin = AdmittanceController(LAW, RATE), AdmittanceController(LAW, RATE)
    for time in (0.0, 0.1):
        offset, _ = controller.step([1.0] * 6, time=time)
        assert offset == twin.step([1.0] * 6)[0]


@pytest.mark.parametrize(
    ("stamp", "stale"),
    [(1.0, False), (0.9801, False), (0.9799, True), (0.0, True), (1.0049, False), (1.0051, True), (9.0, True),
     (nan, True), (inf, True), (-inf, True), (None, False)],
)  # fmt: skip
def test_a_wrench_is_stale_beyond_its_age_and_from_the_future(stamp: float | None, stale: bool) -> None:
    offset, faults = AdmittanceController(LAW, RATE).step([1.0] * 6, time=1.0, stamp=stamp)
    assert faults == (Fault.STALE_WRENCH if stale else Fault.NONE)
    assert (offset == ZERO) == stale


def test_a_stamp_without_a_time_cannot_be_judged() -> None:
    for time in (None, nan):
        offset, faults = AdmittanceController(LAW, RATE).step([1.0] * 6, time=time, stamp=1.0)
        assert faults == Fault.STALE_WRENCH | Fault.TIMING and offset == ZERO


@pytest.mark.parametrize(
    "value", ["now", [1.0], 10**400, 1j, object()], ids=lambda value: type(value).__name__
)
def test_a_time_or_stamp_that_is_no_number_does_not_raise(value: Any) -> None:
    assert AdmittanceController(LAW, RATE).step(ZERO, time=value) == (ZERO, Fault.TIMING)
    assert AdmittanceController(LAW, RATE).step(ZERO, time=1.0, stamp=value) == (ZERO, Fault.STALE_WRENCH)


# --------------------------------------------------------------------------- one scenario for each flag


def _invalid() -> tuple[list[float], Fault]:
    return AdmittanceController(LAW, RATE).step([nan] * 6)


def _invalid_reference() -> tuple[list[float], Fault]:
    return AdmittanceController(LAW, RATE).step(ZERO, [nan] * 6)


def _stale() -> tuple[list[float], Fault]:
    return AdmittanceController(LAW, RATE).step(ZERO, time=1.0, stamp=0.9)


def _timing() -> tuple[list[float], Fault]:
    controller = AdmittanceController(LAW, RATE)
    controller.step(ZERO, time=1.0)
    return controller.step(ZERO, time=1.01)


def _wrench_limit() -> tuple[list[float], Fault]:
    return AdmittanceController(LAW, RATE).step(along(0, 101.0))


def _reference_limit() -> tuple[list[float], Fault]:
    return AdmittanceController(LAW, RATE).step(ZERO, along(0, 15.1))


def _offset_limit() -> tuple[list[float], Fault]:
    controller = AdmittanceController(LAW, RATE)
    controller.reset(along(1, -0.004))
    return controller.step(along(1, -1.0))


def _speed_limit() -> tuple[list[float], Fault]:
    controller = AdmittanceController(LAW, RATE, AdmittanceConfig(speed_limit=[1e-3] * 6))
    return controller.step(along(0, 10.0))


def _unstable_gains() -> tuple[list[float], Fault]:
    controller = AdmittanceController(LAW, RATE, contact=ContactConfig([1e4] * 3 + [10.0] * 3, delay=0.01))
    assert not controller.request(ComplianceLaw(LAW.mass, 0.01 * LAW.damping, LAW.stiffness))
    return controller.step(ZERO)


def _gains_without_energy() -> tuple[list[float], Fault]:
    controller = AdmittanceController(SPRING, RATE)
    controller.reset(along(0, 3e-3))
    assert controller.request(ComplianceLaw(SPRING.mass, SPRING.damping, 4.0 * SPRING.stiffness))
    return controller.step(along(0, 1.5))


def _expired_gains() -> tuple[list[float], Fault]:
    controller = AdmittanceController(LAW, RATE, AdmittanceConfig(gains=GainConfig(timeout=0.05)))
    controller.request(ComplianceLaw(LAW.mass, 1.1 * LAW.damping, LAW.stiffness))
    for _ in range(10):
        assert controller.step(ZERO)[1] is Fault.NONE
    return controller.step(ZERO)


def _stopped() -> tuple[list[float], Fault]:
    controller = AdmittanceController(LAW, RATE)
    for _ in range(STOP + 1):
        controller.step([nan] * 6)
    return controller.step(ZERO)


SCENARIOS: list[tuple[Callable[[], tuple[list[float], Fault]], Fault]] = [
    (_invalid, Fault.INVALID_INPUT),
    (_invalid_reference, Fault.INVALID_INPUT),
    (_stale, Fault.STALE_WRENCH),
    (_timing, Fault.TIMING),
    (_wrench_limit, Fault.WRENCH_LIMIT),
    (_reference_limit, Fault.REFERENCE_LIMIT),
    (_offset_limit, Fault.OFFSET_LIMIT),
    (_speed_limit, Fault.SPEED_LIMIT),
    (_unstable_gains, Fault.GAIN_REJECTED),
    (_gains_without_energy, Fault.GAIN_REJECTED),
    (_expired_gains, Fault.GAIN_EXPIRED),
    (_stopped, Fault.STOPPED),
]


@pytest.mark.parametrize(("scenario", "flag"), SCENARIOS)
def test_exactly_this_flag(scenario: Callable[[], tuple[list[float], Fault]], flag: Fault) -> None:
    offset, faults = scenario()
    assert faults == flag and isinstance(faults, Fault)
    assert str(faults) == flag.name
    assert np.isfinite(offset).all()


def test_every_flag_has_a_scenario() -> None:
    assert {flag for _, flag in SCENARIOS} == set(Fault)
    assert str(Fault.NONE) == "NONE"


@pytest.mark.parametrize("discretization", BOTH)
def test_normal_operation_raises_no_flag(discretization: Discretization) -> None:
    config = AdmittanceConfig(discretization=discretization, cutoff=30.0, deadband=[0.2] * 3 + [0.005] * 3)
    controller = AdmittanceController(SPRING, RATE, config, ContactConfig([1e4] * 3 + [10.0] * 3))
    rng, time = np.random.default_rng(1), 10.0
    for step in range(1000):
        wrench = [0.8 * sin(0.02 * step), 0.5, -2.0, 0.01, 0.02 * cos(0.01 * step), 0.0]
        time += PERIOD * (1.0 + 0.2 * rng.uniform(-1.0, 1.0))
        if step % 100 == 50:  # softer and back: nothing to pay for
            controller.request(ComplianceLaw(SPRING.mass, SPRING.damping, SPRING.stiffness * 0.8))
        _, faults = controller.step(wrench, along(2, 3.0), time, time - 0.003)
        assert faults is Fault.NONE


# --------------------------------------------------------------------------- malformed input

MALFORMED: dict[str, Any] = {
    "None": None, "a number": 3.0, "an integer": 7, "a string": "abcdef", "digits": "123456", "empty": [],
    "five": [0.0] * 5, "seven": [0.0] * 7, "six None": [None] * 6, "six strings": ["1.0"] * 6,
    "one string": [0.0, 0.0, "0", 0.0, 0.0, 0.0], "nested": [[0.0]] * 6, "a dict": {}, "complex": [1j] * 6,
    "six objects": [object()] * 6, "huge integers": [10**400] * 6, "one huge integer": [10**400] + [0.0] * 5,
    "decimals": [Decimal("1.0")] * 6, "array of five": np.zeros(5), "column": np.zeros((6, 1)),
    "scalar array": np.array(1.0), "array of None": np.array([None] * 6),
    "array of strings": np.array(["1"] * 6),
    "not a number": [nan] * 6, "one not a number": [0.0] * 5 + [nan], "infinite": [inf] * 6,
    "infinite both ways": [inf, -inf, 0.0, 0.0, 0.0, 0.0], "array not a number": np.full(6, nan),
    "float32 infinite": np.full(6, inf, dtype=np.float32), "six arrays": [np.array([1.0])] * 6, "type": float,
}  # fmt: skip


@pytest.mark.parametrize("what", MALFORMED)
@pytest.mark.parametrize("features", [{}, {"cutoff": 20.0, "deadband": [0.1] * 6}], ids=["plain", "filtered"])
def test_malformed_input_is_flagged_and_not_used(what: str, features: dict[str, Any]) -> None:
    value = MALFORMED[what]
    for arguments in ((value, ZERO), ([1.0] * 6, value)):
        controller = AdmittanceController(SPRING, RATE, AdmittanceConfig(**features))
        assert controller.step(*arguments) == (ZERO, Fault.INVALID_INPUT)
        controller.step([0.5] * 6)
        offset, faults = controller.step(*arguments)
        assert faults == Fault.INVALID_INPUT and np.isfinite(offset).all()


def test_a_generator_does_not_raise() -> None:
    controller = AdmittanceController(SPRING, RATE)
    offset, _ = controller.step(1.0 for _ in SIX)  # type: ignore[arg-type]
    assert np.isfinite(offset).all()


@pytest.mark.parametrize(
    "kind",
    [
        tuple,
        np.array,
        lambda values: np.array(values, dtype=np.float32),
        lambda values: [np.float32(value) for value in values],
        lambda values: [np.float64(value) for value in values],
        lambda values: np.array([values, values]).T[:, 0],
    ],
    ids=["tuple", "array", "float32 array", "float32 list", "float64 list", "strided"],
)
def test_any_six_numbers_are_a_wrench(kind: Any) -> None:
    config = AdmittanceConfig(cutoff=20.0, deadband=[0.25] * 6)
    controller, twin = AdmittanceController(SPRING, RATE, config), AdmittanceController(SPRING, RATE, config)
    for scale in (1.0, 0.5, 2.0, 1000.0):
        wrench = [0.5 * scale, -1.0 * scale, 2.0 * scale, 0.25, 0.5, -0.75]
        offset, faults = controller.step(kind(wrench), kind([1.0, 0.5, 0.0, 0.25, 0.0, 0.125]))
        expected = twin.step(wrench, [1.0, 0.5, 0.0, 0.25, 0.0, 0.125])
        assert offset == pytest.approx(expected[0], rel=1e-6) and faults == expected[1]
        assert all(type(value) is float for value in offset)


def test_integers_are_numbers() -> None:
    controller, twin = AdmittanceController(SPRING, RATE), AdmittanceController(SPRING, RATE)
    assert controller.step([1, -2, 3, 0, 0, 0], [0, 1, 0, 0, 0, 0]) == twin.step(
        [1.0, -2.0, 3.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    )


def test_six_finite_numbers_are_cut_however_large() -> None:
    offset, faults = AdmittanceController(SPRING, RATE).step([1e308] * 6)
    assert Fault.WRENCH_LIMIT in faults and Fault.INVALID_INPUT not in faults
    assert min(offset) > 0.0


# --------------------------------------------------------------------------- what engineers complain about


def test_complaint_gains_that_change_do_not_make_the_command_jump() -> None:
    """Elsewhere a new stiffness acts at once on a loaded spring and the arm kicks."""
    config = AdmittanceConfig(gains=GainConfig(tank=None))
    controller, twin = AdmittanceController(SPRING, RATE, config), AdmittanceController(SPRING, RATE, config)
    wrench = [1.5, -1.5, 10.0, 0.2, -0.2, 0.2]
    for one in (controller, twin):
        run(one, wrench, 2000)
    state = state_of(controller)
    stiffer = ComplianceLaw(SPRING.mass, SPRING.damping, 8.0 * SPRING.stiffness)
    assert controller.request(stiffer)
    assert (state_of(controller) == state).all()
    # In its first step the stiffness may only change by rate times period.
    most = PERIOD**3 * np.array(config.gains.stiffness_rate) * np.abs(state[:6]) / SPRING.mass.diagonal()
    gap = np.abs(np.subtract(controller.step(wrench)[0], twin.step(wrench)[0]))
    assert (gap <= most + 1e-15).all() and (gap > 0.0).all()
    before, jerks = controller.velocity, []
    for _ in range(300):
        controller.step(wrench)
        jerks.append(np.abs(controller.velocity - before).max())
        before = controller.velocity
    assert controller.law is stiffer
    abrupt = AdmittanceController(stiffer, RATE, config)
    abrupt.reset(state[:6])
    abrupt.step(wrench)
    assert max(jerks) < 0.7 * np.abs(abrupt.velocity).max()


def test_complaint_blocked_against_its_limit_it_gains_no_energy() -> None:
    """Nothing moves, so no work is done and nothing is dissipated: the tank must not fill."""
    controller = AdmittanceController(SPRING, RATE, AdmittanceConfig(gains=GainConfig(tank=50.0)))
    run(controller, along(0, 90.0), 100)
    assert controller.offset[0] == 0.004
    before = controller.energy
    run(controller, along(0, 90.0), 100)
    assert controller.energy == pytest.approx(before, abs=1e-12)


@pytest.mark.parametrize("discretization", BOTH)
def test_complaint_blocked_and_reversed_it_moves_at_once(discretization: Discretization) -> None:
    """Elsewhere the integrator runs on behind a limit and has to come all the way back first."""
    config = AdmittanceConfig(discretization=discretization, speed_limit=[0.02] * 3 + [0.2] * 3)
    for blocked in (10, 1000):
        controller = AdmittanceController(LAW, RATE, config)
        controller.reset([0.004, -0.004, 0.04, 0.0873, -0.0873, 0.0873])
        push = np.array([90.0, -90.0, 90.0, 9.0, -9.0, 9.0])
        run(controller, push, blocked)
        before = controller.offset
        assert (np.abs(before) == config.offset_limit).all()
        assert (np.sign(push) * (np.array(controller.step(-push)[0]) - before) < 0.0).all()


def test_complaint_not_a_number_does_not_poison_the_loop() -> None:
    """Elsewhere one NaN from the sensor stays in the filter and in the integrator for good."""
    config = AdmittanceConfig(cutoff=30.0, deadband=[0.1] * 6)
    law, stiffness, push = ComplianceLaw(LAW.mass, LAW.damping, np.zeros((6, 6))), 2e4, 6.0
    forces = []
    for every in (0, 7):
        controller, force = AdmittanceController(law, RATE, config), 0.0
        for step in range(2000):
            reading = along(2, force)
            if every and step % every == 3:
                reading[step % 6] = (nan, inf, -inf)[step % 3]
            offset, _ = controller.step(reading, along(2, push))
            assert np.isfinite(offset).all() and np.isfinite(controller.velocity).all()
            force = max(0.0, stiffness * (-0.005 - offset[2]))
        forces.append(force)
    assert forces == pytest.approx([push + 0.1] * 2, rel=1e-4)


def test_the_law_in_force_can_be_read_while_an_asymmetric_one_changes() -> None:
    stiffness = SPRING.stiffness.copy()
    stiffness[0, 1] = 100.0
    config = AdmittanceConfig(gains=GainConfig(tank=None))
    law = ComplianceLaw(SPRING.mass, SPRING.damping, stiffness, asymmetric_stiffness=True)
    controller = AdmittanceController(law, RATE, config)
    controller.request(ComplianceLaw(SPRING.mass, SPRING.damping, 3.0 * stiffness, asymmetric_stiffness=True))
    controller.step(ZERO)
    assert 100.0 < controller.law.stiffness[0, 1] < 300.0


# --------------------------------------------------------------------------- construction


@pytest.mark.parametrize("rate", [0.0, -200.0, nan, inf, -inf, None, "200", [200.0]])
def test_a_rate_that_is_not_positive_is_refused(rate: Any) -> None:
    with pytest.raises(ValueError, match="rate must be > 0 Hz, got "):
        AdmittanceController(LAW, rate)


@pytest.mark.parametrize("cutoff", [100.0, 1000.0])
def test_a_cutoff_at_or_above_nyquist_is_refused_with_the_bound(cutoff: float) -> None:
    message = (
        rf"AdmittanceConfig\.cutoff must be > 0 Hz and below the Nyquist frequency 100 Hz .*got {cutoff} Hz"
    )
    with pytest.raises(ValueError, match=message):
        AdmittanceController(LAW, RATE, AdmittanceConfig(cutoff=cutoff))
    assert AdmittanceController(LAW, RATE, AdmittanceConfig(cutoff=99.9)).step(ZERO) == (ZERO, Fault.NONE)


def test_a_law_that_is_unstable_in_the_stated_contact_is_refused() -> None:
    soft = ComplianceLaw(LAW.mass, 0.01 * LAW.damping, LAW.stiffness)
    contact = ContactConfig([5e3] * 3 + [10.0] * 3, delay=0.01)
    with pytest.raises(
        ValueError, match=r"unstable against contact stiffness\[x\] = 5000 .*largest stable value is"
    ):
        AdmittanceController(soft, RATE, contact=contact)
    controller = AdmittanceController(LAW, RATE, contact=contact)
    run(controller, [1.0] * 6, 3)
    before = state_of(controller)
    with pytest.raises(ValueError, match="unstable"):
        controller.reset(law=soft)
    assert controller.law is LAW and (state_of(controller) == before).all()


VECTORS = ("deadband", "wrench_limit", "reference_limit", "offset_limit", "speed_limit")


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0] * 5, r" must be six numbers x y z rx ry rz {bound}, got \[1.0, 1.0, 1.0, 1.0, 1.0\]"),
        ([1.0] * 7, r" must be six numbers x y z rx ry rz {bound}, got \["),
        ([], r" must be six numbers x y z rx ry rz {bound}, got \[\]"),
        ([1.0, 1.0, 1.0, 1.0, nan, 1.0], r"\[ry\] must be {bound}, got nan"),
        ([1.0, 1.0, inf, 1.0, 1.0, 1.0], r"\[z\] must be {bound}, got inf"),
        ([-0.5, 1.0, 1.0, 1.0, 1.0, 1.0], r"\[x\] must be {bound}, got -0.5"),
        (1.0, r" must be six numbers .*got 1.0"),
        (None, r" must be six numbers .*got None"),
        ("abcdef", r".* must be .*got "),
        ([None] * 6, r"\[x\] must be .*got None"),
    ],
)
def test_vectors_of_the_configuration_are_refused_by_name(name: str, value: Any, message: str) -> None:
    bound = ">= 0" if name == "deadband" else "> 0"
    with pytest.raises(ValueError, match=rf"AdmittanceConfig\.{name}" + message.replace("{bound}", bound)):
        AdmittanceConfig(**{name: value})


@pytest.mark.parametrize("name", VECTORS)
def test_a_limit_of_zero_is_refused_and_a_deadband_of_zero_is_none(name: str) -> None:
    if name == "deadband":
        assert AdmittanceConfig(deadband=ZERO).deadband == ZERO
        return
    with pytest.raises(ValueError, match=rf"AdmittanceConfig\.{name}\[rz\] must be > 0, got 0.0"):
        AdmittanceConfig(**{name: [1.0] * 5 + [0.0]})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("owner", "arguments", "message"),
    [
        (AdmittanceConfig, {"discretization": "euler"}, ".* Discretization .*implicit_euler.*got 'euler'"),
        (AdmittanceConfig, {"discretization": None}, ".*got None"),
        (AdmittanceConfig, {"cutoff": 0.0}, " must be > 0.*, got 0.0"),
        (AdmittanceConfig, {"cutoff": -5.0}, " must be > 0.*, got -5.0"),
        (AdmittanceConfig, {"cutoff": nan}, " must be > 0.*, got nan"),
        (AdmittanceConfig, {"cutoff": inf}, " must be > 0.*, got inf"),
        (AdmittanceConfig, {"wrench_limit": [100.0] * 5 + [0.4]}, r"\[rz\] must be >= .* = 0.5, got 0.4"),
        (AdmittanceConfig, {"selected_axes": [False] * 6}, " selects no axis"),
        (AdmittanceConfig, {"selected_axes": [True] * 5}, r" must be six booleans .*got \[True"),
        (AdmittanceConfig, {"selected_axes": [1] * 6}, r" must be six booleans .*got \[1, 1"),
        (AdmittanceConfig, {"selected_axes": ["x"] * 6}, r" must be six booleans .*got \['x'"),
        (AdmittanceConfig, {"selected_axes": None}, " must be six booleans .*got None"),
        (SafetyConfig, {"max_age": 0.0}, " must be > 0, got 0.0"),
        (SafetyConfig, {"max_age": None}, " must be > 0, got None"),
        (SafetyConfig, {"jitter": -0.1}, " must be > 0, got -0.1"),
        (SafetyConfig, {"fade": nan}, " must be > 0, got nan"),
        (SafetyConfig, {"stop": inf}, " must be > 0, got inf"),
        (SafetyConfig, {"hold": -0.01}, " must be >= 0, got -0.01"),
        (SafetyConfig, {"stop": 0.01}, " must be >= hold = 0.02 s, got 0.01"),
        (SafetyConfig, {"safe_reference": [0.0] * 5}, r" must be six finite numbers, got \[0.0, "),
        (SafetyConfig, {"safe_reference": [0.0] * 5 + [nan]}, " must be six finite numbers, got .*nan"),
        (SafetyConfig, {"safe_reference": 0.0}, " must be six finite numbers, got 0.0"),
        (GainConfig, {"damping_rate": [1.0] * 5}, " must be six numbers .*> 0, got"),
        (GainConfig, {"stiffness_rate": [0.0] + [1.0] * 5}, r"\[x\] must be > 0, got 0.0"),
        (GainConfig, {"damping_rate": [1.0] * 5 + [inf]}, r"\[rz\] must be > 0, got inf"),
        (GainConfig, {"timeout": 0.0}, " must be > 0, got 0.0"),
        (GainConfig, {"timeout": nan}, " must be > 0, got nan"),
        (GainConfig, {"tank": -1.0}, " must be > 0, got -1.0"),
        (ContactConfig, {"stiffness": [1e4] * 5}, " must be six numbers .*>= 0, got"),
        (ContactConfig, {"stiffness": [1e4] * 5 + [-1.0]}, r"\[rz\] must be >= 0, got -1.0"),
        (ContactConfig, {"stiffness": [1e4, nan] + [1.0] * 4}, r"\[y\] must be >= 0, got nan"),
        (ContactConfig, {"stiffness": 1e4}, " must be six numbers .*got 10000.0"),
        (ContactConfig, {"delay": -1e-3, "stiffness": ZERO}, " must be >= 0, got -0.001"),
        (ContactConfig, {"lag": nan, "stiffness": ZERO}, " must be >= 0, got nan"),
        (ContactConfig, {"sensor_cutoff": 0.0, "stiffness": ZERO}, " must be > 0 Hz, got 0.0"),
        (ContactConfig, {"sensor_cutoff": nan, "stiffness": ZERO}, " must be > 0 Hz, got nan"),
    ],
)
def test_refusals_name_parameter_value_and_bound(owner: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"{owner.__name__}\.{next(iter(arguments))}" + message):
        owner(**arguments)


def test_a_safe_reference_beyond_the_reference_limit_is_refused() -> None:
    safety = SafetyConfig(safe_reference=[0.0, 0.0, 15.1, 0.0, 0.0, 0.0])
    with pytest.raises(
        ValueError, match=r"safe_reference\[z\] must be within .*15.0 .*reference_limit.*15.1"
    ):
        AdmittanceConfig(safety=safety)


@pytest.mark.parametrize(
    "build", [AdmittanceConfig, SafetyConfig, GainConfig, lambda **k: ContactConfig([1.0] * 6, **k)]
)
def test_unknown_parameters_are_refused(build: Any) -> None:
    with pytest.raises(TypeError, match="stifness"):
        build(stifness=[1.0] * 6)


def test_controllers_do_not_share_their_default_configuration() -> None:
    first, second = AdmittanceController(LAW, RATE), AdmittanceController(LAW, RATE)
    assert first.config is not second.config
    assert first.config.offset_limit is not second.config.offset_limit
