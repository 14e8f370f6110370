"""Time of a control step, and of the import in a robot program.

    OMP_NUM_THREADS=1 pytest benchmarks/bench_controllers.py

Needs pytest-benchmark; not part of ``make test``. Look at the medians, on a quiet machine. Steps are timed
as in a control program, one call from outside; each round is a thousand steps and the table shows the time
of one. The gain changes are also timed step by step (``extra_info`` and the printed line), because a mean
over ten steps hides what the tenth costs. Targets: 10 us for a step with fixed gains, 20 us with a gain
change every tenth step, 0.15 s for the import.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from math import sin
from typing import Any

import numpy as np
import pytest

from assembly_rl.controllers import (
    AdmittanceConfig,
    AdmittanceController,
    ComplianceLaw,
    ContactConfig,
    ContactWrench,
    Discretization,
    GainConfig,
    ToolConfig,
)

RATE = 200.0
PERIOD = 1.0 / RATE
STEPS = 1000
BOTH = list(Discretization)
LAW = ComplianceLaw.from_diagonals(
    [4.0, 4.0, 4.0, 0.06, 0.06, 0.06], [150.0, 150.0, 800.0, 1.0, 1.0, 1.0], [300.0] * 3 + [3.0] * 3
)
OTHER = ComplianceLaw(LAW.mass, 1.2 * LAW.damping, 0.8 * LAW.stiffness)
CONTACT = ContactConfig([5000.0] * 3 + [20.0] * 3, delay=0.005)
TOOL = ToolConfig([0.0, 0.0, 0.2], 1.2, [0.0, 0.0, 0.06])
ROTATION = (0.1, -0.1, 0.1, 0.97**0.5)
WRENCHES = [[sin(0.01 * i), 0.5, -2.0, 0.01, 0.02 * sin(0.02 * i), 0.0] for i in range(STEPS)]
REFERENCE = [0.0, 0.0, 2.0, 0.0, 0.0, 0.0]
# So slow that a request is always under way: every step has a new step matrix.
SLOW = GainConfig(damping_rate=[50.0] * 6, stiffness_rate=[50.0] * 6, tank=None)


def measure(benchmark: Any, function: Callable[[], object]) -> None:
    """Time rounds of a thousand calls that a function makes."""
    benchmark.pedantic(function, rounds=25, warmup_rounds=2)
    per_call = 1e6 * benchmark.stats.stats.median / STEPS
    benchmark.extra_info["median of one [us]"] = per_call
    print(f"\n{benchmark.name}: {per_call:.2f} us")


def test_a_step_with_fixed_gains(benchmark: Any) -> None:
    """Time a step with wrench and reference as lists, nothing else."""
    controller = AdmittanceController(LAW, RATE)

    def steps() -> None:
        step = controller.step
        for wrench in WRENCHES:
            step(wrench, REFERENCE)

    measure(benchmark, steps)


def test_a_step_with_everything(benchmark: Any) -> None:
    """Time a step from the sensor's reading, with gravity, bias, filter, deadband, time and stamp."""
    config = AdmittanceConfig(cutoff=30.0, deadband=[0.2] * 3 + [0.005] * 3)
    controller, contact = AdmittanceController(LAW, RATE, config, CONTACT), ContactWrench(TOOL)
    contact.bias = (0.1, 0.2, 0.3, 0.01, 0.02, 0.03)
    now = [0.0]

    def steps() -> None:
        step, clock = controller.step, now[0]
        for reading in WRENCHES:
            clock += PERIOD
            step(contact(reading, ROTATION), REFERENCE, clock, clock - 0.002)
        now[0] = clock

    measure(benchmark, steps)


@pytest.mark.parametrize("gains", [SLOW, GainConfig()], ids=["always changing", "default rates"])
@pytest.mark.parametrize("discretization", BOTH, ids=lambda how: how.name)
def test_a_step_with_a_gain_change_every_tenth(
    benchmark: Any, discretization: Discretization, gains: GainConfig
) -> None:
    """Time a step and a tenth of a request."""
    controller = AdmittanceController(LAW, RATE, AdmittanceConfig(discretization=discretization, gains=gains))
    laws = (OTHER, LAW)

    def steps() -> None:
        step = controller.step
        for i, wrench in enumerate(WRENCHES):
            if i % 10 == 0:
                controller.request(laws[(i // 10) % 2])
            step(wrench, REFERENCE)

    measure(benchmark, steps)
    single, now = [], time.perf_counter
    for i, wrench in enumerate(WRENCHES * 5):
        start = now()
        if i % 10 == 0:
            controller.request(laws[(i // 10) % 2])
        controller.step(wrench, REFERENCE)
        single.append(1e6 * (now() - start))
    figures = {
        "median of single steps [us]": statistics.median(single),
        "mean of single steps [us]": statistics.fmean(single),
        "99th percentile [us]": float(np.quantile(single, 0.99)),
    }
    benchmark.extra_info.update(figures)
    print({name: round(value, 1) for name, value in figures.items()})


def test_contact_wrench(benchmark: Any) -> None:
    """Time the correction for bias and weight with the change of centre and axes."""
    contact = ContactWrench(TOOL)

    def calls() -> None:
        for reading in WRENCHES:
            contact(reading, ROTATION)

    measure(benchmark, calls)


@pytest.mark.parametrize("contact", [None, CONTACT], ids=["no check", "contact check"])
def test_a_request(benchmark: Any, contact: ContactConfig | None) -> None:
    """Time a request, for which the program waits; a check computes the closed loop's eigenvalues."""
    controller = AdmittanceController(LAW, RATE, contact=contact)
    laws = (OTHER, LAW)

    def requests() -> None:
        for i in range(STEPS):
            controller.request(laws[i % 2])

    rounds = 25 if contact is None else 5
    benchmark.pedantic(requests, rounds=rounds)
    print(f"\n{benchmark.name}: {1e6 * benchmark.stats.stats.median / STEPS:.1f} us")


@pytest.mark.parametrize(("rate", "delay"), [(200.0, 0.0), (200.0, 0.01), (1000.0, 0.001), (2000.0, 0.0)])
@pytest.mark.parametrize("coupled", [False, True], ids=["diagonal", "coupled"])
def test_a_request_in_the_loop(benchmark: Any, coupled: bool, rate: float, delay: float) -> None:
    """Time every control step with a checked request every tenth: none may take longer than its period."""
    law = LAW.transport(((0.01, -0.02, 0.05), ROTATION), "moved") if coupled else LAW
    contact = ContactConfig(
        [1000.0] * 3 + [10.0] * 3, delay=delay, sensor_cutoff=40.0 if rate < 1e3 else None
    )
    controller = AdmittanceController(law, rate, contact=contact)
    controller.require_requests()
    gains = np.random.default_rng(0).uniform(1.0, 2.0, (STEPS // 10, 6))
    now = time.thread_time
    rounds = []

    def steps() -> None:
        single = []
        controller.reset()
        for i, wrench in enumerate(WRENCHES):
            start = now()
            if i % 10 == 0:
                controller.request(law.damped(gains[i // 10]))
            controller.step(wrench, REFERENCE)
            single.append(1e6 * (now() - start))
        rounds.append(single)

    benchmark.pedantic(steps, rounds=8)
    single = np.array(rounds).min(axis=0)  # what else the processor did is not the controller's
    figures = {
        "median [us]": float(np.median(single)),
        "longest [us]": float(single.max()),
        "period [us]": 1e6 / rate,
    }
    benchmark.extra_info.update(figures)
    print(f"\n{benchmark.name}: { ({name: round(value) for name, value in figures.items()}) }")


@pytest.mark.parametrize("what", ["pass", "import numpy", "import assembly_rl.controllers"])
def test_a_fresh_process(benchmark: Any, what: str) -> None:
    """Time the whole process; the import is the difference to ``pass``."""
    command = [sys.executable, "-c", what]
    benchmark.pedantic(lambda: subprocess.run(command, check=True), rounds=15, warmup_rounds=1)
    print(f"\n{what}: {1e3 * benchmark.stats.stats.median:.0f} ms")
