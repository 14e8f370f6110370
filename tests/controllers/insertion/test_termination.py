"""Every outcome of an insertion, its limit to the last digit, and which comes first."""

from math import inf, nan, nextafter

import numpy as np
import pytest

from assembly_rl.controllers import Result
from assembly_rl.controllers.insertion import InsertionConfig, LimitConfig, Termination

LIMITS = LimitConfig(time=2.0, goal_margin=0.001, force=30.0, moment=1.5, lateral=0.008, angle=0.175)
TERMINATION = Termination(InsertionConfig(policy_rate=20.0, limits=LIMITS), hole_depth=0.025)
CENTRED = [0.0] * 6


def above(value: float) -> float:
    return nextafter(value, inf)


@pytest.mark.parametrize(
    ("wrench", "result"),
    [
        ([0.0] * 6, None),
        ([0.0, 0.0, -30.0, 0.0, 0.0, 1.5], None),
        ([0.0, 0.0, -above(30.0), 0.0, 0.0, 0.0], Result.force_limit),
        ([18.0, 24.001, 0.0, 0.0, 0.0, 0.0], Result.force_limit),
        ([0.0, 0.0, 0.0, 0.0, above(1.5), 0.0], Result.moment_limit),
        ([40.0, 0.0, 0.0, 0.0, 2.0, 0.0], Result.force_limit),
        ([nan] * 6, None),
        ([nan, 0.0, 0.0, 0.0, 2.0, 0.0], Result.moment_limit),
        ([inf, nan, 0.0, 0.0, 0.0, 0.0], Result.force_limit),
    ],
)
def test_wrench(wrench: list, result: Result | None) -> None:
    assert TERMINATION.of_wrench(wrench) is result
    assert TERMINATION.of_wrench(tuple(wrench)) is result


@pytest.mark.parametrize(
    ("pose", "depth", "steps", "result"),
    [
        (CENTRED, 0.0, 0, None),
        (CENTRED, 0.0, 39, None),
        (CENTRED, 0.0, 40, Result.timeout),
        (CENTRED, 0.0, 41, Result.timeout),
        (CENTRED, 0.025 - 0.001, 1, Result.success),
        (CENTRED, nextafter(0.025 - 0.001, 0.0), 1, None),
        ([0.008, 0.0, 0.0, 0.0, 0.0, 0.175], 0.0, 1, None),
        ([0.0, -above(0.008), 0.0, 0.0, 0.0, 0.0], 0.0, 1, Result.workspace),
        ([0.006, 0.0053, 0.0, 0.0, 0.0, 0.0], 0.0, 1, Result.workspace),
        ([0.0, 0.0, 1.0, 0.0, 0.0, 0.0], 0.0, 1, None),
        ([0.0, 0.0, 0.0, above(0.175), 0.0, 0.0], 0.0, 1, Result.workspace),
        ([0.0, 0.0, 0.0, 0.1, 0.1, 0.11], 0.0, 1, Result.workspace),
        ([0.02, 0.0, 0.0, 0.0, 0.0, 0.0], 0.024, 99, Result.success),
        ([0.02, 0.0, 0.0, 0.0, 0.0, 0.0], 0.0, 99, Result.workspace),
    ],
)
def test_pose(pose: list, depth: float, steps: int, result: Result | None) -> None:
    assert TERMINATION.of_pose(pose, depth, steps) is result
    assert TERMINATION.of_pose(np.array(pose), depth, steps) is result


def test_the_goal() -> None:
    assert TERMINATION.goal_depth == 0.025 - 0.001
    assert TERMINATION.is_success(0.024) and not TERMINATION.is_success(0.0239)
    assert TERMINATION.max_steps == 40


def test_the_shortest_episode_has_a_step() -> None:
    config = InsertionConfig(policy_rate=20.0, limits=LimitConfig(time=0.001))
    assert Termination(config, 0.025).of_pose(CENTRED, 0.0, 1) is Result.timeout
