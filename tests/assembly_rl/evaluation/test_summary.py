import math

import numpy as np
import pytest

from assembly_rl.controllers import FixedGuidance
from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig
from assembly_rl.evaluation import (
    Evaluator,
    GuidedPolicy,
    Scenario,
    best_validation,
    mcnemar,
    summarize,
    wilson_interval,
)
from assembly_rl.evaluation.episodes import run_episode


@pytest.mark.parametrize(("successes", "trials"), [(0, 50), (49, 50), (7, 10)])
def test_wilson_interval_by_its_formula(successes: int, trials: int) -> None:
    z, p = 1.959963984540054, successes / trials
    centre = (p + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials**2))
    assert wilson_interval(successes, trials) == pytest.approx((centre - half, centre + half), abs=1e-12)


def row(success: bool, time: float, peak: float, valid: bool = True) -> dict:
    result = "success" if success else "timeout" if valid else "certificate_failed"
    return {
        "success": success,
        "result": result,
        "time": time,
        "peak_force": peak,
        "force_p95": 0.5 * peak,
        "peak_moment": 0.1,
        "reward": time,
        "certificate_valid": valid,
    }


def test_mcnemar_by_hand() -> None:
    good, bad = row(True, 2.0, 10.0), row(False, 5.0, 30.0)
    effect = mcnemar([good] * 6 + [bad, bad], [bad] * 5 + [good, good, bad])
    assert (effect.lost, effect.gained) == (5, 1)
    assert effect.p == pytest.approx(2 * (1 + 6) / 2**6)  # one or none of six fair coins, on either side
    assert mcnemar([good, bad], [good, bad]).p == 1.0
    with pytest.raises(ValueError, match="zip"):
        mcnemar([good], [])


def test_the_best_validation_has_most_successes_then_speed_and_is_the_latest_of_equals() -> None:
    def best(*outcomes: tuple[float, float]) -> int:
        rows = [{"step": step, "success": s, "time": t} for step, (s, t) in enumerate(outcomes)]
        return best_validation(rows)["step"]

    assert best((0.5, 1.0), (0.75, 9.0), (0.5, 1.0)) == 1
    assert best((0.5, 2.0), (0.5, 1.0), (0.5, 3.0)) == 1
    assert best((0.5, 2.0), (0.5, 2.0)) == 1
    assert best((0.0, math.nan), (0.0, math.nan)) == 1
    assert best((0.1, 9.0), (0.0, math.nan)) == 0


def test_summary_by_hand() -> None:
    rows = [row(True, 2.0, 10.0), row(True, 3.0, 12.0), row(False, 5.0, 30.0), row(False, 1.0, 50.0, False)]
    summary = summarize(rows)
    assert summary.success == 0.5
    assert summary.time == 2.5  # of the successes alone
    assert summary.peak_force == 21.0
    assert summary.force_p95 == 10.5
    assert summary.reward == 11.0 / 4.0
    assert summary.results == {"success": 2, "timeout": 1, "certificate_failed": 1}
    assert summary.certificates_failed == 1
    assert math.isnan(summarize([row(False, 5.0, 1.0)]).time)


def test_an_episode_row_is_what_the_environment_told() -> None:
    exact = {"randomization": {"hole_estimate": {"lateral": 0.0, "tilt": 0.0, "yaw": 0.0}}}
    environment = PegInHoleEnv(task={**exact, "action": {"dither": [0.0] * 6}})
    agent = GuidedPolicy(FixedGuidance(force=4.0), environment.task.action.wrench)
    told = run_episode(environment, agent, seed=5)
    observation, info = environment.reset(seed=5)
    force, reward, steps, ended = [], 0.0, 0, False
    push = -4.0 / environment.task.action.wrench[2]
    while not ended:
        action = np.array([0.0, 0.0, push, 0.0, 0.0, 0.0], dtype=np.float32)
        observation, gain, terminated, truncated, info = environment.step(action)
        force.extend(info["force"])
        reward, steps, ended = reward + gain, steps + 1, terminated or truncated
    assert told["result"] == info["result"] == "success"
    assert told["reward"] == reward
    assert told["steps"] == steps
    assert told["time"] == steps / 20.0
    assert told["peak_force"] == max(force)
    assert told["impulse"] == pytest.approx(sum(force) * 0.005)


def test_workers_give_the_rows_of_this_process() -> None:
    scenario = Scenario(PegHole("L"), TaskConfig())
    agent = GuidedPolicy(FixedGuidance(), scenario.task.action.wrench)
    environment = PegInHoleEnv(scenario.part, scenario.task)
    here = [run_episode(environment, agent, seed) for seed in range(40, 45)]
    with Evaluator(2) as evaluator:
        assert evaluator.evaluate(scenario, agent, 5, 40) == here
