"""Gains that change while the controller runs: no energy for free, no jumps, no surprises."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from loop import WIDEST
from scipy.linalg import expm

from assembly_rl.controllers import (
    AdmittanceConfig,
    AdmittanceController,
    ComplianceLaw,
    ContactConfig,
    Discretization,
    Fault,
    GainConfig,
)
from assembly_rl.controllers.discretization import step_matrix
from assembly_rl.controllers.se3 import quat_exp

EULER, HOLD = Discretization.implicit_euler, Discretization.zero_order_hold
BOTH = pytest.mark.parametrize("discretization", [EULER, HOLD], ids=["euler", "hold"])
RATE = 500.0
ZERO = [0.0] * 6
SOFT = ComplianceLaw.from_diagonals(
    [4.0] * 3 + [0.06] * 3, [2.0] * 3 + [0.02] * 3, [300.0, 400.0, 500.0, 3.0, 4.0, 5.0]
)
MOVE = ((0.05, -0.02, 0.1), quat_exp((0.3, -0.2, 0.4)))
WIDE: dict[str, Any] = WIDEST
FAST: dict[str, Any] = {"damping_rate": [1e6] * 6, "stiffness_rate": [1e9] * 3 + [1e8] * 3}
START = np.array([0.02, -0.015, 0.01, 0.1, 0.15, -0.12])


def stiffer(law: ComplianceLaw, factor: float) -> ComplianceLaw:
    return replace(law, stiffness=factor * law.stiffness)


def make(
    law: ComplianceLaw = SOFT,
    discretization: Discretization = EULER,
    start: np.ndarray | None = START,
    selected: tuple[bool, ...] = (True,) * 6,
    **gains: Any,
) -> AdmittanceController:
    config = AdmittanceConfig(
        discretization=discretization, selected_axes=list(selected), gains=GainConfig(**gains), **WIDE
    )
    controller = AdmittanceController(law, RATE, config)
    controller.reset(start)
    return controller


def mechanical(controller: AdmittanceController) -> float:
    """Kinetic energy and that of the spring of the law in force [J]."""
    law, x, v = controller.law, controller.offset, controller.velocity
    return float(0.5 * (v @ law.mass @ v + x @ law.stiffness @ x))


class Ledger:
    """Steps a controller and checks after each that energy and tank grew by no more than the work done."""

    def __init__(self, controller: AdmittanceController) -> None:
        self.controller = controller
        self.first = mechanical(controller) + controller.energy
        self.work = 0.0
        self.turnover = self.first

    def step(self, force: Any = ZERO, reference: Any = ZERO) -> Fault:
        controller, before = self.controller, self.controller.offset
        _, faults = controller.step(force, reference)
        work = float(np.subtract(force, reference) @ (controller.offset - before))
        self.work += work
        self.turnover += abs(work)
        total = mechanical(controller) + controller.energy
        assert total <= self.first + self.work + 1e-12 * self.turnover
        assert -1e-12 * self.turnover <= controller.energy <= controller.config.gains.tank
        return faults


def provoke(controller: AdmittanceController, low: ComplianceLaw, high: ComplianceLaw) -> None:
    """The policy that pumps a spring: stiff on the way in, soft on the way out."""
    inward = controller.offset @ low.stiffness @ controller.velocity <= 0.0
    controller.request(high if inward else low)


# ---------------------------------------------------------------------- passivity


def laws(coupled: bool) -> tuple[ComplianceLaw, ComplianceLaw]:
    low = SOFT.transport(MOVE, "moved") if coupled else SOFT
    return low, stiffer(low, 4.0)


def pump(controller: AdmittanceController, low: ComplianceLaw, high: ComplianceLaw) -> float:
    """Growth of the mechanical energy over 3 s of it; the gains end where they began."""
    assert controller.law is low
    start = mechanical(controller)
    for _ in range(1500):
        provoke(controller, low, high)
        controller.step(ZERO)
    controller.request(low)
    for _ in range(2000):
        if controller.law is low:
            break
        controller.step(ZERO)
    assert controller.law is low
    return mechanical(controller) / start


@BOTH
@pytest.mark.parametrize("coupled", [False, True])
def test_without_the_gate_the_adversary_gains_energy(discretization: Discretization, coupled: bool) -> None:
    """Implicit Euler 8.4e5 and 6.4e6 (it dissipates of itself), zero-order hold 2.2e6 and 3.7e7."""
    low, high = laws(coupled)
    assert pump(make(low, discretization, 1e-3 * START, tank=None, **FAST), low, high) > 1e5


@BOTH
@pytest.mark.parametrize("coupled", [False, True])
@pytest.mark.parametrize(
    "gains", [{"tank": 0.5, **FAST}, {"tank": 0.05, **FAST}, {}], ids=["fast", "small", "default"]
)
def test_with_the_gate_a_closed_cycle_gains_nothing(
    discretization: Discretization, coupled: bool, gains: dict
) -> None:
    low, high = laws(coupled)
    assert pump(make(low, discretization, **gains), low, high) < 1.0


@BOTH
@pytest.mark.parametrize("coupled", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_energy_and_tank_never_grow_by_more_than_the_work(
    discretization: Discretization, coupled: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    low, high = laws(coupled)
    controller = make(low, discretization, START * rng.uniform(-1.0, 1.0, 6), tank=0.2, **FAST)
    ledger = Ledger(controller)
    waited = changed = False
    scale = np.repeat([3.0, 0.1], 3)
    for step in range(600):
        provoke(controller, low, stiffer(low, rng.uniform(1.0, 6.0)))
        push = step // 150 % 2 == seed % 2  # with and without a force
        force = scale * np.sin(0.02 * step * np.arange(1, 7)) + scale * rng.standard_normal(6)
        faults = ledger.step(push * force, push * 0.3 * scale)
        waited |= bool(faults & Fault.GAIN_REJECTED)
        changed |= not np.array_equal(controller.law.stiffness, low.stiffness)
    assert waited and changed  # the gate was at work, and did not just say no


@settings(max_examples=40, deadline=None, derandomize=True, phases=[Phase.generate])
@given(
    st.sampled_from([EULER, HOLD]),
    st.booleans(),
    st.sampled_from([(True,) * 6, (True, False, True, True, False, True)]),
    st.lists(
        st.tuples(st.floats(0.0, 8.0), st.floats(0.0, 5.0), st.integers(1, 40), st.floats(-5.0, 5.0)),
        min_size=1,
        max_size=12,
    ),
)
def test_whatever_is_requested_no_energy_appears(
    discretization: Discretization, coupled: bool, selected: tuple, requests: list
) -> None:
    low, _ = laws(coupled)
    controller = make(low, discretization, START, selected, tank=0.1, stiffness_rate=[1e5] * 6)
    ledger = Ledger(controller)
    for index, (spring, damping, steps, force) in enumerate(requests):
        tilted = np.diag(np.roll([1.0, 0.5, 0.0, 2.0, 1.0, 0.3], index))
        law = ComplianceLaw(
            low.mass, damping * low.damping, spring * tilted @ low.stiffness @ tilted, low.centre
        )
        controller.request(law)
        for _ in range(steps):
            ledger.step([force, -force, 0.5 * force, 0.01 * force, 0.0, -0.02 * force])


# ---------------------------------------------------------------------- book-keeping


@pytest.mark.parametrize("selected", [(True,) * 6, (True, False, True, True, True, True)])
def test_the_tank_holds_what_the_damper_dissipated(selected: tuple[bool, ...]) -> None:
    """Zero-order hold: the integral of v^T D v over the exact motion, by Gauss-Legendre quadrature."""
    law, _ = laws(True)
    controller = make(law, HOLD, selected=selected, tank=1e3)
    free = np.flatnonzero(selected)
    block = np.ix_(free, free)
    size = len(free)
    nodes, weights = np.polynomial.legendre.leggauss(8)
    h, dissipated = 1.0 / RATE, 0.0
    for step in range(50):
        force = np.array([3.0, -2.0, 1.0, 0.1, -0.05, 0.2]) * np.cos(0.1 * step)
        rest = (force - law.stiffness @ (controller.offset * np.logical_not(selected)))[free]
        flow = np.zeros((2 * size + 1, 2 * size + 1))
        flow[:size, size : 2 * size] = np.eye(size)
        motion = np.column_stack([-law.stiffness[block], -law.damping[block], rest])
        flow[size : 2 * size] = np.linalg.solve(law.mass[block], motion)
        state = np.concatenate((controller.offset[free], controller.velocity[free], [1.0]))
        for node, weight in zip(nodes, weights, strict=True):
            v = (expm(flow * 0.5 * h * (1.0 + node)) @ state)[size : 2 * size]
            dissipated += 0.5 * h * weight * float(v @ law.damping[block] @ v)
        controller.step(force)
    assert dissipated > 1e-3
    assert controller.energy == pytest.approx(dissipated, rel=1e-9)


def test_the_tank_holds_what_implicit_euler_dissipates() -> None:
    """Damper, and what the method loses: ``(v' - v)^T M (v' - v) / 2 + h^2 v'^T K v' / 2``."""
    law, _ = laws(True)
    controller = make(law, EULER, tank=1e3)
    h, dissipated = 1.0 / RATE, 0.0
    for step in range(200):
        before = controller.velocity
        controller.step(np.array([3.0, -2.0, 1.0, 0.1, -0.05, 0.2]) * np.cos(0.1 * step))
        v = controller.velocity
        change = v - before
        dissipated += h * v @ law.damping @ v + 0.5 * change @ law.mass @ change
        dissipated += 0.5 * h * h * v @ law.stiffness @ v
    assert controller.energy == pytest.approx(dissipated, rel=1e-9)


@BOTH
def test_while_the_tank_has_room_no_energy_is_lost_either(discretization: Discretization) -> None:
    low, high = laws(True)
    controller = make(low, discretization, tank=1e3, **FAST)
    total, work, changes = mechanical(controller) + controller.energy, 0.0, 0
    for step in range(400):
        controller.request(high if step // 20 % 2 else low)
        before, law = controller.offset, controller.law
        force = np.array([3.0, -2.0, 1.0, 0.1, -0.05, 0.2]) * np.cos(0.1 * step)
        controller.step(force)
        work += force @ (controller.offset - before)
        changes += controller.law is not law
    assert changes > 4
    assert mechanical(controller) + controller.energy == pytest.approx(total + work, rel=1e-10)


def test_stiffening_is_paid_and_softening_pays_back() -> None:
    controller = make(tank=10.0, **FAST)
    for _ in range(400):
        controller.step([5.0, 4.0, 3.0, 0.5, 0.4, 0.3])
    for factor in (1.5, 0.5):
        x, tank, stiffness = controller.offset, controller.energy, controller.law.stiffness
        target = stiffer(SOFT, factor)
        controller.request(target)
        controller._gains.advance(x)  # a step would put its own dissipation on top
        assert controller.law is target
        paid = 0.5 * x @ (target.stiffness - stiffness) @ x
        assert abs(paid) > 0.01
        assert controller.energy == pytest.approx(tank - paid, rel=1e-12)


def test_the_tank_holds_no_more_than_its_capacity() -> None:
    controller = make(tank=0.05, **FAST)
    levels = []
    for _ in range(600):
        controller.step([5.0] * 3 + [0.3] * 3)
        levels.append(controller.energy)
    assert max(levels) == levels[-1] == 0.05 and levels[0] < 0.05
    controller.request(stiffer(SOFT, 0.1))  # what it pays back runs over
    for _ in range(5):
        controller.step([5.0] * 3 + [0.3] * 3)
        assert controller.energy == 0.05


def test_a_spent_tank_fills_again() -> None:
    controller = make(tank=0.02, **FAST)
    while controller.energy < 0.02:
        controller.step(ZERO)
    controller.request(stiffer(SOFT, 1.1))
    while not controller.law.stiffness[0, 0] > SOFT.stiffness[0, 0]:
        controller.step(ZERO)
    spent = controller.energy
    assert spent < 0.02
    for _ in range(1000):
        controller.step(ZERO)
    assert controller.energy > spent


def test_reset_empties_the_tank_and_forgets_requests() -> None:
    controller = make(tank=0.5, timeout=0.01, **FAST)
    controller.request(replace(SOFT, damping=3.0 * SOFT.damping))
    for _ in range(20):
        _, faults = controller.step(ZERO)
    assert controller.energy > 0.0 and faults & Fault.GAIN_EXPIRED
    controller.request(stiffer(SOFT, 5.0))
    controller.reset(START)
    assert controller.energy == 0.0
    assert controller.step(ZERO)[1] == Fault.NONE
    assert controller.law is SOFT


def test_without_a_gate_the_tank_is_bottomless() -> None:
    controller = make(tank=None, **FAST)
    controller.request(stiffer(SOFT, 5.0))
    assert controller.step(ZERO)[1] == Fault.NONE
    assert controller.energy == float("inf") and controller.law.stiffness[0, 0] == 1500.0


# ---------------------------------------------------------------------- limits


def limited(**limits: Any) -> AdmittanceController:
    config = AdmittanceConfig(gains=GainConfig(tank=0.5), **(WIDE | limits))
    return AdmittanceController(SOFT, RATE, config)


def test_leaning_on_the_edge_of_the_workspace_does_not_fill_the_tank() -> None:
    """The offset does not move, so no work is done and nothing is dissipated."""
    controller = limited(offset_limit=[0.02] * 3 + [0.2] * 3)
    controller.reset([0.02, 0.0, 0.0, 0.0, 0.0, 0.0])
    ledger = Ledger(controller)
    for _ in range(200):
        assert ledger.step([50.0, 0.0, 0.0, 0.0, 0.0, 0.0]) == Fault.OFFSET_LIMIT
    assert ledger.work == 0.0


def test_motion_cut_to_the_speed_limit_does_not_fill_the_tank_with_more_than_it_lost() -> None:
    controller = limited(speed_limit=[0.01] * 3 + [0.1] * 3)
    controller.reset([0.02, 0.0, 0.0, 0.2, 0.0, 0.0])
    controller.request(replace(SOFT, damping=200.0 * SOFT.damping))
    ledger = Ledger(controller)
    limits = [ledger.step([-40.0, 0.0, 0.0, 0.0, 0.0, 0.0]) for _ in range(300)]
    assert sum(bool(faults & Fault.SPEED_LIMIT) for faults in limits) > 50


# ---------------------------------------------------------------------- the gate


def test_a_loaded_spring_waits_for_energy() -> None:
    controller = make(tank=0.5, **FAST)
    controller.request(stiffer(SOFT, 1.2))
    _, faults = controller.step(ZERO)
    assert faults == Fault.GAIN_REJECTED and controller.law.stiffness[0, 0] == SOFT.stiffness[0, 0]
    assert controller.offset[0] != START[0]  # it waits, the law in force runs on
    flags = [controller.step(ZERO)[1] for _ in range(400)]
    admitted = flags.index(Fault.NONE)
    assert admitted > 0 and not any(flags[admitted:])
    assert controller.law.stiffness[0, 0] == 1.2 * SOFT.stiffness[0, 0]


def test_an_unloaded_spring_may_stiffen_with_an_empty_tank() -> None:
    controller = make(start=None, **FAST)
    controller.request(stiffer(SOFT, 10.0))
    assert controller.step(ZERO)[1] == Fault.NONE
    assert controller.law.stiffness[0, 0] == 3000.0 and controller.energy == 0.0


@pytest.mark.parametrize("factor", [0.0, 0.1, 10.0])
def test_damping_is_free(factor: float) -> None:
    controller = make(tank=0.5, damping_rate=[100.0] * 6)
    controller.request(target := replace(SOFT, damping=factor * SOFT.damping))
    before = 0.0
    while controller.law is not target:
        assert controller.step(ZERO)[1] == Fault.NONE
        assert controller.energy >= before
        before = controller.energy


def test_damping_is_free_where_rounding_left_less_than_nothing_in_the_tank() -> None:
    """An undamped law dissipates nothing, in floats a few 1e-18 J of either sign."""
    rng, flags = np.random.default_rng(0), []
    controller = make(replace(SOFT, damping=np.zeros((6, 6))), HOLD)
    for _ in range(20):
        controller.reset(START * rng.uniform(-1.0, 1.0, 6))
        for _ in range(50):
            controller.step(ZERO)
        controller.request(SOFT)
        flags.append(controller.step(ZERO)[1])
    assert not any(flags)


# ---------------------------------------------------------------------- rates, arrival, expiry


def test_no_entry_changes_faster_than_its_rate_and_one_does_as_fast() -> None:
    damping_rate, stiffness_rate = [100.0, 50.0, 400.0, 1.0, 2.0, 3.0], [1e4, 2e4, 5e3, 100.0, 50.0, 200.0]
    low, high = laws(True)
    target = replace(high, damping=3.0 * low.damping)
    controller = make(low, start=None, damping_rate=damping_rate, stiffness_rate=stiffness_rate)
    limits = [np.sqrt(np.outer(rate, rate)) / RATE for rate in (damping_rate, stiffness_rate)]
    controller.request(target)
    fastest, steps = 0.0, 0
    while controller.law is not target:
        before = controller.law
        assert controller.step(ZERO)[1] == Fault.NONE
        steps += 1
        shares = [
            np.abs(controller.law.damping - before.damping) / limits[0],
            np.abs(controller.law.stiffness - before.stiffness) / limits[1],
        ]
        assert max(share.max() for share in shares) <= 1.0 + 1e-9
        fastest = max(fastest, *(share.max() for share in shares))
        np.testing.assert_allclose(controller.law.mass, low.mass)
    assert fastest > 1.0 - 1.0 / steps
    assert 5 < steps < 500
    assert controller.law is target
    force = [3.0, -2.0, 1.0, 0.1, -0.05, 0.2]  # arrived to the last bit, like a controller that began there
    assert controller.step(force)[0] == make(target, start=None).step(force)[0]


def test_every_law_on_the_way_is_on_the_line() -> None:
    low, high = laws(True)
    controller = make(low, start=None)
    controller.request(high)
    shares = []
    while controller.law is not high:
        controller.step(ZERO)
        change = controller.law.stiffness - low.stiffness
        share = np.abs(change).max() / np.abs(high.stiffness - low.stiffness).max()
        np.testing.assert_allclose(
            change, share * (high.stiffness - low.stiffness), atol=1e-9 * high.stiffness.max()
        )
        shares.append(share)
    assert np.allclose(np.diff(shares), shares[0]) and shares[-1] == 1.0


def test_a_request_during_a_change_starts_from_where_the_law_is() -> None:
    controller = make(start=None, stiffness_rate=[1e4] * 6)
    controller.request(stiffer(SOFT, 5.0))
    for _ in range(10):
        controller.step(ZERO)
    between = controller.law
    assert 300.0 < between.stiffness[0, 0] < 1500.0
    controller.request(softer := stiffer(SOFT, 0.5))
    assert (controller.law.stiffness == between.stiffness).all()
    controller.step(ZERO)
    assert (np.abs(controller.law.stiffness - between.stiffness) <= 20.0 + 1e-9).all()
    assert controller.law.stiffness[0, 0] < between.stiffness[0, 0]
    for _ in range(100):
        controller.step(ZERO)
    assert controller.law is softer


@BOTH
def test_a_request_does_not_touch_the_state_and_the_next_step_is_that_of_the_law_in_force(
    discretization: Discretization,
) -> None:
    force = np.array([5.0, 4.0, 3.0, 0.5, 0.4, 0.3])
    controller = make(discretization=discretization, tank=None)
    for _ in range(20):
        controller.step(force)
    x, v = controller.offset, controller.velocity
    controller.request(target := replace(SOFT, stiffness=20.0 * SOFT.stiffness, damping=9.0 * SOFT.damping))
    assert (controller.offset == x).all() and (controller.velocity == v).all()
    while controller.law is not target:
        x, v = controller.offset, controller.velocity
        command, _ = controller.step(force)
        law = controller.law
        matrix = step_matrix(law.mass, law.damping, law.stiffness, 1.0 / RATE, discretization)
        expected = matrix @ np.concatenate((x, v, force))
        np.testing.assert_allclose(command, expected[:6], rtol=1e-9)
        np.testing.assert_allclose(controller.velocity, expected[6:], rtol=1e-9)


def test_requested_gains_expire_and_the_law_of_the_reset_comes_back() -> None:
    controller = make(start=None, timeout=0.02, **FAST)
    controller.request(target := stiffer(SOFT, 2.0))
    assert [controller.step(ZERO)[1] for _ in range(10)] == [Fault.NONE] * 10
    assert controller.law is target
    assert [controller.step(ZERO)[1] for _ in range(30)] == [Fault.GAIN_EXPIRED] * 30
    assert controller.law is SOFT
    controller.request(target)
    assert controller.step(ZERO)[1] == Fault.NONE and controller.law is target


def test_renewed_gains_do_not_expire() -> None:
    controller = make(start=None, timeout=0.02, **FAST)
    target = stiffer(SOFT, 2.0)
    for step in range(100):
        if step % 10 == 0:
            controller.request(target)
        assert controller.step(ZERO)[1] == Fault.NONE
    assert controller.law is target


def test_the_way_back_of_expired_gains_is_as_slow_and_gated_as_any() -> None:
    controller = make(timeout=0.02, tank=0.5, stiffness_rate=[1e4] * 6)
    controller.request(stiffer(SOFT, 0.1))
    stiffness, flags = [SOFT.stiffness[0, 0]], Fault.NONE
    for _ in range(200):
        flags |= controller.step(ZERO)[1]
        stiffness.append(controller.law.stiffness[0, 0])
    assert np.abs(np.diff(stiffness)).max() <= 20.0 + 1e-9
    assert min(stiffness) < 250.0 and controller.law is SOFT
    assert flags & Fault.GAIN_EXPIRED


def test_gains_expire_during_an_outage_too() -> None:
    """Of 0.08 s, of which the controller holds its last wrench for 0.02 s."""
    controller = make(start=None, timeout=0.04, **FAST)
    controller.request(stiffer(SOFT, 2.0))
    controller.step(ZERO)
    for _ in range(40):
        controller.step([float("nan")] * 6)
    assert controller.step(ZERO)[1] & Fault.GAIN_EXPIRED
    assert controller.law is SOFT


# ---------------------------------------------------------------------- refusals


def asymmetric() -> ComplianceLaw:
    stiffness = SOFT.stiffness.copy()
    stiffness[0, 1] = 50.0
    return ComplianceLaw(SOFT.mass, SOFT.damping, stiffness, asymmetric_stiffness=True)


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (replace(SOFT, mass=1.1 * SOFT.mass), "the mass cannot change while the controller runs; reset"),
        (replace(SOFT, centre="flange"), "the law requested is at 'flange', the controller's at 'tip'"),
        (asymmetric(), "an asymmetric stiffness cannot be gated by energy; set gains.tank to null"),
    ],
)
def test_requests_that_cannot_be_are_refused_and_leave_no_trace(law: ComplianceLaw, message: str) -> None:
    controller = make(start=None)
    controller.request(target := stiffer(SOFT, 1.01))
    with pytest.raises(ValueError, match=message):
        controller.request(law)
    for _ in range(5):
        controller.step(ZERO)
    assert controller.law is target


def test_without_a_gate_an_asymmetric_stiffness_may_be_requested() -> None:
    controller = make(start=None, tank=None, stiffness_rate=[1e4] * 6)
    controller.request(target := asymmetric())
    while controller.law is not target:  # the law on the way is asymmetric, too
        controller.step(ZERO)


def test_a_law_that_is_unstable_in_contact_is_refused_while_another_is_under_way() -> None:
    law = replace(SOFT, damping=100.0 * SOFT.damping)
    contact = ContactConfig([1e4] * 3 + [50.0] * 3, delay=0.004)
    controller = AdmittanceController(law, RATE, contact=contact)
    assert controller.request(target := replace(law, damping=150.0 * SOFT.damping))
    assert controller.request(SOFT) is False
    assert controller.step(ZERO)[1] == Fault.GAIN_REJECTED
    for _ in range(10):
        controller.step(ZERO)
    assert controller.law is target
    controller.reset()
    assert controller.step(ZERO)[1] == Fault.NONE
