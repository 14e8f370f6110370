"""A tiny stochastic training; run as a script, it is the process that the tests stop and resume."""

import argparse
import os
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import DDPG, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.noise import OrnsteinUhlenbeckActionNoise
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

from assembly_rl.accelerators.processes import shielded
from assembly_rl.learners import off_policy
from assembly_rl.runs import Checkpointer, RowLog, RunDirectory, learn_until, resume_run

torch.set_num_threads(1)


class Drift(gym.Env):
    """A point drifts at random and is pushed; episodes end at random. State comes back by replay."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (3,), np.float32)
    action_space = gym.spaces.Box(-2.0, 2.0, (2,), np.float32)

    def __init__(self):
        self.action_space = gym.spaces.Box(-2.0, 2.0, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._begin()
        return self._observe(), {}

    def _begin(self):
        self._start = self.np_random.bit_generator.state
        self._actions = []
        self._position = self.np_random.normal(size=3)

    def _observe(self):
        return self._position.astype(np.float32)

    def step(self, action):
        self._actions.append([float(value) for value in action])
        push = np.array([*action, 0.0])
        self._position = 0.9 * self._position + 0.1 * push + self.np_random.normal(0, 0.05, 3)
        terminated = bool(self.np_random.random() < 0.1)
        info = {"is_success": bool(self._position[0] > 0)}
        return self._observe(), -float(np.sum(self._position**2)), terminated, len(self._actions) >= 20, info

    def get_state(self):
        return {"start": self._start, "actions": self._actions}

    def set_state(self, state):
        self.np_random.bit_generator.state = state["start"]
        self._begin()
        for action in state["actions"]:
            self.step(np.array(action, np.float32))


def make_env():
    return Monitor(gym.wrappers.OrderEnforcing(gym.wrappers.TimeLimit(Drift(), 15)))


def decay(progress: float) -> float:
    return 1e-2 * progress


def make_model(
    algorithm: str, n_envs: int = 1, subprocess: bool = False, width: int = 16, **options
) -> BaseAlgorithm:
    factories = [shielded(make_env)] * n_envs
    venv = SubprocVecEnv(factories) if subprocess else DummyVecEnv(factories)
    common = {
        "policy": "MlpPolicy",
        "env": venv,
        "seed": 7,
        "device": "cpu",
        "batch_size": 16,
        "learning_rate": decay,
        "policy_kwargs": {"net_arch": [width]},
    }
    if algorithm == "PPO":
        return PPO(**common | {"n_steps": 32, "n_epochs": 2} | options)
    noise = OrnsteinUhlenbeckActionNoise(np.full(2, 0.1, np.float32), np.full(2, 0.3, np.float32))
    own = common | {"learning_starts": 43, "buffer_size": 150, "action_noise": noise} | options
    if algorithm.startswith("fast "):
        overlapped = own.pop("overlapped", False)
        model = getattr(off_policy, algorithm.removeprefix("fast "))(**own)
        model.overlapped = overlapped
        return model
    return {"DDPG": DDPG, "TD3": TD3, "SAC": SAC}[algorithm](**own)


class EpisodeRows(BaseCallback):
    """Logs the episodes; breaks off, pauses or signals where a test says so."""

    def __init__(self, rows: RowLog, at_step=None):
        super().__init__()
        self.rows = rows
        self.at_step = at_step or (lambda step: None)

    def _on_step(self):
        for info in self.locals["infos"]:
            if "episode" in info:
                self.rows.append(
                    self.num_timesteps, {"return": info["episode"]["r"], "length": info["episode"]["l"]}
                )
        self.at_step(self.num_timesteps)
        return True


def train(folder, make, total, every=50, resume=False, at_step=None):
    """Train in a run directory, as a train command does; returns the model and the checkpointer."""
    run = RunDirectory.open(folder) if resume else RunDirectory.create(folder, {"lr": 1e-2}, ["toy"], seed=7)
    model = make()
    try:
        with run.claimed(), Checkpointer(run, every) as checkpointer:
            if resume:
                resume_run(run, model, print)
            rows = RowLog(run.episodes, ["return", "length"])
            learn_until(model, total, [EpisodeRows(rows, at_step), checkpointer], log_interval=None)
    finally:
        model.env.close()
    return model, checkpointer


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("total", type=int)
    parser.add_argument("--algorithm", default="SAC")
    parser.add_argument("--subprocess", action="store_true")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--pause", type=int, default=-1)
    arguments = parser.parse_args()

    def pause(step):
        """Tell the test the step has come and wait for its signal."""
        if step == arguments.pause:
            print("paused", os.getpid(), flush=True)
            input()

    def make():
        n_envs = 2 if arguments.subprocess else 1
        return make_model(arguments.algorithm, n_envs, arguments.subprocess)

    _, checkpointer = train(arguments.folder, make, arguments.total, resume=arguments.resume, at_step=pause)
    print("interrupted" if checkpointer.interrupted else "finished", flush=True)
