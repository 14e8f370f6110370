"""The order of a training's phases, and the shares of its time."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv

from assembly_rl.learners.config import PPOConfig, TD3Config
from assembly_rl.runs import learn_until
from assembly_rl.training import speed as clock
from assembly_rl.training.loop import TrainingLoop
from assembly_rl.training.method import Phases
from assembly_rl.training.model import make_model
from assembly_rl.training.speed import SpeedLog

torch.set_num_threads(1)


class Rest(gymnasium.Env):
    """An environment in which nothing happens."""

    observation_space = Box(-1.0, 1.0, (2,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return np.zeros(2, np.float32), 0.0, False, False, {}


class Recorder:
    """Notes the calls of its methods, whatever they are called."""

    seconds = 0.0

    def __init__(self, name: str, calls: list[str]) -> None:
        self._name, self._calls = name, calls

    def __getattr__(self, call: str) -> Any:
        return lambda *arguments: self._calls.append(f"{self._name}.{call}")


class RecordingPhases(Phases):
    """Notes the moments of a training."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self._name, self._calls = name, calls

    def before_rollout(self) -> None:
        self._calls.append(f"{self._name}.before_rollout")

    def after_step(self, infos: Sequence[dict[str, Any]]) -> None:
        assert len(infos) == 1
        self._calls.append(f"{self._name}.after_step")

    def after_rollout(self) -> None:
        self._calls.append(f"{self._name}.after_rollout")


class RecordingCheckpointer(BaseCallback):
    """Stands in for the checkpointer, and stops the training before a step."""

    def __init__(self, calls: list[str], last: int = 10_000) -> None:
        super().__init__()
        self._calls, self._last = calls, last

    def _on_training_start(self) -> None:
        self._calls.append("checkpoint.training_start")

    def _on_rollout_start(self) -> None:
        self._calls.append("checkpoint.rollout_start")

    def _on_step(self) -> bool:
        self._calls.append("checkpoint.step")
        return self.num_timesteps < self._last

    def _on_rollout_end(self) -> None:
        self._calls.append("checkpoint.rollout_end")

    def _on_training_end(self) -> None:
        self._calls.append("checkpoint.training_end")


def loop_of(calls: list[str], validates: bool = True, last: int = 10_000) -> TrainingLoop:
    episodes, validation, speed, progress = (
        Recorder(name, calls) for name in ("episodes", "validation", "speed", "progress")
    )
    methods = [RecordingPhases("first", calls), RecordingPhases("second", calls)]
    parts: Any = (episodes, validation if validates else None, speed, progress)
    return TrainingLoop(methods, RecordingCheckpointer(calls, last), *parts)


START = ["speed.begin", "checkpoint.training_start", "validation.begin"]
BEFORE = [
    "speed.learning_ended", "first.before_rollout", "second.before_rollout", "speed.method_ended",
    "checkpoint.rollout_start",
]  # fmt: skip
STEP = [
    "first.after_step", "second.after_step", "checkpoint.step", "episodes.add", "validation.after_step",
    "progress.update",
]  # fmt: skip
AFTER = ["speed.rollout_ended", "first.after_rollout", "second.after_rollout", "checkpoint.rollout_end"]
END = ["speed.learning_ended", "checkpoint.training_end"]


def test_the_phases_come_in_their_order_around_each_step() -> None:
    calls: list[str] = []
    model = make_model(TD3Config(network=[4], learning_starts=1), DummyVecEnv([Rest]), seed=0)
    train = model.train
    model.train = lambda *arguments, **options: (calls.append("update"), train(*arguments, **options))  # type: ignore[method-assign]
    learn_until(model, 3, [loop_of(calls)])
    rollout = [*BEFORE, *STEP, *AFTER]
    assert calls == [*START, *rollout, *rollout, "update", *rollout, "update", *END]


def test_a_rollout_of_several_steps_is_one() -> None:
    calls: list[str] = []
    model = make_model(PPOConfig(network=[4], rollout=2, batch_size=2, epochs=1), DummyVecEnv([Rest]), seed=0)
    learn_until(model, 2, [loop_of(calls)])
    assert calls == [*START, *BEFORE, *STEP, *STEP, *AFTER, *END]


def test_a_process_that_only_learns_does_not_validate() -> None:
    calls: list[str] = []
    model = make_model(TD3Config(network=[4], learning_starts=9), DummyVecEnv([Rest]), seed=0)
    loop = loop_of(calls, validates=False)
    learn_until(model, 2, [loop])
    assert "episodes.add" in calls and not [call for call in calls if call.startswith("validation")]
    assert loop.validation_time == 0.0


def test_the_checkpointer_ends_a_training_after_its_step_is_noted() -> None:
    calls: list[str] = []
    model = make_model(TD3Config(network=[4], learning_starts=9), DummyVecEnv([Rest]), seed=0)
    learn_until(model, 5, [loop_of(calls, last=2)])
    assert model.num_timesteps == 2
    assert calls == [*START, *BEFORE, *STEP, *AFTER, *BEFORE, *STEP, *END]


class Clock:
    """A clock that only moves when it is told to."""

    now = 100.0

    def perf_counter(self) -> float:
        return self.now


class Estimate(Phases):
    """A method whose estimate before each rollout takes 5 s."""

    def __init__(self, time: Clock) -> None:
        self._time = time

    def before_rollout(self) -> None:
        self._time.now += 5.0


def test_an_estimate_between_rollouts_is_the_methods_time_and_not_the_learners(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rollout of 3 s, an update of 2 s, an estimate of 5 s, three times; a validation of 1 s in each."""
    time = Clock()
    monkeypatch.setattr(clock, "time", time)
    calls: list[str] = []
    validation, progress, episodes = (Recorder("", calls) for _ in range(3))
    speed = SpeedLog(updates_per_step=4.0)
    recorded: dict[str, float] = {}
    logger = SimpleNamespace(record=recorded.__setitem__)
    model: Any = SimpleNamespace(num_timesteps=0, _n_updates=0, logger=logger, copying=0.0)
    parts: Any = (RecordingCheckpointer(calls), episodes, validation, speed, progress)
    loop = TrainingLoop([Estimate(time)], *parts)
    loop.init_callback(model)
    loop.on_training_start({"infos": []}, {})
    for number in range(3):
        loop.on_rollout_start()
        time.now += 3.0
        model.num_timesteps += 400
        validation.seconds = number + 1.0
        time.now += 1.0
        assert loop.on_step()
        loop.on_rollout_end()
        time.now += 2.0
        model._n_updates += 1600
        model.copying += 0.5
    loop.on_training_end()
    found = speed.measured(model, loop.validation_time)
    whole = 3 * (5.0 + 3.0 + 1.0 + 2.0)
    assert found == pytest.approx(
        {
            "steps": 1200 / whole,
            "environment": 9.0 / whole,
            "learner": (6.0 - 1.5) / whole,
            "copies": 1.5 / whole,
            "method": 15.0 / whole,
            "validation": 3.0 / whole,
            "updates": 4.0 * 1200 / 6.0,
        }
    )
    assert sum(found[name] for name in clock.SHARES) == pytest.approx(1.0)
    assert recorded["speed/method"] == pytest.approx(15.0 / whole)
