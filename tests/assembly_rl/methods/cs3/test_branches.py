"""The two ways to CS3 agree on the real task."""

from dataclasses import replace

import numpy as np
import torch
from quick_task import QUICK_TASK

from assembly_rl.controllers.insertion import LimitConfig
from assembly_rl.envs import PegHole, PegInHoleEnv
from assembly_rl.evaluation import Scenario
from assembly_rl.methods.cs3.branches import reference
from assembly_rl.methods.cs3.estimate import Transitions, estimate

torch.set_num_threads(1)
TASK = replace(QUICK_TASK, limits=LimitConfig(time=1.5))
"""Short episodes: for each coalition the simulator repeats one up to a state."""


def random_steps(count: int) -> Transitions:
    environment = PegInHoleEnv(PegHole(), TASK)
    rng = np.random.default_rng(0)
    rows, age = [], 0
    state, _ = environment.reset(seed=0)
    while len(rows) < count:
        action = rng.uniform(-1.0, 1.0, 6).astype(np.float32)
        following, _, terminated, truncated, _ = environment.step(action)
        rows.append((state, action, following - state, age))
        state, age = following, age + 1
        if terminated or truncated:
            state, age = environment.reset()[0], 0
    environment.close()
    return Transitions(*(np.array(part) for part in zip(*rows, strict=True)))


def test_models_and_simulator_find_the_same_influences() -> None:
    told: list[int] = []
    branches = reference(Scenario(PegHole(), TASK), 8, 2, told.append)
    assert branches.shape == (2, 18, 6) and told == [4, 8]
    models = estimate(random_steps(1200), seed=0, shuffles=1).values.mean(0)
    mean = branches.mean(0)
    np.testing.assert_array_equal(mean[12:] > 0.3, np.eye(6, dtype=bool))  # of the last action
    assert np.corrcoef(models.ravel(), mean.ravel())[0, 1] > 0.85
