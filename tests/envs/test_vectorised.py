"""Stable-Baselines3 and its vectorised environments."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv

from assembly_rl.envs import PegInHoleEnv

TASK = {"limits": {"time": 0.4}, "path": {"start_height": 0.0005}}


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSEMBLY_RL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.mark.filterwarnings("error")
def test_stable_baselines3_has_no_complaints() -> None:
    check_env(PegInHoleEnv(), warn=True)


def rollout(envs: VecEnv, steps: int = 20) -> tuple[list[np.ndarray], list[dict]]:
    """Two episodes and a half."""
    rng = np.random.default_rng(0)
    envs.seed(5)
    arrays, ends = [envs.reset()], []
    for _ in range(steps):
        observations, rewards, dones, infos = envs.step(rng.uniform(-1.0, 1.0, (2, 6)).astype(np.float32))
        arrays += [observations, rewards, dones]
        ends += [{"result": i["result"], "last": i["terminal_observation"]} for i in infos if "result" in i]
    envs.close()
    return arrays, ends


def test_workers_and_one_process_agree_to_the_bit() -> None:
    makers = [partial(PegInHoleEnv, task=TASK)] * 2
    arrays, ends = rollout(DummyVecEnv(makers))
    others, other_ends = rollout(SubprocVecEnv(makers, start_method="spawn"))
    assert len(ends) == len(other_ends) >= 4
    for one, other in zip(arrays, others, strict=True):
        np.testing.assert_array_equal(one, other.astype(one.dtype))  # rewards: float32 here, float64 there
    for one, other in zip(ends, other_ends, strict=True):
        assert one["result"] == other["result"]
        np.testing.assert_array_equal(one["last"], other["last"])


def test_each_environment_is_the_one_of_its_seed() -> None:
    arrays, _ = rollout(DummyVecEnv([partial(PegInHoleEnv, task=TASK)] * 2), 5)
    rng = np.random.default_rng(0)
    singles = [PegInHoleEnv(task=TASK) for _ in range(2)]
    expected = [np.array([env.reset(seed=5 + i)[0] for i, env in enumerate(singles)])]
    for _ in range(5):
        actions = rng.uniform(-1.0, 1.0, (2, 6)).astype(np.float32)
        expected.append(np.array([env.step(a)[0] for env, a in zip(singles, actions, strict=True)]))
    np.testing.assert_array_equal(np.array([arrays[0], *arrays[1::3]]), expected)
