"""What happens when the wrench does not come, comes late or is none, and which flag says so."""

from collections.abc import Callable
from decimal import Decimal
from math import cos, exp, inf, nan, sin
from typing import Any

import numpy as np
import pytest
from loop import (
    BOTH,
    HOLD,
    LAW,
    PERIOD,
    RATE,
    SIX,
    SPRING,
    STOP,
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
    ContactConfig,
    Discretization,
    Fault,
    GainConfig,
    SafetyConfig,
    ToolConfig,
)
from assembly_rl.controllers.ceiling_config import CeilingConfig
from assembly_rl.controllers.insertion import Insertion, InsertionConfig
from assembly_rl.controllers.se3 import IDENTITY

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


def _held_back() -> tuple[list[float], Fault]:
    ceiling = CeilingConfig(force=1.0, stiffness=[1e6, 50.0])
    insertion = Insertion(InsertionConfig(ceiling=ceiling), LAW, ToolConfig())
    pose = insertion.reset(((0.0, 0.0, 0.0), IDENTITY))
    for _ in range(20):  # the path goes on, and the robot stays
        _, faults = insertion.step(ZERO, pose=pose)
    return insertion.controller.offset.tolist(), faults


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
    (_held_back, Fault.FORCE_CEILING),
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
