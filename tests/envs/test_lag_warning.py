"""A law that the robot's largest lag and delay make unstable is warned of, not refused."""

import warnings
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest

from assembly_rl.controllers.contact_loop import ContactLoop
from assembly_rl.controllers.validation import InputWarning
from assembly_rl.envs import PegInHoleEnv, TaskConfig
from assembly_rl.envs.config import ComplianceConfig, RandomizationConfig
from assembly_rl.envs.robots.config import ResponseConfig, RobotConfig

SOFT = ComplianceConfig(mass=[4.0] * 3 + [0.06] * 3, damping=[150.0, 150.0, 800.0, 1.0, 1.0, 1.0])


def task(lag: float, delay: float, **changes: object) -> TaskConfig:
    response = ResponseConfig(lag=[0.0, lag], delay=[0.0, delay])
    return TaskConfig(**({"compliance": SOFT, "robot": RobotConfig(response=response)} | changes))  # type: ignore[arg-type]


def warned(own: TaskConfig) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        PegInHoleEnv(task=own).close()
    return [str(of.message) for of in caught if issubclass(of.category, InputWarning)]


def test_the_default_task_is_stable_at_its_largest_lag() -> None:
    assert warned(TaskConfig()) == []


def test_the_largest_lag_and_delay_are_those_of_the_response() -> None:
    own = task(0.03, 0.005)
    own = replace(own, sensor=replace(own.sensor, delay=0.005), compliance=replace(SOFT, check_contact=False))
    contact = own.slowest_contact()
    assert (contact.lag, contact.delay, contact.sensor_cutoff) == (0.03, pytest.approx(0.01), 40.0)
    # Damping over stiffness of the servo, 8.08 ms and 8.85 ms, less a physics step of 1 ms.
    assert contact.lead == pytest.approx(2 * 0.7 * (1.0 / 3e4) ** 0.5 - 0.001)
    assert own.stiffest_contact().lead is None and own.stiffest_contact().lag == 0.0


def test_a_warning_names_a_damping_that_holds() -> None:
    (text,) = warned(task(0.04, 0.01))
    assert "x 30000 (stable up to" in text and "rz 500 (stable up to" in text and " z 30000" not in text
    values = [float(value) for value in text.partition("damping=[")[2].partition("]")[0].split(",")]
    held = task(0.04, 0.01, compliance=replace(SOFT, damping=values))
    assert warned(held) == []
    less = np.array(values) * [0.9, 0.9, 1.0, 0.9, 0.9, 0.9]
    assert warned(task(0.04, 0.01, compliance=replace(SOFT, damping=less.tolist())))


def test_the_lowest_random_damping_counts() -> None:
    law = ComplianceConfig(mass=[2.0] * 3 + [0.03] * 3, damping=[450.0, 450.0, 800.0, 6.7, 6.7, 6.7])
    assert warned(task(0.04, 0.01, compliance=law)) == []
    (text,) = warned(task(0.04, 0.01, compliance=law, randomization=RandomizationConfig(gains=[0.95, 1.0])))
    assert "rx 500 (stable up to" in text and "stiffness x 30000" not in text


def test_who_asks_for_no_check_is_not_warned_and_an_endless_delay_is_told() -> None:
    assert warned(task(0.04, 0.01, compliance=replace(SOFT, check_contact=False))) == []
    assert "delay must be <= 50 control periods" in warned(task(0.0, 0.5))[0]


def test_worker_processes_are_silent() -> None:
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(warned, (task(0.04, 0.01),)) == []


def test_the_refusal_knows_no_lag() -> None:
    own = task(0.04, 0.01)
    assert ContactLoop(own.law(), own.control_rate, own.stiffest_contact()).is_stable()
