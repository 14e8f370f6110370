"""The predicted bound of the contact stiffness, against hand-made bounds and an independent simulation."""

from collections import deque
from dataclasses import replace
from itertools import product
from math import ceil, exp, inf, pi

import numpy as np
import pytest
from loop import WIDEST

from assembly_rl.controllers import (
    AdmittanceConfig,
    AdmittanceController,
    ComplianceLaw,
    ContactConfig,
    Discretization,
    Fault,
    GainConfig,
    max_contact_stiffness,
)
from assembly_rl.controllers.contact_loop import ContactLoop
from assembly_rl.controllers.se3 import quat_exp

EULER, HOLD = Discretization.implicit_euler, Discretization.zero_order_hold
ALL = (True,) * 6
MASS, DAMPING = [4.0] * 3 + [0.06] * 3, [150.0, 150.0, 800.0, 1.0, 1.0, 1.0]
DIAGONAL = ComplianceLaw.from_diagonals(MASS, DAMPING, [0.0, 0.0, 300.0, 3.0, 3.0, 3.0])
COUPLED = DIAGONAL.transport(((0.01, -0.02, 0.06), quat_exp((0.3, -0.2, 0.4))), "elsewhere")
SPRINGY = ComplianceLaw.from_diagonals([2.0] * 3 + [0.02] * 3, [40.0] * 3 + [0.4] * 3, [5e3] * 3 + [50.0] * 3)
# law, rate, delay in periods, sensor cutoff, controller cutoff, lag, discretization, axis
GRID = list(
    product(
        (DIAGONAL, COUPLED, SPRINGY),
        (100.0, 200.0, 500.0),
        (0, 1, 2),
        (None, 20.0, 40.0),
        (None, 30.0),
        (0.0, 0.01),
        (EULER, HOLD),
        (0, 4),
    )
)


def along(axis: int) -> np.ndarray:
    return np.diag(np.eye(6)[axis])


def sample_of_grid(every: int) -> list:
    """A different combination of all the values in each."""
    return [GRID[index] for index in range(0, len(GRID), every)]


class Simulation:
    """The real controller against a spring, everything between them integrated here in 200 substeps.

    The robot lags behind the command, the spring answers where the robot is, the sensor lags behind the
    spring; a reading is taken a number of periods, which need not be whole, before the controller's step.
    """

    def __init__(
        self,
        law: ComplianceLaw,
        rate: float,
        delay: float,
        sensor_cutoff: float | None,
        cutoff: float | None,
        lag: float,
        discretization: Discretization,
        selected_axes: tuple[bool, ...] = ALL,
    ) -> None:
        config = AdmittanceConfig(
            discretization=discretization,
            cutoff=cutoff,
            selected_axes=list(selected_axes),
            gains=GainConfig(tank=None),
            **WIDEST,
        )
        self.controller = AdmittanceController(law, rate, config)
        self.start = np.random.default_rng(0).uniform(-1e-60, 1e-60, 6) * selected_axes  # far from the limits
        follow = 1.0 / lag if lag else 0.0
        sense = 2.0 * pi * sensor_cutoff if sensor_cutoff else 0.0
        robot = 0 if lag else 2  # without a lag the robot is where the command is
        flow = np.zeros((3, 3))  # of robot, sensor and command
        flow[0] = follow * (np.eye(3)[2] - np.eye(3)[0])
        flow[1] = sense * (np.eye(3)[robot] - np.eye(3)[1])
        substep = flow / (200.0 * rate)
        substep = np.eye(3) + substep @ (np.eye(3) + 0.5 * substep)  # midpoint rule
        self.period = np.linalg.matrix_power(substep, 200)
        self.to_sample = np.linalg.matrix_power(substep, 200 - round(200 * (delay % 1.0)))
        self.sensor = 1 if sensor_cutoff else robot
        self.delay = int(delay)

    def growth(self, stiffness: np.ndarray, steps: int = 600) -> float:
        """By what the jitter of the wrench grows from the second third of the steps to the last."""
        self.controller.reset(self.start)
        state = np.tile(self.start, (3, 1))
        pipe = deque([-stiffness @ self.start] * self.delay)
        wrenches, wrench = [], -stiffness @ self.start
        for _ in range(steps):
            state[2], _ = self.controller.step(wrench)
            pipe.append(-stiffness @ (self.to_sample @ state)[self.sensor])
            state = self.period @ state
            wrench = pipe.popleft()
            wrenches.append(wrench)
        jitter = np.diff(wrenches, axis=0)[:, stiffness.any(axis=0)]
        jitter = np.linalg.norm(jitter / np.abs(jitter).max(axis=0), axis=1)
        third = steps // 3
        return float(np.linalg.norm(jitter[2 * third :]) / np.linalg.norm(jitter[third : 2 * third]))


# ---------------------------------------------------------------------- bounds by hand


@pytest.mark.parametrize("rate", [100.0, 500.0])
@pytest.mark.parametrize("law", [DIAGONAL, SPRINGY], ids=["default", "springy"])
def test_implicit_euler_without_delay_has_the_bound_of_jury(law: ComplianceLaw, rate: float) -> None:
    """For one axis, with ``m' = M + h D + h^2 K``.

    The polynomial of the loop is ``z^2 - (1 + M / m' - h^2 (K + Ke) / m') z + M / m'``,
    stable for ``h^2 (K + Ke) < 2 (m' + M)``.
    """
    h = 1.0 / rate
    m, d, k = (np.diag(matrix) for matrix in (law.mass, law.damping, law.stiffness))
    np.testing.assert_allclose(max_contact_stiffness(law, rate), 4 * m / h**2 + 2 * d / h + k, rtol=1e-6)


@pytest.mark.parametrize("rate", [100.0, 500.0])
@pytest.mark.parametrize("damping", [2.0, 150.0, 6000.0])
def test_zero_order_hold_without_delay_has_the_bound_of_jury(rate: float, damping: float) -> None:
    """For K = 0, with ``e = exp(-h D / M)``, ``r = M / (h D)`` and ``q = Ke h / D``, the Jury criterion.

    The polynomial is ``z^2 - (1 + e - q (1 - r (1 - e))) z + e + q (r (1 - e) - e)``.
    """
    law = ComplianceLaw.from_diagonals([4.0] * 6, [damping] * 6, [0.0] * 6)
    h = 1.0 / rate
    e, r = exp(-h * damping / 4.0), 4.0 / (h * damping)
    product_below_one = (1.0 - e) / (r * (1.0 - e) - e)
    positive_at_minus_one = 2.0 * (1.0 + e) / (1.0 + e - 2.0 * r * (1.0 - e))
    conditions = [c for c in (product_below_one, positive_at_minus_one) if c > 0.0]
    expected = min(conditions) * damping / h
    found = max_contact_stiffness(law, rate, discretization=HOLD)
    np.testing.assert_allclose(found, expected, rtol=1e-5)  # a radius of 1 + 1e-9 counts as stable


def test_a_whole_period_of_delay_by_hand() -> None:
    """Implicit Euler, K = 0 and M -> 0: ``x' = x - g x_delayed`` with ``g = h Ke / D``.

    With one period of delay ``z^2 - z + g`` is stable for g < 1, with two ``z^3 - z^2 + g`` for
    g < (sqrt 5 - 1) / 2.
    """
    law = ComplianceLaw.from_diagonals([1e-9] * 6, [100.0] * 6, [0.0] * 6)
    for delay, gain in ((0, 2.0), (1, 1.0), (2, 0.5 * (5**0.5 - 1.0))):
        found = max_contact_stiffness(law, 200.0, delay=delay / 200.0)
        np.testing.assert_allclose(found, gain * 100.0 * 200.0, rtol=1e-6)


# ---------------------------------------------------------------------- simulation


@pytest.mark.parametrize("part", range(4))
def test_contact_settles_below_the_bound_and_not_above(part: int) -> None:
    for law, rate, delay, sensor_cutoff, cutoff, lag, discretization, axis in sample_of_grid(37)[part::4]:
        contact = ContactConfig([0.0] * 6, delay / rate, lag, sensor_cutoff)
        bound = ContactLoop(law, rate, contact, cutoff, discretization).largest(along(axis))
        simulation = Simulation(law, rate, delay, sensor_cutoff, cutoff, lag, discretization)
        case = (rate, delay, sensor_cutoff, cutoff, lag, discretization, axis, bound)
        assert simulation.growth(0.9 * bound * along(axis)) < 0.9, case
        assert simulation.growth(1.1 * bound * along(axis)) > 1.1, case


@pytest.mark.parametrize("law", [DIAGONAL, COUPLED], ids=["diagonal", "coupled"])
def test_the_bound_is_sharp(law: ComplianceLaw) -> None:
    contact = ContactConfig([0.0] * 6, 0.01, 0.01, 40.0)
    loop = ContactLoop(law, 200.0, contact, 30.0, HOLD)
    simulation = Simulation(law, 200.0, 2, 40.0, 30.0, 0.01, HOLD)
    for axis in (1, 5):
        bound = loop.largest(along(axis))
        assert simulation.growth(0.99 * bound * along(axis), 1800) < 0.99
        assert simulation.growth(1.01 * bound * along(axis), 1800) > 1.01


def test_growth_is_the_spectral_radius() -> None:
    loop = ContactLoop(DIAGONAL, 200.0, ContactConfig([0.0] * 6, 0.005, 0.01, 40.0), 30.0)
    simulation = Simulation(DIAGONAL, 200.0, 1, 40.0, 30.0, 0.01, EULER)
    stiffness = 1.5 * loop.largest(along(0)) * along(0)
    assert simulation.growth(stiffness, 1200) ** (1 / 400) == pytest.approx(
        loop.spectral_radius(stiffness), abs=2e-4
    )


@pytest.mark.parametrize(
    "selected", [(True, False, False, True, True, False), (False, True, True, False, True, True)]
)
def test_held_axes_in_contact(selected: tuple[bool, ...]) -> None:
    """Axis 4 of a coupled law; held axes raise the mass and damping that it feels."""
    contact = ContactConfig([0.0] * 6, 0.005, 0.0, 40.0)
    loop = ContactLoop(COUPLED, 200.0, contact, None, HOLD, selected)
    bound = loop.largest(along(4))
    assert bound > 1.02 * ContactLoop(COUPLED, 200.0, contact, None, HOLD).largest(along(4))
    simulation = Simulation(COUPLED, 200.0, 1, 40.0, None, 0.0, HOLD, selected)
    assert simulation.growth(0.95 * bound * along(4)) < 0.95
    assert simulation.growth(1.05 * bound * along(4)) > 1.05
    held = selected.index(False)
    assert loop.largest(along(held)) == inf


def test_contact_along_all_axes_of_a_coupled_law() -> None:
    """A full contact stiffness, coupled in another way than the law."""
    rng = np.random.default_rng(3)
    root = rng.standard_normal((6, 6)) * np.repeat([1.0, 0.05], 3)[:, None]
    direction = 1e3 * root @ root.T
    loop = ContactLoop(COUPLED, 200.0, ContactConfig([0.0] * 6, 0.005, 0.005, 40.0))
    factor = loop.largest(direction)
    simulation = Simulation(COUPLED, 200.0, 1, 40.0, None, 0.005, EULER)
    assert simulation.growth(0.95 * factor * direction) < 0.95
    assert simulation.growth(1.05 * factor * direction) > 1.05


@pytest.mark.parametrize("delay", [0.3, 1.4])
def test_a_broken_period_of_delay_is_rounded_up_which_is_safe(delay: float) -> None:
    rate, whole = 200.0, ceil(delay)
    bounds = [
        ContactLoop(DIAGONAL, rate, ContactConfig([0.0] * 6, periods / rate, 0.0, 40.0)).largest(along(0))
        for periods in (whole - 1, delay, whole)
    ]
    assert bounds[1] == bounds[2] < bounds[0]
    simulation = Simulation(DIAGONAL, rate, delay, 40.0, None, 0.0, EULER)
    assert simulation.growth(1.05 * bounds[1] * along(0)) < 0.95  # safe, so not sharp
    assert simulation.growth(bounds[0] * along(0)) > 1.05  # rounding down would not be


def test_rounding_does_not_add_a_period_to_a_whole_number_of_them() -> None:
    for rate, periods in product((100.0, 200.0, 300.0, 500.0, 1000.0), range(1, 8)):
        loops = [ContactLoop(DIAGONAL, rate, ContactConfig([0.0] * 6, t)) for t in (periods / rate, 0.0)]
        sizes = [len(loop.matrix(along(0))) for loop in loops]
        assert sizes[0] - sizes[1] == 6 * periods


# ---------------------------------------------------------------------- what the documentation says


def test_the_rule_of_thumb_is_on_the_safe_side() -> None:
    """``Ke = D / T`` with D the damping that the axis feels while the others are free."""
    ratios = []
    for law, rate, delay, sensor_cutoff, cutoff, lag, discretization, axis in sample_of_grid(29):
        contact = ContactConfig([0.0] * 6, delay / rate, lag, sensor_cutoff)
        bound = ContactLoop(law, rate, contact, cutoff, discretization).largest(along(axis))
        total = delay / rate + lag + 0.5 / rate
        total += sum(1.0 / (2.0 * pi * hertz) for hertz in (sensor_cutoff, cutoff) if hertz)
        ratios.append(bound * total * np.linalg.inv(law.damping)[axis, axis])
    assert min(ratios) >= 1.0
    assert min(ratios) < 1.1  # and where the mass is large it is sharp


def test_stable_stiffnesses_reach_from_zero_to_the_bound() -> None:
    for law, rate, delay, sensor_cutoff, cutoff, lag, discretization, axis in sample_of_grid(71):
        contact = ContactConfig([0.0] * 6, delay / rate, lag, sensor_cutoff)
        loop = ContactLoop(law, rate, contact, cutoff, discretization)
        bound = loop.largest(along(axis))
        for factor in np.geomspace(1e-3, 0.999, 8):
            assert loop.stable(factor * bound * along(axis))
        for factor in np.geomspace(1.001, 1e3, 8):
            assert not loop.stable(factor * bound * along(axis))


def test_a_contact_is_refused_if_a_softer_one_is_unstable() -> None:
    """What is stated is the stiffest contact to be expected.

    The set of stable stiffnesses of a coupled law may have a gap: here it is stable to 254 N/m and
    again from 7.2e3 to 1e4 N/m.
    """
    law = ComplianceLaw.from_diagonals(
        [2.0] * 3 + [0.05] * 3, [50.0] * 3 + [0.05] * 3, [2e4] * 3 + [1.0] * 3
    ).transport(((0.0, 0.0, 0.2), (0.0, 0.0, 0.0, 1.0)), "far")
    selected = (True, False, False, False, True, False)
    contact = ContactConfig([8500.0, 0.0, 0.0, 0.0, 0.0, 0.0], sensor_cutoff=20.0)
    loop = ContactLoop(law, 200.0, contact, None, EULER, selected)
    assert loop.largest(along(0)) == pytest.approx(254.3, rel=1e-3)
    simulation = Simulation(law, 200.0, 0, 20.0, None, 0.0, EULER, selected)
    assert simulation.growth(1000.0 * along(0)) > 1.1
    with pytest.raises(ValueError, match=r"contact stiffness\[x\] = 8500 .* largest stable value is 254.3"):
        loop.require()
    controller = AdmittanceController(
        replace(law, damping=100.0 * law.damping),
        200.0,
        AdmittanceConfig(selected_axes=list(selected)),
        contact,
    )
    controller.request(law)
    for _ in range(24):  # the steps check it
        _, faults = controller.step([0.0] * 6)
    assert Fault.GAIN_REJECTED in faults and controller.law is not law


def test_one_axis_at_a_time() -> None:
    bounds = max_contact_stiffness(
        COUPLED,
        200.0,
        delay=0.01,
        lag=0.002,
        sensor_cutoff=40.0,
        cutoff=50.0,
        selected_axes=[True] * 5 + [False],
    )
    contact = ContactConfig([0.0] * 6, 0.01, 0.002, 40.0)
    loop = ContactLoop(COUPLED, 200.0, contact, 50.0, EULER, [True] * 5 + [False])
    assert bounds.tolist() == [loop.largest(along(axis)) for axis in range(6)]
    assert bounds[5] == inf and np.isfinite(bounds[:5]).all()


def test_the_default_law_against_the_default_servo() -> None:
    """Numbers that the documentation states."""
    bounds = max_contact_stiffness(DIAGONAL, 200.0, sensor_cutoff=40.0)
    np.testing.assert_allclose(bounds, [95171, 95171, 967632] + [571] * 3, rtol=1e-3)
    late = max_contact_stiffness(DIAGONAL, 200.0, delay=0.01, sensor_cutoff=40.0)
    np.testing.assert_allclose(late, [13434, 13434, 81810] + [88] * 3, rtol=1e-2)


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stiffness": [1.0] * 5}, r"ContactConfig.stiffness must be six numbers x y z rx ry rz >= 0"),
        (
            {"stiffness": [1.0, 1.0, -1.0, 1.0, 1.0, 1.0]},
            r"ContactConfig.stiffness\[z\] must be >= 0, got -1.0",
        ),
        ({"stiffness": [inf] + [1.0] * 5}, r"ContactConfig.stiffness\[x\] must be >= 0, got inf"),
        ({"delay": -0.01}, "ContactConfig.delay must be >= 0, got -0.01"),
        ({"lag": float("nan")}, "ContactConfig.lag must be >= 0, got nan"),
        ({"sensor_cutoff": 0.0}, "ContactConfig.sensor_cutoff must be > 0 Hz, got 0.0; null for none"),
        ({"sensor_cutoff": inf}, "ContactConfig.sensor_cutoff must be > 0 Hz, got inf"),
    ],
)
def test_a_contact_that_is_not_possible_is_refused_by_name(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ContactConfig(**({"stiffness": [1.0] * 6} | values))


@pytest.mark.parametrize("rate", [0.0, -1.0, inf, float("nan")])
def test_a_rate_that_is_not_possible_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=f"rate must be > 0 Hz, got {rate}"):
        max_contact_stiffness(DIAGONAL, rate)


def test_a_cutoff_beyond_the_nyquist_frequency_is_refused() -> None:
    with pytest.raises(ValueError, match="cutoff must be > 0 Hz and below the Nyquist frequency 100 Hz"):
        max_contact_stiffness(DIAGONAL, 200.0, cutoff=100.0)


def test_an_unstable_axis_is_named_with_value_bound_and_conditions() -> None:
    contact = ContactConfig([1e4, 1e4, 1e5, 10.0, 10.0, 10.0], delay=0.01, lag=0.001, sensor_cutoff=40.0)
    bound = max_contact_stiffness(DIAGONAL, 200.0, delay=0.01, lag=0.001, sensor_cutoff=40.0, cutoff=50.0)[2]
    message = (
        rf"contact stiffness\[z\] = 100000 at 200 Hz, delay 0.01 s, lag 0.001 s, sensor_cutoff 40 Hz, "
        rf"cutoff 50 Hz: the largest stable value is {bound:.5g}; raise mass or damping"
    )
    with pytest.raises(ValueError, match=message):
        ContactLoop(DIAGONAL, 200.0, contact, 50.0).require()


def together() -> tuple[ComplianceLaw, list[float], float]:
    """A law that would be stable along each axis alone, and the factor by which it is not along all."""
    bounds = max_contact_stiffness(COUPLED, 200.0, delay=0.01, sensor_cutoff=40.0)
    loop = ContactLoop(COUPLED, 200.0, ContactConfig([0.0] * 6, 0.01, 0.0, 40.0))
    stated = (0.95 * bounds).tolist()
    return COUPLED, stated, loop.largest(np.diag(stated))


def test_all_axes_together_may_be_unstable_where_each_alone_is_stable() -> None:
    law, stated, factor = together()
    assert 0.1 < factor < 0.9
    with pytest.raises(ValueError, match="on all axes together .* largest stable values are") as refusal:
        ContactLoop(law, 200.0, ContactConfig(stated, 0.01, sensor_cutoff=40.0)).require()
    assert f"{factor:.3g} times these" in str(refusal.value)
    below = [0.99 * factor * value for value in stated]
    ContactLoop(law, 200.0, ContactConfig(below, 0.01, sensor_cutoff=40.0)).require()
    simulation = Simulation(law, 200.0, 2, 40.0, None, 0.0, EULER)
    assert simulation.growth(np.diag(stated)) > 1.1
    assert simulation.growth(0.9 * factor * np.diag(stated)) < 0.9


def soft(factor: float) -> ComplianceLaw:
    return ComplianceLaw(DIAGONAL.mass, factor * DIAGONAL.damping, DIAGONAL.stiffness)


CONTACT = ContactConfig([1e4, 1e4, 1e4, 50.0, 50.0, 50.0], delay=0.01, sensor_cutoff=40.0)


def test_the_controller_is_not_built_or_reset_with_an_unstable_law() -> None:
    message = r"unstable against contact stiffness\[x\] = 10000"
    with pytest.raises(ValueError, match=message):
        AdmittanceController(soft(0.3), 200.0, contact=CONTACT)
    AdmittanceController(soft(0.3), 200.0)  # without a stated contact there is no check
    controller = AdmittanceController(DIAGONAL, 200.0, contact=CONTACT)
    controller.step([1.0] * 6)
    before = controller.offset.tolist()
    with pytest.raises(ValueError, match=message):
        controller.reset(law=soft(0.3))
    assert controller.law is DIAGONAL and controller.offset.tolist() == before
    controller.reset(law=soft(1.1))


@pytest.mark.parametrize(
    "change",
    [{"cutoff": 5.0}, {"selected_axes": [True] * 6, "discretization": HOLD, "cutoff": 8.0}],
    ids=["cutoff", "discretization"],
)
def test_the_check_knows_the_controllers_own_filter(change: dict) -> None:
    with pytest.raises(ValueError, match="unstable against contact"):
        AdmittanceController(DIAGONAL, 200.0, AdmittanceConfig(**change), CONTACT)


def test_the_check_knows_which_axes_move() -> None:
    config = AdmittanceConfig(selected_axes=[False, False, True, False, False, False])
    AdmittanceController(soft(0.3), 200.0, config, CONTACT)


def test_a_request_for_an_unstable_law_is_refused_and_flagged_until_the_next() -> None:
    controller = AdmittanceController(DIAGONAL, 200.0, contact=CONTACT)
    assert controller.request(soft(0.3)) is False
    for _ in range(3):
        assert controller.step([0.0] * 6)[1] == Fault.GAIN_REJECTED
    assert controller.law is DIAGONAL
    assert controller.request(soft(1.2)) is True
    assert controller.step([0.0] * 6)[1] == Fault.NONE
