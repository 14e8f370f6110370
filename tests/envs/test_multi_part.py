"""An environment of many parts: which part, its state, its memory; and what critics see besides."""

import json
from typing import Any

import gymnasium
import numpy as np
import pytest

from assembly_rl.controllers.insertion.observation_terms import LIMIT
from assembly_rl.envs import MultiPartEnv, PegHole, PegInHoleEnv, multi_part
from assembly_rl.envs.geometry.descriptor import DIRECTIONS, support_function
from assembly_rl.envs.privileged import PRIVILEGED_NAMES, PrivilegedObservation

SHORT = {
    "limits": {"time": 0.4},
    "path": {"start_height": 0.0005},
    "randomization": {"friction": [0.1, 0.5]},
    "robot": {"response": {"lag": [0.0, 0.04], "delay": [0.0, 0.01]}},
}
PARTS = ("square", "triangle", "L", "hexagon")


def run(env: gymnasium.Env[Any, Any], actions: np.ndarray) -> list[Any]:
    """Observations and rewards of steps, on through the next episodes."""
    seen: list[Any] = []
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(action)
        seen += [observation.tolist(), reward, info.get("part")]
        if terminated or truncated:
            observation, info = env.reset()
            seen += [observation.tolist(), info["part"]]
    return seen


def actions(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1.0, 1.0, (count, 6))


def test_every_part_is_drawn_equally_often() -> None:
    env = MultiPartEnv(PARTS, SHORT)
    env.reset(seed=0)
    drawn = [env.reset()[1]["part"] for _ in range(200)]
    assert all(30 < drawn.count(name) < 70 for name in PARTS)
    env.close()


def test_an_episode_is_that_of_the_part_alone() -> None:
    env = MultiPartEnv(PARTS, SHORT)
    for seed in range(4):
        observation, info = env.reset(seed=seed)
        alone = PegInHoleEnv(info["part"], SHORT)
        generator = gymnasium.utils.seeding.np_random(seed)[0]
        generator.integers(len(PARTS))
        alone.np_random = generator
        assert alone.reset()[0].tolist() == observation.tolist()
        for action in actions(8):
            one, other = env.step(action), alone.step(action)
            assert one[0].tolist() == other[0].tolist() and one[1:4] == other[1:4]
        alone.close()
    env.close()


@pytest.mark.parametrize("begun", [False, True])
def test_a_state_is_restored_exactly_in_another_environment(begun: bool) -> None:
    env, other = MultiPartEnv(PARTS, SHORT), MultiPartEnv(PARTS, SHORT)
    env.reset(seed=5)
    if begun:
        run(env, actions(13))
    other.reset(seed=6)
    other.set_state(json.loads(json.dumps(env.get_state())))
    assert run(other, actions(20)) == run(env, actions(20))
    env.close()
    other.close()


def test_the_oldest_environments_are_closed_and_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = MultiPartEnv(PARTS, SHORT)
    whole.reset(seed=2)
    monkeypatch.setattr(multi_part, "KEPT", 2)
    few = MultiPartEnv(PARTS, SHORT)
    few.reset(seed=2)
    assert run(few, actions(40)) == run(whole, actions(40))
    whole.close()
    few.close()


@pytest.mark.parametrize("state", [{}, {"part": 4, "environment": {}}, {"part": True, "environment": {}}, 3])
def test_another_state_is_refused(state: Any) -> None:
    env = MultiPartEnv(PARTS, SHORT)
    with pytest.raises(ValueError, match="index of one of 4 parts"):
        env.set_state(state)
    env.close()


def test_without_a_part_it_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one part"):
        MultiPartEnv([])


def test_critics_see_the_true_pose_and_the_conditions() -> None:
    env = PrivilegedObservation(MultiPartEnv(["L"], SHORT))
    own = env.unwrapped.present
    seen, _ = env.reset(seed=3)
    assert env.observed == len(own.observation_names)
    assert seen.shape == (env.observed + len(PRIVILEGED_NAMES),) == env.observation_space.shape
    named = dict(zip(PRIVILEGED_NAMES, seen[env.observed :].tolist(), strict=True))
    conditions = own._conditions
    assert named["friction"] == pytest.approx(conditions.friction / 0.3)
    assert named["lag"] == pytest.approx(conditions.response.lag / 0.02)
    assert named["clearance"] == pytest.approx(1.0)
    observation, _, _, _, info = env.step(np.zeros(6))
    named = dict(zip(PRIVILEGED_NAMES, observation[env.observed :].tolist(), strict=True))
    scale = own.task.observation.pose_scale
    x, y, z = (scale[axis] * named[f"true_{name}"] for axis, name in enumerate("xyz"))
    assert np.hypot(x, y) == pytest.approx(info["lateral"], abs=1e-8)
    assert -z == pytest.approx(info["depth"], abs=1e-8)
    angle = [scale[3 + axis] * named[f"true_r{name}"] for axis, name in enumerate("xyz")]
    assert np.linalg.norm(angle) == pytest.approx(info["angle"], abs=1e-7)
    assert np.abs(observation[env.observed :]).max() <= LIMIT
    env.close()


def test_the_support_function_is_the_extent_in_each_direction() -> None:
    part = PegHole("square", {"width": 0.02})
    extents = support_function(part)
    assert extents.shape == (DIRECTIONS,)
    assert extents[0] == pytest.approx(0.01)
    assert extents[DIRECTIONS // 8] == pytest.approx(0.01 * np.sqrt(2.0))
