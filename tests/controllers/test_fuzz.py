"""A million control steps against everything that a cell on the shop floor can send, and more.

The disturbances are drawn in blocks; what has to come out is said by an oracle that knows the inputs and
the configuration but nothing of the controller's inside.
"""

from dataclasses import dataclass, field
from math import inf, nan
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

STEPS = 250_000  # of each of the four parts
RATE = 200.0
PERIOD = 1.0 / RATE
MASS = [4.0, 4.0, 4.0, 0.06, 0.06, 0.06]
LAW = ComplianceLaw.from_diagonals(
    MASS, [150.0, 150.0, 800.0, 1.0, 1.0, 1.0], [400.0, 400.0, 300.0, 3.0, 3.0, 3.0]
)
STIFFER = ComplianceLaw.from_diagonals(
    MASS, [300.0, 200.0, 900.0, 2.0, 2.0, 2.0], [800.0, 800.0, 900.0, 9.0, 9.0, 9.0]
)
UNSTABLE = ComplianceLaw.from_diagonals(MASS, [1.0] * 3 + [0.01] * 3, [0.0] * 6)
WALL, WALL_STIFFNESS = -0.002, 5000.0
SAFETY = SafetyConfig(max_age=0.02, jitter=0.5, hold=0.02, fade=0.1, stop=0.25)
HOLD, STOP = 4, 50  # control periods
QUICK = GainConfig(damping_rate=[8e3] * 3 + [60.0] * 3, stiffness_rate=[40e3] * 3 + [400.0] * 3)
MALFORMED: list[Any] = [
    None, 3.0, "abcdef", "123456", "", [], [0.0] * 5, [0.0] * 7, [None] * 6, ["1.0"] * 6, [[0.0]] * 6,
    [1.0, 2.0, None, 4.0, 5.0, 6.0], {}, np.zeros(5), np.zeros((6, 1)), np.array(1.0), np.full(6, nan), 1j,
]  # fmt: skip


@dataclass
class Case:
    seed: int
    config: dict[str, Any] = field(default_factory=dict)
    contact: ContactConfig | None = None
    wall: bool = True
    patience: int | None = None  # control periods until requested gains expire


STATED = ContactConfig(stiffness=[5000.0] * 3 + [20.0] * 3, delay=0.005)
CASES = {
    "implicit": Case(1, {"gains": QUICK}),
    "hold, filter, deadband, expiry": Case(
        2,
        {
            "discretization": Discretization.zero_order_hold,
            "cutoff": 30.0,
            "deadband": [0.5] * 3 + [0.01] * 3,
            "gains": GainConfig(QUICK.damping_rate, QUICK.stiffness_rate, timeout=0.3),
        },
        patience=60,
    ),
    "implicit, filter, three axes, stated contact": Case(
        3,
        {"cutoff": 40.0, "selected_axes": [True, False, True, True, False, False], "gains": QUICK},
        STATED,
    ),
    "hold, no wall, no tank, expiry, stated contact": Case(
        4,
        {
            "discretization": Discretization.zero_order_hold,
            "gains": GainConfig(QUICK.damping_rate, QUICK.stiffness_rate, timeout=0.5, tank=None),
        },
        STATED,
        wall=False,
        patience=100,
    ),
}


class Disturbances:
    """Everything that goes in, drawn beforehand."""

    def __init__(self, case: Case, config: AdmittanceConfig, steps: int) -> None:
        rng = np.random.default_rng(case.seed)
        self.steps = steps

        def some(share: float) -> np.ndarray:
            return np.flatnonzero(rng.random(steps) < share)

        # Noise on a slowly wandering wrench, a reference that pushes on the wall.
        scale = np.array([1.5] * 3 + [0.05] * 3)
        wander = np.repeat(rng.standard_normal((steps // 50 + 1, 6)), 50, axis=0)[:steps]
        self.wrench = scale * (0.2 * rng.standard_normal((steps, 6)) + wander)
        self.reference = np.repeat(rng.standard_normal((steps // 40 + 1, 6)), 40, axis=0)[:steps] * scale
        self.reference[:, 2] += 5.0
        self.usable_shape = np.ones(steps, dtype=bool)
        # Spikes: in one component to 1e308, in all of them to where their sum is still finite.
        at = some(0.01)
        size = 10.0 ** rng.uniform(2.0, 308.0, len(at)) * rng.choice([-1.0, 1.0], len(at))
        self.wrench[at, rng.integers(0, 6, len(at))] = size
        at = some(0.01)
        self.wrench[at] = 10.0 ** rng.uniform(2.0, 307.0, (len(at), 6)) * rng.choice(
            [-1.0, 1.0], (len(at), 6)
        )
        at = some(0.01)
        self.reference[at, rng.integers(0, 6, len(at))] = rng.choice(
            [-1e308, -1e3, 20.0, 1e3, 1e308], len(at)
        )
        # Single samples and outages of wrench and reference that are no numbers.
        bad = np.array([nan, inf, -inf])
        at = some(0.01)
        self.wrench[at, rng.integers(0, 6, len(at))] = rng.choice(bad, len(at))
        at = some(0.003)
        self.reference[at, rng.integers(0, 6, len(at))] = rng.choice(bad, len(at))
        for start in some(0.0012):
            self.wrench[start : start + rng.choice([3, 5, 12, 30, 70])] = nan
        self.malformed = {int(i): MALFORMED[rng.integers(len(MALFORMED))] for i in some(0.005)}
        self.usable_shape[list(self.malformed)] = False
        # Time: jitter, dropped steps, steps back, no numbers, no time.
        increments = PERIOD * (1.0 + 0.3 * rng.uniform(-1.0, 1.0, steps))
        at = some(0.01)
        increments[at] = PERIOD * rng.choice([-50.0, -1.0, 0.0, 0.1, 1.7, 2.0, 7.0, 1e5], len(at))
        self.time = np.cumsum(increments)
        clean = self.time.copy()
        self.no_time = np.zeros(steps, dtype=bool)
        self.no_time[some(0.005)] = True
        at = some(0.005)
        self.time[at] = rng.choice(bad, len(at))
        # Stamps: fresh, a little ahead, stale, from the future, no numbers, none.
        age = rng.uniform(-0.9 * PERIOD, 0.9 * SAFETY.max_age, steps)
        at = some(0.01)
        age[at] = rng.choice([0.0201, 0.03, 1.0, 1e9, -0.0051, -0.03, -1e3, nan, inf, -inf], len(at))
        for start in some(0.0008):
            age[start : start + rng.choice([2, 6, 25, 60])] = 0.5
        self.stamp = clean - age
        self.no_stamp = np.zeros(steps, dtype=bool)
        self.no_stamp[some(0.2)] = True
        self.no_stamp |= self.no_time & (rng.random(steps) < 0.5)
        # What the program around the loop does before a step.
        self.before: dict[int, tuple[str, Any]] = {}
        for i in some(0.0012).tolist():
            self.before[i] = ("request", [LAW, STIFFER, STIFFER, UNSTABLE][rng.integers(4)])
        limit = np.array(config.offset_limit)
        for i in some(0.002).tolist():
            self.before[i] = ("reset", (rng.uniform(-1.0, 1.0, 6) * limit).tolist())
        self.before[0] = ("reset", [0.0] * 6)

    def columns(self) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
        """Wrenches, references, times and stamps as they are passed on."""
        wrenches: list[Any] = self.wrench.tolist()
        for i, value in self.malformed.items():
            wrenches[i] = value
        times: list[Any] = self.time.tolist()
        stamps: list[Any] = self.stamp.tolist()
        for i in np.flatnonzero(self.no_time).tolist():
            times[i] = None
        for i in np.flatnonzero(self.no_stamp).tolist():
            stamps[i] = None
        return wrenches, self.reference.tolist(), times, stamps


@dataclass
class Expected:
    """What the oracle says of every step, from the inputs alone."""

    invalid: np.ndarray
    stale: np.ndarray
    timing: np.ndarray
    stopped: np.ndarray
    driven: np.ndarray  # a usable wrench, and not stopped
    law_runs: np.ndarray  # driven, or held with the last wrench
    refused: np.ndarray  # the latest request was refused
    requested: np.ndarray  # there was a request since the reset
    expired: np.ndarray


def expect(case: Case, given: Disturbances, wrench: np.ndarray, accepted: dict[int, bool]) -> Expected:
    """The oracle; accepted says of each request whether the controller took it."""
    steps = given.steps
    index = np.arange(steps)
    resets = np.array(sorted(i for i, (kind, _) in given.before.items() if kind == "reset"))
    segment = resets[np.searchsorted(resets, index, side="right") - 1]  # first step since the reset

    finite = np.isfinite(wrench).all(axis=1) & given.usable_shape
    invalid = ~(finite & np.isfinite(given.reference).all(axis=1))

    time, unchecked = given.time, given.no_time & given.no_stamp
    known = np.isfinite(time) & ~given.no_time
    latest = np.maximum.accumulate(np.where(known, index, -1))
    previous = np.concatenate(([-1], latest[:-1]))  # of the step whose time was known last
    comparable = previous >= segment
    with np.errstate(invalid="ignore", over="ignore"):
        deviation = np.abs(time - time[previous] - PERIOD)
        age = time - given.stamp
        fresh = ~given.no_time & (age >= -PERIOD) & (age <= SAFETY.max_age)
    timing = ~unchecked & (~known | (comparable & ~(deviation <= PERIOD * SAFETY.jitter)))
    stale = ~given.no_stamp & ~fresh

    usable = ~(invalid | stale)
    last_usable = np.maximum.accumulate(np.where(usable, index, -1))
    # Before the first sample there is nothing to hold: the clock stands at the end of the hold.
    missing = np.where(last_usable >= segment, index - last_usable, index - segment + 1 + HOLD)
    overdue = np.where(missing > STOP, index, -1)
    stopped = np.maximum.accumulate(overdue) >= segment
    driven = usable & ~stopped
    law_runs = ~stopped & (missing <= HOLD)

    refused, requested, expired = (np.zeros(steps, dtype=bool) for _ in range(3))
    lived = np.concatenate(([0], np.cumsum(~stopped)))  # an outage uses up the patience too
    for i, (kind, _) in sorted(given.before.items()):
        if kind == "reset":
            refused[i:] = requested[i:] = expired[i:] = False
            continue
        requested[i:] = True
        refused[i:] = not accepted[i]
        if accepted[i] and case.patience is not None:
            expired[i:] = lived[i + 1 :] - lived[i] > case.patience
    return Expected(invalid, stale, timing, stopped, driven, law_runs, refused, requested, expired)


@dataclass
class Record:
    offset: np.ndarray
    start: np.ndarray  # where each step began
    velocity: np.ndarray
    faults: np.ndarray
    wrench: np.ndarray
    accepted: dict[int, bool]


def run(case: Case, controller: AdmittanceController, given: Disturbances) -> Record:
    """The loop: wall and disturbances in, command out."""
    wrenches, references, times, stamps = given.columns()
    steps, shaped, before = given.steps, given.usable_shape.tolist(), given.before
    wall = WALL if case.wall else -inf
    velocity = np.empty((steps, 6))
    offsets: list[list[float]] = []
    flags: list[Fault] = []
    accepted: dict[int, bool] = {}
    restarts: dict[int, list[float]] = {}
    offset = [0.0] * 6
    step = controller.step
    for i in range(steps):
        if i in before:
            kind, what = before[i]
            if kind == "request":
                accepted[i] = controller.request(what)
            else:
                controller.reset(what)
                offset = restarts[i] = what
        wrench = wrenches[i]
        if offset[2] < wall and shaped[i]:
            wrench[2] += WALL_STIFFNESS * (wall - offset[2])
        offset, faults = step(wrench, references[i], times[i], stamps[i])
        offsets.append(offset)
        flags.append(faults)
        velocity[i] = controller.velocity
    result = np.array(offsets)
    start = np.vstack((np.zeros(6), result[:-1]))
    start[list(restarts)] = list(restarts.values())
    felt = np.array([row if ok else [nan] * 6 for row, ok in zip(wrenches, shaped, strict=True)])
    return Record(result, start, velocity, np.array([flag.value for flag in flags]), felt, accepted)


@pytest.mark.parametrize("name", CASES)
def test_a_quarter_of_a_million_steps(name: str) -> None:
    case = CASES[name]
    config = AdmittanceConfig(safety=SAFETY, **case.config)
    given = Disturbances(case, config, STEPS)
    controller = AdmittanceController(LAW, RATE, config, case.contact)
    record = run(case, controller, given)
    expected = expect(case, given, record.wrench, record.accepted)

    def has(fault: Fault) -> np.ndarray:
        return (record.faults & fault.value) != 0

    def agree(fault: Fault, should: np.ndarray) -> None:
        wrong = np.flatnonzero(has(fault) != should)
        assert not len(wrong), f"{fault}: {len(wrong)} steps differ, first {wrong[0]}, due {should[wrong[0]]}"

    # Motion: finite and within every bound, on every step.
    limit, speed = np.array(config.offset_limit), np.array(config.speed_limit)
    moved = np.abs(record.offset - record.start)
    rounding = 4e-16 * limit
    assert np.isfinite(record.offset).all() and np.isfinite(record.velocity).all()
    assert (np.abs(record.offset) <= limit).all()
    assert (moved <= speed * PERIOD + rounding).all()
    assert (np.abs(record.velocity) <= speed).all()
    held = ~np.array(config.selected_axes)
    assert (moved[:, held] == 0.0).all()
    assert (moved[expected.stopped] == 0.0).all() and (record.velocity[expected.stopped] == 0.0).all()

    # Flags: neither missed nor false.
    agree(Fault.INVALID_INPUT, expected.invalid)
    agree(Fault.STALE_WRENCH, expected.stale)
    agree(Fault.TIMING, expected.timing)
    agree(Fault.STOPPED, expected.stopped)
    with np.errstate(invalid="ignore"):
        too_much = (np.abs(record.wrench) > config.wrench_limit).any(axis=1)
        too_far = (np.abs(given.reference) > config.reference_limit).any(axis=1)
    agree(Fault.WRENCH_LIMIT, expected.driven & too_much)
    agree(Fault.REFERENCE_LIMIT, expected.driven & too_far)
    agree(Fault.OFFSET_LIMIT, ~expected.stopped & (np.abs(record.offset) == limit).any(axis=1))
    at_speed = (np.abs(record.velocity) == speed).any(axis=1)
    fast = has(Fault.SPEED_LIMIT)
    assert fast[at_speed].all()
    # The edge of the workspace may stop short a step that was cut for its speed.
    assert (at_speed | (moved >= (1.0 - 1e-9) * speed * PERIOD).any(axis=1) | has(Fault.OFFSET_LIMIT))[
        fast
    ].all()
    agree(Fault.GAIN_EXPIRED, expected.law_runs & expected.expired)
    rejected = has(Fault.GAIN_REJECTED)
    assert rejected[expected.law_runs & expected.refused].all()
    waits = expected.requested if config.gains.tank is not None else expected.refused
    assert not rejected[~(expected.law_runs & waits)].any()
    for i, taken in record.accepted.items():
        assert taken == (case.contact is None or given.before[i][1] is not UNSTABLE)

    # The oracle had something to say.
    seen = {fault for fault in Fault if has(fault).any()}
    never = set() if case.patience else {Fault.GAIN_EXPIRED}
    assert seen == set(Fault) - never - {Fault.FORCE_CEILING}
    assert 0.05 < expected.stopped.mean() < 0.4 and expected.driven.mean() > 0.5
    assert (record.faults == 0).mean() > 0.3
    if case.wall:
        assert (record.offset[:, 2] < WALL).mean() > 0.1
