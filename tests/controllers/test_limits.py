"""What bounds the step: limits, filter, and what robot engineers complain about elsewhere."""

from math import cos, exp, inf, nan, pi, sin
from typing import Any

import numpy as np
import pytest
from loop import (
    BOTH,
    COUPLED,
    LAW,
    PERIOD,
    RATE,
    SIX,
    SPRING,
    ZERO,
    along,
    drive_of,
    free,
    run,
    state_of,
    wide,
)

from assembly_rl.controllers import (
    AdmittanceConfig,
    AdmittanceController,
    ComplianceLaw,
    Discretization,
    Fault,
    GainConfig,
)

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
