"""Robots that move linearly to their command, and laws that are given the damping that a contact needs."""

from collections import deque
from math import ceil, log10, pi

import numpy as np
import pytest
from loop import WIDEST

from assembly_rl.controllers import (
    AdmittanceConfig,
    AdmittanceController,
    ComplianceLaw,
    ContactConfig,
    max_contact_stiffness,
    stabilized,
)
from assembly_rl.controllers.contact_loop import ContactLoop, rounded_up
from assembly_rl.controllers.se3 import quat_exp

RATE = 200.0
SERVO = [3e4] * 3 + [500.0] * 3
SLOW = {"delay": 0.01, "lag": 0.04, "sensor_cutoff": 40.0, "lead": 0.007}
DAMPING = [150.0, 450.0, 800.0, 1.0, 7.0, 5.0]
LAW = ComplianceLaw.from_diagonals([2.0] * 3 + [0.03] * 3, DAMPING, [0.0, 0.0, 300.0, 3.0, 3.0, 3.0])


def growth(stiffness: float, delay: int, lag: float, cutoff: float | None, lead: float) -> float:
    """By what a wrench along x grows from the second third of the time to the last.

    The real controller; robot, spring and sensor are integrated here, in small steps.
    """
    controller = AdmittanceController(LAW, RATE, AdmittanceConfig(**WIDEST))
    substeps = 500
    h = 1.0 / (RATE * substeps)
    offset = 1e-60
    controller.reset([offset, 0.0, 0.0, 0.0, 0.0, 0.0])
    robot = sensor = offset
    pipe, wrenches = deque([-stiffness * offset] * (delay + 1)), []
    for _ in range(900):
        before = offset
        values, _ = controller.step([pipe.popleft(), 0.0, 0.0, 0.0, 0.0, 0.0])
        offset = values[0]
        slope = (offset - before) * RATE
        for number in range(substeps):
            command = before + slope * h * (number + 1)
            speed = (command - robot) / lag if lag else slope
            robot = robot + h * speed if lag else command
            felt = robot + lead * speed
            sensor = sensor + h * 2.0 * pi * cutoff * (felt - sensor) if cutoff else felt
        pipe.append(-stiffness * sensor)
        wrenches.append(pipe[0])
    jitter = np.diff(wrenches)
    return float(np.linalg.norm(jitter[600:]) / np.linalg.norm(jitter[300:600]))


@pytest.mark.parametrize(
    ("delay", "lag", "cutoff", "lead"),
    [
        (0, 0.0, None, 0.003),
        (1, 0.0, 40.0, 0.007),
        (0, 0.02, None, 0.007),
        (2, 0.04, 40.0, 0.007),
        (2, 0.04, 40.0, 0.0),
    ],
)
def test_a_command_that_is_reached_linearly(
    delay: int, lag: float, cutoff: float | None, lead: float
) -> None:
    bound = max_contact_stiffness(LAW, RATE, delay=delay / RATE, lag=lag, sensor_cutoff=cutoff, lead=lead)[0]
    assert growth(0.95 * bound, delay, lag, cutoff, lead) < 0.99
    assert growth(1.05 * bound, delay, lag, cutoff, lead) > 1.01


def test_a_lead_of_a_servo_pays_for_its_lag() -> None:
    slow = max_contact_stiffness(LAW, RATE, lag=0.02, lead=0.0)
    assert (max_contact_stiffness(LAW, RATE, lag=0.02, lead=0.01) > 1.5 * slow).all()


@pytest.mark.parametrize(
    "change", [{}, {"delay": 0.0}, {"lag": 0.1, "lead": None}, {"stiffness": [1e5] * 3 + [2e3] * 3}]
)
def test_the_damping_that_holds_is_the_least(change: dict) -> None:
    contact = ContactConfig(**({"stiffness": SERVO} | SLOW | change))
    assert not ContactLoop(LAW, RATE, contact).is_stable()
    law = stabilized(LAW, RATE, contact)
    assert ContactLoop(law, RATE, contact).is_stable()
    np.testing.assert_array_equal(law.mass, LAW.mass)
    np.testing.assert_array_equal(law.stiffness, LAW.stiffness)
    raised = 0
    for axis, damping in enumerate(np.diag(law.damping)):
        if damping == DAMPING[axis]:
            continue
        raised += 1
        assert damping > DAMPING[axis]
        less = np.diag(law.damping).copy()
        less[axis] *= 0.99
        loop = ContactLoop(ComplianceLaw(law.mass, np.diag(less), law.stiffness), RATE, contact)
        assert not loop.is_stable()
    assert raised


def test_only_axes_that_need_it_are_damped() -> None:
    held = np.diag(stabilized(LAW, RATE, ContactConfig(SERVO, **SLOW)).damping)
    assert (held[[1, 2, 4]] == [450.0, 800.0, 7.0]).all()
    still = (False, True, True, False, True, False)  # the axes that need it do not move
    assert stabilized(LAW, RATE, ContactConfig(SERVO, **SLOW), selected_axes=still) is LAW


def test_a_stable_law_comes_back_unchanged() -> None:
    assert stabilized(LAW, RATE, ContactConfig(SERVO, sensor_cutoff=40.0)) is LAW


def test_a_law_without_damping_gets_some() -> None:
    bare = ComplianceLaw.from_diagonals([2.0] * 3 + [0.03] * 3, [0.0] * 6, [1e3] * 3 + [10.0] * 3)
    contact = ContactConfig([1e3] * 3 + [10.0] * 3, lag=0.05)
    assert ContactLoop(stabilized(bare, RATE, contact), RATE, contact).is_stable()


def test_what_cannot_be_damped_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"no damping\[rx\] up to 100000 .* stiffness\[rx\] = 1e\+08"):
        stabilized(LAW, RATE, ContactConfig([1e3] * 3 + [1e8, 1.0, 1.0], delay=0.2))
    turned = LAW.transport(((0.0, 0.0, 0.05), quat_exp((0.1, 0.2, 0.0))), "elsewhere")
    with pytest.raises(ValueError, match="couples axes"):
        stabilized(turned, RATE, ContactConfig(SERVO, **SLOW))


def test_advice_names_axes_bounds_and_a_damping_that_holds() -> None:
    contact = ContactConfig(SERVO, **SLOW)
    loop = ContactLoop(LAW, RATE, contact)
    told = loop.advice()
    largest = max_contact_stiffness(LAW, RATE, **SLOW)
    assert (
        f"x 30000 (stable up to {largest[0]:.3g})" in told
        and f"rz 500 (stable up to {largest[5]:.3g})" in told
    )
    assert ", y 30000" not in told and "lag 0.04 s, lead 0.007 s" in told
    values = told.partition("damping=[")[2].partition("]")[0].split(",")
    damping = [float(value) for value in values]
    assert damping[1:3] == DAMPING[1:3]
    raised = ComplianceLaw(LAW.mass, np.diag(damping), LAW.stiffness)
    assert loop.of(raised).advice() == ""
    turned = LAW.transport(((0.0, 0.0, 0.05), quat_exp((0.1, 0.2, 0.0))), "elsewhere")
    assert "couples axes" in loop.of(turned).advice()


def test_rounding_goes_up_to_two_digits() -> None:
    for value in (0.0123, 1.0, 6.46, 6.5, 99.5, 402.0, 410.0, 1001.0):
        up = rounded_up(value)
        assert value <= up <= value + 10.0 ** (ceil(log10(value) + 1e-12) - 2)
        assert float(f"{up:.2g}") == up
    assert (rounded_up(410.0), rounded_up(401.7), rounded_up(99.5)) == (410.0, 410.0, 100.0)
